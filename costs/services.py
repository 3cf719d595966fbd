"""Writes of the fact table: after a sync, on a restatement, or anew from lines and states."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

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
from costs.models import (
    ConnectionDay,
    CostDimensions,
    CostRevision,
    CostSource,
    DailyCost,
    DailyTotal,
    ExchangeRate,
    MonthlyTotal,
)
from costs.partitions import before_writing
from costs.shares import Shared, ShareRow, replacement, restate_roubles_of_shares, stored_shares
from costs.stamping import Stamp, Stamper
from costs.totals import rewrite_totals
from inventory.models import Resource
from providers.contract.plugin import BillingKind
from providers.models import ProviderConnection
from providers.registry import plugin_class
from syncs.engine.drafts import batched
from syncs.models import ChargeBatch, ChargeLine, ResourceState, SyncSnapshot

CHUNK_DAYS = 7
CHUNK_FACTS = 70_000
"""About how many facts are compared at once: fewer days at a time where a connection has many resources."""

CONTEXT_BATCH = 2000

DaySums = dict[tuple[date, str], Decimal]
"""What was billed, by day and currency."""

StoredFact = tuple[Key, Amounts, int | None]
"""A fact as it stands in the table, with its dimensions' pk."""


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """Bring the facts of the days that this snapshot touched up to date. Idempotent."""
    connection = snapshot.connection
    zone = billing_zone(connection)
    today = now.astimezone(zone).date()
    days = _days_of_rates(snapshot) if _is_billed_by_rates(connection) else _days_of_lines(snapshot)
    first, last = days or (today, today)
    stamper = Stamper(connection, first=min(first, today), last=max(last, today), zone=zone)
    if days is not None:
        write_facts(connection=connection, first=first, last=last, at=now, snapshot=snapshot, stamper=stamper)
        _restamp_all_days(connection, _retyped(connection, first, last))
    refresh_context(connection=connection, day=today, stamper=stamper)


def rebuild_costs(*, connection: ProviderConnection, at: datetime) -> int:
    """Make the connection's costs and totals anew from its lines and states; returns how many facts differed."""
    days = history_days(connection)
    changed = 0
    if days is not None:
        changed = write_facts(connection=connection, first=days[0], last=days[1], at=at, snapshot=None)
    _rebuild_totals(connection)
    return changed


def _rebuild_totals(connection: ProviderConnection) -> None:
    """Also of days whose facts are right, and of those that have totals and no facts."""
    days: set[date] = set()
    for model in (DailyCost, DailyTotal, MonthlyTotal, ConnectionDay):
        rows: QuerySet[Any] = model._default_manager.filter(connection=connection)
        days.update(rows.order_by().values_list("date", flat=True).distinct())
    for day in sorted(days):
        with small_transaction():
            rewrite_totals(connection_id=connection.pk, day=day)


def history_days(connection: ProviderConnection) -> tuple[date, date] | None:
    """The first and the last day of which lines, states or facts know; None where there is nothing."""
    zone = billing_zone(connection)
    bounds = _history_of(connection)
    known = DailyCost.objects.filter(connection=connection).aggregate(first=Min("date"), last=Max("date"))
    starts = [day for day in (bounds and bounds[0].astimezone(zone).date(), known["first"]) if day]
    ends = [day for day in (bounds and bounds[1].astimezone(zone).date(), known["last"]) if day]
    return (min(starts), max(ends)) if starts else None


def write_facts(
    *,
    connection: ProviderConnection,
    first: date,
    last: date,
    at: datetime,
    snapshot: SyncSnapshot | None,
    stamper: Stamper | None = None,
) -> int:
    """Make the stored facts of the days `first` to `last` equal to the computed ones; returns rows that differed.

    `stamper`: one that knows these days, and what it has read already.
    """

    def tell(before: DaySums, after: DaySums) -> None:
        CostRevision.objects.bulk_create(_revisions(connection, snapshot, before, after, at))

    rates = rate_table()
    stamper = stamper or Stamper(connection, first=first, last=last, zone=billing_zone(connection))
    changed = 0
    for start, end in _chunks(connection, first, last):
        facts = computed_facts(connection, start, end)
        changed += _write_chunk(connection, facts, (start, end), rates, stamper, tell)
    if stamper.rulebook.follows_others:
        changed += _share_out_again(connection, first, last)
    return changed


def _share_out_again(connection: ProviderConnection, first: date, last: date) -> int:
    """Costs that are shared out in proportion follow what this connection's resources cost by now.

    Returns rows of this connection that differed.
    """
    changed = 0
    for each in ProviderConnection.objects.filter(organization=connection.organization_id).order_by("pk"):
        count = restamp(connection=each, since=first, until=last)
        changed += count if each.pk == connection.pk else 0
    return changed


def restamp(
    *,
    connection: ProviderConnection,
    since: date,
    until: date,
    resource_pks: Collection[int] | None = None,
) -> int:
    """Give the facts of the days `since` to `until` the dimensions that hold for them; returns rows that differed.

    Amounts stay as they are. `resource_pks`: of these resources alone.
    """
    rates = rate_table()
    stamper = Stamper(connection, first=since, last=until, zone=billing_zone(connection))
    changed = 0
    for start, end in _chunks(connection, since, until):
        facts = {key: amounts for key, amounts, _dimensions in _stored(connection, start, end, resource_pks)}
        changed += _write_chunk(
            connection, facts, (start, end), rates, stamper, lambda _before, _after: None, resource_pks
        )
    return changed


def refresh_context(*, connection: ProviderConnection, day: date, stamper: Stamper | None = None) -> int:
    """Let resources bear the business values of the day, with where they come from; returns how many changed.

    `stamper`: one that knows the day.
    """
    stamper = stamper or Stamper(connection, first=day, last=day, zone=billing_zone(connection))
    columns = (*CostDimensions.BUSINESS_FIELDS, "context_provenance")
    rows = Resource.objects.filter(connection=connection).order_by("pk").values_list("pk", *columns)
    changed: dict[str, list[int]] = {}
    for batch in batched(rows.iterator(CONTEXT_BATCH), CONTEXT_BATCH):
        stamper.prepare([row[0] for row in batch])
        for pk, *stored in batch:
            context = stamper.context(pk, day).values
            wanted: list[Any] = [context[name].value if name in context else "" for name in columns[:-1]]
            wanted.append({name: str(given.provenance) for name, given in context.items()})
            if stored != wanted:
                changed.setdefault(json.dumps(wanted), []).append(pk)
    for values, pks in changed.items():
        for few in batched(pks):
            with small_transaction():
                Resource.objects.filter(pk__in=few).update(
                    **dict(zip(columns, json.loads(values), strict=True))
                )
    return sum(len(pks) for pks in changed.values())


def after_retyping(*, provider_type: str, native_type: str) -> None:
    """Let the costs of resources that got another type stand under it, on all days that have any."""
    resources = Resource.objects.filter(connection__provider_type=provider_type, native_type=native_type)
    by_connection: dict[int, list[int]] = {}
    for connection_pk, pk in resources.values_list("connection", "pk"):
        by_connection.setdefault(connection_pk, []).append(pk)
    for connection in ProviderConnection.objects.filter(pk__in=by_connection).order_by("pk"):
        _restamp_all_days(connection, by_connection[connection.pk])


def _retyped(connection: ProviderConnection, first: date, last: date) -> list[int]:
    """Resources whose costs of other days stand under another type than theirs: a sync learned it.

    One fact of each tells: the latest, which a restamp reaches last.
    """
    others = (
        DailyCost.objects.filter(Q(date__lt=first) | Q(date__gt=last), resource=OuterRef("pk"))
        .order_by("-date")
        .values("dimensions__resource_type")
    )
    resources = Resource.objects.filter(connection=connection).annotate(stamped=Subquery(others[:1]))
    rows = resources.values_list("pk", "resource_type", "stamped")
    return [pk for pk, known, stamped in rows.iterator(2000) if stamped is not None and stamped != known]


def _restamp_all_days(connection: ProviderConnection, resource_pks: Sequence[int]) -> None:
    for pks in batched(resource_pks):
        span = DailyCost.objects.filter(resource__in=pks).aggregate(first=Min("date"), last=Max("date"))
        if span["first"] is not None:
            restamp(connection=connection, since=span["first"], until=span["last"], resource_pks=pks)


def _chunks(connection: ProviderConnection, first: date, last: date) -> Iterator[tuple[date, date]]:
    """The days in as many at once as memory takes."""
    resource_count = Resource.objects.filter(connection=connection).count()
    days = min(CHUNK_DAYS, max(1, CHUNK_FACTS // max(1, resource_count)))
    start = first
    while start <= last:
        end = min(start + timedelta(days=days - 1), last)
        yield start, end
        start = end + timedelta(days=1)


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
                of_day = DailyCost.objects.filter(date=day)  # only its month is looked through
                of_day.bulk_update(rows, ["rub_rate", "billed_cost_rub", "effective_cost_rub"])
                restate_roubles_of_shares(rows)
                for connection_pk in sorted({row.connection_id for row in rows}):
                    rewrite_totals(connection_id=connection_pk, day=day)


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
    facts: dict[Key, Amounts],
    days: tuple[date, date],
    rates: RateTable,
    stamper: Stamper,
    tell: Callable[[DaySums, DaySums], None],
    resource_pks: Collection[int] | None = None,
) -> int:
    """Make the stored facts equal to `facts`, which are used up; `tell` hears of the days' sums before and after.

    `resource_pks`: of these resources alone.
    """
    stamper.prepare({key.resource_pk for key in facts})
    stamps = {key: stamper.stamp(key.resource_pk, key.date) for key in facts}
    stamper.save()
    shared = _shares(facts, stamps, stamper, rates)
    changes: dict[date, _DayChanges] = {}
    before, after = _compare(facts, stamps, stamper, _stored(connection, *days, resource_pks), changes)
    known = stored_shares(connection.pk, *days)
    for day in shared.keys() | known.keys():
        due, stored = shared.get(day, []), known.get(day, set())
        if resource_pks is not None:
            stored = {row for row in stored if row[0].resource_pk in resource_pks}
        if set(due) != stored:
            change = changes.setdefault(day, _DayChanges())
            change.shares = due
            change.shares_changed = len({row[0] for row in stored.symmetric_difference(due)})
    # First what changes, then the change: killed in between, the second run still knows what was there before.
    tell(before, after)
    before_writing((day for day, change in changes.items() if change.written), today=timezone.now().date())
    for day, change in sorted(changes.items()):
        _write_day(connection, day, change, stamps, stamper, rates, resource_pks)
    return sum(change.count for change in changes.values())


def _compare(
    facts: dict[Key, Amounts],
    stamps: Mapping[Key, Stamp],
    stamper: Stamper,
    stored: Iterable[StoredFact],
    changes: dict[date, _DayChanges],
) -> tuple[DaySums, DaySums]:
    """Put what differs into `changes`, using `facts` up; returns the sums of the days before and after."""
    before: DaySums = {}
    after: DaySums = {}
    for key, amounts in facts.items():
        _add(after, key, amounts)
    for key, amounts, dimensions_pk in stored:
        _add(before, key, amounts)
        wanted = facts.pop(key, None)
        if wanted is None:
            changes.setdefault(key.date, _DayChanges()).vanished.append(key)
        elif wanted != amounts:
            changes.setdefault(key.date, _DayChanges()).written[key] = wanted
        elif stamper.pk(stamps[key].fingerprint) != dimensions_pk:
            changes.setdefault(key.date, _DayChanges()).restamped.append(key)
    for key, wanted in facts.items():
        changes.setdefault(key.date, _DayChanges()).written[key] = wanted
    return before, after


def _shares(
    facts: Mapping[Key, Amounts], stamps: Mapping[Key, Stamp], stamper: Stamper, rates: RateTable
) -> dict[date, list[ShareRow]]:
    rows: dict[date, list[ShareRow]] = {}
    for key, stamp in stamps.items():
        if stamp.parts:
            parts = tuple((stamper.pk(fingerprint), weight) for fingerprint, weight in stamp.parts)
            shared = Shared(key, facts[key], rates.on(key.currency, key.date), parts)
            rows.setdefault(key.date, []).extend(shared.rows())
    return rows


@dataclass(slots=True)
class _DayChanges:
    """What of one day's facts is to be written, gets other dimensions alone, or goes; `shares` None leaves them."""

    written: dict[Key, Amounts] = field(default_factory=dict)
    restamped: list[Key] = field(default_factory=list)
    vanished: list[Key] = field(default_factory=list)
    shares: list[ShareRow] | None = None
    shares_changed: int = 0

    @property
    def count(self) -> int:
        """Facts that differed; one of which only the shares did counts too."""
        return max(len(self.written) + len(self.restamped) + len(self.vanished), self.shares_changed)


def _write_day(
    connection: ProviderConnection,
    day: date,
    change: _DayChanges,
    stamps: Mapping[Key, Stamp],
    stamper: Stamper,
    rates: RateTable,
    resource_pks: Collection[int] | None,
) -> None:
    """In batches; the day's totals come with the last of them, so that a day left half written is seen as changed."""
    writes: list[Callable[[], object]] = [
        *_deletions(connection, day, change.vanished),
        *_restamps(connection, day, change.restamped, stamps, stamper),
    ]
    for facts in batched(change.written.items()):
        rows = bulk.Insertion(
            [
                _row(connection, key, amounts, rates, stamper.pk(stamps[key].fingerprint))
                for key, amounts in facts
            ],
            unique_fields=["organization", "date", "resource", "charge_category", "source", "currency"],
            update_fields=[
                "dimensions",
                "billed_cost",
                "effective_cost",
                "list_cost",
                "rub_rate",
                "billed_cost_rub",
                "effective_cost_rub",
            ],
        )
        writes.append(rows.execute)
    if change.shares is not None:
        writes.append(
            replacement(
                organization_id=connection.organization_id,
                connection_id=connection.pk,
                day=day,
                rows=change.shares,
                only=resource_pks,
            )
        )
    for number, write in enumerate(writes, start=1):
        with small_transaction():
            write()
            if number == len(writes):
                rewrite_totals(connection_id=connection.pk, day=day)


def stored_facts(connection: ProviderConnection, first: date, last: date) -> dict[Key, Amounts]:
    """The facts of these days as they stand in the table."""
    return {key: amounts for key, amounts, _dimensions in _stored(connection, first, last)}


def _stored(
    connection: ProviderConnection, first: date, last: date, resource_pks: Collection[int] | None = None
) -> Iterator[StoredFact]:
    """One by one: of a large connection they are as many as the computed ones that they are compared with."""
    facts = DailyCost.objects.filter(connection=connection, date__gte=first, date__lte=last)
    if resource_pks is not None:
        facts = facts.filter(resource__in=resource_pks)
    rows = facts.values_list(
        "resource_id",
        "date",
        "charge_category",
        "source",
        "currency",
        "billed_cost",
        "effective_cost",
        "list_cost",
        "dimensions_id",
    )
    for row in rows.iterator(2000):
        yield Key(*row[:5]), Amounts(*row[5:8]), row[8]


def _deletions(
    connection: ProviderConnection, day: date, keys: Iterable[Key]
) -> Iterator[Callable[[], object]]:
    by_kind: dict[tuple[str, str, str], list[int]] = {}
    for key in keys:
        by_kind.setdefault((key.charge_category, key.source, key.currency), []).append(key.resource_pk)
    for (category, source, currency), pks in by_kind.items():
        for batch in batched(pks):
            facts = DailyCost.objects.filter(
                connection=connection,
                date=day,
                charge_category=category,
                source=source,
                currency=currency,
                resource_id__in=batch,
            )
            yield facts.delete


def _restamps(
    connection: ProviderConnection,
    day: date,
    keys: Iterable[Key],
    stamps: Mapping[Key, Stamp],
    stamper: Stamper,
) -> Iterator[Callable[[], object]]:
    """All facts of a resource and day have the same dimensions."""
    by_stamp: dict[str, set[int]] = {}
    for key in keys:
        by_stamp.setdefault(stamps[key].fingerprint, set()).add(key.resource_pk)
    for fingerprint, pks in by_stamp.items():
        for batch in batched(sorted(pks)):
            facts = DailyCost.objects.filter(connection=connection, date=day, resource_id__in=batch)
            yield partial(facts.update, dimensions=stamper.pk(fingerprint))


def _row(
    connection: ProviderConnection, key: Key, amounts: Amounts, rates: RateTable, dimensions_pk: int
) -> DailyCost:
    rate = rates.on(key.currency, key.date)
    return bulk.row(
        DailyCost,
        organization_id=connection.organization_id,
        connection_id=connection.pk,
        resource_id=key.resource_pk,
        dimensions_id=dimensions_pk,
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
