"""Forecasts of daily series: exact where the series is exact, unmoved by spikes, honest where there is too little."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from costs import forecasting
from costs.forecasting import Change, NotEnough, accuracy, forecast

FIRST = date(2026, 1, 5)  # a Monday


def series(*values: object) -> dict[date, Decimal]:
    """Days from a Monday on; None is a day that is not known."""
    return {
        FIRST + timedelta(days=number): Decimal(str(value))
        for number, value in enumerate(values)
        if value is not None
    }


def ahead(history: dict[date, Decimal], days: int, **more: object) -> list[Decimal]:
    found = forecast(history, until=max(history) + timedelta(days=days), **more)
    assert not isinstance(found, NotEnough)
    return [day.amount for day in found.days]


def test_seven_days_say_nothing_and_eight_do() -> None:
    assert forecast(series(*[10] * 7), until=FIRST) == NotEnough(day_count=7)
    assert ahead(series(*[10] * 8), 3) == [Decimal(10)] * 3


def test_weekdays_keep_their_habit() -> None:
    week = [100, 100, 100, 100, 100, 20, 10]

    assert ahead(series(*week * 3), 7) == [Decimal(value) for value in week]


def test_growth_goes_on_and_no_longer_than_it_was_seen() -> None:
    history = series(*range(100, 156))

    found = ahead(history, 120)

    assert found[0] == 156
    assert found[54] == 210
    assert found[-1] == found[55]


def test_a_spike_and_a_day_without_data_move_nothing() -> None:
    assert ahead(series(*[50] * 20, 900, 900, *[50] * 5, None, 50), 2) == [Decimal(50)] * 2


@pytest.mark.parametrize("step", [Decimal(130), Decimal(60)])
def test_after_a_step_its_level_counts(step: Decimal) -> None:
    assert ahead(series(*[100] * 40, *[step] * 8), 10) == [step] * 10


def test_four_days_at_a_new_level_are_believed() -> None:
    assert ahead(series(*[100] * 40, *[130] * 3), 1) == [100]
    assert ahead(series(*[100] * 40, *[130] * 4), 1) == [130]


def test_interval_holds_the_amount_and_grows() -> None:
    found = forecast(series(*[100, 104, 97, 101, 95] * 9), until=date(2026, 4, 30))
    assert not isinstance(found, NotEnough)

    near, far = found.days[0], found.days[-1]
    total = found.total(near.date, far.date)

    assert near.low < near.amount < near.high
    assert far.high - far.low > near.high - near.low
    assert total.amount == sum(day.amount for day in found.days)
    assert total.high - total.low < sum((day.high - day.low for day in found.days), Decimal(0))


def test_known_changes_count_from_what_the_history_holds() -> None:
    history = series(*[100] * 10)
    last = max(history)
    tomorrow = last + timedelta(days=1)
    changes = [
        Change(first=tomorrow, last=tomorrow, amount=Decimal(50), is_once=True),
        Change(first=last + timedelta(days=2), last=None, amount=Decimal(7), is_once=False),
        Change(first=FIRST, last=last + timedelta(days=2), amount=Decimal(-20), is_once=False),
        Change(first=last, last=last, amount=Decimal(1000), is_once=True),
    ]

    assert ahead(history, 4, changes=changes) == [150, 107, 127, 127]


def test_accuracy_is_exact_on_an_exact_series_and_leaves_out_what_never_came() -> None:
    found = accuracy(series(*[100, 100, 100, 100, 100, 20, 10] * 4), horizons=(1, 7, 30))

    assert [(one.horizon, one.origin_count) for one in found] == [(1, 20), (7, 14)]
    assert accuracy(series(*[100] * 20), horizons=(7,))[0].error_percent == 0
    assert accuracy(series(*[100] * 20), horizons=(7,))[0].inside_percent == 100


def test_accuracy_counts_the_total_of_the_horizon() -> None:
    """A day that costs twice as much is one error of a half, and a seventh of it over a week."""
    found = accuracy(series(*[100] * 20, 200), horizons=(1, 7))

    assert found[0].error_percent == Decimal(50) / 13
    assert found[1].error_percent == Decimal(100) * 100 / 800 / 7


def test_forecast_that_is_later_than_asked_is_empty() -> None:
    found = forecast(series(*[10] * 9), until=FIRST)

    assert not isinstance(found, NotEnough)
    assert found.days == ()
    assert found.total(FIRST, FIRST).amount == 0
    assert forecasting.MINIMUM_DAYS == 8
