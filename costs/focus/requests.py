"""What a page, an endpoint or a command asks for, as an export; one set of names for all three.

period=last_month | 2026-10 | 2026-10-01..2026-10-31
profile=1.2 | 1.4      file_format=parquet | csv      gzip=1      ascii=1
connection=3, not.type=server, tag.team=web …          filters, as the explorer writes them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from django.utils.translation import gettext as _

from accounts.models import Organization
from costs.explorer.filters import parse_filters
from costs.explorer.periods import RANGE, BadPeriod, span_of
from costs.focus.columns import DEFAULT_PROFILE, PROFILES
from costs.focus.exports import FORMATS, Export

DEFAULT_PERIOD = "last_month"
YES = ("1", "true", "on")


class BadExport(ValueError):
    """A wish that cannot be read; `field` is the parameter at fault, "" for a filter."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def export_of(organization: Organization, params: Mapping[str, Sequence[str]], today: date) -> Export:
    """The export that the parameters ask for; of a repeated one the last counts, but for filters.

    Raises BadExport, also for a filter that cannot be read: without it the file would hold what nobody asked for.
    """
    filters, problems = parse_filters(params)
    if problems:
        raise BadExport("", " ".join(problems))
    profile = _last(params, "profile") or DEFAULT_PROFILE
    file_format = _last(params, "file_format") or FORMATS[0]
    for name, value, allowed in (("profile", profile, PROFILES), ("file_format", file_format, FORMATS)):
        if value not in allowed:
            raise BadExport(name, _("One of: %(choices)s.") % {"choices": ", ".join(allowed)})
    first, last = _last(params, "first"), _last(params, "last")
    period = _last(params, "period") or (f"{first}{RANGE}{last}" if first or last else DEFAULT_PERIOD)
    try:
        span = span_of(period, today)
    except BadPeriod:
        message = _("“%(period)s” is no period. Write 2026-10, 2026-10-01..2026-10-31 or last_month.")
        raise BadExport("period", message % {"period": period[:60]}) from None
    return Export(
        organization=organization,
        span=span,
        filters=filters,
        profile=profile,
        format=file_format,
        is_gzip=_last(params, "gzip") in YES,
        is_ascii=_last(params, "ascii") in YES,
    )


def _last(params: Mapping[str, Sequence[str]], name: str) -> str:
    return next((value for value in reversed(params.get(name, ())) if value), "")
