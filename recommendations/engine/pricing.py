"""The price catalogue as rules ask it: list prices of what is sold, like for like. Pure.

A provider sells either whole sizes (an offer with a specification) or parts of them (an offer with a `component`: a vCPU, a
GiB of memory or of a disk class). All amounts are list prices a month of thirty days in `currency`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

VCPU = "vcpu"
MEMORY_GIB = "memory_gib"
STORAGE_GIB = "storage_gib"
PUBLIC_IP = "ip"
TRAFFIC_GIB = "traffic_gib"
REQUESTS = "requests"
RETRIEVAL_GIB = "retrieval_gib"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One list price that holds now.

    `family` is the provider's line (dedicated, high_freq) or disk class; parts of one server have one family.
    `monthly` is for one of `component` ("" is a whole size) for a month; for use-billed components for one unit.
    `term_months` > 0 is a price for paying ahead that long. `cpu_share` is the guaranteed part of a vCPU, per cent.
    None is "not stated". `plan_limits` are what a plan allows: {limit: amount}.
    """

    provider_type: str
    sku_id: str
    resource_type: str
    name: str
    monthly: Decimal
    currency: str
    region_id: str = ""
    zone_id: str = ""
    component: str = ""
    family: str = ""
    vcpus: Decimal | None = None
    memory_mib: int | None = None
    storage_gib: Decimal | None = None
    cpu_share: int = 100
    term_months: int = 0
    is_preemptible: bool = False
    includes_tax: bool | None = None
    included_traffic_gib: Decimal | None = None
    includes_ip: bool | None = None
    engine: str = ""
    country: str = ""
    successor_of: str = ""
    """SKU or family that this one replaces."""
    plan_limits: Mapping[str, Decimal] = field(default_factory=dict)
    read_at: datetime


class PriceBook:
    """The offers that an organization may see; looked up by provider, type and place."""

    def __init__(self, offers: Iterable[Offer] = ()) -> None:
        self._by_kind: dict[tuple[str, str], list[Offer]] = {}
        self._by_sku: dict[tuple[str, str], list[Offer]] = {}
        for offer in offers:
            self._by_kind.setdefault((offer.provider_type, offer.resource_type), []).append(offer)
            self._by_sku.setdefault((offer.provider_type, offer.sku_id), []).append(offer)

    def offers(self, provider_type: str, resource_type: str) -> list[Offer]:
        return self._by_kind.get((provider_type, resource_type), [])

    def has_prices_of(self, provider_type: str) -> bool:
        return any(kind[0] == provider_type for kind in self._by_kind)

    def provider_types(self) -> frozenset[str]:
        return frozenset(kind[0] for kind in self._by_kind)

    def by_sku(self, provider_type: str, sku_id: str) -> list[Offer]:
        return self._by_sku.get((provider_type, sku_id), [])

    def matching(
        self,
        provider_type: str,
        resource_type: str,
        *,
        component: str | None = None,
        family: str | None = None,
        region_id: str | None = None,
        zone_id: str | None = None,
        term_months: int = 0,
    ) -> Iterator[Offer]:
        """Offers of a kind; what is None does not matter. An offer without a region or zone holds in each."""
        for offer in self.offers(provider_type, resource_type):
            if (
                (component is None or offer.component == component)
                and (family is None or offer.family == family)
                and (region_id is None or offer.region_id in ("", region_id))
                and (zone_id is None or offer.zone_id in ("", zone_id))
                and offer.term_months == term_months
            ):
                yield offer
