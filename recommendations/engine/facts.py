"""What a rule is given: everything that is known of a resource, its connection and its surroundings, as of one instant.

Facts end with the last full day of the organization, so that an evaluation of the same data says the same all day.
None is "not known"; an empty text is "has none" where the provider would have told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from providers.contract.stopping import StopSaves
from recommendations.engine.pricing import PriceBook
from recommendations.engine.usage import MetricSummary, Series

ONE_DAY = timedelta(days=1)
DAYS_IN_MONTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSummary:
    """Mean effective cost of the full days looked at; days without a charge count as zero."""

    day_cost: Decimal
    full_days: int
    currency: str

    @property
    def monthly(self) -> Decimal:
        return self.day_cost * DAYS_IN_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledPart:
    """What one SKU of a resource came to on its last whole billed day: `quantity` of `unit`, and its effective cost.

    A quantity over time is a day's mean (4 vCPU, not 96 vCPU-hours); `is_usage` is a volume of use (GB of traffic,
    requests) that day.
    """

    sku_id: str
    description: str
    unit: str
    quantity: Decimal
    day_cost: Decimal
    currency: str
    is_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """How much of one use-billed SKU was billed over the last `days` days, as its lines say."""

    sku_id: str
    unit: str
    quantity: Decimal
    cost: Decimal
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImage:
    """One image of a container registry. `pulled_at` is None where it never was; an untagged one has no tags."""

    repository: str
    digest: str
    pushed_at: datetime
    pulled_at: datetime | None
    size_gib: Decimal
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Servers of one connection whose names differ only in a number: how many, and the busiest one's mean CPU.

    Of the busiest one besides: its size, and its highest hourly means of the last two weeks, per cent; None is unknown.
    """

    count: int
    busiest_pk: int
    busiest_cpu: float
    vcpus: Decimal | None = None
    memory_mib: int | None = None
    highest_cpu: float | None = None
    highest_memory: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFacts:
    """One connection as of the evaluation.

    `now` is the instant of the evaluation, `today` the organization's day. `account` are the provider's account facts
    (balance, limits) as `ProviderConnection.provider_metadata` holds them.
    """

    pk: int
    name: str
    provider_type: str
    provider_name: str
    now: datetime
    today: date
    zone: ZoneInfo
    observed_at: datetime | None
    bills_lines: bool
    prices: PriceBook
    account: Mapping[str, Any] = field(default_factory=dict)
    twins: Mapping[str, Twin] = field(default_factory=dict)
    dead_sources: Mapping[str, datetime] = field(default_factory=dict)
    """{provider's id: since when it is known to be gone} of resources that were deleted."""
    listed_ids: frozenset[str] | None = None
    """Provider's ids of everything that exists now, None where some list is incomplete."""
    made_from: Mapping[str, datetime] | None = None
    """{provider's id of an image, a snapshot or a volume: when something made from it was last there}.

    From the `image_id`, `snapshot_id` and `source_volume_id` of servers' and volumes' configurations, closed states
    among them; None where they were not read.
    """
    running_images: frozenset[str] | None = None
    """Digests of images that run in clusters of the organization; None where no cluster is read."""
    named_addresses: frozenset[str] = frozenset()
    """IP addresses that DNS records of the organization's own zones and domains point at, as far as they are read."""
    all_provider_types: frozenset[str] = frozenset()
    """Of the organization's connections: where it could buy too."""
    daily_cost: CostSummary | None = None
    """Mean of the last seven full days of everything that the connection bills; None where no full day is known."""
    region_ids: frozenset[str] | None = None
    """Regions that the account can use, as the scopes of the last snapshot name them; None where they name none."""
    network_members: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """{private network: servers on it}, of the providers that tell it (`configuration["private_networks"]`)."""
    highest_limits: Mapping[str, Decimal] | None = None
    """{limit of the account: its highest use in the last thirty days}; None where only today's is known."""
    _sharing: list[frozenset[int]] = field(default_factory=list, init=False, repr=False, compare=False)
    stop_saves: Mapping[str, StopSaves] = field(default_factory=dict)
    """{type: what is not charged while it is off, and how it is switched off}, as the plugin's capabilities have it.

    A type that is not in it cannot be switched off for less."""

    def shares_network(self, pk: int) -> bool:
        """Whether another server is known to be in a private network of this one's."""
        if not self._sharing:  # asked for every server: put together once
            shared = (members for members in self.network_members.values() if len(members) > 1)
            self._sharing.append(frozenset(pk for members in shared for pk in members))
        return pk in self._sharing[0]


@dataclass(slots=True, kw_only=True, eq=False)
class ResourceFacts:
    """One resource. `parent` and `components` are facts too; rules read, nobody writes after loading."""

    pk: int
    connection: ConnectionFacts
    resource_id: str
    native_type: str
    resource_type: str
    name: str
    status: str
    provider_status: str = ""
    status_since: datetime
    first_seen_at: datetime
    provider_created_at: datetime | None = None
    history_since: datetime
    """When the connection was first read: nothing is known from before."""
    resized_at: datetime | None = None
    """When its size (vCPU, memory, storage, type) last changed."""
    changed_at: datetime | None = None
    """When its configuration last changed in any way."""
    service_name: str = ""
    region_id: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    vcpus: Decimal | None = None
    memory_mib: int | None = None
    storage_gib: Decimal | None = None
    operating_system: str = ""
    engine: str = ""
    engine_version: str = ""
    ip_addresses: Sequence[str] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """Keys in lower case; a person's tag before the provider's."""
    software: Sequence[str] = ()
    environment: str = ""
    business_unit: str = ""
    owner: str = ""
    is_orphan: bool = False
    orphan_since: datetime | None = None
    """Since when it is known to be unused; not before the history begins."""
    absent_since: datetime | None = None
    is_provisional: bool = False
    is_stale: bool = False
    daily_rate: Decimal | None = None
    """Its own run rate, without components, a day."""
    currency: str = "RUB"
    daily_costs: Mapping[date, Decimal] = field(default_factory=dict)
    """Effective cost by full day, newest last; a day that is not in it had no charge."""
    cost_days: tuple[date, date] | None = None
    """First and last full day of which the connection's costs are known and the resource existed."""
    last_charge_at: datetime | None = None
    paid_until: date | None = None
    """Last day of what is paid for in advance: what ends earlier is not paid back. None is not known."""
    parts: Sequence[BilledPart] = ()
    consumed: Sequence[Consumed] = ()
    series: Mapping[str, Series] = field(default_factory=dict)
    images: Sequence[RegistryImage] | None = None
    """Of a container registry: all that lies in it; None where that is not read."""
    open_categories: frozenset[str] = frozenset()
    """Of what other rules found about it in this evaluation, for those that look at a whole connection afterwards."""
    parent: ResourceFacts | None = None
    components: list[ResourceFacts] = field(default_factory=list)
    _summaries: dict[tuple[str, int, datetime | None], tuple[Series, MetricSummary | None]] = field(
        default_factory=dict, init=False, repr=False
    )

    # ---- time ---------------------------------------------------------------------------------------------

    @property
    def created_at(self) -> datetime:
        return self.provider_created_at or self.first_seen_at

    @property
    def age_days(self) -> int:
        return self.days_since(self.created_at)

    @property
    def observed_days(self) -> int:
        """Days over which we have seen it."""
        return self.days_since(self.first_seen_at)

    def days_since(self, moment: datetime) -> int:
        return max(0, (self.connection.now - moment).days)

    # ---- money --------------------------------------------------------------------------------------------

    def cost(self, days: int) -> CostSummary | None:
        """Mean of the last full days, at most `days`; None where not a single one is known."""
        if self.cost_days is None:
            return None
        first, last = self.cost_days
        start = max(first, last - timedelta(days=days - 1))
        count = (last - start).days + 1
        if count < 1:
            return None
        total = sum((cost for when, cost in self.daily_costs.items() if start <= when <= last), Decimal(0))
        return CostSummary(day_cost=total / count, full_days=count, currency=self.currency)

    def cost_with_components(self, days: int) -> CostSummary | None:
        """Its own cost and that of what belongs to it."""
        own = self.cost(days)
        if own is None:
            return None
        parts = [part.cost(days) for part in self.components]
        whole = own.day_cost + sum((each.day_cost for each in parts if each is not None), Decimal(0))
        return CostSummary(day_cost=whole, full_days=own.full_days, currency=own.currency)

    # ---- use ----------------------------------------------------------------------------------------------

    def usage(self, metric: str, days: int, *, since_resize: bool = True) -> MetricSummary | None:
        """Summary of the last days; per cents of a size that changed inside them only since the change."""
        series = self.series.get(metric)
        if series is None:
            return None
        not_before = max(
            (each for each in (self.first_seen_at, self.resized_at if since_resize else None) if each),
            default=None,
        )
        key = (metric, days, not_before)
        known = self._summaries.get(key)  # many rules ask the same
        if known is None or known[0] is not series:
            known = self._summaries[key] = (series, series.summary(days=days, not_before=not_before))
        return known[1]

    def keep_series(self, metrics: Collection[str]) -> None:
        """Forget all other measurements, for what stays in memory until a whole connection was read."""
        self.series = {name: each for name, each in self.series.items() if name in metrics}
        self._summaries.clear()

    # ---- words --------------------------------------------------------------------------------------------

    @property
    def is_production(self) -> bool:
        return self.environment.casefold() in ("production", "prod")

    @property
    def is_development(self) -> bool:
        """Development, test or staging: may be switched off and lost."""
        return self.environment.casefold() in (
            "development",
            "dev",
            "testing",
            "test",
            "staging",
            "stage",
            "qa",
        )

    @property
    def memory_gib(self) -> Decimal | None:
        return None if self.memory_mib is None else Decimal(self.memory_mib) / 1024

    def has_tag(self, *keys: str) -> bool:
        return any(key in self.tags for key in keys)
