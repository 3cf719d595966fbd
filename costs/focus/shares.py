"""Charges that allocation rules share out, as FOCUS 1.3 tells them: one row for each part. Pure.

The part stands under the name that it was booked to, in place of the resource: `AllocatedResourceId` is what a cost is
allocated to. Parts add up to the charge at the file's ten decimals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs.focus.charges import EXACT, SCALE, Amounts, Dimensions, Values

METHOD = "InfraZen:AllocationRule"
"""One word for all ways of sharing out; docs/focus.md says what it stands for."""

COLUMN = "AllocatedResourceId"
"""A file that has it gets parts, one without it whole charges."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a fact is shared out to: the dimensions' pk, and the part of the whole."""

    dimensions_pk: int
    weight: Decimal


Build = Callable[[Dimensions, Amounts, Decimal], Values]
"""Makes the charge of these dimensions and amounts; the last is the part of the quantity, 1 = all."""


def shared_out(
    build: Build,
    whole: Dimensions,
    amounts: Amounts,
    parts: Sequence[tuple[Dimensions, Decimal]],
) -> Iterator[Values]:
    """The charge in parts of (dimensions, weight), or whole where there are none."""
    if not parts:
        yield build(whole, amounts, Decimal(1))
        return
    weights = [weight for _dimensions, weight in parts]
    for (dimensions, weight), share in zip(parts, split(amounts, weights), strict=True):
        yield build(dimensions, share, weight) | _allocated(whole, dimensions, weight)


def split(amounts: Amounts, weights: Sequence[Decimal]) -> list[Amounts]:
    """The amounts by weight; what rounding leaves goes to the heaviest part."""
    billed, effective, list_, contracted, billed_rub, effective_rub = (
        _split(amount, weights)
        for amount in (
            amounts.billed,
            amounts.effective,
            amounts.list,
            amounts.contracted,
            amounts.billed_rub,
            amounts.effective_rub,
        )
    )
    return [
        Amounts(
            billed=billed[place] or Decimal(0),
            effective=effective[place] or Decimal(0),
            list=list_[place] or Decimal(0),
            contracted=contracted[place] or Decimal(0),
            billed_rub=billed_rub[place],
            effective_rub=effective_rub[place],
            rate=amounts.rate,
        )
        for place in range(len(weights))
    ]


def _split(amount: Decimal | None, weights: Sequence[Decimal]) -> Sequence[Decimal | None]:
    if amount is None:
        return [None] * len(weights)
    whole, sum_of_weights = EXACT.quantize(amount, SCALE), sum(weights, Decimal(0))
    parts = [EXACT.quantize(EXACT.divide(whole * weight, sum_of_weights), SCALE) for weight in weights]
    parts[weights.index(max(weights))] += whole - sum(parts, Decimal(0))
    return parts


def _allocated(whole: Dimensions, part: Dimensions, weight: Decimal) -> Values:
    """The part has a name in the one dimension in which the whole has none."""
    dimension = next(
        (name for name, value in part.business.items() if value and not whole.business.get(name)), ""
    )
    details = {"Elements": [{"AllocatedRatio": float(weight)}], "x_Dimension": dimension}
    return {
        "AllocatedMethodId": METHOD,
        "AllocatedMethodDetails": json.dumps(details),
        "AllocatedResourceId": f"{dimension}:{part.business.get(dimension, '')}",
        "AllocatedResourceName": part.business.get(dimension) or None,
    }
