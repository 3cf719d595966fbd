"""Facts of a connection's resources, read from the database in batches of whole trees, by a fixed number of queries each.

Everything ends with the organization's last midnight, so that evaluating the same day twice says the same. Of history
only so much is read as the rules look back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Case, CharField, Func, Max, QuerySet, Sum, Value, When

from costs.models import DailyCost
from costs.series import whole_days_of
from inventory.models import MetricPoint, Resource, ResourceType, SoftwareComponent, Tag, TagSource
from providers.contract.plugin import BillingKind
from providers.models import ProviderConnection
from recommendations.engine.contract import Cost, Metric, Options, Rule
from recommendations.engine.facts import (
    BilledPart,
    Consumed,
    ResourceFacts,
)
from recommendations.engine.pricing import PriceBook
from recommendations.engine.usage import Points, Series
from recommendations.surroundings import Surroundings, open_states, plugin_of
from syncs.models import ChargeLine, ResourceState, SyncSnapshot

BATCH = 400
"""Resources whose facts are in memory at once, give or take a tree."""
MOST_SHARED = 200
"""So many sets of measured hours are remembered."""
CONSUMED_DAYS = (30, 90)
CONSUMING_TYPES = frozenset({ResourceType.S3_BUCKET, ResourceType.CONTAINER_REGISTRY, ResourceType.CDN})
SHORTEST_COST = 30
SHORTEST_USE = 14
HOURS_SUFFIX = "Hours"
ONE_DAY = timedelta(days=1)
SIZE = ("vcpus", "memory_mib", "storage_gib")
HISTORY = (
    "resource_id",
    "opened_at",
    "is_orphan",
    "status",
    "parent_id",
    "has_configuration_change",
    "action",
    *SIZE,
)


class Seconds(Func):
    """An instant as whole seconds since 1970."""

    output_field = BigIntegerField()
    template = "CAST(EXTRACT(EPOCH FROM %(expressions)s) AS bigint)"

    def get_db_converters(self, connection: Any) -> list[Any]:
        """None: both databases give whole numbers, of millions of rows."""
        return []

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class Lookback:
    """How many days of cost and of measurements the rules want, by type."""

    cost: Mapping[str, int] = field(default_factory=dict)
    use: Mapping[str, int] = field(default_factory=dict)

    def cost_days(self, kinds: Iterable[str]) -> int:
        return max((self.cost.get(kind, 0) for kind in kinds), default=0)

    @classmethod
    def of(cls, rules: Iterable[type[Rule]], options: Mapping[str, Options] | None = None) -> Lookback:
        """The longest that any rule asks for; `options` {rule: the longest that somebody set}, else the defaults."""
        cost: dict[str, int] = defaultdict(lambda: SHORTEST_COST)
        use: dict[str, int] = defaultdict(lambda: SHORTEST_USE)
        for rule in rules:
            values = (options or {}).get(rule.id) or Options(rule.declared())
            for need in rule.needs:
                if not isinstance(need, Cost | Metric):
                    continue
                days = int(values[need.days]) if isinstance(need.days, str) else need.days
                longest = cost if isinstance(need, Cost) else use
                for kind in rule.applies_to:
                    longest[kind] = max(longest[kind], days)
        return cls(cost, use)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of the local day, UTC."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


class Evidence:
    """The facts of one connection as of `now`; `trees` reads them batch by batch."""

    def __init__(
        self, connection: ProviderConnection, *, prices: PriceBook, lookback: Lookback, now: datetime
    ) -> None:
        self.connection = connection
        self.lookback = lookback
        self.zone = ZoneInfo(connection.organization.time_zone)
        self.today = now.astimezone(self.zone).date()
        self.until = midnight(self.today, self.zone)
        self.now = now
        self.plugin = plugin_of(connection)
        self.bills_lines = bool(self.plugin and self.plugin.capabilities.billing is BillingKind.LINES)
        self.snapshot = SyncSnapshot.objects.filter(connection=connection, is_current=True).first()
        self.span = whole_days_of(connection)
        surroundings = Surroundings(
            connection, snapshot=self.snapshot, span=self.span, today=self.today, until=self.until
        )
        self.history_since = surroundings.history_since()
        self.unread = surroundings.unread
        self.is_old = surroundings.is_old(now)
        self.members = self._members()
        self._instants: dict[int, datetime] = {}
        self._hours: dict[tuple[int, ...], tuple[datetime, ...]] = {}
        self.facts = surroundings.facts(self.plugin, prices=prices, now=now, zone=self.zone)

    def _open_states(self) -> QuerySet[ResourceState]:
        return open_states(self.connection)

    def _members(self) -> dict[int, int | None]:
        """{resource: its parent, where that one is there too} of all that is there now."""
        parents = dict(self._open_states().order_by("resource_id").values_list("resource_id", "parent_id"))
        return {pk: parent if parent in parents else None for pk, parent in parents.items()}

    def hours_of(self, seconds: tuple[int, ...]) -> tuple[datetime, ...]:
        """The instants; most resources are measured in the same hours, and share them."""
        known = self._hours.get(seconds)
        if known is None:
            for each in seconds:
                if each not in self._instants:
                    self._instants[each] = datetime.fromtimestamp(each, UTC)
            known = tuple(self._instants[each] for each in seconds)
            if len(self._hours) < MOST_SHARED:
                self._hours[seconds] = known
        return known

    # ---- resources ----------------------------------------------------------------------------------------

    def family_of(self, pks: Iterable[int]) -> set[int]:
        """These resources with their parents and everything that belongs to the same tree."""
        roots = {self._root(pk) for pk in pks if pk in self.members}
        return {pk for pk in self.members if self._root(pk) in roots}

    def trees(self, only: Collection[int] | None = None) -> Iterator[list[ResourceFacts]]:
        """Batches of whole trees, of `only` these resources (whole families) or of all."""
        trees: dict[int, list[int]] = defaultdict(list)
        for pk in self.members if only is None else only:
            trees[self._root(pk)].append(pk)
        batch: list[int] = []
        for root in sorted(trees):
            batch.extend(trees[root])
            if len(batch) >= BATCH:
                yield self._load(batch)
                batch = []
        if batch:
            yield self._load(batch)

    def _root(self, pk: int) -> int:
        seen = {pk}
        while (parent := self.members.get(pk)) is not None and parent not in seen:
            pk = parent
            seen.add(pk)
        return pk

    def _load(self, pks: Sequence[int]) -> list[ResourceFacts]:
        states = {
            state.resource_id: state
            for state in self._open_states().filter(resource_id__in=pks).select_related("resource")
        }
        reads = _Reads(self, states)
        loaded = {pk: reads.facts_of(states[pk]) for pk in pks if pk in states}
        for pk, facts in loaded.items():
            parent = self.members.get(pk)
            if parent is not None and parent in loaded:
                facts.parent = loaded[parent]
                loaded[parent].components.append(facts)
        return list(loaded.values())


class _Reads:
    """Everything about one batch of resources beside their open states."""

    def __init__(self, evidence: Evidence, states: Mapping[int, ResourceState]) -> None:
        self.evidence = evidence
        self.states = states
        self.pks = list(states)
        self.kinds = {pk: state.resource.resource_type for pk, state in states.items()}
        self.tags = self._tags()
        self.software = self._software()
        self.costs, self.first_costs = self._costs()
        self.history = self._history()
        self.parts, self.last_charges = self._parts()
        self.consumed = self._consumed()
        self.series = self._series()

    def _tags(self) -> dict[int, dict[str, str]]:
        """A person's tag wins over the provider's, because it is read after it."""
        found: dict[int, dict[str, str]] = defaultdict(dict)
        rows = Tag.objects.filter(resource_id__in=self.pks).annotate(
            place=Case(
                When(source=TagSource.USER, then=Value("2")), default=Value("1"), output_field=CharField()
            )
        )
        for pk, key, value in rows.order_by("place").values_list("resource_id", "key", "value"):
            found[pk][key.casefold()] = value
        return found

    def _software(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        rows = SoftwareComponent.objects.filter(resource_id__in=self.pks).order_by("name")
        for pk, name in rows.values_list("resource_id", "name"):
            found[pk].append(name)
        return found

    def _costs(self) -> tuple[dict[int, dict[date, Decimal]], dict[int, date]]:
        found: dict[int, dict[date, Decimal]] = defaultdict(dict)
        first: dict[int, date] = {}
        if self.evidence.span is None:
            return found, first
        last = min(self.evidence.span[1], self.evidence.today - ONE_DAY)
        days_of: dict[date, date] = {}
        amounts: dict[Decimal, Decimal] = {}  # most days cost the same: one number for all of them
        by_length: dict[int, list[int]] = defaultdict(list)
        for pk in self.pks:
            by_length[self.evidence.lookback.cost.get(self.kinds[pk], SHORTEST_COST)].append(pk)
        for days, pks in by_length.items():
            rows = (
                DailyCost.objects.filter(
                    resource_id__in=pks, date__gt=last - timedelta(days=days), date__lte=last
                )
                .order_by("date")
                .values_list("resource_id", "date", "currency", "effective_cost")
            )
            for pk, day, currency, amount in rows:
                if currency == (self.states[pk].currency or currency):
                    costs, when = found[pk], days_of.setdefault(day, day)
                    total = costs[when] + amount if when in costs else amount
                    costs[when] = amounts.setdefault(total, total)
                    first.setdefault(pk, when)
        return found, first

    def _history(self) -> dict[int, list[dict[str, Any]]]:
        """The forms of each resource in time, the newest last."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        rows = ResourceState.objects.filter(resource_id__in=self.pks, opened_at__isnull=False)
        for row in rows.order_by("opened_at").values(*HISTORY):
            found[row["resource_id"]].append(row)
        return found

    def _lines(self) -> QuerySet[ChargeLine]:
        return ChargeLine.objects.filter(
            resource_id__in=self.pks, batch__published_at__isnull=False, batch__replaced_at__isnull=True
        ).order_by()

    def _parts(self) -> tuple[dict[int, list[BilledPart]], dict[int, datetime]]:
        """What the last whole day's lines say of each SKU, and when each was last charged."""
        found: dict[int, list[BilledPart]] = defaultdict(list)
        evidence = self.evidence
        if not evidence.bills_lines or evidence.span is None:
            return found, {}
        assert evidence.plugin is not None
        zone = ZoneInfo(evidence.plugin.billing_timezone)
        day = evidence.span[1]
        start, end = midnight(day, zone), midnight(day + ONE_DAY, zone)
        rows = (
            self._lines()
            .filter(charge_period_start__gte=start, charge_period_start__lt=end)
            .values("resource_id", "sku_id", "charge_description", "pricing_unit", "currency")
            .annotate(quantity=Sum("pricing_quantity"), cost=Sum("effective_cost"))
        )
        for row in rows:
            unit = row["pricing_unit"]
            is_usage = not unit.endswith(HOURS_SUFFIX)
            quantity = Decimal(row["quantity"] or 0)
            found[row["resource_id"]].append(
                BilledPart(
                    sku_id=row["sku_id"],
                    description=row["charge_description"],
                    unit=unit.removesuffix(HOURS_SUFFIX).rstrip("-"),
                    quantity=round(quantity if is_usage else quantity / 24, 6),
                    day_cost=round(Decimal(row["cost"] or 0), 6),
                    currency=row["currency"],
                    is_usage=is_usage,
                )
            )
        last = dict(
            self._lines()
            .filter(charge_period_start__gte=evidence.now - timedelta(days=4))
            .values_list("resource_id")
            .annotate(at=Max("charge_period_end"))
        )
        return found, last

    def _consumed(self) -> dict[int, list[Consumed]]:
        """Sums of what is billed by use, over each window of `CONSUMED_DAYS` that is covered whole."""
        found: dict[int, list[Consumed]] = defaultdict(list)
        pks = [pk for pk in self.pks if self.kinds[pk] in CONSUMING_TYPES]
        evidence = self.evidence
        if not pks or not evidence.bills_lines or evidence.span is None:
            return found
        assert evidence.plugin is not None
        zone = ZoneInfo(evidence.plugin.billing_timezone)
        first, last = evidence.span
        end = midnight(last + ONE_DAY, zone)
        for days in CONSUMED_DAYS:
            covered = min(days, (last - first).days + 1)
            rows = (
                self._lines()
                .filter(
                    resource_id__in=pks,
                    charge_period_start__gte=end - timedelta(days=covered),
                    charge_period_start__lt=end,
                )
                .values("resource_id", "sku_id", "pricing_unit")
                .annotate(quantity=Sum("pricing_quantity"), cost=Sum("effective_cost"))
            )
            for row in rows:
                found[row["resource_id"]].append(
                    Consumed(
                        sku_id=row["sku_id"],
                        unit=row["pricing_unit"],
                        quantity=round(Decimal(row["quantity"] or 0), 6),
                        cost=round(Decimal(row["cost"] or 0), 6),
                        days=covered,
                    )
                )
        return found

    def _series(self) -> dict[int, dict[str, Series]]:
        """Instants are read as whole seconds and shared: parsing a date for each of millions of points costs the most."""
        until = self.evidence.until
        by_length: dict[int, list[int]] = defaultdict(list)
        for pk in self.pks:
            by_length[self.evidence.lookback.use.get(self.kinds[pk], SHORTEST_USE)].append(pk)
        found: dict[int, dict[str, Series]] = {}
        for days, pks in by_length.items():
            rows = (
                MetricPoint.objects.filter(
                    resource_id__in=pks,
                    observed_at__gte=until - timedelta(days=days),
                    observed_at__lt=until,
                )
                .order_by("resource_id", "metric", "observed_at")
                .values_list("resource_id", "metric", Seconds("observed_at"), "value", "maximum")
            )
            for (pk, metric), points in groupby(rows.iterator(20_000), key=itemgetter(0, 1)):
                _pks, _metrics, seconds, values, maxima = zip(*points, strict=True)
                hours = self.evidence.hours_of(seconds)
                found.setdefault(pk, {})[metric] = Series(Points(hours, values, maxima), until)
        return found

    # ---- put together -------------------------------------------------------------------------------------

    def facts_of(self, state: ResourceState) -> ResourceFacts:
        evidence, resource, pk = self.evidence, state.resource, state.resource_id
        history = self.history[pk]
        assert state.opened_at is not None
        return ResourceFacts(
            pk=pk,
            connection=evidence.facts,
            resource_id=resource.resource_id,
            native_type=resource.native_type,
            resource_type=resource.resource_type,
            name=state.name,
            status=state.status,
            provider_status=state.provider_status,
            status_since=_since(history, "status", state.opened_at),
            first_seen_at=resource.first_seen_at,
            provider_created_at=resource.provider_created_at,
            history_since=evidence.history_since,
            resized_at=_resized_at(history),
            changed_at=_changed_at(history),
            service_name=state.service_name,
            region_id=state.region_id,
            sub_account_id=state.sub_account_id,
            sub_account_name=state.sub_account_name,
            vcpus=state.vcpus,
            memory_mib=state.memory_mib,
            storage_gib=state.storage_gib,
            operating_system=state.operating_system,
            engine=state.engine,
            engine_version=state.engine_version,
            ip_addresses=tuple(state.ip_addresses),
            configuration=state.configuration,
            tags=self.tags.get(pk, {}),
            software=tuple(self.software.get(pk, ())),
            environment=resource.environment,
            business_unit=resource.business_unit,
            owner=resource.owner,
            is_orphan=state.is_orphan,
            orphan_since=_since(history, "is_orphan", state.opened_at) if state.is_orphan else None,
            absent_since=state.absent_since,
            is_provisional=state.is_provisional,
            is_stale=state.scope in evidence.unread or evidence.is_old,
            daily_rate=state.daily_cost,
            currency=state.currency or "RUB",
            daily_costs=self.costs.get(pk, {}),
            cost_days=self._cost_days(resource),
            last_charge_at=self.last_charges.get(pk),
            parts=tuple(self.parts.get(pk, ())),
            consumed=tuple(self.consumed.get(pk, ())),
            series=self.series.get(pk, {}),
        )

    def _cost_days(self, resource: Resource) -> tuple[date, date] | None:
        """Full days only: not today, and not the day on which the resource began."""
        evidence = self.evidence
        if evidence.span is None:
            return None
        last = min(evidence.span[1], evidence.today - ONE_DAY)
        begun = (resource.provider_created_at or resource.first_seen_at).astimezone(evidence.zone).date()
        earliest = self.first_costs.get(resource.pk, begun)  # billed before we first looked
        first = max(evidence.span[0], earliest if earliest < begun else begun + ONE_DAY)
        return (first, last) if first <= last else None


def _since(history: Sequence[Mapping[str, Any]], column: str, fallback: datetime) -> datetime:
    """Since when the column has had the value that it has now, as far as history reaches."""
    since = fallback
    for row in reversed(history):
        if row[column] != history[-1][column]:
            break
        since = row["opened_at"]
    return since


def _resized_at(history: Sequence[Mapping[str, Any]]) -> datetime | None:
    for after, before in zip(reversed(history), list(reversed(history))[1:], strict=False):
        if any(before[name] is not None and after[name] != before[name] for name in SIZE):
            moment: datetime = after["opened_at"]
            return moment
    return None


def _changed_at(history: Sequence[Mapping[str, Any]]) -> datetime | None:
    for row in reversed(history):
        if row["action"] == ResourceState.Action.UPDATED and row["has_configuration_change"]:
            moment: datetime = row["opened_at"]
            return moment
    return None
