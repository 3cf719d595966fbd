"""Cost that belongs to nobody."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from providers.contract.records import ResourceType
from recommendations.engine import cleanup
from recommendations.engine.calculations import confidence, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    Finding,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    money,
    term,
)
from recommendations.engine.facts import ResourceFacts

OWNER_TAGS = (
    "owner",
    "team",
    "business-unit",
    "business_unit",
    "department",
    "unit",
    "cost-center",
    "app",
    "project",
)
"""Tags whose value is worth proposing, the surest first."""


class HygieneNoOwner(Rule):
    """No saving: it shows the amount that nobody answers for, and what hints at whose it is."""

    id = "hygiene.no_owner"
    title = gettext_lazy("Cost without an owner")
    description = gettext_lazy(
        "A resource that with all that belongs to it costs at least %(least_monthly)s ₽ a month, and that has neither an "
        "owner nor a business unit after all rules."
    )
    category = Category.HYGIENE
    applies_to: ClassVar[frozenset[str]] = frozenset(each.value for each in ResourceType)
    needs = (Cost(),)
    options = (
        Option(
            name="least_monthly",
            label=gettext_lazy("Costs at least"),
            default=Decimal(1000),
            unit=gettext_lazy("₽ a month"),
            minimum=0,
        ),
    )
    base_confidence = Decimal("0.95")
    effort = Effort.MINUTES
    risk = Risk.NONE
    saves = False
    guards_off = frozenset({"scope", "part", "change", "standby"})

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.parent is not None:
            return Skip(SkipReason.PART_OF_SOMETHING)
        if facts.owner or facts.business_unit:
            return NotMatched(
                Text(_("It belongs to %(owner)s."), {"owner": facts.owner or facts.business_unit})
            )
        cost = facts.cost_with_components(cleanup.COST_DAYS)
        assert cost is not None
        if cost.currency == "RUB" and cost.monthly < options["least_monthly"]:
            return NotMatched(
                Text(
                    _("It costs %(cost)s a month; the limit is %(limit)s."),
                    {
                        "cost": money(kopecks(cost.monthly), cost.currency),
                        "limit": money(options["least_monthly"]),
                    },
                )
            )
        proposed, evidence = _proposal(facts)
        shown: dict[str, Value] = {_("Cost a month"): money(kopecks(cost.monthly), cost.currency)}
        if facts.sub_account_name or facts.sub_account_id:
            shown[_("Project")] = facts.sub_account_name or facts.sub_account_id
        if proposed:
            shown |= {_("Proposed owner"): proposed, _("Because of"): term(evidence)}
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown,
            current_monthly=cost.monthly,
            target_monthly=None,
            saving_monthly=None,
            currency=cost.currency,
            formula=cleanup.whole_cost_formula(cost),
            steps=(
                *(
                    (
                        Text(
                            _("Ask “%(proposed)s” whether “%(name)s” is theirs."),
                            {"proposed": proposed, "name": facts.name},
                        ),
                    )
                    if proposed
                    else (Text(_("Ask who uses “%(name)s”."), {"name": facts.name}),)
                ),
                Text(
                    _(
                        "Set the owner or the business unit, or make an allocation rule for such names or tags."
                    )
                ),
                Text(_("If nobody answers for it, stop it and wait.")),
            ),
            matters={"proposed": proposed, "type": facts.resource_type},
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
            summary=Text(_("Say whose “%(name)s” is."), {"name": facts.name}),
        )


def _proposal(facts: ResourceFacts) -> tuple[str, str]:
    """(who it may be, what hints at that); both "" where nothing does."""
    for key in OWNER_TAGS:
        if facts.tags.get(key):
            return facts.tags[key], _("its tags")
    for part in facts.components:
        if part.business_unit or part.owner:
            return part.business_unit or part.owner, _("what belongs to it")
    if facts.sub_account_name:
        return facts.sub_account_name, _("its project")
    return "", ""
