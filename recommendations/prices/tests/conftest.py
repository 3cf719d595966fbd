from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers import registry
from recommendations.prices.tests.factories import ListingProvider


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The provider type "fake" lists what the fixture is called with; an exception among it is raised there."""
    kinds = {**registry.plugins(), "fake": ListingProvider}
    monkeypatch.setattr(registry, "plugins", lambda: kinds)

    def say(*items: Any) -> None:
        def listing() -> Iterator[Any]:
            for item in items:
                if isinstance(item, Exception):
                    raise item
                yield item

        monkeypatch.setattr(ListingProvider, "listing", staticmethod(listing))

    say()
    return say
