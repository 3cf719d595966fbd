"""Whole months are read from the totals of months: with the same sums as the days and the single facts have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from costs.explorer import periods, spend
from costs.explorer.exploration import Exploration
from costs.explorer.queries import explore
from costs.explorer.tests.estate import NOW, Estate, estate
from costs.explorer.view import parse_view
from costs.models import MonthlyTotal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]


@pytest.fixture(scope="module")
def queries() -> list[str]:
    spans = ("2026-02-10..2026-03-31", "2026-02-10..2026-03-20", "2026-03", "2026-02-01..2026-03-31")
    compared = ("&compare=none", "", "&compare=2026-02-20..2026-03-31")
    views = (
        "group=type",
        "group=connection&group=category&sort=difference",
        "group=none",
        "group=owner&sort=before",
    )
    more = (
        "step=month",
        "step=week&measure=effective",
        "measure=list&step=month",
        "min=20",
        "max=5000&sort=total",
    )
    return [
        f"period={span}{against}&{view}&{extra}"
        for span in spans
        for against in compared
        for view in views
        for extra in more
    ]


def shown(land: Estate, query: str) -> Exploration:
    parsed = parse_view(query, NOW.date())
    assert not parsed.problems
    return explore(land.organization, parsed.view, NOW)


@pytest.mark.parametrize(
    ("span", "months", "ends"),
    [
        ("2026-03-01..2026-03-31", ["2026-03-01"], []),
        ("2026-02-28..2026-04-01", ["2026-03-01"], ["2026-02-28..2026-02-28", "2026-04-01..2026-04-01"]),
        ("2025-12-15..2026-02-28", ["2026-01-01", "2026-02-01"], ["2025-12-15..2025-12-31"]),
        ("2026-01-01..2026-02-27", ["2026-01-01"], ["2026-02-01..2026-02-27"]),
        ("2026-03-02..2026-03-31", [], ["2026-03-02..2026-03-31"]),
        ("2026-02-02..2026-03-30", [], ["2026-02-02..2026-03-30"]),
        ("2026-03-05..2026-03-05", [], ["2026-03-05..2026-03-05"]),
    ],
)
def test_a_period_is_its_whole_months_and_the_days_around_them(
    span: str, months: list[str], ends: list[str]
) -> None:
    found, around = periods.parted(periods.fixed_span(span))

    assert [month.isoformat() for month in found] == months
    assert [str(each) for each in around] == ends


def test_views_say_the_same_of_months_as_of_days(queries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    land = estate()
    by_months = [shown(land, query) for query in queries]

    monkeypatch.setattr(spend, "parted", lambda span: ((), (span,)))

    assert sum(found.whole.total is not None for found in by_months) == len(queries)
    for query, found in zip(queries, by_months, strict=True):
        assert shown(land, query) == found, query


def test_single_resources_add_up_to_the_months(land_of_a_year: Estate) -> None:
    whole = shown(land_of_a_year, "period=2026-02-03..2026-03-31&step=month&group=type").whole
    single = shown(land_of_a_year, "period=2026-02-03..2026-03-31&step=month&group=resource")

    assert single.whole == whole
    assert sum((row.total or Decimal(0) for row in single.rows), Decimal(0)) == whole.total


@pytest.fixture
def land_of_a_year() -> Estate:
    return estate()


def test_a_falsified_month_shows_that_it_was_read(land_of_a_year: Estate) -> None:
    """So that the tests above do not compare days with days."""
    before = shown(land_of_a_year, "period=2026-02-03..2026-03-31&step=month&group=none").whole.total
    rows = MonthlyTotal.objects.of(land_of_a_year.organization).filter(dimensions__business_unit="Shop")
    rows.filter(date=date(2026, 3, 1)).update(billed_cost_rub=0)

    after = shown(land_of_a_year, "period=2026-02-03..2026-03-31&step=month&group=none").whole.total

    assert before is not None
    assert after is not None
    assert after < before


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("period=2026-03-02..2026-03-31&group=type", 9),
        ("period=2026-02-03..2026-03-31&step=month&group=type", 11),
        ("period=2026-02-03..2026-03-31&group=type&compare=none", 7),
        ("period=2026-03&group=resource&step=month", 9),
    ],
)
def test_the_queries_of_a_view_are_counted(query: str, count: int) -> None:
    land = estate()
    with CaptureQueriesContext(database) as asked:
        shown(land, query)

    assert len(asked) == count, [each["sql"] for each in asked.captured_queries]


def test_bounds_and_the_rest_count_every_group(land_of_a_year: Estate) -> None:
    everything: dict[Any, Any] = {
        row.labels: row.total for row in shown(land_of_a_year, "period=2026-03&group=resource").rows
    }
    found = shown(land_of_a_year, "period=2026-03&group=resource&min=3000")
    none = shown(land_of_a_year, "period=2026-03&group=resource&min=900000")

    assert [row.total for row in found.rows] == [
        total for total in everything.values() if total and total > 3000
    ]
    assert (found.rest_count, none.rest_count) == (len(everything) - len(found.rows), len(everything))
    assert 0 < len(found.rows) < len(everything)
    assert none.rows == ()
