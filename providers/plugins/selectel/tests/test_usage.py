"""What Selectel's machines, disks, balancers and buckets do, read over HTTP: the demo's facts, and what failures cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import mean
from typing import Any

import pytest

from providers.contract.plugin import Period
from providers.contract.records import ResourceRecord, ScopeResult, ScopeStatus, UsageRecord
from providers.emulators.faults import Fault
from providers.openstack.normalize import Malformed, Place
from providers.plugins.selectel import lists
from providers.plugins.selectel.normalize.billing import Row
from providers.plugins.selectel.normalize.buckets import BucketDays
from providers.plugins.selectel.normalize.managed import bucket, database

from .conftest import DEV, NOON

TWO_DAYS = Period(start=(NOON - timedelta(days=2)).replace(minute=0), end=NOON)
MOSCOW_MIDNIGHT = datetime(2026, 3, 30, 21, tzinfo=UTC)

Series = dict[tuple[str, str], list[tuple[datetime, float]]]


def read(
    plugin: Any, period: Period = TWO_DAYS, *, with_bill: bool = True
) -> tuple[Series, dict[str, ScopeStatus]]:
    """Points by name and metric, and how each question about a project and pool ended: the worst counts."""
    if with_bill:
        list(plugin.charges(period))
    names = {item.resource_id: item.name for item in plugin.resources() if isinstance(item, ResourceRecord)}
    items = list(plugin.usage(period))
    series = {
        (names[item.resource_id], item.metric): list(item.points)
        for item in items
        if isinstance(item, UsageRecord)
    }
    scopes: dict[str, ScopeStatus] = {}
    for item in items:
        if isinstance(item, ScopeResult) and (
            item.status is not ScopeStatus.COMPLETE or item.scope[-1] not in scopes
        ):
            scopes[item.scope[-1]] = item.status
    return series, scopes


def average(series: Series, name: str, metric: str) -> float:
    return mean(value for _, value in series[name, metric])


@pytest.fixture
def prod(make):
    return read(make())[0]


@pytest.fixture
def dev(make):
    return read(make(**DEV))[0]


# ---- the demo's facts -----------------------------------------------------------------------------------------


def test_the_database_does_120_operations_a_second_on_its_disk(prod):
    assert average(prod, "disk-for-db-postgres-prod-01", "disk_iops") == pytest.approx(120, rel=0.05)
    assert average(prod, "disk-for-db-postgres-prod-01", "disk_throughput") == pytest.approx(
        120 * 16384, rel=0.05
    )


def test_the_data_volume_is_35_per_cent_full(prod):
    assert {value for _, value in prod["postgres-data-volume", "disk_used_gib"]} == {175.0}
    assert {at.hour for at, _ in prod["postgres-data-volume", "disk_used_gib"]} == {0, 6, 12, 18}


def test_the_balancer_serves_8_requests_a_second(prod):
    assert average(prod, "lb-prod-01", "request_rate") == pytest.approx(8, rel=0.01)
    assert average(prod, "lb-prod-01", "connections") == pytest.approx(12, rel=0.02)
    assert average(prod, "lb-prod-01", "network_tx") == pytest.approx(96_000, rel=0.01)


def test_buckets_that_nobody_reads_have_no_requests_and_the_others_have(prod, dev):
    assert {value for _, value in prod["archive-cold-storage", "read_request_rate"]} == {0.0}
    assert {value for _, value in dev["s3-media-bucket", "read_request_rate"]} == {0.0}
    assert average(dev, "s3-media-bucket", "request_rate") == pytest.approx(1575 / 3600)
    assert average(prod, "s3-cdn-static", "read_request_rate") == pytest.approx(500 / 3600)
    assert average(prod, "s3-cdn-static", "network_tx") == pytest.approx(1200 * 1024**2 / 3600)


def test_each_day_of_the_bill_is_one_point_and_none_falls_between_two_syncs(make):
    series, _ = read(make())

    days = [at for at, _ in series["s3-cdn-static", "read_request_rate"]]
    assert days == [datetime(2026, 3, 29, 21, tzinfo=UTC), MOSCOW_MIDNIGHT]


def test_buckets_and_databases_tell_their_size_at_the_sync(prod, dev):
    moment = NOON - timedelta(seconds=1)

    assert prod["archive-cold-storage", "disk_used_gib"] == [(moment, 10_000.0)]
    assert prod["archive-cold-storage", "object_count"] == [(moment, 1840.0)]
    assert dev["s3-media-bucket", "disk_used_gib"] == [(moment, 1200.0)]
    assert dev["s3-media-bucket", "object_count"] == [(moment, 310_422.0)]
    assert prod["app-cache-redis", "disk_used_gib"] == [(moment, 6.0)]


def test_the_idle_runner_moves_nothing_since_day_45(make, dev):
    assert {value for _, value in dev["ci-runner-spot", "network_rx"]} == {0.0}
    assert {value for _, value in dev["ci-runner-spot", "network_tx"]} == {0.0}

    then = NOON - timedelta(days=47)
    before, _ = read(make(now=then, **DEV), Period(start=then - timedelta(hours=5), end=then))

    assert average(before, "ci-runner-spot", "network_rx") > 100_000


def test_nothing_moves_outside_work_hours(dev):
    for name in ("dev-k8s-node-01", "dev-k8s-node-02"):
        busy = {at.hour + 3 for at, value in dev[name, "network_tx"] if value}
        assert busy <= set(range(9, 18))
        assert busy


def test_traffic_that_is_billed_is_sent(make):
    jump = NOON - timedelta(days=8)
    series, _ = read(make(now=jump), Period(start=jump - timedelta(hours=5), end=jump))

    assert average(series, "analytics-etl-01", "network_tx") > 60 * 1024**3 / 3600


def test_what_rules_need_to_know_of_a_thing_is_in_its_configuration(make):
    records = {item.name: item for item in make().resources() if isinstance(item, ResourceRecord)}

    assert records["lb-prod-01"].configuration["member_count"] == 2
    assert records["disk-for-db-postgres-prod-01"].configuration["device"] == "/dev/vda"
    assert records["disk-for-db-postgres-prod-01"].configuration["is_bootable"] is True
    assert records["disk-for-db-postgres-prod-01"].configuration["image_id"]
    assert records["postgres-data-volume"].configuration["device"] == "/dev/vdb"
    assert "is_bootable" not in records["postgres-data-volume"].configuration
    assert records["203.0.113.10"].configuration["port_id"]


# ---- calls and failures ---------------------------------------------------------------------------------------


def asked(cloud: Any) -> int:
    return sum(request.path.endswith("/v1/aggregates") for request in cloud.requests)


def test_network_disks_and_balancers_cost_few_calls(cloud, make):
    plugin = make()
    list(plugin.resources())
    before = asked(cloud)

    list(plugin.usage(TWO_DAYS))

    servers, places, places_with_balancers = 6, 3, 1
    assert asked(cloud) - before == 2 * servers + 2 * places + places_with_balancers


def test_gnocchi_that_is_down_costs_its_own_series_alone(cloud, make):
    plugin = make()
    list(plugin.charges(TWO_DAYS))
    cloud.faults.add(Fault(kind="status", status=503, family="openstack.gnocchi"))

    series, scopes = read(plugin, with_bill=False)

    assert {scopes[name] for name in ("network", "disks", "balancers")} == {ScopeStatus.FAILED}
    assert {metric for _, metric in series} == {
        "disk_used_gib",
        "object_count",
        "read_request_rate",
        "network_tx",
    }


def test_without_the_bill_buckets_tell_their_size_alone(make):
    series, _ = read(make(), with_bill=False)

    assert {metric for name, metric in series if name == "s3-cdn-static"} == {"disk_used_gib", "object_count"}


def test_a_past_period_has_no_sizes_of_now(make):
    past = Period(start=NOON - timedelta(days=2), end=NOON - timedelta(days=1))

    series, _ = read(make(), past, with_bill=False)

    assert ("s3-cdn-static", "object_count") not in series
    assert ("lb-prod-01", "request_rate") in series


# ---- the bill's quantities ------------------------------------------------------------------------------------


def row(metric: str, quantity: int, *, resource_id: str = "s3:a", day: int = 0, kind: str = "bucket") -> Row:
    return Row(
        account_id="1",
        provider_key="storage",
        start=MOSCOW_MIDNIGHT + timedelta(days=day),
        resource_id=resource_id,
        part="",
        name="a",
        kind=kind,
        project_id="p",
        project_name="p",
        parent_id="",
        region="ru-1",
        metric_id=metric,
        metric_name=metric,
        quantity=Decimal(quantity),
        unit="item",
        value=Decimal(0),
    )


def of_rows(*rows: Row) -> dict[tuple[str, str], list[float]]:
    days = BucketDays()
    days.add(rows)
    period = Period(start=MOSCOW_MIDNIGHT, end=MOSCOW_MIDNIGHT + timedelta(days=2))
    return {
        (series.resource_id, series.metric): [value for _, value in series.points]
        for series in days.series({"s3:a", "s3:b"}, period)
    }


def test_what_the_bill_names_of_another_bucket_alone_is_none_of_this_one():
    found = of_rows(
        row("volume-gb", 5),
        row("traffic-req-get", 86400, resource_id="s3:b"),
        row("traffic-req-put", 172800, resource_id="s3:b"),
    )

    assert found == {
        ("s3:a", "read_request_rate"): [0.0],
        ("s3:a", "request_rate"): [0.0],
        ("s3:b", "read_request_rate"): [1.0],
        ("s3:b", "request_rate"): [3.0],
    }


def test_what_the_bill_names_of_no_bucket_is_not_known():
    assert of_rows(row("volume-gb", 5)) == {}
    assert of_rows(row("volume-gb", 5), row("traffic-req-get", 9, kind="server")) == {}


def test_parts_of_a_bucket_add_up_and_days_stay_apart():
    found = of_rows(
        row("traffic-req-get", 43200), row("traffic-req-get", 43200), row("traffic-req-get", 0, day=1)
    )

    assert found == {("s3:a", "read_request_rate"): [1.0, 0.0]}


# ---- lists ----------------------------------------------------------------------------------------------------

PLACE = Place(scope=("x",), project_id="p", project_name="p", region_id="ru-1")


class Swift:
    def __init__(self, *pages: Any) -> None:
        self.pages = iter([*pages, []])

    def get(self, path: str, *, params: Any, interpret: Any) -> Any:
        found = next(self.pages)
        if isinstance(found, Exception):
            raise found
        return interpret(found)


def test_segments_count_with_their_bucket_and_their_objects_do_not():
    swift = Swift(
        [{"name": "media", "bytes": 1024**3, "count": 7}],
        [{"name": "media_segments", "bytes": 2 * 1024**3, "count": 90}],
    )

    [item] = lists._buckets(None, swift, lists.POOL_LISTS[-1], PLACE)

    assert bucket(item, PLACE).gauges == {"disk_used_gib": 3.0, "object_count": 7.0}


def test_a_size_that_is_no_number_is_not_known():
    [item] = lists._buckets(None, Swift([{"name": "a", "bytes": None}]), lists.POOL_LISTS[-1], PLACE)

    assert bucket(item, PLACE).gauges == {}
    with pytest.raises(Malformed):
        bucket({"name": "a", "count": "many"}, PLACE)


def test_a_database_tells_the_space_of_all_its_nodes():
    item = {"id": "d", "name": "d", "status": "ACTIVE", "node_count": 2, "disk_used": 20}

    assert database(item, PLACE).gauges == {"disk_used_gib": 40.0}
    assert database({**item, "disk_used": None}, PLACE).gauges == {}
