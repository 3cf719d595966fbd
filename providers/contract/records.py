"""Records that cross the border between a plugin and the engine: frozen, normalised, free of the provider's words.

Amounts are `Decimal` in the currency beside them, instants are aware UTC, periods are half-open. The vocabulary is
FOCUS 1.2 in snake_case.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Scope = tuple[str, ...]
"""What can be listed completely or not: `("vps",)`, `("project", "p1", "region", "ru-3", "servers")`."""

DAYS_IN_MONTH = Decimal(30)
DAYS_IN_YEAR = Decimal(365)


class ResourceType(enum.StrEnum):
    """The taxonomy (product specification, section 1)."""

    SERVER = "server"
    VOLUME = "volume"
    SNAPSHOT = "snapshot"
    IMAGE = "image"
    BACKUP = "backup"
    FILE_STORAGE = "file_storage"
    S3_BUCKET = "s3_bucket"
    DATABASE = "database"
    KUBERNETES_CLUSTER = "kubernetes_cluster"
    KUBERNETES_NODE_GROUP = "kubernetes_node_group"
    CONTAINER_REGISTRY = "container_registry"
    LOAD_BALANCER = "load_balancer"
    NETWORK = "network"
    ROUTER = "router"
    FLOATING_IP = "floating_ip"
    DNS_ZONE = "dns_zone"
    DOMAIN = "domain"
    WEBSITE = "website"
    MAILBOX = "mailbox"
    FTP_ACCOUNT = "ftp_account"
    CDN = "cdn"
    FUNCTION = "function"
    DEDICATED_SERVER = "dedicated_server"
    LICENCE = "licence"
    ACCOUNT_PLAN = "account_plan"
    SUPPORT = "support"
    OTHER = "other"


class ResourceStatus(enum.StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    ERROR = "error"
    PENDING = "pending"
    DELETED = "deleted"
    DELETED_BILLED = "deleted_billed"
    UNKNOWN = "unknown"


class ChargeCategory(enum.StrEnum):
    """FOCUS ChargeCategory."""

    USAGE = "Usage"
    PURCHASE = "Purchase"
    TAX = "Tax"
    CREDIT = "Credit"
    ADJUSTMENT = "Adjustment"


class RatePeriod(enum.StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class ScopeStatus(enum.StrEnum):
    COMPLETE = "complete"
    FAILED = "failed"
    DENIED = "denied"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A recurring price of one resource: `amount` of `currency` per `period`, after discounts.

    `in_account_total` says that the account's own total (`AccountRecord.total`) contains it. `is_list_price` marks
    a price list's word where the provider names no real charge (a domain paid once a year).
    """

    amount: Decimal
    currency: str
    period: RatePeriod
    in_account_total: bool = False
    is_list_price: bool = False

    @property
    def daily(self) -> Decimal:
        """Cost a day, unrounded: a month counts 30 days, a year 365."""
        if self.period is RatePeriod.MONTH:
            return self.amount / DAYS_IN_MONTH
        if self.period is RatePeriod.YEAR:
            return self.amount / DAYS_IN_YEAR
        return self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """The columns that rules and lists need; None means not known, never zero."""

    vcpus: Decimal | None = None
    memory_mib: int | None = None
    storage_gib: Decimal | None = None
    operating_system: str = ""
    engine: str = ""
    engine_version: str = ""
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareRecord:
    """Software found on a resource."""

    name: str
    version: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRecord:
    """One thing that exists at the provider now.

    `resource_id` is unique within the connection (the plugin prefixes kinds whose ids may collide).
    `native_type` is the provider's word for the kind; the engine maps it to the taxonomy.
    `parent_id` is the resource whose bill it belongs to (volume -> server), "" where none.
    `rate` is the price where the provider bills by rates; None where billing lines say it or it is not known.
    `is_free` tells that no charge is expected, so that its cost is 0 and not unknown.
    `is_orphan` tells that it exists and nothing uses it. Where nobody could look (the list of servers failed, it is on
    its way from one to another) `is_parent_known` is False: its parent and its being an orphan then stay as they were.
    `configuration` is canonical and stable: no timestamps that move, no counters, no usage, no secrets.
    """

    resource_id: str
    native_type: str
    name: str
    scope: Scope
    status: ResourceStatus
    provider_status: str = ""
    service_name: str = ""
    region_id: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    parent_id: str = ""
    specification: Specification = Specification()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    rate: Rate | None = None
    is_free: bool = False
    is_orphan: bool = False
    is_parent_known: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    software: tuple[SoftwareRecord, ...] = ()
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRecord:
    """One billed line: one charge for one resource over one charge period (a FOCUS row).

    Costs are unrounded, in `billing_currency`; `effective_cost` is after discounts and amortised.
    `resource_id` is never empty: a charge without an object gets a synthetic id from what it charges for.
    `scope` is where its object would be listed, None where the provider lists nothing. `parent_id` is the resource
    that the bill puts it under (a server's volume), "" where it names none.
    `raw` is kept for triage and read by nobody else.
    """

    resource_id: str
    resource_name: str
    native_type: str
    service_name: str
    billing_account_id: str
    billed_cost: Decimal
    effective_cost: Decimal
    list_cost: Decimal
    contracted_cost: Decimal
    billing_currency: str
    charge_category: ChargeCategory
    charge_period_start: datetime
    charge_period_end: datetime
    billing_period_start: datetime
    billing_period_end: datetime
    provider_name: str = ""
    billing_account_name: str = ""
    invoice_issuer_name: str = ""
    invoice_id: str = ""
    service_category: str = ""
    service_subcategory: str = ""
    charge_class: str = ""
    charge_frequency: str = ""
    charge_description: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    region_id: str = ""
    sku_id: str = ""
    pricing_category: str = ""
    pricing_quantity: Decimal | None = None
    pricing_unit: str = ""
    consumed_quantity: Decimal | None = None
    consumed_unit: str = ""
    commitment_discount_id: str = ""
    commitment_discount_status: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    scope: Scope | None = None
    parent_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRateRecord:
    """What one billed resource costs now, as a provider of lines counts it; yielded among its charges.

    Some line of the same reading must name the resource. `last_charge_start` is the start of the latest hour that was
    billed. `uncertainty` is by how much a day `rate` may be off because the provider rounds its lines: a rate that
    moved by no more has not moved. `latest_hour_cost` is the latest complete hour as the provider's own page shows it.
    """

    resource_id: str
    rate: Rate
    last_charge_start: datetime
    uncertainty: Decimal = Decimal(0)
    latest_hour_cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One time series of one resource: points of (instant, value), ascending.

    | metric | unit | what |
    |---|---|---|
    | `cpu_percent`, `memory_percent` | % | of the whole machine, 0 to 100 |
    | `memory_mib` | MiB | memory in use |
    | `disk_used_gib` | GiB | what is written to a volume, a server's or a database's disks, or kept in a bucket |
    | `disk_iops` | operations/s | reads and writes of a volume, or of a server's own disk |
    | `disk_throughput` | bytes/s | read and written by the same |
    | `network_rx`, `network_tx` | bytes/s | received and sent by a server, a load balancer, a bucket |
    | `request_rate` | requests/s | of a load balancer; of a bucket by all methods |
    | `read_request_rate` | requests/s | of a bucket, by the methods that read (GET, HEAD) |
    | `connections` | connections | open ones of a load balancer or a database |
    | `object_count` | objects | in a bucket |

    Rates are averages over the step that begins at the instant. `disk_used_gib`, `object_count` and all that is known of
    a bucket may come once a day: who asks how well such a series covers a time counts days. What a provider does not
    measure has no series, and never one of zeros.
    """

    resource_id: str
    metric: str
    unit: str
    points: Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of an account: `used` and `allowed` in `unit`; None means unknown (used) or unlimited (allowed)."""

    name: str
    used: Decimal | None
    allowed: Decimal | None
    unit: str = ""
    is_readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTotal:
    """What the provider's own report says a whole month came to; `month` is its first day, in the provider's zone.

    `leaves_out` are the native types that its lines hold and this report does not.
    """

    month: date
    amount: Decimal
    currency: str
    leaves_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """Who we are at the provider, and what the account says of itself.

    `total` is the provider's own figure of what the whole account costs; what its parts do not explain becomes the
    resource `remainder_id`. `facts` are shown under headings: {heading: {label: value}}, English texts marked for
    translation. `charge_days_left` is the provider's own count of days until the account is blocked. `month_totals` are
    what closed months came to, where the provider reports them: nothing is computed from them, our sums are held to them.
    """

    account_id: str
    name: str = ""
    balance: Decimal | None = None
    currency: str = ""
    charge_days_left: int | None = None
    total: Rate | None = None
    remainder_id: str = ""
    remainder_name: str = ""
    remainder_native_type: str = ""
    remainder_scope: Scope = ()
    limits: tuple[Limit, ...] = ()
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    month_totals: tuple[MonthTotal, ...] = ()


class PriceComponent(enum.StrEnum):
    """What a price is for, where it is not for a whole thing. The last three are sold by use."""

    VCPU = "vcpu"
    MEMORY_GIB = "memory_gib"
    STORAGE_GIB = "storage_gib"
    IOPS = "iops"
    GPU = "gpu"
    PUBLIC_IP = "ip"
    TRAFFIC_GIB = "traffic_gib"
    REQUESTS = "requests"
    RETRIEVAL_GIB = "retrieval_gib"


USE_COMPONENTS = frozenset(
    {PriceComponent.TRAFFIC_GIB, PriceComponent.REQUESTS, PriceComponent.RETRIEVAL_GIB}
)

PRICE_PERIODS = frozenset({"hour", "day", "month", "year"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRecord:
    """One list price: `amount` of `currency` per `period` (one of `PRICE_PERIODS`), or "" for one unit of use.

    It is for one of `component`: a GiB of memory, one request. Without a `component` it is for a whole thing: a server of
    `specification`, a balancer of a plan, a year of a domain. `sku_id` is unique within the list; `billing_sku_id` is
    what billed lines (`ChargeRecord.sku_id`) or a resource's configuration call it, without the place. `family` is the
    provider's word for the line, disk class, plan or storage class; the parts of one server have one family.
    `disk_class` is hdd, ssd or nvme, `cpu_share` the guaranteed part of a vCPU in per cent, `term_months` how far one
    pays ahead for this price, `is_configurable` that sizes between those of the family are sold, too. `country` is an
    ISO code of two letters, `successor_of` the SKU or family that this one replaces, `plan_limits` what a plan does at
    most ({"iops": …, "requests_per_second": …}). None and "" are "not stated".
    """

    sku_id: str
    resource_type: ResourceType
    name: str
    region_id: str
    amount: Decimal
    currency: str
    period: str
    unit: str = ""
    billing_sku_id: str = ""
    component: PriceComponent | None = None
    family: str = ""
    zone_id: str = ""
    country: str = ""
    specification: Specification = Specification()
    disk_class: str = ""
    cpu_share: int = 100
    term_months: int = 0
    is_preemptible: bool = False
    is_configurable: bool = False
    includes_tax: bool | None = None
    includes_ip: bool | None = None
    included_traffic_gib: Decimal | None = None
    successor_of: str = ""
    plan_limits: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeResult:
    """How the reading of one scope ended. Complete only if the list ended by itself.

    `error_code` is a `ProviderError.code`; `message` with `params` is the sentence for the user.
    """

    scope: Scope
    status: ScopeStatus
    error_code: str = ""
    message: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something worth telling about the data, without stopping: a dirty row, a figure that does not add up."""

    code: str
    message: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    line: int | None = None
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """Answer of a connection test: who we are and what the credentials may read."""

    account_id: str
    account_name: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[ScopeResult, ...] = ()

    @property
    def is_complete(self) -> bool:
        return all(s.status in (ScopeStatus.COMPLETE, ScopeStatus.ABSENT) for s in self.scopes)
