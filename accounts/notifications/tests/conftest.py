from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.notifications import kinds
from accounts.notifications.tests.receiver import Receiver, receiving

NEWS = kinds.Kind(code="unrecognized.found", label="News")
"""Its template exists; the syncs' own entry of that name is put back after the test."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def loopback(settings) -> None:
    settings.ALLOW_LOOPBACK_WEBHOOKS = True


@pytest.fixture(autouse=True)
def only_news(monkeypatch) -> None:
    """One kind that everybody hears of at once, whatever the apps above register."""
    monkeypatch.setattr(kinds, "_kinds", {NEWS.code: NEWS})


@pytest.fixture
def bot(settings, receiver) -> Receiver:
    settings.TELEGRAM_BOT_TOKEN = "123:secret-of-the-bot"
    settings.TELEGRAM_API_URL = receiver.url
    return receiver
