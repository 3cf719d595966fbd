"""Facts whose cost is shared out: the rows that stand for their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Model

from common import bulk
from costs.allocation.sharing import share_out
from costs.facts import QUANTUM, Amounts, Key
from costs.models import CostShare, DailyCost
from syncs.engine.drafts import batched

ShareRow = tuple[Key, int, Decimal, tuple[Any, ...]]
"""The fact's key, the dimensions' pk, the weight, and the five amounts of a share."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A fact with what it is shared out to: (dimensions' pk, weight)."""

    key: Key
    amounts: Amounts
    rub_rate: Decimal | None
    parts: tuple[tuple[int, Decimal], ...]

    def rows(self) -> list[ShareRow]:
        whole = (self.amounts.billed, self.amounts.effective, self.amounts.list)
        roubles = [
            None if self.rub_rate is None else (amount * self.rub_rate).quantize(QUANTUM)
            for amount in whole[:2]
        ]
        weights = [weight for _dimensions, weight in self.parts]
        columns = [_shared_out(amount, weights) for amount in (*whole, *roubles)]
        return [
            (self.key, dimensions, weight, tuple(column[index] for column in columns))
            for index, (dimensions, weight) in enumerate(self.parts)
        ]


def stored_shares(connection_id: int, first: date, last: date) -> dict[date, set[ShareRow]]:
    """By day."""
    found: dict[date, set[ShareRow]] = {}
    rows = CostShare.objects.filter(connection=connection_id, date__gte=first, date__lte=last)
    for row in rows.iterator(2000):
        key = Key(row.resource_id, row.date, row.charge_category, row.source, row.currency)
        amounts = (
            row.billed_cost,
            row.effective_cost,
            row.list_cost,
            row.billed_cost_rub,
            row.effective_cost_rub,
        )
        found.setdefault(row.date, set()).add((key, row.dimensions_id, row.weight, amounts))
    return found


def replacement(
    *,
    organization_id: int,
    connection_id: int,
    day: date,
    rows: Iterable[ShareRow],
    only: Iterable[int] | None,
) -> Callable[[], None]:
    """What makes these rows the shares of the connection's day, of the resources `only` or of all."""
    models: list[Model] = [
        CostShare(
            organization_id=organization_id,
            connection_id=connection_id,
            resource_id=key.resource_pk,
            dimensions_id=dimensions,
            date=key.date,
            charge_category=key.charge_category,
            source=key.source,
            currency=key.currency,
            weight=weight,
            billed_cost=amounts[0],
            effective_cost=amounts[1],
            list_cost=amounts[2],
            billed_cost_rub=amounts[3],
            effective_cost_rub=amounts[4],
        )
        for key, dimensions, weight, amounts in rows
    ]
    inserts = [bulk.Insertion(batch) for batch in batched(models)]
    stale = CostShare.objects.filter(connection=connection_id, date=day)
    if only is not None:
        stale = stale.filter(resource__in=list(only))

    def replace() -> None:
        stale.delete()
        for insert in inserts:
            insert.execute()

    return replace


def restate_roubles_of_shares(facts: Sequence[DailyCost]) -> None:
    """Share the rouble values of these facts, of one day, out again by the weights that they were shared out by."""
    by_key = {(fact.resource_id, fact.charge_category, fact.source, fact.currency): fact for fact in facts}
    shares: dict[DailyCost, list[CostShare]] = {}
    rows = CostShare.objects.filter(
        date=facts[0].date, resource__in={fact.resource_id for fact in facts}
    ).order_by("pk")
    for share in rows:
        fact = by_key.get((share.resource_id, share.charge_category, share.source, share.currency))
        if fact is not None:
            shares.setdefault(fact, []).append(share)
    for fact, parts in shares.items():
        weights = [part.weight for part in parts]
        for name in ("billed_cost_rub", "effective_cost_rub"):
            for part, amount in zip(parts, _shared_out(getattr(fact, name), weights), strict=True):
                setattr(part, name, amount)
    changed = [part for parts in shares.values() for part in parts]
    CostShare.objects.bulk_update(changed, ["billed_cost_rub", "effective_cost_rub"])


def _shared_out(amount: Decimal | None, weights: Sequence[Decimal]) -> Sequence[Decimal | None]:
    return [None] * len(weights) if amount is None else share_out(amount, weights)
