"""Sharing an amount out, so that the parts add up to it exactly. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from costs.facts import QUANTUM

WEIGHT_QUANTUM = Decimal("0.000000000001")


def weights_of(measures: Sequence[Decimal]) -> list[Decimal]:
    """The measures as parts of the whole; all zero where there is nothing to go by."""
    whole = sum(measures, Decimal(0))
    return [(measure / whole).quantize(WEIGHT_QUANTUM) if whole > 0 else Decimal(0) for measure in measures]


def share_out(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Parts of `amount` at six decimals by weight; what rounding leaves goes to the largest remainders, first come first."""
    whole = sum(weights, Decimal(0))
    exact = [amount * weight / whole for weight in weights]
    parts = [part.quantize(QUANTUM, rounding=ROUND_DOWN) for part in exact]
    left = int((amount - sum(parts, Decimal(0))) / QUANTUM)
    step = QUANTUM if left > 0 else -QUANTUM
    by_remainder = sorted(range(len(parts)), key=lambda index: -abs(exact[index] - parts[index]))
    for index in by_remainder[: abs(left)]:
        parts[index] += step
    return parts
