"""Selectel as the emulator serves it, and plugins that read it without ever waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from providers.contract.plugin import PluginContext
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.selectel.provider import SelectelProvider
from providers.tests.still_clock import StillClock

ANCHOR = date(2026, 4, 1)
NOON = datetime(2026, 4, 1, 9, 20, tzinfo=UTC)
PROD = {"account_id": "101001", "username": "infrazen-reader", "password": "demo-secret-selectel-a"}
DEV = {"account_id": "101002", "username": "infrazen-reader", "password": "demo-secret-selectel-b"}

MakeProvider = Callable[..., SelectelProvider]


def demo(*, now: datetime = NOON) -> EmulatorServer:
    return EmulatorServer(Scenario.load("demo", anchor=ANCHOR), now=now)


def context(server: EmulatorServer, *, now: datetime = NOON, **credentials: str) -> PluginContext:
    return PluginContext(
        credentials=credentials,
        now=now,
        endpoints={name: f"{server.url}/{name.replace('.', '/')}" for name in SelectelProvider.endpoints},
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
    server.clock.set(NOON)
    return server


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def make(cloud: EmulatorServer, clock: StillClock) -> MakeProvider:
    """A plugin for the account with two projects; keywords replace credentials, `now` moves both clocks."""

    def make_provider(*, now: datetime = NOON, **credentials: str) -> SelectelProvider:
        cloud.clock.set(now)
        return SelectelProvider(context(cloud, now=now, **{**PROD, **credentials}), clock=clock)

    return make_provider
