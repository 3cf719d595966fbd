"""Hosting plans: which one an account has, and what the cheaper ones allow. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.facts import ConnectionFacts, ResourceFacts
from recommendations.engine.pricing import Offer

ACCOUNT_PLAN = "account_plan"
YES = ("on", "yes", "true", "1")
FEATURES = ("SSH",)
"""Facts of an account that a plan may lack: `Offer.plan_limits` has 0 under the same name then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much of one limit is used, at most over thirty days where `is_highest`, else today."""

    name: str
    used: Decimal
    is_highest: bool


def uses(connection: ConnectionFacts) -> list[Use] | None:
    """Every limit of the account with its use; None where the use of one is not told or cannot be read."""
    found = []
    for limit in connection.account.get("limits") or ():
        if not limit.get("is_readable", True) or limit.get("used") is None:
            return None
        used = Decimal(str(limit["used"]))
        highest = (connection.highest_limits or {}).get(limit["name"])
        found.append(
            Use(
                name=limit["name"],
                used=used if highest is None else max(used, highest),
                is_highest=highest is not None,
            )
        )
    return found or None


def current_plan(facts: ResourceFacts) -> Offer | None:
    """The plan by list; an account's own resource bears its name."""
    wanted = {facts.name.casefold(), str(_access(facts.connection).get("Plan", "")).casefold()} - {""}
    found = (offer for offer in plans(facts) if offer.name.casefold() in wanted)
    return min(found, key=lambda each: (each.monthly, each.sku_id), default=None)


def plans(facts: ResourceFacts) -> Iterator[Offer]:
    return facts.connection.prices.matching(facts.connection.provider_type, ACCOUNT_PLAN, component="")


def is_paid_for_a_year(facts: ResourceFacts) -> bool:
    return str(_access(facts.connection).get("Plan paid for a year", "")).casefold() in YES


def lacks_features(offer: Offer, connection: ConnectionFacts) -> bool:
    """Whether the plan is known to lack something that the account has switched on."""
    has = _access(connection)
    return any(
        str(has.get(name, "")).casefold() in YES and offer.plan_limits.get(name) == 0 for name in FEATURES
    )


def _access(connection: ConnectionFacts) -> Mapping[str, str]:
    return (connection.account.get("facts") or {}).get("Access") or {}
