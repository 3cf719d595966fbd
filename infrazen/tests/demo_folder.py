"""A data folder with a small demo in it, for the tests of what can be done with a demo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from accounts.models import Organization
from accounts.services import ensure_demo
from common import clock
from infrazen import embedded
from infrazen.demo import emulated_providers, replay, state
from infrazen.demo.plan import Plan
from infrazen.demo.state import State, remembered_anchor
from providers.emulators.server import EmulatorServer
from providers.http import HttpClient
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
WHOLE_PLAN = Plan.load()
SMALL_PLAN = replace(
    WHOLE_PLAN,
    history_days=0,
    connections=tuple(each for each in WHOLE_PLAN.connections if each["name"] == "Beget Prod"),
)
"""One quick connection, read once."""


@dataclass
class Demo:
    """A demo that was made, and the folder that remembers it."""

    data: Path
    organization: Organization
    plan: Plan

    @property
    def state(self) -> State:
        found = state.load(self.data)
        assert found is not None
        return found

    def connection(self, name: str = "Beget Prod") -> ProviderConnection:
        return ProviderConnection.objects.get(organization__is_demo=True, connection_name=name)

    def snapshots(self, name: str = "Beget Prod") -> list[SyncSnapshot]:
        return list(SyncSnapshot.objects.filter(connection=self.connection(name)).order_by("pk"))

    @contextmanager
    def served(self) -> Iterator[EmulatorServer]:
        """As while `make demo` runs: the folder's lock is held, and its emulators answer."""
        anchor = self.state.anchor
        with embedded.only_one(self.data), emulated_providers(anchor, self.plan) as server:
            state.change(self.data, emulators=server.url)
            yield server


@pytest.fixture
def demo_data(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder without a demo, at `NOW`; what the demo sets in the process is set back afterwards.

    Nobody waits before a provider is asked again.
    """
    settings.DATA = tmp_path
    settings.EMULATOR_URL = settings.EMULATOR_URL
    settings.DEMO_MODE = settings.DEMO_MODE
    settings.SYNC_WRITE_PAUSE_SECONDS = 0
    monkeypatch.setattr(clock, "LOOK_SECONDS", 0)
    monkeypatch.setattr(HttpClient, "_pause", lambda client, attempt, retry_after: 0.0)
    with time_machine.travel(NOW, tick=True):
        yield tmp_path
    clock.follow_no_more()


def make_demo(data: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setattr(Plan, "load", classmethod(lambda cls: plan))
    anchor = remembered_anchor(data, today=NOW.date())
    with emulated_providers(anchor, plan) as server:
        organization = replay(
            server=server, plan=plan, anchor=anchor, now=clock.now(), opens_admin=True, say=lambda line: None
        )
    return Demo(data=data, organization=organization, plan=plan)


@pytest.fixture
def bare_demo(db: None, demo_data: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """A demo that was never read: for what is refused."""
    monkeypatch.setattr(Plan, "load", classmethod(lambda cls: SMALL_PLAN))
    remembered_anchor(demo_data, today=NOW.date())
    _user, organization = ensure_demo(organization_name=SMALL_PLAN.organization, is_super_admin=True)
    return Demo(data=demo_data, organization=organization, plan=SMALL_PLAN)


@pytest.fixture
def small_demo(db: None, demo_data: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    return make_demo(demo_data, SMALL_PLAN, monkeypatch)
