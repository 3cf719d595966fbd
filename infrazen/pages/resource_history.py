"""Reads of one resource's history: its changes, the syncs that found none, when it could not be read, its costs by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery

from costs.queries import Unconverted, resource_spend
from costs.services import billing_zone
from inventory.models import Resource
from syncs.models import ResourceState, ScopeCoverage, SyncSnapshot
from syncs.prices import PriceMove, price_moves
from syncs.queries import UNREAD, Change

PAGE_STATES = 100
MAX_UNREAD = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change, and what the syncs can prove about when: after `after` (the last look before it), by `change.at`.

    `first_at` is the earliest of the changes that `change` folds. `prices` are the provider's prices that moved.
    """

    change: Change
    after: datetime | None
    first_at: datetime
    prices: tuple[PriceMove, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """From `first` to `last`, `count` syncs in a row could not read the section in which the resource is listed."""

    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCosts:
    """Roubles by day, the components' costs of the days on which they were ones included; None: nothing is known."""

    first: date
    values: tuple[Decimal | None, ...]
    unconverted: Unconverted

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=offset) for offset in range(len(self.values)))

    @property
    def known(self) -> list[Decimal]:
        return [value for value in self.values if value is not None]

    @property
    def total(self) -> Decimal | None:
        return sum(self.known, Decimal(0)) if self.known else None

    @property
    def average(self) -> Decimal | None:
        return None if self.total is None else self.total / len(self.known)


def history(resource: Resource, *, page: int, until: datetime | None = None) -> tuple[list[Event], Page]:
    """One page of what happened to a resource, the newest first; changes of nothing but the cost that follow one
    another are folded into one, unless a price moved. `until` leaves out what came later."""
    states = ResourceState.objects.filter(resource=resource, opened_at__isnull=False)
    if until is not None:
        states = states.filter(opened_at__lte=until)
    successor = ResourceState.objects.filter(resource=OuterRef("resource"), opened_at=OuterRef("closed_at"))
    states = states.annotate(
        looked_before=Subquery(_looks(before="opened_at")),
        looked_last=Subquery(_looks(before="closed_at")),
        is_last=~Exists(successor),
    )
    states = states.select_related("resource", "connection").order_by("-opened_at", "-pk")
    shown = Paginator(states, PAGE_STATES).get_page(page)
    events: list[Event] = []
    for state in shown:
        events.extend(_events(state, until))
    return list(_folded(_priced(resource, events))), shown


def changed_names(events: Iterable[Event]) -> dict[int, str]:
    """Names of the resources to which changes of `parent` point."""
    pks = {pk for event in events for pk in event.change.changes.get("parent", ()) if pk}
    return dict(Resource.objects.filter(pk__in=pks).values_list("pk", "name")) if pks else {}


def unchanged_count(resource: Resource, until: datetime | None = None) -> int:
    """Finished syncs, since the resource was first seen and while it lived, that changed nothing of it."""
    states = ResourceState.objects.filter(resource=resource, opened_at__isnull=False)
    if until is not None:
        states = states.filter(opened_at__lte=until)
    found = states.aggregate(
        count=Count("pk"),
        first=Min("opened_at"),
        last=Max("closed_at"),
        open=Count("pk", filter=Q(closed_at=None)),
    )
    if not found["count"]:
        return 0
    syncs = SyncSnapshot.objects.finished().filter(
        connection=resource.connection_id, observed_at__gte=found["first"]
    )
    if until is not None:
        syncs = syncs.filter(observed_at__lte=until)
    if not found["open"]:
        syncs = syncs.filter(observed_at__lt=found["last"])
    return max(0, syncs.count() - int(found["count"]))


def unread_times(resource: Resource, scope: str, *, since: datetime, until: datetime) -> list[Unread]:
    """When the section of the resource could not be read; syncs without a complete one between them are one entry."""
    rows = (
        ScopeCoverage.objects.filter(
            snapshot__connection=resource.connection_id,
            scope=scope,
            status__in=UNREAD,
            snapshot__observed_at__gte=since,
            snapshot__observed_at__lte=until,
        )
        .order_by("-snapshot__observed_at")
        .values_list("snapshot__observed_at", "last_complete_at")[:MAX_UNREAD]
    )
    found: list[Unread] = []
    known: datetime | None = None
    for at, complete_at in reversed(rows):
        assert at is not None, "a finished sync has its instant"
        if found and complete_at == known:
            found[-1] = Unread(first=found[-1].first, last=at, count=found[-1].count + 1)
        else:
            found.append(Unread(first=at, last=at, count=1))
        known = complete_at
    return found


def daily_costs(resource: Resource, *, first: date, last: date) -> DailyCosts:
    """Costs of the resource and of what was a component of it, day by day; both ends included."""
    zone = billing_zone(resource.connection)
    stays = list(
        ResourceState.objects.filter(parent=resource, opened_at__isnull=False).values_list(
            "resource_id", "opened_at", "closed_at"
        )
    )
    spent = resource_spend(
        resource.organization, {resource.pk, *(pk for pk, _start, _end in stays)}, first, last
    )
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    values: list[Decimal | None] = [None] * len(days)
    unconverted: dict[str, Decimal] = {}
    for pk, costs in spent.items():
        periods = [(start, end) for other, start, end in stays if other == pk]
        if pk == resource.pk:
            unconverted = dict(costs.unconverted)
        for index, value in enumerate(costs.values):
            if value is not None and (pk == resource.pk or _was_there(days[index], periods, zone)):
                values[index] = (values[index] or Decimal(0)) + value
    return DailyCosts(first=first, values=tuple(values), unconverted=unconverted)


def _was_there(day: date, periods: Iterable[tuple[Any, Any]], zone: ZoneInfo) -> bool:
    return any(
        start.astimezone(zone).date() <= day and (end is None or day < end.astimezone(zone).date())
        for start, end in periods
    )


def _looks(*, before: str) -> QuerySet[Any]:
    """Instants at which the section of the outer state was read, the latest before it first; any sync without one."""
    complete = ScopeCoverage.objects.filter(snapshot=OuterRef("pk"), scope=OuterRef(OuterRef("scope")))
    return (
        SyncSnapshot.objects.finished()
        .filter(connection=OuterRef("connection"), observed_at__lt=OuterRef(before))
        .filter(~Exists(complete.filter(status__in=UNREAD)))
        .order_by("-observed_at")
        .values("observed_at")[:1]
    )


def _events(state: ResourceState, until: datetime | None) -> Iterable[Event]:
    looked_before: datetime | None = state.looked_before  # type: ignore[attr-defined]  # annotated above
    looked_last: datetime | None = state.looked_last  # type: ignore[attr-defined]
    is_gone = state.closed_at and state.is_last  # type: ignore[attr-defined]
    if state.closed_at and is_gone and (until is None or state.closed_at <= until):
        effect = None if state.daily_cost is None else -state.daily_cost
        gone = Change(at=state.closed_at, kind="deleted", state=state, effect=effect)
        yield Event(change=gone, after=looked_last, first_at=gone.at)
    assert state.opened_at is not None, "drafts are left out"
    kind = str(state.action)
    effect = _effect(state.changes) if kind == ResourceState.Action.UPDATED else state.daily_cost
    change = Change(at=state.opened_at, kind=kind, state=state, effect=effect, changes=state.changes)
    yield Event(change=change, after=looked_before, first_at=change.at)


def _priced(resource: Resource, events: list[Event]) -> list[Event]:
    """The events with the prices that moved; one query where a cost did."""
    updates = [event for event in events if event.change.kind == ResourceState.Action.UPDATED]
    moves = price_moves(resource.connection, [(event.change.state, event.after) for event in updates])
    if not moves:
        return events
    return [
        replace(event, prices=tuple(moves.get(event.change.state.pk, ())))
        if event.change.kind == ResourceState.Action.UPDATED
        else event
        for event in events
    ]


def _effect(changes: Mapping[str, Any]) -> Decimal | None:
    before, after = changes.get("daily_cost", ("0", "0"))
    return None if before is None or after is None else Decimal(str(after)) - Decimal(str(before))


def _folded(events: list[Event]) -> Iterable[Event]:
    """Newest first in, newest first out: a run of changes of nothing but the cost, and of no price, becomes one."""
    run: Event | None = None
    for event in events:
        is_foldable = event.change.is_cost_only and not event.prices
        if is_foldable and run is not None:
            before = event.change.changes["daily_cost"][0]
            after = run.change.changes["daily_cost"][1]
            changes = {"daily_cost": [before, after]}
            change = Change(
                at=run.change.at,
                kind=run.change.kind,
                state=run.change.state,
                effect=_effect(changes),
                changes=changes,
                times=run.change.times + 1,
            )
            run = Event(change=change, after=event.after, first_at=event.first_at)
            continue
        if run is not None:
            yield run
            run = None
        if is_foldable:
            run = event
        else:
            yield event
    if run is not None:
        yield run
