"""Budgets and forecasts as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common import formatting
from costs.budgets.models import Budget, BudgetPeriod
from costs.budgets.queries import SHOWN_DAYS, Branch, Course, Outlook, ScopePart
from costs.explorer.filters import Filters
from costs.forecasting import Forecast, NotEnough
from costs.queries import ROUBLES

LEVELS = {"over": "error", "will": "warning", "fine": "success", "none": "off"}


def bar(period: BudgetPeriod) -> dict[str, Any]:
    """Variables of `_components/budget_bar.html`: shares of the longest of charged, forecast and limit."""
    whole = max(period.limit, period.actual_cost, period.forecast_cost or Decimal(0))
    forecast = period.forecast_cost
    return {
        "actual": period.actual_cost * 100 / whole,
        "forecast": None if forecast is None else forecast * 100 / whole,
        "limit": period.limit * 100 / whole,
        "over": period.is_exceeded or period.will_exceed,
        "label": _("%(actual)s charged, forecast %(forecast)s, budget %(limit)s")
        % {
            "actual": formatting.rounded_money(period.actual_cost),
            "forecast": formatting.rounded_money(forecast),
            "limit": formatting.rounded_money(period.limit),
        },
    }


def row(branch: Branch) -> dict[str, Any]:
    """Variables of `budgets/_row.html`, without the scope in words."""
    level, text = verdict(branch.period)
    return {
        "branch": branch,
        "budget": branch.budget,
        "period": branch.period,
        "bar": bar(branch.period) if branch.period else None,
        "level": level,
        "verdict": text,
    }


def verdict(period: BudgetPeriod | None) -> tuple[str, str]:
    """Level of the dot, and the sentence."""
    if period is None:
        return LEVELS["none"], _("Does not run now")
    if period.is_exceeded:
        text = _("Exceeded by %(amount)s")
        amount = -period.rest
    elif period.will_exceed:
        assert period.forecast_cost is not None
        text = _("The forecast exceeds it by %(amount)s")
        amount = period.forecast_cost - period.limit
    elif period.forecast_cost is None:
        return LEVELS["none"], _("Too little data for a forecast")
    else:
        text = _("%(amount)s will be left")
        amount = period.limit - period.forecast_cost
    level = LEVELS["over" if period.is_exceeded else "will" if period.will_exceed else "fine"]
    sentence = text % {"amount": formatting.rounded_money(amount)}
    if period.breach_date:
        day = formatting.long_date(period.breach_date, today=timezone.localdate())
        passed = _("passed on %(day)s") if period.is_exceeded else _("it is passed on %(day)s")
        sentence += ", " + passed % {"day": day}
    return level, sentence


def scope_words(parts: Sequence[ScopePart], filters: Filters) -> str:
    """`Connection: A, B; without Type: Server`; "all costs" without conditions."""
    texts = []
    for part in parts:
        text = f"{part.label}: {', '.join(part.values)}"
        texts.append(_("without %(condition)s") % {"condition": text} if part.is_excluded else text)
    if filters.name:
        texts.append(_("name contains “%(text)s”") % {"text": filters.name})
    return "; ".join(texts) or _("all costs")


def explorer_url(filters: Filters, first: date, last: date) -> str:
    query = urlencode([("period", f"{first}..{last}"), *filters.params()])
    return f"{reverse('explorer:explorer')}?{query}"


def forecast_url(filters: Filters) -> str:
    query = urlencode(filters.params())
    return reverse("budgets:forecast") + (f"?{query}" if query else "")


def course_chart(budget: Budget, course: Course) -> dict[str, Any]:
    """Plan, what was charged and the forecast, cumulated through the period."""
    columns = list(zip(*course.rows, strict=True))
    charged = [value for value in columns[2] if value is not None]
    return {
        "labels": [day.isoformat() for day in columns[0]],
        "series": [
            {"name": _("Charged"), "role": "average", "values": _texts(columns[2])},
            {"name": _("Forecast"), "role": "forecast", "values": _texts(columns[3])},
            {"name": _("Even plan"), "role": "maximum", "values": _texts(columns[1])},
        ],
        "threshold": {"value": f"{course.limit:f}", "text": _("Budget")},
        "currency": ROUBLES,
        "label": _("%(name)s: %(charged)s of %(limit)s charged from %(first)s to %(last)s")
        % {
            "name": budget.name,
            "charged": formatting.rounded_money(charged[-1] if charged else None),
            "limit": formatting.rounded_money(course.limit),
            "first": formatting.short_date(course.first, today=course.last),
            "last": formatting.short_date(course.last, today=course.last),
        },
    }


def outlook_chart(outlook: Outlook) -> dict[str, Any] | None:
    """The last weeks as charged and the days to come with their interval; None where too little is known."""
    found = outlook.found
    if isinstance(found, NotEnough):
        return None
    complete = outlook.series.complete
    past = sorted(complete)[-SHOWN_DAYS:]
    days = [*past, *(day.date for day in found.days)]
    last = complete[past[-1]]
    lead: list[Decimal | None] = [None] * (len(past) - 1)
    return {
        "labels": [day.isoformat() for day in days],
        "series": [
            {
                "name": _("At least"),
                "role": "low",
                "values": _texts([*lead, last, *(day.low for day in found.days)]),
            },
            {
                "name": _("At most"),
                "role": "high",
                "values": _texts([*lead, last, *(day.high for day in found.days)]),
            },
            {
                "name": _("Charged"),
                "role": "average",
                "values": _texts([*(complete[day] for day in past), *[None] * len(found.days)]),
            },
            {
                "name": _("Forecast"),
                "role": "forecast",
                "values": _texts([*lead, last, *(day.amount for day in found.days)]),
            },
        ],
        "currency": ROUBLES,
        "label": _("Cost a day from %(first)s to %(last)s, the last %(count)s of them as forecast")
        % {
            "first": formatting.short_date(days[0], today=outlook.today),
            "last": formatting.short_date(days[-1], today=outlook.today),
            "count": len(found.days),
        },
    }


def trend(found: Forecast) -> str:
    """What the costs grow by, in words."""
    monthly = found.daily_trend * 30
    if not round(monthly, 2):
        return _("no trend")
    return _("trend: %(amount)s a day more each month") % {"amount": formatting.signed_money(monthly)}


def missing_days(found: NotEnough) -> str:
    return ngettext(
        "A forecast needs %(needed)d complete days; %(count)d is known.",
        "A forecast needs %(needed)d complete days; %(count)d are known.",
        found.day_count,
    ) % {"needed": found.needed, "count": found.day_count}


def _texts(values: Sequence[Decimal | None]) -> list[str | None]:
    return [None if value is None else f"{value:.6f}" for value in values]
