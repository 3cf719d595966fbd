"""The model world in place of the installed providers."""

from collections.abc import Iterator

import pytest

from providers import registry
from syncs.tests import world


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The world's plugins are the installed ones; every world of the test is forgotten at its end."""
    monkeypatch.setattr(registry, "plugins", lambda: dict(world.PLUGINS))
    yield
    world.worlds.clear()
