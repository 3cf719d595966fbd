"""The hold of one worker on one running snapshot: renewed while it works, lost when it dies."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from syncs.models import SyncSnapshot, SyncStatus

LEASE = timedelta(seconds=180)
"""Longer than the longest silence of a healthy sync: one HTTP call or one honoured Retry-After."""

HEARTBEAT_SECONDS = 1.0
NOTICEABLE_SECONDS = 2.0


class LeaseLost(Exception):
    """Another worker was given this snapshot, or it has been ended: stop without writing anything more."""


def assert_held(snapshot: SyncSnapshot) -> None:
    """Raise LeaseLost unless the worker that loaded this snapshot still holds it.

    Inside a transaction: on PostgreSQL the row stays locked to its end, on SQLite all of it is, so that nobody can be
    given the snapshot between this look and the commit.
    """
    held = (
        SyncSnapshot.objects.select_for_update(no_key=True)
        .filter(pk=snapshot.pk, status=SyncStatus.RUNNING, lease_token=snapshot.lease_token)
        .values_list("pk", flat=True)
        .first()
    )
    if held is None:
        raise LeaseLost


class Lease:
    def __init__(self, snapshot: SyncSnapshot, token: str) -> None:
        self._snapshot = snapshot
        self._token = token
        self._renewed = time.monotonic()
        self._phase = ""
        self._progress: dict[str, Any] = {}

    @classmethod
    def new_token(cls) -> str:
        return secrets.token_hex(16)

    @property
    def token(self) -> str:
        return self._token

    def report(self, *, phase: str = "", **progress: Any) -> None:
        """Say where the sync is; renews the lease, at most once a second unless the phase changed."""
        is_new_phase = bool(phase) and phase != self._phase
        self._phase = phase or self._phase
        self._progress.update(progress)
        if is_new_phase or time.monotonic() - self._renewed >= HEARTBEAT_SECONDS:
            self._renew()

    def waiting(self, seconds: float, reason: str) -> None:
        """A wait is about to begin: show it if a person would notice it, and make the lease outlive it."""
        if seconds < NOTICEABLE_SECONDS:
            self.report()
            return
        self._progress.update(waiting_seconds=round(seconds), waiting_reason=reason)
        self._renew(extra=timedelta(seconds=seconds))
        self._progress.pop("waiting_seconds")
        self._progress.pop("waiting_reason")

    def _renew(self, extra: timedelta = timedelta()) -> None:
        self._renewed = time.monotonic()
        held = SyncSnapshot.objects.filter(
            pk=self._snapshot.pk, status=SyncStatus.RUNNING, lease_token=self._token
        ).update(lease_expires_at=timezone.now() + LEASE + extra, phase=self._phase, progress=self._progress)
        if not held:
            raise LeaseLost
