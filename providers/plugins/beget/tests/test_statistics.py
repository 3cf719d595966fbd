"""What Beget's machines and buckets do: what is asked when, how answers become series, what a missing kind costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import mean
from typing import Any

import pytest

from providers.contract.errors import PermissionDenied, ProviderError, ProviderUnavailable, UnexpectedResponse
from providers.contract.plugin import Period
from providers.contract.records import ResourceRecord, ScopeResult, ScopeStatus, UsageRecord
from providers.emulators.faults import Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.beget.normalize import usage
from providers.plugins.beget.provider import BegetProvider
from providers.plugins.beget.statistics import Measured, Statistics
from providers.tests.still_clock import StillClock

from .conftest import ANCHOR, DEV, NOON, context

DAY = Period(start=NOON - timedelta(days=1), end=NOON)
HOUR = Period(start=NOON - timedelta(hours=1), end=NOON)
AT = datetime(2026, 4, 1, 8, tzinfo=UTC)
STEP = timedelta(minutes=5)


class Answers:
    """Beget's cloud with an answer for each kind of statistics; an error is raised."""

    def __init__(self, **kinds: dict[str, Any] | ProviderError) -> None:
        self.kinds = kinds
        self.asked: list[tuple[str, str]] = []

    def get(self, path: str, *, params: dict[str, str], kind: str, **segments: str) -> dict[str, Any]:
        assert segments == {"id": "m"}
        self.asked.append((kind, params["period"]))
        answer = self.kinds.get(kind.replace("-", "_"), {})
        if isinstance(answer, ProviderError):
            raise answer
        return answer


def series(*values: float) -> dict[str, list[Any]]:
    return {
        "date": [(AT + STEP * number).isoformat() for number in range(len(values))],
        "value": [Decimal(str(value)) for value in values],
    }


def machine(kind: str = "vps", **more: Any) -> Measured:
    return Measured(resource_id="m", kind=kind, cores=2, memory_mib=2048, **more)


def read(cloud: Answers, measured: Measured, period: Period = DAY) -> dict[str, list[float]]:
    found = Statistics(cloud, period=period, now=NOON).read(measured)
    return {record.metric: [value for _, value in record.points] for record in found}


# ---- when -----------------------------------------------------------------------------------------------------


def test_what_moves_slowly_is_read_at_the_first_sync_of_a_day():
    first, later = Answers(), Answers()

    read(first, machine(), Period(start=datetime(2026, 3, 31, 23, tzinfo=UTC), end=NOON))
    read(later, machine(), HOUR)

    assert [kind for kind, _ in first.asked] == ["cpu", "memory", "network", "disk"]
    assert later.asked == [("cpu", "HOUR"), ("memory", "HOUR")]


def test_a_day_is_read_whole_however_late_its_first_sync_comes():
    cloud = Answers(network={"data_rx": series(1)})
    since_ten_at_night = Period(start=NOON - timedelta(hours=11), end=NOON)

    read(cloud, machine(), since_ten_at_night)

    assert cloud.asked == [("cpu", "DAY"), ("memory", "DAY"), ("network", "DAY"), ("disk", "DAY")]


def test_buckets_are_asked_for_their_size_and_once_a_day_for_their_use():
    first, later = Answers(), Answers()

    read(first, machine("s3"))
    read(later, machine("s3"), HOUR)

    assert [kind for kind, _ in first.asked] == ["quota", "traffic-usage", "count-request"]
    assert [kind for kind, _ in later.asked] == ["quota"]


# ---- what -----------------------------------------------------------------------------------------------------


def test_network_is_public_and_private_together():
    network = {"data_rx": series(100, 200), "data_rx_private": series(10), "data_tx": series(7)}

    found = read(Answers(network=network), machine())

    assert found == {"network_rx": [110, 200], "network_tx": [7]}


def test_disks_are_read_and_written():
    assert read(Answers(disk={"data_read": series(4096), "data_write": series(2048)}), machine()) == {
        "disk_throughput": [6144]
    }


def test_requests_and_traffic_of_a_bucket_are_counts_of_a_step():
    counts = {"method_get": series(600, 300), "method_head": series(300, 0), "method_put": series(0, 150)}

    found = read(
        Answers(count_request=counts, traffic_usage={"data_tx": series(3000, 0), "data_rx": series(9, 9)}),
        machine("s3"),
    )

    assert found == {
        "network_tx": [10, 0],
        "request_rate": [3, 1.5],
        "read_request_rate": [3, 1],
    }


def test_one_count_alone_has_no_step():
    assert read(Answers(count_request={"method_get": series(600)}), machine("s3")) == {}


def test_space_used_comes_from_the_list_and_costs_no_call():
    cloud = Answers()
    [record] = Statistics(cloud, period=HOUR, now=NOON).read(machine(disk_used_gib=11.0))

    assert (record.metric, record.points) == ("disk_used_gib", ((NOON - timedelta(seconds=1), 11.0),))
    assert cloud.asked == [("cpu", "HOUR"), ("memory", "HOUR")]


@pytest.mark.parametrize(
    ("used", "disk_mib", "is_bytes", "gib"),
    [
        (Decimal(11264), 30720, False, 11.0),
        (Decimal(11 * 1024**3), 30720, False, 11.0),
        (Decimal(4 * 1024**3), 20480, True, 4.0),
        (Decimal(512), None, False, 0.5),
        (Decimal(0), 30720, False, None),
        (None, 30720, False, None),
    ],
)
def test_space_used_is_megabytes_of_a_vps_and_bytes_of_a_database(used, disk_mib, is_bytes, gib):
    assert usage.disk_used_gib(used, disk_mib, is_bytes=is_bytes) == gib


# ---- failures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        UnexpectedResponse("no", provider="beget", operation="GET", params={"status": 404}),
        PermissionDenied("no", provider="beget", operation="GET"),
    ],
)
def test_a_kind_that_is_not_there_once_a_day_costs_nothing_else(error):
    found = read(Answers(network=error, disk={"data_read": series(1)}, cpu={"cpu": series(5)}), machine())

    assert found == {"cpu_percent": [5], "disk_throughput": [1]}


def test_processor_that_cannot_be_read_is_told_after_the_rest():
    error = UnexpectedResponse("no", provider="beget", operation="GET", params={"status": 404})
    reading = Statistics(Answers(cpu=error, memory={"memory": series(1024)}), period=DAY, now=NOON).read(
        machine()
    )

    assert [next(reading).metric, next(reading).metric] == ["memory_mib", "memory_percent"]
    with pytest.raises(UnexpectedResponse):
        next(reading)


def test_a_cloud_that_is_down_is_not_asked_for_each_kind():
    cloud = Answers(cpu=ProviderUnavailable("later", provider="beget", operation="GET"))

    with pytest.raises(ProviderUnavailable):
        read(cloud, machine())
    assert [kind for kind, _ in cloud.asked] == ["cpu"]


# ---- over HTTP ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo():
    with EmulatorServer(Scenario.load("demo", anchor=ANCHOR), now=NOON) as server:
        yield server


def demo_series(
    server: EmulatorServer, **credentials: str
) -> dict[tuple[str, str], list[tuple[datetime, float]]]:
    provider = BegetProvider(context(server, **credentials), clock=StillClock())
    names = {item.resource_id: item.name for item in provider.resources() if isinstance(item, ResourceRecord)}
    return {
        (names[item.resource_id], item.metric): list(item.points)
        for item in provider.usage(DAY)
        if isinstance(item, UsageRecord)
    }


def test_the_demos_development_machines_move_nothing_outside_work_hours(demo):
    found = demo_series(demo, **DEV)

    for name in ("dev-vps-01", "dev-vps-02"):
        busy = {at.hour + 3 for at, value in found[name, "network_tx"] if value}
        assert busy
        assert busy <= set(range(9, 18))
    assert min(value for _, value in found["stage-web-01", "network_rx"]) > 100_000
    assert found["dev-vps-01", "disk_used_gib"][0][1] == 51.0


def test_the_demos_buckets_are_read_as_much_as_their_traffic_is_billed(demo):
    found = demo_series(demo, **DEV)

    sent = mean(value for _, value in found["s3-dev-bucket", "network_tx"])
    assert sent == pytest.approx(1930 * 1024**3 / (30 * 86400), rel=0.05)
    assert mean(value for _, value in found["s3-dev-bucket", "read_request_rate"]) > 1


def test_network_that_fails_leaves_the_scope_complete(lab, make):
    provider = make()
    running = next(
        item.resource_id
        for item in provider.resources()
        if isinstance(item, ResourceRecord) and item.name == "app-running"
    )
    lab.faults.add(Fault(kind="status", status=404, path="v1/vps/statistic/network"))

    items = list(provider.usage(DAY))

    found = {item.metric for item in items if isinstance(item, UsageRecord) and item.resource_id == running}
    assert found == {"cpu_percent", "memory_mib", "memory_percent", "disk_used_gib", "disk_throughput"}
    [scope] = [item for item in items if isinstance(item, ScopeResult) and item.scope == ("usage", running)]
    assert scope.status is ScopeStatus.COMPLETE
