"""List prices of servers and disks of any size, from whole sizes or from parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from recommendations.engine.assembly import (
    MIB_IN_GIB,
    Quote,
    from_parts,
    interpolated,
    of_whole,
    with_disk,
)
from recommendations.engine.facts import DAYS_IN_MONTH, BilledPart, ResourceFacts
from recommendations.engine.pricing import (
    MEMORY_GIB,
    RETRIEVAL_GIB,
    SERVER,
    STORAGE_GIB,
    TRAFFIC_GIB,
    VCPU,
    VOLUME,
    Offer,
    PriceBook,
)

__all__ = [
    "Quote",
    "VolumeQuote",
    "current_quote",
    "disk_family_of",
    "list_price_of",
    "quotes",
    "volume_quote",
    "zone_of",
]

COUNTED_IN_GIB = frozenset({MEMORY_GIB, STORAGE_GIB, TRAFFIC_GIB, RETRIEVAL_GIB})
GIB_IN_UNIT = {"MB": 1 / MIB_IN_GIB, "MiB": 1 / MIB_IN_GIB, "GB": Decimal(1), "GiB": Decimal(1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeQuote:
    """What a disk of `size_gib` costs by list, a month."""

    offer: Offer
    size_gib: Decimal
    monthly: Decimal
    currency: str


# ---- what there is now ----------------------------------------------------------------------------------------


def current_quote(facts: ResourceFacts) -> Quote | None:
    """What the server is now, by list, where it is: None where the catalogue does not have it.

    Its line is told by what it is billed for (`facts.parts`), else by its tariff or flavour, else by its group and size.
    Volumes of their own are not part of it; a disk that is sold with the server is.
    """
    if facts.vcpus is None or facts.memory_mib is None:
        return None
    return _billed_quote(facts) or _tariff_quote(facts)


def zone_of(facts: ResourceFacts) -> str | None:
    """The provider's zone, None where it has none or tells none."""
    return str(facts.configuration.get("availability_zone") or "") or None


def list_price_of(facts: ResourceFacts, part: BilledPart) -> Decimal | None:
    """What the list asks today for one of the part's own unit, a month; for use for one unit of it.

    None where the list does not have it or counts it in another unit.
    """
    offer = _offer_of(facts, part)
    factor = None if offer is None else _unit_factor(part, offer)
    return None if offer is None or factor is None else offer.monthly * factor


def _billed_quote(facts: ResourceFacts) -> Quote | None:
    """From the offers that its billed lines name."""
    found: dict[str, tuple[BilledPart, Offer]] = {}
    for part in facts.parts:
        offer = _offer_of(facts, part)
        if offer is not None and offer.resource_type == SERVER:
            found.setdefault(offer.component, (part, offer))
    if VCPU not in found or MEMORY_GIB not in found:
        return None
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    disk = found.get(STORAGE_GIB)
    quote = from_parts(
        vcpu=found[VCPU][1],
        memory=found[MEMORY_GIB][1],
        disk=disk[1] if disk else None,
        vcpus=facts.vcpus,
        memory_mib=facts.memory_mib,
        storage_gib=disk[0].quantity if disk else None,
        region_id=facts.region_id,
        zone_id=zone_of(facts) or "",
        is_interpolated=False,
    )
    if quote is None:
        return None
    billed = sum((part.day_cost for part, _offer in found.values()), Decimal(0)) * DAYS_IN_MONTH
    return replace(quote, billed_monthly=billed)


def _offer_of(facts: ResourceFacts, part: BilledPart) -> Offer | None:
    return facts.connection.prices.billed_as(
        facts.connection.provider_type,
        part.sku_id,
        region_id=facts.region_id or None,
        zone_id=zone_of(facts),
    )


def _unit_factor(part: BilledPart, offer: Offer) -> Decimal | None:
    """How many of the offer's component one of the part's unit is: a MB is 1/1024 of a GiB."""
    unit = part.unit.removesuffix("-Hours").removesuffix("*H")
    if offer.component in COUNTED_IN_GIB:
        return GIB_IN_UNIT.get(unit)
    return None if unit in GIB_IN_UNIT else Decimal(1)


def _tariff_quote(facts: ResourceFacts) -> Quote | None:
    """From whole sizes, or from the parts of the only line that there is."""
    book, provider = facts.connection.prices, facts.connection.provider_type
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    group = str(facts.configuration.get("group") or "")
    named = {str(facts.configuration.get(key) or "") for key in ("configuration_id", "flavor")} - {""}
    here = [
        offer
        for offer in book.matching(
            provider, SERVER, component="", region_id=facts.region_id or None, zone_id=zone_of(facts)
        )
        if not group or offer.family == group
    ]
    for offer in here:
        if offer.billing_sku_id in named and _is_size(offer, facts):
            return of_whole(offer, facts.vcpus, facts.memory_mib, facts.storage_gib, facts.region_id)
    for offer in here:
        if _is_size(offer, facts) and offer.vcpus is not None:
            return of_whole(offer, facts.vcpus, facts.memory_mib, facts.storage_gib, facts.region_id)
    families = {offer.family for offer in here}
    if len(families) == 1:
        return interpolated(here, facts.vcpus, facts.memory_mib, facts.storage_gib, region_id=facts.region_id)
    places = list(_places(book, provider, facts.region_id or None, zone_of(facts), group or None))
    if here or len({place.family for place in places}) != 1:
        return None
    return _quote_of_parts(book, places[0], facts.vcpus, facts.memory_mib, region_id=facts.region_id or None)


def _is_size(offer: Offer, facts: ResourceFacts) -> bool:
    """Whether a whole size is the server's; a flavour whose size no list tells is told by its name alone."""
    return offer.vcpus is None or (
        (offer.vcpus, offer.memory_mib) == (facts.vcpus, facts.memory_mib)
        and (offer.storage_gib is None or facts.storage_gib in (None, offer.storage_gib))
    )


# ---- what could be instead ------------------------------------------------------------------------------------


def quotes(
    book: PriceBook,
    provider_type: str,
    *,
    vcpus: Decimal,
    memory_mib: int,
    storage_gib: Decimal | None = None,
    disk_family: str | None = None,
    disk_class: str | None = None,
    region_id: str | None = None,
    zone_id: str | None = None,
    family: str | None = None,
    least_cpu_share: int | None = None,
    with_preemptible: bool = False,
) -> Iterator[Quote]:
    """Sizes of at least that much that are sold there, the cheapest first; of parts exactly that much.

    What is None does not matter. Interruptible servers are left out unless `with_preemptible` or `family` names them,
    and so are shares of a vCPU below `least_cpu_share`: without it the family's own, or 100 where no family is named.
    `storage_gib` is the disk that must come with it: in a whole size, or as a volume of `disk_family`, else of the
    cheapest family of `disk_class`, else of the cheapest. Whole sizes state a class themselves; one that states none
    passes. A size that no tariff has is put together from unit prices where the family is sold in free sizes.
    """
    share = least_cpu_share if least_cpu_share is not None else (0 if family is not None else 100)
    needed = _Needed(
        vcpus, memory_mib, storage_gib, disk_family, disk_class, share, with_preemptible or family is not None
    )
    found = [
        *_whole_quotes(book, provider_type, needed, region_id, zone_id, family),
        *_part_quotes(book, provider_type, needed, region_id, zone_id, family),
    ]
    yield from sorted(
        found,
        key=lambda each: (
            each.monthly,
            each.is_interpolated,
            each.region_id,
            each.zone_id,
            each.family,
            each.name,
        ),
    )


def volume_quote(
    book: PriceBook,
    provider_type: str,
    *,
    region_id: str | None,
    family: str,
    size_gib: Decimal,
    zone_id: str | None = None,
) -> VolumeQuote | None:
    """A disk of a class by list; None where no price of the class is known there."""
    offer = book.price_of(
        provider_type, VOLUME, STORAGE_GIB, family=family, region_id=region_id, zone_id=zone_id
    )
    if offer is None:
        return None
    return VolumeQuote(
        offer=offer, size_gib=size_gib, monthly=offer.monthly * size_gib, currency=offer.currency
    )


def disk_family_of(facts: ResourceFacts) -> str | None:
    """The class of a volume as the catalogue names it: from its billed part, else from its volume type."""
    for part in facts.parts:
        offer = _offer_of(facts, part)
        if offer is not None and offer.resource_type == VOLUME and offer.component == STORAGE_GIB:
            return offer.family
    kind = str(facts.configuration.get("volume_type") or "")
    families = {
        offer.family
        for offer in facts.connection.prices.offers(facts.connection.provider_type, VOLUME)
        if offer.component == STORAGE_GIB
    }
    return next((name for name in (kind, kind.split(".")[0]) if name in families), None)


@dataclass(frozen=True, slots=True)
class _Needed:
    vcpus: Decimal
    memory_mib: int
    storage_gib: Decimal | None
    disk_family: str | None
    disk_class: str | None
    cpu_share: int
    with_preemptible: bool

    def takes(self, offer: Offer) -> bool:
        return offer.cpu_share >= self.cpu_share and (self.with_preemptible or not offer.is_preemptible)


def _whole_quotes(
    book: PriceBook,
    provider_type: str,
    needed: _Needed,
    region_id: str | None,
    zone_id: str | None,
    family: str | None,
) -> Iterator[Quote]:
    by_place: dict[tuple[str, str, str, bool], list[Offer]] = {}
    for offer in book.matching(
        provider_type, SERVER, component="", family=family, region_id=region_id, zone_id=zone_id
    ):
        if needed.takes(offer) and (needed.disk_class is None or offer.disk_class in ("", needed.disk_class)):
            place = (offer.region_id, offer.zone_id, offer.family, offer.is_preemptible)
            by_place.setdefault(place, []).append(offer)
    for offers in by_place.values():
        is_exact = False
        for offer in offers:
            if offer.vcpus is None or offer.memory_mib is None or not _is_enough(offer, needed):
                continue
            quote = of_whole(
                offer, offer.vcpus, offer.memory_mib, offer.storage_gib, offer.region_id or region_id or ""
            )
            if offer.storage_gib is None and needed.storage_gib is not None:
                disk = _disk_at(book, offer, region_id, needed)
                if disk is None or disk.currency != offer.currency:
                    continue
                quote = with_disk(quote, disk, needed.storage_gib)
            is_exact = is_exact or _is_exactly(offer, needed)
            yield quote
        if not is_exact and any(offer.is_configurable for offer in offers):
            between = interpolated(offers, needed.vcpus, needed.memory_mib, needed.storage_gib)
            if between is not None:
                yield between


def _is_enough(offer: Offer, needed: _Needed) -> bool:
    assert offer.vcpus is not None
    assert offer.memory_mib is not None
    return (
        offer.vcpus >= needed.vcpus
        and offer.memory_mib >= needed.memory_mib
        and (offer.storage_gib is None or offer.storage_gib >= (needed.storage_gib or 0))
    )


def _is_exactly(offer: Offer, needed: _Needed) -> bool:
    return (offer.vcpus, offer.memory_mib) == (needed.vcpus, needed.memory_mib) and (
        None in (needed.storage_gib, offer.storage_gib) or offer.storage_gib == needed.storage_gib
    )


def _part_quotes(
    book: PriceBook,
    provider_type: str,
    needed: _Needed,
    region_id: str | None,
    zone_id: str | None,
    family: str | None,
) -> Iterator[Quote]:
    for place in _places(book, provider_type, region_id, zone_id, family):
        if needed.takes(place):
            quote = _quote_of_parts(
                book, place, needed.vcpus, needed.memory_mib, region_id=region_id, needed=needed
            )
            if quote is not None:
                yield quote


def _places(
    book: PriceBook, provider_type: str, region_id: str | None, zone_id: str | None, family: str | None
) -> Iterator[Offer]:
    """The price of a vCPU in each place and family: what it names is where a server would stand."""
    yield from book.matching(
        provider_type, SERVER, component=VCPU, family=family, region_id=region_id, zone_id=zone_id
    )


def _quote_of_parts(
    book: PriceBook,
    vcpu: Offer,
    vcpus: Decimal,
    memory_mib: int,
    *,
    region_id: str | None,
    needed: _Needed | None = None,
) -> Quote | None:
    """A server of the line and place of `vcpu`; None where a part of it has no price."""
    place = {"region_id": vcpu.region_id or region_id, "zone_id": vcpu.zone_id or None}
    memory = book.price_of(vcpu.provider_type, SERVER, MEMORY_GIB, family=vcpu.family, **place)
    if memory is None:
        return None
    disk = None
    storage_gib = needed.storage_gib if needed else None
    if needed is not None and storage_gib is not None:
        disk = _disk_at(book, vcpu, region_id, needed)
        if disk is None:
            return None
    return from_parts(
        vcpu=vcpu,
        memory=memory,
        disk=disk,
        vcpus=vcpus,
        memory_mib=memory_mib,
        storage_gib=storage_gib,
        region_id=vcpu.region_id or region_id or "",
        zone_id=vcpu.zone_id,
        is_interpolated=False,
    )


def _disk_at(book: PriceBook, server: Offer, region_id: str | None, needed: _Needed) -> Offer | None:
    """The cheapest disk that will do, where the server stands."""
    classes = book.disk_families(
        server.provider_type, region_id=server.region_id or region_id, zone_id=server.zone_id or None
    )
    return next((each for each in classes if _is_disk(each, needed)), None)


def _is_disk(offer: Offer, needed: _Needed) -> bool:
    if needed.disk_family is not None:
        return offer.family == needed.disk_family
    return needed.disk_class is None or offer.disk_class == needed.disk_class
