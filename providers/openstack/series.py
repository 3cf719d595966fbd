"""CPU and memory of servers from Gnocchi: two queries a server, several servers at a time.

A missing metric is 404 and means no data. Source: Gnocchi's aggregates API as Selectel's control panel uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from providers.contract.errors import ProviderError
from providers.contract.plugin import Period, complete
from providers.contract.records import ResourceRecord, ScopeResult, UsageRecord
from providers.http import Route

from .client import Cloud, ServiceClient, broken, is_missing
from .inventory import Project, incomplete, service_url
from .normalize import instant, text
from .parallel import in_parallel

Points = list[tuple[datetime, float]]

GRANULARITY = 300
CPU = "(max (metric cpu_util mean) (/ (clip_min (rateofchangesec (metric cpu_average mean)) 0) 10000000))"
MEMORY = "(metric memory.usage mean)"
SERVICE_TYPE = "metric"
ROUTE = Route(method="POST", path="/aggregates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A running server and where its series are; `url` is "" where its region has none."""

    server_id: str
    project: Project
    region_id: str
    url: str
    memory_mib: int | None

    @classmethod
    def of(cls, record: ResourceRecord, project: Project) -> Measured:
        return cls(
            server_id=record.resource_id,
            project=project,
            region_id=record.region_id,
            url=project.urls(SERVICE_TYPE).get(record.region_id, ""),
            memory_mib=record.specification.memory_mib,
        )


def usage(cloud: Cloud, servers: Iterable[Measured], period: Period) -> Iterator[UsageRecord | ScopeResult]:
    """Series of each server whose region measures, and one result each, ("usage", id)."""
    jobs = (partial(_read, cloud, server, period) for server in servers if server.url)
    for records, result in in_parallel(cloud, jobs):
        yield from records
        yield result


def points(value: Any) -> Points:
    """Measures `[instant, granularity, value]`, ascending, one an instant; null values are left out."""
    if not isinstance(value, list):
        raise TypeError("no list of measures")
    found: dict[datetime, float] = {}
    for measure in value:
        moment, _, amount = measure
        at = _instant(text(moment))
        if at is not None and isinstance(amount, int | Decimal) and not isinstance(amount, bool):
            found[at] = float(amount)
    return sorted(found.items())


@lru_cache(maxsize=16_384)
def _instant(moment: str) -> datetime | None:
    """Remembered, for every series of a period has the same instants."""
    return instant(moment)


def memory_percent(megabytes: Points, memory_mib: int) -> Points:
    return [(at, min(value * 100 / memory_mib, 100.0)) for at, value in megabytes]


def _read(cloud: Cloud, server: Measured, period: Period) -> tuple[list[UsageRecord], ScopeResult]:
    scope = ("usage", server.server_id)
    client = ServiceClient(
        cloud,
        server.project.login,
        url=service_url(server.url, "/v1"),
        routes=(ROUTE,),
        api=SERVICE_TYPE,
        region=server.region_id,
    )
    records: list[UsageRecord] = []
    try:
        cpu = _series(cloud, client, server, period, CPU, ("aggregated",))
        memory = _series(cloud, client, server, period, MEMORY, (server.server_id, "memory.usage", "mean"))
    except ProviderError as error:
        return records, incomplete(scope, error)
    finally:
        client.close()
    capped = [(at, min(max(value, 0.0), 100.0)) for at, value in cpu]
    _add(records, server, "cpu_percent", "%", capped)
    _add(records, server, "memory_mib", "MiB", memory)
    if server.memory_mib:
        _add(records, server, "memory_percent", "%", memory_percent(memory, server.memory_mib))
    return records, complete(*scope)


def _series(
    cloud: Cloud,
    client: ServiceClient,
    server: Measured,
    period: Period,
    operations: str,
    keys: tuple[str, ...],
) -> Points:
    def read(body: Any) -> Points:
        try:
            found = body["measures"]
            for key in keys:
                found = found[key]
            return [point for point in points(found) if period.start <= point[0] < period.end]
        except (KeyError, TypeError, ValueError):
            raise broken(cloud, "no measures", "POST /aggregates") from None

    try:
        return client.request(
            "POST",
            ROUTE.path,
            params={
                "details": "false",
                "granularity": GRANULARITY,
                "start": f"{period.start:%Y-%m-%dT%H:%M:%SZ}",
                "stop": f"{period.end:%Y-%m-%dT%H:%M:%SZ}",
            },
            json={"operations": operations, "search": f"id={server.server_id}", "resource_type": "generic"},
            interpret=read,
        )
    except ProviderError as error:
        if is_missing(error):
            return []
        raise


def _add(records: list[UsageRecord], server: Measured, metric: str, unit: str, found: Points) -> None:
    if found:
        records.append(
            UsageRecord(resource_id=server.server_id, metric=metric, unit=unit, points=tuple(found))
        )
