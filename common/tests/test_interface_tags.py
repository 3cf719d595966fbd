"""Icons, shares as classes, charts as tables."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.template import Context, Template
from django.utils import translation

from common.templatetags.interface import chart_table, initials, percent_class, share_of


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, ""),
        ("", ""),
        ("no number", ""),
        (Decimal("NaN"), ""),
        (0, "percent-0"),
        (Decimal("0.01"), "percent-1"),
        (Decimal("36.6"), "percent-37"),
        (Decimal("99.9"), "percent-99"),
        (100, "percent-100"),
        (250, "percent-100"),
        (-5, "percent-0"),
    ],
)
def test_percent_class_shows_the_least_share_and_saves_the_whole_for_the_whole(value: Any, name: str) -> None:
    assert percent_class(value) == name


def test_share_of_nothing_is_not_known() -> None:
    assert share_of(5, 20) == Decimal("25")
    assert share_of(5, 0) is None
    assert share_of(None, 20) is None


def test_initials_come_from_two_words_or_from_the_mailbox() -> None:
    assert initials("Анна Ким") == "АК"
    assert initials("anna.kim@romashka.example") == "AK"
    assert initials(None) == ""


def test_icon_is_hidden_unless_it_has_a_label() -> None:
    mute = Template('{% load interface %}{% icon "server" "icon--small" %}').render(Context())
    speaking = Template('{% load interface %}{% icon "server" label=label %}').render(
        Context({"label": "A < B"})
    )

    assert '<svg class="icon icon--small" aria-hidden="true"' in mute
    assert "infrazen/icons.svg#server" in mute
    assert 'role="img" aria-label="A &lt; B"' in speaking


@time_machine.travel("2026-11-21 09:00:00+00:00", tick=False)
def test_chart_table_adds_known_values_and_calls_the_missing_missing() -> None:
    data = {
        "labels": ["2026-11-19", "2026-11-20"],
        "series": [
            {"name": "Beget Prod", "number": 1, "values": ["3475.00", None]},
            {"name": "Beget Dev", "number": 2, "values": ["1395.00", None]},
        ],
    }

    with translation.override("en"):
        rows = chart_table(data)

    assert [(row.label, row.values, row.total) for row in rows] == [
        ("19\u00a0Nov", ["3,475.00", "1,395.00"], "4,870.00"),
        ("20\u00a0Nov", ["no data", "no data"], "no data"),
    ]


@time_machine.travel("2026-11-21 09:00:00+00:00", tick=False)
def test_chart_table_tells_percentages_and_instants() -> None:
    data = {
        "labels": ["2026-11-19T06:00:00+00:00"],
        "unit": "percent",
        "series": [{"name": "average", "role": "average", "values": ["12.34"]}],
    }

    with translation.override("en"):
        rows = chart_table(data)

    assert rows[0].values == ["12.3%"]
    assert rows[0].label == "19\u00a0Nov, 09:00"


def test_chart_texts_are_data_in_the_readers_language() -> None:
    with translation.override("ru"):
        markup = Template("{% load interface %}{% chart_texts %}").render(Context())

    found = re.search(r'<script id="chart-texts" type="application/json">(.*)</script>', markup)
    assert found
    texts = json.loads(found[1])
    assert texts["locale"] == "ru"
    assert texts["months"][10] == "ноя"
    assert texts["monthsOfDate"][10] == "ноября"
    assert len(texts["weekdays"]) == 7
