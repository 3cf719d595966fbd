"""Pages of syncs: start one, watch it, read what came of it.

Progress is one panel that polls itself while something runs. Its address carries what it watches: `syncs` are the
shown snapshots, `done` those of them whose end has been told already, `said` the phases that have been announced to
assistive technology, which hears of a phase once and not at every poll. The answer that follows an end carries an event
`sync-ended-<connection>` for that connection's card and a toast; the last one has no trigger any more. Of a complete
sync (`complete` in the address) the rows stay in their order, also those that wait, and one toast tells its result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from accounts.access import UserRequest, organization_required, writer_required
from providers import registry
from providers.badges import badge_of, series_of
from providers.messages import Explanation, explain, sentence
from providers.models import ProviderConnection
from syncs import complete, complete_queries, queries, services, tasks
from syncs.models import CompleteSync, Phase, ProviderSyncReference, SyncSnapshot, SyncStatus, SyncTrigger
from syncs.wording import change_title, field_changes

PAGE_SIZE = 50
LEVELS = {
    SyncStatus.QUEUED: "progress",
    SyncStatus.RUNNING: "progress",
    SyncStatus.SUCCESS: "success",
    SyncStatus.PARTIAL: "warning",
    SyncStatus.ERROR: "error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRow:
    """One connection in the panel, in the reader's language; without a snapshot while it waits for its turn."""

    connection: ProviderConnection
    snapshot: SyncSnapshot | None
    status: str
    badge: str
    series: str
    level: str
    percent: int | None
    text: str
    note: str
    elapsed: timedelta | None
    is_active: bool
    is_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What is synced now. Without rows there is nothing to show; with no active one the result is one line.

    `complete` is the complete sync that the rows, or some of them, belong to.
    """

    rows: list[PanelRow] = field(default_factory=list)
    complete: CompleteSync | None = None
    poll_url: str = ""
    announcement: str = ""

    @property
    def total_count(self) -> int:
        return len(self.rows)

    @property
    def done_count(self) -> int:
        return sum(not row.is_active for row in self.rows)

    @property
    def is_active(self) -> bool:
        return self.done_count < self.total_count or (self.complete is not None and self.complete.is_active)

    @property
    def percent(self) -> int:
        return sum(row.percent or 0 for row in self.rows) // len(self.rows) if self.rows else 0

    @property
    def started_at(self) -> datetime | None:
        if self.complete is not None:
            return self.complete.requested_at
        return min((row.snapshot.requested_at for row in self.rows if row.snapshot), default=None)

    @property
    def elapsed(self) -> timedelta | None:
        if self.complete is not None:
            return (self.complete.finished_at or timezone.now()) - self.complete.requested_at
        return max((row.elapsed for row in self.rows if row.elapsed is not None), default=None)

    @property
    def failed(self) -> list[PanelRow]:
        return [row for row in self.rows if row.status == SyncStatus.ERROR]

    @property
    def level(self) -> str:
        levels = {row.level for row in self.rows}
        return next((level for level in ("error", "warning") if level in levels), "success")

    @property
    def summary(self) -> str:
        """The aggregated result, in one line."""
        statuses = [row.status for row in self.rows]
        parts = [
            ngettext("%(count)d done", "%(count)d done", count) % {"count": count}
            for count in [statuses.count(SyncStatus.SUCCESS)]
            if count
        ]
        parts += [
            ngettext("%(count)d partial", "%(count)d partial", count) % {"count": count}
            for count in [statuses.count(SyncStatus.PARTIAL)]
            if count
        ]
        parts += [
            ngettext("%(count)d failed", "%(count)d failed", count) % {"count": count}
            for count in [statuses.count(SyncStatus.ERROR)]
            if count
        ]
        return ", ".join(parts)


@writer_required
@require_POST
def snapshot_start(request: UserRequest, pk: int) -> HttpResponse:
    """Syncs one connection, or joins the sync that is under way."""
    connection = get_object_or_404(ProviderConnection.objects.of(request.organization), pk=pk)
    return _started(request, [connection])


@writer_required
@require_POST
def snapshot_start_all(request: UserRequest) -> HttpResponse:
    """Begins a complete sync, or joins the one under way; `failed=1` syncs those alone whose last sync failed."""
    if not request.POST.get("failed"):
        return complete_started(
            request,
            lambda now: complete.request_complete_sync(
                organization=request.organization,
                trigger=SyncTrigger.MANUAL,
                now=now,
                requested_by=request.user,
            ),
        )
    connections = ProviderConnection.objects.of(request.organization).filter(
        is_active=True, last_sync_status="error"
    )
    files = [key for key, plugin in registry.plugins().items() if plugin.capabilities.reads_files]
    return _started(request, connections.exclude(provider_type__in=files).order_by("created_at", "pk"))


@organization_required
@require_safe
def snapshot_progress(request: UserRequest) -> HttpResponse:
    """The panel alone; without JavaScript, the page that holds it."""
    if not request.htmx:
        return redirect("connections")
    watched, told = _numbers(request.GET.get("syncs", "")), set(_numbers(request.GET.get("done", "")))
    watched_complete = next(iter(_numbers(request.GET.get("complete", ""))), None)
    panel = sync_panel(
        request, watched=watched, said=request.GET.get("said", ""), complete_pk=watched_complete
    )
    response = render(request, "syncs/_panel.html", {"panel": panel})
    for row in panel.rows:
        if row.snapshot and row.is_active and watched_complete and row.snapshot.pk not in watched:
            trigger_client_event(response, f"sync-started-{row.connection.pk}", {}, after="settle")
    ended = [row for row in panel.rows if row.snapshot and not row.is_active and row.snapshot.pk not in told]
    for row in ended:
        trigger_client_event(response, f"sync-ended-{row.connection.pk}", {}, after="settle")
    if panel.complete is not None and not panel.is_active:
        trigger_client_event(response, "toast", _complete_toast(panel, panel.complete))
    elif ended and panel.complete is None:
        trigger_client_event(response, "toast", _toast(ended))
    return response


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def snapshot_list(request: UserRequest, pk: int | None = None) -> HttpResponse:
    """The history of one connection, or of all of the organization."""
    connection = None
    if pk is not None:
        connection = get_object_or_404(ProviderConnection.objects.of(request.organization), pk=pk)
    rows = queries.snapshot_history(connection or request.organization)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"connection": connection, "page": page, "rows": [_history_row(row) for row in page]}
    template = "syncs/_snapshots.html" if request.htmx else "syncs/snapshot_list.html"
    return render(request, template, context)


@organization_required
@require_safe
def snapshot_detail(request: UserRequest, pk: int) -> HttpResponse:
    snapshot = get_object_or_404(
        SyncSnapshot.objects.of(request.organization)
        .select_related("connection", "requested_by", "billing_file")
        .prefetch_related("totals"),
        pk=pk,
    )
    changes = queries.snapshot_changes(snapshot)
    timings = snapshot.timings or {}
    context = {
        "snapshot": snapshot,
        "connection": snapshot.connection,
        "row": _history_row(snapshot),
        "coverage": queries.snapshot_coverage(snapshot),
        "read_names": queries.read_sections(snapshot),
        "progress": queries.progress_of(snapshot) if snapshot.is_active else None,
        "events": [_event(change) for change in changes],
        "changed_count": snapshot.created_count + snapshot.updated_count + snapshot.deleted_count,
        "findings": [_finding(finding) for finding in snapshot.findings or []],
        "after_sync_errors": sorted((snapshot.after_sync_errors or {}).items()),
        "timings": [(Phase(phase).label, timings[phase]) for phase in Phase.values if phase in timings],
        "totals": list(snapshot.totals.all()),
        "may_write": request.membership.may_write,
    }
    return render(request, "syncs/snapshot_detail.html", context)


def sync_panel(
    request: UserRequest, watched: Iterable[int] = (), said: str = "", complete_pk: int | None = None
) -> Panel:
    """What runs in the organization now, and what was watched and has ended since; costs two queries, three where
    something was watched."""
    active = {
        progress.snapshot.pk: progress for progress in queries.active_syncs(request.organization).values()
    }
    references = list(complete_queries.watched_references(request.organization, complete_pk))
    shown_complete = references[0].complete_sync if references else None
    now = timezone.now()
    rows = [_reference_row(reference, active, now) for reference in references]
    own = {row.snapshot.pk for row in rows if row.snapshot}
    pks = [pk for pk in watched if pk not in active and pk not in own]
    ended = SyncSnapshot.objects.of(request.organization).filter(pk__in=pks).select_related("connection")
    others = [_active_row(progress, now) for pk, progress in active.items() if pk not in own]
    others += [_ended_row(snapshot) for snapshot in ended] if pks and shown_complete is None else []
    others.sort(key=lambda row: (row.connection.created_at, row.connection.pk))
    rows += others
    is_active = bool(active) or (shown_complete is not None and shown_complete.is_active)
    read = [row.snapshot for row in rows if row.snapshot]
    shown = ",".join(str(snapshot.pk) for snapshot in read)
    done = ",".join(str(row.snapshot.pk) for row in rows if row.snapshot and not row.is_active)
    phases = ",".join(f"{snapshot.pk}.{snapshot.phase or snapshot.status}" for snapshot in read)
    parameters = {"syncs": shown, "done": done, "said": phases}
    if shown_complete is not None:
        parameters["complete"] = str(shown_complete.pk)
    return Panel(
        rows=rows,
        complete=shown_complete,
        poll_url=f"{reverse('syncs:snapshot_progress')}?{urlencode(parameters, safe=',')}"
        if is_active
        else "",
        announcement=""
        if phases == said
        else ". ".join(f"{row.connection.connection_name}: {row.text}" for row in rows),
    )


def complete_started(
    request: UserRequest, begin: Callable[[datetime], tuple[CompleteSync, bool]]
) -> HttpResponse:
    """Begins or joins a complete sync; htmx gets the panel that watches it, others the page of connections."""
    note: tuple[int, str] | None = None
    watched = None
    try:
        found, joined = begin(timezone.now())
    except services.SyncNotPossible as error:
        note = (messages.WARNING, sentence(str(error)))
    else:
        watched = found.pk
        if joined:
            note = (messages.INFO, _("Everything is being updated already, here is how far."))
        else:
            tasks.advance_complete_sync.delay_on_commit(complete_sync_id=found.pk)  # type: ignore[attr-defined]  # Celery's Django task
    if not request.htmx:
        if note:
            messages.add_message(request, *note)
        return redirect("connections")
    response = render(request, "syncs/_panel.html", {"panel": sync_panel(request, complete_pk=watched)})
    if note:
        level = "warning" if note[0] == messages.WARNING else "information"
        trigger_client_event(response, "toast", {"level": level, "title": note[1], "text": ""})
    return response


def _started(request: UserRequest, connections: Iterable[ProviderConnection]) -> HttpResponse:
    """Queues the syncs; htmx gets the panel that watches them, others the page of connections with messages."""
    started: list[SyncSnapshot] = []
    notes: list[tuple[int, str]] = []
    now = timezone.now()
    for connection in connections:
        try:
            snapshot, joined = services.request_sync(
                connection=connection, trigger=SyncTrigger.MANUAL, now=now, requested_by=request.user
            )
        except services.SyncNotPossible as error:
            notes.append((messages.WARNING, f"{connection.connection_name}: {sentence(str(error))}"))
            continue
        if joined:
            name = connection.connection_name
            notes.append(
                (messages.INFO, _("%(name)s is being updated already, here is how far.") % {"name": name})
            )
        else:
            tasks.run_snapshot.delay_on_commit(snapshot_id=snapshot.pk)  # type: ignore[attr-defined]  # Celery's Django task
            started.append(snapshot)
    if not started and not notes:
        notes.append((messages.INFO, _("There is no connection to update.")))
    if not request.htmx:
        for level, text in notes:
            messages.add_message(request, level, text)
        return redirect("connections")
    response = render(request, "syncs/_panel.html", {"panel": sync_panel(request)})
    for snapshot in started:
        trigger_client_event(response, f"sync-started-{snapshot.connection_id}", {}, after="settle")
    if notes:
        is_warning = any(level == messages.WARNING for level, _text in notes)
        toast = {
            "level": "warning" if is_warning else "information",
            "title": notes[0][1],
            "text": " ".join(text for _level, text in notes[1:]),
        }
        trigger_client_event(response, "toast", toast)
    return response


def _reference_row(
    reference: ProviderSyncReference, active: Mapping[int, queries.Progress], now: datetime
) -> PanelRow:
    """A connection of a complete sync: waiting for its turn, being read, ended, or never begun."""
    if reference.snapshot is not None:
        progress = active.get(reference.snapshot.pk)
        return _active_row(progress, now) if progress else _ended_row(reference.snapshot)
    problem = explain(reference.error, provider_type=reference.connection.provider_type)
    return PanelRow(
        connection=reference.connection,
        snapshot=None,
        status=reference.status,
        badge=badge_of(reference.connection),
        series=series_of(reference.connection),
        level=LEVELS[SyncStatus(reference.status)],
        percent=100 if problem else 0,
        text=str(reference.get_status_display()),
        note=str(problem) if problem else "",
        elapsed=None,
        is_active=problem is None,
        is_waiting=False,
    )


def _active_row(progress: queries.Progress, now: datetime) -> PanelRow:
    snapshot = progress.snapshot
    text, note = progress.phase, ""
    if progress.waiting_seconds is not None:
        text = _("Waiting %(seconds)d s") % {"seconds": progress.waiting_seconds}
        note = progress.waiting_reason
    elif progress.is_waiting and progress.retry:
        text = _("Waiting for the next try")
        note = _("%(reason)s Try %(attempt)d of %(attempts)d.") % {
            "reason": progress.retry.title,
            "attempt": snapshot.attempt + 1,
            "attempts": services.MAX_ATTEMPTS,
        }
    elif progress.step:
        text = _("%(phase)s, step %(step)d of %(steps)d") % {
            "phase": progress.phase,
            "step": progress.step,
            "steps": queries.STEPS,
        }
    if not note and progress.found_count is not None:
        note = ngettext("%(count)d resource found", "%(count)d resources found", progress.found_count) % {
            "count": progress.found_count
        }
    return PanelRow(
        connection=snapshot.connection,
        snapshot=snapshot,
        status=snapshot.status,
        badge=badge_of(snapshot.connection),
        series=series_of(snapshot.connection),
        level="warning" if progress.is_waiting else "progress",
        percent=progress.percent,
        text=text,
        note=note,
        elapsed=now - snapshot.requested_at,
        is_active=True,
        is_waiting=progress.is_waiting,
    )


def _ended_row(snapshot: SyncSnapshot) -> PanelRow:
    took = snapshot.finished_at - snapshot.requested_at if snapshot.finished_at else None
    return PanelRow(
        connection=snapshot.connection,
        snapshot=snapshot,
        status=snapshot.status,
        badge=badge_of(snapshot.connection),
        series=series_of(snapshot.connection),
        level=LEVELS[SyncStatus(snapshot.status)],
        percent=100,
        text=str(snapshot.get_status_display()),
        note=_result(snapshot),
        elapsed=took,
        is_active=False,
        is_waiting=False,
    )


def _result(snapshot: SyncSnapshot) -> str:
    """`12 resources, no changes`, or why it failed."""
    if snapshot.status == SyncStatus.ERROR:
        problem = _problem(snapshot)
        return problem.title if problem else ""
    changed = snapshot.created_count + snapshot.updated_count + snapshot.deleted_count
    resources = ngettext("%(count)d resource", "%(count)d resources", snapshot.resource_count) % {
        "count": snapshot.resource_count
    }
    news = (
        ngettext("%(count)d change", "%(count)d changes", changed) % {"count": changed}
        if changed
        else _("no changes")
    )
    return f"{resources}, {news}"


def _complete_toast(panel: Panel, ended: CompleteSync) -> dict[str, Any]:
    return {
        "level": panel.level,
        "title": _("Update finished"),
        "text": panel.summary,
        "url": reverse("syncs:complete_detail", args=[ended.pk]),
        "label": _("Result by connection"),
    }


def _toast(ended: list[PanelRow]) -> dict[str, Any]:
    if len(ended) > 1:
        panel = Panel(rows=ended)
        return {"level": panel.level, "title": _("Update finished"), "text": panel.summary}
    row = ended[0]
    titles = {
        "success": _("%(name)s is updated"),
        "warning": _("%(name)s is updated in part"),
        "error": _("%(name)s is not updated"),
    }
    return {
        "level": row.level,
        "title": titles[row.level] % {"name": row.connection.connection_name},
        "text": row.note,
        "url": reverse("syncs:snapshot_detail", args=[row.snapshot.pk]) if row.snapshot else "",
        "label": _("Why") if row.level != "success" else _("What changed"),
    }


def _history_row(snapshot: SyncSnapshot) -> dict[str, Any]:
    totals = list(snapshot.totals.all())
    return {
        "snapshot": snapshot,
        "level": LEVELS[SyncStatus(snapshot.status)],
        "problem": _problem(snapshot),
        "totals": totals,
        "explained": [_explained(total) for total in totals],
        "took": snapshot.finished_at - snapshot.started_at
        if snapshot.finished_at and snapshot.started_at
        else None,
        "who": snapshot.requested_by.display_name
        if snapshot.requested_by
        else snapshot.get_trigger_display(),
    }


def _explained(total: Any) -> Any:
    """Per cent of what is billed that our resources explain; None where nothing is billed."""
    if not total.billed_daily_cost:
        return None
    return max(0, 100 - abs(total.unexplained_daily_cost) * 100 / abs(total.billed_daily_cost))


def _problem(snapshot: SyncSnapshot) -> Explanation | None:
    return explain(snapshot.error, provider_type=snapshot.connection.provider_type)


def _event(change: queries.Change) -> dict[str, Any]:
    return {
        "state": change.state,
        "title": change_title(change),
        "changes": field_changes(change.changes, change.state.currency) if change.kind == "updated" else [],
        "effect": change.monthly_effect,
    }


def _finding(finding: dict[str, Any]) -> str:
    text = sentence(finding.get("message", ""), finding.get("params") or {})
    if finding.get("line"):
        return _("Line %(line)d: %(text)s") % {"line": finding["line"], "text": text}
    return text


def _numbers(text: str) -> list[int]:
    return [
        int(part) for part in text.split(",")[:200] if part.isascii() and part.isdigit() and len(part) < 18
    ]
