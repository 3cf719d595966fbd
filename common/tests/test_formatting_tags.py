"""The filters read the clock and the reader's zone and leave the rest to `common.formatting`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone, translation


def render(source: str, **context: Any) -> str:
    with translation.override("ru"):
        return Template("{% load formatting %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ cost|rub }}", "12\u202f990,40\u00a0₽"),
        ("{{ cost|signed_rub }}", "+12\u202f990,40\u00a0₽"),
        ("{{ cost|money:'USD' }}", "12\u202f990,40\u00a0$"),
        ("{{ cost|amount }}", "12\u202f990,40"),
        ("{{ tiny|amount }}", "&lt;\u00a00,01"),
        ("{{ count|decimals }}", "1\u202f150"),
        ("{{ load|decimals:2 }}", "0,42"),
        ("{{ share|percent }}", "99,9\u00a0%"),
        ("{{ share|percent_precise }}", "99,98\u00a0%"),
        ("{{ use|percent_whole }}", "20\u00a0%"),
    ],
)
def test_filters_format_numbers(source: str, text: str) -> None:
    values = {
        "cost": Decimal("12990.40"),
        "tiny": Decimal("0.001"),
        "count": 1150,
        "load": Decimal("0.42"),
        "share": Decimal("99.98"),
        "use": Decimal("20.3"),
    }

    assert render(source, **values) == text


def test_rub_round_keeps_the_exact_amount_in_its_title() -> None:
    assert render("{{ cost|rub_round }}", cost=Decimal("416999.70")) == (
        '<span class="amount" title="416\u202f999,70\u00a0₽">417\u202f000\u00a0₽</span>'
    )
    assert render("{{ cost|rub_round }}", cost=Decimal("5")) == "5,00\u00a0₽"


def test_a_variable_the_template_does_not_know_is_not_a_zero() -> None:
    with translation.override("en"):
        assert Template("{% load formatting %}{{ nothing|rub }}").render(Context()) == "no data"


def test_moment_is_told_in_the_readers_zone() -> None:
    at = datetime(2026, 11, 21, 6, 40, tzinfo=UTC)

    with time_machine.travel(at, tick=False), timezone.override("Asia/Vladivostok"):
        text = render("{{ at|moment }} {{ at|clock }} {{ at|short_date }}", at=at)

    assert text == (
        '<time datetime="2026-11-21T16:40:00+10:00" title="21\u00a0ноября\u00a02026, 16:40:00 +10">'
        "21\u00a0ноября, 16:40</time> 16:40 21\u00a0ноя"
    )


def test_ago_bears_the_exact_moment() -> None:
    now = datetime(2026, 11, 21, 6, 40, tzinfo=UTC)

    with time_machine.travel(now, tick=False), timezone.override("Europe/Moscow"), translation.override("en"):
        text = Template("{% load formatting %}{{ at|ago }}").render(
            Context({"at": now - timedelta(minutes=5)})
        )

    assert text == (
        '<time datetime="2026-11-21T09:35:00+03:00" title="21\u00a0Nov\u00a02026, 09:35:00 MSK">5 minutes ago</time>'
    )


def test_period_takes_days() -> None:
    assert (
        render("{{ a|period:b }}", a=date(2026, 11, 12), b=date(2026, 11, 13)) == "12–13\u00a0ноя\u00a02026"
    )
