"""Weekly calendars: from hours and from data, when they change, also where clocks do."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from recommendations.engine.calendar import Calendar, Window

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
INDIA = ZoneInfo("Asia/Kolkata")
WORK = Calendar.of_data([[day, 9, 18] for day in range(5)])


def test_office_hours_are_five_windows():
    assert Calendar.office().as_data() == [[day, 8, 20] for day in range(5)]
    assert len(Calendar.office().running_hours) == 60
    assert Calendar.office().days_off == {5, 6}


def test_hours_and_data_make_each_other():
    assert Calendar.of_hours(WORK.running_hours) == WORK
    assert Calendar.of_data(WORK.as_data()) == WORK
    assert Calendar.of_text(WORK.as_text()) == WORK
    assert Calendar.of_data([[5, 0, 24]]).as_text() == "5:0-24"
    assert len(WORK.off_hours) == 168 - 45


def test_windows_that_touch_become_one():
    assert Calendar.of_data([[2, 12, 18], [2, 9, 12], [2, 20, 24]]).windows == (
        Window(2, 9, 18),
        Window(2, 20, 24),
    )


@pytest.mark.parametrize("triple", [[7, 1, 2], [0, 5, 5], [0, 3, 25], [0, 1], ["0", 1, 2]])
def test_what_is_no_window_is_refused(triple):
    with pytest.raises(ValueError, match="no window"):
        Calendar.of_data([triple])


@pytest.mark.parametrize("text", ["0", "0:9", "x:9-18", "0:18-9"])
def test_text_that_is_no_calendar_is_refused(text):
    with pytest.raises(ValueError, match=r"invalid literal|no window"):
        Calendar.of_text(text)


def test_days_alike_stand_together():
    assert WORK.compact() == [(0, 4, ((9, 18),))]
    assert Calendar.of_data([[0, 9, 18], [2, 9, 18], [3, 9, 12], [3, 13, 18]]).compact() == [
        (0, 0, ((9, 18),)),
        (2, 2, ((9, 18),)),
        (3, 3, ((9, 12), (13, 18))),
    ]


@pytest.mark.parametrize(
    ("after", "change"),
    [
        # Thursday 2026-10-01: 09:00 in Moscow is 06:00 UTC
        (datetime(2026, 10, 1, 5, 59, tzinfo=UTC), (datetime(2026, 10, 1, 6, tzinfo=UTC), True)),
        (datetime(2026, 10, 1, 6, 0, tzinfo=UTC), (datetime(2026, 10, 1, 15, tzinfo=UTC), False)),
        (datetime(2026, 10, 2, 15, 30, tzinfo=UTC), (datetime(2026, 10, 5, 6, tzinfo=UTC), True)),
    ],
)
def test_next_change_is_local(after, change):
    assert WORK.next_change(after, MOSCOW) == change


def test_next_change_over_a_change_of_the_clock():
    # Sunday 2026-10-25 Berlin goes from summer to winter: Monday 09:00 is 08:00 UTC, not 07:00
    after = datetime(2026, 10, 23, 20, 0, tzinfo=UTC)

    assert WORK.next_change(after, BERLIN) == (datetime(2026, 10, 26, 8, tzinfo=UTC), True)


def test_next_change_where_hours_begin_at_half_past():
    after = datetime(2026, 10, 1, 2, 10, tzinfo=UTC)  # 07:40 there

    assert WORK.next_change(after, INDIA) == (datetime(2026, 10, 1, 3, 30, tzinfo=UTC), True)


def test_what_never_changes_has_no_next_change():
    assert Calendar.of_hours(range(168)).next_change(datetime(2026, 10, 1, tzinfo=UTC), MOSCOW) is None
    assert Calendar.of_hours(()).next_change(datetime(2026, 10, 1, tzinfo=UTC), MOSCOW) is None


def test_is_running_at_the_edges():
    assert WORK.is_running(datetime(2026, 10, 1, 9, 0, tzinfo=MOSCOW))
    assert not WORK.is_running(datetime(2026, 10, 1, 18, 0, tzinfo=MOSCOW))
    assert not WORK.is_running(datetime(2026, 10, 3, 10, 0, tzinfo=MOSCOW))
