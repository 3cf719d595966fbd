"""Celery doors of the sync services."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from providers.contract.errors import ProviderUnavailable
from syncs import imports, services


@shared_task(
    autoretry_for=(ProviderUnavailable,),
    max_retries=5,
    retry_backoff=30,
    retry_backoff_max=600,
    retry_jitter=True,
)
def run_snapshot(*, snapshot_id: int) -> None:
    services.run_snapshot(snapshot_id=snapshot_id, now=timezone.now())


@shared_task
def reap_stuck_snapshots() -> None:
    for snapshot_id in services.reap_stuck_snapshots(now=timezone.now()):
        run_snapshot.delay(snapshot_id=snapshot_id)


@shared_task
def retry_after_sync() -> None:
    services.retry_after_sync(now=timezone.now())


@shared_task
def remove_orphan_files() -> None:
    imports.remove_orphan_files(now=timezone.now())


@shared_task
def sync_due_connections() -> None:
    for snapshot_id in services.request_due_syncs(now=timezone.now()):
        run_snapshot.delay(snapshot_id=snapshot_id)
