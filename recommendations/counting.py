"""What of the open findings is summed, so that no rouble is promised twice; kept on each finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from costs.queries import rates_on
from providers.models import ProviderConnection
from recommendations.engine.overlap import Candidate, Counted, count
from recommendations.models import Recommendation
from syncs.models import ResourceState

ZERO = Decimal(0)
DAYS_IN_MONTH = 30
READ = (
    "category",
    "resource_pks",
    "covered_pks",
    "current_monthly",
    "saving_monthly",
    "saving_monthly_rub",
    "counted_monthly_rub",
    "instead_of",
)
"""Of each finding; not the texts and facts, which are most of it."""


def recount(connection: ProviderConnection, *, now: datetime) -> None:
    """Bring `counted_monthly_rub` and `instead_of` of a connection's findings in line; after every change of any.

    Must run in the transaction of that change.
    """
    rows = list(
        Recommendation.objects.of(connection.organization)
        .counted()
        .filter(connection=connection)
        .only(*READ)
        .order_by("pk")
    )
    stale = (
        Recommendation.objects.filter(connection=connection)
        .exclude(counted_monthly_rub=0, instead_of=None)
        .exclude(pk__in=Recommendation.objects.of(connection.organization).counted().values("pk"))
    )
    stale.update(counted_monthly_rub=ZERO, instead_of=None)
    counted = count(_candidates(rows), _costs(connection, rows, now))
    moved = []
    for row in rows:
        mine = counted.get(row.pk, Counted(ZERO))
        if row.counted_monthly_rub != mine.saving or row.instead_of_id != mine.instead:
            row.counted_monthly_rub, row.instead_of_id = mine.saving, mine.instead
            moved.append(row)
    Recommendation.objects.bulk_update(moved, ["counted_monthly_rub", "instead_of"], batch_size=500)


def _candidates(rows: list[Recommendation]) -> list[Candidate]:
    return [
        Candidate(
            key=row.pk,
            category=row.category,
            resource_pks=tuple(row.resource_pks),
            covered_pks=tuple(row.covered_pks),
            saving=row.saving_monthly_rub,
            current=_current(row, row.saving_monthly_rub),
        )
        for row in rows
        if row.saving_monthly_rub is not None
    ]


def _current(row: Recommendation, saving_rub: Decimal) -> Decimal:
    """What the resources cost a month, roubles, at the finding's own rate of exchange."""
    if not row.current_monthly or not row.saving_monthly:
        return saving_rub
    return row.current_monthly * saving_rub / row.saving_monthly


def _costs(
    connection: ProviderConnection, rows: list[Recommendation], now: datetime
) -> Mapping[int, Decimal]:
    """{resource: roubles a month} of what the findings are about: their run rate."""
    wanted = {pk for row in rows for pk in (*row.resource_pks, *row.covered_pks)}
    states = list(
        ResourceState.objects.open()
        .filter(connection=connection, resource_id__in=wanted, daily_cost__isnull=False)
        .values_list("resource_id", "daily_cost", "currency")
    )
    today = now.astimezone(ZoneInfo(connection.organization.time_zone)).date()
    rates = rates_on({currency for _pk, _cost, currency in states}, today)
    return {
        pk: cost * DAYS_IN_MONTH * rates[currency or "RUB"]
        for pk, cost, currency in states
        if cost is not None and (currency or "RUB") in rates
    }
