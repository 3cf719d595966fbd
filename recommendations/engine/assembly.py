"""Quotes put together: from parts, from whole sizes, from the unit prices that explain whole sizes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from django.utils.translation import gettext_noop as _

from recommendations.engine.pricing import Offer

MIB_IN_GIB = Decimal(1024)
UNIT_PRICE_DIGITS = Decimal("0.000001")
LARGEST_MISFIT = Fraction(1, 20)
"""A family whose tariffs lie further from a sum of unit prices than this part of themselves is not interpolated."""

CPU_PART = _("vCPU")
MEMORY_PART = _("memory")
DISK_PART = _("disk")
WHOLE_PART = _("server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one size costs by list, a month. `parts` are (English word, monthly amount) and add up to `monthly`.

    `is_interpolated`: put together from unit prices of another size, not sold under exactly this name.
    `billed_monthly`, of a quote of what is there now: what exactly the quoted parts are really billed, a month; None
    where the provider bills no lines. It, and not the whole cost, stands beside `monthly`: traffic or a licence billed
    with a server gets no cheaper with its size.
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
    is_preemptible: bool = False
    billed_monthly: Decimal | None = None


def from_parts(
    *,
    vcpu: Offer,
    memory: Offer,
    disk: Offer | None,
    vcpus: Decimal,
    memory_mib: int,
    storage_gib: Decimal | None,
    region_id: str,
    zone_id: str,
    is_interpolated: bool,
) -> Quote | None:
    """None where the parts are priced in several currencies."""
    offers = tuple(offer for offer in (vcpu, memory, disk) if offer is not None)
    if len({offer.currency for offer in offers}) != 1:
        return None
    parts = [(CPU_PART, vcpu.monthly * vcpus), (MEMORY_PART, memory.monthly * memory_mib / MIB_IN_GIB)]
    if disk is not None and storage_gib is not None:
        parts.append((DISK_PART, disk.monthly * storage_gib))
    return Quote(
        provider_type=vcpu.provider_type,
        region_id=region_id,
        zone_id=zone_id,
        family=vcpu.family,
        name=vcpu.family,
        vcpus=vcpus,
        memory_mib=memory_mib,
        storage_gib=storage_gib,
        cpu_share=vcpu.cpu_share,
        monthly=sum((amount for _word, amount in parts), Decimal(0)),
        currency=vcpu.currency,
        parts=tuple(parts),
        is_interpolated=is_interpolated,
        offers=offers,
        is_preemptible=vcpu.is_preemptible,
    )


def of_whole(
    offer: Offer, vcpus: Decimal, memory_mib: int, storage_gib: Decimal | None, region_id: str
) -> Quote:
    return Quote(
        provider_type=offer.provider_type,
        region_id=offer.region_id or region_id,
        zone_id=offer.zone_id,
        family=offer.family,
        name=offer.name,
        vcpus=vcpus,
        memory_mib=memory_mib,
        storage_gib=storage_gib,
        cpu_share=offer.cpu_share,
        monthly=offer.monthly,
        currency=offer.currency,
        parts=((WHOLE_PART, offer.monthly),),
        is_interpolated=False,
        offers=(offer,),
        is_preemptible=offer.is_preemptible,
    )


def with_disk(quote: Quote, disk: Offer, size_gib: Decimal) -> Quote:
    """The same with a volume beside it, in the same currency."""
    price = disk.monthly * size_gib
    return replace(
        quote,
        storage_gib=size_gib,
        monthly=quote.monthly + price,
        parts=(*quote.parts, (DISK_PART, price)),
        offers=(*quote.offers, disk),
    )


def interpolated(
    offers: Sequence[Offer],
    vcpus: Decimal,
    memory_mib: int,
    storage_gib: Decimal | None,
    *,
    region_id: str = "",
) -> Quote | None:
    """A size between the tariffs of one family and place, from the unit prices that explain them."""
    known = [offer for offer in offers if offer.vcpus is not None and offer.memory_mib is not None]
    if not known or len({offer.currency for offer in known}) != 1:
        return None
    with_disk = all(offer.storage_gib is not None for offer in known)
    if with_disk and storage_gib is None:
        return None
    unit_prices = _unit_prices(known, with_disk=with_disk)
    if unit_prices is None:
        return None
    amounts = [vcpus, Decimal(memory_mib) / MIB_IN_GIB, *([storage_gib] if with_disk and storage_gib else [])]
    words = (CPU_PART, MEMORY_PART, DISK_PART)
    parts = tuple(
        (word, price * amount) for word, price, amount in zip(words, unit_prices, amounts, strict=False)
    )
    example = min(known, key=lambda each: each.sku_id)
    return Quote(
        provider_type=example.provider_type,
        region_id=example.region_id or region_id,
        zone_id=example.zone_id,
        family=example.family,
        name=example.family,
        vcpus=vcpus,
        memory_mib=memory_mib,
        storage_gib=storage_gib,
        cpu_share=min(offer.cpu_share for offer in known),
        monthly=sum((amount for _word, amount in parts), Decimal(0)),
        currency=example.currency,
        parts=parts,
        is_interpolated=True,
        offers=tuple(known),
        is_preemptible=example.is_preemptible,
    )


def _unit_prices(offers: Iterable[Offer], *, with_disk: bool) -> tuple[Decimal, ...] | None:
    """What a vCPU, a GiB of memory and of disk cost by the tariffs: exact for a list that is a sum of them.

    None where the tariffs are too few or too alike to tell the parts, or no sum of parts explains them.
    """
    sizes = []
    for offer in offers:
        amounts = (offer.vcpus, Decimal(offer.memory_mib or 0) / MIB_IN_GIB, offer.storage_gib)
        sizes.append((*(amount or Decimal(0) for amount in amounts[: 3 if with_disk else 2]), offer.monthly))
    return _fitted(tuple(sizes))


@lru_cache(maxsize=1024)
def _fitted(sizes: tuple[tuple[Decimal, ...], ...]) -> tuple[Decimal, ...] | None:
    """By least squares over rows of amounts and their price; kept, because every server is held against the same tariffs."""
    rows = [[Fraction(amount) for amount in size[:-1]] for size in sizes]
    totals = [Fraction(size[-1]) for size in sizes]
    size = len(rows[0])
    normal = [
        [sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(size)]
        + [sum((row[i] * total for row, total in zip(rows, totals, strict=True)), Fraction(0))]
        for i in range(size)
    ]
    solved = _solved(normal)
    if solved is None or any(price < 0 for price in solved):
        return None
    for row, total in zip(rows, totals, strict=True):
        explained = sum((price * amount for price, amount in zip(solved, row, strict=True)), Fraction(0))
        if abs(explained - total) > total * LARGEST_MISFIT:
            return None
    return tuple(
        (Decimal(price.numerator) / Decimal(price.denominator)).quantize(UNIT_PRICE_DIGITS)
        for price in solved
    )


def _solved(equations: list[list[Fraction]]) -> list[Fraction] | None:
    """Gauss and Jordan; None where the equations do not decide."""
    size = len(equations)
    for column in range(size):
        pivot = next((row for row in range(column, size) if equations[row][column]), None)
        if pivot is None:
            return None
        equations[column], equations[pivot] = equations[pivot], equations[column]
        head = equations[column][column]
        equations[column] = [value / head for value in equations[column]]
        for row in range(size):
            if row != column and equations[row][column]:
                factor = equations[row][column]
                equations[row] = [
                    value - factor * first
                    for value, first in zip(equations[row], equations[column], strict=True)
                ]
    return [row[size] for row in equations]
