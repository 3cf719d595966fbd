"""What is known of the data that a report stands on: until which day, which days only in part, which syncs failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import Organization
from common import formatting
from costs.explorer.completeness import completeness
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.models import DailyTotal
from providers.models import ConnectionStatus, ProviderConnection

DAYS_TOLD = 5
ONE_DAY = timedelta(days=1)
INCOMPLETE_SYNCS = (ConnectionStatus.PARTIAL, ConnectionStatus.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataState:
    """`known_until` is the last whole day up to the period's end; `wanted_until` the last that could be whole by now.

    `incomplete` are days of the period that are known in part; `connections` (name, status of its last sync) are those
    that were not read whole.
    """

    wanted_until: date
    known_until: date | None
    incomplete: tuple[date, ...]
    connections: tuple[tuple[str, str], ...]

    @property
    def is_whole(self) -> bool:
        is_late = self.known_until is None or self.known_until < self.wanted_until
        return not (is_late or self.incomplete or self.connections)

    def as_json(self) -> dict[str, Any]:
        return {
            "wanted_until": self.wanted_until.isoformat(),
            "known_until": self.known_until.isoformat() if self.known_until else None,
            "incomplete": [day.isoformat() for day in self.incomplete],
            "connections": [list(one) for one in self.connections],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DataState:
        return cls(
            wanted_until=date.fromisoformat(data["wanted_until"]),
            known_until=date.fromisoformat(data["known_until"]) if data["known_until"] else None,
            incomplete=tuple(date.fromisoformat(day) for day in data["incomplete"]),
            connections=tuple((name, status) for name, status in data["connections"]),
        )

    def sentences(self) -> list[str]:
        """In the active language; never empty."""
        if self.known_until is None:
            told = [_("No costs are known yet.")]
        else:
            day = formatting.period(self.known_until, self.known_until)
            told = [_("Costs are known up to %(day)s.") % {"day": day}]
        if self.incomplete:
            days = [formatting.short_date(day, today=self.wanted_until) for day in self.incomplete]
            listed = ", ".join(days[:DAYS_TOLD]) + (" …" if len(days) > DAYS_TOLD else "")
            told.append(_("Known only in part: %(days)s.") % {"days": listed})
        labels = dict(ConnectionStatus.choices)
        for name, status in self.connections:
            values = {"connection": name, "status": str(labels.get(status, status))}
            told.append(_("The last sync of “%(connection)s”: %(status)s.") % values)
        if self.is_whole:
            told.append(_("The data is complete."))
        return told


def data_state(organization: Organization, span: Span, today: date) -> DataState:
    """Four queries. Today and what is to come are never whole and so are not missed."""
    yesterday = today - ONE_DAY
    wanted = min(span.last, yesterday)
    known = completeness(organization, Filters(), span)
    incomplete = tuple(sorted(day for day in known.incomplete if day <= wanted))
    latest = DailyTotal.objects.of(organization).filter(date__lte=wanted).aggregate(day=Max("date"))["day"]
    while latest is not None and latest in incomplete:
        latest -= ONE_DAY
    connections = (
        ProviderConnection.objects.of(organization)
        .filter(is_active=True, last_sync_status__in=INCOMPLETE_SYNCS)
        .order_by("connection_name")
    )
    return DataState(
        wanted_until=wanted,
        known_until=latest,
        incomplete=incomplete,
        connections=tuple(connections.values_list("connection_name", "last_sync_status")),
    )
