"""Budgets' periods, what they leave to the next one, and when they are passed; and the series behind them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from costs.budgets.evaluation import Terms, cumulated, current, period_forecast, spans, standings
from costs.budgets.queries import covers, scope_filters
from costs.forecasting import Change
from costs.series import Series, assembled

TODAY = date(2026, 3, 16)


def terms(period: str = "month", **more: object) -> Terms:
    values = {
        "amount": Decimal(1000),
        "first": date(2026, 1, 15),
        "last": None,
        "rolls_over": False,
        "thresholds": {"actual": [50, 100], "forecast": [100]},
    }
    return Terms(period=period, **values | more)


def series(first: date, *amounts: int, known: int | None = None) -> Series:
    """Days from `first` on, the first `known` of them complete (all but the last one)."""
    charged = {first + timedelta(number): Decimal(amount) for number, amount in enumerate(amounts)}
    days = sorted(charged)[: len(amounts) - 1 if known is None else known]
    return Series(
        charged=charged,
        complete={day: charged[day] for day in days},
        known_until=days[-1] if days else None,
        carried=frozenset(),
        has_unconverted=False,
    )


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (
            "month",
            [
                (date(2026, 1, 1), date(2026, 1, 31)),
                (date(2026, 2, 1), date(2026, 2, 28)),
                (date(2026, 3, 1), date(2026, 3, 31)),
            ],
        ),
        ("quarter", [(date(2026, 1, 1), date(2026, 3, 31))]),
        ("year", [(date(2026, 1, 1), date(2026, 12, 31))]),
    ],
)
def test_periods_are_those_of_the_calendar(period: str, expected: list[tuple[date, date]]) -> None:
    assert spans(terms(period), TODAY) == expected


def test_a_custom_period_is_as_it_is_written_and_a_budget_ends() -> None:
    custom = terms("custom", first=date(2026, 3, 10), last=date(2026, 4, 9))
    ended = terms(last=date(2026, 2, 10))

    assert current(custom, TODAY) == (date(2026, 3, 10), date(2026, 4, 9))
    assert current(custom, date(2026, 4, 10)) is None
    assert current(custom, date(2026, 3, 9)) is None
    assert spans(ended, TODAY)[-1] == (date(2026, 2, 1), date(2026, 2, 28))
    assert current(ended, TODAY) is None


def test_standing_adds_what_was_charged_to_what_is_foreseen() -> None:
    """Fifteen days of 40 are complete; of the sixteenth only 10 are known yet, and it will be 40 as well."""
    [march] = standings(
        terms(first=date(2026, 3, 1)), series(date(2026, 3, 1), *[40] * 15, 10), [], today=TODAY
    )

    assert (march.actual, march.limit) == (610, 1000)
    assert march.forecast is not None
    assert march.forecast.amount == 31 * 40
    assert march.forecast.low < march.forecast.amount < march.forecast.high
    assert march.breach == date(2026, 3, 26)  # 25 days are exactly the limit
    assert march.passed == (("actual", 50), ("forecast", 100))


def test_unspent_money_rolls_over_and_overspending_does_not() -> None:
    costs = series(date(2026, 1, 1), *[20] * 31, *[60] * 28, *[10] * 16)

    rolling = standings(terms(rolls_over=True), costs, [], today=TODAY)
    plain = standings(terms(), costs, [], today=TODAY)

    assert [one.carried for one in rolling] == [0, 380, 0]
    assert [one.actual for one in rolling] == [620, 1680, 160]
    assert [one.limit for one in plain] == [1000, 1000, 1000]
    assert rolling[1].breach == date(2026, 2, 24)  # 23 days are exactly 1380 roubles
    assert plain[0].forecast is not None
    assert plain[0].forecast.amount == plain[0].actual == 620


def test_planned_changes_move_the_forecast_and_too_little_data_gives_none() -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    change = Change(first=date(2026, 3, 22), last=None, amount=Decimal(5), is_once=False)
    costs = series(first, *[40] * 16)

    total, _found = period_forecast(costs, [change], first, last)
    nothing, _found = period_forecast(series(first, *[40] * 8), [], first, last)

    assert total is not None
    assert total.amount == 31 * 40 + 10 * 5
    assert nothing is None


def test_course_goes_from_charged_to_foreseen() -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    costs = series(first, *[40] * 15, 10)
    _total, found = period_forecast(costs, [], first, last)

    rows = cumulated(costs, found, first, last, today=TODAY)

    assert rows[0] == (first, 40, None)
    assert rows[14] == (date(2026, 3, 15), 600, 600)
    assert rows[15] == (TODAY, 610, 640)
    assert rows[30] == (last, None, 1240)


def test_series_waits_for_the_slower_carries_the_late_and_forgets_the_ended() -> None:
    days = [date(2026, 3, 1) + timedelta(number) for number in range(14)]
    ten = dict.fromkeys(days, Decimal(10))
    charged = {1: ten, 2: ten, 3: dict.fromkeys(days[:5], Decimal(7)), 4: {date(2026, 1, 5): Decimal(99)}}
    whole = {
        1: (days[0], days[13]),
        2: (days[2], days[12]),
        3: (days[0], days[4]),
        4: (date(2026, 1, 5), date(2026, 1, 5)),
    }

    found = assembled(charged, whole, first=days[0])

    assert found.known_until == days[12]
    assert found.carried == {3}
    assert [found.complete[day] for day in (days[0], days[2], days[4])] == [17, 27, 27]
    assert found.complete[days[12]] == 27
    assert found.charged[days[13]] == 20
    assert assembled({}, whole, first=days[0]).known_until is None


@pytest.mark.parametrize(
    ("whole", "part", "is_covered"),
    [
        ("", "connection=1", True),
        ("connection=1&connection=2", "connection=1", True),
        ("connection=1", "connection=1&connection=2", False),
        ("connection=1", "", False),
        ("not.type=server", "type=volume", True),
        ("not.type=server", "not.type=server&not.type=volume", True),
        ("not.type=server", "", False),
        ("environment=prod", "environment=prod&type=server", True),
    ],
)
def test_a_planned_change_is_about_a_scope_that_holds_all_of_it(
    whole: str, part: str, is_covered: bool
) -> None:
    assert covers(scope_filters(whole), scope_filters(part)) is is_covered
