"""Celery doors of connections."""

from __future__ import annotations

from celery import shared_task

from providers import services
from providers.models import ProviderConnection

QUEUE = "scheduled"
"""Nobody waits for it: see docs/operations.md for who consumes which queue."""

DELETION_SECONDS = 240
"""How long one run deletes before it queues the next, so that syncs get at the worker in between."""


@shared_task
def continue_deletion(*, connection_id: int) -> None:
    """The rest of a deletion that took too long to wait for; nothing where somebody has switched it on again."""
    connection = ProviderConnection.objects.filter(pk=connection_id, is_active=False).first()
    if connection and not services.continue_deletion(connection=connection, seconds=DELETION_SECONDS):
        hand_out_deletion(connection_id)


def hand_out_deletion(connection_id: int) -> None:
    """Send what is left of a deletion to the workers, after the transaction."""
    continue_deletion.apply_async_on_commit(kwargs={"connection_id": connection_id}, queue=QUEUE)  # type: ignore[attr-defined]  # Celery's Django task
