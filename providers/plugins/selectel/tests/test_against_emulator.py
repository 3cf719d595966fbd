"""Selectel read over HTTP from the emulator: what each failure costs, and what it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.contract.errors import AuthenticationFailed
from providers.contract.plugin import Period
from providers.contract.records import (
    AccountRecord,
    ChargeRecord,
    Finding,
    ResourceRecord,
    RunRateRecord,
    ScopeResult,
    ScopeStatus,
    UsageRecord,
)
from providers.emulators.faults import Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.selectel import client
from providers.plugins.selectel.provider import SelectelProvider
from providers.tests.still_clock import StillClock

from .conftest import NOON, context

WEEK = Period(start=NOON - timedelta(days=7), end=NOON)
STATIC = "lab-secret-static_100500"
OPEN = (ScopeStatus.COMPLETE, ScopeStatus.ABSENT)


@pytest.fixture(scope="module")
def lab() -> Iterator[EmulatorServer]:
    with EmulatorServer(Scenario.load("clouds", anchor=date(2026, 4, 1)), now=NOON) as server:
        yield server


@pytest.fixture
def cloud(lab: EmulatorServer) -> EmulatorServer:
    lab.faults.clear()
    lab.requests.clear()
    lab.clock.set(NOON)
    return lab


def provider(
    server: EmulatorServer,
    user: str = "reader",
    *,
    now: datetime = NOON,
    clock: StillClock | None = None,
    **credentials: str,
) -> SelectelProvider:
    given = {"account_id": "100500", "username": user, "password": f"lab-secret-{user}", **credentials}
    return SelectelProvider(context(server, now=now, **given), clock=clock or StillClock())


def things(items: list[Any]) -> dict[str, ResourceRecord]:
    return {item.name: item for item in items if isinstance(item, ResourceRecord)}


def results(items: list[Any]) -> dict[str, ScopeResult]:
    """Results by the last word of their scope, those of several pools merged: the worst counts."""
    found: dict[str, ScopeResult] = {}
    for item in items:
        if isinstance(item, ScopeResult) and (item.status not in OPEN or item.scope[-1] not in found):
            found[item.scope[-1]] = item
    return found


def shut(items: list[Any]) -> dict[str, str]:
    return {name: result.error_code for name, result in results(items).items() if result.status not in OPEN}


def rates(items: list[Any]) -> dict[str, Decimal]:
    names = {item.resource_id: item.resource_name for item in items if isinstance(item, ChargeRecord)}
    return {names[item.resource_id]: item.rate.daily for item in items if isinstance(item, RunRateRecord)}


# ---- the whole ------------------------------------------------------------------------------------------------


def test_everything_that_is_there_is_read(cloud):
    items = list(provider(cloud).resources())

    assert shut(items) == {"servers": "provider_unavailable"}  # one server's cell does not answer
    assert {item.native_type for item in things(items).values()} == {
        "server",
        "volume",
        "snapshot",
        "backup",
        "image",
        "share",
        "load_balancer",
        "floating_ip",
        "router",
        "network",
        "database",
        "kubernetes_cluster",
        "kubernetes_node_group",
        "bucket",
        "registry",
        "dns_zone",
        "dedicated_server",
    }
    assert cloud.violations == []


def test_volumes_know_their_server_whichever_side_says_so(cloud):
    found = things(list(provider(cloud).resources()))
    api = found["api-1"].resource_id

    assert (found["disk-for-api-1-#1"].parent_id, found["seen-by-nova"].parent_id) == (api, api)
    assert {name: thing.is_orphan for name, thing in found.items() if thing.native_type == "volume"} == {
        "disk-for-api-1-#1": False,
        "seen-by-nova": False,
        "orphan": False,  # nobody may say so while a cell's servers are not known
        "tiny-1": False,
        "tiny-2": False,
        "tiny-3": False,
    }


def test_an_unknown_type_keeps_its_word_and_is_charged(cloud):
    items = list(provider(cloud).charges(WEEK))
    lines = [item for item in items if isinstance(item, ChargeRecord) and item.resource_name == "slice"]

    assert {line.native_type for line in lines} == {"quantum_slice_q1"}
    assert SelectelProvider.resource_type_of("quantum_slice_q1") is None
    assert rates(items)["slice"] == Decimal("37.30")


def test_a_thing_that_is_billed_and_gone_names_the_scope_in_which_it_is_missing(cloud):
    now = datetime(2026, 3, 30, 9, 20, tzinfo=UTC)
    cloud.clock.set(now)
    reader = provider(cloud, now=now)

    charges = list(reader.charges(Period(start=now - timedelta(days=7), end=now)))
    listed = list(reader.resources())

    (zombie,) = {
        item.scope: item
        for item in charges
        if isinstance(item, ChargeRecord) and item.resource_name == "zombie"
    }.values()
    assert "zombie" not in things(listed)
    assert "zombie" in rates(charges)
    assert zombie.scope in {
        item.scope for item in listed if isinstance(item, ScopeResult) and item.status is ScopeStatus.COMPLETE
    }


def test_what_was_made_just_now_has_no_rate_and_what_went_just_now_still_has_one(cloud):
    reader = provider(cloud)

    charged, listed = rates(list(reader.charges(WEEK))), things(list(reader.resources()))

    assert "just-created" in listed
    assert "just-created" not in charged
    assert "just-deleted" not in listed
    assert "just-deleted" in charged


def test_rates_stand_still_through_a_day(cloud):
    seen: dict[str, set[Decimal]] = {}
    uncertainty: dict[str, Decimal] = {}
    for hour in range(0, 24, 3):
        now = NOON - timedelta(hours=30) + timedelta(hours=hour)
        cloud.clock.set(now)
        items = list(provider(cloud, now=now).charges(Period(start=now - timedelta(days=1), end=now)))
        names = {item.resource_id: item.resource_name for item in items if isinstance(item, ChargeRecord)}
        for item in items:
            if isinstance(item, RunRateRecord) and names[item.resource_id] in ("api-1", "orphan", "tiny-1"):
                seen.setdefault(names[item.resource_id], set()).add(item.rate.daily)
                uncertainty[names[item.resource_id]] = item.uncertainty

    assert set(seen) == {"api-1", "orphan", "tiny-1"}
    for name, amounts in seen.items():
        assert max(amounts) - min(amounts) <= uncertainty[name] <= Decimal("0.02"), name


def test_history_is_asked_for_in_pieces_and_today_by_the_hour(cloud):
    list(provider(cloud).charges(Period(start=NOON - timedelta(days=25), end=NOON)))

    asked = [request for request in cloud.requests if request.path.endswith("/consumption")]
    assert len(asked) == 4  # the last hours, and three times ten days


def test_a_bill_too_large_for_one_answer_is_asked_for_in_smaller_parts(cloud, monkeypatch):
    whole = list(provider(cloud).charges(WEEK))
    cloud.requests.clear()
    monkeypatch.setattr(client, "LIMITS", replace(client.LIMITS, response_bytes=100_000))

    parts = list(provider(cloud).charges(WEEK))

    assert parts == whole
    asked = [request for request in cloud.requests if request.path.endswith("/consumption")]
    assert len(asked) > 4


def test_an_hour_too_large_for_one_answer_is_told(cloud, monkeypatch):
    monkeypatch.setattr(client, "LIMITS", replace(client.LIMITS, response_bytes=2_000))

    items = list(provider(cloud).charges(WEEK))

    assert shut(items) == {"consumption": "unexpected_response"}
    assert not any(isinstance(item, ChargeRecord) for item in items)


def test_every_day_is_a_delivery_of_its_own(cloud):
    lines = [item for item in provider(cloud).charges(WEEK) if isinstance(item, ChargeRecord)]

    starts = {line.billing_period_start for line in lines}
    assert starts == {datetime(2026, 3, 24 + day, 21, tzinfo=UTC) for day in range(8)}
    assert all(line.billing_period_end - line.billing_period_start == timedelta(days=1) for line in lines)


def test_rented_servers_cost_what_was_paid_for_them(cloud):
    items = list(provider(cloud, static_token=STATIC).charges(WEEK))

    assert rates(items)["EL10-SSD"] == Decimal(530)
    assert shut(items) == {}


def test_a_static_token_that_is_refused_costs_the_bill_nothing(cloud):
    items = list(provider(cloud, static_token="wrong_100500").charges(WEEK))

    assert shut(items) == {}
    assert [item.code for item in items if isinstance(item, Finding)] == ["payments_refused"]
    assert "api-1" in rates(items)


def test_series_are_those_of_running_servers(cloud):
    reader = provider(cloud)

    items = list(reader.usage(Period(start=NOON - timedelta(hours=1), end=NOON)))
    names = {thing.resource_id: name for name, thing in things(list(reader.resources())).items()}

    measured = {(names[item.resource_id], item.metric) for item in items if isinstance(item, UsageRecord)}
    assert {("api-1", "cpu_percent"), ("api-1", "memory_mib"), ("api-1", "memory_percent")} <= measured
    assert not any(name == "stopped" for name, _ in measured)


# ---- rights ---------------------------------------------------------------------------------------------------


def test_a_user_of_one_project_alone_is_told_what_the_account_needs(cloud):
    with pytest.raises(AuthenticationFailed, match="a role in the whole account"):
        provider(cloud, "project-only").test_connection()


def test_a_project_that_is_not_open_is_named_and_the_other_is_read(cloud):
    test = provider(cloud, "prod-only").test_connection()
    items = list(provider(cloud, "prod-only").resources())

    denied = [result for result in test.scopes if result.status is ScopeStatus.DENIED]
    assert ["project “dev”" in result.message % result.params for result in denied] == [True]
    assert "api-1" in things(items)
    assert "node-1" not in things(items)


def test_no_right_to_the_bill_is_named_and_the_inventory_is_read(cloud):
    test = provider(cloud, "no-billing").test_connection()
    reader = provider(cloud, "no-billing")

    denied = {result.scope for result in test.scopes if result.status is ScopeStatus.DENIED}
    assert {("balance",), ("consumption",)} <= denied
    assert len(denied) == 3  # and the project without a role
    assert shut(list(reader.charges(WEEK))) == {"consumption": "permission_denied"}
    assert "api-1" in things(list(reader.resources()))


def test_lists_that_policy_refuses_are_denied_one_by_one(cloud):
    items = list(provider(cloud, "narrow").resources())

    assert shut(items) == {
        "servers": "provider_unavailable",
        "snapshots": "permission_denied",
        "floating_ips": "permission_denied",
        "load_balancers": "permission_denied",
        "shares": "permission_denied",
        "images": "permission_denied",
        "databases": "permission_denied",
    }
    assert "api-1" in things(items)


# ---- faults ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "lists"),
    [
        ("openstack.nova", {"servers"}),
        ("openstack.cinder", {"volumes", "snapshots", "backups"}),
        ("openstack.neutron", {"ports", "floating_ips", "routers", "networks"}),
        ("openstack.glance", {"images"}),
        ("openstack.octavia", {"load_balancers"}),
        ("openstack.manila", {"shares"}),
        ("openstack.swift", {"buckets"}),
        ("selectel.dbaas", {"databases"}),
        ("selectel.mks", {"clusters"}),
        ("selectel.registry", {"registries"}),
        ("selectel.dns", {"zones"}),
        ("selectel.dedicated", {"dedicated_servers"}),
    ],
)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 503}, "provider_unavailable"),
        ({"kind": "malformed"}, "unexpected_response"),
        ({"kind": "cut"}, "provider_unavailable"),
    ],
)
def test_a_service_that_fails_takes_its_own_lists_only(cloud, family, lists, fault, code):
    cloud.faults.add(Fault(family=family, **fault))

    found = shut(list(provider(cloud).resources()))

    assert set(found) == lists | {"servers"}
    assert {found[name] for name in lists} == {code}


def test_a_pool_that_fails_leaves_the_other(cloud):
    cloud.faults.add(Fault(kind="status", family="openstack", path="ru-7", status=503))

    items = list(provider(cloud).resources())

    failed = {
        item.scope[3]
        for item in items
        if isinstance(item, ScopeResult) and item.scope[-1] == "volumes" and item.status is ScopeStatus.FAILED
    }
    assert failed == {"ru-7"}
    assert "api-1" in things(items)
    assert "node-1" not in things(items)


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 503}, {"kind": "malformed"}, {"kind": "rate_limit"}]
)
def test_a_bill_that_cannot_be_read_is_not_complete(cloud, fault):
    cloud.faults.add(Fault(family="selectel.billing", path="v1/cloud_billing", **fault))
    reader = provider(cloud)

    assert set(shut(list(reader.charges(WEEK)))) == {"consumption"}
    assert [type(item) for item in reader.account()] == [AccountRecord, ScopeResult]


def test_the_last_months_report_is_what_its_days_come_to(cloud):
    month = Period(start=datetime(2026, 2, 28, 21, tzinfo=UTC), end=datetime(2026, 3, 31, 21, tzinfo=UTC))
    reader = provider(cloud, static_token=STATIC)

    record = next(iter(reader.account()))
    days = [
        each
        for each in reader.charges(month)
        if isinstance(each, ChargeRecord)
        and each.native_type != "dedicated_server"
        and month.start <= each.charge_period_start < month.end
    ]

    (total,) = record.month_totals
    assert (total.month, total.currency, total.leaves_out) == (date(2026, 3, 1), "RUB", ("dedicated_server",))
    assert total.amount == sum(each.billed_cost for each in days) > 0


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 403}, {"kind": "malformed"}, {"kind": "null_field", "field": "value"}],
)
def test_a_report_that_is_refused_costs_nothing_else(cloud, fault):
    cloud.faults.add(Fault(family="selectel.billing", path="v1/billing/report", **fault))

    refused = list(provider(cloud, static_token=STATIC).account())
    without = list(provider(cloud).account())

    assert [refused[0].month_totals, without[0].month_totals] == [(), ()]
    assert refused[0].balance == without[0].balance
    assert shut(refused) == {}


@pytest.mark.parametrize("field", ["value", "period"])
def test_rows_without_money_or_time_are_no_rows_of_nothing(cloud, field):
    cloud.faults.add(
        Fault(kind="missing_field", family="selectel.billing", path="v1/cloud_billing", field=field)
    )

    assert shut(list(provider(cloud).charges(WEEK))) == {"consumption": "unexpected_response"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 503}, "provider_unavailable"),
        ({"kind": "missing_field", "field": "id"}, "unexpected_response"),
        ({"kind": "null_field", "field": "id"}, "unexpected_response"),
    ],
)
def test_a_list_of_projects_that_fails_falls_back_on_the_bill(cloud, fault, code):
    cloud.faults.add(Fault(family="selectel.resell", **fault))

    items = list(provider(cloud).resources())

    assert shut(items)["projects"] == code
    assert {"api-1", "node-1"} <= set(things(items))


@pytest.mark.parametrize("kind", ["missing_field", "null_field"])
def test_rows_of_servers_without_their_ids_are_not_added_up_as_one(cloud, kind):
    cloud.faults.add(Fault(kind=kind, family="selectel.billing", path="v1/cloud_billing", field="id"))

    assert shut(list(provider(cloud).charges(WEEK))) == {"consumption": "unexpected_response"}


@pytest.mark.parametrize("kind", ["missing_field", "null_field"])
def test_a_cluster_without_its_id_does_not_look_like_no_clusters_at_all(cloud, kind):
    cloud.faults.add(Fault(kind=kind, field="id", family="selectel.mks"))

    assert shut(list(provider(cloud).resources()))["clusters"] == "unexpected_response"


def test_node_groups_that_are_not_there_do_not_look_like_no_clusters_at_all(cloud):
    list(provider(cloud).resources())
    (path,) = {request.path for request in cloud.requests if request.path.endswith("/nodegroups")}
    cloud.faults.add(
        Fault(kind="status", status=404, family="selectel.mks", path=path.removeprefix("/selectel/mks"))
    )

    assert shut(list(provider(cloud).resources()))["clusters"] == "unexpected_response"


@pytest.mark.parametrize("fault", [{"kind": "section_disabled"}, {"kind": "status", "status": 404}])
def test_object_storage_that_is_not_switched_on_is_absent_and_not_empty(cloud, fault):
    cloud.faults.add(Fault(family="openstack.swift", **fault))

    items = [
        item
        for item in provider(cloud).resources()
        if isinstance(item, ScopeResult) and item.scope[-1] == "buckets"
    ]

    assert {item.status for item in items} == {ScopeStatus.ABSENT}


@pytest.mark.parametrize("kind", ["missing_field", "null_field", "unknown_value"])
def test_buckets_without_their_names_end_their_list(cloud, kind):
    cloud.faults.add(Fault(kind=kind, field="name", family="openstack.swift"))

    assert shut(list(provider(cloud).resources()))["buckets"] == "unexpected_response"


@pytest.mark.parametrize("kind", ["missing_field", "null_field"])
def test_zones_that_lose_the_way_to_the_next_page_are_not_all_there_is(cloud, monkeypatch, kind):
    monkeypatch.setattr("providers.plugins.selectel.lists.ZONES_PAGE", 2)
    cloud.faults.add(Fault(kind=kind, field="next_offset", family="selectel.dns"))

    assert shut(list(provider(cloud).resources()))["zones"] == "unexpected_response"


def test_rented_servers_that_may_not_be_listed_are_told_and_cost_the_bill_nothing(cloud):
    cloud.faults.add(Fault(kind="section_disabled", family="selectel.dedicated"))

    items = list(provider(cloud, static_token=STATIC).charges(WEEK))

    assert shut(items) == {}
    assert [item.code for item in items if isinstance(item, Finding)] == ["rented_servers_refused"]
    assert "api-1" in rates(items)


def test_a_limit_that_passes_is_waited_for(cloud):
    cloud.faults.add(
        Fault(kind="rate_limit", family="selectel.billing", path="v1/cloud_billing", count=1, retry_after=5)
    )
    clock = StillClock()

    items = list(provider(cloud, clock=clock).charges(WEEK))

    assert shut(items) == {}
    assert clock.slept == [5.0]


def test_waits_are_told_in_the_readers_own_thread(cloud):
    told: list[int] = []
    cloud.faults.add(Fault(kind="status", family="openstack.nova", count=1, status=503, retry_after=3))
    given = {"account_id": "100500", "username": "reader", "password": "lab-secret-reader"}
    base = context(cloud, **given)
    reader = SelectelProvider(
        replace(base, on_wait=lambda seconds, reason: told.append(threading.get_ident())), clock=StillClock()
    )

    list(reader.resources())

    assert told == [threading.get_ident()]


def test_tokens_that_end_in_the_middle_are_renewed(cloud):
    reader = provider(cloud)
    stream = reader.resources()
    next(stream)
    cloud.clock.set(NOON + timedelta(days=2))

    items = list(stream)

    assert shut(items) == {"servers": "provider_unavailable"}
