"""The charges of an organization, days, and filters as a stream: memory does not grow with them.

Facts say which days of which resources are in, and what they sum up to. Where a cloud bills by lines, a fact opens into
its lines; where lines are gone, and where it bills by rates, the fact is the charge. Five streams ordered by resource run
side by side: as many queries for a million rows as for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum
from django.db.models.fields.json import KT

from accounts.models import Organization
from costs.explorer import subtrees
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.facts import QUANTUM, Line, shares_of
from costs.focus.charges import (
    BILLING,
    LONG_AGO,
    Account,
    Amounts,
    Dimensions,
    Form,
    LineParts,
    Thing,
    Values,
    charge_of_fact,
    charge_of_line,
    day_bounds,
    provenance_text,
    tags_text,
)
from costs.focus.shares import COLUMN as ALLOCATED
from costs.focus.shares import Part, shared_out
from costs.models import CostDimensions, CostShare, DailyCost
from inventory.models import Resource, Tag, TagSource
from providers.contract.errors import UnknownProvider
from providers.models import ProviderConnection
from providers.registry import plugin_class
from syncs.models import ChargeLine, ResourceState

CHUNK_ROWS = 2000
ONE_DAY = timedelta(days=1)
Key = tuple[int, int]
"""Connection and resource, by which all streams are ordered."""

_FACT = (
    "connection_id", "resource_id", "date", "charge_category", "source", "currency",
    "billed_cost", "effective_cost", "list_cost", "rub_rate", "dimensions_id",
)  # fmt: skip
_SHARE = (
    "connection_id", "resource_id", "date", "charge_category", "source", "currency", "dimensions_id", "weight",
)  # fmt: skip
_RESOURCE = (
    "connection_id", "pk", "resource_id", "name", "native_type", "resource_type", "context_provenance",
    *CostDimensions.BUSINESS_FIELDS,
)  # fmt: skip
_STATE = (
    "connection_id", "resource_id", "opened_at", "service_name", "region_id", "zone_name", "sub_account_id",
    "sub_account_name", "vcpus", "memory_mib", "storage_gib", "operating_system", "engine", "tags",
)  # fmt: skip
_LINE = (
    "batch__connection_id", "resource_id", "charge_category", "charge_class", "charge_frequency",
    "charge_description", "charge_period_start", "charge_period_end", "billed_cost", "effective_cost", "list_cost",
    "contracted_cost", "currency", "service_name", "service_category", "region_id", "sub_account_id", "sku_id",
    "pricing_category", "pricing_quantity", "pricing_unit", "commitment_discount_id", "commitment_discount_status",
    "invoice_id", "extra",
)  # fmt: skip
_DIMENSIONS = (
    "pk", "resource_type", "service_name", "region_id", "sub_account_id", "sub_account_name", "provenance",
    *CostDimensions.BUSINESS_FIELDS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fact:
    day: date
    category: str
    source: str
    currency: str
    billed: Decimal
    effective: Decimal
    list: Decimal
    rate: Decimal | None
    dimensions_pk: int | None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's columns in the order of `_LINE`, after the two of the key."""

    category: str
    charge_class: str
    frequency: str
    description: str
    start: datetime
    end: datetime
    billed: Decimal
    effective: Decimal
    list: Decimal
    contracted: Decimal
    currency: str
    service_name: str
    service_category: str
    region_id: str
    sub_account_id: str
    sku_id: str
    pricing_category: str
    quantity: Decimal | None
    unit: str
    commitment_id: str
    commitment_status: str
    invoice_id: str
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Part:
    """What a line costs on one day, and the fact that counts it."""

    day: date
    billed: Decimal
    effective: Decimal
    list: Decimal
    fact: _Fact


FactKey = tuple[date, str, str]
"""Day, category and currency of a fact that lines made."""


def facts_of(organization: Organization, span: Span, filters: Filters) -> QuerySet[DailyCost]:
    """The facts that an export is about."""
    days = DailyCost.objects.of(organization).filter(date__gte=span.first, date__lte=span.last)
    return subtrees.whole(organization, filters).apply(days)


def sums_of(organization: Organization, span: Span, filters: Filters) -> dict[str, tuple[Decimal, Decimal]]:
    """Currency -> billed and effective cost of the facts: what the rows of the file must come to."""
    rows = (
        facts_of(organization, span, filters)
        .order_by("currency")
        .values_list("currency")
        .annotate(billed=Sum("billed_cost"), effective=Sum("effective_cost"))
    )
    return {
        currency: (Decimal(billed).quantize(QUANTUM), Decimal(effective).quantize(QUANTUM))
        for currency, billed, effective in rows
    }


def charges(
    organization: Organization, span: Span, filters: Filters, *, by_share: bool = False
) -> Iterator[Values]:
    """Every charge of the days, by connection, resource and day; five streams, read at once, and two small tables.

    `by_share`: what is shared out comes in its parts, which are a sixth stream. All streams are opened before the first charge: what a sync publishes meanwhile is not half in.
    """
    accounts = _accounts(organization)
    dimensions = _dimensions(organization)
    facts = facts_of(organization, span, filters)
    wanted = facts.order_by().values("resource_id") if filters else None
    lanes = [
        _Lane(rows)
        for rows in (
            _resources(organization, wanted),
            facts.order_by("connection_id", "resource_id", "date", "pk").values_list(*_FACT),
            _lines(organization, span, wanted),
            _states(organization, span, wanted),
            _user_tags(organization, wanted),
        )
    ]
    resources, fact_lane, lines, states, tags = lanes
    shares = _Lane(_shares_of(organization, span, wanted)) if by_share else None
    while (row := resources.current) is not None:
        key: Key = row[:2]
        resources.advance()
        found = [_Fact(*fact[2:]) for fact in fact_lane.take(key)]
        if not found:
            continue
        if shares is not None:
            found = _with_parts(found, shares.take(key))
        thing = Thing(
            account=accounts[key[0]],
            resource_id=row[2],
            name=row[3],
            native_type=row[4],
            user_tags={tag[2]: tag[3] for tag in tags.take(key)},
        )
        history = _History(states.take(key), thing.user_tags)
        own = _own_dimensions(row)
        yield from _resource_charges(thing, history, _Stamps(dimensions, own), found, lines.take(key))


def _with_parts(facts: Iterable[_Fact], shares: Iterable[tuple[Any, ...]]) -> list[_Fact]:
    parts: dict[tuple[Any, ...], list[Part]] = {}
    for share in shares:
        parts.setdefault(share[2:6], []).append(Part(*share[6:]))
    keys = ((fact, (fact.day, fact.category, fact.source, fact.currency)) for fact in facts)
    return [replace(fact, parts=tuple(parts[key])) if key in parts else fact for fact, key in keys]


class _Lane:
    """A stream of rows that begin with their key, read ahead by one."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        self._rows: Iterator[tuple[Any, ...]] = rows.iterator(CHUNK_ROWS)
        self.current: tuple[Any, ...] | None = next(self._rows, None)

    def advance(self) -> None:
        self.current = next(self._rows, None)

    def take(self, key: Key) -> Iterator[tuple[Any, ...]]:
        """The rows of a key, not less than any before; what stands between is passed over."""
        while self.current is not None and self.current[:2] < key:
            self.advance()
        while (row := self.current) is not None and row[:2] == key:
            self.advance()
            yield row


class _History:
    """The forms of one resource, oldest first."""

    def __init__(self, rows: Iterable[tuple[Any, ...]], user_tags: Mapping[str, str]) -> None:
        self._forms = [_form(row, user_tags) for row in rows] or [
            Form(since=LONG_AGO, tags=tags_text({}, user_tags))
        ]

    def at(self, moment: datetime) -> Form:
        """What held before `moment`; the first form where all came later, because lines may run ahead of a listing."""
        return next((form for form in reversed(self._forms) if form.since < moment), self._forms[0])


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Dimensions of facts; a fact without any has those of its resource today."""

    known: Mapping[int, Dimensions]
    own: Dimensions

    def of(self, pk: int | None) -> Dimensions:
        return self.own if pk is None else self.known.get(pk, self.own)

    def parts(self, parts: Iterable[Part]) -> list[tuple[Dimensions, Decimal]]:
        return [(self.of(part.dimensions_pk), part.weight) for part in parts]


def _resource_charges(
    thing: Thing, history: _History, stamps: _Stamps, facts: Sequence[_Fact], lines: Iterable[tuple[Any, ...]]
) -> Iterator[Values]:
    billed: dict[FactKey, _Fact] = {
        (fact.day, fact.category, fact.currency): fact for fact in facts if fact.source == BILLING
    }
    opened: set[FactKey] = set()
    zone = thing.account.zone
    read = (_Line(*row[2:]) for row in lines)
    for line in read if thing.account.gives_focus else _merged(read):
        parts = []
        for day, billed_cost, effective_cost, list_cost in _shares(line, zone):
            key = (day, line.category, line.currency)
            fact = billed.get(key)
            if fact is not None:
                opened.add(key)
                parts.append(_Part(day, billed_cost, effective_cost, list_cost, fact))
        yield from _line_charges(thing, history, stamps, line, parts)
    for fact in facts:
        if fact.source == BILLING and (fact.day, fact.category, fact.currency) in opened:
            continue
        form = history.at(day_bounds(fact.day, zone)[1])
        rate = fact.rate
        amounts = Amounts(
            billed=fact.billed,
            effective=fact.effective,
            list=fact.list,
            contracted=fact.list,
            billed_rub=None if rate is None else fact.billed * rate,
            effective_rub=None if rate is None else fact.effective * rate,
            rate=rate,
        )
        build = partial(
            charge_of_fact,
            thing,
            form,
            day=fact.day,
            category=fact.category,
            source=fact.source,
            currency=fact.currency,
        )
        yield from shared_out(build, stamps.of(fact.dimensions_pk), amounts, stamps.parts(fact.parts))


def _merged(lines: Iterable[_Line]) -> Iterator[_Line]:
    """Lines of one period that say the same of the same thing, as one: a cloud may bill its parts each on its own.

    The lines come by their start; those of one start are held at once.
    """
    for _start, group in groupby(lines, key=attrgetter("start")):
        found: dict[Any, _Line] = {}
        for line in group:
            key = _SAME(line)
            before = found.get(key)
            found[key] = line if before is None else _sum(before, line)
        yield from found.values()


_SAME = attrgetter(
    "end", "category", "charge_class", "sku_id", "currency", "pricing_category", "unit", "commitment_id",
    "commitment_status", "invoice_id", "service_name", "region_id",
)  # fmt: skip


def _sum(one: _Line, other: _Line) -> _Line:
    return replace(
        one,
        billed=one.billed + other.billed,
        effective=one.effective + other.effective,
        list=one.list + other.list,
        contracted=one.contracted + other.contracted,
        quantity=None if one.quantity is None or other.quantity is None else one.quantity + other.quantity,
    )


def _line_charges(
    thing: Thing, history: _History, stamps: _Stamps, line: _Line, parts: Sequence[_Part]
) -> Iterator[Values]:
    """The line as it was billed, or its parts: days that are in, of one context and, for our own clouds, one month."""
    run: list[_Part] = []
    for part in parts:
        if run and not _goes_on(run[-1], part, thing.account):
            yield from _run_charges(thing, history, stamps, line, run)
            run = []
        run.append(part)
    if run:
        yield from _run_charges(thing, history, stamps, line, run)


def _goes_on(before: _Part, part: _Part, account: Account) -> bool:
    return (
        part.day == before.day + ONE_DAY
        and part.fact.dimensions_pk == before.fact.dimensions_pk
        and part.fact.parts == before.fact.parts
        and (account.gives_focus or part.day.month == before.day.month)
    )


def _run_charges(
    thing: Thing, history: _History, stamps: _Stamps, line: _Line, run: Sequence[_Part]
) -> Iterator[Values]:
    zone = thing.account.zone
    first, last = day_bounds(run[0].day, zone), day_bounds(run[-1].day, zone)
    if line.end <= line.start:  # a fee of an instant: FOCUS has no such period
        start, end, share = first[0], last[1], Decimal(1)
    else:
        start, end = max(line.start, first[0]), min(line.end, last[1])
        share = _ratio(end - start, line.end - line.start)
    rates = {part.fact.rate for part in run}
    is_known = None not in rates
    amounts = Amounts(
        billed=sum((part.billed for part in run), Decimal(0)),
        effective=sum((part.effective for part in run), Decimal(0)),
        list=sum((part.list for part in run), Decimal(0)),
        contracted=line.contracted * share,
        billed_rub=_in_roubles((part.billed, part.fact.rate) for part in run) if is_known else None,
        effective_rub=_in_roubles((part.effective, part.fact.rate) for part in run) if is_known else None,
        rate=run[0].fact.rate if len(rates) == 1 else None,
    )
    whole = LineParts(
        category=line.category,
        charge_class=line.charge_class,
        frequency=line.frequency,
        description=line.description,
        start=start,
        end=end,
        share=share,
        service_name=line.service_name,
        service_category=line.service_category,
        region_id=line.region_id,
        sub_account_id=line.sub_account_id,
        sku_id=line.sku_id,
        pricing_category=line.pricing_category,
        quantity=line.quantity,
        unit=line.unit,
        commitment_id=line.commitment_id,
        commitment_status=line.commitment_status,
        invoice_id=line.invoice_id,
        extra=line.extra,
    )

    def build(dimensions: Dimensions, amounts: Amounts, weight: Decimal) -> Values:
        return charge_of_line(
            thing,
            history.at(end),
            dimensions,
            amounts,
            whole if weight == 1 else replace(whole, share=share * weight),
            day=run[0].day,
            currency=line.currency,
        )

    fact = run[0].fact
    # What the provider itself shared out has its receiver already
    parts = () if line.extra.get(ALLOCATED) else fact.parts
    yield from shared_out(build, stamps.of(fact.dimensions_pk), amounts, stamps.parts(parts))


def _in_roubles(pairs: Iterable[tuple[Decimal, Decimal | None]]) -> Decimal:
    return sum((cost * rate for cost, rate in pairs if rate is not None), Decimal(0))


def _shares(line: _Line, zone: ZoneInfo) -> Iterable[tuple[date, Decimal, Decimal, Decimal]]:
    """The line by days, exactly as the facts count it."""
    only = _only_day(line.start, line.end, zone)
    if only is not None:
        return ((only, line.billed, line.effective, line.list),)
    return shares_of(
        Line(
            resource_pk=0,
            charge_category=line.category,
            currency=line.currency,
            start=line.start,
            end=line.end,
            billed=line.billed,
            effective=line.effective,
            list=line.list,
        ),
        zone,
    )


@lru_cache(maxsize=1 << 14)
def _only_day(start: datetime, end: datetime, zone: ZoneInfo) -> date | None:
    """The day that `[start, end)` lies in; None where it touches several."""
    day = start.astimezone(zone).date()
    return day if end <= day_bounds(day, zone)[1] else None


def _ratio(part: timedelta, whole: timedelta) -> Decimal:
    return (
        Decimal(1)
        if part == whole
        else Decimal(part // timedelta.resolution) / (whole // timedelta.resolution)
    )


def _form(row: tuple[Any, ...], user_tags: Mapping[str, str]) -> Form:
    names = ("since", *_STATE[3:-1])
    values = dict(zip(names, row[2:-1], strict=True))
    values["zone_name"] = values["zone_name"] or ""
    return Form(**values, tags=tags_text(row[-1] or {}, user_tags))


def _own_dimensions(row: tuple[Any, ...]) -> Dimensions:
    business = dict(zip(CostDimensions.BUSINESS_FIELDS, row[7:], strict=True))
    return Dimensions(
        resource_type=row[5], business=business, provenance=provenance_text(row[6] or {}, business)
    )


def _accounts(organization: Organization) -> dict[int, Account]:
    """The organization's connections; one whose plugin is gone is known by its key alone."""
    found = {}
    for connection in ProviderConnection.objects.of(organization):
        try:
            plugin = plugin_class(connection.provider_type)
        except UnknownProvider:
            name, zone, gives_focus = connection.provider_type, "UTC", False
        else:
            name, zone = plugin.display_name, plugin.billing_timezone
            gives_focus = plugin.capabilities.reads_files
        found[connection.pk] = Account(
            pk=connection.pk,
            provider_type=connection.provider_type,
            provider_name=name,
            account_id=connection.account_id,
            account_name=connection.connection_name,
            zone=ZoneInfo(zone),
            gives_focus=gives_focus,
        )
    return found


def _dimensions(organization: Organization) -> dict[int, Dimensions]:
    """All combinations of the organization: few, because millions of facts share them."""
    found = {}
    for row in CostDimensions.objects.of(organization).values_list(*_DIMENSIONS).iterator(CHUNK_ROWS):
        business = dict(zip(CostDimensions.BUSINESS_FIELDS, row[7:], strict=True))
        found[row[0]] = Dimensions(
            resource_type=row[1],
            service_name=row[2],
            region_id=row[3],
            sub_account_id=row[4],
            sub_account_name=row[5],
            business=business,
            provenance=provenance_text(row[6] or {}, business),
        )
    return found


def _resources(organization: Organization, wanted: Any) -> QuerySet[Any, Any]:
    rows = Resource.objects.of(organization).order_by("connection_id", "pk")
    return (rows if wanted is None else rows.filter(pk__in=wanted)).values_list(*_RESOURCE)


def _states(organization: Organization, span: Span, wanted: Any) -> QuerySet[Any, Any]:
    start, end = _around(span)
    rows = (
        ResourceState.objects.of(organization)
        .filter(Q(closed_at__isnull=True) | Q(closed_at__gt=start), opened_at__lt=end)
        .order_by("connection_id", "resource_id", "opened_at")
        .annotate(zone_name=KT("configuration__availability_zone"))
    )
    return (rows if wanted is None else rows.filter(resource_id__in=wanted)).values_list(*_STATE)


def _lines(organization: Organization, span: Span, wanted: Any) -> QuerySet[Any, Any]:
    start, end = _around(span)
    rows = (
        ChargeLine.objects.of(organization)
        .filter(batch__published_at__isnull=False, batch__replaced_at__isnull=True)
        .filter(charge_period_start__lt=end, charge_period_end__gte=start)
        .order_by("batch__connection_id", "resource_id", "charge_period_start", "pk")
    )
    return (rows if wanted is None else rows.filter(resource_id__in=wanted)).values_list(*_LINE)


def _shares_of(organization: Organization, span: Span, wanted: Any) -> QuerySet[Any, Any]:
    rows = (
        CostShare.objects.of(organization)
        .filter(date__gte=span.first, date__lte=span.last)
        .order_by("connection_id", "resource_id", "date", "pk")
    )
    return (rows if wanted is None else rows.filter(resource_id__in=wanted)).values_list(*_SHARE)


def _user_tags(organization: Organization, wanted: Any) -> QuerySet[Any, Any]:
    rows = (
        Tag.objects.of(organization)
        .filter(source=TagSource.USER)
        .order_by("resource__connection_id", "resource_id", "key")
    )
    return (rows if wanted is None else rows.filter(resource_id__in=wanted)).values_list(
        "resource__connection_id", "resource_id", "key", "value"
    )


def _around(span: Span) -> tuple[datetime, datetime]:
    """The days in any zone of the world."""
    start = datetime.combine(span.first, time.min, tzinfo=UTC) - ONE_DAY
    return start, datetime.combine(span.last, time.min, tzinfo=UTC) + 2 * ONE_DAY
