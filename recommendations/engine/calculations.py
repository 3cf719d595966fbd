"""What the rules calculate alike: confidence, projection, scaling list prices to the customer's own. Pure.

Amounts are unrounded here; a finding's are rounded to kopecks once, when it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

KOPECK = Decimal("0.01")
HUNDREDTH = Decimal("0.01")
FULL_COVERAGE = Decimal("0.9")
ENOUGH_DAYS = 7
FEW_DAYS = Decimal("0.7")
EXACT_PRICE = Decimal(1)
INTERPOLATED_PRICE = Decimal("0.8")
TARGET_PRICE_ONLY = Decimal("0.6")
PRODUCTION = Decimal("0.9")
DAYS_IN_MONTH = 30


def kopecks(amount: Decimal) -> Decimal:
    return amount.quantize(KOPECK)


def confidence(
    base: Decimal,
    *,
    coverage: float | None = None,
    price_factor: Decimal = EXACT_PRICE,
    observed_days: int | None = None,
    lookback_days: int | None = None,
    cost_days: int | None = None,
    factor: Decimal = Decimal(1),
) -> Decimal:
    """Base x coverage x price x age x few days of cost x what else the rule knows, two decimals."""
    value = base * price_factor * factor
    if coverage is not None:
        value *= min(Decimal(1), Decimal(str(coverage)) / FULL_COVERAGE)
    if observed_days is not None and lookback_days:
        value *= min(Decimal(1), Decimal(observed_days) / lookback_days)
    if cost_days is not None and cost_days < ENOUGH_DAYS:
        value *= FEW_DAYS
    return min(Decimal(1), value).quantize(HUNDREDTH)


def projected(observed: float, current_size: Decimal, target_size: Decimal) -> float:
    """Use in per cent of a smaller size, at most 100."""
    return min(100.0, observed * float(current_size / target_size))


@dataclass(frozen=True, slots=True)
class Saving:
    """What changing to a target saves a month, and how sure its price is (`price_factor`)."""

    saving: Decimal
    target: Decimal
    price_factor: Decimal


def scaled_saving(
    current_monthly: Decimal,
    *,
    list_current: Decimal | None,
    list_target: Decimal,
    is_interpolated: bool = False,
) -> Saving:
    """At the customer's own price: the target's list price stands in the proportion that the current one's does.

    Where the current list price is not known, the target's counts as it is.
    """
    if not list_current:
        return Saving(current_monthly - list_target, list_target, TARGET_PRICE_ONLY)
    target = current_monthly * list_target / list_current
    return Saving(current_monthly - target, target, INTERPOLATED_PRICE if is_interpolated else EXACT_PRICE)


def needed(size: Decimal, used_percent: float, limit_percent: Decimal) -> Decimal:
    """How much of `size` is needed, so that what is used now is `limit_percent` of it."""
    return size * Decimal(str(used_percent)) / limit_percent


def round_up(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step
