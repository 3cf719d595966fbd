"""Beget's answers made into records: exact values, every spelling that Beget uses, nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from providers.contract.errors import UnexpectedResponse
from providers.contract.records import Limit, Rate, RatePeriod, ResourceStatus, SoftwareRecord, Specification
from providers.plugins.beget.client import REDACTION
from providers.plugins.beget.normalize import account, hosting, prices, servers, services, usage, values

from .recorded import recorded


def day(amount: str, *, in_total: bool = True) -> Rate:
    return Rate(amount=Decimal(amount), currency="RUB", period=RatePeriod.DAY, in_account_total=in_total)


def server(**changes):
    """The recorded VPS with other fields; `...` takes one away."""
    item = REDACTION.clean(recorded("servers"))["vps"][0]
    item.update(changes)
    return {key: value for key, value in item.items() if value is not ...}


def read_server(**changes):
    return list(servers.vps_records(server(**changes), {"b1d6": "Default"}))


# ---- values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("385", "385"),
        (4620, "4620"),
        ("12.66", "12.66"),
        (Decimal("1339.57"), "1339.57"),
        (" 7 ", "7"),
        (-3, "-3"),
    ],
)
def test_number_is_read_in_every_spelling(value, expected):
    assert values.number(value, "test") == Decimal(expected)


@pytest.mark.parametrize("value", [None, ""])
def test_absent_number_is_none(value):
    assert values.number(value, "test") is None


@pytest.mark.parametrize("value", ["soon", True, [], {}, "NaN", "Infinity", "1e400"])
def test_what_is_no_number_is_not_guessed(value):
    with pytest.raises(UnexpectedResponse):
        values.number(value, "test")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", True),
        (1, True),
        (True, True),
        ("true", True),
        ("0", False),
        (0, False),
        (None, False),
        ("", False),
    ],
)
def test_flag_is_read_in_every_spelling(value, expected):
    assert values.flag(value) is expected


def test_instants_are_read_with_and_without_a_zone():
    assert values.cloud_instant("2025-03-04T10:20:30+03:00") == datetime(2025, 3, 4, 7, 20, 30, tzinfo=UTC)
    assert values.cloud_instant("2026-04-01T03:10:00Z") == datetime(2026, 4, 1, 3, 10, tzinfo=UTC)
    assert values.cloud_instant("2026-04-01T03:10:00") == datetime(2026, 4, 1, 3, 10, tzinfo=UTC)
    assert values.hosting_instant("2024-02-01 10:00:00") == datetime(2024, 2, 1, 7, 0, tzinfo=UTC)
    assert values.cloud_instant("") is values.hosting_instant(0) is None


# ---- account --------------------------------------------------------------------------------------------------


def account_info(**changes):
    return {**recorded("account")["answer"]["result"], **changes}


def read_account(**changes):
    return account.account_record(
        account_info(**changes), login="acme", unreadable_sections={"mysql"}, sections="6 / 7"
    )


def test_account_total_is_the_rate_of_everything():
    record = read_account()

    assert record.account_id == "acme"
    assert record.total == day("60.73")
    assert record.balance == Decimal("3214.40")
    assert record.charge_days_left == 52
    assert record.remainder_id == "account:acme"
    assert record.remainder_scope == ("account",)


def test_account_limits_tell_used_unlimited_and_unreadable():
    limits = {limit.name: limit for limit in read_account().limits}

    assert limits["Sites"] == Limit(name="Sites", used=Decimal(3), allowed=None)
    assert limits["Disk"] == Limit(name="Disk", used=Decimal(512), allowed=Decimal(10240), unit="MB")
    assert limits["MySQL"].is_readable is False


def test_account_facts_are_grouped():
    facts = read_account().facts

    assert facts["Server"]["Memory, GB"] == "251.6"
    assert facts["Server"]["Memory used, %"] == "57"
    assert facts["Software"]["PHP"] == "5.6.40"
    assert facts["Access"]["SSH"] == "on"
    assert facts["Access"]["API sections"] == "6 / 7"


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({"user_days_to_block": None}, 52),
        ({"user_days_to_block": None, "user_balance": "-5"}, 0),
        ({"user_days_to_block": None, "user_rate_current": "0"}, None),
        ({"user_days_to_block": "0"}, 0),
    ],
)
def test_days_left_are_counted_where_beget_does_not(changes, days):
    assert read_account(**changes).charge_days_left == days


def test_account_without_a_rate_is_not_guessed():
    with pytest.raises(UnexpectedResponse):
        read_account(user_rate_current=None)


# ---- VPS ------------------------------------------------------------------------------------------------------


def test_server_is_read_whole():
    (record,) = read_server()

    assert record.resource_id == "0f3a6c1e-7d52-4b1a-9a43-2f6f0d3b1c77"
    assert (record.native_type, record.name, record.region_id) == ("vps", "app-01", "ru1")
    assert record.status is ResourceStatus.RUNNING
    assert record.rate == day("22")
    assert record.sub_account_name == "Default"
    assert record.specification == Specification(
        vcpus=Decimal(2),
        memory_mib=2048,
        storage_gib=Decimal(30),
        ip_addresses=("192.0.2.10", "192.0.2.11", "10.16.0.5"),
    )
    assert record.software == (SoftwareRecord(name="n8n", version="1.108.2", status="installed"),)
    assert record.created_at == datetime(2025, 3, 4, 7, 20, 30, tzinfo=UTC)


def test_server_keeps_no_secret_and_nothing_that_moves():
    quiet, busy = read_server()[0], read_server(disk_used="99", display_rank="7", ui_pinned=True)[0]

    assert "planted-secret" not in repr(quiet)
    assert "admin@example.test" not in repr(quiet)
    assert busy == quiet


def test_operating_system_is_told_from_software():
    (record,) = read_server(software={"display_name": "Ubuntu", "version": "24.04"})

    assert record.specification.operating_system == "Ubuntu 24.04"


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"status": "STOPPING"}, ResourceStatus.STOPPED, "STOPPING"),
        ({"status": "REINSTALLING"}, ResourceStatus.PENDING, "REINSTALLING"),
        ({"status": "REMOVING"}, ResourceStatus.DELETED, "REMOVING"),
        ({"status": "DREAMING"}, ResourceStatus.UNKNOWN, "DREAMING"),
        ({"status": ...}, ResourceStatus.UNKNOWN, "UNKNOWN"),
        ({"status": None}, ResourceStatus.UNKNOWN, "UNKNOWN"),
        ({"archived": True}, ResourceStatus.STOPPED, "RUNNING, archived"),
        ({"host_unavailable": True}, ResourceStatus.UNKNOWN, "RUNNING, host_unavailable"),
    ],
)
def test_server_status_keeps_begets_word(changes, status, word):
    (record,) = read_server(**changes)

    assert (record.status, record.provider_status) == (status, word)


def test_removed_server_does_not_exist():
    assert read_server(status="REMOVED") == []


@pytest.mark.parametrize("changes", [{"id": ...}, {"id": ""}, {"id": None}, {"configuration": {}}])
def test_server_without_id_or_price_is_not_guessed(changes):
    with pytest.raises(UnexpectedResponse):
        read_server(**changes)


def test_price_of_a_month_serves_where_a_day_is_missing():
    (record,) = read_server(configuration={"price_month": "291.90"})

    assert record.rate is not None
    assert record.rate.daily == Decimal("9.73")


def test_licences_belong_to_their_server():
    software = {
        "display_name": "FASTPANEL",
        "license": [
            {"id": 9, "display_name": "Extended", "billing": {"daily": {"price_day": 10}}},
            {"id": 10, "display_name": "Monthly", "billing": {"monthly": {"price_month": 300}}},
            {"id": 11, "display_name": "Gift"},
        ],
    }

    vps, daily, monthly, unpriced = read_server(software=software)

    assert {record.parent_id for record in (daily, monthly, unpriced)} == {vps.resource_id}
    assert daily.rate == day("10")
    assert monthly.rate == Rate(amount=Decimal(300), currency="RUB", period=RatePeriod.MONTH)
    assert unpriced.rate is None
    assert not unpriced.is_free


def test_additional_addresses_stand_in_the_remainder():
    used, idle = (servers.additional_ip_record(item) for item in recorded("network")["additional_ip"])

    assert (used.resource_id, used.is_free, used.rate, used.is_orphan) == ("ip:192.0.2.11", True, None, False)
    assert used.parent_id == "0f3a6c1e-"
    assert (idle.is_orphan, idle.parent_id) == (True, "")


def test_private_network_is_free():
    record = servers.private_network_record(recorded("network")["private_network"][0])

    assert (record.resource_id, record.name, record.is_free) == ("network:4411", "10.16.0.0/24", True)


def test_snapshot_is_priced_a_day_and_orphaned_with_its_server():
    item = recorded("snapshots")["snapshot"][0]

    kept = servers.snapshot_record(item)
    orphan = servers.snapshot_record({**item, "vps_exists": False})

    assert kept is not None
    assert orphan is not None
    assert (kept.resource_id, kept.rate, kept.is_orphan) == ("snapshot:5501", day("0.96"), False)
    assert kept.specification.storage_gib == Decimal(8)
    assert orphan.is_orphan
    assert servers.snapshot_record({**item, "status": "DELETED"}) is None


def test_image_price_is_a_days():
    record = servers.image_record(
        {"id": "img-1", "name": "golden", "price": Decimal("1.2"), "status": "MIGRATING"}
    )

    assert (record.rate, record.status) == (day("1.2"), ResourceStatus.PENDING)


def test_backup_outlives_what_it_is_of():
    item = {
        "id": "31",
        "vps_id": "a",
        "vps_name": "app",
        "date": "2026-04-01T03:10:00Z",
        "size": "6442450944",
    }

    kept = servers.backup_record(item, kind="vps", scope=("backups", "vps"), parents={"a"})
    left = servers.backup_record(item, kind="vps", scope=("backups", "vps"), parents=set())
    blind = servers.backup_record(item, kind="vps", scope=("backups", "vps"), parents=None)

    assert (kept.resource_id, kept.parent_id, left.parent_id) == ("backup:vps:31", "a", "")
    assert blind.parent_id == "a"
    assert kept.specification.storage_gib == Decimal(6)


# ---- managed services -----------------------------------------------------------------------------------------


def service(number: int, **changes):
    item = REDACTION.clean(recorded("services"))["service"][number]
    item.update(changes)
    return {key: value for key, value in item.items() if value is not ...}


def test_database_is_read_whole():
    record = services.service_record(service(0), projects={}, rate=day("29"))

    assert (record.native_type, record.scope) == ("mysql5", ("services",))
    assert record.specification == Specification(
        vcpus=Decimal(2),
        memory_mib=2048,
        storage_gib=Decimal(20),
        engine="mysql",
        engine_version="5.7",
        ip_addresses=("192.0.2.40", "10.16.0.20"),
    )


def test_bucket_keeps_no_secret():
    record = services.service_record(service(1), projects={}, rate=None)

    assert (record.native_type, record.scope, record.name) == ("s3", ("services", "s3"), "media")
    assert "planted-secret" not in repr(record)
    assert record.configuration["ftp"] == "DISABLED"


@pytest.mark.parametrize(
    ("word", "native_type", "engine"),
    [
        ("MYSQL84", "mysql84", "mysql"),
        ("MYSQL97", "mysql", "mysql"),
        ("POSTGRESQL164", "postgresql164", "postgresql"),
        ("POSTGRESQL18", "postgresql", "postgresql"),
        ("VALKEY9", "valkey9", ""),
    ],
)
def test_newer_services_are_told_by_their_family(word, native_type, engine):
    item = service(0, type=word, mysql5=..., **{word.lower(): {"configuration": {"memory": 4096}}})

    record = services.service_record(item, projects={}, rate=None)

    assert (record.native_type, record.specification.engine) == (native_type, engine)
    assert record.specification.memory_mib == (4096 if engine else None)


def test_type_left_out_is_told_by_the_detail():
    assert services.service_kind(service(1, type=...)) == "s3"
    assert services.service_kind(service(0, type=...)) == "mysql"
    assert services.service_kind({"id": "x"}) == "mysql"


def test_status_details_are_kept():
    item = service(0, status="SUSPENDED", status_details="SUSPENDED_INSUFFICIENT_FUNDS")

    record = services.service_record(item, projects={}, rate=None)

    assert (record.status, record.provider_status) == (ResourceStatus.STOPPED, "SUSPENDED_INSUFFICIENT_FUNDS")


def test_bucket_costs_what_is_used():
    rates = services.s3_rates(
        [
            {"name": "media", "storage_size": 120, "storage_rate": Decimal("2.1"), "traffic_amount": 10, "traffic_rate": Decimal("1.5")},
            {"name": "empty", "display_name": "empty"},
            {"name": "twin", "storage_size": 1, "storage_rate": 1},
            {"name": "twin", "storage_size": 2, "storage_rate": 1},
        ]
    )  # fmt: skip

    assert rates == {
        "media": Rate(
            amount=Decimal("267.0"), currency="RUB", period=RatePeriod.MONTH, in_account_total=True
        ),
        "empty": Rate(amount=Decimal(0), currency="RUB", period=RatePeriod.MONTH, in_account_total=True),
    }


# ---- hosting --------------------------------------------------------------------------------------------------


def test_registered_domain_has_its_zones_list_price():
    registered, attached = recorded("domains")
    rate = hosting.domain_rate("shop.ru", recorded("zones"))

    paid = hosting.domain_record(registered, rate=rate)
    free = hosting.domain_record(attached, rate=rate)

    assert rate == Rate(amount=Decimal(299), currency="RUB", period=RatePeriod.YEAR, is_list_price=True)
    assert (paid.rate, paid.is_free, paid.status) == (rate, False, ResourceStatus.RUNNING)
    assert (free.rate, free.is_free, free.status) == (None, True, ResourceStatus.RUNNING)


@pytest.mark.parametrize(
    ("fqdn", "price"),
    [("a.ru", "299"), ("a.com.ru", "150"), ("xn--80a.com.ru", "170"), ("b.a.ru", "299"), ("a.test", None)],
)
def test_domain_price_is_that_of_the_longest_zone(fqdn, price):
    zones = {**recorded("zones"), "com.ru": {"price_renew": "150", "price_idn_renew": "170"}}

    rate = hosting.domain_rate(fqdn, zones)

    assert (rate.amount if rate else None) == (Decimal(price) if price else None)


def test_site_names_its_domains():
    record = hosting.site_record(recorded("sites")[0])

    assert (record.resource_id, record.name, record.is_free) == ("site:701", "shop-example.test", True)
    assert record.configuration["php_versions"] == ["8.2"]


# ---- usage and prices -----------------------------------------------------------------------------------------

TEN, ELEVEN = datetime(2026, 4, 1, 10, tzinfo=UTC), datetime(2026, 4, 1, 11, tzinfo=UTC)


def test_series_is_zipped_to_the_shorter_array_and_sorted():
    points = usage.series(
        {
            "date": ["2026-04-01T11:00:00Z", "2026-04-01T10:00:00Z", "2026-04-01T12:00:00Z"],
            "value": [Decimal("7.66"), "9.19"],
        },
        "test",
    )

    assert points == [(TEN, 9.19), (ELEVEN, 7.66)]


def test_gaps_are_left_out():
    assert usage.series({"date": ["2026-04-01T10:00:00Z", "?"], "value": [None, 1]}, "test") == []
    assert usage.series(None, "test") == []


def test_cpu_above_a_hundred_is_shared_by_the_cores():
    assert usage.cpu_percent([(TEN, 50.0), (ELEVEN, 150.0)], 2) == [(TEN, 25.0), (ELEVEN, 75.0)]
    assert usage.cpu_percent([(TEN, 50.0), (ELEVEN, 100.0)], 2) == [(TEN, 50.0), (ELEVEN, 100.0)]


def test_memory_is_of_the_configured_size():
    assert usage.memory_percent([(TEN, 1024.0)], 2048) == [(TEN, 50.0)]


def test_prices_leave_out_what_was_made_for_one_customer():
    tariff = {"id": "t", "price_day": 22, "cpu_count": 2, "memory": 2048, "disk_size": 30720, "region": "ru1"}

    price = prices.vps_price(tariff, {})

    assert price is not None
    assert (price.sku_id, price.amount, price.period) == ("vps:t", Decimal(22), "day")
    assert prices.vps_price({**tariff, "custom": True}, {}) is None


def test_tariff_tells_its_group_its_country_and_whether_sizes_are_free():
    tariff = {
        "id": "t",
        "price_month": 660,
        "cpu_count": 2,
        "memory": 2048,
        "disk_size": 30720,
        "region": "kz1",
        "group": "high_cpu",
        "configurable": True,
    }
    found = prices.countries([{"id": "kz1", "country": "kz"}, {"id": "x", "country": "?"}, "nothing"])

    price = prices.vps_price(tariff, found)

    assert found == {"kz1": "KZ"}
    assert price is not None
    assert (price.billing_sku_id, price.family, price.country) == ("t", "high_cpu", "KZ")
    assert (price.is_configurable, price.includes_ip, price.component) == (True, True, None)


def test_zone_prices_are_a_year():
    (price,) = prices.zone_prices(recorded("zones"))

    assert (price.sku_id, price.amount, price.period) == ("zone:ru", Decimal(299), "year")
