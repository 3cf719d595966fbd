"""Time as the HTTP layer sees it: how long is left, and when the next call may go."""

from __future__ import annotations

import enum
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


class WaitReason(enum.StrEnum):
    """Why we wait, as `PluginContext.on_wait` is told; whoever shows it puts it into words."""

    PACE = "pace"
    RATE_LIMIT = "rate_limit"
    UNAVAILABLE = "provider_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What waits, what measures (seconds), and what spreads retries (a number from 0 to 1)."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    spread: Callable[[], float] = random.random


SYSTEM_CLOCK = Clock()


class Deadline:
    """`seconds` from now on, shared by all clients of one reading."""

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.seconds = seconds
        self._clock = clock
        self._ends = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; zero or less when time is over."""
        return self._ends - self._clock.monotonic()


class TokenBucket:
    """At most `burst` calls at once, and one more every `interval` seconds. Zero means no limit."""

    def __init__(self, *, interval: float, burst: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._interval = interval
        self._slack = interval * (burst - 1)
        self._clock = clock
        self._next = clock.monotonic()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Take a turn; returns the seconds to wait before using it."""
        with self._lock:
            now = self._clock.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._interval
            return max(0.0, turn - self._slack - now)
