"""Reads about complete syncs: their history, one of them by connection, and the difference between two.

Amounts are a day, in their own currencies: {currency: amount}. A connection that was not read has no amounts and no
count, which is not 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery

from accounts.models import Organization
from providers.messages import Explanation, explain
from providers.models import ProviderConnection
from syncs.models import (
    ACTIVE,
    FINISHED,
    CompleteSync,
    ProviderSyncReference,
    ResourceState,
    SyncStatus,
)

SHOWN_RESOURCES = 100
"""How many new, gone and changed resources a comparison lists of each kind; all are counted."""

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One connection in a complete sync; `daily_costs` and `resource_count` are None where it was not read."""

    reference: ProviderSyncReference
    daily_costs: Amounts | None
    resource_count: int | None
    problem: Explanation | None

    @property
    def connection(self) -> ProviderConnection:
        return self.reference.connection

    @property
    def observed_at(self) -> datetime | None:
        snapshot = self.reference.snapshot
        return snapshot.observed_at if snapshot and self.daily_costs is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDifference:
    """One connection in two complete syncs; `differences` is None unless both read it."""

    connection: ProviderConnection
    before: Part | None
    after: Part | None
    differences: Amounts | None
    new_count: int = 0
    gone_count: int = 0
    changed_count: int = 0

    @property
    def is_compared(self) -> bool:
        return self.differences is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDifference:
    """A resource in two complete syncs: `kind` is "new", "gone" or "changed"; `before` or `after` is then None.

    `difference` is a day in `currency`, None where a cost is not known or the currency is another.
    """

    kind: str
    before: ResourceState | None
    after: ResourceState | None

    @property
    def state(self) -> ResourceState:
        state = self.after or self.before
        assert state is not None
        return state

    @property
    def difference(self) -> Decimal | None:
        if self.before is None or self.after is None:
            amount = self.state.daily_cost
            return -amount if self.after is None and amount is not None else amount
        if self.before.currency != self.after.currency:
            return None
        if self.before.daily_cost is None or self.after.daily_cost is None:
            return None
        return self.after.daily_cost - self.before.daily_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs from `before` to `after`, over the connections that both read; `resources` are at most
    `SHOWN_RESOURCES` of each kind, new ones first."""

    before: CompleteSync
    after: CompleteSync
    connections: list[ConnectionDifference]
    resources: list[ResourceDifference] = field(default_factory=list)

    @property
    def costs_before(self) -> Amounts:
        return self._sum_of_compared("before")

    @property
    def costs_after(self) -> Amounts:
        return self._sum_of_compared("after")

    @property
    def differences(self) -> Amounts:
        return _sum(one.differences for one in self.connections if one.differences is not None)

    @property
    def new_count(self) -> int:
        return sum(one.new_count for one in self.connections)

    @property
    def gone_count(self) -> int:
        return sum(one.gone_count for one in self.connections)

    @property
    def changed_count(self) -> int:
        return sum(one.changed_count for one in self.connections)

    @property
    def resource_count(self) -> int:
        return self.new_count + self.gone_count + self.changed_count

    @property
    def left_out(self) -> list[ConnectionDifference]:
        return [one for one in self.connections if not one.is_compared]

    def _sum_of_compared(self, side: str) -> Amounts:
        return _sum(getattr(one, side).daily_costs for one in self.connections if one.is_compared)


def history(organization: Organization) -> QuerySet[CompleteSync]:
    """Complete syncs, the newest first, with who asked for them and their connections' results counted."""
    counts: dict[str, Any] = {
        f"{status}_count": Count("references", filter=Q(references__status=status))
        for status in (SyncStatus.SUCCESS, SyncStatus.PARTIAL, SyncStatus.ERROR)
    }
    return (
        CompleteSync.objects.of(organization)
        .select_related("requested_by")
        .annotate(connection_count=Count("references"), **counts)
        .order_by("-requested_at", "-pk")
    )


def watched_references(organization: Organization, watched: int | None) -> QuerySet[ProviderSyncReference]:
    """The connections of the complete sync that is active; without one, of the watched one. One query."""
    newest = (
        CompleteSync.objects.of(organization)
        .filter(Q(status__in=ACTIVE) | Q(pk=watched))
        .order_by("-pk")
        .values("pk")[:1]
    )
    return (
        ProviderSyncReference.objects.of(organization)
        .filter(complete_sync=Subquery(newest))
        .select_related("complete_sync", "connection", "snapshot__connection")
        .order_by("position")
    )


def with_parts(rows: QuerySet[CompleteSync]) -> QuerySet[CompleteSync]:
    """Prefetches what `parts` reads."""
    references = (
        ProviderSyncReference.objects.get_queryset()
        .select_related("connection", "snapshot__connection")
        .prefetch_related("snapshot__totals")
        .order_by("position")
    )
    return rows.prefetch_related(Prefetch("references", queryset=references))


def parts(complete: CompleteSync) -> list[Part]:
    """The connections in their order, with what was read and why not; needs `with_parts`."""
    return [_part(reference) for reference in complete.references.all()]


def earlier(complete: CompleteSync) -> CompleteSync | None:
    """The one that ended before this one: what it is compared with unless another is chosen."""
    return (
        CompleteSync.objects.filter(organization_id=complete.organization_id, pk__lt=complete.pk)
        .ended()
        .order_by("-pk")
        .first()
    )


def comparison(before: CompleteSync, after: CompleteSync) -> Comparison:
    """What differs between two complete syncs of one organization; both need `with_parts`.

    A resource is changed when another state of it holds: its form changed at least once in between.
    """
    olds = {part.connection.pk: part for part in parts(before)}
    news = {part.connection.pk: part for part in parts(after)}
    both = [
        (olds[pk].observed_at, news[pk].observed_at, pk)
        for pk in news
        if pk in olds and olds[pk].observed_at and news[pk].observed_at
    ]
    then = _states((pk, old) for old, _new, pk in both)
    now = _states((pk, new) for _old, new, pk in both)
    kinds = {
        "new": now.filter(~Exists(then.filter(resource=OuterRef("resource")))),
        "gone": then.filter(~Exists(now.filter(resource=OuterRef("resource")))),
        "changed": now.filter(Exists(then.filter(~Q(pk=OuterRef("pk")), resource=OuterRef("resource")))),
    }
    counts = {
        kind: dict(
            states.order_by()
            .values("connection")
            .annotate(count=Count("pk"))
            .values_list("connection", "count")
        )
        for kind, states in kinds.items()
    }
    ordered = [*news, *(pk for pk in olds if pk not in news)]
    return Comparison(
        before=before,
        after=after,
        connections=[
            _connection_difference(
                olds.get(pk), news.get(pk), {kind: counts[kind].get(pk, 0) for kind in kinds}
            )
            for pk in ordered
        ],
        resources=_resource_differences(kinds, then),
    )


def _part(reference: ProviderSyncReference) -> Part:
    snapshot = reference.snapshot
    is_read = snapshot is not None and reference.status in FINISHED
    error = reference.error or (snapshot.error if snapshot and reference.status == SyncStatus.ERROR else {})
    return Part(
        reference=reference,
        daily_costs={total.currency: total.resources_daily_cost for total in snapshot.totals.all()}
        if snapshot is not None and is_read
        else None,
        resource_count=snapshot.resource_count if snapshot is not None and is_read else None,
        problem=explain(error, provider_type=reference.connection.provider_type),
    )


def _states(moments: Iterable[tuple[int, datetime | None]]) -> QuerySet[ResourceState]:
    """The states of each connection as of its own moment."""
    held = Q(pk__in=[])
    for connection_id, moment in moments:
        held |= Q(
            Q(closed_at__isnull=True) | Q(closed_at__gt=moment),
            connection_id=connection_id,
            opened_at__lte=moment,
        )
    return ResourceState.objects.filter(held)


def _connection_difference(
    before: Part | None, after: Part | None, counts: Mapping[str, int]
) -> ConnectionDifference:
    either = after or before
    assert either is not None
    differences: Amounts | None = None
    if before and after and before.daily_costs is not None and after.daily_costs is not None:
        less = {currency: -amount for currency, amount in before.daily_costs.items()}
        differences = _sum([after.daily_costs, less])
    return ConnectionDifference(
        connection=either.connection,
        before=before,
        after=after,
        differences=differences,
        new_count=counts["new"],
        gone_count=counts["gone"],
        changed_count=counts["changed"],
    )


def _resource_differences(
    kinds: Mapping[str, QuerySet[ResourceState]], then: QuerySet[ResourceState]
) -> list[ResourceDifference]:
    found: dict[str, list[ResourceState]] = {
        kind: list(
            states.select_related("resource", "connection").order_by(
                F("daily_cost").desc(nulls_last=True), "name", "pk"
            )[:SHOWN_RESOURCES]
        )
        for kind, states in kinds.items()
    }
    changed = [state.resource_id for state in found["changed"]]
    former = {state.resource_id: state for state in then.filter(resource__in=changed)} if changed else {}
    return [
        *(ResourceDifference(kind="new", before=None, after=state) for state in found["new"]),
        *(ResourceDifference(kind="gone", before=state, after=None) for state in found["gone"]),
        *(
            ResourceDifference(kind="changed", before=former.get(state.resource_id), after=state)
            for state in found["changed"]
        ),
    ]


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    total: dict[str, Decimal] = {}
    for one in amounts:
        for currency, amount in one.items():
            total[currency] = total.get(currency, Decimal(0)) + amount
    return dict(sorted(total.items()))
