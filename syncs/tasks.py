"""Celery doors of the sync services.

Two queues: what a person waits for goes to the default one, `interactive`; syncs that nobody waits for go to
`scheduled`. See docs/operations.md for who consumes which.
"""

from __future__ import annotations

from collections.abc import Iterable

from celery import shared_task
from django.utils import timezone

from providers.contract.errors import ProviderUnavailable
from syncs import complete, imports, services
from syncs.models import SyncSnapshot, SyncTrigger

INTERACTIVE_QUEUE = "interactive"
SCHEDULED_QUEUE = "scheduled"


@shared_task(
    autoretry_for=(ProviderUnavailable,),
    max_retries=5,
    retry_backoff=30,
    retry_backoff_max=600,
    retry_jitter=True,
)
def run_snapshot(*, snapshot_id: int) -> None:
    services.run_snapshot(snapshot_id=snapshot_id, now=timezone.now())
    hand_out(complete.advance_after(snapshot_id=snapshot_id, now=timezone.now()))


@shared_task
def advance_complete_sync(*, complete_sync_id: int) -> None:
    hand_out(complete.advance_complete_sync(complete_sync_id=complete_sync_id, now=timezone.now()))


@shared_task
def reap_stuck_snapshots() -> None:
    hand_out(services.reap_stuck_snapshots(now=timezone.now()))
    hand_out(complete.advance_all(now=timezone.now()))


@shared_task
def retry_after_sync() -> None:
    services.retry_after_sync(now=timezone.now())
    complete.retry_telling(now=timezone.now())


@shared_task
def remove_orphan_files() -> None:
    imports.remove_orphan_files(now=timezone.now())


@shared_task
def sync_due_connections() -> None:
    hand_out(services.request_due_syncs(now=timezone.now()))


@shared_task
def sync_due_organizations() -> None:
    for pk in complete.request_due_complete_syncs(now=timezone.now()):
        advance_complete_sync.delay(complete_sync_id=pk)


def hand_out(snapshot_ids: Iterable[int]) -> None:
    """Send snapshots to the workers in this order, each to its queue; the message is only a hint."""
    ids = list(snapshot_ids)
    triggers = dict(SyncSnapshot.objects.filter(pk__in=ids).values_list("pk", "trigger")) if ids else {}
    for snapshot_id in ids:
        is_scheduled = triggers.get(snapshot_id) == SyncTrigger.SCHEDULED
        queue = SCHEDULED_QUEUE if is_scheduled else INTERACTIVE_QUEUE
        run_snapshot.apply_async(kwargs={"snapshot_id": snapshot_id}, queue=queue)
