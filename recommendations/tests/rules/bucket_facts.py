"""A bucket for tests: 1 000 GiB for 4 500 a month, of which somebody reads something, in classes that have prices."""

from __future__ import annotations

from decimal import Decimal

from recommendations.engine.facts import BilledPart, Consumed
from recommendations.tests.facts import connection, hourly, offer, prices, resource

GIB = 1024**3
DAY = 86_400


def sold(component, family, monthly, **more):
    values = {
        "resource_type": "s3_bucket",
        "component": component,
        "family": family,
        "monthly": Decimal(str(monthly)),
        "region_id": "ru-1",
    }
    return offer(**(values | more))


HOT = sold("storage_gib", "standard", "4.5", billing_sku_id="volume-gb")
COLD = sold("storage_gib", "cold", "1.9", plan_limits={"minimum_days": Decimal(30)})
ARCHIVE = sold(
    "storage_gib",
    "archive",
    "0.85",
    plan_limits={"minimum_object_kib": Decimal(256), "restore_hours": Decimal(12)},
)
BY_USE = (
    sold("retrieval_gib", "cold", "0.6"),
    sold("retrieval_gib", "archive", "2.5"),
    sold("requests", "standard", "0.00005"),
    sold("requests", "cold", "0.0001"),
    sold("requests", "archive", "0.0002"),
)


def place(*offers, **changes):
    return connection(**({"prices": prices(*offers)} | changes))


SHOP = place(HOT, COLD, ARCHIVE, *BY_USE)


def part(day_cost=150, quantity=1000):
    return BilledPart(
        sku_id="volume-gb",
        description="",
        unit="GB",
        quantity=Decimal(quantity),
        day_cost=Decimal(str(day_cost)),
        currency="RUB",
    )


def measured(*, read_gib=0.0, reads=0.0, writes=0.0, objects=1_000_000, days=95, per=30):
    """Series of what is read, asked and written in `per` days; None leaves a series out."""
    rates = {
        "network_tx": None if read_gib is None else read_gib * GIB / per / DAY,
        "read_request_rate": None if reads is None else reads / per / DAY,
        "request_rate": None if reads is None or writes is None else (reads + writes) / per / DAY,
        "object_count": objects,
    }
    return {name: hourly(value, days=days) for name, value in rates.items() if value is not None}


def billed(days=30, **quantities):
    """Lines of the window: {SKU with _ for -: quantity}; storage is always among them."""
    lines = {"volume_gb": (1000 * days, "GB-Hours")}
    units = {"traffic_mb": "MB"}
    lines |= {name: (value, units.get(name, "request")) for name, value in quantities.items()}
    return tuple(
        Consumed(
            sku_id=name.replace("_", "-"), unit=unit, quantity=Decimal(value), cost=Decimal(0), days=days
        )
        for name, (value, unit) in lines.items()
    )


def bucket(**changes):
    values = {
        "name": "media",
        "connection": SHOP,
        "region_id": "ru-1",
        "day_cost": 150,
        "parts": (part(),),
        "series": measured(),
    }
    return resource("s3_bucket", **(values | changes))
