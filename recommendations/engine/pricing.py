"""The price catalogue as rules ask it: list prices of what is sold, like for like. Pure.

A provider sells either whole sizes (an offer with a specification) or parts of them (an offer with a `component`: a vCPU, a
GiB of memory or of a disk class). All amounts are list prices a month of thirty days in `currency`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from providers.contract.records import PriceComponent, ResourceType

SERVER = ResourceType.SERVER.value
VOLUME = ResourceType.VOLUME.value
SNAPSHOT = ResourceType.SNAPSHOT.value
BUCKET = ResourceType.S3_BUCKET.value
FLOATING_IP = ResourceType.FLOATING_IP.value
LOAD_BALANCER = ResourceType.LOAD_BALANCER.value
NETWORK = ResourceType.NETWORK.value

VCPU = PriceComponent.VCPU.value
MEMORY_GIB = PriceComponent.MEMORY_GIB.value
STORAGE_GIB = PriceComponent.STORAGE_GIB.value
PUBLIC_IP = PriceComponent.PUBLIC_IP.value
TRAFFIC_GIB = PriceComponent.TRAFFIC_GIB.value
REQUESTS = PriceComponent.REQUESTS.value
RETRIEVAL_GIB = PriceComponent.RETRIEVAL_GIB.value

STANDARD = "standard"
"""Family of what a provider sells without a special name."""

HDD = "hdd"
SSD = "ssd"
NVME = "nvme"
DISK_CLASSES = (HDD, SSD, NVME)
"""Classes in which disks of several providers are compared, the slowest first."""

LIMIT_IOPS = "iops"
LIMIT_THROUGHPUT = "throughput_mib"
LIMIT_REQUESTS = "requests_per_second"
LIMIT_MINIMUM_DAYS = "minimum_days"
LIMIT_MINIMUM_KIB = "minimum_object_kib"
LIMIT_RESTORE_HOURS = "restore_hours"
"""Names in `Offer.plan_limits`: what a disk class or balancer plan does at most; what a bucket class charges at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One list price that holds now.

    `family` is the provider's line (standard, dedicated, high_freq), plan or class; parts of one server have one family.
    `monthly` is for one of `component` ("" is a whole size or piece) for a month; for use-billed components for one unit.
    `billing_sku_id` is what the provider's billed lines, or a resource's configuration, call it: without the place that
    `sku_id` may hold. `term_months` > 0 is a price for paying ahead that long. `cpu_share` is the guaranteed part of a
    vCPU, per cent. None is "not stated". `plan_limits` are what a plan allows: {LIMIT_…: amount}. `is_configurable`:
    whole sizes between this and others of its family are sold too.
    """

    provider_type: str
    sku_id: str
    resource_type: str
    name: str
    monthly: Decimal
    currency: str
    billing_sku_id: str = ""
    region_id: str = ""
    zone_id: str = ""
    component: str = ""
    family: str = ""
    vcpus: Decimal | None = None
    memory_mib: int | None = None
    storage_gib: Decimal | None = None
    disk_class: str = ""
    cpu_share: int = 100
    term_months: int = 0
    is_preemptible: bool = False
    is_configurable: bool = False
    includes_tax: bool | None = None
    included_traffic_gib: Decimal | None = None
    includes_ip: bool | None = None
    engine: str = ""
    country: str = ""
    successor_of: str = ""
    """SKU or family that this one replaces."""
    plan_limits: Mapping[str, Decimal] = field(default_factory=dict)
    read_at: datetime

    def holds_in(self, region_id: str | None, zone_id: str | None = None) -> bool:
        """What is asked as None does not matter; an offer without a region or zone holds in each."""
        return (region_id is None or self.region_id in ("", region_id)) and (
            zone_id is None or self.zone_id in ("", zone_id)
        )


class PriceBook:
    """The offers that an organization may see; looked up by provider, type and place.

    It does not change: what rules ask of it for every resource is looked for once and remembered.
    """

    def __init__(self, offers: Iterable[Offer] = ()) -> None:
        self._found: dict[tuple[object, ...], Offer | None] = {}
        self._families: dict[tuple[object, ...], tuple[Offer, ...]] = {}
        self._by_kind: dict[tuple[str, str], list[Offer]] = {}
        self._by_sku: dict[tuple[str, str], list[Offer]] = {}
        self._by_billing_sku: dict[tuple[str, str], list[Offer]] = {}
        for offer in offers:
            self._by_kind.setdefault((offer.provider_type, offer.resource_type), []).append(offer)
            self._by_sku.setdefault((offer.provider_type, offer.sku_id), []).append(offer)
            if offer.billing_sku_id:
                key = (offer.provider_type, offer.billing_sku_id)
                self._by_billing_sku.setdefault(key, []).append(offer)

    def __len__(self) -> int:
        return sum(len(offers) for offers in self._by_kind.values())

    def __iter__(self) -> Iterator[Offer]:
        for offers in self._by_kind.values():
            yield from offers

    def offers(self, provider_type: str, resource_type: str) -> list[Offer]:
        return self._by_kind.get((provider_type, resource_type), [])

    def has_prices_of(self, provider_type: str) -> bool:
        return any(kind[0] == provider_type for kind in self._by_kind)

    def provider_types(self) -> frozenset[str]:
        return frozenset(kind[0] for kind in self._by_kind)

    def by_sku(self, provider_type: str, sku_id: str) -> list[Offer]:
        return self._by_sku.get((provider_type, sku_id), [])

    def billed_as(
        self, provider_type: str, billing_sku_id: str, *, region_id: str | None, zone_id: str | None = None
    ) -> Offer | None:
        """The offer without a term that a billed line of that place is charged by; see `most_fitting`."""
        key = ("billed", provider_type, billing_sku_id, region_id, zone_id)
        if key not in self._found:
            offers = self._by_billing_sku.get((provider_type, billing_sku_id), ())
            self._found[key] = most_fitting(
                (offer for offer in offers if offer.term_months == 0 and offer.holds_in(region_id, zone_id)),
                zone_id=zone_id,
            )
        return self._found[key]

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
                and offer.holds_in(region_id, zone_id)
                and offer.term_months == term_months
            ):
                yield offer

    def price_of(
        self,
        provider_type: str,
        resource_type: str,
        component: str,
        *,
        family: str | None = None,
        region_id: str | None = None,
        zone_id: str | None = None,
    ) -> Offer | None:
        """The one offer of a component there; see `most_fitting`."""
        key = ("price", provider_type, resource_type, component, family, region_id, zone_id)
        if key not in self._found:
            offers = self.matching(
                provider_type,
                resource_type,
                component=component,
                family=family,
                region_id=region_id,
                zone_id=zone_id,
            )
            self._found[key] = most_fitting(offers, zone_id=zone_id)
        return self._found[key]

    def by_family(
        self,
        provider_type: str,
        resource_type: str,
        component: str,
        *,
        region_id: str | None,
        zone_id: str | None = None,
    ) -> list[Offer]:
        """The one offer of each family there, the cheapest first."""
        key = (provider_type, resource_type, component, region_id, zone_id)
        if key not in self._families:
            families: dict[str, list[Offer]] = {}
            for offer in self.matching(
                provider_type, resource_type, component=component, region_id=region_id, zone_id=zone_id
            ):
                families.setdefault(offer.family, []).append(offer)
            chosen = (most_fitting(offers, zone_id=zone_id) for offers in families.values())
            self._families[key] = tuple(
                sorted((offer for offer in chosen if offer), key=lambda each: (each.monthly, each.family))
            )
        return list(self._families[key])

    # ---- what rules look for ------------------------------------------------------------------------------

    def disk_families(
        self, provider_type: str, *, region_id: str | None, zone_id: str | None = None
    ) -> list[Offer]:
        """A GiB of each disk class there, the cheapest first; limits in `plan_limits`."""
        return self.by_family(provider_type, VOLUME, STORAGE_GIB, region_id=region_id, zone_id=zone_id)

    def load_balancer_plans(
        self, provider_type: str, *, region_id: str | None, zone_id: str | None = None
    ) -> list[Offer]:
        """Whole balancers by plan, the cheapest first; `family` is the plan, its limits are in `plan_limits`."""
        return self.by_family(provider_type, LOAD_BALANCER, "", region_id=region_id, zone_id=zone_id)

    def bucket_classes(self, provider_type: str, *, region_id: str | None) -> list[Offer]:
        """A GiB of each class of object storage, the cheapest first."""
        return self.by_family(provider_type, BUCKET, STORAGE_GIB, region_id=region_id)

    def bucket_price(
        self, provider_type: str, component: str, *, family: str, region_id: str | None
    ) -> Offer | None:
        """What a class asks for REQUESTS (one) or RETRIEVAL_GIB or TRAFFIC_GIB; None where no price is stated."""
        return self.price_of(provider_type, BUCKET, component, family=family, region_id=region_id)

    def snapshot_price(
        self, provider_type: str, *, family: str | None, region_id: str | None, zone_id: str | None = None
    ) -> Offer | None:
        """A GiB of a snapshot of a disk class."""
        return self.price_of(
            provider_type, SNAPSHOT, STORAGE_GIB, family=family, region_id=region_id, zone_id=zone_id
        )

    def ip_price(self, provider_type: str, *, region_id: str | None) -> Offer | None:
        """One public address a month."""
        return self.price_of(provider_type, FLOATING_IP, PUBLIC_IP, region_id=region_id)

    def traffic_price(self, provider_type: str, *, region_id: str | None) -> Offer | None:
        """A GiB to the internet."""
        return self.price_of(provider_type, NETWORK, TRAFFIC_GIB, region_id=region_id)

    def terms(self, offer: Offer) -> list[Offer]:
        """The same for paying ahead, the shortest term first."""
        found = (
            each
            for each in self.offers(offer.provider_type, offer.resource_type)
            if each.term_months > 0
            and (each.component, each.family, each.currency)
            == (offer.component, offer.family, offer.currency)
            and (each.vcpus, each.memory_mib, each.storage_gib)
            == (offer.vcpus, offer.memory_mib, offer.storage_gib)
            and (each.cpu_share, each.is_preemptible) == (offer.cpu_share, offer.is_preemptible)
            and each.holds_in(offer.region_id or None, offer.zone_id or None)
        )
        return sorted(found, key=lambda each: (each.term_months, each.monthly))


def most_fitting(offers: Iterable[Offer], *, zone_id: str | None = None) -> Offer | None:
    """Of offers that all hold: the one that names the zone, else the region, before one for everywhere; then the cheapest."""

    def rank(offer: Offer) -> tuple[bool, bool, Decimal, str]:
        return (
            not (zone_id and offer.zone_id == zone_id),
            not offer.region_id,
            offer.monthly,
            offer.sku_id,
        )

    return min(offers, key=rank, default=None)
