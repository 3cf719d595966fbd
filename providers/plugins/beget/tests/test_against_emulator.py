"""Beget read over HTTP from the emulator: what each failure costs, and what it does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from providers.contract.errors import (
    AuthenticationFailed,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
)
from providers.contract.plugin import Period
from providers.contract.records import (
    PriceRecord,
    ResourceRecord,
    ScopeResult,
    ScopeStatus,
    UsageRecord,
)
from providers.emulators.faults import Fault
from providers.http import Deadline
from providers.plugins.beget.client import HostingClient
from providers.plugins.beget.provider import BegetProvider

from .conftest import LAB, MANY, NOON, context, laboratory

HOUR = Period(start=NOON - timedelta(hours=1), end=NOON)
ALL_SCOPES = {
    ("vps",),
    ("vps-network",),
    ("snapshots",),
    ("images",),
    ("services",),
    ("services", "s3"),
    ("services", "cdn"),
    ("backups", "vps"),
    ("backups", "mysql"),
    ("backups", "postgresql"),
    ("domains",),
    ("sites",),
    ("mysql",),
    ("ftp",),
    ("mail",),
}


def read(provider: BegetProvider) -> tuple[dict[str, ResourceRecord], dict[tuple[str, ...], ScopeResult]]:
    items = list(provider.resources())
    return (
        {item.resource_id: item for item in items if isinstance(item, ResourceRecord)},
        {item.scope: item for item in items if isinstance(item, ScopeResult)},
    )


def incomplete(scopes) -> dict[tuple[str, ...], str]:
    return {
        scope: result.error_code
        for scope, result in scopes.items()
        if result.status is not ScopeStatus.COMPLETE
    }


def calls(server, ending: str) -> int:
    return sum(request.path.endswith(ending) for request in server.requests)


# ---- the whole ------------------------------------------------------------------------------------------------


def test_everything_is_read_and_adds_up(lab, make, clock):
    provider = make()

    (account, result) = list(provider.account())
    resources, scopes = read(provider)
    parts = sum(
        record.rate.daily for record in resources.values() if record.rate and record.rate.in_account_total
    )

    assert result.status is ScopeStatus.COMPLETE
    assert set(scopes) == ALL_SCOPES
    assert incomplete(scopes) == {}
    assert parts == Decimal("152.79")
    assert account.total.amount - parts == Decimal("22.66")  # the plan, 12.66, and two addresses at 5
    assert Counter(record.native_type for record in resources.values()) == {
        "vps": 3,
        "licence": 1,
        "additional_ip": 2,
        "private_network": 1,
        "snapshot": 1,
        "image": 1,
        "mysql8": 1,
        "postgresql15": 1,
        "s3": 1,
        "cdn": 1,
        "vps_backup": 1,
        "mysql_backup": 1,
        "postgresql_backup": 1,
        "domain": 2,
        "site": 1,
        "hosting_mysql": 1,
        "ftp": 1,
        "mailbox": 1,
    }
    assert lab.violations == []
    assert clock.slept == []


def test_long_lists_are_read_page_by_page(lab, clock):
    provider = BegetProvider(context(lab, **MANY), clock=clock)

    resources, scopes = read(provider)

    assert sum(record.native_type == "vps" for record in resources.values()) == 250
    assert incomplete(scopes) == {}
    assert calls(lab, "/vps/server/list") == 3


def test_account_and_resources_share_their_calls(lab, make):
    provider = make()

    list(provider.account())
    list(provider.resources())

    for method in ("user/getAccountInfo", "domain/getList", "mysql/getList", "ftp/getList", "v1/auth"):
        assert calls(lab, method) == 1, method


def test_connection_test_says_who_and_what(make):
    test = make().test_connection()

    assert test.account_id == "labone"
    assert test.is_complete
    assert test.facts == {
        "Plan": "Start",
        "Balance, ₽": "10000.00",
        "Rate, ₽ a day": "175.45",
        "Servers": "3",
    }


# ---- credentials ----------------------------------------------------------------------------------------------


def test_two_wrong_passwords_are_refused_with_few_calls(lab, make):
    provider = make(api_password="wrong", account_password="wrong")

    with pytest.raises(AuthenticationFailed) as error:
        provider.test_connection()
    for stream in (provider.account, provider.resources, provider.prices):
        with pytest.raises(AuthenticationFailed):
            list(stream())

    assert error.value.params == {"login": "labone"}
    assert calls(lab, "v1/auth") == 1
    assert len(lab.requests) == 6


def test_wrong_account_password_costs_only_the_cloud(lab, make):
    provider = make(account_password="wrong")

    test = provider.test_connection()
    resources, scopes = read(provider)

    assert [result.scope for result in test.scopes if result.status is ScopeStatus.DENIED] == [("vps",)]
    assert set(incomplete(scopes)) == ALL_SCOPES - {
        ("domains",),
        ("sites",),
        ("mysql",),
        ("ftp",),
        ("mail",),
    }
    assert set(incomplete(scopes).values()) == {"authentication_failed"}
    assert "domain:shop-example.test" in resources
    assert calls(lab, "v1/auth") == 1


def test_wrong_api_password_costs_only_the_hosting(make):
    provider = make(api_password="wrong", account_password=LAB["account_password"])

    (account,) = list(provider.account())
    resources, scopes = read(provider)

    assert (account.status, account.error_code) == (ScopeStatus.DENIED, "authentication_failed")
    assert set(incomplete(scopes)) == {("domains",), ("sites",), ("mysql",), ("ftp",), ("mail",)}
    assert sum(record.native_type == "vps" for record in resources.values()) == 3


def test_empty_account_password_means_the_same(lab, clock):
    provider = BegetProvider(context(lab, **MANY, account_password=""), clock=clock)

    assert provider.test_connection().is_complete


@pytest.mark.parametrize("code", ["CODE_REQUIRED_TOTP", "CODE_INPUT_LIMIT", "IP_BLOCKED", "EXPIRED_PASSWORD"])
def test_sign_in_that_needs_a_person_is_not_repeated(lab, make, code):
    lab.faults.add(Fault(kind="code_required", family="beget.cloud", path="v1/auth", code=code))

    _, scopes = read(make())

    assert scopes[("vps",)].status is ScopeStatus.DENIED
    assert scopes[("vps",)].params["error"] == code
    assert calls(lab, "v1/auth") == 1


def test_refused_token_is_renewed_once(lab, make):
    lab.faults.add(Fault(kind="status", status=401, family="beget.cloud", path="v1/vps/server", count=1))

    _, scopes = read(make())

    assert incomplete(scopes) == {}
    assert calls(lab, "v1/auth") == 2


def test_token_that_one_list_never_takes_costs_only_that_list(lab, make):
    lab.faults.add(Fault(kind="status", status=401, family="beget.cloud", path="v1/vps/server"))

    _, scopes = read(make())

    assert incomplete(scopes) == {("vps",): "authentication_failed"}
    assert calls(lab, "v1/auth") == 2


# ---- one section down -----------------------------------------------------------------------------------------


def test_section_switched_off_names_its_checkbox(lab, make):
    lab.faults.add(Fault(kind="section_disabled", family="beget.hosting", path="api/mysql"))
    provider = make()

    account = next(provider.account())
    _, scopes = read(provider)

    assert scopes[("mysql",)].status is ScopeStatus.DENIED
    assert "“MySQL management”" in scopes[("mysql",)].message
    assert incomplete(scopes) == {("mysql",): "permission_denied"}
    assert {limit.name for limit in account.limits if not limit.is_readable} == {"MySQL"}
    assert account.facts["Access"]["API sections"] == "6 / 7"


def test_refusal_by_one_section_alone_is_a_missing_right(lab, make):
    lab.faults.add(Fault(kind="error", code="AUTH_ERROR", family="beget.hosting", path="api/user"))
    provider = make()

    (account,) = list(provider.account())
    _, scopes = read(provider)

    assert (account.status, account.error_code) == (ScopeStatus.DENIED, "permission_denied")
    assert "“Account management”" in account.message
    assert incomplete(scopes) == {}


def test_mail_switched_off_is_asked_once(lab, make):
    lab.faults.add(Fault(kind="section_disabled", family="beget.hosting", path="api/mail"))

    _, scopes = read(make())

    assert incomplete(scopes) == {("mail",): "permission_denied"}
    assert calls(lab, "mail/getMailboxList") == 1


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        ("v1/vps/server", {("vps",)}),
        ("v1/vps/network", {("vps-network",)}),
        ("v1/vps/snapshot", {("snapshots",)}),
        ("v1/image", {("images",)}),
        ("v1/cloud/s3/price", {("services", "s3")}),
        ("v1/cloud/cdn/price", {("services", "cdn")}),
        ("v1/cloud/mysql/backup", {("backups", "mysql")}),
        ("v1/vps/backup", {("backups", "vps")}),
        ("v1/cloud/projects", set()),
    ],
)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 503}, "provider_unavailable"),
        ({"kind": "status", "status": 403}, "permission_denied"),
        ({"kind": "status", "status": 404}, "unexpected_response"),
        ({"kind": "malformed"}, "unexpected_response"),
        ({"kind": "error", "code": "TEMPORARILY_UNAVAILABLE"}, "provider_unavailable"),
    ],
)
def test_list_that_fails_costs_only_its_scope(lab, make, path, lost, fault, code):
    lab.faults.add(Fault(family="beget.cloud", path=path, **fault))

    _, scopes = read(make())

    assert set(scopes) == ALL_SCOPES
    assert incomplete(scopes) == dict.fromkeys(lost, code)


@pytest.mark.parametrize("path", ["v1/vps/server", "v1/cloud"])
def test_copies_stay_with_what_they_are_of_while_it_cannot_be_listed(lab, make, path):
    whole, _ = read(make())
    lab.faults.add(Fault(kind="status", status=404, family="beget.cloud", path=path, count=2))

    broken, scopes = read(make())

    assert incomplete(scopes)
    assert {key: item.parent_id for key, item in broken.items() if "backup" in item.native_type} == {
        key: item.parent_id for key, item in whole.items() if "backup" in item.native_type
    }


@pytest.mark.parametrize("kind", ["missing_field", "null_field"])
def test_projects_without_ids_cost_their_names_and_no_server(lab, make, kind):
    lab.faults.add(Fault(kind=kind, field="id", family="beget.cloud", path="v1/cloud/projects"))

    resources, scopes = read(make())

    assert incomplete(scopes) == {}
    assert {record.sub_account_name for record in resources.values()} == {""}


def test_cut_answer_is_asked_again(lab, make, clock):
    lab.faults.add(Fault(kind="cut", family="beget.cloud", path="v1/vps/snapshot", count=1))

    resources, scopes = read(make())

    assert incomplete(scopes) == {}
    assert "snapshot:108001" in resources
    assert clock.slept == [1.0]


def test_unpriced_buckets_keep_their_last_state(lab, make):
    lab.faults.add(Fault(kind="status", status=500, family="beget.cloud", path="v1/cloud/s3/price"))

    resources, _ = read(make())

    assert not any(record.native_type == "s3" for record in resources.values())
    assert any(record.native_type == "mysql8" for record in resources.values())


def test_unpriced_domains_keep_their_last_state(lab, make):
    lab.faults.add(
        Fault(kind="error", code="METHOD_FAILED", family="beget.hosting", path="api/domain/getZoneList")
    )

    resources, scopes = read(make())

    assert incomplete(scopes) == {("domains",): "provider_unavailable"}
    assert "domain:shop-example.test" not in resources
    assert "domain:labone.example.test" in resources
    assert "mail:info@shop-example.test" in resources


# ---- dirty answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["missing_field", "null_field"])
@pytest.mark.parametrize(
    ("path", "field", "lost"),
    [
        ("v1/vps/server", "id", {("vps",)}),
        ("v1/vps/server", "configuration", {("vps",)}),
        ("v1/vps/server", "vps", {("vps",)}),
        ("v1/vps/server", "status", set()),
        ("v1/vps/server", "software", set()),
        ("v1/vps/server", "total_count", set()),
        ("v1/vps/network", "ip", {("vps-network",)}),
        ("v1/vps/snapshot", "id", {("snapshots",)}),
        ("v1/image", "price", set()),
        ("v1/cloud", "status", set()),
        ("api/mysql", "name", {("mysql",)}),
        ("api/mysql", "result", {("mysql",)}),
        ("api/ftp", "answer", {("ftp",)}),
    ],
)
def test_missing_and_null_fields_are_defaults_unless_they_identify(lab, make, kind, path, field, lost):
    lab.faults.add(Fault(kind=kind, field=field, path=path))

    _, scopes = read(make())

    assert incomplete(scopes) == dict.fromkeys(lost, "unexpected_response")


def test_list_left_out_is_empty_but_null_is_no_list(lab, make):
    """Fields with their default may be left out on the wire; null is a contract broken."""
    number = lab.faults.add(Fault(kind="missing_field", field="snapshot", path="v1/vps/snapshot"))
    assert incomplete(read(make())[1]) == {}

    lab.faults.remove(number)
    lab.faults.add(Fault(kind="null_field", field="snapshot", path="v1/vps/snapshot"))
    assert incomplete(read(make())[1]) == {("snapshots",): "unexpected_response"}


def test_unknown_status_is_unknown_and_kept(lab, make):
    lab.faults.add(Fault(kind="unknown_value", field="status", path="v1/vps/server"))

    resources, scopes = read(make())
    found = {record.provider_status for record in resources.values() if record.native_type == "vps"}

    assert incomplete(scopes) == {}
    assert found == {"NOT_SEEN_BEFORE", "NOT_SEEN_BEFORE, archived"}


def test_one_broken_item_hides_no_other(make, monkeypatch):
    provider = make()
    pages = provider._server_items
    monkeypatch.setattr(provider, "_server_items", lambda: (({"id": ""}, *pages())))

    resources, scopes = read(provider)

    assert sum(record.native_type == "vps" for record in resources.values()) == 3
    assert scopes[("vps",)].status is ScopeStatus.FAILED


# ---- limits ---------------------------------------------------------------------------------------------------


def test_hosting_limit_is_waited_for(lab, make, clock):
    lab.faults.add(Fault(kind="rate_limit", family="beget.hosting", path="api/ftp", count=1))

    _, scopes = read(make())

    assert incomplete(scopes) == {}
    assert clock.slept == [60.0]


def test_limit_that_stays_costs_its_section(clock):
    with laboratory(limit=3) as server:
        provider = BegetProvider(context(server, **LAB), clock=clock)

        _, scopes = read(provider)

    assert scopes[("vps",)].status is ScopeStatus.COMPLETE
    assert set(incomplete(scopes).values()) == {"rate_limited"}


def test_cloud_limit_is_waited_for_as_it_says(lab, make, clock):
    lab.faults.add(
        Fault(kind="status", status=429, retry_after=3, family="beget.cloud", path="v1/image", count=2)
    )

    _, scopes = read(make())

    assert incomplete(scopes) == {}
    assert clock.slept == [3.0, 3.0]


def test_deadline_ends_the_reading_scope_by_scope(lab, make, clock):
    provider = make()
    list(provider.account())
    clock.passed = 901.0

    _, scopes = read(provider)

    assert set(scopes) == ALL_SCOPES
    assert scopes[("vps",)].error_code == "deadline_exceeded"
    assert scopes[("mysql",)].status is ScopeStatus.COMPLETE  # was read before


def test_hosting_is_paced_towards_beget_and_not_towards_an_emulator(lab, clock):
    paced = replace(context(lab, **LAB), options={"hosting_interval": "1"})
    client = HostingClient(
        paced, login="labone", password="lab-secret-api", deadline=Deadline(900, clock), clock=clock
    )

    for section in ("domain", "site", "mysql"):
        client.call(section, "getList")

    assert clock.slept == [1.0, 1.0]


def test_everything_down_fails_the_test_and_every_scope(lab, make):
    lab.faults.add(Fault(kind="status", status=503, family="beget"))
    provider = make()

    with pytest.raises(ProviderUnavailable) as error:
        provider.test_connection()
    _, scopes = read(provider)

    assert not isinstance(error.value, RateLimited | PermissionDenied)
    assert set(incomplete(scopes)) == ALL_SCOPES


# ---- usage ----------------------------------------------------------------------------------------------------


def test_usage_has_series_of_what_runs(make):
    provider = make()
    resources, _ = read(provider)
    items = list(provider.usage(HOUR))
    series = [item for item in items if isinstance(item, UsageRecord)]
    names = {resource_id: record.name for resource_id, record in resources.items()}

    assert {(names[record.resource_id], record.metric) for record in series} == {
        ("app-running", "cpu_percent"),
        ("app-running", "memory_mib"),
        ("app-running", "memory_percent"),
        ("app-running", "disk_used_gib"),
        ("orders", "cpu_percent"),
        ("orders", "memory_mib"),
        ("orders", "memory_percent"),
        ("orders", "disk_used_gib"),
        ("events", "cpu_percent"),
        ("events", "memory_mib"),
        ("events", "memory_percent"),
        ("events", "disk_used_gib"),
        ("media", "disk_used_gib"),
    }
    assert {len(record.points) for record in series} == {1, 60}


def test_usage_alone_lists_first(make):
    assert sum(isinstance(item, UsageRecord) for item in make().usage(HOUR)) == 13


def test_series_that_fails_costs_only_itself(lab, make):
    provider = make()
    resources, _ = read(provider)
    running = next(record.resource_id for record in resources.values() if record.name == "app-running")
    lab.faults.add(Fault(kind="status", status=404, path="v1/vps/statistic"))

    items = list(provider.usage(HOUR))
    scopes = {item.scope: item.status for item in items if isinstance(item, ScopeResult)}

    assert scopes.pop(("usage", running)) is ScopeStatus.FAILED
    assert set(scopes.values()) == {ScopeStatus.COMPLETE}
    assert sum(isinstance(item, UsageRecord) for item in items) == 10


@pytest.mark.parametrize(
    ("length", "points"),
    [(timedelta(hours=1), 60), (timedelta(days=1), 288), (timedelta(days=7), 336), (timedelta(days=30), 359)],
)
def test_window_is_the_shortest_that_holds_the_period(make, length, points):
    series = [
        item
        for item in make().usage(Period(start=NOON - length, end=NOON))
        if isinstance(item, UsageRecord) and item.metric == "cpu_percent"
    ]

    assert {len(record.points) for record in series} == {points}


def test_prices_tell_the_country_of_their_region(make):
    found = {item.region_id: item.country for item in make().prices() if isinstance(item, PriceRecord)}

    assert (found["ru1"], found["kz1"]) == ("RU", "KZ")


def test_prices_do_without_the_countries_of_their_regions(lab, make):
    lab.faults.add(Fault(kind="status", status=500, path="v1/vps/region"))

    items = list(make().prices())

    assert {item.status for item in items if isinstance(item, ScopeResult)} == {ScopeStatus.COMPLETE}
    assert {item.country for item in items if isinstance(item, PriceRecord)} == {""}


def test_prices_fail_list_by_list(lab, make):
    lab.faults.add(Fault(kind="status", status=500, path="v1/cloud/configuration"))

    items = list(make().prices())
    scopes = {item.scope: item.status for item in items if isinstance(item, ScopeResult)}

    assert scopes == {
        ("prices", "vps"): ScopeStatus.COMPLETE,
        ("prices", "databases"): ScopeStatus.FAILED,
        ("prices", "zones"): ScopeStatus.COMPLETE,
    }
