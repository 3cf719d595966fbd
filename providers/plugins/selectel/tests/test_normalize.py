"""Rows of consumption as lines and run rates, and the words between Selectel and us; examples of the reference."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from providers.contract.records import MonthTotal, ResourceType
from providers.openstack.normalize import Malformed, Place
from providers.plugins.selectel.normalize import account, billing, managed, payments, prices, rates, words
from providers.plugins.selectel.normalize.billing import Row
from providers.plugins.selectel.provider import SelectelProvider

PROJECT = "0f3c8a52b6d14e0d9a7f5b1c2d3e4f50"
SERVER = "5b0f7d5e-2a3c-4d1e-9f60-7a8b9c0d1e2f"
DISK = "77e5c1aa-1111-4222-8333-944455566677"
HOUR = timedelta(hours=1)
ELEVEN = datetime(2026, 3, 3, 8, tzinfo=UTC)  # 11:00 in Moscow
NOW = ELEVEN + 2 * HOUR + timedelta(minutes=20)


def item(
    *,
    value: int = 127,
    period: str = "2026-03-03T11:00:00",
    key: str = "vpc",
    metric: dict[str, Any] | None = None,
    thing: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A row of consumption: an attached disk of 50 GB, unless told otherwise."""
    return {
        "account_id": "100500",
        "provider_key": key,
        "balance": None,
        "project": {"id": PROJECT, "name": "prod"},
        "object": {
            "id": DISK,
            "name": "disk-for-api-1-#1",
            "parent_id": SERVER,
            "parent_name": "api-1",
            "type": "volume_gigabytes_universal",
            **(thing or {}),
        },
        "metric": {
            "id": "volume_gigabytes_universal",
            "name": "Универсальные SSD диски",
            "quantity": 50,
            "region": "ru-3b",
            "unit": "GB*H",
            **(metric or {}),
        },
        "period": period,
        "provision_start": "2026-03-03T10:00:00",
        "provision_end": "2026-03-03T11:59:59",
        "value": value,
    }


def hours(values: str, *, quantity: int = 5, last: datetime = ELEVEN, **thing: Any) -> list[Row]:
    """Rows of one disk for the hours that end with `last`; "-" is an hour without a row."""
    found = []
    for back, value in enumerate(reversed(values.split())):
        if value != "-":
            local = (last - back * HOUR).astimezone(billing.MOSCOW).strftime("%Y-%m-%dT%H:%M:%S")
            row = item(value=int(value), period=local, metric={"quantity": quantity}, thing=thing)
            found.append(billing.row(row))
    return found


def only_rate(rows: list[Row], *, now: datetime = NOW) -> tuple[Decimal, Decimal]:
    (stated,) = rates.run_rates(rows, now=now)
    return stated.rate.amount, stated.uncertainty


# ---- rows -----------------------------------------------------------------------------------------------------


def test_a_row_is_moscow_time_and_kopecks():
    row = billing.row(item())

    assert (row.start, row.value, row.quantity) == (ELEVEN, Decimal(127), Decimal(50))
    assert (row.resource_id, row.kind, row.parent_id, row.region) == (DISK, "volume", SERVER, "ru-3b")


def test_an_unattached_disk_has_no_parent_though_billing_names_the_project():
    assert billing.row(item(thing={"parent_id": PROJECT, "parent_name": ""})).parent_id == ""


@pytest.mark.parametrize("parent", ["", None])
def test_a_server_has_no_parent(parent):
    assert billing.row(item(thing={"type": "cloud_vm", "parent_id": parent})).parent_id == ""


def test_a_line_names_object_metric_parent_and_scope():
    (line,) = billing.charges([billing.row(item())], until=NOW, account_id="100500")

    assert (line.effective_cost, line.billed_cost, line.billing_currency) == (
        Decimal("1.27"),
        Decimal("1.27"),
        "RUB",
    )
    assert (line.resource_id, line.native_type, line.sku_id) == (DISK, "volume", "volume_gigabytes_universal")
    assert (line.region_id, line.parent_id) == ("ru-3", SERVER)
    assert line.scope == ("project", PROJECT, "region", "ru-3", "volumes")
    assert line.billing_period_start == datetime(2026, 3, 2, 21, tzinfo=UTC)  # midnight in Moscow
    assert line.billing_period_end == datetime(2026, 3, 3, 21, tzinfo=UTC)
    assert (line.charge_period_start, line.charge_period_end) == (line.billing_period_start, NOW)


def test_hours_of_a_day_become_one_line_a_metric_and_midnight_is_moscows():
    rows = hours("13 13 12 13 13 12", last=datetime(2026, 3, 2, 22, tzinfo=UTC))  # 01:00 on 3 March in Moscow

    lines = list(billing.charges(rows, until=NOW, account_id="100500"))

    assert [line.billed_cost for line in lines] == [Decimal("0.51"), Decimal("0.25")]
    assert [line.consumed_quantity for line in lines] == [Decimal(20), Decimal(10)]


@pytest.mark.parametrize(
    ("metric", "unit", "expected"),
    [
        ("volume_gigabytes_universal", "GB*H", "GB-Hours"),
        ("compute_ram", "MB", "MB-Hours"),
        ("compute_cores", "item", "Item-Hours"),
        ("exttraffic", "GB", "GB"),
        ("traffic-req-get", "request", "request"),
        ("compute_cores", "", ""),
    ],
)
def test_a_quantity_that_is_added_up_over_hours_says_so(metric, unit, expected):
    row = billing.row(item(metric={"id": metric, "unit": unit}))

    (line,) = billing.charges([row], until=NOW, account_id="100500")

    assert (line.pricing_unit, line.consumed_unit) == (expected, expected)


@pytest.mark.parametrize("thing", [{"id": ""}, {"id": None}, {"id": PROJECT}])
def test_a_charge_of_a_whole_project_gets_an_id_from_what_it_is_for(thing):
    row = billing.row(item(thing={**thing, "type": "exttraffic"}, metric={"id": "exttraffic"}))

    assert (row.resource_id, row.kind) == (f"billing:{PROJECT}/ru-3b/exttraffic", "traffic")


def test_a_row_without_any_object():
    row = billing.row({**item(metric={"id": "exttraffic"}), "object": None})

    assert row.resource_id == f"billing:{PROJECT}/ru-3b/exttraffic"


@pytest.mark.parametrize(
    "name", ["backups", "backups_segments", "backups_s3multipartuploads", "backups.file-segments"]
)
def test_hidden_containers_belong_to_their_bucket(name):
    thing = {"id": "x", "name": name, "type": "", "parent_id": ""}
    row = billing.row(item(key="storage", thing=thing, metric={"id": "volume_standard", "region": "ru-1"}))

    assert (row.resource_id, row.name, row.kind) == (f"s3:{PROJECT}/ru-1/backups", "backups", "bucket")


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {**item(), "value": None},
        {**item(), "value": "127"},
        {**item(), "value": True},
        {**item(), "period": None},
        {**item(), "period": "yesterday"},
    ],
)
def test_a_row_without_money_or_time_is_malformed(broken):
    with pytest.raises(Malformed):
        billing.row(broken)


# ---- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("object_type", "metric", "key", "kind"),
    [
        ("cloud_vm", "compute_cores", "vpc", "server"),
        ("cloud_vm", "license_windows_2016_standard", "vpc", "server"),
        ("", "compute_pci_gpu_a100", "vpc", "server"),
        ("", "license_windows_2016_standard", "vpc", "licence"),
        ("volume_gigabytes_fast", "volume_totaliops_universal2", "vpc", "volume"),
        ("", "volume_backups_gigabytes", "vpc", "backup"),
        ("", "network_floatingips", "vpc", "floating_ip"),
        ("", "network_subnets_29", "vpc", "subnet"),
        ("", "load_balancers_single_1", "vpc", "load_balancer"),
        ("", "dbaas_compute_ram", "dbaas", "database"),
        ("", "something_new", "mks", "kubernetes_cluster"),
        ("", "volume_standard", "storage", "bucket"),
        ("gpu_slice_a100", "gpu_slice_a100", "vpc", "gpu_slice_a100"),
        ("", "gpu_slice_a100", "vpc", "gpu_slice_a100"),
        ("", "", "mobfarm", "mobfarm"),
    ],
)
def test_kinds(object_type, metric, key, kind):
    assert words.kind_of(object_type, metric, key) == kind


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("server", ResourceType.SERVER),
        ("snapshot_gigabytes_fast", ResourceType.SNAPSHOT),
        ("network_floatingips", ResourceType.FLOATING_IP),
        ("gpu_slice_a100", None),
        ("mobfarm", None),
    ],
)
def test_types_of_words_that_reach_triage_are_none(word, kind):
    assert SelectelProvider.resource_type_of(word) is kind


@pytest.mark.parametrize(
    ("region", "pool"), [("ru-3b", "ru-3"), ("ru-3", "ru-3"), ("uz-1a", "uz-1"), ("", "")]
)
def test_pools(region, pool):
    assert words.pool_of(region) == pool


# ---- run rates ------------------------------------------------------------------------------------------------


def carried(count: int, *, price: Decimal, start: int = 0) -> str:
    """What `count` hours show of a price in kopecks an hour, the remainder carried on."""
    totals = [round(price * number) for number in range(start, start + count + 1)]
    return " ".join(str(later - earlier) for earlier, later in pairwise(totals))


def test_the_rate_does_not_flicker_while_nothing_changes():
    price = Decimal("12.704")
    shown = [only_rate(hours(carried(30, price=price, start=start))) for start in range(60)]

    amounts = {amount for amount, _ in shown}
    assert amounts == {Decimal("3.04"), Decimal("3.05")}  # 304.896 kopecks a day
    assert {uncertainty for _, uncertainty in shown} == {Decimal("0.01")}
    assert max(amounts) - min(amounts) <= Decimal("0.01")  # within what the rate itself says


def test_only_hours_of_the_same_quantity_count():
    rows = [*hours("25 25 26", quantity=10, last=ELEVEN - 2 * HOUR), *hours("13 12", quantity=5)]

    assert only_rate(rows) == (Decimal("3.00"), Decimal("0.24"))


def test_only_hours_of_the_same_price_count():
    assert only_rate(hours("127 127 127 132 132")) == (Decimal("31.68"), Decimal("0.24"))


def test_hours_before_a_gap_do_not_count():
    assert only_rate(hours("99 - 13 12 13")) == (Decimal("3.04"), Decimal("0.24"))


def test_metrics_of_one_thing_add_up_and_the_latest_hour_stands_beside():
    cores = item(
        value=179, thing={"id": SERVER, "type": "cloud_vm"}, metric={"id": "compute_cores", "quantity": 2}
    )
    memory = item(
        value=33, thing={"id": SERVER, "type": "cloud_vm"}, metric={"id": "compute_ram", "quantity": 1024}
    )

    (stated,) = rates.run_rates([billing.row(cores), billing.row(memory)], now=NOW)

    assert stated.rate.daily == Decimal("50.88")
    assert stated.latest_hour_cost == Decimal("2.12")
    assert stated.last_charge_start == ELEVEN


def test_what_ended_before_the_latest_full_hour_is_not_current():
    ended = hours("13 13", last=ELEVEN - 2 * HOUR, id="gone")

    assert [stated.resource_id for stated in rates.run_rates([*ended, *hours("13 12 13 13")], now=NOW)] == [
        DISK
    ]


def test_an_hour_that_is_still_coming_in_is_not_the_latest():
    rows = [row for number in range(4) for row in hours("13 12 13", last=ELEVEN, id=f"disk-{number}")]
    late = hours("13", last=ELEVEN + HOUR, id="disk-0")

    assert rates.latest_full_hour([*rows, *late], now=NOW) == ELEVEN
    assert len(rates.run_rates([*rows, *late], now=NOW)) == 4


def test_the_hour_that_runs_is_never_full():
    rows = hours("13 12 13", last=ELEVEN + 2 * HOUR)

    assert rates.latest_full_hour(rows, now=NOW) == ELEVEN + HOUR


def test_an_old_hour_is_full_even_with_less_in_it():
    rows = [row for number in range(4) for row in hours("13", last=ELEVEN - HOUR, id=f"disk-{number}")]

    assert rates.latest_full_hour([*rows, *hours("13", id="disk-0")], now=ELEVEN + 6 * HOUR) == ELEVEN


def test_no_rows_have_no_rates():
    assert rates.latest_full_hour([], now=NOW) is None
    assert rates.run_rates([], now=NOW) == []


def test_traffic_is_what_the_last_day_cost():
    rows = [
        billing.row(
            item(
                value=value,
                period=f"2026-03-03T{hour:02}:00:00",
                thing={"id": "", "type": ""},
                metric={"id": "exttraffic", "quantity": value},
            )
        )
        for hour, value in ((3, 100), (7, 50), (11, 0))
    ]

    assert only_rate(rows) == (Decimal("1.50"), Decimal("0.010"))


# ---- the rest -------------------------------------------------------------------------------------------------

BALANCES: dict[str, Any] = {
    "status": "success",
    "data": {
        "settings": {"mode": "x", "currency": "rub", "avaliable_billings": ["primary", "vpc"]},
        "billings": [
            {"billing_type": "primary", "final_sum": 1250075},
            {"billing_type": "vpc", "debt_sum": 3500, "final_sum": -3500},
        ],
    },
}


@pytest.mark.parametrize(
    ("prediction", "days"),
    [
        ({"primary": 250, "storage": None, "vpc": 180}, 7),
        ({"primary": None}, None),
        (None, None),
        ({"vpc": 0}, 0),
    ],
)
def test_balances_are_kopecks_and_predictions_hours(prediction, days):
    record = account.account_record(BALANCES, prediction, account_id="100500", name="100500", facts={})

    assert (record.balance, record.currency, record.charge_days_left) == (Decimal("12465.75"), "RUB", days)
    assert record.facts == {"Balance": {"Main balance, ₽": "12500.75", "Cloud platform, ₽": "-35.00"}}


def test_settings_may_stand_beside_data():
    data = BALANCES["data"]
    body = {"status": "success", "settings": {"currency": "kzt"}, "data": {"billings": data["billings"]}}

    assert account.account_record(body, None, account_id="1", name="1", facts={}).currency == "KZT"


PLACE = Place(
    scope=("project", PROJECT, "region", "ru-3", "databases"),
    project_id=PROJECT,
    project_name="prod",
    region_id="ru-3",
)


def test_database_counts_all_its_nodes_and_none_is_no_address():
    found = managed.database(
        {
            "id": "20d7",
            "name": "orders-pg",
            "status": "ACTIVE",
            "flavor": {"vcpus": 2, "ram": 8192, "disk": 64, "disk_type": "local"},
            "node_count": 2,
            "_engine": {"engine": "postgresql", "version": "16"},
            "config": {"password": "planted-secret"},
            "instances": [{"ip": "192.168.0.10", "floating_ip": "None"}],
        },
        PLACE,
    ).record

    assert (found.specification.vcpus, found.specification.memory_mib, found.specification.storage_gib) == (
        Decimal(4),
        16384,
        Decimal(128),
    )
    assert (found.specification.engine, found.specification.engine_version) == ("postgresql", "16")
    assert found.specification.ip_addresses == ("192.168.0.10",)
    assert "planted" not in repr(found)


def test_node_groups_name_their_servers_and_cost_nothing_themselves():
    group = managed.cluster(
        {"id": "g1", "_cluster_id": "c1", "nodes": [{"os_server_id": SERVER}], "volume_gb": 32}, PLACE
    ).record

    assert (group.native_type, group.parent_id, group.is_free) == ("kubernetes_node_group", "c1", True)
    assert group.configuration["servers"] == [SERVER]


def test_prices_are_kopecks_a_unit_and_hour():
    found = prices.price(
        {
            "resource": "volume_gigabytes_universal",
            "group": "ru-3b",
            "unit": "GB*H",
            "value": Decimal("2.5408"),
        },
        "vpc",
    )

    assert found is not None
    assert (found.amount, found.period, found.unit) == (Decimal("0.025408"), "hour", "GiB")
    assert (found.region_id, found.zone_id, found.country) == ("ru-3", "ru-3b", "RU")
    assert (found.component, found.family, found.disk_class) == ("storage_gib", "universal", "ssd")
    assert (found.sku_id, found.billing_sku_id) == (
        "volume_gigabytes_universal/ru-3b",
        "volume_gigabytes_universal",
    )
    assert prices.price({"resource": "exttraffic", "group": "ru-3", "unit": "MB", "value": 1}, "vpc") is None


def test_memory_is_priced_by_the_gib():
    found = listed_price("compute_ram_dedicated", unit="MB", value=Decimal("0.031875"))

    assert (found.amount, found.unit) == (Decimal("0.32640000"), "GiB")
    assert (found.component, found.family) == ("memory_gib", "dedicated")


@pytest.mark.parametrize(
    ("metric", "resource_type", "component", "family"),
    [
        ("compute_cores", "server", "vcpu", "standard"),
        ("compute_cores_high_freq", "server", "vcpu", "high_freq"),
        ("compute_pci_gpu_a100", "server", "gpu", "pci_gpu_a100"),
        ("volume_gigabytes_local", "server", "storage_gib", "local"),
        ("volume_totaliops_universal2", "volume", "iops", "universal2"),
        ("snapshot_gigabytes_fast", "snapshot", "storage_gib", "fast"),
        ("volume_backups_gigabytes", "backup", "storage_gib", "standard"),
        ("network_floatingips", "floating_ip", "ip", "standard"),
        ("network_subnets_29", "network", None, "subnets_29"),
        ("load_balancers_active_standby_xl", "load_balancer", None, "active_standby_xl"),
        ("dbaas_compute_cores", "database", "vcpu", "standard"),
    ],
)
def test_metric_says_what_its_price_is_for(metric, resource_type, component, family):
    found = listed_price(metric)

    assert (found.resource_type, found.component, found.family) == (resource_type, component, family)


def test_line_says_which_share_of_a_core_and_whether_it_may_be_taken_away():
    half, taken, whole = (
        listed_price(f"compute_cores{line}") for line in ("_percent_50", "_preemptible", "_dedicated")
    )

    assert [each.cpu_share for each in (half, taken, whole)] == [50, 100, 100]
    assert [each.is_preemptible for each in (half, taken, whole)] == [False, True, False]


def test_price_of_a_whole_pool_has_no_zone():
    found = listed_price("volume_gigabytes_fast", group="kz-1")

    assert (found.region_id, found.zone_id, found.country) == ("kz-1", "", "KZ")


def listed_price(metric: str, *, group: str = "ru-3b", unit: str = "item", value: Decimal = Decimal(1)):
    found = prices.price({"resource": metric, "group": group, "unit": unit, "value": value}, "vpc")
    assert found is not None
    return found


# ---- payments -------------------------------------------------------------------------------------------------


def payment(created: str, price: int = -1590000, server_id: str = "bare-1") -> dict[str, Any]:
    return {
        "price": price,
        "created": created,
        "description": {"ru": "Выделенный сервер EL10-SSD"},
        "server_meta": {"en": {"full_name": "EL10-SSD"}, "main_resource_uuid": server_id},
    }


def test_a_payment_is_spread_over_its_month_to_the_kopeck():
    (found,) = payments.payments([payment("2026-02-01T00:12:09.123456")], {})
    start = billing.day_start(datetime(2026, 1, 1, tzinfo=UTC))

    lines = list(payments.charges([found], start=start, end=start + timedelta(days=90), account_id="100500"))

    assert len(lines) == 28
    assert sum(line.effective_cost for line in lines) == Decimal("15900.00")
    assert lines[0].charge_period_start == datetime(2026, 1, 31, 21, tzinfo=UTC)
    assert {line.scope for line in lines} == {("dedicated_servers",)}


def test_payments_follow_each_other_without_gap_or_overlap():
    items = [payment("2026-03-17T10:00:00"), payment("2026-02-15T10:00:00"), payment("2026-04-10T10:00:00")]

    spans = [(found.start, found.end) for found in payments.payments(items, {})]

    assert spans[0][1] == spans[1][0]
    assert spans[1][1] == spans[2][0]


def test_a_year_that_is_paid_at_once_costs_a_twelfth_a_month():
    found = payments.payments([payment("2026-01-31T10:00:00", price=-12000000)], {"bare-1": 12})

    (stated,) = payments.run_rates(found, {"bare-1": 12}, now=NOW)

    assert (stated.rate.amount, stated.rate.daily) == (Decimal(10000), Decimal(10000) / 30)
    assert [payments.months_of(plan) for plan in ("1 month", "12 months", "1 год", "")] == [1, 12, 1, 1]


def test_top_ups_and_ended_payments_state_no_rate():
    items = [
        payment("2026-01-01T10:00:00"),
        {**payment("2026-03-01T10:00:00", price=500), "server_meta": None},
    ]

    found = payments.payments(items, {})

    assert len(found) == 1
    assert list(payments.run_rates(found, {}, now=NOW)) == []


def report(*values: object) -> dict[str, object]:
    return {"year": 2026, "month": 3, "projects": [{"id": "p", "value": value} for value in values]}


def test_a_month_is_the_sum_of_its_projects_in_kopecks():
    found = account.month_total(report(125, 10_001), date(2026, 3, 1))

    assert found == MonthTotal(
        month=date(2026, 3, 1), amount=Decimal("101.26"), currency="RUB", leaves_out=("dedicated_server",)
    )
    assert account.month_total(report(), date(2026, 3, 1)) is None  # not made yet, or nothing to report


@pytest.mark.parametrize(
    ("body", "month"),
    [
        (report(125), date(2026, 2, 1)),
        (report(125), date(2025, 3, 1)),
        (report(None), date(2026, 3, 1)),
        (report(True), date(2026, 3, 1)),
        ({**report(), "projects": [7]}, date(2026, 3, 1)),
        ({**report(), "projects": None}, date(2026, 3, 1)),
        ([], date(2026, 3, 1)),
    ],
)
def test_a_report_that_cannot_be_read_is_no_nought(body, month):
    with pytest.raises(Malformed):
        account.month_total(body, month)
