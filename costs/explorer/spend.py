"""Spend as the explorer reads it: from the daily totals, or from the facts where single resources are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

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
from django.db.models.functions import Coalesce, TruncMonth, TruncWeek

from accounts.models import Organization
from costs.explorer.exploration import Key
from costs.explorer.filters import column_of
from costs.explorer.periods import Span
from costs.explorer.sums import Amounts, Group, Sums, add_known, key_text, money
from costs.explorer.view import View
from costs.models import DailyCost, DailyTotal, ExchangeRate

ROUBLES = "RUB"
MONEY = DecimalField(max_digits=28, decimal_places=6)


class SpendSource:
    """Sums of a view's measure in roubles; what has no rouble value counts as not known, never as 0."""

    def __init__(
        self, organization: Organization, view: View, span: Span, compared: Span | None, *, facts: bool
    ) -> None:
        model = DailyCost if facts else DailyTotal
        rows: QuerySet[Any] = view.filters.apply(model.objects.of(organization))
        self.view = view
        self.columns: list[str] = []
        for kind in view.dimensions:
            rows, column = column_of(rows, kind)
            self.columns.append(column)
        self.in_span = Q(date__gte=span.first, date__lte=span.last)
        self.in_compared = (
            Q(date__gte=compared.first, date__lte=compared.last) if compared else Q(pk__isnull=True)
        )
        self.rows = rows.order_by().filter(self.in_span | self.in_compared if compared else self.in_span)

    def groups(self, limit: int) -> list[Group]:
        rows = self._grouped(self.rows).annotate(
            total=Sum(self._roubles(), filter=self.in_span),
            before=Sum(self._roubles(), filter=self.in_compared),
        )
        if self.view.minimum is not None:
            rows = rows.filter(total__gte=self.view.minimum)
        if self.view.maximum is not None:
            rows = rows.filter(total__lte=self.view.maximum)
        ordered = rows.order_by(*self._order(), *self._keys())[:limit]
        return [Group(self._key(row), money(row["total"]), money(row["before"])) for row in ordered]

    def group_count(self) -> int:
        return self._grouped(self.rows).distinct().count() if self.columns else 1

    def whole(self) -> Sums:
        rows = (
            self.rows.values(bucket=self._bucket())
            .annotate(
                total=Sum(self._roubles(), filter=self.in_span),
                before=Sum(self._roubles(), filter=self.in_compared),
                missing=Count("pk", filter=self.in_span & Q(billed_cost_rub__isnull=True)),
            )
            .values_list("bucket", "total", "before", "missing")
        )
        sums = Sums()
        for bucket, total, before, missing in rows:
            sums.missing += missing
            sums.total = add_known([sums.total, money(total)])
            sums.before = add_known([sums.before, money(before)])
            if total is not None:
                sums.buckets[bucket] = money(total) or Decimal(0)
        return sums

    def by_bucket(self, keys: Sequence[Key]) -> Mapping[Key, Amounts]:
        if not keys:
            return {}
        rows = self.rows.filter(self.in_span)
        if self.columns:
            rows = rows.filter(reduce(or_, (Q(**dict(zip(self.columns, key, strict=True))) for key in keys)))
        grouped = self._grouped(rows, bucket=self._bucket()).annotate(total=Sum(self._roubles()))
        found: dict[Key, Amounts] = {}
        for row in grouped:
            amount = money(row["total"])
            if amount is not None:
                found.setdefault(self._key(row), {})[row["bucket"]] = amount
        return found

    def unconverted(self) -> Mapping[Key, Mapping[str, Decimal]]:
        rows = self._grouped(
            self.rows.filter(self.in_span, billed_cost_rub__isnull=True), currency_code=F("currency")
        ).annotate(amount=Sum(f"{self.view.measure}_cost"))
        found: dict[Key, dict[str, Decimal]] = {}
        for row in rows:
            found.setdefault(self._key(row), {})[row["currency_code"]] = money(row["amount"]) or Decimal(0)
        return found

    def _grouped(self, rows: QuerySet[Any], **more: Any) -> QuerySet[Any]:
        by: dict[str, Any] = {
            name: F(column) for name, column in zip(self._keys(), self.columns, strict=True)
        }
        return rows.values(**(by or {"key_0": Value("")}), **more)

    def _keys(self) -> list[str]:
        return [f"key_{place}" for place in range(len(self.columns))]

    def _key(self, row: Mapping[str, Any]) -> Key:
        return tuple(key_text(row[name]) for name in self._keys())

    def _order(self) -> list[Any]:
        """By name is done where the names are known; the dearest come first for it too."""
        sort = self.view.sort.removeprefix("-")
        is_descending = self.view.sort.startswith("-") or sort == "name"
        if sort == "difference":
            zero = Value(Decimal(0), output_field=MONEY)
            expression: Any = Coalesce(F("total"), zero) - Coalesce(F("before"), zero)
            return [expression.desc() if is_descending else expression.asc()]
        first, second = (F("before"), F("total")) if sort == "before" else (F("total"), F("before"))
        if is_descending:
            return [first.desc(nulls_last=True), second.desc(nulls_last=True)]
        return [first.asc(nulls_first=True), second.asc(nulls_first=True)]

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
