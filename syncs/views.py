"""Pages of syncs: start one, watch it, read what came of it.

An answer of the panel (`syncs.panel`) that follows an end carries an event `sync-ended-<connection>` for that
connection's card and a toast; of a complete sync one toast tells the result. Pages that show sums of all connections
listen to `syncs-moved` (one began or ended, others go on) and `syncs-ended` (nothing runs any more).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from accounts.access import UserRequest, organization_required, writer_required
from providers import registry
from providers.messages import sentence
from providers.models import ProviderConnection
from syncs import complete, queries, services, tasks
from syncs.models import CompleteSync, SyncSnapshot, SyncStatus, SyncTrigger
from syncs.panel import LEVELS, Panel, PanelRow, numbers, problem_of, sync_panel, watched_complete

PAGE_SIZE = 50


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
    watched, told = numbers(request.GET.get("syncs", "")), set(numbers(request.GET.get("done", "")))
    complete_pk = watched_complete(request)
    panel = sync_panel(request, watched=watched, said=request.GET.get("said", ""), complete_pk=complete_pk)
    begun = [
        row
        for row in panel.rows
        if row.snapshot and row.is_active and complete_pk and row.snapshot.pk not in watched
    ]
    response = render(request, "syncs/_panel.html", {"panel": panel})
    _tell(response, panel, begun=[row.connection.pk for row in begun], told=told)
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
        address = reverse("connections")
        return redirect(address if watched is None else f"{address}?{urlencode({'complete': watched})}")
    panel = sync_panel(request, complete_pk=watched)
    response = render(request, "syncs/_panel.html", {"panel": panel})
    if note:
        level = "warning" if note[0] == messages.WARNING else "information"
        trigger_client_event(response, "toast", {"level": level, "title": note[1], "text": ""})
    else:
        begun = [row.connection.pk for row in panel.rows if row.snapshot and row.is_active]
        _tell(response, panel, begun=begun, told=set())
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
    panel = sync_panel(request, watched=[snapshot.pk for snapshot in started])
    response = render(request, "syncs/_panel.html", {"panel": panel})
    _tell(response, panel, begun=[snapshot.connection_id for snapshot in started], told=set())
    if notes:
        is_warning = any(level == messages.WARNING for level, _text in notes)
        toast = {
            "level": "warning" if is_warning else "information",
            "title": notes[0][1],
            "text": " ".join(text for _level, text in notes[1:]),
        }
        trigger_client_event(response, "toast", toast)
    return response


def _tell(response: HttpResponse, panel: Panel, *, begun: Iterable[int], told: set[int]) -> None:
    """Events for what the page shows beside the panel, and the toast; `begun` are connections, `told` snapshots."""
    names = [f"sync-started-{pk}" for pk in begun]
    ended = [row for row in panel.rows if row.snapshot and not row.is_active and row.snapshot.pk not in told]
    names += [f"sync-ended-{row.connection.pk}" for row in ended]
    if not panel.is_active and (ended or panel.complete is not None):
        names.append("syncs-ended")
    elif names:
        names.append("syncs-moved")
    for name in names:
        trigger_client_event(response, name, {}, after="settle")
    if panel.complete is not None and not panel.is_active:
        trigger_client_event(response, "toast", _complete_toast(panel, panel.complete))
    elif ended and panel.complete is None:
        trigger_client_event(response, "toast", _toast(ended))


def _complete_toast(panel: Panel, ended: CompleteSync) -> dict[str, Any]:
    return {
        "level": panel.level,
        "title": _("Update finished"),
        "text": panel.summary,
        "url": reverse("syncs:complete_detail", args=[ended.pk]),
        "label": _("Show") if panel.level == "success" else _("Why"),
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
        "problem": problem_of(snapshot),
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
