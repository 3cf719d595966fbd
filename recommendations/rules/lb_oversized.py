"""A load balancer whose plan allows far more requests than come."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup
from recommendations.engine.calculations import Saving, confidence, kopecks, scaled_saving
from recommendations.engine.contract import (
    Age,
    Answer,
    Category,
    Cost,
    Effort,
    Finding,
    Metric,
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
    money,
    number,
)
from recommendations.engine.facts import DAYS_IN_MONTH, BilledPart, ResourceFacts
from recommendations.engine.pricing import LIMIT_REQUESTS, LOAD_BALANCER, Offer
from recommendations.engine.sizes import zone_of

REQUESTS = "request_rate"


class LoadBalancerOversized(Rule):
    """Which plan it has is told by what it is billed for; a plan with another way of standing by is no target."""

    id = "lb.oversized"
    title = gettext_lazy("Load balancer plan is too large")
    description = gettext_lazy(
        "The cheapest plan of the same kind whose limit holds %(headroom)s times the highest number of requests a second of "
        "the last %(days)d days."
    )
    category = Category.RIGHTSIZING
    applies_to: ClassVar[frozenset[str]] = frozenset({LOAD_BALANCER})
    needs = (Age(days="days"), Cost(), Prices(), Metric(name=REQUESTS, days="days"))
    options = (
        Option(
            name="days",
            label=gettext_lazy("Look back"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
        Option(
            name="headroom",
            label=gettext_lazy("Times the peak that the plan must hold"),
            default=Decimal(2),
            minimum=1,
        ),
    )
    base_confidence = Decimal("0.75")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status != "running":
            return NotMatched(Text(_("It is not running.")))
        requests = facts.usage(REQUESTS, options["days"])
        assert requests is not None
        billed = _plan_of(facts)
        if billed is None:
            return Skip(SkipReason.NO_PRICE, Text(_("Which plan it has is not known by its bill.")))
        part, plan = billed
        limit = plan.plan_limits.get(LIMIT_REQUESTS)
        if limit is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("How many requests its plan allows is not known.")))
        peak = Decimal(str(requests.maximum))
        wanted = peak * options["headroom"]
        target = _cheapest(facts, plan, wanted, limit)
        if target is None:
            return Skip(
                SkipReason.ALREADY_OPTIMAL,
                Text(
                    _("No cheaper plan of its kind holds %(wanted)s requests a second."),
                    {"wanted": number(wanted)},
                ),
            )
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        saving = scaled_saving(
            part.day_cost * DAYS_IN_MONTH, list_current=plan.monthly, list_target=target.monthly
        )
        return Finding(
            resource_pks=(facts.pk,),
            facts=_shown(plan, target, requests.maximum, requests.average),
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - saving.saving,
            saving_monthly=saving.saving,
            currency=cost.currency,
            formula=_formula(saving, target, cost.currency),
            steps=_steps(target),
            matters={"from": plan.family, "to": target.family},
            confidence=confidence(
                self.base_confidence,
                coverage=requests.coverage,
                price_factor=saving.price_factor,
                observed_days=facts.observed_days,
                lookback_days=options["days"],
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Move “%(name)s” from the plan %(now)s to %(plan)s."),
                {"name": facts.name, "now": plan.family, "plan": target.family},
            ),
            notes=(
                Text(
                    _("Look at its connections and its traffic too: a smaller plan may limit those as well.")
                ),
            ),
            metrics=(REQUESTS,),
        )


def _plan_of(facts: ResourceFacts) -> tuple[BilledPart, Offer] | None:
    """What of its bill is the plan, and the offer that it names."""
    for part in facts.parts:
        offer = facts.connection.prices.billed_as(
            facts.connection.provider_type,
            part.sku_id,
            region_id=facts.region_id or None,
            zone_id=zone_of(facts),
        )
        if offer is not None and offer.resource_type == LOAD_BALANCER and part.currency == offer.currency:
            return part, offer
    return None


def _cheapest(facts: ResourceFacts, plan: Offer, wanted: Decimal, limit: Decimal) -> Offer | None:
    plans = facts.connection.prices.load_balancer_plans(
        facts.connection.provider_type, region_id=facts.region_id or None, zone_id=zone_of(facts)
    )
    return next(
        (
            each
            for each in plans
            if _kind(each) == _kind(plan)
            and each.currency == plan.currency
            and each.monthly < plan.monthly
            and wanted <= each.plan_limits.get(LIMIT_REQUESTS, Decimal(-1)) < limit
        ),
        None,
    )


def _kind(plan: Offer) -> str:
    """A plan's name without its size: `active_standby_xl` stands by, `single_s` does not."""
    return plan.family.rpartition("_")[0]


def _shown(plan: Offer, target: Offer, peak: float, average: float) -> dict[str, Value]:
    return {
        _("Plan now"): plan.family,
        _("Its limit, requests a second"): number(plan.plan_limits[LIMIT_REQUESTS]),
        _("Highest, requests a second"): number(peak),
        _("Mean, requests a second"): number(average),
        _("Plan that is enough"): target.family,
        _("Limit of that one, requests a second"): number(target.plan_limits[LIMIT_REQUESTS]),
    }


def _formula(saving: Saving, target: Offer, currency: str) -> Text:
    return Text(
        _("%(now)s − %(target)s for %(plan)s = %(saving)s"),
        {
            "now": money(kopecks(saving.saving + saving.target), currency),
            "target": money(kopecks(saving.target), currency),
            "plan": target.family,
            "saving": money(kopecks(saving.saving), currency),
        },
    )


def _steps(target: Offer) -> tuple[Text, ...]:
    return (
        Text(_("Agree on a time: connections may break while the plan changes.")),
        Text(
            _("Change its plan to %(plan)s; where that cannot be done, make a second balancer of that plan."),
            {"plan": target.family},
        ),
        Text(_("Move the address or the DNS record to it, and delete the old one a week later.")),
        Text(_("Watch its errors and its response times for a week.")),
    )
