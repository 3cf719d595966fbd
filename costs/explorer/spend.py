"""Spend as the explorer reads it: from totals, or from the facts where single resources are asked for.

Of the months that a period has whole, the monthly totals are read, and the daily ones of the days before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection as database
from django.db.models import (
    Case,
    Count,
    DateField,
    DecimalField,
    Expression,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import TruncMonth, TruncWeek

from accounts.models import Organization
from costs.explorer.exploration import Key
from costs.explorer.filters import column_of
from costs.explorer.periods import Span, parted
from costs.explorer.sums import Amounts, Group, Sums, add_known, key_text, money
from costs.explorer.view import View
from costs.models import DailyCost, DailyTotal, ExchangeRate, MonthlyTotal

ROUBLES = "RUB"
NOTHING = Q(pk__isnull=True)
MONEY = DecimalField(max_digits=28, decimal_places=6)


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one table: some of the period, some of the compared one."""

    rows: QuerySet[Any]
    in_span: Q
    in_compared: Q


class SpendSource:
    """Sums of a view's measure in roubles; what has no rouble value counts as not known, never as 0."""

    def __init__(
        self, organization: Organization, view: View, span: Span, compared: Span | None, *, facts: bool
    ) -> None:
        self.view = view
        self.columns: list[str] = []
        self._organization = organization
        self._days: type[DailyCost] | type[DailyTotal] = DailyCost if facts else DailyTotal
        self._count: int | None = None
        # List prices become roubles at the rate of their day, which a month does not know
        has_months = not facts and view.measure != "list"
        self._parts = self._read(span, compared, has_months=has_months)
        self._buckets = self._read(span, None, has_months=has_months and view.step == "month")

    def groups(self, limit: int) -> list[Group]:
        keys = ", ".join(self._quoted())
        where, bounds = self._bounds()
        order = ", ".join([*self._order(), *self._quoted()])
        made = self._united(
            lambda part: (
                self._grouped(part.rows)
                .annotate(
                    total=Sum(self._roubles(), filter=part.in_span),
                    before=Sum(self._roubles(), filter=part.in_compared),
                )
                .values_list(*self._names(), "total", "before")
            )
        )
        if made is None:
            return []
        united, params = made
        rows = _fetched(
            f"""
            SELECT {keys}, "total", "before", "count" FROM (
                SELECT {keys}, SUM("total") AS "total", SUM("before") AS "before", COUNT(*) OVER () AS "count"
                FROM ({united}) AS "part" GROUP BY {keys}
            ) AS "whole" {where} ORDER BY {order} LIMIT %s
            """,  # noqa: S608  # nosec B608  # names of columns, and what Django has compiled
            [*params, *bounds, limit],
        )
        if rows:
            self._count = rows[0][-1]
        return [
            Group(tuple(map(key_text, row[: len(self.columns)])), money(row[-3]), money(row[-2]))
            for row in rows
        ]

    def group_count(self) -> int:
        if self._count is None and self.columns:
            made = self._united(lambda part: self._grouped(part.rows).values_list(*self._names()))
            united, params = made or ("", ())
            counted = f'SELECT COUNT(*) FROM (SELECT DISTINCT * FROM ({united}) AS "part") AS "whole"'  # noqa: S608  # nosec B608  # as above
            self._count = _fetched(counted, params)[0][0] if made else 0
        return 1 if self._count is None else self._count

    def whole(self) -> Sums:
        sums = Sums()
        for part in self._buckets:
            rows = part.rows.values_list(self._bucket()).annotate(
                total=Sum(self._roubles()),
                missing=Count("pk", filter=Q(billed_cost_rub__isnull=True)),
            )
            for bucket, total, missing in rows:
                sums.missing += missing
                sums.total = add_known([sums.total, money(total)])
                if total is not None:
                    sums.buckets[bucket] = (money(total) or Decimal(0)) + sums.buckets.get(bucket, Decimal(0))
        for part in self._parts:
            if part.in_compared != NOTHING:
                before = part.rows.filter(part.in_compared).aggregate(before=Sum(self._roubles()))["before"]
                sums.before = add_known([sums.before, money(before)])
        return sums

    def by_bucket(self, keys: Sequence[Key]) -> Mapping[Key, Amounts]:
        if not keys:
            return {}
        found: dict[Key, Amounts] = {}
        for part in self._buckets:
            rows = part.rows
            if len(self.columns) == 1:
                rows = rows.filter(**{f"{self.columns[0]}__in": [key[0] for key in keys]})
            elif self.columns:
                rows = rows.filter(
                    reduce(or_, (Q(**dict(zip(self.columns, key, strict=True))) for key in keys))
                )
            for row in self._grouped(rows, bucket=self._bucket()).annotate(total=Sum(self._roubles())):
                amount = money(row["total"])
                if amount is not None:
                    amounts = found.setdefault(self._key(row), {})
                    amounts[row["bucket"]] = amounts.get(row["bucket"], Decimal(0)) + amount
        return found

    def unconverted(self) -> Mapping[Key, Mapping[str, Decimal]]:
        found: dict[Key, dict[str, Decimal]] = {}
        for part in self._parts:
            rows = self._grouped(
                part.rows.filter(part.in_span, billed_cost_rub__isnull=True), currency_code=F("currency")
            ).annotate(amount=Sum(f"{self.view.measure}_cost"))
            for row in rows:
                sums = found.setdefault(self._key(row), {})
                sums[row["currency_code"]] = add_known(
                    [sums.get(row["currency_code"]), money(row["amount"])]
                ) or Decimal(0)
        return found

    def _read(self, span: Span, compared: Span | None, *, has_months: bool) -> tuple[_Part, ...]:
        """The tables that together have the days of both periods once each."""
        wanted = [parted(each) if has_months else ((), (each,)) for each in (span, compared) if each]
        months = [Q(date__in=found) if found else NOTHING for found, _ends in wanted]
        days = [
            reduce(or_, (Q(date__gte=end.first, date__lte=end.last) for end in ends)) if ends else NOTHING
            for _found, ends in wanted
        ]
        return tuple(
            self._part(model, *chosen)
            for model, chosen in ((MonthlyTotal, months), (self._days, days))
            if any(each != NOTHING for each in chosen)
        )

    def _part(self, model: type[Any], in_span: Q, in_compared: Q = NOTHING) -> _Part:
        rows: QuerySet[Any] = self.view.filters.apply(model.objects.of(self._organization))
        columns = []
        for kind in self.view.dimensions:
            rows, column = column_of(rows, kind)
            columns.append(column)
        self.columns = columns  # the same of every table
        wanted = [each for each in (in_span, in_compared) if each != NOTHING]
        return _Part(rows.order_by().filter(reduce(or_, wanted)), in_span, in_compared)

    def _united(self, make: Callable[[_Part], QuerySet[Any]]) -> tuple[str, list[Any]] | None:
        """What `make` reads of every table as one statement; None where the filters contradict themselves."""
        statements: list[str] = []
        params: list[Any] = []
        for part in self._parts:
            try:
                statement, given = make(part).query.sql_with_params()
            except EmptyResultSet:
                continue
            statements.append(statement)
            params.extend(given)
        return (" UNION ALL ".join(statements), params) if statements else None

    def _bounds(self) -> tuple[str, list[Decimal]]:
        """SQLite compares a text with a number unless it is told that both are numbers."""
        wanted = [
            (f'"total" {sign} CAST(%s AS NUMERIC)', bound)
            for sign, bound in ((">=", self.view.minimum), ("<=", self.view.maximum))
            if bound is not None
        ]
        return (
            f"WHERE {' AND '.join(condition for condition, _bound in wanted)}" if wanted else "",
            [bound for _condition, bound in wanted],
        )

    def _grouped(self, rows: QuerySet[Any], **more: Any) -> QuerySet[Any]:
        by: dict[str, Any] = {
            name: F(column) for name, column in zip(self._keys(), self.columns, strict=True)
        }
        return rows.values(**(by or {"key_0": Value("")}), **more)

    def _keys(self) -> list[str]:
        return [f"key_{place}" for place in range(len(self.columns))]

    def _key(self, row: Mapping[str, Any]) -> Key:
        return tuple(key_text(row[name]) for name in self._keys())

    def _names(self) -> list[str]:
        """The columns that tell the groups apart; without groups, one of a constant."""
        return self._keys() or ["key_0"]

    def _quoted(self) -> list[str]:
        return [f'"{name}"' for name in self._names()]

    def _order(self) -> list[str]:
        """By name is done where the names are known; the dearest come first for it too."""
        sort = self.view.sort.removeprefix("-")
        is_descending = self.view.sort.startswith("-") or sort == "name"
        direction = "DESC" if is_descending else "ASC"
        if sort == "difference":
            return [f'COALESCE("total", 0) - COALESCE("before", 0) {direction}']
        nulls = "LAST" if is_descending else "FIRST"
        names = ("before", "total") if sort == "before" else ("total", "before")
        return [f'"{name}" {direction} NULLS {nulls}' for name in names]

    def _bucket(self) -> Expression | F:
        if self.view.step == "week":
            return TruncWeek("date", output_field=DateField())
        return TruncMonth("date", output_field=DateField()) if self.view.step == "month" else F("date")

    def _roubles(self) -> Expression | F:
        """List prices have no rouble column of their own: they take the rate of their day."""
        if self.view.measure != "list":
            return F(f"{self.view.measure}_cost_rub")
        rate = (
            ExchangeRate.objects.filter(currency=OuterRef("currency"), date__lte=OuterRef("date"))
            .order_by("-date")
            .values("rub_per_unit")[:1]
        )
        return Case(
            When(currency=ROUBLES, then=F("list_cost")),
            default=F("list_cost") * Subquery(rate),
            output_field=MONEY,
        )


def _fetched(statement: str, params: Sequence[Any]) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
