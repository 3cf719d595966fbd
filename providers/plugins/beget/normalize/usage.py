"""Time series from two parallel arrays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from providers.plugins.beget.client import unexpected

from .values import (
    cloud_instant,
    number,
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
        instant, amount = cloud_instant(moment), number(raw, operation)
        if instant is not None and amount is not None:
            points[instant] = float(amount)
    return sorted(points.items())


def cpu_percent(points: Points, cores: int | None) -> Points:
    """Per cent of the whole machine: a peak above 100 shows that Beget sent the sum over the cores."""
    peak = max((value for _, value in points), default=0.0)
    share = cores if peak > 100 and cores else 1
    return [(instant, min(value / share, 100.0)) for instant, value in points]


def memory_percent(points: Points, memory_mib: int) -> Points:
    return [(instant, min(value * 100 / memory_mib, 100.0)) for instant, value in points]
