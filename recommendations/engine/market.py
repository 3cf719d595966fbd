"""The same server, database or bucket at another provider: comparable sizes with their whole price and how well they match.

Like for like means: as many vCPU of at least the same guaranteed share, as much memory, as large a disk of the same class or
its neighbour (a hard disk never stands in for a solid one), a public address where there is one, value added tax in the
price. What a target lacks, or does not tell, costs it a part of its score. Sizes below the present one are no candidates:
shrinking is another advice. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from recommendations.engine.databases import DATABASE, database_quotes
from recommendations.engine.facts import DAYS_IN_MONTH, ResourceFacts
from recommendations.engine.pricing import (
    BUCKET,
    FLOATING_IP,
    HDD,
    NVME,
    REQUESTS,
    SERVER,
    SSD,
    STANDARD,
    STORAGE_GIB,
    TRAFFIC_GIB,
    VOLUME,
    Offer,
)
from recommendations.engine.rates import Paid, paid
from recommendations.engine.regions import Standing, disks_of
from recommendations.engine.sizes import Quote, quotes

WEIGHTS = {"disk": Decimal("0.2"), "traffic": Decimal("0.1")}
"""Of the score; processor and memory (0.35 each) are never short."""
NOT_TOLD = Decimal("0.5")
"""How short something counts that the target does not tell."""
ANOTHER_CLASS = Decimal("0.5")
FITTING_CLASSES = {HDD: (HDD, SSD, NVME), SSD: (SSD, NVME), NVME: (NVME, SSD), "": (SSD, NVME)}
SECONDS_IN_MONTH = DAYS_IN_MONTH * 86400
GIB = Decimal(1024**3)
USE_DAYS = 14
PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What must be there elsewhere. `cost` is what is paid for exactly that; `traffic_gib` goes out a month.

    `disk_class` is "" where it is not known; `is_known` tells whether the present specification is known altogether.
    `address_count` are public addresses, the cost of which (`address_cost`) is in `cost`.
    """

    cost: Paid
    storage_gib: Decimal
    disk_class: str
    cpu_share: int
    traffic_gib: Decimal | None
    requests: Decimal | None
    address_count: int
    address_cost: Decimal
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One target: `monthly` is the whole price with tax, `score` 0 to 1.

    Where no price of a public address is known (`is_address_priced`), it counts as what it costs now.
    """

    provider_type: str
    region_id: str
    zone_id: str
    name: str
    monthly: Decimal
    currency: str
    score: Decimal
    offers: tuple[Offer, ...]
    disk_class: str
    is_address_priced: bool = True


def wanted(facts: ResourceFacts, now: Standing | None) -> Wanted | None:
    """None where its size or its cost is not known."""
    disks = disks_of(facts) if facts.resource_type == SERVER else ()
    addresses = [each for each in facts.components if each.resource_type == FLOATING_IP]
    own = [paid(facts, now.quote if now else None), *(paid(each) for each in disks)]
    spent_on_addresses = [paid(each) for each in addresses]
    costs = [*own, *spent_on_addresses]
    known = [each for each in costs if each is not None]
    if len(known) < len(costs) or len({each.currency for each in known}) != 1:
        return None
    storage = _storage(facts, disks)
    if storage is None:
        return None
    classes = {_class_of(offer) for offer in (now.listed.offers if now else ()) if _has_disk(offer)}
    disk_class = classes.pop() if len(classes) == 1 else _best(classes)
    return Wanted(
        cost=Paid(
            monthly=sum((each.monthly for each in known), Decimal(0)),
            full_days=min(each.full_days for each in known),
            currency=known[0].currency,
        ),
        storage_gib=storage,
        disk_class=disk_class,
        cpu_share=now.quote.cpu_share if now and now.quote else 100,
        traffic_gib=_a_month(facts, "network_tx", GIB),
        requests=_a_month(facts, "request_rate", Decimal(1)),
        address_count=len(addresses),
        address_cost=sum((each.monthly for each in spent_on_addresses if each is not None), Decimal(0)),
        is_known=_is_known(facts, now, disk_class),
    )


def _is_known(facts: ResourceFacts, now: Standing | None, disk_class: str) -> bool:
    if facts.resource_type == BUCKET:
        return {"network_tx", "request_rate"} <= set(facts.series)
    return now is not None and (bool(disk_class) or facts.resource_type == DATABASE)


def candidates(
    facts: ResourceFacts, want: Wanted, provider_types: Sequence[str], *, tax_percent: Decimal
) -> list[Candidate]:
    """All that would do at these providers, the cheapest first."""
    found: dict[tuple[str, ...], Candidate] = {}
    for provider in provider_types:
        for each in _at(facts, want, provider):
            priced = _whole_price(facts, want, each, tax_percent)
            key = (each.provider_type, each.region_id, each.zone_id, each.name, each.disk_class)
            if key not in found or priced.monthly < found[key].monthly:
                found[key] = priced
    return sorted(
        found.values(), key=lambda each: (each.monthly, each.provider_type, each.region_id, each.name)
    )


def _at(facts: ResourceFacts, want: Wanted, provider: str) -> Iterator[Candidate]:
    if facts.resource_type == BUCKET:
        yield from _buckets(facts, want, provider)
        return
    if facts.vcpus is None or facts.memory_mib is None:
        return
    if facts.resource_type == DATABASE:
        for quote in database_quotes(
            facts, provider, vcpus=facts.vcpus, memory_mib=facts.memory_mib, region_id=None
        ):
            yield _candidate(quote, "", want)
        return
    for disk_class in FITTING_CLASSES[want.disk_class]:
        for quote in quotes(
            facts.connection.prices,
            provider,
            vcpus=facts.vcpus,
            memory_mib=facts.memory_mib,
            storage_gib=want.storage_gib,
            disk_class=disk_class,
            least_cpu_share=want.cpu_share,
        ):
            told = next((_class_of(offer) for offer in quote.offers if _has_disk(offer)), "")
            yield _candidate(quote, told, want)


def _candidate(quote: Quote, disk_class: str, want: Wanted) -> Candidate:
    if not disk_class:
        short = NOT_TOLD
    else:
        is_less = want.disk_class == NVME and disk_class == SSD
        short = ANOTHER_CLASS if is_less else Decimal(0)
    return Candidate(
        provider_type=quote.provider_type,
        region_id=quote.region_id,
        zone_id=quote.zone_id,
        name=quote.name,
        monthly=quote.monthly,
        currency=quote.currency,
        score=1 - WEIGHTS["disk"] * short,
        offers=quote.offers,
        disk_class=disk_class,
    )


def _buckets(facts: ResourceFacts, want: Wanted, provider: str) -> Iterator[Candidate]:
    """By the class that it has now; what is asked for requests is added where it is known how many there are."""
    book = facts.connection.prices
    family = str(facts.configuration.get("storage_class") or STANDARD)
    for offer in book.matching(provider, BUCKET, component=STORAGE_GIB):
        if offer.family not in ("", family):
            continue
        monthly = offer.monthly * want.storage_gib
        asked = book.bucket_price(provider, REQUESTS, family=offer.family, region_id=offer.region_id or None)
        if asked is not None and want.requests is not None and asked.currency == offer.currency:
            monthly += asked.monthly * want.requests
        yield Candidate(
            provider_type=provider,
            region_id=offer.region_id,
            zone_id=offer.zone_id,
            name=offer.name,
            monthly=monthly,
            currency=offer.currency,
            score=Decimal(1),
            offers=(offer,),
            disk_class="",
        )


def _whole_price(facts: ResourceFacts, want: Wanted, each: Candidate, tax_percent: Decimal) -> Candidate:
    """With traffic, addresses and tax."""
    book, region = facts.connection.prices, each.region_id or None
    monthly, score, spent, is_address_priced = each.monthly, each.score, Decimal(0), True
    if want.traffic_gib:
        included = next(
            (o.included_traffic_gib for o in each.offers if o.included_traffic_gib is not None), None
        )
        over = max(Decimal(0), want.traffic_gib - (included or 0))
        price = (
            book.bucket_price(each.provider_type, TRAFFIC_GIB, family=each.offers[0].family, region_id=region)
            if facts.resource_type == BUCKET
            else None
        ) or book.traffic_price(each.provider_type, region_id=region)
        if price is not None and price.currency == each.currency:
            monthly += over * price.monthly
        elif included is None:
            score -= WEIGHTS["traffic"] * NOT_TOLD
        else:
            score -= WEIGHTS["traffic"] * over / want.traffic_gib
    if want.address_count and not any(offer.includes_ip for offer in each.offers):
        address = book.ip_price(each.provider_type, region_id=region)
        is_address_priced = address is not None and address.currency == each.currency
        if address is not None and is_address_priced:
            monthly += address.monthly * want.address_count
        spent = Decimal(0) if is_address_priced else want.address_cost
    if any(offer.includes_tax is False for offer in each.offers):
        monthly *= 1 + tax_percent / PERCENT
    return replace(each, monthly=monthly + spent, score=score, is_address_priced=is_address_priced)


def _storage(facts: ResourceFacts, disks: Sequence[ResourceFacts]) -> Decimal | None:
    """All disks together; what a bucket holds."""
    if facts.resource_type == BUCKET:
        held = facts.usage("disk_used_gib", USE_DAYS, since_resize=False)
        return None if held is None else Decimal(str(held.maximum))
    sizes = [each.storage_gib for each in disks]
    if any(size is None for size in sizes):
        return None
    return (facts.storage_gib or Decimal(0)) + sum((size for size in sizes if size is not None), Decimal(0))


def _has_disk(offer: Offer) -> bool:
    if offer.resource_type == VOLUME:
        return offer.component == STORAGE_GIB
    return offer.component == STORAGE_GIB or (not offer.component and offer.storage_gib is not None)


def _class_of(offer: Offer) -> str:
    return offer.disk_class if offer.disk_class in FITTING_CLASSES else ""


def _best(classes: set[str]) -> str:
    """The fastest of several; "" where one is not known."""
    if not classes or "" in classes:
        return ""
    return max(classes, key=(HDD, SSD, NVME).index)


def _a_month(facts: ResourceFacts, metric: str, unit: Decimal) -> Decimal | None:
    """A rate a second as an amount a month; None where it is not measured."""
    measured = facts.usage(metric, USE_DAYS, since_resize=False)
    return None if measured is None else Decimal(str(measured.average)) * SECONDS_IN_MONTH / unit
