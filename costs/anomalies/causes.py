"""Why resources cost more, or less: a price, a resize, a thing that is new, or use, in roubles.

Of lines, each article of the bill is compared with its seven days before: what its price of a unit moved, times what
was used, is the price's part; the rest is use, which a change of the resource's size explains where there was one. Of
rates, the states that were opened on the anomaly's days say what moved the price of the day. What the surplus has
beyond the causes is not explained, and stays so. Of a fall all of it is read downwards, and a thing that is not charged
any more takes the place of a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate

from costs.anomalies.detection import Run
from costs.facts import day_bounds
from costs.queries import ROUBLES, rates_on
from costs.services import billing_zone
from inventory.models import Resource
from providers.contract.plugin import BillingKind
from providers.models import ProviderConnection
from providers.registry import plugin_class
from syncs.change_groups import RESIZING
from syncs.models import ChargeLine, ResourceState
from syncs.prices import USE_BILLED

NEW, RESIZED, PRICE, USE, ENDED = "new", "resized", "price", "use", "ended"
BEFORE_DAYS = 7
SHOWN_CAUSES = 6
SAME_PRICE = Decimal("0.001")
"""A price that moved by less of itself is rounding."""
SMALL_SHARE = Decimal("0.02")
"""A cause below this share of the surplus is noise."""
ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """`amount` roubles more (less, where negative), over the anomaly's days; `before` and `after` are of `unit` a day, or a price of one unit.

    `label` is the article of the bill, empty where the whole resource is meant.
    """

    kind: str
    resource: int
    label: str
    before: Decimal | None
    after: Decimal | None
    unit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Article:
    cost: Decimal
    quantity: Decimal


def find_causes(
    connection: ProviderConnection, parts: Sequence[tuple[int, Run]], *, is_fall: bool = False
) -> list[Cause]:
    """The causes of these resources' surpluses or shortfalls, the greatest first; at most three queries."""
    if not parts:
        return []
    first = min(run.first for _pk, run in parts)
    last = max(run.last for _pk, run in parts)
    runs = dict(parts)
    resources = Resource.objects.in_bulk(list(runs))
    new = {pk for pk, run in runs.items() if (run.actual if is_fall else run.expected) == 0}
    kind = ENDED if is_fall else NEW
    causes = [
        Cause(kind=kind, resource=pk, label="", before=None, after=None, unit="", amount=runs[pk].excess)
        for pk in new
    ]
    way = -1 if is_fall else 1
    old = {pk: run for pk, run in runs.items() if pk not in new}
    if old:
        states = list(_states(connection, old, first, last))
        if plugin_class(connection.provider_type).capabilities.billing is BillingKind.RATES:
            causes += _of_rates(states, old, resources, way)
        else:
            causes += _of_lines(connection, states, old, (first, last), way)
    surplus = sum((run.excess for run in runs.values()), ZERO)
    telling = [cause for cause in causes if way * cause.amount >= abs(surplus) * SMALL_SHARE]
    return sorted(telling, key=lambda cause: way * cause.amount, reverse=True)[:SHOWN_CAUSES]


def _states(
    connection: ProviderConnection, runs: Mapping[int, Run], first: date, last: date
) -> QuerySet[ResourceState]:
    """The forms that opened while the anomaly began, a day's slack on both sides: syncs see a change late."""
    zone = billing_zone(connection)
    start, end = day_bounds(first - ONE_DAY, zone)[0], day_bounds(last + ONE_DAY, zone)[1]
    return ResourceState.objects.filter(
        connection=connection,
        resource__in=list(runs),
        action=ResourceState.Action.UPDATED,
        opened_at__gte=start,
        opened_at__lt=end,
    ).order_by("opened_at")


def _of_rates(
    states: Iterable[ResourceState], runs: Mapping[int, Run], resources: Mapping[int, Resource], way: int
) -> list[Cause]:
    found: dict[int, ResourceState] = {}
    for state in states:
        before, after = state.changes.get("daily_cost") or (None, None)
        if before is None or after is None:
            continue
        if way * (Decimal(str(after)) - Decimal(str(before))) > 0:
            found.setdefault(state.resource_id, state)
    causes = []
    for pk, run in runs.items():
        opened = found.get(pk)
        kind, before, after = USE, None, None
        if opened is not None:
            before, after = (Decimal(str(value)) for value in opened.changes["daily_cost"])
            if RESIZING & set(opened.changes):
                kind = RESIZED
            elif not opened.has_configuration_change and resources[pk].resource_type not in USE_BILLED:
                kind = PRICE
        causes.append(
            Cause(kind=kind, resource=pk, label="", before=before, after=after, unit="", amount=run.excess)
        )
    return causes


def _of_lines(
    connection: ProviderConnection,
    states: Iterable[ResourceState],
    runs: Mapping[int, Run],
    days: tuple[date, date],
    way: int,
) -> list[Cause]:
    resized = {state.resource_id for state in states if RESIZING & set(state.changes)}
    causes = []
    for (pk, label, unit), (before, during) in _articles(connection, runs, *days).items():
        day_count = len(runs[pk].days)
        used = during.quantity / day_count
        was_used = before.quantity / BEFORE_DAYS
        more = during.cost - before.cost / BEFORE_DAYS * day_count
        price_part = ZERO
        if before.quantity > 0 and during.quantity > 0 and before.cost > 0:
            old, new = before.cost / before.quantity, during.cost / during.quantity
            if way * (new - old) > old * SAME_PRICE:
                price_part = (new - old) * during.quantity
                causes.append(
                    Cause(
                        kind=PRICE,
                        resource=pk,
                        label=label,
                        before=old,
                        after=new,
                        unit=unit,
                        amount=price_part,
                    )
                )
        if way * (more - price_part) > 0:
            causes.append(
                Cause(
                    kind=RESIZED if pk in resized else USE,
                    resource=pk,
                    label=label,
                    before=was_used,
                    after=used,
                    unit=unit,
                    amount=more - price_part,
                )
            )
    return causes


def _articles(
    connection: ProviderConnection, runs: Mapping[int, Run], first: date, last: date
) -> dict[tuple[int, str, str], tuple[_Article, _Article]]:
    """{(resource, article, unit): (the seven days before, the days of the anomaly)}, in roubles."""
    zone = billing_zone(connection)
    rows = _line_sums(connection, list(runs), first - timedelta(days=BEFORE_DAYS), last, zone)
    rates = rates_on({row["currency"] for row in rows}, first)
    found: dict[tuple[int, str, str], list[_Article]] = {}
    for row in rows:
        rate = rates.get(row["currency"] or ROUBLES)
        run = runs[row["resource_id"]]
        place = 1 if run.first <= row["day"] <= run.last else 0
        if rate is None or (not place and not run.first - timedelta(BEFORE_DAYS) <= row["day"] < run.first):
            continue
        key = (row["resource_id"], row["charge_description"] or row["sku_id"], row["pricing_unit"])
        sums = found.setdefault(key, [_Article(ZERO, ZERO), _Article(ZERO, ZERO)])
        sums[place] = _Article(
            sums[place].cost + round(Decimal(str(row["cost"])), 6) * rate,
            sums[place].quantity + round(Decimal(str(row["quantity"] or 0)), 6),
        )
    return {key: (sums[0], sums[1]) for key, sums in found.items()}


def _line_sums(
    connection: ProviderConnection, pks: Sequence[int], first: date, last: date, zone: ZoneInfo
) -> list[dict[str, Any]]:
    lines = ChargeLine.objects.filter(
        organization_id=connection.organization_id,
        resource__in=pks,
        batch__connection=connection,
        batch__published_at__isnull=False,
        batch__replaced_at__isnull=True,
        charge_period_start__gte=day_bounds(first, zone)[0],
        charge_period_start__lt=day_bounds(last, zone)[1],
    )
    sums: Iterable[Any] = (
        lines.annotate(day=TruncDate("charge_period_start", tzinfo=zone))
        .order_by()
        .values("resource_id", "charge_description", "sku_id", "pricing_unit", "currency", "day")
        .annotate(cost=Sum("billed_cost"), quantity=Sum("pricing_quantity"))
    )
    return list(sums)
