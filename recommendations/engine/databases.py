"""What managed databases are made of, and what they cost by list in other sizes. Pure.

A provider sells databases as whole sizes (tariffs) or by parts: a vCPU, a GiB of memory and of the disk. A cluster's size
is that of all its hosts together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from recommendations.engine.assembly import Quote, from_parts, of_whole
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import MEMORY_GIB, STORAGE_GIB, VCPU, Offer

DATABASE = "database"
HOST_KEYS = ("node_count", "host_count", "hosts", "nodes", "instances")
REPLICA_KEYS = ("replica_count", "replicas")
LIMIT_CONNECTIONS = "connections"
"""Name in `Offer.plan_limits`: how many connections a tariff takes."""


def host_count(facts: ResourceFacts) -> int | None:
    """Hosts that it runs on, the main one among them; None where the provider tells nothing."""
    for key in HOST_KEYS:
        if (count := _count(facts.configuration.get(key))) is not None:
            return count
    for key in REPLICA_KEYS:
        if (count := _count(facts.configuration.get(key))) is not None:
            return count + 1
    return None


def current_database_quote(facts: ResourceFacts) -> Quote | None:
    """What the database is now, by list, where it is: None where the catalogue does not have exactly that."""
    if facts.vcpus is None or facts.memory_mib is None:
        return None
    wanted = (facts.vcpus, facts.memory_mib, facts.storage_gib)
    found = (
        quote
        for quote in database_quotes(
            facts,
            facts.connection.provider_type,
            vcpus=facts.vcpus,
            memory_mib=facts.memory_mib,
            region_id=facts.region_id,
        )
        if (quote.vcpus, quote.memory_mib, quote.storage_gib) == wanted
    )
    return next(found, None)


def database_quotes(
    facts: ResourceFacts, provider_type: str, *, vcpus: Decimal, memory_mib: int, region_id: str | None
) -> Iterator[Quote]:
    """Databases of its engine with its disk and at least so much else, the cheapest first; of parts exactly so much."""
    offers = [
        offer
        for offer in facts.connection.prices.matching(provider_type, DATABASE, region_id=region_id)
        if offer.engine in ("", facts.engine)
    ]
    found = [
        *_whole(offers, facts, vcpus, memory_mib),
        *_of_parts(offers, facts, vcpus, memory_mib, region_id),
    ]
    yield from sorted(found, key=lambda each: (each.monthly, each.region_id, each.name))


def _whole(offers: Iterable[Offer], facts: ResourceFacts, vcpus: Decimal, memory_mib: int) -> Iterator[Quote]:
    hosts = host_count(facts) or 1
    if hosts > 1:
        return  # whether a tariff is a host's or the cluster's no list tells
    for offer in offers:
        if offer.component or offer.vcpus is None or offer.memory_mib is None:
            continue
        if offer.vcpus < vcpus or offer.memory_mib < memory_mib:
            continue
        if offer.storage_gib is None or offer.storage_gib < (facts.storage_gib or 0):
            continue
        yield of_whole(offer, offer.vcpus, offer.memory_mib, offer.storage_gib, offer.region_id)


def _of_parts(
    offers: Sequence[Offer], facts: ResourceFacts, vcpus: Decimal, memory_mib: int, region_id: str | None
) -> Iterator[Quote]:
    """Processor and memory of one line and place, and a disk there: of its own type where the list names that."""
    by_place: dict[tuple[str, str, str], dict[str, Offer]] = {}
    for offer in offers:
        if offer.component in (VCPU, MEMORY_GIB):
            parts = by_place.setdefault((offer.region_id, offer.zone_id, offer.family), {})
            kept = parts.get(offer.component)
            if kept is None or offer.monthly < kept.monthly:
                parts[offer.component] = offer
    for (region, zone, _family), parts in by_place.items():
        disk = _disk(offers, facts, region, zone)
        if VCPU not in parts or MEMORY_GIB not in parts or (facts.storage_gib and disk is None):
            continue
        quote = from_parts(
            vcpu=parts[VCPU],
            memory=parts[MEMORY_GIB],
            disk=disk if facts.storage_gib else None,
            vcpus=vcpus,
            memory_mib=memory_mib,
            storage_gib=facts.storage_gib,
            region_id=region or region_id or "",
            zone_id=zone,
            is_interpolated=False,
        )
        if quote is not None:
            yield quote


def _disk(offers: Iterable[Offer], facts: ResourceFacts, region: str, zone: str) -> Offer | None:
    kind = str(facts.configuration.get("disk_type") or "")
    found = [
        offer
        for offer in offers
        if offer.component == STORAGE_GIB and offer.holds_in(region or None, zone or None)
    ]
    named = [offer for offer in found if kind and offer.family == kind]
    return min(named or found, key=lambda each: (each.monthly, each.sku_id), default=None)


def connection_limit(quote: Quote) -> Decimal | None:
    """How many connections the size takes; None where the provider does not tell."""
    limits = [
        each.plan_limits[LIMIT_CONNECTIONS] for each in quote.offers if LIMIT_CONNECTIONS in each.plan_limits
    ]
    return min(limits, default=None)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return int(value)
    return len(value) if isinstance(value, list | tuple) and value else None
