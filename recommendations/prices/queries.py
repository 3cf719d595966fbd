"""The catalogue as rules ask it, and as people read it.

Of one SKU the row that counts is the organization's own before the shared one: what its connection says is what it
pays, also where that is a price of its contract. Within one list a correction comes before an upload, an upload before
what a plugin read. What the row that counts does not state (limits, traffic, country) is taken from those below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max

from accounts.models import Organization
from providers.contract.records import DAYS_IN_MONTH, DAYS_IN_YEAR
from recommendations.engine.pricing import Offer, PriceBook
from recommendations.prices.models import Period, Price, PriceQuerySet, PriceReading, Source

HOURS_IN_DAY = Decimal(24)
PLACES = Decimal("0.000001")
RANK = {Source.CORRECTION: 0, Source.UPLOAD: 1, Source.PLUGIN: 2}
INHERITED = (
    "billing_sku_id",
    "family",
    "country",
    "engine",
    "disk_class",
    "successor_of",
    "includes_ip",
    "included_traffic_gib",
)
"""What is taken from a row below where the one that counts does not state it; never the amount or its tax."""

FACTORS = {
    Period.HOUR: HOURS_IN_DAY * DAYS_IN_MONTH,
    Period.DAY: DAYS_IN_MONTH,
    Period.MONTH: Decimal(1),
    Period.YEAR: DAYS_IN_MONTH / DAYS_IN_YEAR,
}


def price_book(organization: Organization, now: datetime) -> PriceBook:
    """The list prices that hold at `now`: the organization's own and those of everybody. One query; keep the book."""
    rows = Price.objects.visible_in(organization).holding_at(now).order_by("pk")
    return PriceBook(offers(rows.iterator(chunk_size=2000)))


def prices_version(organization: Organization, now: datetime) -> str:
    """Another text whenever the price book would be another one; one query."""
    found = (
        Price.objects.visible_in(organization)
        .filter(valid_from__lte=now)
        .aggregate(count=Count("pk"), opened=Max("valid_from"), ended=Max("valid_until"), read=Max("read_at"))
    )
    moments = (found["opened"], found["ended"], found["read"])
    return "/".join([str(found["count"]), *(each.isoformat() if each else "-" for each in moments)])


def offers(prices: Iterable[Price]) -> Iterator[Offer]:
    """What counts of prices that hold together, in the order of provider and SKU."""
    by_sku: dict[tuple[str, str], list[Price]] = {}
    for price in prices:
        by_sku.setdefault((price.provider_type, price.sku_id), []).append(price)
    for key in sorted(by_sku):
        rows = sorted(by_sku[key], key=_rank)
        yield _offer(rows)


def monthly_amount(price: Price) -> Decimal:
    """A month of thirty days; of what is sold by use, one unit."""
    if not price.period:
        return price.amount
    return (price.amount * FACTORS[Period(price.period)]).quantize(PLACES)


def _rank(price: Price) -> tuple[bool, int]:
    return (price.organization_id is None, RANK[Source(price.source)])


def _offer(rows: list[Price]) -> Offer:
    """The first row's offer, with what only the others state."""
    price = rows[0]
    inherited: dict[str, Any] = {}
    for name in INHERITED:
        stated = (getattr(row, name) for row in rows)
        inherited[name] = next((value for value in stated if value not in ("", None)), getattr(price, name))
    limits: dict[str, Decimal] = {}
    for row in reversed(rows):
        limits.update({name: Decimal(str(value)) for name, value in row.plan_limits.items()})
    return Offer(
        provider_type=price.provider_type,
        sku_id=price.sku_id,
        resource_type=price.resource_type,
        name=price.name,
        monthly=monthly_amount(price),
        currency=price.currency,
        region_id=price.region_id,
        zone_id=price.zone_id,
        component=price.component,
        vcpus=price.vcpus,
        memory_mib=price.memory_mib,
        storage_gib=price.storage_gib,
        cpu_share=price.cpu_share,
        term_months=price.term_months,
        is_preemptible=price.is_preemptible,
        is_configurable=price.is_configurable,
        includes_tax=price.includes_tax,
        plan_limits=limits,
        read_at=price.read_at,
        **inherited,
    )


# ---- for people -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFilters:
    """What a list of prices is narrowed to; "" and None do not matter."""

    provider_type: str = ""
    resource_type: str = ""
    region_id: str = ""
    component: str = ""
    text: str = ""


def listed_prices(organization: Organization, filters: PriceFilters, now: datetime) -> PriceQuerySet:
    """Rows that hold now, all sources, in a stable order."""
    rows = Price.objects.visible_in(organization).holding_at(now)
    for name in ("provider_type", "resource_type", "region_id", "component"):
        value = getattr(filters, name)
        if value:
            rows = rows.filter(**{name: value})
    if filters.text:
        rows = rows.filter(sku_id__icontains=filters.text) | rows.filter(name__icontains=filters.text)
    return rows.order_by("provider_type", "resource_type", "sku_id", "pk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What prices that hold now can be narrowed by, each in alphabetical order."""

    provider_types: list[str]
    resource_types: list[str]
    components: list[str]
    regions: list[str]


def choices(organization: Organization, now: datetime) -> Choices:
    """One query, whatever the length of the list."""
    rows = (
        Price.objects.visible_in(organization)
        .holding_at(now)
        .order_by()
        .values_list("provider_type", "resource_type", "component", "region_id")
        .distinct()
    )
    columns = [sorted({value for value in column if value}) for column in zip(*rows, strict=True)] or [[]] * 4
    return Choices(
        provider_types=columns[0], resource_types=columns[1], components=columns[2], regions=columns[3]
    )


def price_history(organization: Organization, provider_type: str, sku_id: str) -> list[Price]:
    """Everything that was ever known of a SKU, the newest first; empty where the organization may see none."""
    rows = Price.objects.visible_in(organization).filter(provider_type=provider_type, sku_id=sku_id)
    return list(rows.order_by("-valid_from", "-pk"))


def readings(organization: Organization) -> list[PriceReading]:
    found = PriceReading.objects.of(organization).select_related("connection")
    return list(found.order_by("provider_type"))
