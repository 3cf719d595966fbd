"""The writers of recommendations."""

from __future__ import annotations

from datetime import datetime

from syncs.models import SyncSnapshot


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """A hook of `settings.AFTER_SYNC`."""
