"""Prices for tests, and a provider that lists what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import factory

from providers.contract.plugin import BillingKind, Capabilities
from providers.contract.records import PriceRecord, ResourceType
from providers.tests.factories import FakeProvider
from recommendations.prices.models import Price, Source

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class PriceFactory(factory.django.DjangoModelFactory):
    """A vCPU for 300.00 a month in the shared catalogue. Traits: `correction`, `plugin`."""

    class Meta:
        model = Price

    class Params:
        correction = factory.Trait(source=Source.CORRECTION)
        plugin = factory.Trait(source=Source.PLUGIN, scope="prices")

    provider_type = "fake"
    source = Source.UPLOAD
    scope = "upload"
    sku_id = factory.Sequence(lambda n: f"sku-{n}")
    resource_type = "server"
    name = "vCPU"
    component = "vcpu"
    family = "standard"
    region_id = "r-1"
    country = "RU"
    amount = Decimal("300")
    currency = "RUB"
    period = "month"
    valid_from = NOW
    read_at = NOW


class ListingProvider(FakeProvider):
    """Lists what `listing` yields."""

    capabilities = Capabilities(billing=BillingKind.RATES, has_prices=True)
    listing: ClassVar[Callable[[], Iterator[Any]]] = lambda: iter(())

    def prices(self) -> Iterator[Any]:
        yield from type(self).listing()


def vcpu(sku_id: str = "vcpu", amount: str = "300", **changes: Any) -> PriceRecord:
    values: dict[str, Any] = {
        "sku_id": sku_id,
        "resource_type": ResourceType.SERVER,
        "name": sku_id,
        "region_id": "r-1",
        "amount": Decimal(amount),
        "currency": "RUB",
        "period": "month",
    }
    return PriceRecord(**(values | changes))


def server_prices(
    provider_type: str = "fake",
    *,
    vcpu_amount: str = "300",
    memory_amount: str = "100",
    disk_amount: str = "8",
    **changes: Any,
) -> list[Price]:
    """A line, its memory, an SSD, an address and traffic in one region."""
    common = {"provider_type": provider_type, **changes}
    region = common.get("region_id", "r-1")

    def price(sku: str, amount: str, **more: Any) -> Price:
        values = {**common, "sku_id": f"{provider_type}-{sku}/{region}", "amount": Decimal(amount), **more}
        return PriceFactory.create(**values)

    return [
        price("vcpu", vcpu_amount),
        price("memory", memory_amount, component="memory_gib"),
        price(
            "ssd",
            disk_amount,
            component="storage_gib",
            resource_type="volume",
            family="ssd",
            disk_class="ssd",
        ),
        price("ip", "150", component="ip", resource_type="floating_ip"),
        price("traffic", "2", component="traffic_gib", resource_type="network", period=""),
    ]
