"""Stored texts and values in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations import wording
from recommendations.engine.calendar import Calendar
from recommendations.engine.contract import Text, money, weekly


def test_count_in_a_message_is_put_into_words():
    stored = Text("Off for %(days)d days, %(cost)s", {"days": 1234, "cost": money(Decimal("5.50"))}).as_json()

    assert wording.text(stored).startswith("Off for 1")
    assert "%(" not in wording.text(stored)


def test_per_cent_sign_of_a_message_without_values_stays():
    assert wording.text(Text("At 5 %").as_json()) == "At 5 %"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([[day, 9, 18] for day in range(5)], "Mon–Fri 9:00–18:00"),
        ([[0, 9, 12], [0, 13, 18], [6, 0, 24]], "Mon 9:00–12:00, 13:00–18:00; Sun 0:00–24:00"),
        ([], "never"),
    ],
)
def test_calendar_in_words(data, words):
    assert wording.value(weekly(Calendar.of_data(data))) == words
