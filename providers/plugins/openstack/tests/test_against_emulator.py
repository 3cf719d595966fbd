"""A private cloud read over HTTP from the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from providers.contract.errors import (
    AuthenticationFailed,
    InvalidSource,
    ProviderUnavailable,
    UnexpectedResponse,
)
from providers.contract.records import Finding, ResourceRecord, ScopeResult, ScopeStatus
from providers.emulators.faults import Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.openstack.provider import OpenStackProvider
from providers.tests.still_clock import StillClock

from .conftest import NOON, context

READER = {"username": "reader", "user_domain": "Private", "password": "lab-secret-private"}
CREDENTIAL = {
    "application_credential_id": "lab0000000000000000000000000cred",
    "application_credential_secret": "lab-secret-credential",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[EmulatorServer]:
    with EmulatorServer(Scenario.load("clouds", anchor=date(2026, 4, 1)), now=NOON) as server:
        yield server


@pytest.fixture
def private(lab: EmulatorServer) -> EmulatorServer:
    lab.faults.clear()
    lab.requests.clear()
    return lab


def provider(server: EmulatorServer, **credentials: str) -> OpenStackProvider:
    return OpenStackProvider(context(server, **credentials), clock=StillClock())


def read(reader: OpenStackProvider) -> tuple[dict[str, ResourceRecord], dict[Any, str], list[Finding]]:
    """Servers by name, scopes that are not open with their error, findings."""
    items = list(reader.resources())
    return (
        {
            item.name: item
            for item in items
            if isinstance(item, ResourceRecord) and item.native_type == "server"
        },
        {
            item.scope[-2:]: item.error_code
            for item in items
            if isinstance(item, ScopeResult) and item.status not in (ScopeStatus.COMPLETE, ScopeStatus.ABSENT)
        },
        [item for item in items if isinstance(item, Finding)],
    )


@pytest.mark.parametrize("credentials", [READER, CREDENTIAL])
def test_servers_of_the_open_project_with_their_prices(private, credentials):
    servers, shut, findings = read(
        provider(private, **credentials, price_list='{"vcpu": 300, "memory_gib": 100}')
    )

    assert set(servers) == {"private-1", "private-2", "private-3"}
    assert {server.rate.amount for server in servers.values() if server.rate} == {Decimal(1000)}
    assert shut == {("RegionTwo", "servers"): "unexpected_response"}  # its Nova speaks 2.30 at most
    assert findings == []
    assert private.violations == []


def test_a_flavour_without_a_price_is_told(private):
    servers, _, findings = read(provider(private, **READER, price_list='{"flavors": {"m1.small": 1}}'))

    assert {server.rate for server in servers.values()} == {None}
    assert [finding.code for finding in findings] == ["price_missing"]


def test_without_a_price_list_nothing_has_a_cost_and_nothing_is_said(private):
    servers, _, findings = read(provider(private, **READER))

    assert {server.rate for server in servers.values()} == {None}
    assert findings == []


def test_connection_names_the_region_whose_nova_is_too_old(private):
    test = provider(private, **READER).test_connection()

    (failed,) = [result for result in test.scopes if result.status is ScopeStatus.FAILED]
    assert (failed.scope[3], failed.scope[-1]) == ("RegionTwo", "servers")
    assert "does not speak the API version “compute 2.69”" in failed.message % failed.params
    assert test.account_name == "reader"
    assert test.facts["Regions"] == "RegionOne, RegionTwo"


def test_a_wrong_password_is_refused_clearly(private):
    with pytest.raises(AuthenticationFailed, match="did not accept the sign-in"):
        provider(private, **{**READER, "password": "wrong"}).test_connection()


def test_a_keystone_that_is_down_is_unavailable(private):
    private.faults.add(Fault(kind="status", family="openstack.keystone", status=503))

    with pytest.raises(ProviderUnavailable):
        provider(private, **READER).test_connection()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"auth_url": "http://cloud.example.org/v3"}, "https"),
        ({"price_list": "{"}, "no JSON"),
        ({"username": ""}, "a user with a password"),
    ],
)
def test_settings_that_cannot_work_are_named(private, changes, words):
    with pytest.raises(InvalidSource, match=words):
        provider(private, **{**READER, **changes}).test_connection()


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"kind": "code_required"}, AuthenticationFailed, "asks for a second factor"),
        ({"kind": "section_disabled"}, AuthenticationFailed, "did not accept the sign-in"),
        ({"kind": "missing_field", "field": "user"}, UnexpectedResponse, "could not be read"),
        ({"kind": "missing_field", "field": "id"}, UnexpectedResponse, "a token of nobody"),
    ],
)
def test_a_sign_in_that_leads_nowhere_says_why(private, fault, error, words):
    private.faults.add(Fault(family="openstack.keystone", **fault))

    with pytest.raises(error, match=words):
        list(provider(private, **READER).resources())
