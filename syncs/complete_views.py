"""Pages of complete syncs: their history, the result by connection, a retry of what failed, two of them compared."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required, writer_required
from providers.badges import badge_of, series_of
from syncs import complete, complete_queries, queries
from syncs.models import CompleteSync, SyncStatus, SyncTrigger
from syncs.panel import LEVELS, RESULTS, counted_results
from syncs.views import PAGE_SIZE, complete_started
from syncs.wording import change_title

COMPARED_FIELDS = (
    *("name", "status", "is_orphan", "is_provisional", "vcpus", "memory_mib", "storage_gib"),
    *("operating_system", "engine", "engine_version", "ip_addresses", "tags", "daily_cost"),
)
"""What is compared of a resource's two states, as `syncs.wording` calls it."""

CHOICES = 30
"""How many earlier complete syncs may be chosen to compare with."""


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def complete_list(request: UserRequest) -> HttpResponse:
    page = Paginator(complete_queries.history(request.organization), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "rows": [{**_row(one), "summary": _summary(one)} for one in page]}
    template = "syncs/_completes.html" if request.htmx else "syncs/complete_list.html"
    return render(request, template, context)


@organization_required
@require_safe
def complete_detail(request: UserRequest, pk: int) -> HttpResponse:
    one = _get(request, pk)
    parts = complete_queries.parts(one)
    unread = queries.coverages(
        part.reference.snapshot_id
        for part in parts
        if part.reference.snapshot_id and part.reference.status == SyncStatus.PARTIAL
    )
    context = {
        "complete": one,
        "row": _row(one),
        "parts": [_part(part, unread.get(part.reference.snapshot_id or 0)) for part in parts],
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
    """This one against another: `with` names it, else the one before; whichever is older comes first."""
    one = _get(request, pk)
    chosen = request.GET.get("with", "")
    if chosen and not (chosen.isascii() and chosen.isdigit() and len(chosen) < 18):
        raise Http404
    former = None if chosen else complete_queries.earlier(one)
    number = int(chosen) if chosen else former.pk if former else None
    other = _get(request, number) if number is not None else None
    before, after = sorted((one, other), key=lambda each: each.pk) if other else (None, one)
    comparison = complete_queries.comparison(before, after) if before else None
    choices = CompleteSync.objects.of(request.organization).ended().exclude(pk=one.pk)
    context = {
        "one": one,
        "other": other,
        "before": before,
        "after": after,
        "comparison": comparison,
        "resources": [(each, _difference_title(each)) for each in comparison.resources] if comparison else [],
        "choices": choices.order_by("-pk")[:CHOICES],
    }
    return render(request, "syncs/complete_compare.html", context)


def _get(request: UserRequest, pk: int) -> CompleteSync:
    rows = CompleteSync.objects.of(request.organization).select_related("requested_by")
    return get_object_or_404(complete_queries.with_parts(rows), pk=pk)


def _row(one: Any) -> dict[str, Any]:
    return {
        "complete": one,
        "level": LEVELS[SyncStatus(one.status)],
        "took": one.finished_at - one.started_at if one.finished_at and one.started_at else None,
        "who": one.requested_by.display_name if one.requested_by else one.get_trigger_display(),
    }


def _summary(one: Any) -> str:
    """`3 done, 1 failed`; of one whose result is not a single word for all."""
    if one.is_active or one.status != SyncStatus.PARTIAL:
        return ""
    return counted_results({status: getattr(one, f"{status}_count") for status in RESULTS})


def _difference_title(one: complete_queries.ResourceDifference) -> str:
    """What happened to a resource between two complete syncs: “new”, “gone”, “2 → 4 vCPU” …"""
    if one.before is None or one.after is None:
        return pgettext("resource", "new") if one.before is None else pgettext("resource", "gone")
    changes = {
        name: [getattr(one.before, name), getattr(one.after, name)]
        for name in COMPARED_FIELDS
        if getattr(one.before, name) != getattr(one.after, name)
    }
    if not changes and one.before.configuration_hash == one.after.configuration_hash:
        return _("changed in between and is as before")
    if not changes:
        return _("configuration changed")
    at = one.after.opened_at
    assert at is not None
    change = queries.Change(at=at, kind="updated", state=one.after, effect=one.difference, changes=changes)
    return change_title(change)


def _part(part: complete_queries.Part, coverage: queries.Coverage | None) -> dict[str, Any]:
    return {
        "part": part,
        "snapshot": part.reference.snapshot,
        "connection": part.connection,
        "badge": badge_of(part.connection),
        "series": series_of(part.connection),
        "level": LEVELS[SyncStatus(part.reference.status)],
        "status": part.reference.get_status_display(),
        "unread": coverage.unread_names if coverage else "",
    }
