"""How to get the credentials at a provider: the plugin's guide in the reader's language, as HTML.

A guide is a Markdown file: `beget.md` in English, `beget.ru.md` in Russian. A plugin brings it in its own folder;
the guides of our own plugins stand in docs/providers/, where they are read without the product as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from common.markdown import Document, document
from providers.contract.plugin import ProviderPlugin


def guide(plugin: type[ProviderPlugin]) -> Document | None:
    """The guide in the language that is active now, else in English; None where there is none."""
    path = guide_path(plugin, language=(get_language() or "").partition("-")[0])
    return document(path.read_text(encoding="utf-8")) if path else None


def guide_path(plugin: type[ProviderPlugin], *, language: str) -> Path | None:
    """The file of the guide. `plugin.guide` is a bare file name: anything else is not looked for."""
    name = plugin.guide
    if not name or Path(name).name != name:
        return None
    translated = f"{Path(name).stem}.{language}{Path(name).suffix}"
    places = [folder / each for each in (translated, name) for folder in _folders(plugin)]
    return next((path for path in places if path.is_file()), None)


def _folders(plugin: type[ProviderPlugin]) -> Iterator[Path]:
    module = sys.modules.get(plugin.__module__)
    if module and module.__file__:
        yield Path(module.__file__).parent
    yield Path(settings.BASE_DIR) / "docs" / "providers"
