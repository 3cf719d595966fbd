"""Names that follow a pattern."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from costs.allocation.conditions import REGEX_SECONDS
from recommendations.engine.contract import Option, Options, Text
from recommendations.policies.contract import (
    Answer,
    Broken,
    InvalidParameters,
    Kept,
    Kind,
    Moment,
    Subject,
    Unknown,
)


class Naming(Kind):
    """The whole name matches one of the regular expressions. A search that takes too long proves nothing."""

    id = "naming"
    title = gettext_lazy("Names")
    description = gettext_lazy(
        "Names follow a pattern, for example the environment, the service and a number."
    )
    options = (
        Option(
            name="patterns",
            label=gettext_lazy("Regular expressions"),
            default=(),
            help_text=gettext_lazy(
                "One a line; the whole name matches one of them, for example (prod|dev)-[a-z0-9]+-[0-9]{2}."
            ),
        ),
    )

    @classmethod
    def refuse(cls, options: Options) -> None:
        if not options["patterns"]:
            raise InvalidParameters(_("Give at least one regular expression."))
        for pattern in options["patterns"]:
            try:
                _compiled(pattern)
            except (regex.error, RecursionError, OverflowError) as error:
                raise InvalidParameters(
                    _("“%(pattern)s” is no regular expression: %(error)s.")
                    % {"pattern": pattern[:100], "error": str(error)[:200]}
                ) from error

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        is_late = False
        for pattern in options["patterns"]:
            try:
                if _compiled(pattern).fullmatch(subject.name, timeout=REGEX_SECONDS):
                    return Kept()
            except TimeoutError:
                is_late = True
        if is_late:
            return Unknown()
        return Broken(
            Text(gettext_noop("The name “%(name)s” does not follow the pattern."), {"name": subject.name})
        )


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    return regex.compile(pattern)
