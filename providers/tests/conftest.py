"""The provider that needs no network, in place of the installed ones."""

from collections.abc import Iterator

import pytest

from providers import registry
from providers.tests.factories import FakeProvider, FileProvider


@pytest.fixture
def fake_provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeProvider]]:
    monkeypatch.setattr(registry, "plugins", lambda: {"fake": FakeProvider, "files": FileProvider})
    monkeypatch.setattr(FakeProvider, "answer", None)
    return FakeProvider
