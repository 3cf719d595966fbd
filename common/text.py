"""Marking of texts that are translated where they are shown, not where they are written."""

from __future__ import annotations


def gettext_noop(message: str) -> str:
    """Mark `message` for the translators and return it unchanged.

    Plugins and the engine run without Django and without a reader's language; the page, the admin or the API
    that shows the text translates it.
    """
    return message
