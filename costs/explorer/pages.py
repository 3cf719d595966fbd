"""The pages of the explorer: a view, its downloads, and the charges of a resource."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required
from accounts.audit.services import record
from costs.explorer import exports
from costs.explorer.charges import day_charges, resource_facts
from costs.explorer.events import chart_events
from costs.explorer.periods import BadPeriod, Span, span_of
from costs.explorer.presentation import page_context, view_url
from costs.explorer.queries import explore, today_of
from costs.explorer.saved import chart_notes, visible_views
from costs.explorer.view import Parsed, View, parse_view
from inventory.models import Resource

FORM_FIELDS = frozenset(
    {"add", "mode", "first", "last", "compare_first", "compare_last", "tag_key", "tag_value"}
)
"""What forms send in place of a view's own parameters; the page that they get stands at the view's address."""
PAGE_ROWS = 100
"""Further groups are one row together; the CSV file has them all."""
CSV_ROWS = 100_000


@organization_required
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def explorer(request: UserRequest) -> HttpResponseBase:
    """HTMX gets everything that a view decides, and the view's own address."""
    now = timezone.now()
    parsed = _parsed(request)
    if FORM_FIELDS & set(request.GET) and not parsed.problems:
        return HttpResponseRedirect(view_url(parsed.view))
    today = today_of(request.organization, now)
    exploration = explore(request.organization, parsed.view, now, limit=PAGE_ROWS)
    notes = chart_notes(request.organization, parsed.view, exploration.span, today)
    events = chart_events(request.organization, parsed.view, exploration.span, notes)
    context = page_context(request.organization, exploration, parsed.problems, today, events)
    views = list(visible_views(request.membership))
    context |= {
        "notes": notes,
        "saved_views": views,
        "saved": next((view for view in views if view.query == context["query"]), None),
        "may_write": request.membership.may_write,
    }
    if request.htmx and request.htmx.target == "explorer":
        response = render(request, "explorer/_explorer_alone.html", context)
        response["HX-Push-Url"] = context["canonical_url"]
        return response
    return render(request, "explorer/explorer.html", context)


@organization_required
@require_safe
def table_csv(request: UserRequest) -> HttpResponseBase:
    """The table of a view."""
    parsed = _parsed(request)
    exploration = explore(request.organization, parsed.view, timezone.now(), limit=CSV_ROWS)
    return _download(request, exports.table_lines(exploration), "costs", parsed.view, exploration.span)


@organization_required
@require_safe
def facts_csv(request: UserRequest) -> HttpResponseBase:
    """The daily facts behind a view's spend, streamed."""
    parsed = _parsed(request)
    span = parsed.view.span(today_of(request.organization, timezone.now()))
    rows = exports.facts(request.organization, parsed.view, span)
    return _download(request, exports.fact_lines(rows), "cost-facts", parsed.view, span)


@organization_required
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def charges(request: UserRequest, pk: int) -> HttpResponse:
    """A resource's facts in a period, and of one `day` the charges that they are made of."""
    rows = Resource.objects.of(request.organization).select_related("connection", "organization")
    resource = get_object_or_404(rows, pk=pk)
    today = today_of(request.organization, timezone.now())
    span = _span(request, today)
    day = _day(request)
    context: dict[str, Any] = {"resource": resource, "span": span, "period": request.GET.get("period", "")}
    if day is not None:
        context["opened"] = day_charges(resource, day)
        if request.htmx and request.htmx.target == "charges-day":
            return render(request, "explorer/_charges_day.html", context)
    facts = resource_facts(resource, span)
    currencies = sorted({fact.currency for fact in facts})
    context |= {
        "facts": facts,
        "sums": [
            (currency, sum(fact.billed_cost for fact in facts if fact.currency == currency))
            for currency in currencies
        ],
        "total": sum(fact.billed_cost_rub for fact in facts if fact.billed_cost_rub is not None)
        if any(fact.billed_cost_rub is not None for fact in facts)
        else None,
    }
    return render(request, "explorer/charges.html", context)


def _parsed(request: UserRequest) -> Parsed:
    return parse_view(dict(request.GET.lists()), today_of(request.organization, timezone.now()))


def _download(request: UserRequest, lines: Any, name: str, view: View, span: Span) -> StreamingHttpResponse:
    record(
        "export.downloaded",
        organization=request.organization,
        details={"what": f"{name}.csv", "first": span.first, "last": span.last, "view": view.query_string()},
    )
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{span.first}-{span.last}.csv"'
    return response


def _span(request: UserRequest, today: date) -> Span:
    try:
        return span_of(request.GET.get("period") or "last_30_days", today)
    except BadPeriod:
        return span_of("last_30_days", today)


def _day(request: UserRequest) -> date | None:
    asked = request.GET.get("day", "")
    if not asked:
        return None
    try:
        return date.fromisoformat(asked)
    except ValueError as error:
        raise Http404 from error
