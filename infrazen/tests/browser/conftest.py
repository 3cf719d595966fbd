"""A real Chromium on a live server, beside emulated providers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer

ANCHOR = date(2026, 11, 21)


@pytest.fixture
def emulator(settings: Any) -> Iterator[EmulatorServer]:
    """Beget on loopback, its clock settable, with the product's plugins pointed at it."""
    with EmulatorServer(Scenario.load("demo", anchor=ANCHOR)) as server:
        settings.EMULATOR_URL = server.url
        settings.ALLOW_LOOPBACK_PROVIDERS = True
        yield server


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
