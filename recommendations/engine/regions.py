"""The same thing at the same provider in another region: what it costs by list there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.databases import DATABASE, current_database_quote, database_quotes
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import SERVER, VOLUME, Offer
from recommendations.engine.rates import Paid, paid
from recommendations.engine.sizes import (
    Quote,
    current_quote,
    disk_family_of,
    quotes,
    volume_quote,
    zone_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What something costs by list in one place, a month, its disks with it. `zone_id` is "" where there is none."""

    region_id: str
    zone_id: str
    monthly: Decimal
    currency: str
    offers: tuple[Offer, ...]
    is_interpolated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What it is now: its list price here, and what is really paid for exactly that."""

    listed: Listed
    paid: Paid
    quote: Quote | None
    disks: tuple[ResourceFacts, ...]


def disks_of(facts: ResourceFacts) -> tuple[ResourceFacts, ...]:
    """Volumes of their own that move with a server."""
    return tuple(each for each in facts.components if each.resource_type == VOLUME)


def standing(facts: ResourceFacts) -> Standing | None:
    """None where the list or the cost of any part of it is not known."""
    quote, disks = _quote_here(facts), disks_of(facts)
    if quote is None and facts.resource_type != VOLUME:
        return None
    listed = _with_disks(facts, quote, facts.region_id, zone_of(facts))
    costs = [paid(facts, quote), *(paid(each) for each in disks)]
    known = [each for each in costs if each is not None]
    if listed is None or len(known) < len(costs) or {each.currency for each in known} != {listed.currency}:
        return None
    whole = Paid(
        monthly=sum((each.monthly for each in known), Decimal(0)),
        full_days=min(each.full_days for each in known),
        currency=listed.currency,
    )
    return Standing(listed=listed, paid=whole, quote=quote, disks=disks)


def elsewhere(facts: ResourceFacts, now: Standing) -> list[Listed]:
    """The same in each other region that the account can use, the cheapest first."""
    found = [
        listed
        for region_id in other_regions(facts)
        for quote in _same_in(facts, now.quote, region_id)
        if (listed := _with_disks(facts, quote, region_id, None)) is not None
        and listed.currency == now.listed.currency
    ]
    return sorted(found, key=lambda each: (each.monthly, each.region_id, each.zone_id))


def other_regions(facts: ResourceFacts) -> list[str]:
    connection = facts.connection
    known = {
        offer.region_id for offer in connection.prices.offers(connection.provider_type, facts.resource_type)
    }
    usable = known if connection.region_ids is None else known & connection.region_ids
    return sorted(usable - {"", facts.region_id})


def _quote_here(facts: ResourceFacts) -> Quote | None:
    if facts.resource_type == SERVER:
        return current_quote(facts)
    return current_database_quote(facts) if facts.resource_type == DATABASE else None


def _same_in(facts: ResourceFacts, now: Quote | None, region_id: str) -> Iterator[Quote | None]:
    """The same line and size in the region; None stands for a volume, which is its disk alone."""
    if now is None:
        yield None
        return
    if facts.resource_type == DATABASE:
        found = database_quotes(
            facts, now.provider_type, vcpus=now.vcpus, memory_mib=now.memory_mib, region_id=region_id
        )
    else:
        found = quotes(
            facts.connection.prices,
            now.provider_type,
            vcpus=now.vcpus,
            memory_mib=now.memory_mib,
            storage_gib=now.storage_gib,
            region_id=region_id,
            family=now.family,
        )
    for quote in found:
        is_same = (quote.vcpus, quote.memory_mib, quote.storage_gib) == (
            now.vcpus,
            now.memory_mib,
            now.storage_gib,
        )
        if is_same and (quote.cpu_share, quote.is_preemptible) == (now.cpu_share, now.is_preemptible):
            yield quote


def _with_disks(
    facts: ResourceFacts, quote: Quote | None, region_id: str, zone_id: str | None
) -> Listed | None:
    """The quote and its disks of the same classes there; None where one of them has no price there."""
    disks = (facts,) if facts.resource_type == VOLUME else disks_of(facts)
    zone_id = (quote.zone_id if quote else zone_id) or None
    total = quote.monthly if quote else Decimal(0)
    offers = list(quote.offers) if quote else []
    for disk in disks:
        family = disk_family_of(disk)
        if family is None or disk.storage_gib is None:
            return None
        price = volume_quote(
            facts.connection.prices,
            facts.connection.provider_type,
            region_id=region_id,
            family=family,
            size_gib=disk.storage_gib,
            zone_id=zone_id,
        )
        if price is None:
            return None
        total += price.monthly
        offers.append(price.offer)
    if len({offer.currency for offer in offers}) != 1:
        return None
    return Listed(
        region_id=region_id,
        zone_id=zone_id or "",
        monthly=total,
        currency=offers[0].currency,
        offers=tuple(offers),
        is_interpolated=bool(quote and quote.is_interpolated),
    )
