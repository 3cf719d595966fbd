"""The run rate as the explorer reads it: what the resources of a moment cost a month, from their states.

Over time it is the states that held when the period began, plus what opened and minus what closed since. Amounts of other
currencies take the rate of the day that is shown, the latest one today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import TruncDate

from accounts.models import Organization
from costs.explorer.exploration import Key
from costs.explorer.filters import column_of
from costs.explorer.periods import ONE_DAY, Span
from costs.explorer.sums import (
    Amounts,
    Group,
    Sums,
    add_known,
    bucket_end,
    buckets,
    key_text,
    money,
)
from costs.explorer.view import View
from costs.facts import QUANTUM, RateTable
from costs.services import rate_table
from providers.contract.records import DAYS_IN_MONTH
from syncs.models import ResourceState, ResourceStateQuerySet

ROUBLES = "RUB"
ByCurrency = dict[str, Decimal]


class RunRateSource:
    """Roubles a month at the period's end (`now` where that is still to come), and at the compared period's."""

    def __init__(
        self, organization: Organization, view: View, span: Span, compared: Span | None, now: datetime
    ) -> None:
        self.view, self.span, self.compared, self.now = view, span, compared, now
        self.zone = ZoneInfo(organization.time_zone)
        states: ResourceStateQuerySet = view.filters.apply_to_states(
            ResourceState.objects.of(organization).filter(daily_cost__isnull=False)
        )
        self.columns: list[str] = []
        for kind in view.dimensions:
            states, column = column_of(states, kind, is_state=True)
            self.columns.append(column)
        self.states = states.order_by()
        self.rates: RateTable = rate_table()
        self._now = self._held(self._end_of(span.last))
        self._before = self._held(self._end_of(compared.last)) if compared else {}

    def groups(self, limit: int) -> list[Group]:
        day, day_before = self.span.last, self.compared.last if self.compared else self.span.last
        found = [
            Group(
                key,
                self._roubles(self._now.get(key, {}), day),
                self._roubles(self._before.get(key, {}), day_before),
            )
            for key in {**self._now, **self._before}
        ]
        return sorted(filter(self._is_within, found), key=self._order)[:limit]

    def group_count(self) -> int:
        return len({**self._now, **self._before})

    def whole(self) -> Sums:
        over_time = self._over_time(self.states, by=())
        return Sums(
            total=add_known(self._roubles(held, self.span.last) for held in self._now.values()),
            before=add_known(self._roubles(held, self.compared.last) for held in self._before.values())
            if self.compared
            else None,
            buckets=over_time.get((), {}),
        )

    def by_bucket(self, keys: Sequence[Key]) -> Mapping[Key, Amounts]:
        if not keys:
            return {}
        states = self.states
        if self.columns:
            states = states.filter(
                reduce(or_, (Q(**dict(zip(self.columns, key, strict=True))) for key in keys))
            )
        return self._over_time(states, by=self.columns)

    def unconverted(self) -> Mapping[Key, Mapping[str, Decimal]]:
        found: dict[Key, dict[str, Decimal]] = {}
        for key, held in self._now.items():
            for currency, amount in held.items():
                if self.rates.on(currency, self.span.last) is None:
                    found.setdefault(key, {})[currency] = amount * DAYS_IN_MONTH
        return found

    def _held(self, moment: datetime) -> dict[Key, ByCurrency]:
        rows = self._summed(self.states.as_of(moment), self.columns)
        found: dict[Key, ByCurrency] = {}
        for key, currency, _day, amount in rows:
            found.setdefault(key, {})[currency] = amount
        return found

    def _over_time(self, states: ResourceStateQuerySet, by: Sequence[str]) -> dict[Key, Amounts]:
        """Three queries: what held at first, what opened and what closed since."""
        start = datetime.combine(self.span.first, time.min, tzinfo=self.zone)
        end = self._end_of(self.span.last)
        held: dict[Key, ByCurrency] = {}
        for key, currency, _day, amount in self._summed(states.as_of(start), by):
            held.setdefault(key, {})[currency] = amount
        changes: dict[date, list[tuple[Key, str, Decimal]]] = {}
        opened = states.filter(opened_at__gt=start, opened_at__lte=end)
        closed = states.filter(closed_at__gt=start, closed_at__lte=end, opened_at__isnull=False)
        for rows, column, sign in ((opened, "opened_at", 1), (closed, "closed_at", -1)):
            for key, currency, day, amount in self._summed(rows, by, column):
                changes.setdefault(day, []).append((key, currency, sign * amount))
        found: dict[Key, Amounts] = {}
        ends = {
            bucket_end(bucket, self.view.step, self.span): bucket
            for bucket in buckets(self.span, self.view.step)
        }
        last = end.astimezone(self.zone).date()
        for day in self.span:
            for key, currency, amount in changes.get(day, ()):
                sums = held.setdefault(key, {})
                sums[currency] = sums.get(currency, Decimal(0)) + amount
            if day in ends and bucket_start_is_known(ends[day], last):
                for key, sums in held.items():
                    amount_then = self._roubles(sums, day)
                    if amount_then is not None:
                        found.setdefault(key, {})[ends[day]] = amount_then
        return found

    def _summed(
        self, states: QuerySet[Any], by: Sequence[str], day_column: str = ""
    ) -> Iterable[tuple[Key, str, date, Decimal]]:
        columns: dict[str, Any] = {f"key_{place}": F(column) for place, column in enumerate(by)}
        day: Any = TruncDate(day_column, tzinfo=self.zone) if day_column else Value(0)
        rows = states.values(**columns, day=day, code=F("currency")).annotate(daily=Sum("daily_cost"))
        for row in rows:
            key = tuple(key_text(row[name]) for name in columns)
            yield key, row["code"] or ROUBLES, row["day"], money(row["daily"]) or Decimal(0)

    def _roubles(self, held: Mapping[str, Decimal], day: date) -> Decimal | None:
        """A month's cost in roubles; None where no rate is known for any of it."""
        converted = [
            (amount * rate).quantize(QUANTUM)
            for currency, amount in held.items()
            if (rate := self.rates.on(currency, day)) is not None
        ]
        return sum(converted, Decimal(0)) * DAYS_IN_MONTH if converted else None

    def _is_within(self, group: Group) -> bool:
        if self.view.minimum is not None and (group.total is None or group.total < self.view.minimum):
            return False
        return self.view.maximum is None or (group.total is not None and group.total <= self.view.maximum)

    def _order(self, group: Group) -> Any:
        sort = self.view.sort.removeprefix("-")
        total, before = group.total or Decimal(0), group.before or Decimal(0)
        value = {"before": before, "difference": total - before}.get(sort, total)
        is_descending = self.view.sort.startswith("-") or sort == "name"
        return (-value if is_descending else value), group.key

    def _end_of(self, day: date) -> datetime:
        return min(datetime.combine(day + ONE_DAY, time.min, tzinfo=self.zone), self.now)


def bucket_start_is_known(bucket: date, last: date) -> bool:
    """Whether a bucket has begun by the last day that anybody has seen."""
    return bucket <= last
