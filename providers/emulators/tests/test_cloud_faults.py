"""Faults on Selectel and OpenStack: every family refuses in its own words, and nothing else is struck."""

from __future__ import annotations

import json
from http.client import IncompleteRead
from typing import Any

import pytest

from providers.emulators.faults import Fault
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import Reply
from providers.emulators.tests.cloud_client import CloudClient

CATALOGUE = {
    "openstack.nova": ("compute", "/servers/detail"),
    "openstack.cinder": ("volumev3", "/volumes/detail"),
    "openstack.neutron": ("network", "/v2.0/floatingips"),
    "openstack.glance": ("image", "/v2/images"),
    "openstack.manila": ("sharev2", "/shares/detail"),
    "openstack.octavia": ("load-balancer", "/v2/lbaas/loadbalancers"),
    "openstack.swift": ("object-store", "?format=json"),
    "selectel.dbaas": ("managed-database", "/datastores"),
    "selectel.mks": ("managed-kubernetes", "/clusters"),
    "selectel.registry": ("container-registry", "/registries"),
    "selectel.dns": ("dnsv2", "/zones"),
}
ACCOUNT = {
    "selectel.billing": "billing/v3/balances",
    "selectel.iam": "iam/v1/roles",
    "selectel.resell": "resell/v2/projects",
    "selectel.dedicated": "dedicated/v2/resource",
}
FAMILIES = [*CATALOGUE, *ACCOUNT, "openstack.keystone"]


def ask(reader: CloudClient, family: str) -> Reply:
    """One ordinary request of a family."""
    if family == "openstack.keystone":
        return reader.sign_in({"domain": {"name": "100500"}})
    if family in ACCOUNT:
        return reader.selectel(ACCOUNT[family])
    kind, path = CATALOGUE[family]
    return reader.get("prod", kind, "ru-3", path)


@pytest.fixture
def signed_in(reader: CloudClient) -> CloudClient:
    reader.session()
    reader.session("prod")
    return reader


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fault_strikes_its_family_and_no_other(
    clouds: EmulatorServer, signed_in: CloudClient, family: str
) -> None:
    clouds.faults.add(Fault(kind="status", status=503, family=family, account="100500"))

    statuses = {each: ask(signed_in, each).status for each in FAMILIES}

    assert statuses.pop(family) == 503
    assert set(statuses.values()) <= {200, 201}


@pytest.mark.parametrize("family", FAMILIES)
def test_too_many_requests_come_with_a_delay(
    clouds: EmulatorServer, signed_in: CloudClient, family: str
) -> None:
    clouds.faults.add(Fault(kind="rate_limit", retry_after=7, family=family))

    reply = ask(signed_in, family)

    assert reply.status == (413 if family.split(".")[1] in ("nova", "cinder", "manila") else 429)
    assert reply.headers["retry-after"] == "7"


def test_novas_limit_says_the_delay_in_its_body_too(clouds: EmulatorServer, signed_in: CloudClient) -> None:
    clouds.faults.add(Fault(kind="rate_limit", retry_after=7, family="openstack.nova"))

    assert ask(signed_in, "openstack.nova").json["overLimit"]["retryAfter"] == "7"


@pytest.mark.parametrize(("kind", "status"), [("section_disabled", 403), ("code_required", 401)])
@pytest.mark.parametrize("family", FAMILIES)
def test_sections_and_sign_in_can_be_closed(
    clouds: EmulatorServer, signed_in: CloudClient, family: str, kind: str, status: int
) -> None:
    clouds.faults.add(Fault(kind=kind, family=family))

    assert ask(signed_in, family).status == status


@pytest.mark.parametrize("family", FAMILIES)
def test_errors_of_the_service_itself(clouds: EmulatorServer, signed_in: CloudClient, family: str) -> None:
    clouds.faults.add(Fault(kind="error", family=family, message="broken"))

    reply = ask(signed_in, family)

    if family == "selectel.billing":
        assert (reply.status, reply.json["status"]) == (200, "error")
    else:
        assert reply.status == 500


@pytest.mark.parametrize("family", ["openstack.nova", "selectel.billing", "openstack.keystone"])
def test_answers_are_cut_and_malformed(clouds: EmulatorServer, signed_in: CloudClient, family: str) -> None:
    clouds.faults.add(Fault(kind="malformed", family=family, count=1))
    reply = ask(signed_in, family)
    clouds.faults.add(Fault(kind="cut", family=family))

    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)
    with pytest.raises(IncompleteRead):
        ask(signed_in, family)


@pytest.mark.parametrize(
    ("kind", "seen"),
    [("missing_field", "absent"), ("null_field", None), ("unknown_value", "NOT_SEEN_BEFORE")],
)
def test_fields_are_distorted_and_pages_keep_their_links(
    clouds: EmulatorServer, signed_in: CloudClient, kind: str, seen: Any
) -> None:
    clouds.faults.add(Fault(kind=kind, field="status", family="openstack.nova"))

    answer = ask(signed_in, "openstack.nova").json

    assert {each.get("status", "absent") for each in answer["servers"]} == {seen}
    assert answer["servers_links"]


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_answers_in_html(clouds: EmulatorServer, signed_in: CloudClient, status: int) -> None:
    clouds.faults.add(Fault(kind="status", status=status, family="openstack", count=1))

    first, second = ask(signed_in, "openstack.nova"), ask(signed_in, "openstack.nova")

    assert (first.status, first.headers["content-type"], second.status) == (status, "text/html", 200)


def test_one_region_can_be_down(clouds: EmulatorServer, signed_in: CloudClient) -> None:
    clouds.faults.add(Fault(kind="status", status=503, family="openstack", path="ru-7"))

    assert signed_in.get("prod", "compute", "ru-3", "/servers/detail").status == 200
    assert signed_in.get("prod", "compute", "ru-7", "/servers/detail").status == 503
    assert signed_in.get("prod", "volumev3", "ru-7", "/volumes/detail").status == 503
    assert signed_in.sign_in({"domain": {"name": "100500"}}).status == 201


def test_a_token_that_is_refused_once_is_good_again(clouds: EmulatorServer, signed_in: CloudClient) -> None:
    clouds.faults.add(Fault(kind="code_required", family="openstack.nova", count=1))

    assert [ask(signed_in, "openstack.nova").status for _ in range(2)] == [401, 200]


def test_a_fault_of_one_account_spares_the_others(clouds: EmulatorServer, signed_in: CloudClient) -> None:
    clouds.faults.add(Fault(kind="status", status=503, account="100500"))
    other = CloudClient(clouds.url, "100501", "reader", "lab-secret-empty")

    assert ask(signed_in, "selectel.billing").status == 503
    assert signed_in.selectel("billing/v3/balances", static="anything_100500").status == 503
    assert other.selectel("billing/v3/balances").status == 200
    assert signed_in.sign_in().status == 503


def test_the_log_names_the_account_and_no_secret(clouds: EmulatorServer, signed_in: CloudClient) -> None:
    ask(signed_in, "openstack.nova")
    signed_in.selectel("billing/v3/balances", static="lab-secret-static_100500")

    assert {record.account for record in clouds.requests} == {"100500"}
    assert "secret" not in repr(list(clouds.requests))
