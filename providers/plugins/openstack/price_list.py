"""The user's price list: JSON text, checked as a whole, applied to one record at a time. Pure.

    {"currency": "RUB", "period": "month",
     "flavors": {"m1.small": 1200}, "vcpu": 300, "memory_gib": 100,
     "volume_types": {"ssd": 8, "*": 5}, "floating_ip": 150}

Prices are per piece, or per GiB where the name says so and for volume types; "*" is for all types that are not named.
A server costs what its flavour is said to cost, else its vCPUs and memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from common.text import gettext_noop
from providers.contract.errors import InvalidSource
from providers.contract.records import (
    PriceComponent,
    PriceRecord,
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceType,
)
from providers.openstack.normalize import TYPE_MAP

MIB_IN_GIB = Decimal(1024)
HOURS_A_DAY = Decimal(24)
LARGEST = Decimal(10) ** 12
ANY_TYPE = "*"
PERIODS: Mapping[str, RatePeriod] = {
    "hour": RatePeriod.DAY,
    "day": RatePeriod.DAY,
    "month": RatePeriod.MONTH,
    "year": RatePeriod.YEAR,
}
NAMED = ("flavors", "volume_types")
SINGLE = (
    "vcpu",
    "memory_gib",
    "snapshot_gib",
    "backup_gib",
    "image_gib",
    "share_gib",
    "floating_ip",
    "load_balancer",
    "router",
)
PER_GIB: Mapping[str, str] = {
    "snapshot": "snapshot_gib",
    "backup": "backup_gib",
    "image": "image_gib",
    "share": "share_gib",
}
PER_PIECE = frozenset({"floating_ip", "load_balancer", "router"})
COMPONENTS: Mapping[str, PriceComponent] = {
    "vcpu": PriceComponent.VCPU,
    "memory_gib": PriceComponent.MEMORY_GIB,
    "snapshot_gib": PriceComponent.STORAGE_GIB,
    "backup_gib": PriceComponent.STORAGE_GIB,
    "image_gib": PriceComponent.STORAGE_GIB,
    "share_gib": PriceComponent.STORAGE_GIB,
    "floating_ip": PriceComponent.PUBLIC_IP,
}
UNBILLED_STATUSES = frozenset({"shelved_offloaded"})
"""Servers that hold no compute; their volumes cost on."""

_JSON = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices of a piece or a GiB, a `period`, in `currency`."""

    currency: str = "RUB"
    period: str = "month"
    flavors: Mapping[str, Decimal] = field(default_factory=dict)
    volume_types: Mapping[str, Decimal] = field(default_factory=dict)
    single: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.flavors or self.volume_types or self.single)

    def rate(self, record: ResourceRecord) -> Rate | None:
        """What a resource costs; None where the list has no price for it."""
        amount = self._amount(record)
        if amount is None:
            return None
        if self.period == "hour":
            amount *= HOURS_A_DAY
        return Rate(amount=amount, currency=self.currency, period=PERIODS[self.period], is_list_price=True)

    def records(self) -> Iterator[PriceRecord]:
        """The list as prices of the catalogue."""
        for name, amount in self.flavors.items():
            yield self._record(f"flavor:{name}", ResourceType.SERVER, name, amount)
        for name, amount in self.volume_types.items():
            yield self._record(
                f"volume_type:{name}",
                ResourceType.VOLUME,
                name,
                amount,
                unit="GiB",
                component=PriceComponent.STORAGE_GIB,
                family=name,
            )
        kinds = {word: kind for kind, word in PER_GIB.items()}
        for name, amount in self._whole_servers().items():
            kind = TYPE_MAP.get(kinds.get(name, name), ResourceType.SERVER)
            unit = "GiB" if name.endswith("_gib") else ""
            yield self._record(name, kind, name, amount, unit=unit, component=COMPONENTS.get(name))

    def _whole_servers(self) -> Mapping[str, Decimal]:
        """The single prices; of vCPU and memory the one that is not listed is free, as `rate` has it."""
        if not {"vcpu", "memory_gib"} & self.single.keys():
            return self.single
        return {"vcpu": Decimal(0), "memory_gib": Decimal(0), **self.single}

    def _record(
        self,
        sku_id: str,
        kind: ResourceType,
        name: str,
        amount: Decimal,
        *,
        unit: str = "",
        component: PriceComponent | None = None,
        family: str = "standard",
    ) -> PriceRecord:
        return PriceRecord(
            sku_id=sku_id,
            billing_sku_id=name,
            resource_type=kind,
            name=name,
            component=component,
            family=family,
            region_id="",
            amount=amount,
            currency=self.currency,
            period=self.period,
            unit=unit or "item",
        )

    def _amount(self, record: ResourceRecord) -> Decimal | None:
        kind = record.native_type
        if kind == "server":
            return self._server(record)
        if kind in PER_PIECE:
            return self.single.get(kind)
        size = record.specification.storage_gib
        if kind == "volume":
            price = self.volume_types.get(record.configuration.get("volume_type", ""))
            price = self.volume_types.get(ANY_TYPE) if price is None else price
        else:
            price = self.single.get(PER_GIB.get(kind, ""))
        return None if price is None or size is None else price * size

    def _server(self, record: ResourceRecord) -> Decimal | None:
        if record.provider_status.lower() in UNBILLED_STATUSES:
            return Decimal(0)
        price = self.flavors.get(record.configuration.get("flavor", ""))
        if price is not None:
            return price
        vcpus, memory = record.specification.vcpus, record.specification.memory_mib
        if vcpus is None or memory is None or not {"vcpu", "memory_gib"} & self.single.keys():
            return None
        return (
            self.single.get("vcpu", Decimal(0)) * vcpus
            + self.single.get("memory_gib", Decimal(0)) * memory / MIB_IN_GIB
        )


def parse(text: str) -> PriceList:
    """The list that a user typed; an empty text is an empty list. Raises InvalidSource, which names the place."""
    if not text.strip():
        return PriceList()
    try:
        body = _JSON.decode(text)
    except (msgspec.DecodeError, ArithmeticError):
        raise invalid(
            gettext_noop("The price list is no JSON. It begins with { and holds names with prices.")
        ) from None
    if not isinstance(body, dict):
        raise invalid(
            gettext_noop("The price list is no JSON. It begins with { and holds names with prices.")
        )
    currency, period = body.get("currency", "RUB"), body.get("period", "month")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise invalid(gettext_noop("The price list's “currency” must be a code of three letters, like RUB."))
    if period not in PERIODS:
        raise invalid(gettext_noop("The price list's “period” must be hour, day, month or year."))
    unknown = sorted(body.keys() - {"currency", "period", *NAMED, *SINGLE})
    if unknown:
        raise invalid(
            gettext_noop("The price list does not know “%(name)s”. It may hold %(known)s."),
            name=unknown[0],
            known=", ".join((*NAMED, *SINGLE)),
        )
    return PriceList(
        currency=currency,
        period=period,
        flavors=_named(body, "flavors"),
        volume_types=_named(body, "volume_types"),
        single={name: _price(name, body[name]) for name in SINGLE if name in body},
    )


def invalid(message: str, **params: str) -> InvalidSource:
    return InvalidSource(message, provider="openstack", operation="settings", params=params)


def _named(body: Mapping[str, Any], name: str) -> dict[str, Decimal]:
    prices = body.get(name, {})
    if not isinstance(prices, dict):
        raise invalid(gettext_noop("“%(name)s” in the price list must hold names with prices."), name=name)
    return {each: _price(f"{name}.{each}", price) for each, price in prices.items()}


def _price(name: str, value: Any) -> Decimal:
    try:
        amount = Decimal(str(value)) if isinstance(value, int | str | Decimal) else Decimal("NaN")
    except ArithmeticError:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= LARGEST:
        raise invalid(gettext_noop("The price of “%(name)s” is no number, or is below zero."), name=name)
    return amount
