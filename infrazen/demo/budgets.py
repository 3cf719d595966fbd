"""The demo's budgets, set as a person would have done for the first whole month of its history."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Organization
from costs.budgets.models import Budget
from costs.budgets.services import create_budget
from infrazen.demo.plan import ZONE, Plan
from providers.models import ProviderConnection

ACTUAL_THRESHOLDS, FORECAST_THRESHOLDS = [80, 100], [95, 100]


def set_budgets(organization: Organization, plan: Plan, *, since: datetime, now: datetime) -> None:
    """Make the budgets that are missing; one whose connection the plan leaves out is left out, too."""
    begun = since.astimezone(ZONE).date().replace(day=1)
    first_date = (begun + timedelta(days=31)).replace(day=1)
    if first_date > now.astimezone(ZONE).date():
        first_date = begun
    known = {budget.name: budget for budget in Budget.objects.of(organization)}
    pks = dict(ProviderConnection.objects.of(organization).values_list("connection_name", "pk"))
    for wanted in plan.budgets:
        names = wanted.get("connections", [])
        if wanted["name"] in known or not set(names) <= set(pks):
            continue
        known[wanted["name"]] = create_budget(
            organization=organization,
            fields={
                "name": wanted["name"],
                "amount": Decimal(wanted["amount"]),
                "period": "month",
                "first_date": first_date,
                "last_date": None,
                "rolls_over": False,
                "actual_thresholds": ACTUAL_THRESHOLDS,
                "forecast_thresholds": FORECAST_THRESHOLDS,
                "parent": known.get(wanted.get("parent", "")),
                "scope": "&".join(f"connection={pks[name]}" for name in names),
            },
            now=now,
        )
