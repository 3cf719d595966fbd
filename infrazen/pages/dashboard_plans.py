"""What the dashboard says of the month to come: its forecast, the budgets, and what cost more than expected."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Organization
from common import formatting
from common.templatetags.formatting import rub_round
from costs.anomalies import queries as anomalies
from costs.anomalies import wording
from costs.budgets import presentation
from costs.budgets import queries as budgets
from costs.explorer.queries import today_of
from costs.queries import RunRate

SHOWN_BUDGETS = 3
SHOWN_ANOMALIES = 3
WORST_FIRST = ("error", "warning")


def forecast_cell(organization: Organization, run_rate: RunRate, now: datetime) -> dict[str, Any] | None:
    """The key figure: what the running month will come to, the run rate beside it; three queries.

    None where too little is known for a forecast.
    """
    month = budgets.month_forecast(organization, now)
    if month is None:
        return None
    cell: dict[str, Any] = {
        "label": _("Forecast of this month"),
        "wide": True,
        "figure": rub_round(month.amount),
        "url": reverse("budgets:forecast"),
        "url_label": _("Forecast"),
    }
    if run_rate.monthly is not None and run_rate.daily is not None:
        text = _("Run rate: %(amount)s").replace("%(amount)s", "{}")
        amount = formatting.rounded_money(run_rate.monthly) + pgettext("after an amount", "/mo")
        cell["note"] = format_html(text, format_html("<strong>{}</strong>", amount))
        cell["note_more"] = _("%(amount)s a day, if nothing changes") % {
            "amount": formatting.money(run_rate.daily)
        }
    return cell


def budget_rows(organization: Organization, now: datetime) -> dict[str, Any]:
    """The budgets that run, those in danger first. Two queries."""
    branches = budgets.tree(organization, today_of(organization, now))
    rows = [presentation.row(branch) for branch in branches if branch.period is not None]
    order = {level: place for place, level in enumerate(WORST_FIRST)}
    rows.sort(key=lambda row: (order.get(row["level"], len(order)), row["branch"].depth))
    return {"budgets": rows[:SHOWN_BUDGETS], "budget_count": len(branches)}


def anomaly_rows(organization: Organization, first: date, last: date) -> list[dict[str, Any]]:
    """The dearest jumps of the period that nobody has accepted. One query."""
    rows = anomalies.unaccepted(anomalies.anomalies(organization)).filter(
        last_date__gte=first, first_date__lte=last
    )
    return [
        {"anomaly": anomaly, "title": wording.title(anomaly), "summary": wording.summary(anomaly)}
        for anomaly in rows[:SHOWN_ANOMALIES]
    ]
