"""The panel of progress: what is synced now, a row per connection, in the reader's language.

It polls itself while something runs. Its address carries what it watches: `syncs` are the shown snapshots, `done` those
of them whose end has been told already, `said` the phases that have been announced to assistive technology, which hears
of a phase once and not at every poll. Of a complete sync (`complete` in the address) the rows stay in their order, also
those that wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import UserRequest
from providers.badges import badge_of, series_of
from providers.messages import Explanation, explain
from providers.models import ProviderConnection
from syncs import complete_queries, queries, services
from syncs.models import CompleteSync, ProviderSyncReference, SyncSnapshot, SyncStatus

RESULTS = (SyncStatus.SUCCESS, SyncStatus.PARTIAL, SyncStatus.ERROR)
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
            return self.complete.started_at or timezone.now()  # a retry's own, not of the run before
        return min((row.snapshot.requested_at for row in self.rows if row.snapshot), default=None)

    @property
    def elapsed(self) -> timedelta | None:
        if self.complete is not None:
            began, now = self.complete.started_at, timezone.now()
            return (self.complete.finished_at or now) - began if began else timedelta()
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
        return counted_results(Counter(row.status for row in self.rows))


def counted_results(counts: Mapping[str, int]) -> str:
    """`3 done, 1 partial, 1 failed`; what there is none of is left out."""
    done, partial, failed = (counts.get(status, 0) for status in RESULTS)
    parts = [
        done and ngettext("%(count)d done", "%(count)d done", done) % {"count": done},
        partial and ngettext("%(count)d partial", "%(count)d partial", partial) % {"count": partial},
        failed and ngettext("%(count)d failed", "%(count)d failed", failed) % {"count": failed},
    ]
    return ", ".join(part for part in parts if part)


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
        problem = problem_of(snapshot)
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


def problem_of(snapshot: SyncSnapshot) -> Explanation | None:
    return explain(snapshot.error, provider_type=snapshot.connection.provider_type)


def watched_complete(request: UserRequest) -> int | None:
    """The complete sync that an address asks to see, also when it has ended: `complete`."""
    return next(iter(numbers(request.GET.get("complete", ""))), None)


def numbers(text: str) -> list[int]:
    """Row numbers in an address, separated by commas; what is none is passed over."""
    return [
        int(part) for part in text.split(",")[:200] if part.isascii() and part.isdigit() and len(part) < 18
    ]
