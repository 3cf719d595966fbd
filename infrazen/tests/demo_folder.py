"""A data folder with a small demo in it, for the tests of what can be done with a demo."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import override_settings

from accounts.models import Organization
from accounts.services import ensure_demo
from common import clock
from infrazen import embedded
from infrazen.demo import emulated_providers, replay, state
from infrazen.demo.history import point_plugins_at
from infrazen.demo.plan import Plan
from infrazen.demo.state import State, remembered_anchor
from providers.emulators.server import EmulatorServer
from providers.http import HttpClient
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot

NOW = datetime(2026, 11, 21, 9, 30, 20, tzinfo=UTC)
MADE_AT = NOW - timedelta(seconds=20)
"""When a demo that tests share was read; in the same minute, for those who tell it."""

WHOLE_PLAN = Plan.load()


def only(name: str) -> Plan:
    """The plan of one connection, read once."""
    wanted = tuple(each for each in WHOLE_PLAN.connections if each["name"] == name)
    return replace(WHOLE_PLAN, history_days=0, connections=wanted)


SMALL_PLAN = only("Beget Prod")
"""Quick to read."""

UNSERVED = "http://127.0.0.1:9"
"""An address of emulators that are gone, as after a demo was made."""

Rows = dict[str, set[tuple[Any, ...]]]
"""By table."""

Kept = tuple[Path, Rows]


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
def demo_data(tmp_path: Path) -> Iterator[Path]:
    with demo_folder(tmp_path, NOW):
        yield tmp_path


@contextmanager
def demo_folder(data: Path, now: datetime) -> Iterator[None]:
    """A data folder without a demo, at `now`; what the demo sets in the process is set back afterwards.

    Nobody waits before a provider is asked again.
    """
    with (
        override_settings(DATA=data, SYNC_WRITE_PAUSE_SECONDS=0),
        pytest.MonkeyPatch.context() as patched,
        time_machine.travel(now, tick=True),
    ):
        patched.setattr(clock, "LOOK_SECONDS", 0)
        patched.setattr(HttpClient, "_pause", lambda client, attempt, retry_after: 0.0)
        yield
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


@pytest.fixture(scope="session")
def kept_demos(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plan], Kept]:
    """A demo that is made once and taken out of the database again: its folder and its rows."""

    @cache
    def kept(connections: str) -> Kept:
        data = tmp_path_factory.mktemp("demo")
        with (
            transaction.atomic(),
            pytest.MonkeyPatch.context() as patched,
            demo_folder(data, MADE_AT),
        ):
            before = rows_of_all_tables()
            make_demo(data, only(connections), patched)
            made = rows_of_all_tables()
            transaction.set_rollback(True)
        return data, {table: rows - before[table] for table, rows in made.items()}

    return lambda plan: kept(plan.connections[0]["name"])


@pytest.fixture
def small_demo(
    kept_demos: Callable[[Plan], Kept], db: None, demo_data: Path, monkeypatch: pytest.MonkeyPatch
) -> Demo:
    return _own_copy(kept_demos, SMALL_PLAN, demo_data, monkeypatch)


@pytest.fixture
def selectel_demo(
    kept_demos: Callable[[Plan], Kept], db: None, demo_data: Path, monkeypatch: pytest.MonkeyPatch
) -> Demo:
    """The demo of one Selectel account, read once: its bill reaches back all the same."""
    return _own_copy(kept_demos, only("Selectel BU-B"), demo_data, monkeypatch)


def _own_copy(
    kept_demos: Callable[[Plan], Kept], plan: Plan, data: Path, monkeypatch: pytest.MonkeyPatch
) -> Demo:
    folder, rows = kept_demos(plan)
    shutil.copytree(folder, data, dirs_exist_ok=True)
    put_back(rows)
    monkeypatch.setattr(Plan, "load", classmethod(lambda cls: plan))
    point_plugins_at(UNSERVED)
    return Demo(data=data, organization=Organization.objects.get(is_demo=True), plan=plan)


def rows_of_all_tables() -> Rows:
    """As the database holds them."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  # our own tables
            found[table] = set(cursor.fetchall())
    return found


def put_back(rows: Rows) -> None:
    """Into tables without them; whom they belong to may come later."""
    with connection.cursor() as cursor, connection.constraint_checks_disabled():
        for table, found in rows.items():
            if found:
                places = ", ".join(["%s"] * len(next(iter(found))))
                into = connection.ops.quote_name(table)
                cursor.executemany(f"INSERT INTO {into} VALUES ({places})", list(found))  # noqa: S608
    connection.check_constraints()
