"""Writes of the fact table: after a sync, on a restatement, or anew from lines and states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet

from common import bulk
from common.transactions import small_transaction
from costs.exchange import Rate
from costs.facts import (
    QUANTUM,
    Amounts,
    Interval,
    Key,
    Line,
    RateTable,
    day_bounds,
    facts_from_intervals,
    facts_from_lines,
)
from costs.models import CostRevision, CostSource, DailyCost, ExchangeRate
from inventory.models import Resource
from providers.contract.plugin import BillingKind
from providers.models import ProviderConnection
from providers.registry import plugin_class
from syncs.engine.drafts import batched
from syncs.models import ChargeBatch, ChargeLine, ResourceState, SyncSnapshot

CHUNK_DAYS = 7
CHUNK_FACTS = 70_000
"""About how many facts are compared at once: fewer days at a time where a connection has many resources."""

DaySums = dict[tuple[date, str], Decimal]
"""What was billed, by day and currency."""


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """Bring the facts of the days that this snapshot touched up to date. Idempotent."""
    connection = snapshot.connection
    days = _days_of_rates(snapshot) if _is_billed_by_rates(connection) else _days_of_lines(snapshot)
    if days is not None:
        write_facts(connection=connection, first=days[0], last=days[1], at=now, snapshot=snapshot)


def rebuild_costs(*, connection: ProviderConnection, at: datetime) -> int:
    """Make the connection's whole fact table anew from its lines and states; returns how many rows differed."""
    days = history_days(connection)
    if days is None:
        return 0
    return write_facts(connection=connection, first=days[0], last=days[1], at=at, snapshot=None)


def history_days(connection: ProviderConnection) -> tuple[date, date] | None:
    """The first and the last day of which lines, states or facts know; None where there is nothing."""
    zone = billing_zone(connection)
    bounds = _history_of(connection)
    known = DailyCost.objects.filter(connection=connection).aggregate(first=Min("date"), last=Max("date"))
    starts = [day for day in (bounds and bounds[0].astimezone(zone).date(), known["first"]) if day]
    ends = [day for day in (bounds and bounds[1].astimezone(zone).date(), known["last"]) if day]
    return (min(starts), max(ends)) if starts else None


def write_facts(
    *, connection: ProviderConnection, first: date, last: date, at: datetime, snapshot: SyncSnapshot | None
) -> int:
    """Make the stored facts of the days `first` to `last` equal to the computed ones; returns rows that differed."""
    rates = rate_table()
    resource_count = Resource.objects.filter(connection=connection).count()
    days = min(CHUNK_DAYS, max(1, CHUNK_FACTS // max(1, resource_count)))
    changed = 0
    start = first
    while start <= last:
        end = min(start + timedelta(days=days - 1), last)
        changed += _write_chunk(connection, start, end, at, snapshot, rates)
        start = end + timedelta(days=1)
    return changed


def store_rates(*, rates: Iterable[Rate], source: str) -> int:
    """Keep exchange rates and restate the rouble values that they concern; returns rates that are new or different."""
    known = {(r.currency, r.date): r.rub_per_unit for r in ExchangeRate.objects.all()}
    quantum = Decimal("0.00000001")
    fresh = [r for r in rates if known.get((r.currency, r.date)) != r.rub_per_unit.quantize(quantum)]
    with transaction.atomic():
        for rate in fresh:
            ExchangeRate.objects.update_or_create(
                currency=rate.currency,
                date=rate.date,
                defaults={"rub_per_unit": rate.rub_per_unit.quantize(quantum), "source": source},
            )
    for currency in sorted({rate.currency for rate in fresh}):
        restate_roubles(currency=currency, since=min(r.date for r in fresh if r.currency == currency))
    return len(fresh)


def restate_roubles(*, currency: str, since: date) -> None:
    """Compute the rouble values of a currency's facts again, from `since` on and where none was known."""
    table = rate_table()
    facts = DailyCost.objects.filter(currency=currency).filter(Q(date__gte=since) | Q(rub_rate__isnull=True))
    for day in facts.values_list("date", flat=True).distinct().order_by("date"):
        rate = table.on(currency, day)
        if rate is None:
            continue
        for rows in batched(list(facts.filter(date=day))):
            for row in rows:
                row.rub_rate = rate
                row.billed_cost_rub = (row.billed_cost * rate).quantize(QUANTUM)
                row.effective_cost_rub = (row.effective_cost * rate).quantize(QUANTUM)
            with small_transaction():
                DailyCost.objects.bulk_update(rows, ["rub_rate", "billed_cost_rub", "effective_cost_rub"])


def rate_table() -> RateTable:
    rates: dict[str, list[tuple[date, Decimal]]] = {}
    for currency, day, rate in ExchangeRate.objects.values_list("currency", "date", "rub_per_unit"):
        rates.setdefault(currency, []).append((day, rate))
    return RateTable(rates)


def billing_zone(connection: ProviderConnection) -> ZoneInfo:
    """The zone in which the provider cuts its days."""
    return ZoneInfo(plugin_class(connection.provider_type).billing_timezone)


def computed_facts(connection: ProviderConnection, first: date, last: date) -> dict[Key, Amounts]:
    """What the facts of these days must be, from current lines and published states alone."""
    zone = billing_zone(connection)
    start, end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    if _is_billed_by_rates(connection):
        return facts_from_intervals(_intervals(connection, start, end), zone=zone, first=first, last=last)
    return facts_from_lines(_lines(connection, start, end), zone=zone, first=first, last=last)


def _is_billed_by_rates(connection: ProviderConnection) -> bool:
    return plugin_class(connection.provider_type).capabilities.billing is BillingKind.RATES


def _days_of_rates(snapshot: SyncSnapshot) -> tuple[date, date]:
    """From the day of the snapshot before to the day of this one: in between, prices went on running."""
    assert snapshot.observed_at is not None
    zone = billing_zone(snapshot.connection)
    before = (
        SyncSnapshot.objects.finished()
        .filter(connection=snapshot.connection, observed_at__lt=snapshot.observed_at)
        .aggregate(at=Max("observed_at"))["at"]
    )
    start = before or snapshot.observed_at
    return start.astimezone(zone).date(), snapshot.observed_at.astimezone(zone).date()


def _days_of_lines(snapshot: SyncSnapshot) -> tuple[date, date] | None:
    """The days of the deliveries that this snapshot published, and of those that they replaced."""
    zone = billing_zone(snapshot.connection)
    batches = ChargeBatch.objects.filter(Q(snapshot=snapshot) | Q(replaced_by__snapshot=snapshot))
    span = ChargeLine.objects.filter(batch__in=batches).aggregate(
        start=Min("charge_period_start"), end=Max("charge_period_end")
    )
    if span["start"] is None:
        return None
    return span["start"].astimezone(zone).date(), span["end"].astimezone(zone).date()


def _history_of(connection: ProviderConnection) -> tuple[datetime, datetime] | None:
    if _is_billed_by_rates(connection):
        start = ResourceState.objects.filter(connection=connection, opened_at__isnull=False).aggregate(
            at=Min("opened_at")
        )["at"]
        end = _known_until(connection)
        return (start, end) if start and end else None
    span = _current_lines(connection).aggregate(
        start=Min("charge_period_start"), end=Max("charge_period_end")
    )
    return (span["start"], span["end"]) if span["start"] else None


def _known_until(connection: ProviderConnection) -> datetime | None:
    """Prices run until the latest finished snapshot; what came after, nobody has seen."""
    finished = SyncSnapshot.objects.finished().filter(connection=connection)
    latest: datetime | None = finished.aggregate(at=Max("observed_at"))["at"]
    return latest


def _intervals(connection: ProviderConnection, start: datetime, end: datetime) -> Iterator[Interval]:
    until = _known_until(connection)
    if until is None:
        return
    states = (
        ResourceState.objects.filter(
            Q(closed_at__isnull=True) | Q(closed_at__gt=start),
            connection=connection,
            opened_at__lt=end,
            daily_cost__gt=0,
        )
        .values_list("resource_id", "currency", "daily_cost", "is_list_price", "opened_at", "closed_at")
        .order_by("resource_id", "opened_at")
    )
    for resource_pk, currency, daily, is_list_price, opened_at, closed_at in states.iterator(2000):
        assert daily is not None, "the filter leaves no others"
        assert opened_at is not None, "the filter leaves no others"
        yield Interval(
            resource_pk=resource_pk,
            currency=currency,
            source=CostSource.ESTIMATE if is_list_price else CostSource.PRICE,
            daily=daily,
            start=opened_at,
            end=min(closed_at or until, until),
        )


def _current_lines(connection: ProviderConnection) -> QuerySet[ChargeLine]:
    return ChargeLine.objects.filter(
        batch__connection=connection, batch__published_at__isnull=False, batch__replaced_at__isnull=True
    )


def _lines(connection: ProviderConnection, start: datetime, end: datetime) -> Iterator[Line]:
    rows = (
        _current_lines(connection)
        .filter(charge_period_start__lt=end)
        .filter(
            Q(charge_period_end__gt=start) | Q(charge_period_start__gte=start)
        )  # a one-time fee has no length
        .values_list(
            "resource_id",
            "charge_category",
            "currency",
            "charge_period_start",
            "charge_period_end",
            "billed_cost",
            "effective_cost",
            "list_cost",
        )
        .order_by("pk")
    )
    names = ("resource_pk", "charge_category", "currency", "start", "end", "billed", "effective", "list")
    for row in rows.iterator(2000):
        yield Line(**dict[str, Any](zip(names, row, strict=True)))


def _write_chunk(
    connection: ProviderConnection,
    first: date,
    last: date,
    at: datetime,
    snapshot: SyncSnapshot | None,
    rates: RateTable,
) -> int:
    different = computed_facts(connection, first, last)
    before: DaySums = {}
    after: DaySums = {}
    for key, amounts in different.items():
        _add(after, key, amounts)
    vanished = []
    for key, amounts in _stored(connection, first, last):
        _add(before, key, amounts)
        if key not in different:
            vanished.append(key)
        elif different[key] == amounts:
            del different[key]
    # First what changes, then the change: killed in between, the second run still knows what was there before.
    CostRevision.objects.bulk_create(_revisions(connection, snapshot, before, after, at))
    for facts in batched(different.items()):
        rows = bulk.Insertion(
            [_row(connection, key, amounts, rates) for key, amounts in facts],
            unique_fields=["organization", "date", "resource", "charge_category", "source", "currency"],
            update_fields=[
                "billed_cost",
                "effective_cost",
                "list_cost",
                "rub_rate",
                "billed_cost_rub",
                "effective_cost_rub",
            ],
        )
        with small_transaction():
            rows.execute()
    _delete(connection, vanished)
    return len(different) + len(vanished)


def stored_facts(connection: ProviderConnection, first: date, last: date) -> dict[Key, Amounts]:
    """The facts of these days as they stand in the table."""
    return dict(_stored(connection, first, last))


def _stored(connection: ProviderConnection, first: date, last: date) -> Iterator[tuple[Key, Amounts]]:
    """One by one: of a large connection they are as many as the computed ones that they are compared with."""
    rows = DailyCost.objects.filter(connection=connection, date__gte=first, date__lte=last).values_list(
        "resource_id",
        "date",
        "charge_category",
        "source",
        "currency",
        "billed_cost",
        "effective_cost",
        "list_cost",
    )
    for row in rows.iterator(2000):
        yield Key(*row[:5]), Amounts(*row[5:])


def _delete(connection: ProviderConnection, keys: Iterable[Key]) -> None:
    by_kind: dict[tuple[date, str, str, str], list[int]] = {}
    for key in keys:
        kind = (key.date, key.charge_category, key.source, key.currency)
        by_kind.setdefault(kind, []).append(key.resource_pk)
    for (day, category, source, currency), pks in by_kind.items():
        for batch in batched(pks):
            with small_transaction():
                DailyCost.objects.filter(
                    connection=connection,
                    date=day,
                    charge_category=category,
                    source=source,
                    currency=currency,
                    resource_id__in=batch,
                ).delete()


def _row(connection: ProviderConnection, key: Key, amounts: Amounts, rates: RateTable) -> DailyCost:
    rate = rates.on(key.currency, key.date)
    return bulk.row(
        DailyCost,
        organization_id=connection.organization_id,
        connection_id=connection.pk,
        resource_id=key.resource_pk,
        date=key.date,
        charge_category=key.charge_category,
        source=key.source,
        currency=key.currency,
        billed_cost=amounts.billed,
        effective_cost=amounts.effective,
        list_cost=amounts.list,
        rub_rate=rate,
        billed_cost_rub=None if rate is None else (amounts.billed * rate).quantize(QUANTUM),
        effective_cost_rub=None if rate is None else (amounts.effective * rate).quantize(QUANTUM),
    )


def _add(sums: DaySums, key: Key, amounts: Amounts) -> None:
    day = (key.date, key.currency)
    sums[day] = sums.get(day, Decimal(0)) + amounts.billed


def _revisions(
    connection: ProviderConnection,
    snapshot: SyncSnapshot | None,
    before: DaySums,
    after: DaySums,
    at: datetime,
) -> list[CostRevision]:
    """A day that had facts, had ended before the snapshot before this one, and now sums up differently.

    A snapshot tells a day's change once, however often its facts are written.
    """
    complete_before = _complete_before(connection, snapshot)
    told = (
        set(CostRevision.objects.filter(snapshot=snapshot).values_list("date", "currency"))
        if snapshot
        else set()
    )
    return [
        CostRevision(
            organization_id=connection.organization_id,
            connection=connection,
            snapshot=snapshot,
            date=day,
            currency=currency,
            changed_at=at,
            before_billed_cost=amount,
            after_billed_cost=after.get((day, currency), Decimal(0)),
        )
        for (day, currency), amount in sorted(before.items())
        if complete_before is not None
        and day < complete_before
        and (day, currency) not in told
        and amount != after.get((day, currency), Decimal(0))
    ]


def _complete_before(connection: ProviderConnection, snapshot: SyncSnapshot | None) -> date | None:
    zone = billing_zone(connection)
    earlier = SyncSnapshot.objects.finished().filter(connection=connection)
    if snapshot is not None and snapshot.observed_at is not None:
        earlier = earlier.filter(observed_at__lt=snapshot.observed_at)
    latest: datetime | None = earlier.aggregate(at=Max("observed_at"))["at"]
    return latest.astimezone(zone).date() if latest else None
