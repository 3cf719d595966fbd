"""Paid at more than today's list: an old tariff, a lost discount, a wrong plan.

Each SKU is held against its own list price; where the provider bills no lines, the resource's tariff against its own. What
the list does not have under exactly that name and place is not compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    Finding,
    NotMatched,
    Option,
    Options,
    Prices,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    percent,
)
from recommendations.engine.facts import DAYS_IN_MONTH, BilledPart, ResourceFacts
from recommendations.engine.pricing import Offer
from recommendations.engine.rates import paid, shown
from recommendations.engine.sizes import list_price_of, zone_of

PERCENT = Decimal(100)
KOPECK = Decimal("0.01")
NAMES = ("configuration_id", "flavor")


@dataclass(frozen=True, slots=True)
class Compared:
    """One SKU: what is paid for it a month, and what the list asks, tax included."""

    name: str
    paid: Decimal
    listed: Decimal
    offer: Offer


class PriceDrift(Rule):
    id = "rate.price_drift"
    title = gettext_lazy("Dearer than today's list")
    description = gettext_lazy(
        "For at least %(days)s days its price has been at least %(minimum_percent)s %% above what the list asks for the same "
        "today."
    )
    category = Category.RATE
    applies_to = frozenset(
        {
            "server",
            "dedicated_server",
            "database",
            "volume",
            "snapshot",
            "image",
            "backup",
            "file_storage",
            "s3_bucket",
            "load_balancer",
            "floating_ip",
            "router",
            "network",
            "kubernetes_cluster",
            "container_registry",
        }
    )
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days in a row above the list"),
            default=7,
            unit=gettext_lazy("days"),
            minimum=1,
            maximum=30,
            help_text=gettext_lazy(
                "A list that was read longer ago is not compared: prices may have changed since."
            ),
        ),
        Option(
            name="minimum_percent",
            label=gettext_lazy("Least difference to the list"),
            default=Decimal(3),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="tax_percent",
            label=gettext_lazy("Tax added to prices without it"),
            default=Decimal(22),
            unit="%",
            minimum=0,
            maximum=50,
        ),
        Option(
            name="minimum_saving_percent",
            label=gettext_lazy("… and smallest part of the cost"),
            default=Decimal(2),
            unit="%",
            minimum=0,
            maximum=100,
        ),
    )
    needs = (Cost(days="days"), Prices())
    base_confidence = Decimal("0.7")
    effort = Effort.MINUTES
    risk = Risk.NONE

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        compared = _compared(facts, options["tax_percent"])
        if not compared:
            return Skip(
                SkipReason.NO_PRICE, Text(_("The list has nothing under the name that it is billed by."))
            )
        days = int(options["days"])
        oldest = facts.connection.now - timedelta(days=days)
        if min(each.offer.read_at for each in compared) < oldest:
            return Skip(SkipReason.STALE, Text(_("The list was read longer ago than the days looked at.")))
        dearer = [each for each in compared if _excess(each) >= options["minimum_percent"]]
        if not dearer:
            most = max(_excess(each) for each in compared)
            return NotMatched(
                Text(
                    _("Its price is %(difference)s above the list; %(limit)s is asked for."),
                    {"difference": percent(most), "limit": percent(options["minimum_percent"])},
                )
            )
        if not _has_lasted(facts, sum((each.paid for each in compared), Decimal(0)), days):
            return NotMatched(
                Text(_("It has not been as dear on each of the last %(days)d days."), {"days": days})
            )
        return self._finding(facts, dearer, days)

    def _finding(self, facts: ResourceFacts, dearer: list[Compared], days: int) -> Answer:
        cost = paid(facts)
        if cost is None:
            return Skip(SkipReason.NO_COST)
        now = sum((each.paid for each in dearer), Decimal(0))
        listed = sum((each.listed for each in dearer), Decimal(0))
        saving, currency = now - listed, cost.currency
        shown_facts: dict[str, Value] = {
            _("Paid a month"): shown(now, currency),
            _("The same by today's list"): shown(listed, currency),
            _("Above the list"): percent((now / listed - 1) * PERCENT),
            _("Days in a row"): days,
        }
        for each in dearer:
            shown_facts[each.name] = percent(_excess(each))
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown_facts,
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - saving,
            saving_monthly=saving,
            currency=currency,
            formula=Text(
                _("%(paid)s × (1 − %(list)s by list / %(paid)s) = %(saving)s"),
                {
                    "paid": shown(now, currency),
                    "list": shown(listed, currency),
                    "saving": shown(saving, currency),
                },
            ),
            steps=(
                Text(_("See whether the difference is a surcharge, an old tariff or a discount that ended.")),
                steps.ask_provider(facts),
                Text(
                    _("Or create “%(name)s” anew on the current tariff, once a copy of it is made."),
                    {"name": facts.name},
                ),
                steps.check_bill(),
            ),
            matters={"skus": sorted(each.offer.sku_id for each in dearer)},
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
            summary=Text(
                _("Ask %(provider)s for today's list price of “%(name)s”."),
                {"provider": facts.connection.provider_name, "name": facts.name},
            ),
        )


def _compared(facts: ResourceFacts, tax_percent: Decimal) -> list[Compared]:
    """Every SKU of it that the list has under the same name and place."""
    if facts.parts:
        found = [_part(facts, part, tax_percent) for part in facts.parts if not part.is_usage]
        return [each for each in found if each is not None]
    offer, cost = _tariff(facts), paid(facts)
    if offer is None or cost is None or cost.currency != offer.currency or offer.monthly <= 0:
        return []
    return [Compared(offer.name, cost.monthly, _taxed(offer, offer.monthly, tax_percent), offer)]


def _part(facts: ResourceFacts, part: BilledPart, tax_percent: Decimal) -> Compared | None:
    """None for what the list lacks, counts otherwise, or has in several zones of which its own is not known."""
    zone = zone_of(facts)
    offer = facts.connection.prices.billed_as(
        facts.connection.provider_type, part.sku_id, region_id=facts.region_id or None, zone_id=zone
    )
    price = list_price_of(facts, part)
    if offer is None or price is None or offer.currency != part.currency or (offer.zone_id and zone is None):
        return None
    listed = _taxed(offer, price * part.quantity, tax_percent)
    if listed <= 0:
        return None
    return Compared(part.description or part.sku_id, part.day_cost * DAYS_IN_MONTH, listed, offer)


def _tariff(facts: ResourceFacts) -> Offer | None:
    """The tariff that the provider names for it, of just its size."""
    named = {str(facts.configuration.get(key) or "") for key in NAMES} - {""}
    connection = facts.connection
    for offer in connection.prices.matching(
        connection.provider_type,
        facts.resource_type,
        component="",
        region_id=facts.region_id or None,
        zone_id=zone_of(facts),
    ):
        size = (offer.vcpus, offer.memory_mib, offer.storage_gib)
        if offer.billing_sku_id in named and size == (facts.vcpus, facts.memory_mib, facts.storage_gib):
            return offer
    return None


def _taxed(offer: Offer, amount: Decimal, tax_percent: Decimal) -> Decimal:
    return amount * (1 + tax_percent / PERCENT) if offer.includes_tax is False else amount


def _excess(each: Compared) -> Decimal:
    return (each.paid / each.listed - 1) * PERCENT


def _has_lasted(facts: ResourceFacts, paid_monthly: Decimal, days: int) -> bool:
    """Whether each of the last full days cost at least what these SKUs cost now."""
    if facts.cost_days is None:
        return False
    last = facts.cost_days[1]
    least = paid_monthly / DAYS_IN_MONTH - KOPECK
    return all(facts.daily_costs.get(last - timedelta(days=n), Decimal(0)) >= least for n in range(days))
