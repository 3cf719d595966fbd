"""Sums as an exploration is made of them: by group, by bucket, what no rate converts; from totals, facts or states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from costs.explorer.exploration import Key
from costs.explorer.periods import ONE_DAY, Span
from costs.facts import QUANTUM

Amounts = dict[date, Decimal]


@dataclass(frozen=True, slots=True)
class Group:
    """One group's sum in the period and in the compared one; None where nothing is known in roubles."""

    key: Key
    total: Decimal | None
    before: Decimal | None


@dataclass(slots=True, kw_only=True)
class Sums:
    """Of everything that the filters let through. `buckets` by their first day; `missing` have no rouble value."""

    total: Decimal | None = None
    before: Decimal | None = None
    missing: int = 0
    buckets: Amounts = field(default_factory=dict)


class Source(Protocol):
    """Where an exploration reads. Each method is a fixed number of queries."""

    def groups(self, limit: int) -> list[Group]:
        """The first groups in the view's order, those within its bounds."""

    def group_count(self) -> int:
        """How many groups there are, within any bounds."""

    def whole(self) -> Sums: ...

    def by_bucket(self, keys: Sequence[Key]) -> Mapping[Key, Amounts]:
        """The groups of these keys over time."""

    def unconverted(self) -> Mapping[Key, Mapping[str, Decimal]]:
        """By group and currency, what no rate turns into roubles."""


def bucket_of(day: date, step: str) -> date:
    """The first day of the week (Monday) or month that a day is in; the day itself for days."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def buckets(span: Span, step: str) -> tuple[date, ...]:
    """The first days of the steps that a period touches; the first may lie before it."""
    return tuple(dict.fromkeys(bucket_of(day, step) for day in span))


def bucket_end(bucket: date, step: str, span: Span) -> date:
    """The last day of a bucket that belongs to the period."""
    if step == "week":
        end = bucket + timedelta(days=6)
    elif step == "month":
        end = (bucket.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY
    else:
        end = bucket
    return min(end, span.last)


def money(value: Any) -> Decimal | None:
    """SQLite adds decimals as floats; six places are those of a fact. None stays None."""
    return None if value is None else Decimal(str(value)).quantize(QUANTUM)


def add_known(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def key_text(value: Any) -> str:
    """A group's value as a URL and a table write it; "" for none."""
    return "" if value is None else str(value)
