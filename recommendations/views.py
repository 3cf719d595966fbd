"""Pages of recommendations: the list with its sums, one with its evidence, and what people decide."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required, writer_required
from accounts.audit.services import record
from common import formatting
from costs.explorer.queries import today_of
from inventory.queries import Series, series_of
from providers.models import ProviderConnection
from recommendations import decisions, exports, proof, queries, tasks, wording
from recommendations.engine.contract import Category, Effort, Risk
from recommendations.filters import CONFIDENCES, STATUSES, RecommendationFilter
from recommendations.forms import SNOOZE_DAYS, BulkForm, DecisionForm, members_of
from recommendations.models import (
    LIVE,
    OPEN,
    ConnectionEvaluation,
    DismissReason,
    Recommendation,
    Status,
)

PAGE_SIZE = 50
CHART_DAYS = 14
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLOW = frozenset(
    {"disk_used_gib", "object_count", "request_rate", "read_request_rate", "network_rx", "network_tx"}
)
"""Series that some providers tell once in several hours or a day."""
LEVELS = {
    Status.PENDING: "progress",
    Status.APPROVED: "progress",
    Status.SNOOZED: "off",
    Status.IMPLEMENTED: "progress",
    Status.VERIFIED: "success",
    Status.DISMISSED: "off",
    Status.CLOSED: "off",
}


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def recommendation_list(request: UserRequest) -> HttpResponseBase:
    """Open ones where the URL names no status; the list is a fragment for htmx."""
    params = request.GET.copy()
    params.setdefault("status", "open")
    wanted = RecommendationFilter(params, queries.recommendations(request.organization))
    rows = wanted.qs if wanted.is_valid() else queries.recommendations(request.organization).none()
    if request.GET.get("format") == "csv":
        return _csv(request, rows)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {key: str(value) for key, value in request.GET.items() if key not in ("page", "format") and value}
    context = {
        "page": page,
        "rows": [row_of(row) for row in page],
        "query": urlencode(kept),
        "is_filtered": bool(set(kept) - {"status"}),
        "may_write": request.membership.may_write,
        "next": request.get_full_path(),
        "reasons": DismissReason.choices,
        "snooze_days": SNOOZE_DAYS,
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "recommendations/_recommendations.html", context)
    found = queries.summary(request.organization)
    proven = proof.proven(request.organization)
    context |= {
        "summary": found,
        "cells": _cells(found, proven),
        "categories": _categories(found, kept),
        "filters": _filters(request, params),
        "search": params.get("q", ""),
        "members": list(members_of(request.organization)) if request.membership.may_write else [],
        "has_evaluation": queries.is_evaluated(request.organization),
        "has_any": found.open_count or page.paginator.count,
    }
    return render(request, "recommendations/recommendation_list.html", context)


@organization_required
@require_safe
def recommendation_detail(request: UserRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(queries.recommendations(request.organization), pk=pk)
    return _detail(request, row)


@writer_required
@require_POST
def recommendation_decide(request: UserRequest, pk: int) -> HttpResponse:
    """What a person decides; the page with the form's errors and 422 where it lacks something."""
    row = get_object_or_404(queries.recommendations(request.organization), pk=pk)
    now = timezone.now()
    form = DecisionForm(
        request.POST, organization=request.organization, today=today_of(request.organization, now)
    )
    if not form.is_valid():
        return _detail(request, row, form=form, status=422)
    try:
        said = decisions.carry_out(row, form.cleaned_data, by=request.user, now=now)
    except decisions.Refused as refused:
        form.add_error(None, str(refused))
        return _detail(request, row, form=form, status=422)
    messages.success(request, said)
    return redirect(_next(request) or reverse("recommendations:recommendation_detail", args=[row.pk]))


@writer_required
@require_POST
def recommendation_bulk(request: UserRequest) -> HttpResponse:
    """The same decision for all that were chosen; what its status forbids is left alone and counted."""
    now = timezone.now()
    form = BulkForm(
        request.POST, organization=request.organization, today=today_of(request.organization, now)
    )
    target = _next(request) or reverse("recommendations:recommendation_list")
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(target)
    rows = queries.recommendations(request.organization).filter(pk__in=form.cleaned_data["pk"])
    done, left = decisions.carry_out_all(rows, form.cleaned_data, by=request.user, now=now)
    text = ngettext("%(count)d recommendation decided.", "%(count)d recommendations decided.", done)
    said = [text % {"count": done}]
    if left:
        text = ngettext(
            "%(count)d was left alone: its status does not allow it.",
            "%(count)d were left alone: their status does not allow it.",
            left,
        )
        said.append(text % {"count": left})
    (messages.warning if left else messages.success)(request, " ".join(said))
    return redirect(target)


@writer_required
@require_POST
def evaluation_start(request: UserRequest) -> HttpResponse:
    """Evaluate everything again now, in the background."""
    _ask_again(request)
    messages.success(request, _("All rules are asked again; the list is up to date in a moment."))
    return redirect(_next(request) or reverse("recommendations:recommendation_list"))


def row_of(row: Recommendation) -> dict[str, Any]:
    """What a row of the list and the head of the page show."""
    return {
        "row": row,
        "summary": wording.summary(row),
        "rule": wording.rule_title(row.rule_id),
        "facts": wording.facts(row),
        "formula": wording.text(row.formula),
        "steps": wording.texts(row.steps),
        "notes": wording.texts(row.notes),
        "confidence": wording.confidence(row),
        "level": LEVELS[Status(row.status)],
        "stale": wording.outcome(row.stale_reason) if row.stale_since else "",
        "instead": row.instead_of,
        "instead_summary": wording.summary(row.instead_of) if row.instead_of else "",
        "is_open": row.status in OPEN,
    }


def _cells(found: queries.Summary, proven: proof.Proven) -> list[dict[str, Any]]:
    unpriced = ngettext(
        "and %(count)d whose saving is not known",
        "and %(count)d whose savings are not known",
        found.unpriced_count,
    )
    return [
        {
            "label": _("Potential savings"),
            "figure": formatting.rounded_money(found.saving),
            "unit": pgettext("after an amount", "/mo"),
            "note": _("each rouble counted once"),
            "note_more": unpriced % {"count": found.unpriced_count} if found.unpriced_count else "",
        },
        {
            "label": _("To decide"),
            "figure": formatting.number(found.pending_count),
            "note": _("of %(count)d open") % {"count": found.open_count},
        },
        {
            "label": _("Proven savings"),
            "figure": formatting.rounded_money(proven.realised) if proven.count else "",
            "unit": pgettext("after an amount", "/mo"),
            "reason": "" if proven.count else _("nothing has been implemented for two weeks yet"),
            "note": _("%(percent)s of the %(promised)s promised")
            % {
                "percent": formatting.percent(proven.percent, 0),
                "promised": formatting.rounded_money(proven.promised),
            }
            if proven.count
            else "",
        },
        {
            "label": _("Waiting for proof"),
            "figure": formatting.number(proven.waiting),
            "note": _("fourteen full days after the change is seen"),
        },
    ]


def _categories(found: queries.Summary, kept: dict[str, str]) -> list[dict[str, Any]]:
    """Chips of the categories that have open findings, with their sums."""
    chosen = kept.get("category", "")
    without = {key: value for key, value in kept.items() if key != "category"}
    total = {
        "label": _("All"),
        "note": formatting.rounded_money(found.saving),
        "url": "?" + urlencode(without),
        "chosen": not chosen,
    }
    return [
        total,
        *(
            {
                "label": Category(each.category).label,
                "note": formatting.rounded_money(each.saving) if each.saving else str(each.count),
                "url": "?" + urlencode({**without, "category": each.category}),
                "chosen": chosen == each.category,
            }
            for each in found.categories
        ),
    ]


def _filters(request: UserRequest, params: Any) -> list[dict[str, Any]]:
    connections = ProviderConnection.objects.of(request.organization).order_by("created_at", "pk")
    offered: list[tuple[str, str, list[tuple[Any, Any]]]] = [
        ("status", _("Status"), list(STATUSES)),
        ("connection", _("Connection"), list(connections.values_list("pk", "connection_name"))),
        ("risk", _("Risk"), list(Risk.choices)),
        ("effort", _("Effort"), list(Effort.choices)),
        ("confidence", _("Confidence"), list(CONFIDENCES)),
    ]
    return [
        {
            "key": key,
            "label": label,
            "choices": [(str(value), name) for value, name in choices],
            "value": params.get(key, ""),
            "has_all": key != "status",
        }
        for key, label, choices in offered
    ]


def _detail(
    request: UserRequest, row: Recommendation, *, form: DecisionForm | None = None, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    today = today_of(request.organization, now)
    seen_at = _seen_at(row)
    context = {
        **row_of(row),
        "form": form or DecisionForm(organization=request.organization, today=today),
        "alternatives": wording.texts(row.alternatives),
        "members": list(members_of(request.organization)),
        "seen_at": seen_at,
        "charts": _charts(row, seen_at),
        "events": [
            {
                "date": formatting.short_date(timezone.localtime(event.at).date(), today=today),
                "time": f"{timezone.localtime(event.at):%H:%M}",
                "title": wording.event(event),
                "note": " · ".join(filter(None, (event.by.display_name if event.by else "", event.text))),
            }
            for event in row.events.select_related("by").order_by("-at", "-pk")
        ],
        "proof": _proof(row),
        "reasons": DismissReason.choices,
        "snooze_days": SNOOZE_DAYS,
        "may_write": request.membership.may_write,
        "others": _others(row),
    }
    return render(request, "recommendations/recommendation_detail.html", context, status=status)


def _seen_at(row: Recommendation) -> datetime:
    """When the rule last said it: rows that say the same are not written anew."""
    evaluation = ConnectionEvaluation.objects.filter(connection=row.connection_id).first()
    if evaluation is None or row.stale_since is not None or row.status not in LIVE:
        return row.refreshed_at
    return max(row.refreshed_at, evaluation.evaluated_at)


def _others(row: Recommendation) -> list[dict[str, Any]]:
    """Other open findings on the same resource."""
    rows = queries.of_resource(row.resource).exclude(pk=row.pk)
    return [{"row": each, "summary": wording.summary(each)} for each in rows]


def _charts(row: Recommendation, seen_at: datetime) -> list[dict[str, Any]]:
    """The series that are the evidence over two weeks up to the last look: by the hour, slow ones by the day."""
    end = seen_at.replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=CHART_DAYS)
    found: dict[str, Series] = {}
    for step, is_slow in ((HOUR, False), (DAY, True)):
        names = tuple(name for name in row.metrics if (name in SLOW) == is_slow)
        if names:
            found.update(series_of(row.resource, names, start=start, end=end, step=step))
    return [
        {
            "id": f"evidence-{place}",
            "title": wording.metric(name),
            "label": _("%(metric)s of %(name)s over two weeks")
            % {"metric": wording.metric(name), "name": row.resource.name},
            "data": {
                "labels": [at.isoformat() for at in series.times],
                "unit": "percent" if name.endswith("_percent") else "",
                "series": [
                    {"name": _("Average"), "role": "average", "values": _values(series.averages)},
                    {"name": _("Maximum"), "role": "maximum", "values": _values(series.maxima)},
                ],
            },
        }
        for place, (name, series) in enumerate(found.items())
    ]


def _values(values: tuple[Decimal | None, ...]) -> list[str | None]:
    return [None if value is None else f"{value:f}" for value in values]


def _proof(row: Recommendation) -> dict[str, Any] | None:
    """Before and after, where it was seen applied."""
    if row.applied_at is None:
        return None
    before, after = row.before, row.proof
    problem = after.get("problem", "")
    return {
        "before": Decimal(before["day_cost"]) if before else None,
        "cpu_before": before.get("cpu") if before else None,
        "after": Decimal(after["day_cost"]) if after else None,
        "repriced": Decimal(after["repriced_day_cost"]) if after else None,
        "is_repriced": bool(after and after["is_repriced"]),
        "cpu_after": after.get("cpu") if after else None,
        "problem": _(problem) if problem else "",
        "due": row.applied_at + timedelta(days=proof.FORTNIGHT + 1),
    }


def _csv(request: UserRequest, rows: Any) -> StreamingHttpResponse:
    record("export.downloaded", organization=request.organization, details={"what": "recommendations"})
    answer = StreamingHttpResponse(exports.lines(rows.iterator(500)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="recommendations.csv"'
    return answer


def _next(request: UserRequest) -> str:
    """Where the form came from, if that is a page of ours."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else ""


def _ask_again(request: UserRequest) -> None:
    tasks.evaluate_organization.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
        organization_id=request.organization.pk
    )
