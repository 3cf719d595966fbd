"""What a gibibyte of a resource costs its customer, and what rules about disks need to know of the server. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine import sizes
from recommendations.engine.calculations import EXACT_PRICE, TARGET_PRICE_ONLY
from recommendations.engine.cleanup import word_in
from recommendations.engine.facts import DAYS_IN_MONTH, CostSummary, ResourceFacts
from recommendations.engine.pricing import HDD, STORAGE_GIB, VOLUME, Offer

SIZE_UNITS = frozenset({"GB", "GiB"})
STORAGE_WORDS = ("gigabytes", "volume", "storage", "disk")
SOLID_WORDS = ("ssd", "nvme", "fast", "universal")
SOLD_BY_SIZE = frozenset({"volume", "file_storage"})
DATABASE_WORDS = (
    "postgres",
    "pg",
    "mysql",
    "mariadb",
    "mongo",
    "clickhouse",
    "mssql",
    "oracle",
    "redis",
    "elastic",
    "cassandra",
    "kafka",
    "db",
)
HIGH_AVAILABILITY_TAGS = ("ha", "high-availability")


@dataclass(frozen=True, slots=True)
class GibPrice:
    """What one GiB costs a month; `factor` says how sure that is."""

    monthly: Decimal
    factor: Decimal


def gib_price(facts: ResourceFacts, cost: CostSummary, size_gib: Decimal) -> GibPrice | None:
    """At the customer's own price: of what is billed by size, else of the whole, where nothing else is sold with it.

    Of what is sold as a whole (a database) only the list can tell.
    """
    billed = storage_monthly(facts)
    if billed is not None:
        return GibPrice(billed / size_gib, EXACT_PRICE)
    if facts.resource_type in SOLD_BY_SIZE:
        return GibPrice(cost.monthly / size_gib, EXACT_PRICE)
    offer = facts.connection.prices.price_of(
        facts.connection.provider_type,
        facts.resource_type,
        STORAGE_GIB,
        region_id=facts.region_id or None,
        zone_id=sizes.zone_of(facts),
    )
    if offer is None or offer.currency != cost.currency:
        return None
    return GibPrice(offer.monthly, TARGET_PRICE_ONLY)


def storage_monthly(facts: ResourceFacts) -> Decimal | None:
    """What its billed lines ask for its size alone, a month; None where no line does."""
    found = [
        part.day_cost
        for part in facts.parts
        if part.unit in SIZE_UNITS
        and not part.is_usage
        and any(word in part.sku_id.casefold() for word in STORAGE_WORDS)
    ]
    return sum(found, Decimal(0)) * DAYS_IN_MONTH if found else None


def holds_database(facts: ResourceFacts) -> bool:
    """Told by an engine, by software that was found, or by a word in a name: its own or its server's."""
    around = [facts] if facts.parent is None else [facts, facts.parent]
    return any(
        each.engine
        or each.resource_type == "database"
        or word_in(each.name, DATABASE_WORDS)
        or any(word_in(name, DATABASE_WORDS) for name in each.software)
        for each in around
    )


def is_boot(facts: ResourceFacts) -> bool:
    return facts.resource_type == VOLUME and (
        facts.configuration.get("is_bootable") is True or bool(facts.operating_system)
    )


def is_highly_available(facts: ResourceFacts) -> bool:
    nodes = facts.configuration.get("node_count")
    return (isinstance(nodes, int) and nodes > 1) or facts.has_tag(*HIGH_AVAILABILITY_TAGS)


def is_solid(offer: Offer) -> bool:
    """Whether the class is an SSD: by the catalogue, else by its name; what tells neither is taken for a slow disk."""
    if offer.disk_class:
        return offer.disk_class != HDD
    return any(word in offer.family.casefold() for word in SOLID_WORDS)
