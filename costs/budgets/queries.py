"""Reads about budgets, planned changes and forecasts of any scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts.models import Organization
from costs import forecasting
from costs.budgets import evaluation
from costs.budgets.evaluation import Terms
from costs.budgets.models import Basis, Budget, BudgetPeriod, PlannedChange
from costs.explorer import names, subtrees
from costs.explorer.dimensions import dimension
from costs.explorer.filters import Condition, Filters, parse_filters
from costs.explorer.queries import today_of
from costs.forecasting import Accuracy, Change, Forecast, NotEnough, Total
from costs.series import Series, daily_series, series_by_connection
from providers.models import ProviderConnection

HISTORY_DAYS = 180
SHOWN_DAYS = 60
AHEAD_DAYS = 30
RUNWAY_AHEAD_DAYS = 365
ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A budget in the tree of budgets, with its period that runs now; None before the first and after the last.

    `given` is what its own parts have of its amount, None where it has none.
    """

    budget: Budget
    depth: int
    period: BudgetPeriod | None
    given: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopePart:
    """One condition of a scope in words."""

    label: str
    values: tuple[str, ...]
    is_excluded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a scope has cost and will: `month` is the whole running month, None where too little is known.

    `found` tells how many days are missing then. `carried` are names of connections that are late.
    """

    series: Series
    found: Forecast | NotEnough
    today: date
    month: Total | None
    accuracy: tuple[Accuracy, ...]
    carried: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A budget's running period day by day: plan, what was charged and what is foreseen, cumulated."""

    first: date
    last: date
    limit: Decimal
    rows: tuple[tuple[date, Decimal, Decimal | None, Decimal | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRunway:
    """How long a balance lasts as the forecast goes; `days` None: longer than a year. `top_up` makes it thirty days."""

    days: int | None
    until: date | None
    daily: Decimal
    top_up: Decimal


def scope_filters(scope: str) -> Filters:
    """The filters of a stored query string."""
    filters, _problems = parse_filters(parse_qs(scope, max_num_fields=1000))
    return filters


def terms(budget: Budget) -> Terms:
    return Terms(
        period=budget.period,
        amount=budget.amount,
        first=budget.first_date,
        last=budget.last_date,
        rolls_over=budget.rolls_over,
        thresholds={
            Basis.ACTUAL.value: budget.actual_thresholds,
            Basis.FORECAST.value: budget.forecast_thresholds,
        },
    )


def tree(organization: Organization, today: date) -> list[Branch]:
    """All budgets, parts below what they are part of, by name; two queries."""
    budgets = list(Budget.objects.of(organization).order_by("name", "pk"))
    running = {
        period.budget_id: period
        for period in BudgetPeriod.objects.of(organization).filter(
            first_date__lte=today, last_date__gte=today
        )
    }
    known = {budget.pk for budget in budgets}
    children: dict[int | None, list[Budget]] = {}
    for budget in budgets:
        children.setdefault(budget.parent_id if budget.parent_id in known else None, []).append(budget)

    def branches(parent: int | None, depth: int) -> Iterable[Branch]:
        for budget in children.get(parent, ()):
            parts = [part for part in children.get(budget.pk, ()) if part.period == budget.period]
            yield Branch(
                budget=budget,
                depth=depth,
                period=running.get(budget.pk),
                given=sum((part.amount for part in parts), ZERO) if parts else None,
            )
            yield from branches(budget.pk, depth + 1)

    return list(branches(None, 0))


def budgets(organization: Organization) -> QuerySet[Budget]:
    return Budget.objects.of(organization).select_related("organization", "parent")


def planned_changes(organization: Organization) -> QuerySet[PlannedChange]:
    """Those that are still to come first."""
    return PlannedChange.objects.of(organization).select_related("organization").order_by("-first_date", "pk")


def changes_of(
    organization: Organization, changes: Iterable[PlannedChange], filters: Filters
) -> list[Change]:
    """The planned changes that are about costs of a scope; one query at most besides those of `changes`."""
    known = list(changes)
    scopes = [filters, *(scope_filters(one.scope) for one in known)]
    whole, *parts = subtrees.all_whole(organization, scopes)
    return [
        Change(first=one.first_date, last=one.last_date, amount=one.amount, is_once=one.is_once)
        for one, part in zip(known, parts, strict=True)
        if covers(whole, part)
    ]


def covers(whole: Filters, part: Filters) -> bool:
    """Whether everything that `part` lets through surely passes `whole` too."""
    if whole.name and whole.name.casefold() not in part.name.casefold():
        return False
    return all(_is_implied(one, part) for one in whole.conditions)


def scope_parts(organization: Organization, scopes: Sequence[Filters]) -> list[list[ScopePart]]:
    """Each scope in words; at most four queries for all of them."""
    wanted: dict[str, set[str]] = {}
    for filters in scopes:
        for one in filters.conditions:
            wanted.setdefault(one.key, set()).update(one.values)
    known = names.names(organization, wanted)
    below = subtrees.values_below(organization, wanted)
    return [[_part(one, known, below) for one in filters.conditions] for filters in scopes]


def outlook(organization: Organization, filters: Filters, now: datetime) -> Outlook:
    """The forecast of any scope, and how well it has done so far; four queries."""
    today = today_of(organization, now)
    series, changes = _basis(organization, filters, today)
    first, last = _month(today)
    until = max(last, today + timedelta(days=AHEAD_DAYS))
    month, _found = evaluation.period_forecast(series, changes, first, last)
    late = ProviderConnection.objects.of(organization).filter(pk__in=series.carried)
    return Outlook(
        series=series,
        found=forecasting.forecast(series.complete, until=until, changes=changes),
        today=today,
        month=month,
        accuracy=tuple(forecasting.accuracy(series.complete)),
        carried=tuple(late.order_by("connection_name").values_list("connection_name", flat=True))
        if series.carried
        else (),
    )


def month_forecast(organization: Organization, now: datetime) -> Total | None:
    """The whole running month of all costs; None where too little is known. Three queries."""
    today = today_of(organization, now)
    series, changes = _basis(organization, Filters(), today)
    month, _found = evaluation.period_forecast(series, changes, *_month(today))
    return month


def _basis(organization: Organization, filters: Filters, today: date) -> tuple[Series, list[Change]]:
    """What a forecast of the scope is made from."""
    series = daily_series(organization, filters, first=today - timedelta(days=HISTORY_DAYS))
    return series, changes_of(organization, PlannedChange.objects.of(organization), filters)


def _month(today: date) -> tuple[date, date]:
    first = today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - ONE_DAY


def course(budget: Budget, now: datetime) -> Course | None:
    """Day by day through the period that runs now; None where none does. Three queries."""
    today = today_of(budget.organization, now)
    span = evaluation.current(terms(budget), today)
    if span is None:
        return None
    first, last = span
    filters = scope_filters(budget.scope)
    series = daily_series(
        budget.organization, filters, first=min(first, today - timedelta(days=HISTORY_DAYS))
    )
    changes = changes_of(budget.organization, PlannedChange.objects.of(budget.organization), filters)
    _total, found = evaluation.period_forecast(series, changes, first, last)
    period = BudgetPeriod.objects.filter(budget=budget, first_date=first).first()
    limit = period.limit if period else budget.amount
    count = (last - first).days + 1
    rows = evaluation.cumulated(series, found, first, last, today=today)
    return Course(
        first=first,
        last=last,
        limit=limit,
        rows=tuple(
            (day, limit * number / count, charged, foreseen)
            for number, (day, charged, foreseen) in enumerate(rows, start=1)
        ),
    )


def forecast_runways(
    organization: Organization, connections: Iterable[ProviderConnection], now: datetime
) -> dict[int, ForecastRunway]:
    """How long each rouble balance lasts by the forecast; connections without one are absent. Two queries."""
    prepaid = [
        connection
        for connection in connections
        if connection.balance is not None
        and connection.balance_currency == "RUB"
        and connection.account_read_at is not None
    ]
    if not prepaid:
        return {}
    today = today_of(organization, now)
    series = series_by_connection(organization, first=today - timedelta(days=HISTORY_DAYS))
    found = {}
    for connection in prepaid:
        runway = _runway(connection, series.get(connection.pk), today)
        if runway is not None:
            found[connection.pk] = runway
    return found


def _runway(connection: ProviderConnection, series: Series | None, today: date) -> ForecastRunway | None:
    assert connection.account_read_at is not None
    assert connection.balance is not None
    if series is None:
        return None
    read_on = connection.account_read_at.astimezone(ZoneInfo(connection.organization.time_zone)).date()
    forecast = forecasting.forecast(series.complete, until=today + timedelta(days=RUNWAY_AHEAD_DAYS))
    if isinstance(forecast, NotEnough):
        return None
    ahead = [day for day in forecast.days if day.date > read_on]
    left, days = max(ZERO, connection.balance), None
    for number, day in enumerate(ahead):
        left -= day.amount
        if left < 0:
            days = number
            break
    month = sum((day.amount for day in ahead[:AHEAD_DAYS]), ZERO)
    missing = max(ZERO, month - connection.balance)
    step = Decimal(1000) if missing >= 10_000 else Decimal(100)
    return ForecastRunway(
        days=days,
        until=None if days is None else read_on + timedelta(days=days),
        daily=month / AHEAD_DAYS,
        top_up=(missing / step).to_integral_value(ROUND_CEILING) * step,
    )


def _is_implied(condition: Condition, part: Filters) -> bool:
    kept, left_out = set(part.values(condition.key)), set(part.values(condition.key, is_excluded=True))
    values = set(condition.values)
    if condition.is_excluded:
        return bool(kept and not kept & values) or values <= left_out
    return bool(kept) and kept <= values


def _part(condition: Condition, known: names.Names, below: subtrees.Below) -> ScopePart:
    kind = dimension(condition.key)
    assert kind is not None, "filters hold known dimensions only"
    return ScopePart(
        label=str(kind.label),
        values=tuple(
            subtrees.in_words(names.label(kind, value, known), condition.key, value, below)
            for value in condition.values
        ),
        is_excluded=condition.is_excluded,
    )
