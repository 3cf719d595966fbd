"""Views in URLs: what is written is what is read, equal views have equal strings, nonsense becomes a sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from costs.explorer.filters import Condition, Filters
from costs.explorer.periods import Span, compared_span, span_of
from costs.explorer.view import View, parse_view

TODAY = date(2026, 3, 15)


def test_a_view_is_read_as_it_was_written() -> None:
    view = View(
        measure="effective",
        period="2026-02-01..2026-02-10",
        step="week",
        group_by=("tag.team & co", "region"),
        filters=Filters(
            (
                Condition("connection", ("3", "4")),
                Condition("type", ("server",), is_excluded=True),
                Condition("environment", ("", "prod")),
                Condition("tag.команда", ("веб",)),
            ),
            name="prod & = 1",
        ),
        comparison="year",
        minimum=Decimal("0.5"),
        maximum=Decimal("1000"),
        chart="line",
        sort="-difference",
    )

    parsed = parse_view(view.query_string(), TODAY)

    assert parsed.view == view
    assert parsed.problems == ()
    assert View().query_string() == ""
    assert parse_view("", TODAY).view == View()
    assert parse_view(View(group_by=(), comparison="").query_string(), TODAY).view == View(
        group_by=(), comparison=""
    )


def test_equal_views_have_equal_strings() -> None:
    one = parse_view("type=volume&type=server&connection=2&step=day", TODAY).view
    other = parse_view("connection=2&type=server&type=volume&type=server", TODAY).view

    assert one.query_string() == other.query_string() == "connection=2&type=server&type=volume"


def test_forms_may_send_ends_and_one_more_filter() -> None:
    view = parse_view(
        "first=2026-03-01&last=2026-03-05&add=type:server&mode=exclude&type=&tag_key=team&tag_value=web",
        TODAY,
    ).view

    assert view.period == "2026-03-01..2026-03-05"
    assert view.filters == Filters(
        (Condition("type", ("server",), is_excluded=True), Condition("tag.team", ("web",), is_excluded=True))
    )


@pytest.mark.parametrize(
    "query",
    [
        "period=yesteryear",
        "period=2026-13",
        "period=2026-03-05..2026-03-01",
        "period=0001-01-01..0001-01-02",
        "period=1990-01-01..2026-01-01",
        "first=now",
        "compare=sometimes",
        "compare=2026-02-30",
        "measure=guess",
        "step=hour",
        "chart=pie",
        "sort=luck",
        "group=colour",
        "group=type&group=region&group=owner",
        "group=tag.",
        "connection=abc",
        "connection=99999999999999999999999",
        "connection=%D9%A3",
        "resource=-1",
        "not.colour=red",
        "not.tag.%00=red",
        "group=tag.%00",
        "type=%00",
        f"type={'x' * 400}",
        "min=many",
        "max=NaN",
        "min=1e99",
        "measure=run_rate&group=category",
        "measure=run_rate&category=Usage",
        "&".join(f"region=r{number}" for number in range(300)),
    ],
)
def test_what_cannot_be_read_becomes_a_sentence(query: str) -> None:
    parsed = parse_view(query, TODAY)

    assert len(parsed.problems) == 1, parsed
    assert parse_view(parsed.view.query_string(), TODAY) == replace(parsed, problems=())


@pytest.mark.parametrize(
    ("period", "span", "previous"),
    [
        ("last_7_days", ("2026-03-08", "2026-03-14"), ("2026-03-01", "2026-03-07")),
        ("this_month", ("2026-03-01", "2026-03-15"), ("2026-02-14", "2026-02-28")),
        ("last_month", ("2026-02-01", "2026-02-28"), ("2026-01-01", "2026-01-31")),
        ("last_quarter", ("2025-10-01", "2025-12-31"), ("2025-07-01", "2025-09-30")),
        ("last_year", ("2025-01-01", "2025-12-31"), ("2024-01-01", "2024-12-31")),
        ("last_week", ("2026-03-02", "2026-03-08"), ("2026-02-23", "2026-03-01")),
        ("2024-02", ("2024-02-01", "2024-02-29"), ("2024-01-01", "2024-01-31")),
        ("2026-03-05", ("2026-03-05", "2026-03-05"), ("2026-03-04", "2026-03-04")),
    ],
)
def test_periods_are_whole_days(period: str, span: tuple[str, str], previous: tuple[str, str]) -> None:
    def days(ends: tuple[str, str]) -> Span:
        return Span(*(date.fromisoformat(end) for end in ends))

    assert span_of(period, TODAY) == days(span)
    assert compared_span("previous", days(span)) == days(previous)


def test_whole_months_are_compared_with_whole_months() -> None:
    february = span_of("2026-02", TODAY)

    assert compared_span("month", february) == span_of("2026-01", TODAY)
    assert compared_span("year", february) == span_of("2025-02", TODAY)
    assert str(compared_span("month", Span(date(2026, 3, 30), date(2026, 3, 31)))) == "2026-02-28..2026-02-28"
