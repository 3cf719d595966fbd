"""Time that moves only while somebody waits; stands in for `providers.http.Clock`."""

from __future__ import annotations


class StillClock:
    """`slept` is every wait in seconds, `passed` the time since the beginning; `jitter` spreads retries."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.passed = 0.0
        self.jitter = 1.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def monotonic(self) -> float:
        return self.passed

    def spread(self) -> float:
        return self.jitter
