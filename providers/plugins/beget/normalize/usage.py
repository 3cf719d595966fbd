"""Time series from two parallel arrays."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from providers.plugins.beget.client import unexpected

from .values import (
    BYTES_IN_GIB,
    cloud_instant,
    number,
    text,
)

Points = list[tuple[datetime, float]]


def series(value: Any, operation: str) -> Points:
    """Points of two parallel arrays `date` and `value`, ascending, one an instant, zipped to the shorter one."""
    if not isinstance(value, dict):
        return []
    dates, values = value.get("date") or [], value.get("value") or []
    if not isinstance(dates, list) or not isinstance(values, list):
        raise unexpected("no series", operation)
    points: dict[datetime, float] = {}
    for moment, raw in zip(dates, values, strict=False):
        instant = _instant(text(moment))
        amount = raw if type(raw) is Decimal else number(raw, operation)
        if instant is not None and amount is not None:
            points[instant] = float(amount)
    return sorted(points.items())


@lru_cache(maxsize=1024)
def _instant(moment: str) -> datetime | None:
    """Remembered, for every series of a window has the same instants."""
    return cloud_instant(moment)


def cpu_percent(points: Points, cores: int | None) -> Points:
    """Per cent of the whole machine: a peak above 100 shows that Beget sent the sum over the cores."""
    peak = max((value for _, value in points), default=0.0)
    share = cores if peak > 100 and cores else 1
    return [(instant, min(value / share, 100.0)) for instant, value in points]


def memory_percent(points: Points, memory_mib: int) -> Points:
    return [(instant, min(value * 100 / memory_mib, 100.0)) for instant, value in points]


def total(*parts: Points) -> Points:
    """The sum of series at each instant that one of them has: a series without values is left out on the wire."""
    sums: dict[datetime, float] = {}
    for part in parts:
        for instant, value in part:
            sums[instant] = sums.get(instant, 0.0) + max(value, 0.0)
    return sorted(sums.items())


def disk_used_gib(used: Decimal | None, disk_mib: int | None, *, is_bytes: bool) -> float | None:
    """Space used, from a list; nothing used is what is left out on the wire, and says nothing.

    A VPS has it in MB, in bytes where that were a thousand times its disk (API reference, section 3.2); a database in
    bytes.
    """
    if not used:
        return None
    if is_bytes or (disk_mib and used > 1000 * disk_mib):
        return float(used / BYTES_IN_GIB)
    return float(used / 1024)
