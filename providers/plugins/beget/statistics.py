"""What machines, databases and buckets do, from Beget's statistics: one call a kind and thing, one at a time.

| of | at each sync | once a day |
|---|---|---|
| VPS | cpu, memory | network, disk |
| database | cpu, memory | network, disk |
| bucket | quota | traffic-usage, count-request |

Space used on disks comes with the lists of VPS and databases and needs no call. Beget keeps windows that end now (an hour,
a day, a week, a month): the shortest that holds the time is asked for. It documents no units but of CPU and memory; network
and disks are taken for bytes a second, traffic and requests of buckets for how many there were in each step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from providers.contract.errors import PermissionDenied, ProviderError, UnexpectedResponse
from providers.contract.plugin import SLOW_SERIES, Period
from providers.contract.records import UsageRecord

from .client import CloudClient
from .normalize import usage
from .normalize.usage import Points

logger = logging.getLogger(__name__)

WINDOWS: tuple[tuple[timedelta, str], ...] = (
    (timedelta(hours=1), "HOUR"),
    (timedelta(days=1), "DAY"),
    (timedelta(days=7), "WEEK"),
)
LONGEST_WINDOW = "MONTH"

PATHS: Mapping[str, str] = {
    "vps": "/v1/vps/statistic/{kind}/{id}",
    "mysql": "/v1/cloud/mysql/{id}/statistic/{kind}",
    "postgresql": "/v1/cloud/postgresql/{id}/statistic/{kind}",
    "s3": "/v1/cloud/s3/{id}/statistic/{kind}",
}
READING_METHODS = ("method_get", "method_head")
METHODS = (*READING_METHODS, "method_post", "method_put", "method_delete", "method_options")
A_MOMENT = timedelta(seconds=1)
"""Lists are read before the sync's instant is over; what they tell of use is put so far before it."""

UNITS: Mapping[str, str] = {
    "cpu_percent": "%",
    "memory_mib": "MiB",
    "memory_percent": "%",
    "disk_used_gib": "GiB",
    "disk_throughput": "bytes/s",
    "network_rx": "bytes/s",
    "network_tx": "bytes/s",
    "request_rate": "requests/s",
    "read_request_rate": "requests/s",
}

Found = Iterator[tuple[str, Points]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What statistics can be asked for: kind is vps, mysql, postgresql or s3."""

    resource_id: str
    kind: str
    cores: int | None
    memory_mib: int | None
    disk_used_gib: float | None = None


class Statistics:
    """The series of one reading; `now` is its instant."""

    def __init__(self, cloud: CloudClient, *, period: Period, now: datetime) -> None:
        self._cloud = cloud
        self._period = period
        self._now = now
        self._is_first_of_day = period.start.date() != now.date()

    def read(self, machine: Measured) -> Iterator[UsageRecord]:
        """All that is known of one thing; what fails keeps the rest and is raised at its end.

        Of what is read once a day a kind that is not there, or that nobody can read, is no data and no failure.
        """
        late: ProviderError | None = None
        for kind in self._kinds(machine):
            try:
                yield from self._records(machine, kind, self._period.start)
            except UnexpectedResponse as error:
                late = late or error
        for kind in self._daily_kinds(machine) if self._is_first_of_day else ():
            try:
                yield from self._records(machine, kind, min(self._period.start, self._now - SLOW_SERIES))
            except (UnexpectedResponse, PermissionDenied) as error:
                logger.info("usage of %s is incomplete: %s (%s)", machine.resource_id, error, error.operation)
        if late is not None:
            raise late

    def _kinds(self, machine: Measured) -> tuple[Callable[[Measured, str], Found], ...]:
        if machine.kind == "s3":
            return (self._stored,)
        return (self._cpu, self._memory, self._disk_used)

    def _daily_kinds(self, machine: Measured) -> tuple[Callable[[Measured, str], Found], ...]:
        return (self._traffic, self._requests) if machine.kind == "s3" else (self._network, self._disk)

    def _records(
        self, machine: Measured, kind: Callable[[Measured, str], Found], start: datetime
    ) -> Iterator[UsageRecord]:
        for metric, found in kind(machine, _window(self._now - start)):
            points = tuple(point for point in found if start <= point[0] < self._period.end)
            if points:
                yield UsageRecord(
                    resource_id=machine.resource_id, metric=metric, unit=UNITS[metric], points=points
                )

    # ---- machines -----------------------------------------------------------------------------------------

    def _cpu(self, machine: Measured, window: str) -> Found:
        yield "cpu_percent", usage.cpu_percent(self._series(machine, "cpu", window)("cpu"), machine.cores)

    def _memory(self, machine: Measured, window: str) -> Found:
        memory = self._series(machine, "memory", window)("memory")
        yield "memory_mib", memory
        if machine.memory_mib:
            yield "memory_percent", usage.memory_percent(memory, machine.memory_mib)

    def _disk_used(self, machine: Measured, window: str) -> Found:
        if machine.disk_used_gib is not None:
            yield "disk_used_gib", [(self._now - A_MOMENT, machine.disk_used_gib)]

    def _network(self, machine: Measured, window: str) -> Found:
        """Over the public and the private interface together."""
        series = self._series(machine, "network", window)
        yield "network_rx", usage.total(series("data_rx"), series("data_rx_private"))
        yield "network_tx", usage.total(series("data_tx"), series("data_tx_private"))

    def _disk(self, machine: Measured, window: str) -> Found:
        """Beget tells how much is read and written, and not in how many operations."""
        series = self._series(machine, "disk", window)
        yield "disk_throughput", usage.total(series("data_read"), series("data_write"))

    # ---- buckets ------------------------------------------------------------------------------------------

    def _stored(self, machine: Measured, window: str) -> Found:
        sizes = self._series(machine, "quota", window)("size")
        yield "disk_used_gib", [(instant, value / 1024) for instant, value in sizes]

    def _traffic(self, machine: Measured, window: str) -> Found:
        yield "network_tx", _by_second(self._series(machine, "traffic-usage", window)("data_tx"))

    def _requests(self, machine: Measured, window: str) -> Found:
        series = self._series(machine, "count-request", window)
        counts = {method: series(method) for method in METHODS}
        yield "request_rate", _by_second(usage.total(*counts.values()))
        yield "read_request_rate", _by_second(usage.total(*(counts[method] for method in READING_METHODS)))

    def _series(self, machine: Measured, kind: str, window: str) -> Callable[[str], Points]:
        """Reads the series of one answer by their keys."""
        path = PATHS[machine.kind]
        answer = self._cloud.get(path, params={"period": window}, id=machine.resource_id, kind=kind)
        return partial(_points, answer, f"GET {path}")


def _points(answer: Mapping[str, Any], operation: str, key: str) -> Points:
    return usage.series(answer.get(key), operation)


def _window(age: timedelta) -> str:
    return next((name for length, name in WINDOWS if age <= length), LONGEST_WINDOW)


def _by_second(counts: Points) -> Points:
    """Of how many there were in each step: the steps are as long as the shortest of them, where there are two."""
    step = min((later - earlier for (earlier, _), (later, _) in pairwise(counts)), default=None)
    return [] if step is None else [(at, value / step.total_seconds()) for at, value in counts]
