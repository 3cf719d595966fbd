"""The demo's rules of recommendations, set as its FinOps person would have done before they were first asked."""

from __future__ import annotations

from accounts.models import Organization, User
from accounts.services import DEMO_EMAIL
from infrazen.demo.plan import Plan
from recommendations.engine.registry import all_rules
from recommendations.models import RuleSetting
from recommendations.queries import is_evaluated
from recommendations.settings_services import set_rule


def set_rules(organization: Organization, plan: Plan) -> None:
    """Say of the plan's rules what it says of them, unless somebody said something already or they were asked before.

    What a person changes afterwards stays, be it that a rule is as it came again.
    """
    if is_evaluated(organization):
        return
    by = User.objects.filter(email=DEMO_EMAIL).first()
    settings = RuleSetting.objects.filter(organization=organization, connection=None, tag_key="")
    known = set(settings.values_list("rule_id", flat=True))
    for rule_id, said in plan.advice.items():
        if rule_id not in known:
            set_rule(
                rule=all_rules()[rule_id],
                organization=organization,
                is_enabled=said.get("is_enabled"),
                options={name: value for name, value in said.items() if name != "is_enabled"},
                by=by,
            )
