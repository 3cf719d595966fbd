"""Time zones by name, to choose one and to refuse what is none."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
"""Names of other kinds (`EST5EDT`, `Etc/GMT-3`, `US/Eastern`) are old, and some mean the opposite of what they say."""


@cache
def known_time_zones() -> frozenset[str]:
    """Every name that this system knows; looking them up reads a folder of hundreds of files."""
    return frozenset(available_timezones())


def validate_time_zone(name: str) -> None:
    if name not in known_time_zones():
        raise ValidationError(
            _("There is no time zone “%(name)s”. Write a name like Europe/Moscow.") % {"name": name}
        )


def time_zone_choices(at: datetime, *, with_name: str = "") -> list[tuple[str, str]]:
    """(name, "UTC+3 · Europe/Moscow") from west to east, as the offsets are `at` that moment.

    `with_name` stands among them even if it is of an old kind: a form must be able to show what is set.
    """
    names = {name for name in known_time_zones() if name.partition("/")[0] in REGIONS} | {"UTC"}
    if with_name in known_time_zones():
        names.add(with_name)
    found = sorted((_offset(name, at), name) for name in names)
    return [(name, f"{_written(offset)} · {name}") for offset, name in found]


def _offset(name: str, at: datetime) -> timedelta:
    return at.astimezone(ZoneInfo(name)).utcoffset() or timedelta(0)


def _written(offset: timedelta) -> str:
    """UTC+3, UTC−9:30, UTC."""
    if not offset:
        return "UTC"
    sign = "+" if offset > timedelta(0) else "−"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "")
