"""What people are told about budgets and balances; see `accounts.notifications`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.notifications import kinds
from accounts.notifications.services import notify
from costs.queries import Runway
from providers.models import ProviderConnection

if TYPE_CHECKING:  # models are loaded after the app that registers the kinds
    from costs.budgets.models import BudgetAlert, BudgetPeriod


def _budget(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "cost": Decimal(data["cost"]),
        "limit": Decimal(data["limit"]),
        "first_date": date.fromisoformat(data["first_date"]),
        "last_date": date.fromisoformat(data["last_date"]),
        "breach_date": date.fromisoformat(data["breach_date"]) if data["breach_date"] else None,
    }


def _runway(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "balance": Decimal(data["balance"]),
        "top_up": Decimal(data["top_up"]),
        "until": date.fromisoformat(data["until"]),
    }


BUDGET_PASSED = kinds.Kind(
    code="budget.passed", label=_("A budget passed a threshold, or will"), enrich=_budget
)
BALANCE_LOW = kinds.Kind(code="balance.low", label=_("A prepaid balance runs out"), enrich=_runway)
KINDS = (BUDGET_PASSED, BALANCE_LOW)


def budget_passed(*, alert: BudgetAlert, period: BudgetPeriod, now: datetime) -> None:
    """Said once for each alert; one that is made anew for the same period and threshold is no news."""
    budget = period.budget
    notify(
        BUDGET_PASSED.code,
        organization=budget.organization,
        key=f"{budget.pk}-{alert.first_date}-{alert.basis}-{alert.percent}",
        data={
            "budget": budget.name,
            "basis": alert.basis,
            "percent": alert.percent,
            "cost": str(alert.cost),
            "limit": str(alert.limit),
            "first_date": period.first_date.isoformat(),
            "last_date": period.last_date.isoformat(),
            "breach_date": period.breach_date.isoformat() if period.breach_date else "",
        },
        path=reverse("budgets:budget_detail", args=[budget.pk]),
        now=now,
    )


def balance_low(*, connection: ProviderConnection, runway: Runway, threshold: int, now: datetime) -> None:
    notify(
        BALANCE_LOW.code,
        organization=connection.organization,
        key=f"{connection.pk}-{threshold}-{now:%Y-%m-%d}",
        data={
            "connection": connection.connection_name,
            "days": runway.days,
            "until": runway.until.isoformat(),
            "balance": str(runway.balance),
            "currency": runway.currency,
            "top_up": str(runway.top_up),
        },
        path=f"{reverse('connections')}#connection-{connection.pk}",
        now=now,
    )
