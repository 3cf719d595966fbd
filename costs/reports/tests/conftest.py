from __future__ import annotations

import pytest

from accounts.notifications.tests.receiver import Receiver, receiving
from providers.tests.conftest import fake_provider as fake_provider
from syncs.tests.conftest import plugins as plugins


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def bot(settings, receiver) -> Receiver:
    settings.TELEGRAM_BOT_TOKEN = "123:secret-of-the-bot"
    settings.TELEGRAM_API_URL = receiver.url
    return receiver
