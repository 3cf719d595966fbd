"""Network, disks and balancers from Gnocchi: three questions a project and region, many machines in each.

Uncertain altogether: names are Ceilometer's, the query is Gnocchi's, and no public source shows this cloud answering it.
So whatever is refused, missing or unreadable here is no data and fails nothing. A meter comes as a rate (`….rate`, older
Ceilometer) or as a counter that only grows; both are asked for, and the rate wins. What Ceilometer counts is what the
hypervisor sees: `disk.device.usage` is what was ever written to a disk and not given back, never less than its files.
Source: Gnocchi's rest/aggregates, Ceilometer's gnocchi_resources.yaml.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from providers.contract.errors import PermissionDenied, ProviderError, UnexpectedResponse
from providers.contract.plugin import Period, complete
from providers.contract.records import ResourceRecord, ResourceStatus, ScopeResult, UsageRecord

from .client import Cloud, ServiceClient, broken
from .inventory import Project, incomplete, service_url
from .normalize import BYTES_IN_GIB, text
from .parallel import in_parallel
from .series import ROUTE, SERVICE_TYPE, Points, points

logger = logging.getLogger(__name__)

HOUR = 3600
GRANULARITIES = (HOUR, 300)
"""Hours where they are kept, else what Ceilometer always keeps, which is twelve times as much to read."""

POINTS_A_CALL = 100_000
"""Some six megabytes of answer."""

IDS_A_CALL = 50
USED_EVERY_HOURS = 6
"""How full a disk is moves slowly: one point in so many hours is kept."""

Key = tuple[str, ...]
Answer = dict[Key, list[dict[str, Points]]]
"""{values of the attributes it is grouped by: [{meter: points} of each thing in the group]}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One query of a place. `rates` are what our metrics are sums of, by the name of the counter; `levels` are read as
    they are.
    """

    name: str
    resource_type: str
    attribute: str
    groups: tuple[str, ...]
    rates: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, str] = field(default_factory=dict)

    @property
    def meters(self) -> list[str]:
        counters = [name for names in self.rates.values() for name in names]
        return [*counters, *(f"{name}.rate" for name in counters), *self.levels.values()]


NETWORK = Question(
    name="network",
    resource_type="instance_network_interface",
    attribute="instance_id",
    groups=("instance_id",),
    rates={"network_rx": ("network.incoming.bytes",), "network_tx": ("network.outgoing.bytes",)},
)
DISKS = Question(
    name="disks",
    resource_type="instance_disk",
    attribute="instance_id",
    groups=("instance_id", "name"),
    rates={
        "disk_iops": ("disk.device.read.requests", "disk.device.write.requests"),
        "disk_throughput": ("disk.device.read.bytes", "disk.device.write.bytes"),
    },
    levels={"disk_used_gib": "disk.device.usage"},
)
BALANCERS = Question(
    name="balancers",
    resource_type="loadbalancer",
    attribute="id",
    groups=("id",),
    rates={
        "network_rx": ("network.services.lb.incoming.bytes",),
        "network_tx": ("network.services.lb.outgoing.bytes",),
        # Connections that were opened: as many as requests, or fewer where clients keep theirs open.
        "request_rate": ("network.services.lb.total.connections",),
    },
    levels={"connections": "network.services.lb.active.connections"},
)
UNITS: Mapping[str, str] = {
    "network_rx": "bytes/s",
    "network_tx": "bytes/s",
    "disk_iops": "operations/s",
    "disk_throughput": "bytes/s",
    "disk_used_gib": "GiB",
    "request_rate": "requests/s",
    "connections": "connections",
}


@dataclass(slots=True, kw_only=True)
class Metered:
    """What the lists of one project and region showed that may have series.

    `volumes` maps a server and the name of a disk in it (`vda`) to the volume; `local` are servers with a disk of their
    own.
    """

    project: Project
    region_id: str
    servers: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    volumes: dict[tuple[str, str], str] = field(default_factory=dict)
    balancers: set[str] = field(default_factory=set)

    def add(self, record: ResourceRecord) -> None:
        if record.native_type == "server" and record.status is ResourceStatus.RUNNING:
            self.servers.add(record.resource_id)
            if record.specification.storage_gib:
                self.local.add(record.resource_id)
        elif record.native_type == "volume" and record.parent_id:
            disk = str(record.configuration.get("device", "")).removeprefix("/dev/")
            if disk:
                self.volumes[record.parent_id, disk] = record.resource_id
        elif record.native_type == "load_balancer":
            self.balancers.add(record.resource_id)

    def ids(self, question: Question) -> Sequence[str]:
        return sorted(self.balancers if question is BALANCERS else self.servers)

    def owner(self, question: Question, key: Key) -> str:
        """Whose series a group is; "" for a disk that nobody knows."""
        if question is not DISKS:
            return key[0] if key[0] in (self.balancers if question is BALANCERS else self.servers) else ""
        server_id, disk = key
        return self.volumes.get((server_id, disk), server_id if server_id in self.local else "")


def usage(cloud: Cloud, places: Iterable[Metered], period: Period) -> Iterator[UsageRecord | ScopeResult]:
    """Series of each place whose region measures, and one result each, ("usage", project, region, question)."""
    jobs = (
        partial(_read, cloud, place, question, period)
        for place in places
        for question in (NETWORK, DISKS, BALANCERS)
        if place.ids(question) and place.project.urls(SERVICE_TYPE).get(place.region_id)
    )
    for records, result in in_parallel(cloud, jobs):
        yield from records
        yield result


def rate(counter: Points, step: timedelta) -> Points:
    """What a counter grew by a second, from one step to the next; a gap or a counter that began anew says nothing."""
    return [
        (at, (value - before) / step.total_seconds())
        for (before_at, before), (at, value) in pairwise(counter)
        if at - before_at == step and value >= before
    ]


def _read(
    cloud: Cloud, place: Metered, question: Question, period: Period
) -> tuple[list[UsageRecord], ScopeResult]:
    scope = ("usage", place.project.project_id, "region", place.region_id, question.name)
    url = place.project.urls(SERVICE_TYPE)[place.region_id]
    client = ServiceClient(
        cloud,
        place.project.login,
        url=service_url(url, "/v1"),
        routes=(ROUTE,),
        api=SERVICE_TYPE,
        region=place.region_id,
    )
    found: dict[tuple[str, str], dict[Any, float]] = {}
    try:
        for granularity in GRANULARITIES:
            answers = list(_answers(cloud, client, place, question, period, granularity))
            for answer in answers:
                _add_up(found, place, question, answer, period, timedelta(seconds=granularity))
            if found:
                break
    except (PermissionDenied, UnexpectedResponse) as error:
        logger.info("%s is not measured: %s (%s)", "/".join(scope), error, error.operation)
        return [], complete(*scope)
    except ProviderError as error:
        return [], incomplete(scope, error)
    finally:
        client.close()
    records = [
        UsageRecord(
            resource_id=owner, metric=metric, unit=UNITS[metric], points=tuple(sorted(series.items()))
        )
        for (owner, metric), series in sorted(found.items())
        if series
    ]
    return records, complete(*scope)


def _answers(
    cloud: Cloud,
    client: ServiceClient,
    place: Metered,
    question: Question,
    period: Period,
    granularity: int,
) -> Iterator[Answer]:
    """The answers about all machines, some at a time; none where a step of this length is not kept."""
    start = period.start - timedelta(seconds=granularity)  # a counter's first step needs the one before it
    steps = max(1, int((period.end - start).total_seconds()) // granularity)
    batch = min(IDS_A_CALL, max(1, POINTS_A_CALL // (steps * len(question.meters))))
    ids = place.ids(question)
    params: dict[str, str | int | list[str]] = {
        "details": "false",
        "granularity": granularity,
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "stop": f"{period.end:%Y-%m-%dT%H:%M:%SZ}",
        "groupby": list(question.groups),
    }
    for first in range(0, len(ids), batch):
        body = {
            "operations": f"(metric {' '.join(f'({meter} mean)' for meter in question.meters)})",
            "search": {"in": {question.attribute: list(ids[first : first + batch])}},
            "resource_type": question.resource_type,
        }
        try:
            yield client.request(
                "POST", ROUTE.path, params=params, json=body, interpret=partial(_interpret, cloud, question)
            )
        except UnexpectedResponse as error:
            if error.params.get("status") not in (400, 404):
                raise  # else no such meter, no such kind of thing, or no such step


def _interpret(cloud: Cloud, question: Question, body: Any) -> Answer:
    """`[{"group": {…}, "measures": {"measures": {thing: {meter: {"mean": […]}}}}}]`; some versions have one `measures`."""
    answer: Answer = {}
    try:
        for each in body:
            key = tuple(text(each["group"][name]) for name in question.groups)
            measures = each["measures"]
            things = measures.get("measures", measures)
            answer.setdefault(key, []).extend(
                {meter: points(series["mean"]) for meter, series in thing.items()}
                for thing in things.values()
            )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise broken(cloud, "no measures", "POST /aggregates") from None
    return answer


def _add_up(
    found: dict[tuple[str, str], dict[Any, float]],
    place: Metered,
    question: Question,
    answer: Answer,
    period: Period,
    step: timedelta,
) -> None:
    """Put the answer's series to those they belong to; what has several (interfaces) has their sum."""
    for key, things in answer.items():
        owner = place.owner(question, key)
        if not owner:
            continue
        for thing in things:
            for metric, values in _metrics(question, thing, period, step):
                series = found.setdefault((owner, metric), {})
                for at, value in values:
                    if period.start <= at < period.end:
                        series[at] = series.get(at, 0.0) + value


def _metrics(
    question: Question, thing: Mapping[str, Points], period: Period, step: timedelta
) -> Iterator[tuple[str, Points]]:
    for metric, counters in question.rates.items():
        parts = [dict(_rate_of(thing, name, period, step)) for name in counters]
        common = set.intersection(*(set(part) for part in parts))
        yield metric, [(at, sum(part[at] for part in parts)) for at in sorted(common)]
    for metric, meter in question.levels.items():
        levels = thing.get(meter, [])
        if metric == "disk_used_gib":  # a disk that its host knows nothing of is said to hold nothing
            levels = [
                (at, value / float(BYTES_IN_GIB))
                for at, value in levels
                if value > 0 and at.hour % USED_EVERY_HOURS == at.minute == 0
            ]
        yield metric, levels


def _rate_of(thing: Mapping[str, Points], counter: str, period: Period, step: timedelta) -> Points:
    rates = thing.get(f"{counter}.rate")
    if rates:
        return [(at, max(value, 0.0)) for at, value in rates]
    whole = [(at, value) for at, value in thing.get(counter, []) if at + step <= period.end]
    return rate(whole, step)  # the mean of a step that is not over is that of its beginning
