"""Series of use: the same numbers for the same machine, metric and instant, whoever asks.

A machine's `use` in the scenario:

| field | meaning | default |
|---|---|---|
| `cpu`, `cpu_max` | per cent of the whole machine, average and peaks | 10, twice the average (to 100) |
| `memory` | per cent, average | 40 |
| `disk_gb` | space used | a third of the disk |
| `network_kbps`, `iops` | kB a second each way, operations a second | 120, 40 |
| `pattern` | `steady`, `work_hours` (Mon-Fri 9-18 local, otherwise nothing), `weekdays` (`weekend_cpu` at weekends) | steady |

Units: CPU per cent of the whole machine (never above 100), memory and disk
usage MB, disk and network bytes a second. Beget documents none of them but
memory and CPU; the others are guesses, which the plugin shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from providers.emulators.beget.account import noise

STEPS = {
    "HOUR": (timedelta(minutes=1), 60),
    "DAY": (timedelta(minutes=5), 288),
    "WEEK": (timedelta(minutes=30), 336),
    "MONTH": (timedelta(hours=2), 360),
    "YEAR": (timedelta(days=1), 365),
}
SAMPLES_IN_STEP = 4
PEAK_EVERY = 200  # one five-minute slot in so many is a peak
PEAK_SECONDS = 300
WORK_HOURS = range(9, 18)
SATURDAY = 5
MB = 1024 * 1024

State = Callable[[datetime], "Mapping[str, Any] | None"]
Value = Callable[[Mapping[str, Any], datetime], float]


class Machine:
    """Series of one machine, whose state at an instant `state` gives (None: no points)."""

    def __init__(self, name: str, state: State, utc_offset: timedelta) -> None:
        self._name = name
        self._state = state
        self._offset = utc_offset

    def series(self, value: Value, period: str, at: datetime) -> dict[str, list[Any]]:
        """`{"date": […], "value": […]}` for the period before an instant, oldest first."""
        dates: list[str] = []
        values: list[float] = []
        step, count = STEPS.get(period, STEPS["HOUR"])
        for instant in _instants(step, count, at):
            point = self._average(value, instant, step)
            if point is not None:
                dates.append(instant.strftime("%Y-%m-%dT%H:%M:%SZ"))
                values.append(round(point, 2))
        return {"date": dates, "value": values}

    def _average(self, value: Value, instant: datetime, step: timedelta) -> float | None:
        """The mean over the step, so that long steps keep the pattern of short ones."""
        if step <= timedelta(minutes=5):
            state = self._state(instant)
            return None if state is None else value(state, instant)
        points = []
        for sample in range(SAMPLES_IN_STEP):
            sampled_at = instant + step * sample / SAMPLES_IN_STEP
            state = self._state(sampled_at)
            if state is not None:
                points.append(value(state, sampled_at))
        return sum(points) / len(points) if points else None

    def cpu(self, state: Mapping[str, Any], at: datetime) -> float:
        use = state.get("use", {})
        average = float(use.get("cpu", 10))
        peak = float(use.get("cpu_max", min(100.0, average * 2)))
        weekend = float(use.get("weekend_cpu", average))
        pattern = use.get("pattern", "steady")
        return _cpu_percent(self._name, average, peak, weekend, pattern, at, self._offset)

    def memory(self, state: Mapping[str, Any], at: datetime) -> float:
        per_cent = float(state.get("use", {}).get("memory", 40))
        used = _waver(self._name, per_cent, at, "memory", self._offset, width=0.04)
        return used / 100 * int(state["memory_gb"]) * 1024

    def disk_usage(self, state: Mapping[str, Any], at: datetime) -> float:
        return disk_used_mb(state)

    def disk_read(self, state: Mapping[str, Any], at: datetime) -> float:
        return self._busy(state, at) * float(state.get("use", {}).get("iops", 40)) * 4096

    def received(self, state: Mapping[str, Any], at: datetime) -> float:
        return self._busy(state, at) * float(state.get("use", {}).get("network_kbps", 120)) * 1024

    def load(self, state: Mapping[str, Any], at: datetime) -> float:
        return self.cpu(state, at) / 100 * int(state["cpu_count"])

    def _busy(self, state: Mapping[str, Any], at: datetime) -> float:
        """CPU as a share of its average: input and output follow the work."""
        average = float(state.get("use", {}).get("cpu", 10))
        return self.cpu(state, at) / average if average else 0.0


@lru_cache(maxsize=8192)
def _cpu_percent(
    name: str, average: float, peak: float, weekend: float, pattern: str, at: datetime, offset: timedelta
) -> float:
    """Remembered, for network and disks ask for the same instants."""
    local = at + offset
    if pattern == "work_hours" and (local.weekday() >= SATURDAY or local.hour not in WORK_HOURS):
        return 0.0
    if pattern == "weekdays" and local.weekday() >= SATURDAY:
        return _waver(name, weekend, at, "cpu", offset)
    slot = int(at.timestamp()) // PEAK_SECONDS
    if noise(name, "peak", slot) * PEAK_EVERY < 1:
        return peak
    return min(peak, _waver(name, average, at, "cpu", offset))


def _waver(
    name: str, average: float, at: datetime, metric: str, offset: timedelta, *, width: float = 0.1
) -> float:
    """The average, a little less by night and more by day, with noise of a minute; its mean stays."""
    hour = (at + offset).hour + at.minute / 60
    tide = math.sin((hour - 9) / 24 * 2 * math.pi)
    jitter = 2 * noise(name, metric, int(at.timestamp()) // 60) - 1
    return max(0.0, average * (1 + width * (tide + jitter) / 2))


def disk_used_mb(state: Mapping[str, Any]) -> int:
    """Space used, MB."""
    used_gb = state.get("use", {}).get("disk_gb")
    return int(used_gb) * 1024 if used_gb is not None else int(state["disk_gb"]) * 1024 // 3


def instants(period: str, at: datetime) -> list[datetime]:
    """Instants of the points of a period, whole steps, oldest first."""
    return _instants(*STEPS.get(period, STEPS["HOUR"]), at)


def _instants(step: timedelta, count: int, at: datetime) -> list[datetime]:
    seconds = int(step.total_seconds())
    last = int(at.timestamp()) // seconds * seconds
    return [datetime.fromtimestamp(last - back * seconds, UTC) for back in range(count, 0, -1)]
