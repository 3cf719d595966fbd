"""Pages of complete syncs: their history, the result by connection, a retry of what failed, two of them compared."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required, writer_required
from providers.badges import badge_of, series_of
from syncs import complete, complete_queries
from syncs.models import CompleteSync, SyncStatus, SyncTrigger
from syncs.views import LEVELS, PAGE_SIZE, complete_started

CHOICES = 30
"""How many earlier complete syncs may be chosen to compare with."""


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def complete_list(request: UserRequest) -> HttpResponse:
    page = Paginator(complete_queries.history(request.organization), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "rows": [_row(one) for one in page]}
    template = "syncs/_completes.html" if request.htmx else "syncs/complete_list.html"
    return render(request, template, context)


@organization_required
@require_safe
def complete_detail(request: UserRequest, pk: int) -> HttpResponse:
    one = _get(request, pk)
    parts = complete_queries.parts(one)
    context = {
        "complete": one,
        "row": _row(one),
        "parts": [_part(part) for part in parts],
        "failed_count": sum(part.reference.status == SyncStatus.ERROR for part in parts),
        "is_latest": not CompleteSync.objects.of(request.organization).filter(pk__gt=one.pk).exists(),
        "may_write": request.membership.may_write,
    }
    return render(request, "syncs/complete_detail.html", context)


@writer_required
@require_POST
def complete_retry(request: UserRequest, pk: int) -> HttpResponse:
    """Syncs the failed connections alone, in the same complete sync."""
    one = get_object_or_404(CompleteSync.objects.of(request.organization), pk=pk)
    return complete_started(
        request,
        lambda now: complete.retry_failed(
            complete_sync=one, trigger=SyncTrigger.MANUAL, now=now, requested_by=request.user
        ),
    )


@organization_required
@require_safe
def complete_compare(request: UserRequest, pk: int) -> HttpResponse:
    """This one against an earlier one: `with` names it, else the one before."""
    after = _get(request, pk)
    chosen = request.GET.get("with", "")
    if chosen and not (chosen.isascii() and chosen.isdigit() and len(chosen) < 18):
        raise Http404
    former = None if chosen else complete_queries.earlier(after)
    number = int(chosen) if chosen else former.pk if former else None
    before = _get(request, number) if number is not None else None
    comparison = complete_queries.comparison(before, after) if before else None
    kinds = {"new": _("new"), "gone": _("gone"), "changed": _("changed")}
    context = {
        "after": after,
        "before": before,
        "comparison": comparison,
        "resources": [(one, kinds[one.kind]) for one in comparison.resources] if comparison else [],
        "choices": CompleteSync.objects.of(request.organization)
        .ended()
        .exclude(pk=after.pk)
        .order_by("-pk")[:CHOICES],
    }
    return render(request, "syncs/complete_compare.html", context)


def _get(request: UserRequest, pk: int) -> CompleteSync:
    rows = CompleteSync.objects.of(request.organization).select_related("requested_by")
    return get_object_or_404(complete_queries.with_parts(rows), pk=pk)


def _row(one: Any) -> dict[str, Any]:
    return {
        "complete": one,
        "level": LEVELS[SyncStatus(one.status)],
        "took": one.finished_at - one.requested_at if one.finished_at else None,
        "who": one.requested_by.display_name if one.requested_by else one.get_trigger_display(),
    }


def _part(part: complete_queries.Part) -> dict[str, Any]:
    return {
        "part": part,
        "snapshot": part.reference.snapshot,
        "connection": part.connection,
        "badge": badge_of(part.connection),
        "series": series_of(part.connection),
        "level": LEVELS[SyncStatus(part.reference.status)],
        "status": part.reference.get_status_display(),
    }
