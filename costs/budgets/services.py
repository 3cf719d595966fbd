"""The writers of budgets: what people set, and how the costs stand against it after each sync.

BudgetError
├── NameTaken           another budget of the organization has this name
└── PartOfItself        a budget cannot be part of itself or of its own parts
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.audit.services import record
from accounts.models import Organization
from costs.budgets import announcements, evaluation, queries
from costs.budgets.evaluation import Standing
from costs.budgets.models import Budget, BudgetAlert, BudgetPeriod, PlannedChange, RunwayAlert
from costs.explorer.queries import today_of
from costs.facts import QUANTUM
from costs.queries import runway
from costs.series import daily_series
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot

RUNWAY_ALERT_DAYS = (30, 14, 7, 3)
"""Each is told once, until the balance lasts longer again."""
HISTORY_DAYS = 180

Fields = Mapping[str, Any]


class BudgetError(Exception):
    pass


class NameTaken(BudgetError):
    pass


class PartOfItself(BudgetError):
    pass


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """A hook of `settings.AFTER_SYNC`: how every budget stands now, and how long the balance lasts. Idempotent."""
    evaluate_budgets(organization=snapshot.organization, now=now)
    check_runway(connection=snapshot.connection, now=now)


def evaluate_budgets(*, organization: Organization, now: datetime) -> None:
    """Compute every budget's periods anew, and tell of thresholds that were passed."""
    budgets = list(Budget.objects.of(organization).order_by("pk"))
    if not budgets:
        return
    changes = list(PlannedChange.objects.of(organization))
    for budget in budgets:
        evaluate(budget=budget, changes=changes, now=now)


def evaluate(*, budget: Budget, changes: Iterable[PlannedChange], now: datetime) -> None:
    """Compute one budget's periods; `changes` are the organization's."""
    today = today_of(budget.organization, now)
    terms = queries.terms(budget)
    spans = evaluation.spans(terms, today)
    filters = queries.scope_filters(budget.scope)
    first = min([span[0] for span in spans] + [today - timedelta(days=HISTORY_DAYS)])
    series = daily_series(budget.organization, filters, first=first)
    known = queries.changes_of(budget.organization, changes, filters)
    found = evaluation.standings(terms, series, known, today=today)
    with transaction.atomic():
        periods = _store(budget, found, series.known_until, now)
        if found and found[-1].last >= today - timedelta(days=1):  # older ones are history
            _alert(budget, found[-1], periods[found[-1].first], now)


@transaction.atomic
def create_budget(*, organization: Organization, fields: Fields, now: datetime) -> Budget:
    """Raises NameTaken, PartOfItself."""
    budget = Budget(organization=organization, **fields)
    _check(budget)
    budget.save()
    record(
        "budget.created",
        obj=budget,
        organization=organization,
        details={"name": budget.name, **_told(fields)},
    )
    evaluate(budget=budget, changes=PlannedChange.objects.of(organization), now=now)
    return budget


@transaction.atomic
def change_budget(*, budget: Budget, fields: Fields, now: datetime) -> None:
    """Its periods are computed anew, and what was told of the running one may be told again. Raises as above."""
    changes = {
        name: [getattr(budget, name), value]
        for name, value in fields.items()
        if getattr(budget, name) != value
    }
    if not changes:
        return
    for name, (_before, value) in changes.items():
        setattr(budget, name, value)
    _check(budget)
    budget.save()
    record(
        "budget.changed",
        obj=budget,
        organization=budget.organization,
        changes={name: [str(before), str(after)] for name, (before, after) in changes.items()},
    )
    if set(changes) - {"name", "parent"}:
        budget.periods.all().delete()
        budget.alerts.all().delete()
        evaluate(budget=budget, changes=PlannedChange.objects.of(budget.organization), now=now)


@transaction.atomic
def delete_budget(*, budget: Budget) -> None:
    record("budget.deleted", obj=budget, organization=budget.organization, details={"amount": budget.amount})
    budget.delete()


@transaction.atomic
def save_planned_change(
    *, organization: Organization, change: PlannedChange | None, fields: Fields, now: datetime
) -> PlannedChange:
    """Make a planned change or correct one; every budget's forecast follows."""
    saved = change or PlannedChange(organization=organization)
    for name, value in fields.items():
        setattr(saved, name, value)
    saved.save()
    record(
        "planned_change.changed" if change else "planned_change.created",
        obj=saved,
        organization=organization,
        details=_told(fields),
    )
    evaluate_budgets(organization=organization, now=now)
    return saved


@transaction.atomic
def delete_planned_change(*, change: PlannedChange, now: datetime) -> None:
    organization = change.organization
    record("planned_change.deleted", obj=change, organization=organization, details={"name": change.name})
    change.delete()
    evaluate_budgets(organization=organization, now=now)


@transaction.atomic
def check_runway(*, connection: ProviderConnection, now: datetime) -> None:
    """Tell once of each threshold that the days left fell below; a balance that lasts longer again may be told anew."""
    found = runway(connection)
    told = set(RunwayAlert.objects.filter(connection=connection).values_list("threshold_days", flat=True))
    passed = {days for days in RUNWAY_ALERT_DAYS if found is not None and found.days < days}
    RunwayAlert.objects.filter(connection=connection, threshold_days__in=told - passed).delete()
    new = passed - told
    if found is None or not new:
        return
    RunwayAlert.objects.bulk_create(
        [
            RunwayAlert(
                organization_id=connection.organization_id,
                connection=connection,
                threshold_days=days,
                days_left=found.days,
                raised_at=now,
            )
            for days in new
        ],
        ignore_conflicts=True,
    )
    announcements.balance_low(connection=connection, runway=found, threshold=min(new), now=now)


def _store(
    budget: Budget, found: Iterable[Standing], known_until: date | None, now: datetime
) -> dict[date, BudgetPeriod]:
    rows = [
        BudgetPeriod(
            organization_id=budget.organization_id,
            budget=budget,
            first_date=one.first,
            last_date=one.last,
            amount=one.amount,
            carried_amount=one.carried.quantize(QUANTUM),
            actual_cost=one.actual,
            forecast_cost=_quantized(one.forecast.amount) if one.forecast else None,
            forecast_low=_quantized(one.forecast.low) if one.forecast else None,
            forecast_high=_quantized(one.forecast.high) if one.forecast else None,
            breach_date=one.breach,
            known_until=known_until,
            computed_at=now,
        )
        for one in found
    ]
    stale = budget.periods.exclude(first_date__in=[row.first_date for row in rows])
    stale.filter(Q(first_date__gte=rows[0].first_date) if rows else Q()).delete()
    BudgetPeriod.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["budget", "first_date"],
        update_fields=[
            "last_date",
            "amount",
            "carried_amount",
            "actual_cost",
            "forecast_cost",
            "forecast_low",
            "forecast_high",
            "breach_date",
            "known_until",
            "computed_at",
        ],
    )
    return {row.first_date: row for row in rows}


def _alert(budget: Budget, standing: Standing, period: BudgetPeriod, now: datetime) -> None:
    """A row for each threshold passed; of several at once only the highest is told."""
    told = set(budget.alerts.filter(first_date=standing.first).values_list("basis", "percent"))
    new = [passed for passed in standing.passed if passed not in told]
    alerts = [
        BudgetAlert(
            organization_id=budget.organization_id,
            budget=budget,
            first_date=standing.first,
            basis=basis,
            percent=percent,
            cost=standing.actual
            if basis == evaluation.ACTUAL
            else _quantized(standing.forecast.amount if standing.forecast else Decimal(0)),
            limit=standing.limit,
            raised_at=now,
        )
        for basis, percent in new
    ]
    BudgetAlert.objects.bulk_create(alerts, ignore_conflicts=True)
    highest = {alert.basis: alert for alert in sorted(alerts, key=lambda alert: alert.percent)}
    for alert in highest.values():
        announcements.budget_passed(alert=alert, period=period, now=now)


def _check(budget: Budget) -> None:
    others = Budget.objects.of(budget.organization).exclude(pk=budget.pk)
    if others.filter(name=budget.name).exists():
        raise NameTaken(budget.name)
    parents = dict(others.values_list("pk", "parent_id"))
    above, seen = budget.parent_id, set()
    while above is not None:
        if above == budget.pk or above in seen:
            raise PartOfItself(budget.name)
        seen.add(above)
        above = parents.get(above)


def _told(fields: Fields) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value not in (None, "", [])}


def _quantized(amount: Decimal) -> Decimal:
    return amount.quantize(QUANTUM)
