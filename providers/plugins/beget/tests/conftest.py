"""Beget as the emulator serves it, and plugins that read it without ever waiting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from providers.contract.plugin import PluginContext
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.beget.provider import BegetProvider
from providers.tests.still_clock import StillClock

ANCHOR = date(2026, 4, 1)
NOON = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
LAB = {"login": "labone", "api_password": "lab-secret-api", "account_password": "lab-secret-account"}
DEV = {"login": "demodev", "api_password": "demo-secret-dev", "account_password": ""}
MANY = {"login": "labmany", "api_password": "lab-secret-many"}

MakeProvider = Callable[..., BegetProvider]


def laboratory(*, limit: int = 0) -> EmulatorServer:
    """The laboratory without a rate limit, unless one is wanted."""
    scenario = Scenario.load("laboratory", anchor=ANCHOR)
    beget = {**scenario.providers["beget"], "rate_limit_per_minute": limit}
    return EmulatorServer(dataclasses.replace(scenario, providers={"beget": beget}), now=NOON)


def context(server: EmulatorServer, **credentials: str) -> PluginContext:
    return PluginContext(
        credentials=credentials,
        now=NOON,
        endpoints={
            "beget.hosting": f"{server.url}/beget/hosting",
            "beget.cloud": f"{server.url}/beget/cloud",
        },
        allow_loopback=True,
    )


@pytest.fixture
def lab() -> Iterator[EmulatorServer]:
    with laboratory() as server:
        yield server


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def make(lab: EmulatorServer, clock: StillClock) -> MakeProvider:
    """A plugin for the laboratory's account; keywords replace credentials."""

    def make_provider(**credentials: str) -> BegetProvider:
        return BegetProvider(context(lab, **{**LAB, **credentials}), clock=clock)

    return make_provider
