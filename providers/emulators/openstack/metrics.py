"""Gnocchi: series of use, of servers by themselves, of interfaces, disks and balancers by groups.

Interfaces and disks have rates, balancers counters that only grow, as Ceilometer's pollsters of different age leave them.
Fields of the scenario's things: `usage.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from providers.emulators.openstack import usage
from providers.emulators.openstack.identity import Identity
from providers.emulators.openstack.service import Call, Service
from providers.emulators.openstack.storage import disk_of
from providers.emulators.wire import Request, Response

HISTORY_DAYS = 90
RUNNING = ("ACTIVE", "IN-USE")
GRANULARITIES = (300, 3600, 86_400)
METRIC = re.compile(r"\(metric ([\w.]+) mean\)")
SEVERAL = re.compile(r"\(([\w.]+) mean\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`ids` are the values of `attribute` that are searched for."""

    operations: str
    resource_type: str
    attribute: str
    ids: Sequence[str]


class Gnocchi(Service):
    family = "gnocchi"
    kind = "metric"
    prefix = "v1"
    over_limit_status = 429

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {"aggregates": self._aggregates}

    def _aggregates(self, call: Call) -> Response:
        question = _question(call.request)
        if question is None:
            return self.error(400, "Invalid input: not a JSON object with operations and search")
        query = call.request.query
        try:
            granularity = int(float(query.get("granularity", "300")))
            start, stop = (_instant(query[name]) for name in ("start", "stop"))
        except (KeyError, ValueError):
            return self.error(400, "Unable to parse start, stop or granularity")
        groups = call.request.values("groupby")
        if groups:
            return self._grouped(call, question, groups, start, stop, granularity)
        operations, wanted = question.operations, next(iter(question.ids), "")
        machine = _described(call, "server", wanted)
        metrics = METRIC.findall(operations)
        known = {"cpu_util", "cpu_average", "memory.usage"}
        if machine is None or not metrics or not set(metrics) <= known or granularity not in GRANULARITIES:
            return self.error(404, "Metrics not found")
        if call.at - call.cloud.scenario.created_at(machine) < timedelta(seconds=granularity):
            return self.error(404, "Aggregates for this granularity do not exist yet")
        is_cpu = "cpu_util" in metrics
        value = usage.cpu_percent if is_cpu else usage.memory_mb
        points = _points(call, machine, value, start, stop, granularity)
        if not points:
            return self.error(404, "Metrics not found")
        if is_cpu:
            return Response(payload={"measures": {"aggregated": points}})
        return Response(payload={"measures": {wanted: {metrics[0]: {"mean": points}}}})

    def _grouped(
        self,
        call: Call,
        question: Question,
        groups: Sequence[str],
        start: datetime,
        stop: datetime,
        granularity: int,
    ) -> Response:
        if question.resource_type not in KINDS:
            return self.error(400, f"Resource type {question.resource_type} does not exist")
        if granularity not in GRANULARITIES:
            return self.error(404, "Metrics not found")
        meters = SEVERAL.findall(question.operations)
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for attributes, thing, values in KINDS[question.resource_type](call, question.ids):
            known: dict[usage.Value, list[list[Any]]] = {}
            measures = {}
            for meter in meters:
                if meter not in values:
                    continue
                value, factor = values[meter]
                if value not in known:
                    known[value] = _points(call, thing, value, start, stop, granularity)
                if known[value]:
                    measures[meter] = {"mean": [[*at, round(one * factor, 3)] for *at, one in known[value]]}
            if measures:
                group = found.setdefault(tuple(attributes[name] for name in groups), {})
                group[attributes["id"]] = measures
        if not found:
            return self.error(404, "Metrics not found")
        return Response(
            payload=[
                {"group": dict(zip(groups, key, strict=True)), "measures": {"measures": things}}
                for key, things in sorted(found.items())
            ]
        )

    def error(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
        titles = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
        body = {
            "code": status,
            "title": titles.get(status, "Internal Server Error"),
            "description": {"cause": message},
        }
        return Response(status=status, payload=body, headers=headers or {})

    def violation(self, request: Request) -> str | None:
        if request.method == "POST" and request.path.rstrip("/").endswith("/v1/aggregates"):
            return None
        return super().violation(request)


def _interfaces(call: Call, ids: Sequence[str]) -> Iterator[Found]:
    for server_id in ids:
        server = _described(call, "server", server_id)
        if server is not None:
            egress = usage.billed_egress(call.cloud, server)
            attributes = {"id": f"{server_id}-tap", "instance_id": server_id, "name": "tap0"}
            yield (
                attributes,
                server,
                {
                    "network.incoming.bytes.rate": (usage.received, 1.0),
                    "network.outgoing.bytes.rate": (partial(usage.sent, egress=egress), 1.0),
                },
            )


def _disks(call: Call, ids: Sequence[str]) -> Iterator[Found]:
    """Disks of the servers as they are now; a disk that was taken off has no series any more."""
    servers = {server["name"]: server for server in call.standing("server") if server["id"] in ids}
    for volume in call.standing("volume"):
        server = servers.get(volume.get("server", ""))
        if server is not None:
            name = disk_of(call, volume)
            attributes = {"id": f"{server['id']}-{name}", "instance_id": server["id"], "name": name}
            yield attributes, _described(call, "volume", volume["id"]) or volume, usage.disk_meters(server)


def _balancers(call: Call, ids: Sequence[str]) -> Iterator[Found]:
    for balancer_id in ids:
        balancer = _described(call, "load_balancer", balancer_id)
        if balancer is not None:
            created_at = call.cloud.scenario.created_at(balancer)
            yield {"id": balancer_id}, balancer, usage.balancer_meters(created_at)


Found = tuple[Mapping[str, str], Mapping[str, Any], Mapping[str, usage.Meter]]
"""Attributes of a thing in Gnocchi, the scenario's thing, its meters."""

KINDS: Mapping[str, Callable[[Call, Sequence[str]], Iterator[Found]]] = {
    "instance_network_interface": _interfaces,
    "instance_disk": _disks,
    "loadbalancer": _balancers,
}


def _described(call: Call, kind: str, thing_id: str) -> dict[str, Any] | None:
    """A thing of the call's project and region, whenever it exists."""
    place = (call.project_id, call.region)
    return next(
        (
            each
            for each in call.cloud.described(kind)
            if each["id"] == thing_id and (each["project_id"], each["region"]) == place
        ),
        None,
    )


def _question(request: Request) -> Question | None:
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("operations"), str):
        return None
    search = body.get("search", "")
    attribute, ids = "id", [str(search).removeprefix("id=")]
    if isinstance(search, dict):
        wanted = search.get("in")
        if not isinstance(wanted, dict) or len(wanted) != 1:
            return None
        [(attribute, ids)] = wanted.items()
    return Question(
        operations=body["operations"],
        resource_type=str(body.get("resource_type", "generic")),
        attribute=attribute,
        ids=[str(each) for each in ids],
    )


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _points(
    call: Call,
    machine: Mapping[str, Any],
    value: usage.Value,
    start: datetime,
    stop: datetime,
    granularity: int,
) -> list[list[Any]]:
    """Points of whole steps in [start, stop), none in the future and none while the machine was off or gone."""
    start = max(start, call.at - timedelta(days=HISTORY_DAYS))
    first = -(-int(start.timestamp()) // granularity) * granularity
    last = int(min(stop, call.at).timestamp())
    offset = call.cloud.scenario.local_zone.utcoffset(None) or timedelta()
    points: list[list[Any]] = []
    for second in range(first, last, granularity):
        at = datetime.fromtimestamp(second, UTC)
        state = call.cloud.scenario.thing(machine, at)
        if state is None or state.get("status", "ACTIVE").upper() not in RUNNING:
            continue
        samples = [
            value(state, at + timedelta(seconds=granularity * part / 4), offset)
            for part in range(4 if granularity > GRANULARITIES[0] else 1)
        ]
        points.append([at.isoformat(), float(granularity), round(sum(samples) / len(samples), 3)])
    return points
