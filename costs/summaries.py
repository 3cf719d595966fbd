"""Spend grouped for reports: the daily facts of a period, summed by one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from costs.facts import QUANTUM
from costs.models import DailyCost
from syncs.models import ResourceState

GROUPS = ("connection", "resource_type", "service", "region", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendGroup:
    """One group's spend in roubles; None where nothing of it is known in roubles.

    `key` is the connection's pk, the type, the service, the region or the day; "" for facts without one. `unconverted`
    is what no known rate turns into roubles: {currency: billed cost}.
    """

    key: Any
    billed_cost_rub: Decimal | None
    effective_cost_rub: Decimal | None
    unconverted: Mapping[str, Decimal] = field(default_factory=dict)


def spend_by(facts: QuerySet[DailyCost], group_by: str) -> list[SpendGroup]:
    """The facts summed by one of `GROUPS`: days in their order, other groups by their cost, the dearest first.

    A fact has no service and no region of its own: they are those of its resource's latest form. One query.
    """
    keyed: QuerySet[Any] = _with_key(facts, group_by)
    rows = (
        keyed.order_by()
        .values("key", "currency")
        .annotate(
            billed=Sum("billed_cost_rub"),
            effective=Sum("effective_cost_rub"),
            known=Count("billed_cost_rub"),
            foreign=Sum("billed_cost", filter=Q(billed_cost_rub__isnull=True)),
            missing=Count("pk", filter=Q(billed_cost_rub__isnull=True)),
        )
    )
    groups: dict[Any, _Sums] = {}
    for row in rows:
        groups.setdefault(row["key"], _Sums()).add(row)
    found = [
        SpendGroup(
            key=key,
            billed_cost_rub=sums.billed,
            effective_cost_rub=sums.effective,
            unconverted=sums.unconverted,
        )
        for key, sums in groups.items()
    ]
    if group_by == "day":
        return sorted(found, key=lambda group: group.key)
    return sorted(found, key=lambda group: (-(group.billed_cost_rub or Decimal(0)), str(group.key)))


@dataclass(slots=True)
class _Sums:
    billed: Decimal | None = None
    effective: Decimal | None = None
    unconverted: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        if row["known"]:
            self.billed = (self.billed or Decimal(0)) + _money(row["billed"])
            self.effective = (self.effective or Decimal(0)) + _money(row["effective"])
        if row["missing"]:
            before = self.unconverted.get(row["currency"], Decimal(0))
            self.unconverted[row["currency"]] = before + _money(row["foreign"])


def _with_key(facts: QuerySet[DailyCost], group_by: str) -> QuerySet[DailyCost, Any]:
    columns = {"connection": "connection_id", "resource_type": "resource__resource_type", "day": "date"}
    if group_by in columns:
        return facts.annotate(key=F(columns[group_by]))
    latest = ResourceState.objects.filter(resource=OuterRef("resource"), opened_at__isnull=False).order_by(
        "-opened_at"
    )
    column = {"service": "service_name", "region": "region_id"}[group_by]
    return facts.annotate(key=Coalesce(Subquery(latest.values(column)[:1]), Value("")))


def _money(value: Any) -> Decimal:
    """SQLite adds decimals as floats; six places are those of a fact."""
    return Decimal(str(value)).quantize(QUANTUM)
