"""The page of one sync: what it did, how far it read, what it found changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, organization_required
from providers.messages import provider_name, sentence
from syncs import queries, trace_queries
from syncs.change_groups import change_groups
from syncs.models import Phase, SyncSnapshot, SyncStatus
from syncs.panel import LEVELS, problem_of
from syncs.trace_wording import asked, kept_text, sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBar:
    """Seconds of one phase, and their share of the whole sync in per cent."""

    label: str
    seconds: float
    percent: float


@organization_required
@require_safe
def snapshot_detail(request: UserRequest, pk: int) -> HttpResponse:
    snapshot = get_object_or_404(
        SyncSnapshot.objects.of(request.organization)
        .select_related("connection", "requested_by", "billing_file")
        .prefetch_related("totals"),
        pk=pk,
    )
    provider_type = snapshot.connection.provider_type
    trace = trace_queries.trace_of(snapshot)
    places = trace_queries.places_of(snapshot, trace)
    changes = queries.snapshot_changes(snapshot)
    moves = trace_queries.moves_of(snapshot, changes)
    context = {
        "snapshot": snapshot,
        "connection": snapshot.connection,
        "level": LEVELS[SyncStatus(snapshot.status)],
        "problem": problem_of(snapshot),
        "who": snapshot.requested_by.display_name
        if snapshot.requested_by
        else snapshot.get_trigger_display(),
        "took": _took(snapshot),
        "progress": queries.progress_of(snapshot) if snapshot.is_active else None,
        "sentences": sentences(snapshot, trace, places, provider=provider_name(provider_type)),
        "asked": "" if trace.is_empty else asked(trace),
        "phases": _phases(snapshot),
        "places": [
            {"place": place, "unread": [(each, kept_text(each)) for each in place.unread]} for place in places
        ],
        "section_count": sum(len(place.read) + len(place.absent) + _unread_count(place) for place in places),
        "read_count": sum(len(place.read) + len(place.absent) for place in places),
        "groups": change_groups(changes, moves, trace_queries.parent_names(changes)),
        "shown_count": len(changes),
        "changed_count": snapshot.created_count + snapshot.updated_count + snapshot.deleted_count,
        "findings": [_finding(finding) for finding in snapshot.findings or []],
        "after_sync_errors": sorted((snapshot.after_sync_errors or {}).items()),
        "totals": list(snapshot.totals.all()),
    }
    return render(request, "syncs/snapshot_detail.html", context)


def _took(snapshot: SyncSnapshot) -> timedelta | None:
    """How long the work took; the phases know better than a clock that stands still in a replay."""
    if snapshot.timings:
        return timedelta(seconds=sum(snapshot.timings.values()))
    if snapshot.finished_at and snapshot.started_at:
        return snapshot.finished_at - snapshot.started_at
    return None


def _phases(snapshot: SyncSnapshot) -> list[PhaseBar]:
    timings = snapshot.timings or {}
    whole = sum(timings.values())
    return [
        PhaseBar(
            label=str(Phase(phase).label),
            seconds=timings[phase],
            percent=timings[phase] * 100 / whole if whole else 0,
        )
        for phase in Phase.values
        if phase in timings
    ]


def _unread_count(place: trace_queries.Place) -> int:
    return sum(len(unread.names) for unread in place.unread)


def _finding(finding: dict[str, Any]) -> str:
    text = sentence(finding.get("message", ""), finding.get("params") or {})
    if finding.get("line"):
        return _("Line %(line)d: %(text)s") % {"line": finding["line"], "text": text}
    return text
