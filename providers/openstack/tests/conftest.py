"""A cloud that is asked without ever waiting, and a login to one of its projects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from providers.contract.plugin import PluginContext
from providers.http import Clock
from providers.openstack.client import AllowedHosts, Cloud, Login
from providers.tests.still_clock import StillClock

AUTH = "https://keystone.example.org/v3"
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def cloud(clock: StillClock) -> Cloud:
    return Cloud(
        context=PluginContext(credentials={}, now=NOW),
        provider="acme",
        provider_name="Acme",
        hosts=AllowedHosts(".example.org"),
        clock=Clock(sleep=clock.sleep, monotonic=clock.monotonic, spread=clock.spread),
    )


@pytest.fixture
def login() -> Login:
    return Login.password(
        AUTH, username="reader", password="s3cret", domain="acme", project_id="p1", name="prod"
    )
