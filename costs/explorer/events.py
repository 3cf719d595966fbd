"""What happened in a period, for the margin of its chart: people's notes, and changes that moved the run rate most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import Organization
from common import formatting
from costs.explorer.dimensions import RESOURCE
from costs.explorer.models import ChartNote
from costs.explorer.periods import Span
from costs.explorer.sums import bucket_of
from costs.explorer.view import View
from syncs import queries as syncs
from syncs.wording import change_title

SHOWN = 3
READ = 200
MINIMUM = Decimal(1)
"""Roubles a day; what moves less is no event."""
TOGETHER = 3
"""So many costs of one connection that move in one sync are one event: a price did."""
FILTERS = frozenset({"connection", RESOURCE})
"""Filters that changes can be told apart by; of views with others only notes are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    day: date
    text: str
    short: str
    url: str
    weight: Decimal


def chart_events(
    organization: Organization, view: View, span: Span, notes: Iterable[ChartNote]
) -> list[dict[str, str]]:
    """As js/charts.js describes them, in the order of time: all notes, and the largest changes for what room they leave."""
    written = [
        Event(day=note.date, text=note.text, short=note.text[:24], url="", weight=Decimal("Infinity"))
        for note in notes
    ]
    largest = sorted(_changes(organization, view, span), key=lambda event: event.weight, reverse=True)
    chosen = [*written, *largest[: max(0, SHOWN - len(written))]]
    return [
        {
            "date": max(
                bucket_of(event.day, view.step), span.first if view.step == "day" else date.min
            ).isoformat(),
            "text": event.text,
            "short": event.short,
            **({"url": event.url} if event.url else {}),
        }
        for event in sorted(chosen, key=lambda event: event.day)
    ]


def _changes(organization: Organization, view: View, span: Span) -> list[Event]:
    filters = view.filters
    if filters.name or any(one.key not in FILTERS for one in filters.conditions):
        return []
    zone = ZoneInfo(organization.time_zone)
    since = datetime.combine(span.first, time.min, tzinfo=zone)
    telling = [
        change
        for change in syncs.recent_changes(organization, since, limit=READ)
        if change.effect is not None
        and abs(change.effect) >= MINIMUM
        and change.times == 1
        and change.state.currency == "RUB"
        and change.at.astimezone(zone).date() <= span.last
        and _is_wanted(view, change)
    ]
    moved: dict[tuple[str, datetime], list[syncs.Change]] = {}
    events = []
    for change in telling:
        if change.is_cost_only:
            moved.setdefault((change.state.connection.connection_name, change.at), []).append(change)
        else:
            events.append(_one(change, zone))
    for (name, at), changes in moved.items():
        if len(changes) < TOGETHER:
            events += [_one(change, zone) for change in changes]
        else:
            events.append(_many(name, at, changes, zone))
    return events


def _is_wanted(view: View, change: syncs.Change) -> bool:
    values = {"connection": str(change.state.connection_id), RESOURCE: str(change.state.resource_id)}
    return all((values[one.key] in one.values) is not one.is_excluded for one in view.filters.conditions)


def _one(change: syncs.Change, zone: ZoneInfo) -> Event:
    effect = formatting.signed_money(change.monthly_effect) + pgettext("after an amount", "/mo")
    return Event(
        day=change.at.astimezone(zone).date(),
        text=f"{change.state.name}: {change_title(change)}, {effect}",
        short=change.state.name,
        url=reverse("inventory:resource_detail", args=[change.state.resource_id]),
        weight=abs(change.effect or Decimal(0)),
    )


def _many(name: str, at: datetime, changes: list[syncs.Change], zone: ZoneInfo) -> Event:
    effect = sum((change.effect or Decimal(0) for change in changes), Decimal(0))
    monthly = sum((change.monthly_effect or Decimal(0) for change in changes), Decimal(0))
    text = ngettext(
        "%(connection)s: the cost of %(count)d resource moved, %(effect)s",
        "%(connection)s: the cost of %(count)d resources moved, %(effect)s",
        len(changes),
    )
    return Event(
        day=at.astimezone(zone).date(),
        text=text
        % {
            "connection": name,
            "count": len(changes),
            "effect": formatting.signed_money(monthly) + pgettext("after an amount", "/mo"),
        },
        short=_("%(connection)s: costs moved") % {"connection": name},
        url="",
        weight=abs(effect),
    )
