"""Costs a day from lines and prices: exact shares, real hours, rates of exchange by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costs.facts import (
    Interval,
    Line,
    RateTable,
    day_bounds,
    days_touched,
    facts_from_intervals,
    facts_from_lines,
)

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
SHORT, LONG = date(2026, 3, 29), date(2026, 10, 25)  # Berlin's clocks change on these days
FAR = (date(2020, 1, 1), date(2030, 1, 1))


def line(amount: str, start: datetime, end: datetime, **fields) -> Line:
    cost = Decimal(amount)
    values = {"resource_pk": 1, "charge_category": "Usage", "currency": "RUB"} | fields
    return Line(start=start, end=end, billed=cost, effective=cost, list=cost, **values)


def interval(daily: str, start: datetime, end: datetime) -> Interval:
    return Interval(resource_pk=1, currency="RUB", source="price", daily=Decimal(daily), start=start, end=end)


def by_day(facts) -> dict[date, Decimal]:
    return {key.date: amounts.billed for key, amounts in facts.items()}


@pytest.mark.parametrize(("day", "hours"), [(SHORT, 23), (date(2026, 3, 30), 24), (LONG, 25)])
def test_a_day_is_as_long_as_its_zone_makes_it(day, hours) -> None:
    start, end = day_bounds(day, BERLIN)

    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize("day", [SHORT, LONG])
def test_a_whole_day_costs_the_price_of_a_day_also_when_clocks_change(day) -> None:
    start, end = day_bounds(day, BERLIN)

    facts = facts_from_intervals([interval("24", start, end)], zone=BERLIN, first=day, last=day)

    assert by_day(facts) == {day: Decimal(24)}


def test_part_of_a_short_day_costs_its_share_of_23_hours() -> None:
    start, end = day_bounds(SHORT, BERLIN)

    facts = facts_from_intervals(
        [interval("23", start, start + timedelta(hours=5)), interval("46", start + timedelta(hours=5), end)],
        zone=BERLIN,
        first=SHORT,
        last=SHORT,
    )

    assert by_day(facts) == {SHORT: Decimal(5 + 36)}


def test_prices_are_cut_at_the_zones_midnight() -> None:
    start = datetime(2026, 3, 1, 18, tzinfo=UTC)  # 21:00 in Moscow

    facts = facts_from_intervals(
        [interval("24", start, start + timedelta(hours=9))],
        zone=MOSCOW,
        first=date(2026, 3, 1),
        last=date(2026, 3, 3),
    )

    assert by_day(facts) == {date(2026, 3, 1): Decimal(3), date(2026, 3, 2): Decimal(6)}


def test_only_the_days_asked_for_are_told() -> None:
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC)
    days = {"zone": ZoneInfo("UTC"), "first": date(2026, 3, 3), "last": date(2026, 3, 4)}

    assert list(by_day(facts_from_lines([line("10", start, end)], **days)).values()) == [1, 1]
    assert list(by_day(facts_from_intervals([interval("2", start, end)], **days)).values()) == [2, 2]


def test_a_line_without_length_falls_on_its_day() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)

    facts = facts_from_lines([line("7", at, at)], zone=ZoneInfo("UTC"), first=FAR[0], last=FAR[1])

    assert by_day(facts) == {date(2026, 3, 1): Decimal(7)}


def test_categories_currencies_and_resources_stay_apart() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    end = start + timedelta(hours=1)
    lines = [
        line("1", start, end),
        line("2", start, end),
        line("-0.5", start, end, charge_category="Credit"),
        line("4", start, end, currency="USD"),
        line("8", start, end, resource_pk=2),
    ]

    facts = facts_from_lines(lines, zone=ZoneInfo("UTC"), first=FAR[0], last=FAR[1])

    assert {(k.resource_pk, k.charge_category, k.currency): a.billed for k, a in facts.items()} == {
        (1, "Usage", "RUB"): Decimal(3),
        (1, "Credit", "RUB"): Decimal("-0.5"),
        (1, "Usage", "USD"): Decimal(4),
        (2, "Usage", "RUB"): Decimal(8),
    }


@given(
    amount=st.decimals("-1000", "1000", places=6),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - made aware
    minutes=st.integers(0, 60 * 24 * 40),
    zone=st.sampled_from([BERLIN, MOSCOW, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")]),
)
def test_a_line_over_many_days_adds_up_exactly(amount, start, minutes, zone) -> None:
    end = start + timedelta(minutes=minutes)

    facts = facts_from_lines([line(str(amount), start, end)], zone=zone, first=FAR[0], last=FAR[1])

    assert sum(by_day(facts).values(), Decimal(0)) == amount
    if minutes:
        assert sorted(by_day(facts)) == list(days_touched(start, end, zone))


@given(
    cuts=st.lists(st.integers(1, 24 * 30), min_size=1, max_size=6, unique=True).map(sorted),
    zone=st.sampled_from([BERLIN, MOSCOW]),
)
def test_prices_over_a_month_come_to_price_times_days(cuts, zone) -> None:
    first, last = date(2026, 3, 15), date(2026, 4, 20)
    start = day_bounds(first, zone)[0]
    edges = [start, *(start + timedelta(hours=hours) for hours in cuts), day_bounds(last, zone)[1]]
    pieces = [interval("24", a, b) for a, b in pairwise(edges)]

    facts = facts_from_intervals(pieces, zone=zone, first=first, last=last)

    assert sum(by_day(facts).values(), Decimal(0)) == 24 * 37


def test_the_latest_rate_on_or_before_the_day_holds() -> None:
    table = RateTable({"USD": [(date(2026, 3, 3), Decimal(91)), (date(2026, 3, 1), Decimal(90))]})

    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2027, 1, 1)]

    assert [table.on("USD", day) for day in days] == [None, 90, 90, 91, 91]
    assert table.on("RUB", days[0]) == 1
    assert table.on("EUR", days[4]) is None
