"""What every test gets: an empty cache, generated examples without a clock, a browser where there is one.

That no test leaves this machine is said in pyproject.toml (pytest-socket); the database and cache to run on
come from the environment (`common.testing.services`).
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from common.testing.prepare import CHROMIUM, find_chromium

# Playwright keeps an event loop running in the thread of the tests, where Django would refuse to query
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# An example that reads a database takes as long as the machine lets it; a failure in CI must come back at home.
_EVERYWHERE: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("local", **_EVERYWHERE)
settings.register_profile("ci", derandomize=True, print_blob=True, **_EVERYWHERE)
settings.load_profile("ci" if os.environ.get("CI") else "local")


_DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _leave_out_what_ran_on_sqlite(config, items)
    _skip_browser_tests_without_browser(items)


def _leave_out_what_ran_on_sqlite(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The second run, on PostgreSQL and Redis, repeats only what they could change.

    That is every test with a database but the journeys through a browser and those marked `once`, whose code meets
    the database in no way of its own.
    """
    if os.environ.get("EXPECTED_DB_VENDOR") != "postgresql":
        return
    again = [
        item
        for item in items
        if (
            item.get_closest_marker("django_db")
            or _DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
        )
        and not item.get_closest_marker("once")
        and not item.get_closest_marker("browser")
    ]
    kept = set(again)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = again


def _skip_browser_tests_without_browser(items: list[pytest.Item]) -> None:
    """In CI they fail instead."""
    if os.environ.get("CI") or find_chromium():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=CHROMIUM.advice))


def pytest_unconfigure() -> None:
    """Removes what is left of this process's SQLite files: a connection of another thread may have kept a log."""
    for path in Path(tempfile.gettempdir()).glob(f"infrazen-test-{os.getpid()}.sqlite3*"):
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is in: ends sessions that a killed process or a thread left open."""
    from django.db import connection

    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits and cached figures do not leak from one test into the next."""
    from django.core.cache import caches

    yield
    for cache in caches.all():
        cache.clear()


@pytest.fixture(autouse=True)
def _language_of_the_settings() -> Iterator[None]:
    """A page read in Russian leaves its thread Russian: the next test must not depend on which one came before."""
    from django.utils import translation

    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nothing_said_of_the_last_task() -> Iterator[None]:
    """A task that ran inside a test leaves its name and id for the lines that follow in its thread."""
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium instead of a downloaded one, quiet on the network; it has no sandbox as root."""
    return {
        **browser_type_launch_args,
        "executable_path": find_chromium(),
        "args": [
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }
