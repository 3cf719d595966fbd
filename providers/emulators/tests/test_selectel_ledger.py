"""Money and time: what is charged, when it is shown, and what the demo's events leave in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import control
from providers.emulators.tests.cloud_client import CloudClient
from providers.emulators.tests.conftest import NOON

DAYS_IN_MONTH = 30
UNIT_A = {
    "api-backend-prod-01": 28500,
    "db-postgres-prod-01": 22950,
    "postgres-data-volume": 4000,
    "k8s-worker-01": 18000,
    "k8s-worker-02": 18000,
    "k8s-master-01": 12000,
    "lb-prod-01": 8000,
    "s3-cdn-static": 2000,
    "eip-01": 150,
    "analytics-etl-01": 20000,
    "app-cache-redis": 6500,
    "archive-cold-storage": 15000,
    "snapshot-storage": 11500,
}
UNIT_B = {
    "web-frontend-01": 18500,
    "web-frontend-02": 18500,
    "db-mysql-staging": 12000,
    "dev-k8s-node-01": 9500,
    "dev-k8s-node-02": 9500,
    "s3-media-bucket": 5500,
    "test-runner-01": 6500,
    "ci-runner-spot": 8500,
    "load-balancer-dev": 4000,
    "vpn-gateway": 3500,
    "pg-backup-volume": 6500,
    "misc-egress-and-ips": 1800,
}
ALIASES = {
    "s3-media-bucket_segments": "s3-media-bucket",
    "eip-web": "misc-egress-and-ips",
    "eip-spare": "misc-egress-and-ips",
    "exttraffic": "misc-egress-and-ips",
}


def place(name: str) -> str:
    """The line of the demo's table that a charge belongs to."""
    if name.startswith("snapshot-storage"):
        return "snapshot-storage"
    return ALIASES.get(name, name.removeprefix("disk-for-").split("-#")[0])


def shown_hours(client: CloudClient, end: datetime, hours: int = 24) -> list[dict[str, Any]]:
    """Rows of the hours before an instant."""
    local = end + timedelta(hours=3)
    start = local - timedelta(hours=hours)
    return client.consumption(
        start.strftime("%Y-%m-%dT%H:00:00"), (local - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    )


def server_named(client: CloudClient, project: str, region: str, name: str) -> dict[str, Any] | None:
    found = client.read(project, "compute", region, "/servers/detail")["servers"]
    return next((each for each in found if each["name"] == name), None)


# The carried remainder


@pytest.mark.parametrize("name", ["orphan", "tiny-1", "expired-spot"])
def test_hours_are_whole_kopecks_and_their_sum_is_exact(clouds: EmulatorServer, name: str) -> None:
    rates = {
        "orphan": 5 * Decimal("2.5408"),
        "tiny-1": Decimal("2.5408"),
        "expired-spot": Decimal("22.44") + 1024 * Decimal("0.007996"),
    }
    start = clouds.scenario.instant(-3, "08:00")
    for hours in range(1, 40):
        rows = clouds.charges("selectel", "100500", start, start + timedelta(hours=hours))["rows"]
        booked = [row["kopecks"] for row in rows if row["name"] == name]

        assert abs(sum(booked) - rates[name] * hours) < len(booked)


def test_the_remainder_goes_to_the_next_hour(clouds: EmulatorServer, reader: CloudClient) -> None:
    rows = reader.consumption("2026-03-31T08:00:00", "2026-03-31T17:59:59")
    values = [row["value"] for row in rows if row["object"] and row["object"]["name"] == "orphan"]

    assert set(values) == {12, 13}
    assert sum(values) in (127, 128)


def test_the_statistics_and_the_ledger_are_the_same_hour_by_hour(
    clouds: EmulatorServer, reader: CloudClient
) -> None:
    end = datetime(2026, 4, 1, 7, tzinfo=UTC)
    shown: dict[tuple[Any, ...], int] = {}
    for row in shown_hours(reader, end, hours=72):
        named = row["object"] or {"id": None}
        key = (named["id"], row["metric"]["id"], row["metric"]["region"])
        shown[key] = shown.get(key, 0) + row["value"]

    charged = clouds.charges("selectel", "100500", end - timedelta(hours=72), end)

    assert shown == {
        (row["resource_id"], row["metric"], row["region"]): row["kopecks"] for row in charged["rows"]
    }
    assert sum(shown.values()) == charged["kopecks"] == sum(charged["days"].values())


@pytest.mark.parametrize("period", ["hour", "day", "week", "month", "year", "all"])
def test_every_period_sums_to_the_same(reader: CloudClient, clouds: EmulatorServer, period: str) -> None:
    rows = reader.consumption("2026-03-10T00:00:00", "2026-03-30T23:59:59", period_group_type=period)
    start, end = (
        datetime.fromisoformat(text).astimezone(UTC)
        for text in ("2026-03-10T00:00:00+03:00", "2026-03-31T00:00:00+03:00")
    )

    assert sum(row["value"] for row in rows) == clouds.charges("selectel", "100500", start, end)["kopecks"]


def test_quantities_of_longer_periods_are_amounts_times_hours(reader: CloudClient) -> None:
    rows = reader.consumption("2026-03-01T00:00:00", "2026-03-31T23:59:59", period_group_type="month")
    quantities = {
        row["metric"]["id"]: row["metric"]["quantity"]
        for row in rows
        if row["object"] and row["object"]["name"] == "stopped"
    }

    assert quantities == {"compute_cores": 744, "compute_ram": 1024 * 744}
    assert {row["period"] for row in rows} == {"2026-03-01T00:00:00"}


# The lag


def periods(client: CloudClient) -> dict[str, int]:
    """Rows by local hour for the last hours before noon."""
    found: dict[str, int] = {}
    for row in client.consumption("2026-04-01T08:00:00", "2026-04-01T12:59:59"):
        found[row["period"][11:13]] = found.get(row["period"][11:13], 0) + 1
    return found


def test_the_last_hour_comes_in_row_by_row(clouds: EmulatorServer, reader: CloudClient) -> None:
    at_noon = periods(reader)
    clouds.clock.advance(timedelta(minutes=30))
    at_half_past = periods(reader)
    clouds.clock.advance(timedelta(minutes=30))
    at_one = periods(reader)

    assert set(at_noon) == {"08", "09", "10"}
    assert 0 < at_half_past["11"] < at_noon["10"]
    assert at_one["11"] in range(at_noon["10"] - 2, at_noon["10"] + 3)
    assert "12" not in at_one
    assert clouds.ledger("selectel", "100500")["complete_until"] == "2026-04-01T09:00:00+00:00"


def test_an_hour_belongs_to_what_stands_at_its_beginning(clouds: EmulatorServer, reader: CloudClient) -> None:
    clouds.set_clock(NOON + timedelta(hours=4))
    rows = reader.consumption("2026-04-01T10:00:00", "2026-04-01T12:59:59")
    hours: dict[str, set[str]] = {}
    for row in rows:
        if row["object"]:
            hours.setdefault(row["object"]["name"], set()).add(row["period"][11:13])

    assert hours["just-deleted"] == {"10", "11"}
    assert hours["just-created"] == {"12"}
    assert server_named(reader, "dev", "ru-7", "just-deleted") is None
    assert server_named(reader, "dev", "ru-7", "just-created") is not None


def test_a_zombie_is_billed_and_not_there(clouds: EmulatorServer, reader: CloudClient) -> None:
    def is_billed(day: int, clock_time: str) -> bool:
        ledger = clouds.ledger("selectel", "100500", clouds.scenario.instant(day, clock_time))
        return "zombie" in {row["name"] for row in ledger["resources"]}

    assert [
        is_billed(-4, "08:59"),
        is_billed(-4, "09:00"),
        is_billed(-1, "05:59"),
        is_billed(-1, "06:00"),
    ] == [
        True,
        True,
        True,
        False,
    ]


def test_an_expired_server_costs_nothing(clouds: EmulatorServer) -> None:
    ledger = clouds.ledger("selectel", "100500", clouds.scenario.instant(0))

    assert "expired-spot" not in {row["name"] for row in ledger["resources"]}


def test_the_balance_falls_by_what_is_booked_and_rises_by_payments(clouds: EmulatorServer) -> None:
    midnight = clouds.scenario.instant(0)

    def balance(at: datetime) -> Decimal:
        return Decimal(clouds.ledger("selectel", "100500", at)["balance"])

    def charged(start: datetime, end: datetime) -> Decimal:
        return Decimal(clouds.charges("selectel", "100500", start, end)["kopecks"]) / 100

    tomorrow, before, after = (midnight + timedelta(hours=hours) for hours in (24, 33, 35))
    rented_at = clouds.scenario.instant(-15)

    assert balance(midnight) == Decimal("5000")
    assert balance(tomorrow) == Decimal("5000") - charged(midnight, tomorrow)
    assert balance(after) - balance(before) == Decimal("100") - charged(before, after)
    assert balance(rented_at - timedelta(hours=1)) - balance(rented_at) == (
        Decimal("15900") + charged(rented_at - timedelta(hours=1), rented_at)
    )


def test_charges_and_ledger_over_http(clouds: EmulatorServer) -> None:
    start, end = NOON - timedelta(days=3), NOON
    path = (
        "charges?provider=selectel&account=100500"
        f"&from={start.isoformat().replace('+', '%2B')}&until={end.isoformat().replace('+', '%2B')}"
    )

    assert control("GET", clouds.url, path) == clouds.charges("selectel", "100500", start, end)
    assert list(control("GET", clouds.url, path)["days"]) == [
        "2026-03-29",
        "2026-03-30",
        "2026-03-31",
        "2026-04-01",
    ]
    assert "books no charges" in control("GET", clouds.url, path.replace("=selectel", "=openstack"))["error"]


# The demo


@pytest.mark.parametrize(
    ("unit", "account", "expected", "total"),
    [("unit_a", "101001", UNIT_A, 166600), ("unit_b", "101002", UNIT_B, 104300)],
)
def test_the_demo_costs_what_it_promises_on_day_0(
    demo: EmulatorServer, request: Any, unit: str, account: str, expected: dict[str, int], total: int
) -> None:
    rows = shown_hours(request.getfixturevalue(unit), datetime(2026, 4, 1, 8, tzinfo=UTC))
    months: dict[str, Decimal] = {}
    for row in rows:
        name = place(row["object"]["name"] if row["object"] else row["metric"]["id"])
        months[name] = months.get(name, Decimal()) + Decimal(row["value"]) / 100 * DAYS_IN_MONTH

    assert {name: round(month) for name, month in months.items()} == expected
    assert round(sum(months.values())) == total
    ledger = demo.ledger("selectel", account)
    assert Decimal(ledger["last_24_hours"]) * DAYS_IN_MONTH == sum(months.values())
    assert Decimal(ledger["monthly"]) == sum(months.values())


def test_the_demo_is_four_hundred_and_seventeen_thousand_roubles(demo: EmulatorServer) -> None:
    accounts = [("selectel", "101001"), ("selectel", "101002"), ("beget", "demoprod"), ("beget", "demodev")]

    total = sum(Decimal(demo.ledger(*account)["total"]) for account in accounts) * DAYS_IN_MONTH

    assert round(total, 2) == Decimal("417000.00")


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_any_24_hours_up_to_day_0_cost_the_same(demo: EmulatorServer, hour: int) -> None:
    at = demo.scenario.instant(0, f"{hour:02d}:30")

    assert {
        account: demo.ledger("selectel", account, at)["last_24_hours"] for account in ("101001", "101002")
    } == {"101001": "5553.33", "101002": "3476.67"}


def day_costs(server: EmulatorServer, account: str, day: int, **wanted: str) -> Decimal:
    """Roubles booked on a day for the rows with these words."""
    start = server.scenario.instant(day)
    rows = server.charges("selectel", account, start, start + timedelta(days=1))["rows"]
    return sum(
        (
            Decimal(row["kopecks"]) / 100
            for row in rows
            if all(row[name] == value for name, value in wanted.items())
        ),
        Decimal(),
    )


def test_memory_costs_4_percent_more_from_day_60_on(demo: EmulatorServer) -> None:
    before, after = (
        day_costs(demo, "101001", day, name="k8s-worker-01", metric="compute_ram") for day in (-61, -60)
    )

    assert (before, after) == (Decimal("192.00"), Decimal("199.68"))
    assert day_costs(demo, "101001", -61, name="k8s-worker-01", metric="compute_cores") == (
        day_costs(demo, "101001", -60, name="k8s-worker-01", metric="compute_cores")
    )


def test_a_resized_server_costs_half_its_cores_and_keeps_its_id(
    demo: EmulatorServer, unit_b: CloudClient
) -> None:
    def shown(day: int) -> tuple[str, int, int]:
        demo.set_clock(demo.scenario.instant(day, "12:00"))
        client = CloudClient(demo.url, unit_b.domain, unit_b.name, unit_b.password)
        servers = client.read(
            "bu-b", "compute", "ru-1", "/servers/detail", headers={"OpenStack-API-Version": "compute 2.79"}
        )["servers"]
        server = next(each for each in servers if each["name"] == "db-mysql-staging")
        return server["id"], server["flavor"]["vcpus"], server["flavor"]["ram"]

    before, after = shown(-42), shown(-41)
    costs = [
        day_costs(demo, "101002", day, name="db-mysql-staging", metric="compute_cores") for day in (-42, -40)
    ]

    assert (before[1:], after[1:]) == ((8, 32768), (4, 16384))
    assert before[0] == after[0]
    assert costs == [Decimal("401.28"), Decimal("200.64")]


def test_the_zombie_volume_costs_from_day_33_to_day_12(demo: EmulatorServer, unit_a: CloudClient) -> None:
    def state(day: int) -> tuple[bool, bool, Decimal]:
        demo.set_clock(demo.scenario.instant(day, "12:00"))
        client = CloudClient(demo.url, unit_a.domain, unit_a.name, unit_a.password)
        volumes = client.read("bu-a-data", "volumev3", "ru-1", "/volumes/detail")["volumes"]
        return (
            server_named(client, "bu-a-data", "ru-1", "old-report-01") is not None,
            "disk-for-old-report-01" in {each["name"] for each in volumes},
            day_costs(demo, "101001", day, name="disk-for-old-report-01"),
        )

    cost = Decimal("32.40")
    assert [state(day) for day in (-34, -33, -13, -12)] == [
        (True, True, cost),
        (False, False, cost),
        (False, False, cost),
        (False, False, Decimal()),
    ]


def test_a_zombies_row_still_names_its_server(demo: EmulatorServer, unit_a: CloudClient) -> None:
    at = demo.scenario.instant(-20, "12:00")
    demo.set_clock(at)
    rows = shown_hours(unit_a, at - timedelta(hours=1), hours=2)

    assert {
        row["object"]["parent_name"]
        for row in rows
        if row["object"] and row["object"]["name"] == "disk-for-old-report-01"
    } == {"old-report-01"}


def test_an_unknown_type_costs_3400_roubles_within_three_days(demo: EmulatorServer) -> None:
    days = [day_costs(demo, "101001", day, metric="gpu_slice_a100") for day in range(-22, -17)]

    assert days == [0, 1200, 1200, 1000, 0]


def test_egress_jumps_by_9000_roubles_in_two_days(demo: EmulatorServer) -> None:
    days = [day_costs(demo, "101001", day, metric="exttraffic") for day in range(-10, -5)]

    usual = days[0]
    assert [cost - usual for cost in days] == [0, 4500, 4500, 0, 0]
    assert usual == Decimal("22.50")


def test_a_volume_is_detached_and_an_address_released_on_their_days(
    demo: EmulatorServer, unit_b: CloudClient
) -> None:
    def state(day: int) -> tuple[bool, bool, bool]:
        demo.set_clock(demo.scenario.instant(day, "20:00"))
        client = CloudClient(demo.url, unit_b.domain, unit_b.name, unit_b.password)
        volumes = client.read("bu-b", "volumev3", "ru-1", "/volumes/detail")["volumes"]
        addresses = client.read("bu-b", "network", "ru-1", "/v2.0/floatingips")["floatingips"]
        return (
            bool(next(each for each in volumes if each["name"] == "pg-backup-volume")["attachments"]),
            server_named(client, "bu-b", "ru-1", "pg-backup-01") is not None,
            next(each for each in addresses if each["description"] == "eip-spare")["port_id"] is not None,
        )

    assert [state(day) for day in (-71, -70, -63)] == [
        (True, True, True),
        (True, True, False),
        (False, False, False),
    ]


def test_one_region_is_down_for_one_account_on_day_30(demo: EmulatorServer) -> None:
    def statuses(day: int) -> list[int]:
        demo.set_clock(demo.scenario.instant(day, "12:00"))
        client = CloudClient(demo.url, "101001", "infrazen-reader", "demo-secret-selectel-a")
        return [
            client.get("bu-a-data", "compute", "ru-1", "/servers/detail").status,
            client.get("bu-a-data", "compute", "ru-2", "/servers/detail").status,
            client.get("bu-a-data", "volumev3", "ru-2", "/volumes/detail").status,
            client.selectel("billing/v3/balances").status,
        ]

    assert [statuses(day) for day in (-31, -30, -29)] == [
        [200, 200, 200, 200],
        [200, 503, 503, 200],
        [200, 200, 200, 200],
    ]


def test_a_runner_goes_idle_and_offices_sleep(demo: EmulatorServer, unit_b: CloudClient) -> None:
    def average(name: str, start: str, stop: str) -> float:
        server = server_named(unit_b, "bu-b", "ru-1", name)
        assert server is not None
        points = unit_b.aggregate(
            "bu-b", "ru-1", server["id"], "(metric cpu_util mean)", start=start, stop=stop, granularity="3600"
        ).json["measures"]["aggregated"]
        return sum(point[2] for point in points) / len(points)

    assert average("ci-runner-spot", "2026-02-10T00:00:00Z", "2026-02-14T00:00:00Z") == pytest.approx(
        38, abs=2
    )
    assert average("ci-runner-spot", "2026-02-16T00:00:00Z", "2026-04-01T00:00:00Z") < 1
    assert average("dev-k8s-node-01", "2026-03-28T00:00:00+03:00", "2026-03-30T00:00:00+03:00") == 0
    assert average("dev-k8s-node-01", "2026-03-30T09:00:00+03:00", "2026-03-30T18:00:00+03:00") == (
        pytest.approx(15, abs=2)
    )
    weekend = average("web-frontend-02", "2026-03-28T00:00:00+03:00", "2026-03-30T00:00:00+03:00")
    assert weekend == pytest.approx(9, abs=0.5)


def test_balances_of_the_demo_never_run_out(demo: EmulatorServer) -> None:
    assert all(
        Decimal(demo.ledger("selectel", account, demo.scenario.instant(day, "12:00"))["balance"]) > 0
        for account in ("101001", "101002")
        for day in range(-90, 3, 2)
    )
