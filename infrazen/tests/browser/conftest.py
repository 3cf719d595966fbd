"""A real Chromium on a live server, beside emulated providers and, where a journey needs one, a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from playwright.sync_api import ConsoleMessage, Page

from infrazen.celery import app
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer

ANCHOR = date(2026, 11, 21)
HELD_SECONDS = 60
"""How long an answer is held at most: a test that fails in between must not hang the next one."""


class Gate:
    """Holds the emulator's answers below some paths, so that a test can look at what runs meanwhile."""

    def __init__(self, server: EmulatorServer) -> None:
        self._prefix = ""
        self._open = threading.Event()
        self._open.set()
        self._answer = server.answer

    def hold(self, prefix: str) -> None:
        """Let requests whose path begins with `prefix` wait until `release`."""
        self._prefix = prefix
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def answer(self, method: str, target: str, *rest: Any) -> Any:
        if target.startswith(self._prefix):
            self._open.wait(HELD_SECONDS)
        return self._answer(method, target, *rest)


@pytest.fixture
def emulated(settings: Any) -> Iterator[Callable[[Scenario], EmulatorServer]]:
    """Starts the providers of a scenario on loopback, with the product's plugins pointed at them."""
    running: list[EmulatorServer] = []

    def start(scenario: Scenario) -> EmulatorServer:
        server = EmulatorServer(scenario).start()
        running.append(server)
        settings.EMULATOR_URL = server.url
        settings.ALLOW_LOOPBACK_PROVIDERS = True
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def emulator(emulated: Callable[[Scenario], EmulatorServer]) -> EmulatorServer:
    """The demo's providers; their clock can be set."""
    return emulated(Scenario.load("demo", anchor=ANCHOR))


@pytest.fixture
def three_clouds(emulated: Callable[[Scenario], EmulatorServer]) -> EmulatorServer:
    """Two accounts at Beget and a private cloud; their clock and their faults can be set."""
    return emulated(Scenario.load(Path(__file__).with_name("three_clouds.toml"), anchor=ANCHOR))


@pytest.fixture
def gate(three_clouds: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(three_clouds)
    monkeypatch.setattr(three_clouds, "answer", gate.answer)
    yield gate
    gate.release()


@pytest.fixture
def worker(live_server: Any) -> Iterator[None]:
    """A worker in threads of this process: requests answer at once and syncs go on beside them, as in production."""
    eager, app.conf.task_always_eager = app.conf.task_always_eager, False
    try:
        with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, shutdown_timeout=30):
            yield
    finally:
        app.conf.task_always_eager = eager


@pytest.fixture
def strict_page(page: Page) -> Iterator[Page]:
    """A page on which nothing may break the content security policy or raise a script error."""
    problems: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            problems.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert problems == []
