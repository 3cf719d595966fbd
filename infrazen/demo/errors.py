"""What can go wrong with the demo."""

from __future__ import annotations

from django.utils.translation import gettext


class DemoError(Exception):
    """Why something cannot be done with the demo: one sentence for a person that says what to do.

    `message` is an English msgid with `params`; told in the language that is active when somebody reads it.
    """

    def __init__(self, message: str, **params: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return gettext(self.message) % self.params
