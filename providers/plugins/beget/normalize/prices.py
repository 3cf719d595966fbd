"""Price lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.contract.records import (
    PriceRecord,
    Rate,
    RatePeriod,
    ResourceType,
    Specification,
)
from providers.plugins.beget.client import unexpected

from .services import service_detail, service_kind
from .values import (
    CURRENCY,
    flag,
    gib,
    identifier,
    money,
    number,
    rate_of,
    text,
    whole,
)

COUNTRY = re.compile(r"[A-Za-z]{2}")


def countries(items: Iterable[Any]) -> dict[str, str]:
    """{region: country}, ISO codes. Source: GET /v1/vps/region."""
    return {
        text(item.get("id")): text(item.get("country")).upper()
        for item in items
        if isinstance(item, Mapping) and COUNTRY.fullmatch(text(item.get("country")))
    }


def vps_price(item: Mapping[str, Any], countries: Mapping[str, str]) -> PriceRecord | None:
    """One tariff of VPS, None for one made for a single customer or without a price. An address comes with it."""
    operation = "GET /v1/vps/configuration"
    sku = identifier(item, "id", operation)
    rate = _list_rate(item, operation)
    if rate is None or flag(item.get("custom")):
        return None
    return PriceRecord(
        sku_id=f"vps:{sku}",
        billing_sku_id=sku,
        resource_type=ResourceType.SERVER,
        name=text(item.get("name")) or sku,
        region_id=text(item.get("region")),
        country=countries.get(text(item.get("region")), ""),
        family=text(item.get("group")),
        is_configurable=flag(item.get("configurable")),
        includes_ip=True,
        amount=rate.amount,
        currency=CURRENCY,
        period=rate.period,
        specification=Specification(
            vcpus=number(item.get("cpu_count"), operation),
            memory_mib=whole(item.get("memory"), operation),
            storage_gib=gib(number(item.get("disk_size"), operation)),
        ),
    )


def database_price(item: Mapping[str, Any], countries: Mapping[str, str]) -> PriceRecord | None:
    """One tariff of managed databases, None for other services and for what has no price."""
    operation = "GET /v1/cloud/configuration"
    sku = identifier(item, "id", operation)
    kind = service_kind(item)
    rate = _list_rate(item, operation)
    if rate is None or kind not in ("mysql", "postgresql"):
        return None
    detail = service_detail(item, kind)
    version = text(detail.get("display_version")) or text(detail.get("version"))
    return PriceRecord(
        sku_id=f"database:{sku}:{text(item.get('region'))}",
        resource_type=ResourceType.DATABASE,
        name=f"{'MySQL' if kind == 'mysql' else 'PostgreSQL'} {version}".strip(),
        region_id=text(item.get("region")),
        country=countries.get(text(item.get("region")), ""),
        family=kind,
        amount=rate.amount,
        currency=CURRENCY,
        period=rate.period,
        specification=Specification(
            vcpus=number(detail.get("cpu_count"), operation),
            memory_mib=whole(detail.get("memory"), operation),
            storage_gib=gib(number(detail.get("disk_size"), operation)),
            engine=kind,
            engine_version=version,
        ),
    )


def zone_prices(zones: Mapping[str, Any]) -> Iterator[PriceRecord]:
    """A year's renewal in each zone, for names in Latin and in national letters."""
    operation = "domain/getZoneList"
    for zone, item in zones.items():
        if not isinstance(item, dict):
            raise unexpected("no object", operation)
        for suffix, field in (("", "price_renew"), (":idn", "price_idn_renew")):
            price = money(item.get(field), operation)
            if price is not None:
                yield PriceRecord(
                    sku_id=f"zone:{zone}{suffix}",
                    resource_type=ResourceType.DOMAIN,
                    name=f".{zone} IDN" if suffix else f".{zone}",
                    region_id="",
                    family=zone,
                    amount=price,
                    currency=CURRENCY,
                    period=RatePeriod.YEAR,
                )


def _list_rate(item: Mapping[str, Any], operation: str) -> Rate | None:
    """The month's price where it is stated: a tariff is set by the month, and its day's price is rounded from it."""
    month = money(item.get("price_month"), operation)
    if month is not None:
        return Rate(amount=month, currency=CURRENCY, period=RatePeriod.MONTH)
    return rate_of(item, operation)
