"""List prices of servers and disks of any size, from whole sizes or from parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import Offer, PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one size costs by list, a month. `parts` are (English word, monthly amount) and add up to `monthly`.

    `is_interpolated`: put together from unit prices of another size, not sold under exactly this name.
    """

    provider_type: str
    region_id: str
    zone_id: str
    family: str
    name: str
    vcpus: Decimal
    memory_mib: int
    storage_gib: Decimal | None
    cpu_share: int
    monthly: Decimal
    currency: str
    parts: tuple[tuple[str, Decimal], ...]
    is_interpolated: bool
    offers: tuple[Offer, ...]


def current_quote(facts: ResourceFacts) -> Quote | None:
    """What the server is now, by list, where it is: None where the catalogue does not have it."""
    raise NotImplementedError


def quotes(
    book: PriceBook,
    provider_type: str,
    *,
    vcpus: Decimal,
    memory_mib: int,
    storage_gib: Decimal | None = None,
    disk_family: str | None = None,
    region_id: str | None = None,
    zone_id: str | None = None,
    family: str | None = None,
) -> Iterator[Quote]:
    """Sizes of at least that much that are sold there, the cheapest first; of parts exactly that much."""
    raise NotImplementedError
