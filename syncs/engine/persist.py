"""Drafts in small batches, and the one small transaction that makes them visible. Database only.

Rows that a running snapshot writes are drafts that no reader sees: states without `opened_at`, batches without
`published_at`, closures that are only pending. `publish` turns them all at once; `discard` removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Subquery

from common import bulk
from common.transactions import small_transaction
from inventory.models import Resource
from providers.contract.records import ResourceStatus, ScopeResult
from syncs.models import (
    ChargeLine,
    PendingClosure,
    ResourceState,
    ScopeCoverage,
    SyncSnapshot,
    UnrecognizedResource,
)

from . import deliveries
from .collect import is_covered
from .coverage import LastReading
from .difference import carried_difference, changed_fields, difference
from .drafts import BATCH_ROWS, batched, drafting, observed_at
from .records import Action, Carried, Difference, Form, OpenState


def open_states(connection_id: int) -> dict[str, OpenState]:
    """The connection's open states by the provider's id, as small as the difference allows."""
    rows = (
        ResourceState.objects.open()
        .filter(connection_id=connection_id)
        .values_list(
            "resource__resource_id",
            "pk",
            "resource_id",
            "resource__resource_type",
            "resource__native_type",
            "scope",
            "opened_at",
            "status",
            "provider_status",
            "is_orphan",
            "is_provisional",
            "absent_since",
            "daily_cost",
            "currency",
            "in_account_total",
            "configuration_hash",
        )
    )
    names = tuple(OpenState.__dataclass_fields__)
    states = {}
    shared: dict[Any, Any] = {}
    for row in rows.iterator(2000):
        values = dict[str, Any](zip(names, row[1:], strict=True))
        for name in _FEW_VALUES:
            values[name] = shared.setdefault(values[name], values[name])
        states[row[0]] = OpenState(**values)
    return states


_FEW_VALUES = (
    "resource_type",
    "native_type",
    "scope",
    "opened_at",
    "status",
    "provider_status",
    "daily_cost",
    "currency",
)
"""What many states have in common: kept once, a state takes half the memory."""


def known_currencies(connection_id: int, resource_ids: Iterable[str]) -> dict[str, str]:
    """The currency of the latest state of each resource, also of one that is gone: its identity outlives it."""
    known: dict[str, str] = {}
    for batch in batched(resource_ids):
        rows = ResourceState.objects.filter(
            connection_id=connection_id, resource__resource_id__in=batch, opened_at__isnull=False
        ).exclude(currency="")
        known |= rows.order_by("opened_at").values_list("resource__resource_id", "currency")
    return known


def known_parents(connection_id: int) -> dict[str, str]:
    """{component: the resource that it belongs to} among the connection's open states, by the provider's ids."""
    rows = ResourceState.objects.open().filter(connection_id=connection_id, parent__isnull=False)
    return dict(rows.values_list("resource__resource_id", "parent__resource_id").iterator(2000))


class StateWriter:
    """Writes what a snapshot found as drafts; knows the ids of the connection's resources.

    Feed it outcomes with `write`; `counts` tells what became of them. `retyped` holds the resources whose type is
    known differently by now, as {(native type, type): pks}: types are no part of a state.
    """

    def __init__(
        self,
        *,
        snapshot: SyncSnapshot,
        states: Mapping[str, OpenState],
        tolerance: Decimal,
        on_batch: Callable[[], None],
    ) -> None:
        self._snapshot = snapshot
        self._states = states
        self._tolerance = tolerance
        self._on_batch = on_batch
        self._late_parents: dict[int, str] = {}
        self._resource_pks: dict[str, int] = {key: state.resource_pk for key, state in states.items()}
        self.counts = dict.fromkeys(Action, 0)
        self.retyped: dict[tuple[str, str], list[int]] = {}

    def write(self, outcomes: Sequence[Form | Carried]) -> set[str]:
        """Compare one batch with the open states and write drafts for what is new or different.

        Returns the ids of the unchanged ones: their states go on as they are.
        """
        self._ensure_resources([outcome for outcome in outcomes if isinstance(outcome, Form)])
        changed: list[tuple[Form | Carried, OpenState | None, Difference]] = []
        unchanged = set()
        for outcome in outcomes:
            state = self._states.get(outcome.resource_id)
            if state is None:
                changed.append((outcome, None, _EVERYTHING))
                continue
            if isinstance(outcome, Form):
                self._note_type(outcome, state.resource_pk, state.native_type, state.resource_type)
                found = difference(outcome, state, tolerance=self._tolerance)
            else:
                found = carried_difference(outcome, state, tolerance=self._tolerance)
            if found.is_any:
                changed.append((outcome, state, found))
            else:
                self.counts[Action.UNCHANGED] += 1
                unchanged.add(outcome.resource_id)
        if changed:
            self._write_drafts(changed)
            self._date([outcome for outcome, _state, _found in changed if isinstance(outcome, Form)])
        self._on_batch()
        return unchanged

    def close(self, resource_ids: Iterable[str]) -> int:
        """Mark the states of resources that are gone for closing; returns how many."""
        total = 0
        for batch in batched(resource_ids):
            closures = bulk.Insertion([self._closure(self._states[key].state_pk) for key in batch])
            with drafting(self._snapshot):
                closures.execute()
            total += len(batch)
            self._on_batch()
        return total

    def _closure(self, state_pk: int) -> PendingClosure:
        return bulk.row(
            PendingClosure,
            organization_id=self._snapshot.organization_id,
            snapshot_id=self._snapshot.pk,
            state_id=state_pk,
        )

    def _ensure_resources(self, forms: Sequence[Form]) -> None:
        """Rows for resources that the connection has not shown before; a parent may come after its component."""
        missing = {form.resource_id: form for form in forms if form.resource_id not in self._resource_pks}
        if not missing:
            return
        snapshot = self._snapshot
        rows = bulk.Insertion(
            [
                bulk.row(
                    Resource,
                    organization_id=snapshot.organization_id,
                    connection_id=snapshot.connection_id,
                    resource_id=form.resource_id,
                    native_type=form.native_type,
                    resource_type=form.resource_type.value,
                    name=form.name,
                    provider_created_at=form.created_at,
                    first_seen_at=observed_at(snapshot),
                )
                for form in missing.values()
            ],
            ignore_conflicts=True,
        )
        with drafting(snapshot):
            rows.execute()
        known = Resource.objects.filter(
            connection_id=snapshot.connection_id, resource_id__in=list(missing)
        ).values_list("resource_id", "pk", "native_type", "resource_type")
        for resource_id, pk, native_type, resource_type in known:
            self._resource_pks[resource_id] = pk
            self._note_type(missing[resource_id], pk, native_type, resource_type)

    def _date(self, forms: Sequence[Form]) -> None:
        """When the provider made them, of those whose bill came before their inventory."""
        made = {self._resource_pks[form.resource_id]: form.created_at for form in forms if form.created_at}
        undated = Resource.objects.filter(pk__in=made, provider_created_at__isnull=True).only("pk")
        dated = [Resource(pk=row.pk, provider_created_at=made[row.pk]) for row in undated]
        if dated:
            with drafting(self._snapshot):
                Resource.objects.bulk_update(dated, ["provider_created_at"])

    def _note_type(self, form: Form, resource_pk: int, native_type: str, resource_type: str) -> None:
        kind = (form.native_type, form.resource_type.value)
        if kind != (native_type, resource_type):
            self.retyped.setdefault(kind, []).append(resource_pk)

    def _write_drafts(self, changed: Sequence[tuple[Form | Carried, OpenState | None, Difference]]) -> None:
        before = ResourceState.objects.in_bulk(
            [state.state_pk for _, state, _ in changed if state is not None]
        )
        returned = set(
            ResourceState.objects.filter(
                resource_id__in=[self._resource_pks[o.resource_id] for o, s, _ in changed if s is None],
                opened_at__isnull=False,
            ).values_list("resource_id", flat=True)
        )
        drafts = []
        closures = []
        for outcome, state, found in changed:
            previous = before[state.state_pk] if state is not None else None
            if isinstance(outcome, Form):
                draft = self._draft(outcome)
            else:
                assert previous is not None
                draft = _carry_on(outcome, previous)
            draft.opened_by_id = self._snapshot.pk
            draft.has_cost_change = found.has_cost_change
            draft.has_status_change = found.has_status_change
            draft.has_configuration_change = found.has_configuration_change
            if previous is not None:
                draft.action = ResourceState.Action.UPDATED
                draft.changes = changed_fields(comparable(previous), comparable(draft))
                closures.append(self._closure(previous.pk))
                self.counts[Action.UPDATED] += 1
            elif draft.resource_id in returned:
                draft.action = ResourceState.Action.RETURNED
                self.counts[Action.RETURNED] += 1
            else:
                draft.action = ResourceState.Action.CREATED
                self.counts[Action.CREATED] += 1
            drafts.append(draft)
        rows = (bulk.Insertion(drafts), bulk.Insertion(closures))
        with drafting(self._snapshot):
            for each in rows:
                each.execute()

    def _draft(self, form: Form) -> ResourceState:
        spec = form.specification
        cost = form.cost
        return bulk.row(
            ResourceState,
            organization_id=self._snapshot.organization_id,
            connection_id=self._snapshot.connection_id,
            resource_id=self._resource_pks[form.resource_id],
            name=form.name,
            scope=form.scope,
            status=form.status.value,
            provider_status=form.provider_status,
            is_orphan=form.is_orphan,
            is_provisional=form.is_provisional,
            absent_since=form.absent_since,
            parent_id=self._parent_pk(form),
            service_name=form.service_name,
            region_id=form.region_id,
            sub_account_id=form.sub_account_id,
            sub_account_name=form.sub_account_name,
            vcpus=spec.vcpus,
            memory_mib=spec.memory_mib,
            storage_gib=spec.storage_gib,
            operating_system=spec.operating_system,
            engine=spec.engine,
            engine_version=spec.engine_version,
            ip_addresses=sorted(spec.ip_addresses),
            configuration=dict(form.configuration),
            configuration_hash=form.configuration_hash,
            tags=dict(form.tags),
            daily_cost=cost.daily if cost else None,
            currency=cost.currency if cost else "",
            original_cost=cost.original if cost else None,
            original_period=cost.original_period if cost else "",
            is_list_price=cost.is_list_price if cost else False,
            in_account_total=cost.in_account_total if cost else False,
        )

    def _parent_pk(self, form: Form) -> int | None:
        if not form.parent_id:
            return None
        known = self._resource_pks.get(form.parent_id)
        if known is None:
            self._late_parents[self._resource_pks[form.resource_id]] = form.parent_id
        return known

    def link_late_parents(self) -> None:
        """Give components their parent where it was written after them. Call once, after the last `write`."""
        for batch in batched(self._late_parents.items()):
            parents = {pk: self._resource_pks.get(parent_id) for pk, parent_id in batch}
            drafts = list(
                ResourceState.objects.filter(
                    opened_by=self._snapshot, opened_at__isnull=True, resource_id__in=list(parents)
                )
            )
            for draft in drafts:
                draft.parent_id = parents[draft.resource_id]
                if draft.action == ResourceState.Action.UPDATED:
                    before = draft.changes.pop("parent", [None, None])[0]
                    if before != draft.parent_id:
                        draft.changes["parent"] = [before, draft.parent_id]
            with drafting(self._snapshot):
                ResourceState.objects.bulk_update(drafts, ["parent", "changes"])


_EVERYTHING = Difference(has_cost_change=True, has_status_change=True, has_configuration_change=True)

COMPARED_FIELDS = (
    "name",
    "status",
    "provider_status",
    "is_orphan",
    "is_provisional",
    "service_name",
    "region_id",
    "sub_account_id",
    "vcpus",
    "memory_mib",
    "storage_gib",
    "operating_system",
    "engine",
    "engine_version",
    "ip_addresses",
    "tags",
    "daily_cost",
    "currency",
)


def comparable(state: ResourceState) -> dict[str, Any]:
    """A state's content by field, as JSON values, for the before and after of a change."""
    fields = {name: _as_json(getattr(state, name)) for name in COMPARED_FIELDS}
    fields["parent"] = state.parent_id
    return {**fields, **{f"configuration.{key}": value for key, value in state.configuration.items()}}


def _as_json(value: Any) -> Any:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _carry_on(carried: Carried, previous: ResourceState) -> ResourceState:
    """The state before, as a new draft with today's cost, and as a zombie if it became one."""
    draft = ResourceState(
        **{
            field.attname: getattr(previous, field.attname)
            for field in ResourceState._meta.concrete_fields
            if field.attname not in ("id", "opened_at", "closed_at", "opened_by_id", "closed_by_id")
        }
    )
    draft.daily_cost = carried.cost.daily
    draft.currency = carried.cost.currency
    draft.changes = {}
    if carried.becomes_zombie:
        draft.status = ResourceStatus.DELETED_BILLED.value
        draft.is_provisional = carried.is_provisional
        draft.absent_since = carried.absent_since
    return draft


def write_unrecognized(snapshot: SyncSnapshot, provider_type: str, forms: Sequence[Form]) -> None:
    """One record per unrecognised resource and snapshot: that it was seen each time is wanted."""
    with drafting(snapshot):
        UnrecognizedResource.objects.bulk_create(
            [
                UnrecognizedResource(
                    organization_id=snapshot.organization_id,
                    snapshot=snapshot,
                    connection_id=snapshot.connection_id,
                    provider_type=provider_type,
                    resource_id=form.resource_id,
                    resource_name=form.name,
                    native_type=form.native_type,
                    service_name=form.service_name,
                    daily_cost=form.cost.daily if form.cost else None,
                    currency=form.cost.currency if form.cost else "",
                    billing_data=dict(form.billing_data),
                    observed_at=observed_at(snapshot),
                )
                for form in forms
            ]
        )


def recorded_unrecognized(connection_id: int, resource_ids: Sequence[str]) -> set[str]:
    """Those that some snapshot of the connection recorded for triage, whatever became of the record."""
    records = UnrecognizedResource.objects.filter(
        connection_id=connection_id, resource_id__in=list(resource_ids)
    )
    return set(records.values_list("resource_id", flat=True))


def last_readings(connection_id: int) -> dict[str, LastReading]:
    """How the current snapshot of the connection found each scope."""
    rows = ScopeCoverage.objects.filter(snapshot__connection_id=connection_id, snapshot__is_current=True)
    return {
        scope: LastReading(status == ScopeCoverage.Status.ABSENT, last_complete_at)
        for scope, status, last_complete_at in rows.values_list("scope", "status", "last_complete_at")
    }


def write_coverage(
    snapshot: SyncSnapshot, results: Mapping[str, ScopeResult], before: Mapping[str, LastReading]
) -> None:
    """How the reading of every scope ended; one that was not covered keeps the time when it last was."""
    nobody = LastReading(is_absent=False, last_complete_at=None)
    rows = [
        ScopeCoverage(
            organization_id=snapshot.organization_id,
            snapshot=snapshot,
            scope=key,
            status=result.status.value,
            error_code=result.error_code,
            message=result.message,
            params=dict(result.params),
            last_complete_at=(
                snapshot.observed_at if is_covered(result) else before.get(key, nobody).last_complete_at
            ),
        )
        for key, result in results.items()
    ]
    for batch in batched(rows):
        with drafting(snapshot):
            ScopeCoverage.objects.bulk_create(batch)


def publish_drafts(snapshot: SyncSnapshot) -> None:
    """Close what is replaced or gone, and open the drafts.

    Must run inside the snapshot's last transaction; set operations only.
    """
    at = snapshot.observed_at
    pending = PendingClosure.objects.filter(snapshot=snapshot).values("state")
    ResourceState.objects.filter(pk__in=pending).update(closed_at=at, closed_by=snapshot)
    drafts = ResourceState.objects.filter(opened_by=snapshot, opened_at__isnull=True)
    renamed = drafts.exclude(name=F("resource__name"))
    names = drafts.filter(resource=OuterRef("pk")).values("name")[:1]
    Resource.objects.filter(pk__in=renamed.values("resource")).update(name=Subquery(names))
    drafts.update(opened_at=at)
    PendingClosure.objects.filter(snapshot=snapshot).delete()


def retype(retyped: Mapping[tuple[str, str], Sequence[int]]) -> None:
    """Give resources the type that is known by now; {(native type, type): pks}."""
    for (native_type, resource_type), pks in retyped.items():
        for batch in batched(pks):
            Resource.objects.filter(pk__in=batch).update(native_type=native_type, resource_type=resource_type)


def discard(snapshot: SyncSnapshot) -> None:
    """Remove every draft of a snapshot that will not be published."""
    PendingClosure.objects.filter(snapshot=snapshot).delete()
    for model in (UnrecognizedResource, ScopeCoverage):
        model.objects.filter(snapshot=snapshot).delete()
    snapshot.totals.all().delete()
    for pks in iter(lambda: _some_drafts(snapshot), []):
        with small_transaction():
            ResourceState.objects.filter(pk__in=pks).delete()
    deliveries.discard(snapshot)
    never_seen = Resource.objects.filter(
        ~Exists(ResourceState.objects.filter(resource=OuterRef("pk"))),
        ~Exists(ChargeLine.objects.filter(resource=OuterRef("pk"))),
        connection_id=snapshot.connection_id,
    ).values_list("pk", flat=True)
    for pks in iter(lambda: list(never_seen[:BATCH_ROWS]), []):
        with small_transaction():
            Resource.objects.filter(pk__in=pks).delete()


def _some_drafts(snapshot: SyncSnapshot) -> list[int]:
    drafts = ResourceState.objects.filter(opened_by=snapshot, opened_at__isnull=True)
    return list(drafts.values_list("pk", flat=True)[:BATCH_ROWS])
