"""What addresses, the API and commands ask of differences and reconciliations, read once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from costs.explorer.filters import Filters, parse_filters
from costs.explorer.periods import RANGE, BadPeriod, Span, compared_span, fixed_span, span_of

DEFAULT_AFTER = "last_month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Two periods and a filter as a URL names them, and sentences about what could not be read."""

    before: Span
    after: Span
    filters: Filters
    problems: tuple[str, ...]


def asked_difference(params: dict[str, list[str]], today: date) -> Asked:
    """Two periods of a URL; last month against the one before where it names none or they cannot be read.

    Forms may send `before_first`, `before_last`, `after_first` and `after_last`.
    """
    problems: list[str] = []
    filters, found = parse_filters(
        {key: values for key, values in params.items() if key not in ("before", "after")}
    )
    problems += found
    after = _asked_span(params, "after", today, problems) or span_of(DEFAULT_AFTER, today)
    before = _asked_span(params, "before", today, problems)
    if before is None:
        before = compared_span("previous", after)
        assert before is not None, "there is always a period before"
    return Asked(before=before, after=after, filters=filters, problems=tuple(problems))


def _asked_span(params: dict[str, list[str]], key: str, today: date, problems: list[str]) -> Span | None:
    first, last = (params.get(f"{key}_{end}", [""])[-1] for end in ("first", "last"))
    asked = f"{first or last}{RANGE}{last or first}" if first or last else params.get(key, [""])[-1]
    if not asked:
        return None
    try:
        return span_of(asked, today) if RANGE not in asked else fixed_span(asked)
    except BadPeriod:
        problems.append(
            _("The period “%(value)s” cannot be read; another one is shown.")
            % {"value": asked.replace("\0", "")[:60]}
        )
        return None


def asked_month(asked: str, today: date) -> Span:
    """A calendar month; the last whole one where none can be read."""
    try:
        span = fixed_span(asked)
    except BadPeriod:
        return span_of("last_month", today)
    return fixed_span(month_key(span.first))


def month_key(day: date) -> str:
    return f"{day:%Y-%m}"
