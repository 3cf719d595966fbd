"""Phases 3 to 7: what is billed against what exists. Pure: records in, outcomes out.

For every id seen in billing, in the inventory or among the open states:

| charged | listed | its scope complete | then                                                           |
|---------|--------|--------------------|----------------------------------------------------------------|
| yes     | yes    |                    | live, cost known                                               |
| no      | yes    |                    | live; cost 0 if it is free, else not known yet                 |
| yes     | no     | yes                | provisional zombie; zombie once an hour that began later is billed |
| yes     | no     | no                 | the last state, with the cost of today                         |
| no      | no     | yes                | gone                                                           |
| no      | no     | no                 | the last state, stale                                          |

A provider without an inventory lists nothing: what it bills is live, and its billing source is the scope.
Where the bill could not be read to its end, nothing is known of charges: what is listed keeps the cost of its state,
and what is not listed keeps its state and is stale. Where a list failed, nothing is known of what it holds: a volume
that shows no server keeps the one of its state, and is an orphan only if it was one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from providers.contract.records import (
    ChargeRecord,
    Rate,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
    Scope,
    Specification,
)

from .billing import BilledResource, Ledger
from .grouping import Grouping, family
from .records import AMOUNT_QUANTUM, Carried, Cost, Form, Gone, Kept, OpenState, Outcome, scope_key

VOLUME_NAME_PREFIX = "disk-for-"
"""A boot volume that names its server, where no attachment says so."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What the matching phases look things up in. Ids are the provider's.

    `listed` maps every listed id to its family; `complete_scopes` holds the keys of scopes that were listed
    completely (or do not exist there); `open_states` are the connection's open states by id, `known_parents` the
    parents of those that have one, where somebody may have to ask.
    """

    observed_at: datetime
    has_inventory: bool
    grouping: Grouping
    ledger: Ledger
    listed: Mapping[str, str]
    complete_scopes: Collection[str]
    open_states: Mapping[str, OpenState]
    known_parents: Mapping[str, str] = field(default_factory=dict)
    is_bill_complete: bool = True
    is_inventory_complete: bool = True

    def is_live(self, resource_id: str) -> bool:
        return (
            resource_id in self.listed
            or resource_id in self.ledger.resources
            or resource_id in self.open_states
        )


def servers(listed: Iterable[ResourceRecord], world: World, names: ServerNames) -> Iterator[Outcome]:
    """Phase 3: live servers enriched from the inventory; billed and absent ones become zombies."""
    for record in listed:
        names.add(record)
        yield live_form(record, world)
    yield from absent("servers", world)


def volumes(listed: Iterable[ResourceRecord], world: World, names: ServerNames) -> Iterator[Outcome]:
    """Phase 4: each volume joins its server by attachment or by name; else it is an orphan, if all was looked at."""
    for record in listed:
        form = live_form(record, world)
        parent_id = form.parent_id or names.server_of(record)
        is_certain = form.is_orphan or (record.is_parent_known and world.is_inventory_complete)
        if not parent_id and not is_certain:
            parent_id = _known_parent(record, world)
        is_orphan = form.is_orphan or (not parent_id and (is_certain or _was_orphan(record, world)))
        if (parent_id, is_orphan) != (form.parent_id, form.is_orphan):
            form = replace(form, parent_id=parent_id, is_orphan=is_orphan)
        yield form
    yield from absent("volumes", world)


def file_storage(listed: Iterable[ResourceRecord], world: World) -> Iterator[Outcome]:
    """Phase 5: file storage is live or a zombie."""
    for record in listed:
        yield live_form(record, world)
    yield from absent("file_storage", world)


def everything_else(listed: Iterable[ResourceRecord], world: World) -> Iterator[Outcome]:
    """Phase 6: all that is left; no billed item is dropped."""
    for record in listed:
        yield live_form(record, world)
    yield from absent("everything_else", world)


def unify(outcomes: Iterable[Outcome], world: World, parents: dict[str, str]) -> Iterator[Outcome]:
    """Phase 7: a component points at a parent that is there; one that vanished takes nothing with it.

    A part of a part belongs to the whole: pages add up one level, and whatever lay deeper would be missing there.
    `parents` remembers, across the phases, which whole each component went to.
    """
    for outcome in outcomes:
        if isinstance(outcome, Form) and outcome.parent_id:
            whole = parents.get(outcome.parent_id, outcome.parent_id)
            is_valid = whole != outcome.resource_id and world.is_live(whole)
            parents[outcome.resource_id] = whole if is_valid else outcome.resource_id
            if not is_valid or whole != outcome.parent_id:
                outcome = replace(outcome, parent_id=whole if is_valid else "")
        yield outcome


class ServerNames:
    """Servers by name within their project and region, for volumes that only bear the server's name."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, str], str] = {}
        self._ambiguous: set[tuple[str, str, str]] = set()

    def add(self, server: ResourceRecord) -> None:
        key = (server.sub_account_id, server.region_id, server.name)
        if key in self._ids:
            self._ambiguous.add(key)
        self._ids[key] = server.resource_id

    def server_of(self, volume: ResourceRecord) -> str:
        if not volume.name.startswith(VOLUME_NAME_PREFIX):
            return ""
        key = (volume.sub_account_id, volume.region_id, volume.name.removeprefix(VOLUME_NAME_PREFIX))
        return "" if key in self._ambiguous else self._ids.get(key, "")


def live_form(record: ResourceRecord, world: World) -> Form:
    """The form of something that is listed, with its cost from the bill or from its own price."""
    resource_type = world.grouping.resource_type(record)
    billed = world.ledger.resources.get(record.resource_id)
    return Form(
        resource_id=record.resource_id,
        native_type=record.native_type,
        resource_type=resource_type or ResourceType.OTHER,
        is_recognized=resource_type is not None,
        name=record.name or record.resource_id,
        scope=scope_key(record.scope),
        status=record.status,
        provider_status=record.provider_status,
        is_orphan=record.is_orphan or (not record.is_parent_known and _was_orphan(record, world)),
        parent_id=record.parent_id or ("" if record.is_parent_known else _known_parent(record, world)),
        service_name=record.service_name,
        region_id=record.region_id,
        sub_account_id=record.sub_account_id,
        sub_account_name=record.sub_account_name,
        specification=record.specification,
        configuration=record.configuration,
        tags=record.tags,
        cost=_cost_of(record, billed, world),
        created_at=record.created_at,
        billing_data=_triage_data(billed.sample) if billed and resource_type is None else {},
    )


def billed_form(billed: BilledResource, world: World, *, status: ResourceStatus, **flags: object) -> Form:
    """The form of something that only the bill knows."""
    charge = billed.sample
    resource_type = world.grouping.resource_type(charge)
    form = Form(
        resource_id=billed.resource_id,
        native_type=charge.native_type,
        resource_type=resource_type or ResourceType.OTHER,
        is_recognized=resource_type is not None,
        name=charge.resource_name or charge.resource_id,
        scope=billed.scope,
        status=status,
        parent_id=charge.parent_id,
        service_name=charge.service_name,
        region_id=charge.region_id,
        sub_account_id=charge.sub_account_id,
        sub_account_name=charge.sub_account_name,
        specification=Specification(),
        tags=charge.tags,
        cost=billed.cost,
        billing_data=_triage_data(charge),
    )
    return replace(form, **flags)  # type: ignore[arg-type]


def absent(of_family: str, world: World) -> Iterator[Outcome]:
    """What is billed or was there, and is not in the inventory now."""
    for billed in world.ledger.resources.values():
        if billed.resource_id not in world.listed and _family_of(billed, world) == of_family:
            yield _billed_and_absent(billed, world)
    for resource_id, state in world.open_states.items():
        if resource_id in world.listed or resource_id in world.ledger.resources:
            continue
        if family(state.resource_type) == of_family:
            is_complete = state.scope in world.complete_scopes and world.is_bill_complete
            yield Gone(resource_id=resource_id) if is_complete else Kept(resource_id=resource_id)


def remainder_form(
    *,
    resource_id: str,
    name: str,
    native_type: str,
    scope: Scope,
    total: Rate,
    parts: Decimal,
) -> tuple[Form, Decimal]:
    """What the account's total does not explain by its parts, as a resource of its own, and what stays unexplained.

    `parts` is the sum a day of the rates that the total contains. Where they cost more than the total, they keep
    their prices and the (negative) difference is reported, never scaled away.
    """
    difference = total.daily.quantize(AMOUNT_QUANTUM) - parts
    amount = max(difference, Decimal(0))
    form = Form(
        resource_id=resource_id,
        native_type=native_type,
        resource_type=ResourceType.ACCOUNT_PLAN,
        is_recognized=True,
        name=name,
        scope=scope_key(scope),
        status=ResourceStatus.RUNNING,
        cost=Cost(
            daily=amount,
            currency=total.currency,
            original=amount,
            original_period="day",
            in_account_total=True,
        ),
    )
    return form, difference - amount


def _cost_of(record: ResourceRecord, billed: BilledResource | None, world: World) -> Cost | None:
    if billed is not None:
        return billed.cost
    if record.rate is not None:
        rate = record.rate
        return Cost(
            daily=rate.daily.quantize(AMOUNT_QUANTUM),
            currency=rate.currency,
            original=rate.amount,
            original_period=rate.period.value,
            is_list_price=rate.is_list_price,
            in_account_total=rate.in_account_total,
        )
    state = world.open_states.get(record.resource_id)
    if not world.is_bill_complete and state is not None:
        return state.cost  # before "free", which only says that no charge is no surprise
    return Cost(daily=Decimal(0), currency="") if record.is_free else None


def _known_parent(record: ResourceRecord, world: World) -> str:
    """The parent of the state before, for where nobody could look for it today."""
    return world.known_parents.get(record.resource_id, "")


def _was_orphan(record: ResourceRecord, world: World) -> bool:
    state = world.open_states.get(record.resource_id)
    return state is not None and state.is_orphan


def _family_of(billed: BilledResource, world: World) -> str:
    return family(world.grouping.resource_type(billed.sample) or ResourceType.OTHER)


def _billed_and_absent(billed: BilledResource, world: World) -> Outcome:
    is_listed = (
        billed.sample.resource_id in world.listed
    )  # its lines in a second currency are a resource of their own
    if is_listed or not world.has_inventory or billed.sample.scope is None:
        return billed_form(billed, world, status=ResourceStatus.UNKNOWN)
    state = world.open_states.get(billed.resource_id)
    if billed.scope not in world.complete_scopes:
        if state is None:
            return billed_form(billed, world, status=ResourceStatus.UNKNOWN)
        return Carried(resource_id=billed.resource_id, cost=billed.cost)
    absent_since = (state.absent_since if state else None) or world.observed_at
    was_confirmed = state is not None and state.absent_since is not None and not state.is_provisional
    is_confirmed = was_confirmed or (
        billed.last_charge_start is not None and billed.last_charge_start > absent_since
    )
    if state is None:
        return billed_form(
            billed,
            world,
            status=ResourceStatus.DELETED_BILLED,
            is_provisional=not is_confirmed,
            absent_since=absent_since,
        )
    return Carried(
        resource_id=billed.resource_id,
        cost=billed.cost,
        becomes_zombie=True,
        is_provisional=not is_confirmed,
        absent_since=absent_since,
    )


def _triage_data(charge: ChargeRecord) -> dict[str, object]:
    return {
        "service_name": charge.service_name,
        "charge_description": charge.charge_description,
        "sku_id": charge.sku_id,
        "charge_category": charge.charge_category.value,
        "billed_cost": str(charge.billed_cost),
        "billing_currency": charge.billing_currency,
        "charge_period_start": charge.charge_period_start.isoformat(),
        "raw": {key: str(value) for key, value in charge.raw.items()},
    }
