"""Charges as values of FOCUS columns. Pure: rows of our tables go in, {column: value} comes out.

A charge comes from a billed line or, where a cloud is billed by rates, from a day's fact. What the source leaves out and
the specification demands is filled in; what the specification forbids in such a row is left out. Amounts are rounded
to ten decimals, the scale of a file, before prices are derived from them, so that price × quantity is the cost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from costs.focus.columns import CONTEXT, CUSTOM
from costs.focus.taxonomy import service_of, subcategory_in
from providers.focus_rules.cells import NESTED, is_flat_object, is_object, number
from providers.focus_rules.nulls import NEEDS, PAIRS, PRICED
from providers.focus_schema import COLUMN, COLUMNS, Kind
from providers.plugins.focus import normalize

Values = dict[str, Any]

SCALE = Decimal("1e-10")
PRICE_SCALE = Decimal("1e-20")
EXACT = Context(prec=50)
TOLERANCE = Decimal("1e-9")
USAGE, PURCHASE, TAX = "Usage", "Purchase", "Tax"
BILLING = "billing"

EMPTY: Mapping[str, None] = dict.fromkeys([*(c.name for c in COLUMNS), *(c.source for c in CUSTOM)])
_OWN_ONLY = frozenset({"ServiceProviderName", "HostProviderName"})

UNITS: Mapping[str, str] = {
    "core*hour": "Core-Hours",
    "vCPU hour": "Core-Hours",
    "gbyte*hour": "GB-Hours",
    "ГБ·час": "GB-Hours",
    "gbyte*month": "GB-Months",
    "hour": "Hours",
    "час": "Hours",
    "day": "Days",
    "сутки": "Days",
    "month": "Months",
    "мес": "Months",
    "10k*request": "10000 Requests",
    "piece": "Units",
    "item": "Units",
    "шт": "Units",
    "gbyte": "GB",
    "Item": "Units",
    "Item-Hours": "Unit-Hours",
}
"""Providers' units -> FOCUS's. Source: FOCUS_Spec, attribute “Unit Format”."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection, as far as a file names it. `gives_focus`: its lines keep the columns of the file they came from."""

    pk: int
    provider_type: str
    provider_name: str
    account_id: str
    account_name: str
    zone: ZoneInfo
    gives_focus: bool

    @property
    def billing_account_id(self) -> str:
        return f"{self.provider_type}:{self.account_id or self.pk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a state knows of a resource; `since` is when it began to hold, `tags` are JSON, people's on top."""

    since: datetime
    service_name: str = ""
    region_id: str = ""
    zone_name: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    vcpus: Decimal | None = None
    memory_mib: int | None = None
    storage_gib: Decimal | None = None
    operating_system: str = ""
    engine: str = ""
    tags: str | None = None


LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What the costs of a day are grouped by; `provenance` is JSON, where each business value comes from."""

    resource_type: str
    service_name: str = ""
    region_id: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    business: Mapping[str, str] = field(default_factory=dict)
    provenance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One resource; `user_tags` are people's."""

    account: Account
    resource_id: str
    name: str
    native_type: str
    user_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Costs in the currency and in roubles (None without a rate), of the whole charge or of its part in the export."""

    billed: Decimal
    effective: Decimal
    list: Decimal
    contracted: Decimal
    billed_rub: Decimal | None
    effective_rub: Decimal | None
    rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineParts:
    """A billed line, with the columns that facts do not have. `share` is the part of its time in the export, 1 = all."""

    category: str
    charge_class: str
    frequency: str
    description: str
    start: datetime
    end: datetime
    share: Decimal
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


def charge_of_fact(
    thing: Thing,
    form: Form,
    dimensions: Dimensions,
    amounts: Amounts,
    weight: Decimal = Decimal(1),
    *,
    day: date,
    category: str,
    source: str,
    currency: str,
) -> Values:
    """The cost of one resource on one day where no billed line tells more, or a part of it by `weight`."""
    account = thing.account
    values = _base(thing, form, dimensions, currency)
    start, end = day_bounds(day, account.zone)
    values["ChargePeriodStart"], values["ChargePeriodEnd"] = start, end
    values["BillingPeriodStart"], values["BillingPeriodEnd"] = month_bounds(day.year, day.month, account.zone)
    values["ChargeCategory"] = category
    values["ChargeFrequency"] = "Recurring"
    values["PricingQuantity"], values["PricingUnit"] = weight, "Days"
    values["SkuId"] = _sku(account, thing, form)
    # A list price stands in for a rate on days of their own, which may be a part of the same day
    values["SkuPriceId"] = f"{values['SkuId']}:list" if source == "estimate" else values["SkuId"]
    values["ChargeDescription"] = ", ".join(
        filter(None, (values["ServiceName"], _specification(form) or thing.name))
    )
    return _completed(values, amounts, dimensions, account, day=day, source=source)


def charge_of_line(
    thing: Thing,
    form: Form,
    dimensions: Dimensions,
    amounts: Amounts,
    line: LineParts,
    *,
    day: date,
    currency: str,
) -> Values:
    """One billed line, or the part of it that lies in the export; `day` is its first day there."""
    account = thing.account
    if account.gives_focus:
        values = _given(thing, form, dimensions, line, currency)
    else:
        values = _base(thing, form, _named(dimensions, line), currency)
        values["BillingPeriodStart"], values["BillingPeriodEnd"] = month_bounds(
            day.year, day.month, account.zone
        )
        values["ChargeDescription"] = line.description or f"{values['ServiceName']}, {thing.name}"
        unit = unit_of(line.unit)
        values["PricingQuantity"], values["PricingUnit"] = line.quantity, unit
        values["x_PricingUnitOriginal"] = line.unit if unit != line.unit else None
        values["SkuId"] = line.sku_id and f"{account.provider_type}:{line.sku_id}"
        values["SkuMeter"] = line.description or None
    values["ChargeCategory"] = line.category
    values["ChargeClass"] = line.charge_class or None
    values["ChargeFrequency"] = line.frequency or None
    values["ChargePeriodStart"] = line.start
    values["ChargePeriodEnd"] = line.end
    values["InvoiceId"] = line.invoice_id or values["InvoiceId"]
    values["PricingCategory"] = line.pricing_category or values["PricingCategory"]
    values["CommitmentDiscountId"] = line.commitment_id or values["CommitmentDiscountId"]
    values["CommitmentDiscountStatus"] = line.commitment_status or values["CommitmentDiscountStatus"]
    if not values["SkuId"]:
        values["SkuId"] = _sku(account, thing, form)
    if line.share != 1:
        for name in ("PricingQuantity", "ConsumedQuantity", "CommitmentDiscountQuantity"):
            if values[name] is not None:
                values[name] *= line.share
    return _completed(values, amounts, dimensions, account, day=day, source=BILLING)


@lru_cache(maxsize=4096)
def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Half-open, UTC."""
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


@lru_cache(maxsize=4096)
def month_bounds(year: int, month: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Half-open, UTC."""
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def unit_of(unit: str) -> str:
    """FOCUS's unit of a provider's; one that is not known keeps its word with a capital letter."""
    if not unit or unit in UNITS:
        return UNITS.get(unit, "")
    return unit[:1].upper() + unit[1:]


def _base(thing: Thing, form: Form, dimensions: Dimensions, currency: str) -> Values:
    """What a charge of our own clouds says of account, service, place and resource."""
    account = thing.account
    values: Values = dict(EMPTY)
    name, category, subcategory = service_of(
        account.provider_name,
        dimensions.service_name or form.service_name,
        dimensions.resource_type,
        form.engine,
    )
    values["ProviderName"] = account.provider_name
    values["BillingAccountId"] = account.billing_account_id
    values["BillingAccountName"] = account.account_name
    values["BillingCurrency"] = currency
    values["ServiceName"], values["ServiceCategory"], values["ServiceSubcategory"] = (
        name,
        category,
        subcategory,
    )
    values["ResourceId"] = thing.resource_id
    values["ResourceName"] = thing.name if thing.name != thing.resource_id else None
    values["ResourceType"] = type_word(dimensions.resource_type)
    values["RegionId"] = dimensions.region_id or form.region_id or None
    values["AvailabilityZone"] = form.zone_name or None
    sub_account = dimensions.sub_account_id or form.sub_account_id
    if sub_account:
        values["SubAccountId"] = sub_account
        values["SubAccountName"] = dimensions.sub_account_name or form.sub_account_name or None
        values["SubAccountType"] = "Project"
    values["SkuPriceDetails"] = _price_details(
        form.vcpus, form.memory_mib, form.storage_gib, form.operating_system
    )
    values["Tags"] = form.tags
    return values


def _named(dimensions: Dimensions, line: LineParts) -> Dimensions:
    """The dimensions with what the line itself says of service and place."""
    if line.service_name == dimensions.service_name and line.region_id == dimensions.region_id:
        return dimensions
    return replace(
        dimensions,
        service_name=line.service_name or dimensions.service_name,
        region_id=line.region_id or dimensions.region_id,
        sub_account_id=line.sub_account_id or dimensions.sub_account_id,
    )


def _given(thing: Thing, form: Form, dimensions: Dimensions, line: LineParts, currency: str) -> Values:
    """The columns of the file that the line came from; what it lacks, from the line and our own knowledge."""
    values: Values = dict(EMPTY)
    for name, text in line.extra.items():
        column = COLUMN.get(name)
        if column is not None and name not in _OWN_ONLY:
            values[name] = _cell(column.kind, text)
    extra = line.extra
    values["ProviderName"] = (
        normalize.text_of(extra.get("ServiceProviderName"))
        or values["ProviderName"]
        or thing.account.provider_name
    )
    values["PublisherName"] = (
        values["PublisherName"] or normalize.text_of(extra.get("HostProviderName")) or None
    )
    values["BillingAccountId"] = values["BillingAccountId"] or thing.account.billing_account_id
    values["BillingCurrency"] = currency
    values["ServiceName"] = values["ServiceName"] or line.service_name
    own = service_of("", values["ServiceName"], dimensions.resource_type)
    values["ServiceCategory"] = values["ServiceCategory"] or own[1]
    if values["ServiceCategory"] == own[1]:
        values["ServiceSubcategory"] = values["ServiceSubcategory"] or own[2]
    if values["Tags"] is not None or thing.user_tags:
        values["Tags"] = _tags_with(extra.get("Tags", ""), form.tags, thing.user_tags)
    for name in ("SkuPriceDetails", "AllocatedTags", *NESTED):
        is_sound = is_object if name in NESTED else is_flat_object
        if values[name] is not None and not is_sound(values[name]):
            values[name] = None
    return values


def _cell(kind: Kind, text: str) -> Any:
    """A cell as its column's type; None where it is null or is no number."""
    if kind is Kind.DECIMAL:
        return number(text.strip())
    if kind is Kind.DATETIME:
        return normalize.instant_of(text)
    known = normalize.text_of(text)
    return None if known in normalize.PLACEHOLDERS else known or None


def _completed(
    values: Values, amounts: Amounts, dimensions: Dimensions, account: Account, *, day: date, source: str
) -> Values:
    """The rules of the specification over a charge whose category, period and object are known."""
    category = values["ChargeCategory"]
    is_correction = values["ChargeClass"] == "Correction"
    provider = values["ProviderName"]
    for name in ("PublisherName", "InvoiceIssuerName"):
        values[name] = values[name] or provider
    values["BillingAccountType"] = values["BillingAccountType"] or "Billing Account"
    values["ServiceSubcategory"] = subcategory_in(
        values["ServiceCategory"], values["ServiceSubcategory"] or ""
    )
    values["ChargeFrequency"] = values["ChargeFrequency"] or (
        "Usage-Based" if category == USAGE else "One-Time"
    )
    values["ChargeDescription"] = values["ChargeDescription"] or values["ServiceName"]
    values["BilledCost"] = EXACT.quantize(amounts.billed, SCALE)
    values["EffectiveCost"] = EXACT.quantize(amounts.effective, SCALE)
    values["ListCost"] = EXACT.quantize(amounts.list, SCALE)
    values["ContractedCost"] = EXACT.quantize(amounts.contracted, SCALE)
    if category == TAX:
        for name in (*PRICED, "PricingUnit"):
            values[name] = None
    elif category in (USAGE, PURCHASE) and not is_correction:
        _price(values)
        values["SkuMeter"] = values["SkuMeter"] or type_word(dimensions.resource_type)
    _use(values, is_correction=is_correction)
    _commit(values, is_correction=is_correction)
    _pair(values)
    _in_pricing_currency(values)
    values["x_BillingMonth"] = _middle_month(
        values["BillingPeriodStart"], values["BillingPeriodEnd"], account.zone
    )
    values["x_ChargeDate"] = day.isoformat()
    values["x_BilledCostInRub"] = amounts.billed_rub and EXACT.quantize(amounts.billed_rub, SCALE)
    values["x_EffectiveCostInRub"] = amounts.effective_rub and EXACT.quantize(amounts.effective_rub, SCALE)
    values["x_ExchangeRate"] = amounts.rate
    values["x_CostSource"] = source
    values["x_ResourceType"] = dimensions.resource_type
    for own, name in CONTEXT.items():
        values[f"x_{name}"] = dimensions.business.get(own) or None
    values["x_ContextProvenance"] = dimensions.provenance
    values["x_ConnectionId"] = str(account.pk)
    return values


def _price(values: Values) -> None:
    """Quantity, unit, unit prices, SKU and pricing category of usage and purchases."""
    list_cost, contracted_cost = values["ListCost"], values["ContractedCost"]
    quantity = values["PricingQuantity"]
    if quantity is not None:
        quantity = EXACT.quantize(quantity, SCALE)
    if quantity is None or (not quantity and (list_cost or contracted_cost)):
        quantity = Decimal(1)
    if quantity > 0 and (list_cost or contracted_cost) < 0:
        quantity = -quantity  # given back: a unit price is never negative
    values["PricingQuantity"] = quantity
    values["PricingUnit"] = values["PricingUnit"] or "Units"
    values["x_PriceSource"] = "provider"
    for cost, name in ((list_cost, "ListUnitPrice"), (contracted_cost, "ContractedUnitPrice")):
        price = values[name]
        if price is None or abs(EXACT.multiply(price, quantity) - cost) > max(
            abs(cost) * TOLERANCE, SCALE / 2
        ):
            values["x_PriceSource"] = "derived"
            price = EXACT.divide(cost, quantity) if quantity else Decimal(0)
        values[name] = EXACT.quantize(price, PRICE_SCALE)
    values["SkuId"] = values["SkuId"] or values["SkuPriceId"]
    values["SkuPriceId"] = values["SkuPriceId"] or values["SkuId"]
    is_covered = values["CommitmentDiscountId"] and values["ChargeCategory"] == USAGE
    values["PricingCategory"] = values["PricingCategory"] or ("Committed" if is_covered else "Standard")


def _use(values: Values, *, is_correction: bool) -> None:
    """What was consumed: of usage alone, and not of what a commitment left unused."""
    if values["ChargeCategory"] != USAGE or values["CommitmentDiscountStatus"] == "Unused":
        values["ConsumedQuantity"] = values["ConsumedUnit"] = None
    elif values["ConsumedQuantity"] is None and not is_correction:
        values["ConsumedQuantity"], values["ConsumedUnit"] = values["PricingQuantity"], values["PricingUnit"]


def _commit(values: Values, *, is_correction: bool) -> None:
    category = values["ChargeCategory"]
    if not values["CommitmentDiscountId"]:
        return
    values["CommitmentDiscountCategory"] = values["CommitmentDiscountCategory"] or "Usage"
    values["CommitmentDiscountType"] = values["CommitmentDiscountType"] or "Commitment"
    if category not in (USAGE, PURCHASE):
        values["CommitmentDiscountQuantity"] = None
    elif values["CommitmentDiscountQuantity"] is None and not is_correction:
        values["CommitmentDiscountQuantity"] = values["PricingQuantity"]
        values["CommitmentDiscountUnit"] = values["PricingUnit"]
    if category == USAGE:
        values["CommitmentDiscountStatus"] = values["CommitmentDiscountStatus"] or "Used"


_DEFAULTS: Mapping[str, str] = {
    "RegionName": "RegionId",
    "SubAccountName": "SubAccountId",
}
_WORDS: Mapping[str, str] = {
    "SubAccountType": "Sub Account",
    "ResourceType": "Resource",
    "PricingUnit": "Units",
    "ConsumedUnit": "Units",
    "CommitmentDiscountUnit": "Units",
}


def _pair(values: Values) -> None:
    """What goes with something else is there with it, and not without it."""
    for one, other in NEEDS:
        if values[other] is None:
            values[one] = None
    for one, other in PAIRS:
        if values[one] is None:
            values[other] = None
        elif values[other] is None:
            values[other] = values[_DEFAULTS[other]] if other in _DEFAULTS else _WORDS.get(other)


def _in_pricing_currency(values: Values) -> None:
    if values["PricingCurrency"] in (None, values["BillingCurrency"]):
        values["PricingCurrency"] = values["BillingCurrency"]
        for name in ("ListUnitPrice", "ContractedUnitPrice", "EffectiveCost"):
            values[f"PricingCurrency{name}"] = values[name]
    elif values["PricingCurrencyEffectiveCost"] is None:
        values["PricingCurrencyEffectiveCost"] = values["EffectiveCost"]


def _sku(account: Account, thing: Thing, form: Form) -> str:
    parts = (account.provider_type, thing.native_type, _specification(form))
    return ":".join(part for part in parts if part)


@lru_cache(maxsize=4096)
def _specification(form: Form) -> str:
    """`2 vCPU 4 GiB 40 GiB`: what the price is for; empty where nothing is known."""
    memory = Decimal(form.memory_mib) / 1024 if form.memory_mib else None
    sizes = ((form.vcpus, "vCPU"), (memory, "GiB RAM"), (form.storage_gib, "GiB"))
    return " ".join(
        [*(f"{_short(size)} {unit}" for size, unit in sizes if size), *filter(None, [form.engine])]
    )


@lru_cache(maxsize=4096)
def _price_details(
    vcpus: Decimal | None, memory_mib: int | None, storage_gib: Decimal | None, system: str
) -> str | None:
    details: dict[str, Any] = {}
    if vcpus:
        details["CoreCount"] = float(vcpus)
    if memory_mib:
        details["MemorySize"] = memory_mib / 1024
    if storage_gib:
        details["DiskSpace"] = float(storage_gib)
    if system:
        details["OperatingSystem"] = system
    return json.dumps(details, ensure_ascii=False) if details else None


def tags_text(tags: Mapping[str, Any], user_tags: Mapping[str, str]) -> str | None:
    """Tags as FOCUS writes them: a flat JSON object in which a label without a value is `true`; None without any."""
    merged = {**tags, **user_tags}
    if not merged:
        return None
    flat = {
        str(key): True
        if value in ("", None)
        else value
        if isinstance(value, str | bool | int | float)
        else str(value)
        for key, value in merged.items()
    }
    return json.dumps(flat, ensure_ascii=False, sort_keys=True)


def provenance_text(provenance: Mapping[str, str], business: Mapping[str, str]) -> str | None:
    """{column without x_: where its value comes from} of the values that there are."""
    found = {CONTEXT[own]: where for own, where in provenance.items() if own in CONTEXT and business.get(own)}
    return json.dumps(found, sort_keys=True) if found else None


def _tags_with(text: str, known: str | None, user_tags: Mapping[str, str]) -> str | None:
    """The file's tags, unchanged where they are as they should be, else as they were read; people's on top."""
    if not is_flat_object(text):
        return known
    if user_tags:
        return tags_text(json.loads(text), user_tags)
    return text if json.loads(text) else None


@lru_cache(maxsize=4096)
def _month_name(middle: datetime, zone: ZoneInfo) -> str:
    return f"{middle.astimezone(zone):%Y-%m}"


def _middle_month(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return _month_name(start + (end - start) / 2, zone)


@lru_cache(maxsize=128)
def type_word(resource_type: str) -> str:
    """Our type as a word for people of any language: `Floating IP`."""
    capitals = {"ip": "IP", "s3": "S3", "cdn": "CDN", "dns": "DNS", "ftp": "FTP"}
    text = " ".join(capitals.get(word, word) for word in resource_type.split("_"))
    return text[:1].upper() + text[1:]


def _short(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
