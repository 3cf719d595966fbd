"""The moment that a page looks at: `?at=` in the address, and the menu that chooses it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from accounts.access import UserRequest


def moment_of(request: UserRequest, now: datetime) -> datetime | None:
    """The past moment that `at` asks for, a day meaning its end; None for now, the future and what is no time."""
    text = request.GET.get("at", "").strip()
    try:
        moment = parse_datetime(text) if "T" in text or " " in text else None
        day = None if moment else parse_date(text)
    except ValueError:
        return None
    if day:
        moment = datetime.combine(day, datetime.max.time())
    if moment is None:
        return None
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    return moment if moment < now else None


def moment_pair(moment: datetime | None) -> dict[str, str]:
    """The moment as a part of an address."""
    return {"at": moment.isoformat()} if moment else {}


def moment_context(moment: datetime | None, now: datetime) -> dict[str, Any]:
    """What `inventory/_moment.html` needs: `moment`, `at`, `now`, `presets`."""
    presets = [(_("A day ago"), 1), (_("A week ago"), 7), (_("30 days ago"), 30), (_("90 days ago"), 90)]
    return {
        "moment": moment,
        "at": _stamp(moment) if moment else "",
        "now": _stamp(now),
        "presets": [(label, _stamp(now - timedelta(days=days))) for label, days in presets],
    }


def _stamp(at: datetime) -> str:
    """As `<input type="datetime-local">` has it, in the reader's zone."""
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}"
