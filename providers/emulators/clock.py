"""The emulator's own idea of what time it is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """A settable clock: frozen at an instant, or running at an offset from real time.

    Everything an emulator does by time (events of the scenario, expiry of
    tokens, rate limits, balances) asks this clock and no other.
    """

    def __init__(self, now: datetime | None = None, *, running: bool | None = None) -> None:
        """Start at `now` (aware), or at real time.

        A clock started at an instant stands still unless `running` says
        otherwise; one started without an instant runs.
        """
        self._lock = threading.Lock()
        self._frozen_at: datetime | None = None
        self._offset = timedelta()
        self.set(now, running=running)

    @property
    def running(self) -> bool:
        with self._lock:
            return self._frozen_at is None

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        with self._lock:
            return self._frozen_at or datetime.now(UTC) + self._offset

    def set(self, now: datetime | None, *, running: bool | None = None) -> None:
        """Move to `now` (None is real time); raises ValueError for a naive instant."""
        if now is not None and now.tzinfo is None:
            raise ValueError("the clock needs an instant with a time zone")
        if running is None:
            running = now is None
        real = datetime.now(UTC)
        instant = real if now is None else now.astimezone(UTC)
        with self._lock:
            self._offset = instant - real if now is not None else timedelta()
            self._frozen_at = None if running else instant

    def advance(self, duration: timedelta) -> None:
        """Move by `duration`, staying frozen or running as before."""
        with self._lock:
            if self._frozen_at is None:
                self._offset += duration
            else:
                self._frozen_at += duration
