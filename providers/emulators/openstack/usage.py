"""What machines do: the same numbers for the same machine and instant, whoever asks.

A server's `use`: `cpu`, `cpu_max`, `memory` (per cent of the whole machine), `pattern`: `steady`, `weekdays`
(`weekend_cpu` on Saturday and Sunday), `work_hours` (Monday to Friday 9-18 local, otherwise nothing), `nights` (three
quarters of the work between 1 and 5 local).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

SATURDAY = 5
WORK_HOURS = range(9, 18)
NIGHT_HOURS = range(1, 5)
NIGHT_FACTOR = 4.5
DAY_FACTOR = 0.3  # 4 hours of 4.5 and 20 of 0.3 make 24
PEAK_EVERY = 200  # one five-minute slot in so many is a peak
SLOT_SECONDS = 300


def cpu_percent(server: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
    """Per cent of all its vCPUs, 0 to 100."""
    use = server.get("use", {})
    average = float(use.get("cpu", 10))
    peak = float(use.get("cpu_max", min(100.0, average * 2)))
    local = at + offset
    pattern = use.get("pattern", "steady")
    if pattern == "work_hours" and (local.weekday() >= SATURDAY or local.hour not in WORK_HOURS):
        return 0.0
    if pattern == "weekdays" and local.weekday() >= SATURDAY:
        return _waver(server["id"], float(use.get("weekend_cpu", average)), local, 0.1)
    if pattern == "nights":
        average *= NIGHT_FACTOR if local.hour in NIGHT_HOURS else DAY_FACTOR
    elif noise(server["id"], "peak", int(at.timestamp()) // SLOT_SECONDS) * PEAK_EVERY < 1:
        return peak
    return min(peak, _waver(server["id"], average, local, 0.1))


def memory_mb(server: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
    percent = float(server.get("use", {}).get("memory", 40))
    return _waver(f"{server['id']}/memory", percent, at + offset, 0.04) / 100 * int(server["ram_mb"])


def noise(*parts: object) -> float:
    """A number in [0, 1) that is always the same for the same parts."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _waver(name: str, average: float, local: datetime, width: float) -> float:
    """The average, a little more by day and less by night, with noise; its mean stays."""
    tide = math.sin((local.hour + local.minute / 60 - 9) / 24 * 2 * math.pi)
    jitter = 2 * noise(name, int(local.timestamp()) // 60) - 1
    return max(0.0, average * (1 + width * (tide + jitter) / 2))
