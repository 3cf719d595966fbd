"""Emulators on loopback, a plain client for them, and Beget's own schema where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient
from providers.emulators.tests.cloud_client import CloudClient
from providers.emulators.tests.schema import Schemas

ANCHOR = date(2026, 4, 1)  # a Wednesday
NOON = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)  # 12:00 where the scenarios play


@cache
def scenario(name: str) -> Scenario:
    """A scenario, read once: servers keep what they change in copies of their own."""
    return Scenario.load(name, anchor=ANCHOR)


@pytest.fixture
def lab() -> Iterator[EmulatorServer]:
    with EmulatorServer(scenario("laboratory"), now=NOON) as server:
        yield server


@pytest.fixture
def demo() -> Iterator[EmulatorServer]:
    with EmulatorServer(scenario("demo"), now=NOON) as server:
        yield server


@pytest.fixture
def labone(lab: EmulatorServer) -> BegetClient:
    return BegetClient(lab.url, "labone", "lab-secret-api", "lab-secret-account")


@pytest.fixture
def labmany(lab: EmulatorServer) -> BegetClient:
    return BegetClient(lab.url, "labmany", "lab-secret-many", "lab-secret-many")


@pytest.fixture
def demoprod(demo: EmulatorServer) -> BegetClient:
    return BegetClient(demo.url, "demoprod", "demo-secret-prod-api", "demo-secret-prod-account")


@pytest.fixture
def demodev(demo: EmulatorServer) -> BegetClient:
    return BegetClient(demo.url, "demodev", "demo-secret-dev", "demo-secret-dev")


@pytest.fixture
def clouds() -> Iterator[EmulatorServer]:
    with EmulatorServer(scenario("clouds"), now=NOON) as server:
        yield server


@pytest.fixture
def reader(clouds: EmulatorServer) -> CloudClient:
    """May read everything of account 100500."""
    return CloudClient(
        clouds.url, "100500", "reader", "lab-secret-reader", static_token="lab-secret-static_100500"
    )


@pytest.fixture
def unit_a(demo: EmulatorServer) -> CloudClient:
    return CloudClient(demo.url, "101001", "infrazen-reader", "demo-secret-selectel-a")


@pytest.fixture
def unit_b(demo: EmulatorServer) -> CloudClient:
    return CloudClient(demo.url, "101002", "infrazen-reader", "demo-secret-selectel-b")


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """Beget's OpenAPI documents; they may not be shipped, so they lie outside the repository."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "reference"
    folder = Path(os.environ.get("INFRAZEN_REFERENCE_DIR") or beside) / "beget"
    if not (folder / "openapi-cloud.yaml").exists():
        pytest.skip("Beget's OpenAPI documents are not here: set INFRAZEN_REFERENCE_DIR")
    return Schemas(folder)
