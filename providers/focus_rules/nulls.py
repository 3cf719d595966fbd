"""When a column must be null and when it must not: section by section from the specification's columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.focus_schema import COLUMNS

USAGE, PURCHASE, TAX, CREDIT = "Usage", "Purchase", "Tax", "Credit"

PAIRS = (
    ("RegionId", "RegionName"),
    ("ResourceId", "ResourceType"),
    ("SubAccountId", "SubAccountName"),
    ("SubAccountId", "SubAccountType"),
    ("PricingQuantity", "PricingUnit"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("CommitmentDiscountId", "CommitmentDiscountCategory"),
    ("CommitmentDiscountId", "CommitmentDiscountType"),
    ("CommitmentDiscountQuantity", "CommitmentDiscountUnit"),
)
"""Both are null or neither."""

NEEDS = (
    ("ResourceName", "ResourceId"),
    ("CapacityReservationStatus", "CapacityReservationId"),
    ("CommitmentDiscountName", "CommitmentDiscountId"),
    ("CommitmentDiscountStatus", "CommitmentDiscountId"),
    ("CommitmentDiscountQuantity", "CommitmentDiscountId"),
    ("SkuMeter", "SkuId"),
    ("SkuPriceDetails", "SkuPriceId"),
)
"""The first is null where the second is."""

PRICED = (
    "ListUnitPrice",
    "ContractedUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "SkuId",
    "SkuPriceId",
    "PricingCurrencyListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
)
"""Null for a tax, not null for usage and purchases that correct nothing."""

NEVER_NULL = (
    *(column.name for column in COLUMNS if not column.is_nullable),
    "PricingCurrency",
    "PricingCurrencyEffectiveCost",
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a row is, as far as rules of null ask."""

    category: str
    is_correction: bool
    is_unused: bool


Wanted = bool | None
"""True: not null, False: null, None: either."""


def _priced(at: Situation) -> Wanted:
    if at.category == TAX:
        return False
    return True if at.category in (USAGE, PURCHASE) and not at.is_correction else None


def _consumed(at: Situation) -> Wanted:
    if at.category != USAGE or at.is_unused:
        return False
    return None if at.is_correction else True


def _committed_quantity(at: Situation) -> Wanted:
    if at.category not in (USAGE, PURCHASE):
        return False
    return None if at.is_correction else True


def _status(at: Situation) -> Wanted:
    return True if at.category == USAGE else None


CONDITIONS: Mapping[str, Callable[[Situation], Wanted]] = {
    **dict.fromkeys(PRICED, _priced),
    "ConsumedQuantity": _consumed,
}
CONDITIONS_WITH: Mapping[str, tuple[str, Callable[[Situation], Wanted]]] = {
    "CommitmentDiscountQuantity": ("CommitmentDiscountId", _committed_quantity),
    "CommitmentDiscountStatus": ("CommitmentDiscountId", _status),
    "CapacityReservationStatus": ("CapacityReservationId", _status),
}
"""Column -> the column that must be there for its condition to hold."""


class NullRules:
    """The rules that a file with these columns can be held to."""

    def __init__(self, columns: Collection[str]) -> None:
        there = set(columns)
        self._never = tuple(name for name in NEVER_NULL if name in there)
        self._pairs = tuple(pair for pair in PAIRS if there.issuperset(pair))
        self._needs = tuple(pair for pair in NEEDS if there.issuperset(pair))
        self._conditions = tuple((name, rule) for name, rule in CONDITIONS.items() if name in there)
        self._conditions_with = tuple(
            (name, other, rule)
            for name, (other, rule) in CONDITIONS_WITH.items()
            if name in there and other in there
        )

    def broken(self, filled: Collection[str], row: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
        """(code, column, whether a value is missing) of every rule that the row breaks; `filled` are not null."""
        for name in self._never:
            if name not in filled:
                yield "null_not_allowed", name, True
        for one, other in self._pairs:
            if (one in filled) != (other in filled):
                yield "half_of_a_pair", other if one in filled else one, True
        for one, other in self._needs:
            if one in filled and other not in filled:
                yield "null_expected", one, False
        yield from self._conditions_broken(filled, row)

    def _conditions_broken(
        self, filled: Collection[str], row: Mapping[str, Any]
    ) -> Iterator[tuple[str, str, bool]]:
        at = Situation(
            category=row.get("ChargeCategory") or "",
            is_correction=row.get("ChargeClass") == "Correction",
            is_unused=row.get("CommitmentDiscountStatus") == "Unused",
        )
        applying = (
            *self._conditions,
            *((name, rule) for name, other, rule in self._conditions_with if other in filled),
        )
        for name, rule in applying:
            wanted = rule(at)
            if wanted is not None and wanted != (name in filled):
                yield ("value_expected" if wanted else "null_expected"), name, wanted
