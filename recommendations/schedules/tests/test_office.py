"""Hours of a year with the holidays of Russia, and what cron is told."""

from __future__ import annotations

from datetime import date

import pytest

from recommendations.engine.calendar import Calendar
from recommendations.schedules.office import cron_lines, holiday, hours_of, rest_of

OFFICE = Calendar.office(9, 18)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 10, 1), 9),  # a Thursday
        (date(2026, 10, 3), 0),  # a Saturday
        (date(2026, 11, 4), 0),  # Unity Day, a Wednesday
        (date(2026, 12, 31), 0),  # a Thursday that a January Saturday was moved to
        (date(2024, 12, 28), 9),  # a Saturday of work, its day off moved to the 30th
        (date(2024, 12, 30), 0),
    ],
)
def test_day_follows_the_calendar_and_the_holidays(day, hours):
    assert len(hours_of(OFFICE, day, rests_on_holidays=True)) == hours


def test_holidays_say_nothing_where_they_are_worked_through():
    assert len(hours_of(OFFICE, date(2026, 11, 4), rests_on_holidays=False)) == 9
    assert not hours_of(OFFICE, date(2024, 12, 28), rests_on_holidays=False)


def test_moved_working_day_does_not_touch_a_calendar_that_works_on_saturdays():
    saturdays = Calendar.of_data([[0, 9, 18], [5, 10, 12]])

    assert hours_of(saturdays, date(2024, 12, 28), rests_on_holidays=True) == frozenset({10, 11})


def test_year_is_added_up_from_its_days():
    plain = rest_of(OFFICE, first=date(2026, 1, 1), rests_on_holidays=False)
    resting = rest_of(OFFICE, first=date(2026, 1, 1), rests_on_holidays=True)

    assert plain.off_hours == 365 * 24 - 261 * 9
    assert plain.off_days == 104
    assert resting.off_days == 365 - 247  # the working days of 2026
    assert resting.off_hours == 365 * 24 - 247 * 9


def test_holiday_has_its_name():
    assert holiday(date(2026, 6, 12)) == "День России"
    assert holiday(date(2026, 6, 15)) == ""


def test_cron_starts_and_stops_days_alike_together():
    assert cron_lines(OFFICE) == [("0 9 * * 1,2,3,4,5", True), ("0 18 * * 1,2,3,4,5", False)]


def test_cron_of_a_night_shift_crosses_midnight():
    night = Calendar.of_data([[0, 22, 24], [1, 0, 6]])

    assert cron_lines(night) == [("0 6 * * 2", False), ("0 22 * * 1", True)]


def test_cron_of_what_always_runs_is_empty():
    assert cron_lines(Calendar.of_hours(range(168))) == []
