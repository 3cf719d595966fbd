"""What a resource is paid for now, to be held against list prices. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.assembly import Quote
from recommendations.engine.calculations import kopecks
from recommendations.engine.contract import money
from recommendations.engine.facts import ResourceFacts

COST_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What is paid a month for the size that there is now, as the last `full_days` days show it."""

    monthly: Decimal
    full_days: int
    currency: str


def paid(facts: ResourceFacts, quote: Quote | None = None) -> Paid | None:
    """The cost since the size last changed, of two weeks at most; None where no full day of it is known.

    Where lines are billed, what exactly the quoted parts are billed: traffic or a licence has no part in it.
    """
    days = COST_DAYS
    if facts.resized_at is not None:
        days = min(days, facts.days_since(facts.resized_at))
    cost = facts.cost(days) if days > 0 else None
    if cost is None:
        return None
    monthly = quote.billed_monthly if quote is not None and quote.billed_monthly is not None else cost.monthly
    return Paid(monthly=monthly, full_days=cost.full_days, currency=cost.currency)


def shown(amount: Decimal, currency: str = "RUB") -> dict[str, str]:
    """An amount in a text, to the kopeck."""
    return money(kopecks(amount), currency)
