"""What a power schedule would save, resource by resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from costs.explorer import subtrees
from costs.queries import rates_on
from providers.contract.stopping import StopBy
from providers.models import ProviderConnection
from recommendations import wording
from recommendations.engine.calculations import kopecks
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import PriceBook
from recommendations.engine.stopping import HOURS_OF_MONTH, copy_monthly, how, share_off, stop_of
from recommendations.engine.usage import HOURS_OF_DAY
from recommendations.evidence import Evidence, Lookback
from recommendations.prices.queries import price_book
from recommendations.rulebook import exclusion_filters
from recommendations.schedules.models import PowerSchedule
from recommendations.schedules.office import Rest, rest_of
from syncs.models import ResourceState

COST_DAYS = 14
RESOURCES_LIMIT = 500
NO_COST = gettext_lazy("Its cost is not known yet.")
NOT_STOPPED = gettext_lazy("Its provider charges on whatever is done to it.")
NOT_A_MACHINE = gettext_lazy("It is nothing that could be switched off.")
MACHINES = frozenset({"server", "kubernetes_node_group", "database", "dedicated_server"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What the schedule would save of one resource a month, in `currency`; None with the reason where nothing."""

    resource_pk: int
    name: str
    resource_type: str
    connection_name: str
    currency: str
    monthly: Decimal | None
    saving: Decimal | None
    saving_rub: Decimal | None
    how: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The schedule over all its resources; `saving` in roubles over those that can be switched off."""

    rest: Rest
    rows: tuple[Saved, ...]
    saving: Decimal
    is_cut: bool

    @property
    def can_count(self) -> int:
        return sum(1 for row in self.rows if row.saving is not None)


def schedules(organization: Organization) -> QuerySet[PowerSchedule]:
    return PowerSchedule.objects.of(organization).order_by("name", "pk")


def plan(schedule: PowerSchedule, now: datetime) -> Plan:
    """What the schedule would save, over the year to come; queries by connection, not by resource."""
    organization = schedule.organization
    today = now.astimezone(ZoneInfo(organization.time_zone)).date()
    rest = rest_of(schedule.calendar, first=today, rests_on_holidays=schedule.rests_on_holidays)
    wanted = _wanted(organization, schedule.scope)
    book = price_book(organization, now)
    rows = [_saved(facts, rest) for facts in _facts(organization, wanted[:RESOURCES_LIMIT], book, now)]
    rates = rates_on({row["currency"] for row in rows}, today)
    saved = tuple(
        Saved(**row, saving_rub=_roubles(row["saving"], rates.get(row["currency"])))
        for row in sorted(rows, key=lambda row: (-(row["saving"] or Decimal(-1)), row["name"]))
    )
    return Plan(
        rest=rest,
        rows=saved,
        saving=sum((row.saving_rub for row in saved if row.saving_rub is not None), Decimal(0)),
        is_cut=len(wanted) > RESOURCES_LIMIT,
    )


def _wanted(organization: Organization, scope: str) -> list[tuple[int, int]]:
    """(connection, resource) of what the scope holds now, in the order of their ids."""
    filters = subtrees.whole(organization, exclusion_filters(scope))
    if not filters:
        return []
    states = ResourceState.objects.of(organization).open().exclude(status=ResourceState.Status.DELETED)
    rows = filters.apply_to_states(states).order_by("connection_id", "resource_id")
    return list(rows.values_list("connection_id", "resource_id").distinct()[: RESOURCES_LIMIT + 1])


def _facts(
    organization: Organization, wanted: list[tuple[int, int]], book: PriceBook, now: datetime
) -> Iterator[ResourceFacts]:
    by_connection: dict[int, set[int]] = {}
    for connection_id, resource_id in wanted:
        by_connection.setdefault(connection_id, set()).add(resource_id)
    connections = ProviderConnection.objects.of(organization).select_related("organization")
    for connection in connections.filter(pk__in=by_connection).order_by("pk"):
        evidence = Evidence(connection, prices=book, lookback=Lookback(), now=now)
        pks = by_connection[connection.pk]
        for batch in evidence.trees(evidence.family_of(pks)):
            yield from (facts for facts in batch if facts.pk in pks)


def _saved(facts: ResourceFacts, rest: Rest) -> dict[str, Any]:
    cost = facts.cost(COST_DAYS)
    row: dict[str, Any] = {
        "resource_pk": facts.pk,
        "name": facts.name,
        "resource_type": facts.resource_type,
        "connection_name": facts.connection.name,
        "currency": facts.currency,
        "monthly": None if cost is None else kopecks(cost.monthly),
        "saving": None,
        "how": "",
        "reason": "",
    }
    stop = stop_of(facts)
    if facts.resource_type not in MACHINES:
        return row | {"reason": str(NOT_A_MACHINE)}
    if stop is None:
        return row | {"reason": str(NOT_STOPPED)}
    if cost is None:
        return row | {"reason": str(NO_COST)}
    is_by_day = stop.least_hours >= HOURS_OF_DAY
    free = Decimal(str(rest.off_days_of_month * HOURS_OF_DAY if is_by_day else rest.off_hours_of_month))
    gross = cost.monthly / HOURS_OF_MONTH * share_off(facts, stop) * free
    copy = copy_monthly(facts) if stop.by is StopBy.RECREATE else Decimal(0)
    saving = gross - (copy or 0)
    if saving <= 0:
        return row | {"reason": _("Keeping its copy would cost more than it saves.")}
    return row | {"saving": kopecks(saving), "how": wording.text(how(stop).as_json())}


def _roubles(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    return None if amount is None or rate is None else kopecks(amount * rate)
