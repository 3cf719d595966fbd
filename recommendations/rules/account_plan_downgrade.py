"""A hosting plan of which so little is used that a cheaper one would do."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence, scaled_saving
from recommendations.engine.contract import (
    Age,
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
    number,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.plans import ACCOUNT_PLAN, Use, current_plan, lacks_features, plans, uses
from recommendations.engine.pricing import Offer
from recommendations.engine.rates import paid, shown

TODAY_ALONE = Decimal("0.7")
PERCENT = Decimal(100)


class PlanDowngrade(Rule):
    id = "account.plan_downgrade"
    title = gettext_lazy("Hosting plan larger than needed")
    description = gettext_lazy(
        "For %(days)s days no limit of the account (sites, databases, mailboxes, FTP, disk, domains) was used by more than "
        "%(limit)s %% of what a cheaper plan allows."
    )
    category = Category.RATE
    applies_to = frozenset({ACCOUNT_PLAN})
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days looked at"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
        Option(
            name="limit",
            label=gettext_lazy("Highest use of the cheaper plan's limits"),
            default=Decimal(80),
            unit="%",
            minimum=10,
            maximum=100,
        ),
        Option(
            name="minimum_saving_percent",
            label=gettext_lazy("… and smallest part of the cost"),
            default=Decimal(10),
            unit="%",
            minimum=0,
            maximum=100,
        ),
    )
    needs = (Age(days="days"), Cost(days=3), Prices())
    base_confidence = Decimal("0.8")
    effort = Effort.MINUTES
    risk = Risk.LOW

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        now, cost, used = current_plan(facts), paid(facts), uses(facts.connection)
        if now is None:
            return Skip(
                SkipReason.NO_PRICE, Text(_("The list has no plan “%(name)s”."), {"name": facts.name})
            )
        if used is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Not all limits of the account can be read.")))
        if cost is None:
            return Skip(SkipReason.NO_COST)
        cheaper = sorted(
            (each for each in plans(facts) if each.monthly < now.monthly and each.currency == cost.currency),
            key=lambda each: (each.monthly, each.name),
        )
        if not cheaper:
            return Skip(SkipReason.ALREADY_OPTIMAL)
        known = [each for each in cheaper if all(use.name in each.plan_limits for use in used)]
        if not known:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("What the cheaper plans allow is not known.")))
        fitting = [
            each
            for each in known
            if not lacks_features(each, facts.connection)
            and all(_share(use, each) <= options["limit"] for use in used)
        ]
        if not fitting:
            return NotMatched(
                Text(
                    _("Each cheaper plan would be used by more than %(limit)s %%."),
                    {"limit": number(options["limit"])},
                )
            )
        return self._finding(facts, now, fitting[0], used, min(cost.monthly, now.monthly), cost.full_days)

    def _finding(
        self,
        facts: ResourceFacts,
        now: Offer,
        target: Offer,
        used: list[Use],
        current: Decimal,
        full_days: int,
    ) -> Finding:
        saving = scaled_saving(current, list_current=now.monthly, list_target=target.monthly)
        currency = now.currency
        is_highest = all(each.is_highest for each in used)
        shown_facts: dict[str, Value] = {_("Plan now"): now.name, _("Cheaper plan"): target.name}
        for use in used:
            shown_facts[use.name] = f"{steps.plain(use.used)} / {steps.plain(target.plan_limits[use.name])}"
        shown_facts[_("List price of the cheaper plan")] = shown(target.monthly, currency)
        notes = [
            Text(_("Compare what else the plans differ in: SSH, versions of PHP, an address of one's own."))
        ]
        if not is_highest:
            notes.append(Text(_("How much was used is known as of today only.")))
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown_facts,
            current_monthly=current,
            target_monthly=saving.target,
            saving_monthly=saving.saving,
            currency=currency,
            formula=Text(
                _("%(current)s × (1 − %(target)s / %(list)s by list) = %(saving)s"),
                {
                    "current": shown(current, currency),
                    "target": shown(target.monthly, currency),
                    "list": shown(now.monthly, currency),
                    "saving": shown(saving.saving, currency),
                },
            ),
            steps=(
                Text(
                    _("See until when “%(plan)s” is paid: the change is free at its end."), {"plan": now.name}
                ),
                Text(
                    _("Compare the features of “%(plan)s” with what the sites need."), {"plan": target.name}
                ),
                Text(_("Change the plan to “%(plan)s” in the provider's panel."), {"plan": target.name}),
            ),
            matters={"from": now.sku_id, "to": target.sku_id},
            confidence=confidence(
                self.base_confidence,
                price_factor=saving.price_factor,
                cost_days=full_days,
                factor=Decimal(1) if is_highest else TODAY_ALONE,
            ),
            summary=Text(
                _("Change the plan “%(now)s” to “%(then)s”."), {"now": now.name, "then": target.name}
            ),
            notes=tuple(notes),
        )


def _share(use: Use, offer: Offer) -> Decimal:
    allowed = offer.plan_limits[use.name]
    if allowed <= 0:
        return Decimal(0) if use.used <= 0 else PERCENT * 10
    return use.used * PERCENT / allowed
