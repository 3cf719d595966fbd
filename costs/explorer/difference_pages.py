"""The page that explains the difference between two periods, and its download."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, organization_required
from accounts.audit.services import record
from common import formatting
from costs.explorer import difference as differences
from costs.explorer.asked import asked_difference
from costs.explorer.cause_words import QUIET, TITLES, cause_note, cause_title, price_text
from costs.explorer.causes import UNEXPLAINED
from costs.explorer.difference import CauseSum, Difference
from costs.explorer.exports import BYTE_ORDER_MARK, csv_line
from costs.explorer.periods import Span
from costs.explorer.presentation import period_text
from costs.explorer.queries import today_of

SHOWN_EFFECTS = 20
CHART_WIDTH = Decimal(100)
MARGIN = Decimal("0.04")
"""Of the scale, left free on both sides of the waterfall."""


@organization_required
@require_safe
def difference(request: UserRequest) -> HttpResponse:
    """`before` and `after` are periods as the explorer writes them; the rest of the query are filters."""
    asked = asked_difference(dict(request.GET.lists()), today_of(request.organization, timezone.now()))
    found = differences.difference(request.organization, asked.before, asked.after, asked.filters)
    query = urlencode([("before", asked.before), ("after", asked.after), *asked.filters.params()])
    context = {
        "found": found,
        "problems": asked.problems,
        "before": period_text(found.before),
        "after": period_text(found.after),
        "hidden": asked.filters.params(),
        "filter_count": len(asked.filters.params()),
        "without_filters": f"?{urlencode([('before', asked.before), ('after', asked.after)])}",
        "csv_url": f"{reverse('explorer:difference_csv')}?{query}",
        "analytics_url": reverse("explorer:explorer")
        + "?"
        + urlencode([("period", asked.after), ("compare", asked.before), *asked.filters.params()]),
        **waterfall(found),
    }
    return render(request, "explorer/difference.html", context)


@organization_required
@require_safe
def difference_csv(request: UserRequest) -> StreamingHttpResponse:
    """Every effect on every resource."""
    asked = asked_difference(dict(request.GET.lists()), today_of(request.organization, timezone.now()))
    found = differences.difference(request.organization, asked.before, asked.after, asked.filters)
    record(
        "export.downloaded",
        organization=request.organization,
        details={"what": "difference.csv", "before": str(asked.before), "after": str(asked.after)},
    )
    response = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
    name = f"difference-{asked.before.first}-{asked.after.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def waterfall(found: Difference) -> dict[str, Any]:
    """Bars from the first total to the second, in per cent of a scale that need not begin at 0."""
    level = found.before_total or Decimal(0)
    levels = [level]
    for one in found.causes:
        level += one.amount
        levels.append(level)
    low, high = min(levels), max(levels)
    margin = (high - low) * MARGIN or max(abs(high), Decimal(1)) * MARGIN
    low, high = low - margin, high + margin

    def place(amount: Decimal) -> Decimal:
        return ((amount - low) * CHART_WIDTH / (high - low)).quantize(Decimal("0.01"))

    steps = []
    for one, start, end in zip(found.causes, levels, levels[1:], strict=False):
        left, right = sorted((place(start), place(end)))
        steps.append(
            {
                "cause": one,
                "title": cause_title(one, found),
                "note": cause_note(one, found),
                "x": f"{left}%",
                "width": f"{max(right - left, Decimal('0.3'))}%",
                "kind": _kind(one),
                "effects": [_effect(found, effect) for effect in one.effects[:SHOWN_EFFECTS]],
                "more": len(one.effects) - SHOWN_EFFECTS,
            }
        )
    return {
        "steps": steps,
        "start_x": f"{place(levels[0])}%",
        "end_x": f"{place(levels[-1])}%",
        "scale": _("scale from %(low)s to %(high)s")
        % {"low": formatting.rounded_money(low), "high": formatting.rounded_money(high)},
    }


def _kind(one: CauseSum) -> str:
    if one.cause == UNEXPLAINED:
        return "warning"
    if one.cause in QUIET:
        return "quiet"
    return "rise" if one.amount > 0 else "fall"


def _effect(found: Difference, effect: Any) -> dict[str, Any]:
    resource = found.resources[effect.resource_id]
    period = Span(min(found.before.first, found.after.first), max(found.before.last, found.after.last))
    return {
        "name": resource.name,
        "type": resource.get_resource_type_display(),
        "note": price_text(effect),
        "amount": effect.amount,
        "url": f"{reverse('explorer:charges', args=[resource.pk])}?period={period}",
    }


def _lines(found: Difference) -> Iterator[str]:
    yield BYTE_ORDER_MARK
    yield csv_line(
        [
            "cause",
            "connection_id",
            "resource_id",
            "resource_name",
            "what",
            "unit",
            "price_before",
            "price_after",
            "difference_rub",
        ]
    )
    for one in found.causes:
        for effect in one.effects:
            resource = found.resources[effect.resource_id]
            yield csv_line(
                [
                    TITLES[one.cause],
                    resource.connection_id,
                    resource.resource_id,
                    resource.name,
                    effect.label,
                    effect.unit,
                    effect.price_before,
                    effect.price_after,
                    effect.amount,
                ]
            )
    yield csv_line([_("Total"), *[""] * 7, found.amount])
