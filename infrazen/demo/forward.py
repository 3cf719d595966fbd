"""The demo's clock moves on: hour by hour what the schedule says is synced, and the pages show a new day."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from accounts.models import Organization
from common import clock
from common.text import gettext_noop
from infrazen.demo import state
from infrazen.demo.emulators import Emulators, reached
from infrazen.demo.errors import DemoError
from infrazen.demo.history import RETRY_AFTER, Progress
from infrazen.demo.operations import (
    LOOK_SECONDS,
    QUIET_SECONDS,
    Work,
    operation,
    required_organization,
    required_state,
    wait_until_quiet,
)
from infrazen.demo.plan import Plan
from providers import scheduling
from providers.contract.errors import ProviderUnavailable
from providers.models import ProviderConnection
from syncs import complete
from syncs.models import CompleteSync, SyncSnapshot, SyncStatus, SyncTrigger
from syncs.services import MAX_ATTEMPTS, request_sync, run_snapshot

MOST_DAYS = 60
"""At a time: some minutes of work."""


def forward(*, days: int, listener: Progress | None = None) -> dict[str, int]:
    """Move the clock of this data folder, stopping wherever a connection of the demo is due, whose sync then runs.

    Works beside a running server and without one. Returns how many syncs ended how ({status: count}).
    Raises DemoError.
    """
    if not 1 <= days <= MOST_DAYS:
        raise DemoError(
            gettext_noop("The clock goes forward by 1 to %(most)s days at a time, not by %(days)s."),
            most=MOST_DAYS,
            days=days,
        )
    with operation("forward", listener) as work:
        organization = required_organization()
        with reached(required_state(), Plan.load(), settings.DATA) as emulators:
            start = timezone.now()
            for day in range(days):
                work.progress(day, days)
                _live_until(start + timedelta(days=day + 1), organization, emulators, work)
            work.progress(days, days)
        return work.syncs


def _live_until(moment: datetime, organization: Organization, emulators: Emulators, work: Work) -> None:
    connections = ProviderConnection.objects.of(organization)
    while due_at := connections.due(moment).aggregate(at=Min("next_sync_at"))["at"]:
        _settle(organization, work)
        _move_to(max(due_at, timezone.now()), emulators)
        for connection in connections.due(timezone.now()).order_by("next_sync_at", "pk"):
            _sync(connection, emulators, work)
    _settle(organization, work)
    _move_to(max(moment, timezone.now()), emulators)


def _sync(connection: ProviderConnection, emulators: Emulators, work: Work) -> None:
    """As the schedule would; what it found first, it runs itself."""
    if not scheduling.schedule_next_sync(connection=connection, now=timezone.now()):
        return
    snapshot, _joined = request_sync(connection=connection, trigger=SyncTrigger.SCHEDULED, now=timezone.now())
    for _attempt in range(MAX_ATTEMPTS):
        if _run(snapshot.pk, work):
            return
        _move_to(timezone.now() + RETRY_AFTER, emulators)


def _run(snapshot_id: int, work: Work) -> bool:
    """Whether it has ended, or is somebody else's; False where it is to be tried again later."""
    try:
        status = run_snapshot(snapshot_id=snapshot_id, now=timezone.now())
    except ProviderUnavailable:
        return False
    if status:
        work.count(status)
    return True


def _settle(organization: Organization, work: Work) -> None:
    """End what the server's own schedule began, a complete sync above all: none of it may last over a move.

    What it has queued for its worker is run here as well: whoever comes first takes it.
    """
    end = time.monotonic() + QUIET_SECONDS
    queued = SyncSnapshot.objects.of(organization).filter(status=SyncStatus.QUEUED)
    complete_syncs = CompleteSync.objects.of(organization).active()
    while time.monotonic() < end:
        for pk in complete_syncs.values_list("pk", flat=True):
            complete.advance_complete_sync(complete_sync_id=pk, now=timezone.now())
        if not complete_syncs.exists():
            return
        before = work.syncs
        for snapshot_id in list(queued.order_by("pk").values_list("pk", flat=True)):
            _run(snapshot_id, work)
        if work.syncs == before:
            time.sleep(LOOK_SECONDS)


def _move_to(moment: datetime, emulators: Emulators) -> None:
    """For the providers and for the product: one time."""
    wait_until_quiet()
    emulators.set_clock(moment)
    state.change(settings.DATA, ahead_seconds=(moment - clock.machine_now()).total_seconds())
    clock.look()
