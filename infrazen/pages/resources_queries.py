"""Reads of the resource list: what matches a filter at a moment, in groups by connection, and the rows of a page.

Every state is matched by itself. A *row* is a match whose parent does not match too; a *part* is a component of a
row. Sums are of rows and parts, each with its own cost, so that nothing counts twice whatever the filter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast, Coalesce, RowNumber
from django.http import QueryDict

from accounts.models import Organization
from common.models import MoneyField
from costs.queries import rates_on
from inventory.models import MetricPoint, ResourceType, Tag, UsageSummary
from providers.contract.records import DAYS_IN_MONTH
from providers.models import ProviderConnection
from syncs.models import ResourceState, SyncSnapshot, UnrecognizedResource
from syncs.queries import as_of, with_components, with_staleness

PAGE_ROWS = 50
USAGE_DAYS = 30
SHOWN_METRICS = (CPU, MEMORY) = ("cpu_percent", "memory_percent")
MAX_TAG_CHOICES = 200
QUANTUM = Decimal("0.000001")
ROUBLES = "RUB"

ZOMBIE, ORPHAN, STALE, UNRECOGNIZED, PROVISIONAL = "zombie", "orphan", "stale", "unrecognized", "provisional"
MARKS = (ZOMBIE, ORPHAN, STALE, UNRECOGNIZED, PROVISIONAL)
SORTS = ("cost", "cheap", "name", "type", "changed", "measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFilter:
    """What the address asks for. An unknown value matches nothing; `tag` is "key=value" or "key"."""

    search: str = ""
    resource_type: str = ""
    status: str = ""
    region: str = ""
    connection: str = ""
    tag: str = ""
    mark: str = ""
    sort: str = SORTS[0]

    NAMES = {  # field -> its name in the address
        "search": "q",
        "resource_type": "type",
        "status": "status",
        "region": "region",
        "connection": "connection",
        "tag": "tag",
        "mark": "mark",
    }

    @classmethod
    def of(cls, query: QueryDict) -> ResourceFilter:
        given = {name: query.get(key, "").strip()[:300] for name, key in cls.NAMES.items()}
        sort = query.get("sort", "")
        return cls(**given, sort=sort if sort in SORTS else SORTS[0])

    @property
    def conditions(self) -> dict[str, str]:
        """What narrows the list, by its name in the address."""
        return {key: getattr(self, name) for name, key in self.NAMES.items() if getattr(self, name)}

    @property
    def query(self) -> str:
        """As the address has it, without what stands by default."""
        return urlencode(self.conditions | ({"sort": self.sort} if self.sort != SORTS[0] else {}))

    def without(self, key: str) -> str:
        rest = {name: value for name, value in self.conditions.items() if name != key}
        return urlencode(rest | ({"sort": self.sort} if self.sort != SORTS[0] else {}))


@dataclass(slots=True, kw_only=True)
class Sums:
    """Costs a day: roubles, and amounts of currencies that no rate turns into roubles. None: nothing is known."""

    daily: Decimal | None = None
    unconverted: dict[str, Decimal] = field(default_factory=dict)

    @property
    def monthly(self) -> Decimal | None:
        return None if self.daily is None else self.daily * DAYS_IN_MONTH

    @property
    def amounts(self) -> list[tuple[Decimal, str]]:
        """Every known sum with its currency, roubles first."""
        known = [] if self.daily is None else [(self.daily, ROUBLES)]
        return known + [(amount, currency) for currency, amount in sorted(self.unconverted.items())]

    def add(self, amount: Any, currency: str, rates: Mapping[str, Decimal]) -> None:
        if amount is None:
            return
        value = Decimal(str(amount)).quantize(QUANTUM)
        rate = rates.get(currency or ROUBLES)
        if rate is None:
            self.unconverted[currency] = self.unconverted.get(currency, Decimal(0)) + value
        else:
            self.daily = (self.daily or Decimal(0)) + (value * rate).quantize(QUANTUM)


@dataclass(slots=True, kw_only=True)
class Totals:
    """Of everything that is shown: counts of rows and of parts, costs a day."""

    row_count: int = 0
    part_count: int = 0
    zombie_count: int = 0
    orphan_count: int = 0
    stale_count: int = 0
    cost: Sums = field(default_factory=Sums)
    zombie_cost: Sums = field(default_factory=Sums)
    orphan_cost: Sums = field(default_factory=Sums)

    @property
    def count(self) -> int:
        return self.row_count + self.part_count

    @property
    def fresh_count(self) -> int:
        return self.count - self.stale_count

    @property
    def waste_monthly(self) -> Decimal:
        return (self.zombie_cost.monthly or Decimal(0)) + (self.orphan_cost.monthly or Decimal(0))

    def add(self, row: Mapping[str, Any], rates: Mapping[str, Decimal]) -> None:
        self.zombie_count += row["zombie_count"]
        self.orphan_count += row["orphan_count"]
        self.stale_count += row["stale_count"]
        currency = row["currency"]
        self.cost.add(row["daily"], currency, rates)
        self.zombie_cost.add(row["zombie_daily"], currency, rates)
        self.orphan_cost.add(row["orphan_daily"], currency, rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One connection's share of the list; `snapshot` is its latest finished sync at the moment."""

    connection: ProviderConnection
    totals: Totals
    snapshot: SyncSnapshot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everything that the filter finds. `rates` are roubles for one unit of each currency."""

    groups: tuple[Group, ...]
    totals: Totals
    rates: Mapping[str, Decimal]

    def group(self, connection_id: int) -> Group | None:
        return next((group for group in self.groups if group.connection.pk == connection_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Average and maximum of a metric over the thirty days before the moment, per cent."""

    average: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row with what stands in it; the state carries the annotations of `with_staleness` and `with_components`."""

    state: ResourceState
    parts: tuple[ResourceState, ...]
    tags: tuple[Tag, ...]
    usage: Mapping[str, Usage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a reader can choose from: what there is at the moment, whatever the filter."""

    types: tuple[str, ...]
    statuses: tuple[str, ...]
    regions: tuple[str, ...]
    tags: tuple[str, ...]


def matching(
    organization: Organization, wanted: ResourceFilter, moment: datetime | None
) -> QuerySet[ResourceState]:
    """Every state that matches by itself, annotated with `is_stale`, `stale_since` and `is_unrecognized`."""
    states = _annotated(organization, moment)
    conditions = [
        Q(resource__resource_type=wanted.resource_type) if wanted.resource_type else None,
        Q(status=wanted.status) if wanted.status else None,
        Q(region_id=wanted.region) if wanted.region else None,
        _of_connection(wanted.connection) if wanted.connection else None,
        _with_tag(wanted.tag) if wanted.tag else None,
        _with_mark(wanted.mark) if wanted.mark else None,
        _found_by(wanted.search) if wanted.search else None,
    ]
    return states.filter(*(condition for condition in conditions if condition is not None))


def rows(
    organization: Organization, wanted: ResourceFilter, moment: datetime | None
) -> QuerySet[ResourceState]:
    """The matches that stand in the list themselves: those whose parent does not match."""
    found = matching(organization, wanted, moment)
    possible_parents = found if wanted.conditions else as_of(organization, moment)
    return found.filter(~Exists(possible_parents.filter(resource=OuterRef("parent"))))


def listing(organization: Organization, wanted: ResourceFilter, moment: datetime | None) -> Listing:
    """Groups and sums; five queries whatever the number of resources."""
    shown = rows(organization, wanted, moment)
    parts = _annotated(organization, moment).filter(parent__in=shown.values("resource"))
    row_sums, part_sums = _summed(shown), _summed(parts)
    rates = rates_on({row["currency"] for row in [*row_sums, *part_sums]}, _day(organization, moment))
    total = Totals()
    by_connection: dict[int, Totals] = {}
    for counted, sums in (("row_count", row_sums), ("part_count", part_sums)):
        for row in sums:
            for totals in (total, by_connection.setdefault(row["connection_id"], Totals())):
                totals.add(row, rates)
                setattr(totals, counted, getattr(totals, counted) + row["count"])
    snapshots = _snapshots(organization, moment)
    groups = tuple(
        Group(
            connection=connection,
            totals=by_connection.get(connection.pk, Totals()),
            snapshot=snapshots.get(connection.pk),
        )
        for connection in ProviderConnection.objects.of(organization).order_by("created_at", "pk")
        if connection.pk in by_connection or not wanted.conditions
    )
    return Listing(groups=groups, totals=total, rates=rates)


def page_of_rows(
    organization: Organization,
    wanted: ResourceFilter,
    moment: datetime | None,
    *,
    connections: Collection[int],
    page: int,
    rates: Mapping[str, Decimal],
) -> dict[int, list[Row]]:
    """The rows of one page of each of these connections, in order; five queries whatever their number."""
    if not connections:
        return {}
    ranked = with_components(rows(organization, wanted, moment), moment).filter(connection__in=connections)
    start = (page - 1) * PAGE_ROWS
    ranked = ranked.annotate(
        rank=Window(RowNumber(), partition_by=F("connection"), order_by=_order(wanted.sort, rates))
    )
    ranks = dict(ranked.filter(rank__gt=start, rank__lte=start + PAGE_ROWS).values_list("pk", "rank"))
    states = with_components(_annotated(organization, moment), moment).filter(pk__in=ranks)
    found: dict[int, list[Row]] = {connection: [] for connection in connections}
    for row in _completed(organization, sorted(states, key=lambda state: ranks[state.pk]), moment):
        found[row.state.connection_id].append(row)
    return found


def exported(
    organization: Organization, wanted: ResourceFilter, moment: datetime | None
) -> QuerySet[ResourceState]:
    """Rows and parts, each by itself, for a table of everything; the parts follow their parents."""
    shown = rows(organization, wanted, moment)
    return (
        _annotated(organization, moment)
        .filter(Q(pk__in=shown.values("pk")) | Q(parent__in=shown.values("resource")))
        .annotate(
            family=Coalesce(
                Case(When(parent__in=shown.values("resource"), then=F("parent__name"))), F("resource__name")
            )
        )
        .order_by(
            "connection__created_at",
            "connection_id",
            "family",
            F("parent_id").asc(nulls_first=True),
            "name",
            "pk",
        )
    )


def choices(organization: Organization, moment: datetime | None) -> Choices:
    found = (
        as_of(organization, moment)
        .order_by()
        .values_list("resource__resource_type", "status", "region_id")
        .distinct()
    )
    combinations = list(found)
    tags = (
        Tag.objects.of(organization)
        .order_by("key", "value")
        .values_list("key", "value")
        .distinct()[:MAX_TAG_CHOICES]
    )
    known_types = [value for value in ResourceType.values if value in {row[0] for row in combinations}]
    return Choices(
        types=tuple(known_types),
        statuses=tuple(
            value for value in ResourceState.Status.values if value in {row[1] for row in combinations}
        ),
        regions=tuple(sorted({row[2] for row in combinations if row[2]})),
        tags=tuple(f"{key}={value}" if value else key for key, value in tags),
    )


def usage_of(resources: Iterable[int], moment: datetime | None) -> dict[int, dict[str, Usage]]:
    """Averages and maxima of thirty days by resource and metric; at a past moment from the points themselves."""
    found: Iterable[tuple[int, str, float, float]]
    if moment is None:
        found = UsageSummary.objects.filter(
            resource__in=list(resources), period_days=USAGE_DAYS, metric__in=SHOWN_METRICS
        ).values_list("resource_id", "metric", "average", "maximum")
    else:
        found = (
            MetricPoint.objects.filter(
                resource__in=list(resources),
                observed_at__gte=moment - timedelta(days=USAGE_DAYS),
                observed_at__lt=moment,
                metric__in=SHOWN_METRICS,
            )
            .order_by()
            .values("resource_id", "metric")
            .annotate(average=Avg("value"), top=Max("maximum"))
            .values_list("resource_id", "metric", "average", "top")
        )
    usage: dict[int, dict[str, Usage]] = {}
    for resource_id, metric, average, maximum in found:
        usage.setdefault(resource_id, {})[metric] = Usage(
            average=Decimal(str(average)), maximum=Decimal(str(maximum))
        )
    return usage


def _annotated(organization: Organization, moment: datetime | None) -> QuerySet[ResourceState]:
    unresolved = UnrecognizedResource.objects.filter(
        connection=OuterRef("connection"),
        resource_id=OuterRef("resource__resource_id"),
        resolved_at__isnull=True,
    )
    return with_staleness(as_of(organization, moment), moment).annotate(
        is_unrecognized=Case(
            When(resource__resource_type=ResourceType.OTHER, then=Exists(unresolved)), default=Value(False)
        )
    )


def _of_connection(value: str) -> Q:
    return Q(connection=int(value)) if value.isdecimal() and len(value) < 19 else Q(pk__in=[])


def _with_tag(value: str) -> Q:
    key, has_value, text = value.partition("=")
    tags = Tag.objects.filter(resource=OuterRef("resource"), key=key)
    return Q(Exists(tags.filter(value=text) if has_value else tags))


def _with_mark(mark: str) -> Q:
    return {
        ZOMBIE: Q(status=ResourceState.Status.DELETED_BILLED),
        ORPHAN: Q(is_orphan=True),
        STALE: Q(is_stale=True),
        UNRECOGNIZED: Q(is_unrecognized=True),
        PROVISIONAL: Q(is_provisional=True),
    }.get(mark, Q(pk__in=[]))


def _found_by(text: str) -> Q:
    """In the name, the provider's id, an IP address or a tag, as "key=value" or a part of either."""
    key, is_pair, value = text.partition("=")
    tags = Tag.objects.filter(resource=OuterRef("resource"))
    tags = (
        tags.filter(key__iexact=key, value__icontains=value)
        if is_pair
        else tags.filter(Q(key__icontains=text) | Q(value__icontains=text))
    )
    with_ip = ResourceState.objects.annotate(ips=Cast("ip_addresses", TextField())).filter(
        pk=OuterRef("pk"), ips__icontains=text
    )
    return (
        Q(name__icontains=text)
        | Q(resource__resource_id__icontains=text)
        | Q(Exists(with_ip))
        | Q(Exists(tags))
    )


def _summed(states: QuerySet[ResourceState]) -> list[Any]:
    zombie, orphan = Q(status=ResourceState.Status.DELETED_BILLED), Q(is_orphan=True)
    orphan &= ~zombie
    return list(
        states.select_related(None)
        .order_by()
        .values("connection_id", "currency")
        .annotate(
            count=Count("pk"),
            daily=Sum("daily_cost"),
            zombie_count=Count("pk", filter=zombie),
            zombie_daily=Sum("daily_cost", filter=zombie),
            orphan_count=Count("pk", filter=orphan),
            orphan_daily=Sum("daily_cost", filter=orphan),
            stale_count=Count("pk", filter=Q(is_stale=True)),
        )
    )


def _snapshots(organization: Organization, moment: datetime | None) -> dict[int, SyncSnapshot]:
    finished = SyncSnapshot.objects.of(organization).filter(status__in=("success", "partial"))
    if moment is None:
        found = finished.filter(is_current=True)
    else:
        latest = (
            SyncSnapshot.objects.finished()
            .filter(connection=OuterRef("connection"), observed_at__lte=moment)
            .order_by("-observed_at")
            .values("pk")[:1]
        )
        found = finished.filter(pk=Subquery(latest))
    return {snapshot.connection_id: snapshot for snapshot in found}


def _day(organization: Organization, moment: datetime | None) -> Any:
    return None if moment is None else moment.astimezone(ZoneInfo(organization.time_zone)).date()


def _order(sort: str, rates: Mapping[str, Decimal]) -> list[OrderBy]:
    foreign = [When(currency=currency, then=Value(rate)) for currency, rate in rates.items()]
    cost: Any = F("total_daily_cost")
    if len(foreign) > 1:
        cost = cost * Case(*foreign, default=Value(Decimal(1)), output_field=MoneyField())
    name, identity = F("name").asc(), F("pk").asc()
    dearest = OrderBy(cost, descending=True, nulls_last=True)
    measured = Exists(UsageSummary.objects.filter(resource=OuterRef("resource")))
    orders: dict[str, list[OrderBy]] = {
        "cost": [dearest],
        "cheap": [OrderBy(cost, nulls_last=True)],
        "name": [],
        "type": [F("resource__resource_type").asc(), dearest],
        "changed": [F("opened_at").desc()],
        "measured": [OrderBy(Case(When(measured, then=Value(0)), default=Value(1))), dearest],
    }
    return [*orders[sort], name, identity]


def _completed(
    organization: Organization, states: list[ResourceState], moment: datetime | None
) -> Iterable[Row]:
    resources = [state.resource_id for state in states]
    parts: dict[int, list[ResourceState]] = {}
    for part in (
        as_of(organization, moment)
        .filter(parent__in=resources)
        .order_by(F("daily_cost").desc(nulls_last=True), "name", "pk")
    ):
        assert part.parent_id is not None, "the filter leaves no others"
        parts.setdefault(part.parent_id, []).append(part)
    tags: dict[int, list[Tag]] = {}
    for tag in Tag.objects.filter(resource__in=resources).order_by("key", "source"):
        tags.setdefault(tag.resource_id, []).append(tag)
    usage = usage_of(resources, moment)
    for state in states:
        yield Row(
            state=state,
            parts=tuple(parts.get(state.resource_id, ())),
            tags=tuple(tags.get(state.resource_id, ())),
            usage=usage.get(state.resource_id, {}),
        )
