"""The emulated cloud, entered through its Keystone alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from providers.contract.plugin import PluginContext
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.openstack.provider import OpenStackProvider
from providers.tests.still_clock import StillClock

ANCHOR = date(2026, 4, 1)
NOON = datetime(2026, 4, 1, 9, 20, tzinfo=UTC)
PRICES = (
    '{"vcpu": 300, "memory_gib": 100, "volume_types": {"*": 5}, "floating_ip": 150, "load_balancer": 900}'
)
ALL = {
    "username": "infrazen-reader",
    "user_domain": "101001",
    "password": "demo-secret-selectel-a",
    "price_list": PRICES,
}

MakeProvider = Callable[..., OpenStackProvider]


def demo() -> EmulatorServer:
    return EmulatorServer(Scenario.load("demo", anchor=ANCHOR), now=NOON)


def context(server: EmulatorServer, **credentials: str) -> PluginContext:
    return PluginContext(
        credentials={"auth_url": f"{server.url}/openstack/keystone/v3", **credentials},
        now=NOON,
        allow_loopback=True,
    )


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with demo() as running:
        yield running


@pytest.fixture
def cloud(server: EmulatorServer) -> EmulatorServer:
    """The running emulator without the faults and requests of the test before."""
    server.faults.clear()
    server.requests.clear()
    return server


@pytest.fixture
def make(cloud: EmulatorServer) -> MakeProvider:
    """A plugin for the account with two projects; keywords replace credentials."""

    def make_provider(**credentials: str) -> OpenStackProvider:
        return OpenStackProvider(context(cloud, **{**ALL, **credentials}), clock=StillClock())

    return make_provider
