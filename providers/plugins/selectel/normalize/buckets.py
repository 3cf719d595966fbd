"""How much buckets are used, by the day, as the bill counts it: it names traffic and requests whose price is use.

A bucket that the bill names nothing of was used by nobody, but only where it names the same of some bucket of the account
on that day: what a class of storage gives for nothing is in no bill. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from providers.contract.plugin import SLOW_SERIES, Period
from providers.contract.records import UsageRecord

from .billing import Row

DAY_SECONDS = timedelta(days=1).total_seconds()
BYTES_IN_MB = 1024 * 1024
TRAFFIC, WRITES, READS = "traffic-mb", "traffic-req-put", "traffic-req-get"
UNITS = {"network_tx": "bytes/s", "request_rate": "requests/s", "read_request_rate": "requests/s"}


class BucketDays:
    """Quantities of each bucket and day: add rows of whole days, then ask for series."""

    def __init__(self) -> None:
        self._quantities: dict[str, dict[datetime, dict[str, float]]] = {}
        self._billed: dict[datetime, set[str]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        for each in rows:
            if each.kind != "bucket":
                continue
            days = self._quantities.setdefault(each.resource_id, {})
            metrics = days.setdefault(each.start, {})
            metrics[each.metric_id] = metrics.get(each.metric_id, 0.0) + float(each.quantity)
            self._billed.setdefault(each.start, set()).add(each.metric_id)

    def series(self, buckets: Collection[str], period: Period) -> Iterator[UsageRecord]:
        """Of those of the buckets that were billed: one point a day, at its beginning."""
        for resource_id in sorted(set(buckets) & set(self._quantities)):
            found: dict[str, list[tuple[datetime, float]]] = {}
            for start, quantities in sorted(self._quantities[resource_id].items()):
                if period.start - SLOW_SERIES <= start < period.end:
                    for metric, value in _rates(quantities, self._billed[start]):
                        found.setdefault(metric, []).append((start, value))
            for metric, points in found.items():
                yield UsageRecord(
                    resource_id=resource_id, metric=metric, unit=UNITS[metric], points=tuple(points)
                )


def _rates(quantities: dict[str, float], billed: Collection[str]) -> Iterator[tuple[str, float]]:
    reads = quantities.get(READS, 0.0)
    if TRAFFIC in billed:
        yield "network_tx", quantities.get(TRAFFIC, 0.0) * BYTES_IN_MB / DAY_SECONDS
    if READS in billed:
        yield "read_request_rate", reads / DAY_SECONDS
    if {READS, WRITES} <= set(billed):
        yield "request_rate", (reads + quantities.get(WRITES, 0.0)) / DAY_SECONDS
