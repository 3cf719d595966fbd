"""Emulators on loopback, a plain client for them, and Beget's own schema where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient
from providers.emulators.tests.schema import Schemas

ANCHOR = date(2026, 4, 1)  # a Wednesday
NOON = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)  # 12:00 where the scenarios play


@pytest.fixture
def lab() -> Iterator[EmulatorServer]:
    with EmulatorServer(Scenario.load("laboratory", anchor=ANCHOR), now=NOON) as server:
        yield server


@pytest.fixture
def demo() -> Iterator[EmulatorServer]:
    with EmulatorServer(Scenario.load("demo", anchor=ANCHOR), now=NOON) as server:
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


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """Beget's OpenAPI documents; they may not be shipped, so they lie outside the repository."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "reference"
    folder = Path(os.environ.get("INFRAZEN_REFERENCE_DIR") or beside) / "beget"
    if not (folder / "openapi-cloud.yaml").exists():
        pytest.skip("Beget's OpenAPI documents are not here: set INFRAZEN_REFERENCE_DIR")
    return Schemas(folder)
