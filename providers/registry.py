"""Which provider types exist: entry points of the group `infrazen.providers`, read once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from providers.contract.errors import UnknownProvider
from providers.contract.plugin import ProviderPlugin

GROUP = "infrazen.providers"


@cache
def plugins() -> dict[str, type[ProviderPlugin]]:
    """Every installed plugin by its key, in the order of their names."""
    found = [entry_point.load() for entry_point in entry_points(group=GROUP)]
    return {plugin.key: plugin for plugin in sorted(found, key=lambda plugin: plugin.display_name)}


def plugin_class(provider_type: str) -> type[ProviderPlugin]:
    """The plugin under that key; raises UnknownProvider."""
    try:
        return plugins()[provider_type]
    except KeyError:
        raise UnknownProvider(provider_type) from None
