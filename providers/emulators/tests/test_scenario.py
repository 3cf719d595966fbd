"""Time: what exists when, what it costs then, and what the machines did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient
from providers.emulators.tests.conftest import ANCHOR, NOON

DAYS_IN_MONTH = 30
PROD = {
    "vps-app-01": 12500,
    "vps-app-02": 12500,
    "vps-db-01": 18000,
    "vps-cache-01": 7000,
    "vps-batch-01": 9000,
    "vps-mq-01": 8500,
    "lb-service": 6600,
    "nat-firewall": 4800,
    "obj-storage-prod": 6000,
    "backup-service": 10000,
    "extra-volumes": 9300,
    "infrazen-demo.ru": 50,
}
DEV = {
    "dev-vps-01": 8000,
    "dev-vps-02": 7000,
    "dev-db-01": 9000,
    "stage-web-01": 7500,
    "s3-dev-bucket": 2800,
    "ci-dev-runner": 5500,
    "dev-logs-storage": 1900,
    "dev-public-ip": 150,
}


def at(server: EmulatorServer, day: int) -> datetime:
    return server.scenario.instant(day, "12:00")


def monthly(ledger: dict[str, Any]) -> dict[str, Decimal]:
    """Roubles a month by name, the three snapshots together."""
    costs: dict[str, Decimal] = {}
    for row in ledger["resources"]:
        name = row["name"].split(" ")[0]
        costs[name] = costs.get(name, Decimal()) + Decimal(row["daily_cost"]) * DAYS_IN_MONTH
    return {name: cost.quantize(Decimal("0.01")) for name, cost in costs.items()}


def parts(client: BegetClient) -> Decimal:
    """Roubles a day of everything the cloud API shows a price for."""
    total = Decimal()
    for vps in client.read("/v1/vps/server/list").get("vps", []):
        total += Decimal(str(vps["configuration"]["price_day"]))
        for licence in vps.get("software", {}).get("license", []):
            total += Decimal(str(licence["billing"]["daily"]["price_day"]))
    for service in client.read("/v1/cloud").get("service", []):
        total += Decimal(str(service.get("price_day", 0)))
    for snapshot in client.read("/v1/vps/snapshot").get("snapshot", []):
        total += Decimal(str(snapshot["price_day"]))
    for image in client.read("/v1/image").get("images", []):
        total += Decimal(str(image["price"]))
    for bucket in client.read("/v1/cloud/s3/price").get("bucket", []):
        total += _used(bucket, "storage_size", "storage_rate") + _used(
            bucket, "traffic_amount", "traffic_rate"
        )
    for resource in client.read("/v1/cloud/cdn/price").get("cdn", []):
        total += _used(resource, "traffic_amount", "traffic_rate")
    return total


def _used(entry: dict[str, Any], amount: str, rate: str) -> Decimal:
    return entry.get(amount, 0) * Decimal(str(entry.get(rate, 0))) / DAYS_IN_MONTH


@pytest.mark.parametrize(
    ("account", "expected", "total"),
    [("demoprod", PROD, "104250.00"), ("demodev", DEV, "41850.00")],
)
def test_the_demo_costs_what_it_promises_on_day_0(
    demo: EmulatorServer, account: str, expected: dict[str, int], total: str
) -> None:
    ledger = demo.ledger("beget", account)

    assert monthly(ledger) == {name: Decimal(cost) for name, cost in expected.items()}
    assert (Decimal(ledger["total"]) * DAYS_IN_MONTH).quantize(Decimal("0.01")) == Decimal(total)


@pytest.mark.parametrize("day", [-90, -84, -61, -36, -35, -2, -1, 0, 30])
@pytest.mark.parametrize("login", ["demoprod", "demodev"])
def test_the_rate_is_the_sum_of_the_parts_and_the_remainder_on_every_day(
    demo: EmulatorServer, request: Any, login: str, day: int
) -> None:
    demo.faults.clear_scheduled()
    demo.set_clock(at(demo, day))
    client: BegetClient = request.getfixturevalue(login)
    ledger = demo.ledger("beget", login)

    rate = Decimal(client.result("user/getAccountInfo")["user_rate_current"])

    assert rate == Decimal(ledger["rate"])
    assert rate - parts(client) == pytest.approx(Decimal(ledger["remainder"]), abs=Decimal("0.00001"))
    listed = [row for row in ledger["resources"] if row["priced_by"] == "list_price"]
    assert Decimal(ledger["total"]) == rate + sum(Decimal(row["daily_cost"]) for row in listed)


def test_everything_beget_sells_is_in_the_rate(lab: EmulatorServer, labone: BegetClient) -> None:
    ledger = lab.ledger("beget", "labone")

    rate = Decimal(labone.result("user/getAccountInfo")["user_rate_current"])

    assert rate == Decimal(ledger["rate"])
    assert Decimal(ledger["remainder"]) == Decimal("22.66")
    assert rate - parts(labone) == pytest.approx(Decimal("22.66"), abs=Decimal("0.00001"))
    assert {row["kind"] for row in ledger["resources"]} == {
        "server",
        "licence",
        "snapshot",
        "image",
        "database",
        "s3_bucket",
        "cdn",
        "floating_ip",
        "account_plan",
        "domain",
    }


def test_a_server_appears_on_its_day_and_costs_start_there(
    demo: EmulatorServer, demoprod: BegetClient
) -> None:
    created = demo.scenario.instant(-84)
    demo.set_clock(created - timedelta(seconds=1))
    before = {vps["display_name"] for vps in demoprod.read("/v1/vps/server/list")["vps"]}
    demo.set_clock(created)
    after = {vps["display_name"] for vps in demoprod.read("/v1/vps/server/list")["vps"]}

    assert after - before == {"vps-app-02"}
    assert monthly(demo.ledger("beget", "demoprod", created))["vps-app-02"] == Decimal(12500)
    assert "vps-app-02" not in monthly(demo.ledger("beget", "demoprod", created - timedelta(seconds=1)))


def test_a_resize_changes_size_price_and_history(demo: EmulatorServer, demoprod: BegetClient) -> None:
    def batch(day: int) -> tuple[str, int, int, float]:
        demo.set_clock(at(demo, day))
        client = BegetClient(demo.url, "demoprod", "", demoprod.account_password)
        vps = next(
            each
            for each in client.read("/v1/vps/server/list")["vps"]
            if each["display_name"] == "vps-batch-01"
        )
        size = vps["configuration"]
        return vps["id"], size["cpu_count"], size["memory"], size["price_month"]

    before, after = batch(-36), batch(-35)

    assert before[1:] == (2, 4096, 7000)
    assert after[1:] == (4, 8192, 9000)
    assert before[0] == after[0]
    history = BegetClient(demo.url, "demoprod", "", demoprod.account_password).read(
        f"/v1/vps/{after[0]}/history"
    )["history"]
    assert [event["type"] for event in history] == ["RECONFIGURE", "CREATE"]


def test_a_removed_server_is_gone_and_a_stopped_one_is_still_charged(
    lab: EmulatorServer, labone: BegetClient
) -> None:
    servers = {vps["display_name"]: vps for vps in labone.read("/v1/vps/server/list")["vps"]}

    assert "app-removed" not in servers
    assert servers["app-stopped"]["status"] == "STOPPED"
    assert monthly(lab.ledger("beget", "labone"))["app-stopped"] == Decimal("291.90")


def test_the_balance_of_beget_dev_is_low_two_days_ago_and_today(demo: EmulatorServer) -> None:
    days = {day: demo.ledger("beget", "demodev", at(demo, day))["days_to_block"] for day in (-2, -1, 0, 1)}

    assert days == {-2: 9, -1: 8, 0: 9, 1: 8}
    assert demo.ledger("beget", "demodev")["balance"] == "12990.40"
    assert all(
        Decimal(demo.ledger("beget", login, at(demo, day))["balance"]) > 0
        for login in ("demoprod", "demodev")
        for day in range(-90, 1)
    )


def test_buckets_grow_over_the_period_and_stand_still_afterwards(demo: EmulatorServer) -> None:
    def stored(day: int) -> Decimal:
        return monthly(demo.ledger("beget", "demoprod", at(demo, day)))["backup-service"]

    assert stored(-90) < stored(-45) < stored(0)
    assert stored(0) == stored(1) == stored(40) == Decimal(10000)


def test_series_are_the_same_whoever_asks_and_keep_the_scenarios_average(
    demo: EmulatorServer, demoprod: BegetClient
) -> None:
    vps = next(
        each for each in demoprod.read("/v1/vps/server/list")["vps"] if each["display_name"] == "vps-db-01"
    )
    first, second = (
        demoprod.read(f"/v1/vps/statistic/cpu/{vps['id']}?period=MONTH")["cpu"] for _ in range(2)
    )
    memory = demoprod.read(f"/v1/vps/statistic/memory/{vps['id']}?period=MONTH")["memory"]["value"]

    assert first == second
    assert sum(first["value"]) / len(first["value"]) == pytest.approx(12, abs=0.3)
    assert max(first["value"]) <= 27
    assert sum(memory) / len(memory) / (32 * 1024) * 100 == pytest.approx(35, abs=0.5)


@pytest.mark.parametrize(
    ("period", "points", "step"),
    [
        ("HOUR", 60, timedelta(minutes=1)),
        ("DAY", 288, timedelta(minutes=5)),
        ("WEEK", 336, timedelta(minutes=30)),
        ("MONTH", 360, timedelta(hours=2)),
    ],
)
def test_periods_have_even_steps_up_to_now(
    labone: BegetClient, period: str, points: int, step: timedelta
) -> None:
    vps = labone.read("/v1/vps/server/list")["vps"][0]["id"]

    dates = [
        datetime.fromisoformat(text)
        for text in labone.read(f"/v1/vps/statistic/cpu/{vps}?period={period}")["cpu"]["date"]
    ]

    assert len(dates) == points
    assert {after - before for before, after in pairwise(dates)} == {step}
    assert NOON - 2 * step <= dates[-1] < NOON


def test_working_hours_are_busy_and_the_rest_is_not(demo: EmulatorServer, demodev: BegetClient) -> None:
    vps = demodev.read("/v1/vps/server/list")["vps"][0]["id"]
    series = demodev.read(f"/v1/vps/statistic/cpu/{vps}?period=WEEK")["cpu"]
    busy: list[float] = []
    idle: list[float] = []
    for text, value in zip(series["date"], series["value"], strict=True):
        local = demo.scenario.local(datetime.fromisoformat(text))
        (busy if local.weekday() < 5 and 9 <= local.hour < 18 else idle).append(value)

    assert sum(busy) / len(busy) == pytest.approx(15, abs=1)
    assert set(idle) == {0.0}


def test_a_stopped_machine_has_no_points(labone: BegetClient) -> None:
    servers = {vps["display_name"]: vps["id"] for vps in labone.read("/v1/vps/server/list")["vps"]}

    month = labone.read(f"/v1/vps/statistic/cpu/{servers['app-stopped']}?period=MONTH")["cpu"]

    assert labone.read(f"/v1/vps/statistic/cpu/{servers['app-stopped']}")["cpu"] == {"date": [], "value": []}
    assert datetime.fromisoformat(month["date"][-1]) < NOON - timedelta(days=20)


def test_a_scenario_can_be_written_in_a_test() -> None:
    scenario = Scenario.from_mapping(
        {
            "beget": {
                "account": [
                    {
                        "login": "tiny",
                        "api_password": "a",
                        "account_password": "b",
                        "vps": [
                            {
                                "name": "only",
                                "cpu_count": 1,
                                "memory_gb": 1,
                                "disk_gb": 10,
                                "price_month": "300",
                            }
                        ],
                    }
                ]
            }
        },
        anchor=ANCHOR,
    )

    with EmulatorServer(scenario, now=NOON) as server:
        assert server.ledger("beget", "tiny")["total"] == "10.000000"
        assert BegetClient(server.url, "tiny", "a", "b").read("/v1/vps/server/list")["total_count"] == 1


def test_a_provider_without_an_emulator_is_named() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        EmulatorServer(Scenario.from_mapping({"nowhere": {}}, anchor=ANCHOR))


def test_days_begin_at_local_midnight() -> None:
    scenario = Scenario.from_mapping({}, anchor=date(2026, 4, 1))

    assert scenario.instant(0) == datetime(2026, 3, 31, 21, 0, tzinfo=UTC)
    assert scenario.day(datetime(2026, 3, 31, 20, 59, tzinfo=UTC)) == -1
    assert scenario.day(datetime(2026, 3, 31, 21, 0, tzinfo=UTC)) == 0
