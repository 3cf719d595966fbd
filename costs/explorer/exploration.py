"""What a view shows: rows, their parts of the whole, and a series for each of the largest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from costs.explorer.periods import Span
from costs.explorer.view import View

Key = tuple[str, ...]
REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group in roubles; None where nothing of it is known in roubles, which is not 0.

    `key` has one value for each dimension of the view, `labels` their names. `number` is the colour of its series,
    empty for a row that the chart keeps with the rest. `unconverted`: {currency: amount} that no known rate converts.
    """

    key: Key
    labels: tuple[str, ...]
    total: Decimal | None
    before: Decimal | None = None
    share: Decimal | None = None
    number: str = ""
    unconverted: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def difference(self) -> Decimal | None:
        """Against the compared period; what one of the two does not know counts as nothing."""
        if self.total is None and self.before is None:
            return None
        return (self.total or Decimal(0)) - (self.before or Decimal(0))

    @property
    def percent(self) -> Decimal | None:
        """None where there was nothing before."""
        difference = self.difference
        return None if not self.before or difference is None else difference * 100 / abs(self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One group over time, a value for each bucket; None where nothing is known, never 0."""

    label: str
    number: str
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """`rows` and `rest` (what is not listed one by one) add up to `whole`.

    `buckets` are the first days of the steps that the period touches. Run rates are roubles a month (30 days) at the end
    of each bucket, and `whole` is that at the period's end; spend is roubles in it. `own_only`: shared costs stand where
    they arose, not where they were booked to, because single resources were asked for; `shared` is then the difference
    that booking makes to what the filters let through. Of spend, some connection
    is not known before `known_since`.
    """

    view: View
    span: Span
    compared: Span | None
    rows: tuple[Row, ...]
    rest: Row | None
    rest_count: int
    shared: Row | None
    whole: Row
    buckets: tuple[date, ...]
    bucket_totals: tuple[Decimal | None, ...]
    series: tuple[Series, ...]
    incomplete: frozenset[date]
    known_since: date | None
    unconverted: Mapping[str, Decimal]
    own_only: bool

    @property
    def compares_less(self) -> bool:
        """The compared period begins before every connection is known, so that its total is of less."""
        return (
            self.compared is not None
            and self.known_since is not None
            and self.known_since > self.compared.first
        )

    @property
    def is_empty(self) -> bool:
        """Nothing is known in the period, not even in another currency."""
        return self.whole.total is None and not self.unconverted
