"""Series from Gnocchi over recorded answers: its shapes are Gnocchi 4's, the meters' names Ceilometer's (no real cloud)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from providers.contract.plugin import Period
from providers.contract.records import (
    ResourceRecord,
    ResourceStatus,
    ScopeResult,
    ScopeStatus,
    Specification,
    UsageRecord,
)
from providers.openstack import meters
from providers.openstack.client import Cloud, Login
from providers.openstack.meters import BALANCERS, DISKS, NETWORK, Metered

from .test_client import sign_in

GNOCCHI = "https://gnocchi.example.org"
AGGREGATES = f"{GNOCCHI}/v1/aggregates"
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
PERIOD = Period(start=START, end=START + timedelta(hours=3))
SERVER, OTHER = "5b0f7d5e-0000-4000-8000-000000000001", "5b0f7d5e-0000-4000-8000-000000000002"
VOLUME = "77e5c1aa-0000-4000-8000-000000000001"
BALANCER = "99a1b2c3-0000-4000-8000-000000000001"


def place(login: Login, *records: ResourceRecord, region: str = "ru-3") -> Metered:
    project = SimpleNamespace(
        project_id="p1", login=login, urls=lambda kind: {"ru-3": GNOCCHI} if kind == "metric" else {}
    )
    metered = Metered(project=project, region_id=region)
    for record in records:
        metered.add(record)
    return metered


def thing(native_type: str, resource_id: str, **more: Any) -> ResourceRecord:
    fields = {"name": resource_id, "scope": ("x",), "status": ResourceStatus.RUNNING, **more}
    return ResourceRecord(resource_id=resource_id, native_type=native_type, **fields)


def server(resource_id: str = SERVER, **more: Any) -> ResourceRecord:
    return thing("server", resource_id, **more)


def volume(device: str = "/dev/vdb", **more: Any) -> ResourceRecord:
    return thing("volume", VOLUME, parent_id=SERVER, configuration={"device": device}, **more)


def mean(*values: float | None, start: datetime = START, step: int = 3600) -> dict[str, Any]:
    """Measures as Gnocchi writes them, one a step."""
    return {
        "mean": [
            [(start + timedelta(seconds=step * number)).isoformat(), float(step), value]
            for number, value in enumerate(values)
        ]
    }


def group(things: dict[str, Any], **attributes: str) -> dict[str, Any]:
    return {"group": attributes, "measures": {"measures": things}}


def read(
    cloud: Cloud,
    *places: Metered,
    period: Period = PERIOD,
) -> tuple[dict[tuple[str, str], list[float]], dict[str, ScopeStatus]]:
    """Values by resource and metric, and how each question ended."""
    items = list(meters.usage(cloud, places, period))
    series = {
        (item.resource_id, item.metric): [value for _, value in item.points]
        for item in items
        if isinstance(item, UsageRecord)
    }
    return series, {item.scope[-1]: item.status for item in items if isinstance(item, ScopeResult)}


def answer(payloads: dict[str, Any]) -> None:
    """Answers by type of thing; a number is a status, and what is not named is missing."""

    def respond(request: Any) -> tuple[int, dict[str, str], str]:
        wanted = payloads.get(json.loads(request.body)["resource_type"], 404)
        if isinstance(wanted, int):
            return wanted, {}, json.dumps({"code": wanted, "title": "x", "description": {"cause": "x"}})
        return 200, {}, json.dumps(wanted)

    responses.add_callback("POST", AGGREGATES, callback=respond, content_type="application/json")


def questions(kind: str) -> list[tuple[dict[str, Any], dict[str, list[str]]]]:
    """Bodies and queries that were sent about a type of thing."""
    sent = [call.request for call in responses.calls if call.request.url.startswith(AGGREGATES)]
    found = [(json.loads(each.body), parse_qs(urlsplit(each.url).query)) for each in sent]
    return [(body, query) for body, query in found if body["resource_type"] == kind]


@responses.activate
def test_one_question_asks_for_all_servers_and_their_interfaces_add_up(cloud, login):
    sign_in()
    two = {
        "tap1": {
            "network.incoming.bytes.rate": mean(100, 200, 300),
            "network.outgoing.bytes.rate": mean(1, 2, 3),
        },
        "tap2": {
            "network.incoming.bytes.rate": mean(10, None, 30),
            "network.outgoing.bytes.rate": mean(4, 5, 6),
        },
    }
    answer({"instance_network_interface": [group(two, instance_id=SERVER)]})

    series, scopes = read(cloud, place(login, server(), server(OTHER)))

    assert series == {(SERVER, "network_rx"): [110, 200, 330], (SERVER, "network_tx"): [5, 7, 9]}
    assert scopes == {"network": ScopeStatus.COMPLETE, "disks": ScopeStatus.COMPLETE}
    [(body, query)] = questions("instance_network_interface")
    assert body["search"] == {"in": {"instance_id": [SERVER, OTHER]}}
    assert body["operations"] == (
        "(metric (network.incoming.bytes mean) (network.outgoing.bytes mean) "
        "(network.incoming.bytes.rate mean) (network.outgoing.bytes.rate mean))"
    )
    assert query == {
        "details": ["false"],
        "granularity": ["3600"],
        "start": ["2026-03-03T05:00:00Z"],
        "stop": ["2026-03-03T09:00:00Z"],
        "groupby": ["instance_id"],
    }


@responses.activate
def test_a_counter_becomes_a_rate_and_a_restart_says_nothing(cloud, login):
    sign_in()
    before = START - timedelta(hours=1)
    counters = {
        "tap": {
            "network.incoming.bytes": mean(0, 3600, 10800, 500, start=before),
            "network.outgoing.bytes": mean(7200, 7200, 7200, 7200, start=before),
        }
    }
    answer({"instance_network_interface": [group(counters, instance_id=SERVER)]})

    series, _ = read(cloud, place(login, server()))

    assert series[SERVER, "network_rx"] == [1, 2]
    assert series[SERVER, "network_tx"] == [0, 0, 0]


def test_a_gap_in_a_counter_says_nothing():
    hour = timedelta(hours=1)
    counter = [(START, 0.0), (START + hour, 3600.0), (START + 3 * hour, 9000.0), (START + 4 * hour, 9000.0)]

    assert meters.rate(counter, hour) == [(START + hour, 1.0), (START + 4 * hour, 0.0)]


@responses.activate
def test_the_step_that_is_not_over_is_no_step_of_a_counter(cloud, login):
    sign_in()
    before = START - timedelta(hours=1)
    things = {"tap": {"network.incoming.bytes": mean(0, 3600, 7200, 9000, start=before)}}
    answer({"instance_network_interface": [group(things, instance_id=SERVER)]})

    series, _ = read(
        cloud, place(login, server()), period=Period(start=START, end=PERIOD.end - timedelta(minutes=20))
    )

    assert series == {(SERVER, "network_rx"): [1, 1]}


def disk(reads: Any, writes: Any, **more: Any) -> dict[str, Any]:
    return {
        "disk.device.read.requests.rate": mean(*reads),
        "disk.device.write.requests.rate": mean(*writes),
        **more,
    }


@responses.activate
def test_disks_belong_to_the_volume_of_that_name_in_the_server(cloud, login):
    sign_in()
    gib = 1024**3
    known = disk(
        [80, 90],
        [40, 30],
        **{"disk.device.usage": mean(175 * gib, 176 * gib), "disk.device.capacity": mean(1)},
    )
    unknown = disk([1, 1], [1, 1])
    answer(
        {
            "instance_disk": [
                group({"d1": known}, instance_id=SERVER, name="vdb"),
                group({"d2": unknown}, instance_id=SERVER, name="vdz"),
            ]
        }
    )

    series, _ = read(cloud, place(login, server(), volume()))

    assert series == {(VOLUME, "disk_iops"): [120, 120], (VOLUME, "disk_used_gib"): [175]}
    [(_, query)] = questions("instance_disk")
    assert query["groupby"] == ["instance_id", "name"]


@responses.activate
def test_a_disk_of_its_own_belongs_to_the_server(cloud, login):
    sign_in()
    answer({"instance_disk": [group({"d": disk([1], [2])}, instance_id=SERVER, name="vda")]})

    series, _ = read(cloud, place(login, server(specification=Specification(storage_gib=30)), volume()))

    assert series == {(SERVER, "disk_iops"): [3]}


@responses.activate
def test_half_of_a_sum_is_no_sum_and_nothing_on_a_disk_is_not_known(cloud, login):
    sign_in()
    things = {"d": {"disk.device.read.requests.rate": mean(5, 5), "disk.device.usage": mean(0, 0)}}
    answer({"instance_disk": [group(things, instance_id=SERVER, name="vdb")]})

    series, scopes = read(cloud, place(login, server(), volume()))

    assert series == {}
    assert scopes["disks"] is ScopeStatus.COMPLETE


@responses.activate
def test_balancers_have_requests_connections_and_traffic(cloud, login):
    sign_in()
    before = START - timedelta(hours=1)
    things = {
        BALANCER: {
            "network.services.lb.total.connections": mean(0, 28800, start=before),
            "network.services.lb.incoming.bytes": mean(0, 36000, start=before),
            "network.services.lb.outgoing.bytes": mean(0, 360000, start=before),
            "network.services.lb.active.connections": mean(12),
        }
    }
    answer({"loadbalancer": [group(things, id=BALANCER)]})

    series, scopes = read(cloud, place(login, thing("load_balancer", BALANCER)))

    assert series == {
        (BALANCER, "request_rate"): [8],
        (BALANCER, "network_rx"): [10],
        (BALANCER, "network_tx"): [100],
        (BALANCER, "connections"): [12],
    }
    assert set(scopes) == {"balancers"}


@responses.activate
def test_an_older_answer_without_the_inner_measures_is_read_too(cloud, login):
    sign_in()
    flat = {"tap": {"network.incoming.bytes.rate": mean(1)}}
    answer({"instance_network_interface": [{"group": {"instance_id": SERVER}, "measures": flat}]})

    assert read(cloud, place(login, server()))[0] == {(SERVER, "network_rx"): [1]}


@responses.activate
def test_where_hours_are_not_kept_five_minutes_are_asked_for(cloud, login):
    sign_in()

    def respond(request: Any) -> tuple[int, dict[str, str], str]:
        if "granularity=3600" in request.url:
            return 404, {}, "{}"
        things = {"tap": {"network.incoming.bytes.rate": mean(7, step=300)}}
        return 200, {}, json.dumps([group(things, instance_id=SERVER)])

    responses.add_callback("POST", AGGREGATES, callback=respond)

    assert read(cloud, place(login, server()))[0][SERVER, "network_rx"] == [7]


@pytest.mark.parametrize("status", [400, 403, 404])
@responses.activate
def test_a_meter_that_is_missing_or_closed_is_no_data_and_no_failure(cloud, login, status):
    sign_in()
    things = {"d": disk([1], [2])}
    answer(
        {
            "instance_network_interface": status,
            "instance_disk": [group(things, instance_id=SERVER, name="vdb")],
        }
    )

    series, scopes = read(cloud, place(login, server(), volume()))

    assert series == {(VOLUME, "disk_iops"): [3]}
    assert set(scopes.values()) == {ScopeStatus.COMPLETE}


@pytest.mark.parametrize(
    "body",
    [
        {"measures": {}},
        [{"group": {}, "measures": {}}],
        [group({"tap": {"network.incoming.bytes.rate": {}}}, instance_id=SERVER)],
        [group({"tap": {"network.incoming.bytes.rate": {"mean": [["x"]]}}}, instance_id=SERVER)],
    ],
)
@responses.activate
def test_an_answer_of_another_shape_is_no_data_and_no_failure(cloud, login, body):
    sign_in()
    answer({"instance_network_interface": body})

    assert read(cloud, place(login, server())) == (
        {},
        {"network": ScopeStatus.COMPLETE, "disks": ScopeStatus.COMPLETE},
    )


@responses.activate
def test_a_cloud_that_is_down_fails_the_question_alone(cloud, login):
    sign_in()
    things = {"d": disk([1], [2])}
    answer(
        {"instance_network_interface": 503, "instance_disk": [group(things, instance_id=SERVER, name="vdb")]}
    )

    series, scopes = read(cloud, place(login, server(), volume()))

    assert series == {(VOLUME, "disk_iops"): [3]}
    assert scopes == {"network": ScopeStatus.FAILED, "disks": ScopeStatus.COMPLETE}


@responses.activate
def test_a_region_that_does_not_measure_is_not_asked(cloud, login):
    assert read(cloud, place(login, server(), region="ru-9")) == ({}, {})


@responses.activate
def test_many_machines_and_long_times_are_asked_for_in_parts(cloud, login):
    sign_in()
    answer({})
    many = [server(f"server-{number:03}") for number in range(120)]

    read(cloud, place(login, *many))
    hours = [len(body["search"]["in"]["instance_id"]) for body, _ in questions("instance_network_interface")][
        :3
    ]
    responses.calls.reset()
    read(cloud, place(login, *many[:2]), period=Period(start=START - timedelta(days=700), end=PERIOD.end))
    years = [len(body["search"]["in"]["instance_id"]) for body, _ in questions("instance_network_interface")][
        :2
    ]

    assert hours == [50, 50, 20]
    assert years == [1, 1]


def test_what_stands_still_and_what_hangs_nowhere_is_not_measured(login):
    stopped = server(OTHER, status=ResourceStatus.STOPPED)
    loose = thing("volume", "loose", configuration={"device": "/dev/vdc"})

    metered = place(login, server(), stopped, volume(), loose)

    assert metered.ids(NETWORK) == metered.ids(DISKS) == [SERVER]
    assert metered.ids(BALANCERS) == []
    assert metered.volumes == {(SERVER, "vdb"): VOLUME}
    assert metered.owner(NETWORK, (OTHER,)) == ""
