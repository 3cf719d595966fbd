"""Numbers and dates as the design's section 7 writes them, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from common import formatting

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 9, 40, tzinfo=UTC)


@pytest.fixture
def russian() -> Iterator[None]:
    with translation.override("ru"):
        yield


@pytest.fixture
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.usefixtures("russian")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1234567.89", "1\u202f234\u202f567,89\u00a0₽"),
        ("0", "0,00\u00a0₽"),
        ("-0", "0,00\u00a0₽"),
        ("-0.00", "0,00\u00a0₽"),
        ("999.995", "1\u202f000,00\u00a0₽"),
        ("0.125", "0,12\u00a0₽"),
        ("0.135", "0,14\u00a0₽"),
        ("-321.87", "\u2212321,87\u00a0₽"),
        ("0.004", "<\u00a00,01\u00a0₽"),
        ("0.005", "<\u00a00,01\u00a0₽"),
        ("0.006", "0,01\u00a0₽"),
        ("-0.004", ">\u00a0\u22120,01\u00a0₽"),
    ],
)
def test_money_in_russian_groups_by_narrow_spaces_and_rounds_half_even(value: str, text: str) -> None:
    assert formatting.money(Decimal(value)) == text


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1234567.89", "₽1,234,567.89"),
        ("-7769.01", "\u2212₽7,769.01"),
        ("0.004", "<\u00a0₽0.01"),
        ("0", "₽0.00"),
    ],
)
def test_money_in_english_puts_the_sign_of_the_currency_first(value: str, text: str) -> None:
    assert formatting.money(Decimal(value)) == text


def test_money_in_another_currency_bears_its_symbol_or_code() -> None:
    with translation.override("ru"):
        assert formatting.money(Decimal("12.4"), "USD") == "12,40\u00a0$"
        assert formatting.money(Decimal("12.4"), "XAU") == "12,40\u00a0XAU"
    with translation.override("en"):
        assert formatting.money(Decimal("12.4"), "USD") == "$12.40"
        assert formatting.money(Decimal("12.4"), "XAU") == "XAU\u00a012.40"


@pytest.mark.usefixtures("english")
def test_missing_values_are_words_and_never_zero() -> None:
    results = [
        formatting.money(None),
        formatting.rounded_money(None),
        formatting.money_per_day(None),
        formatting.money_per_month(None),
        formatting.signed_money(None),
        formatting.percent(None),
        formatting.signed_percent(None),
        formatting.number(None),
        formatting.number_short(None),
        formatting.size_gib(None),
        formatting.memory_mib(None),
        formatting.size_bytes(None),
        formatting.short_date(None, today=TODAY),
        formatting.long_date(None, today=TODAY),
        formatting.moment(None, today=TODAY),
        formatting.ago(None, now=NOW),
        formatting.duration(None),
        formatting.period(None, TODAY),
    ]

    assert set(results) == {"no data"}


@pytest.mark.usefixtures("russian")
def test_rounded_money_keeps_kopecks_below_ten_thousand() -> None:
    assert formatting.rounded_money(Decimal("416999.50")) == "417\u202f000\u00a0₽"
    assert formatting.rounded_money(Decimal("-10000.50")) == "\u221210\u202f000\u00a0₽"
    assert formatting.rounded_money(Decimal("9999.99")) == "9\u202f999,99\u00a0₽"


@pytest.mark.usefixtures("english")
def test_money_per_period_names_the_period() -> None:
    assert formatting.money_per_day(Decimal("950")) == "₽950.00/day"
    assert formatting.money_per_month(Decimal("28500")) == "₽28,500/mo"
    assert formatting.money_per_month(Decimal("150")) == "₽150/mo"
    assert formatting.money_per_month(Decimal("150.30")) == "₽150.30/mo"
    assert formatting.money_per_month(Decimal("0")) == "₽0.00/mo"


@pytest.mark.usefixtures("russian")
def test_changes_bear_their_sign_and_zero_bears_none() -> None:
    assert formatting.signed_money(Decimal("7769.01")) == "+7\u202f769,01\u00a0₽"
    assert formatting.signed_money(Decimal("-321.87")) == "\u2212321,87\u00a0₽"
    assert formatting.signed_money(Decimal("0")) == "0,00\u00a0₽"
    assert formatting.signed_money(Decimal("0.001")) == "<\u00a0+0,01\u00a0₽"
    assert formatting.signed_percent(Decimal("1.84")) == "+1,8\u00a0%"
    assert formatting.signed_percent(Decimal("-2.14")) == "\u22122,1\u00a0%"
    assert formatting.signed_percent(Decimal("-0.04")) == "0,0\u00a0%"
    assert formatting.signed_percent(Decimal("2265.5")) == ">\u00a01\u202f000\u00a0%"


def test_percent_short_of_the_whole_never_shows_as_the_whole() -> None:
    with translation.override("ru"):
        assert formatting.percent(Decimal("99.98"), 2) == "99,98\u00a0%"
        assert formatting.percent(Decimal("99.999"), 2) == "99,99\u00a0%"
        assert formatting.percent(Decimal("100"), 2) == "100,00\u00a0%"
    with translation.override("en"):
        assert formatting.percent(Decimal("27.46")) == "27.5%"


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("32", "32\u00a0GB"),
        ("1000", "1,000\u00a0GB"),
        ("27.4", "27.4\u00a0GB"),
        ("10240", "10\u00a0TB"),
        ("0.5", "512\u00a0MB"),
        ("0", "0\u00a0GB"),
    ],
)
def test_size_is_in_gigabytes_or_terabytes(value: str, text: str) -> None:
    assert formatting.size_gib(Decimal(value)) == text


@pytest.mark.usefixtures("english")
def test_memory_and_bytes_are_shown_in_gigabytes() -> None:
    assert formatting.memory_mib(16384) == "16\u00a0GB"
    assert formatting.memory_mib(512) == "512\u00a0MB"
    assert formatting.size_bytes(29420279398) == "27.4\u00a0GB"
    assert formatting.size_bytes(1536) == "1.5\u00a0KB"


def test_dates_name_the_year_only_when_it_is_another() -> None:
    with translation.override("ru"):
        assert formatting.short_date(date(2026, 11, 20), today=TODAY) == "20\u00a0ноя"
        assert formatting.short_date(date(2025, 11, 20), today=TODAY) == "20\u00a0ноя\u00a02025"
        assert formatting.long_date(date(2026, 11, 21), today=TODAY) == "21\u00a0ноября"
        assert formatting.long_date(date(2025, 5, 1), today=TODAY) == "1\u00a0мая\u00a02025"
    with translation.override("en"):
        assert formatting.short_date(date(2026, 11, 20), today=TODAY) == "20\u00a0Nov"
        assert formatting.long_date(date(2026, 11, 21), today=TODAY) == "21\u00a0Nov"


@pytest.mark.usefixtures("russian")
def test_moment_is_told_in_the_zone_it_comes_in() -> None:
    at = datetime(2026, 11, 21, 6, 40, 12, tzinfo=UTC).astimezone(ZoneInfo("Europe/Moscow"))

    assert formatting.moment(at, today=TODAY) == "21\u00a0ноября, 09:40"
    assert formatting.exact_moment(at) == "21\u00a0ноября\u00a02026, 09:40:12 MSK"


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(hours=24), "20\u00a0Nov, 09:40"),
        (timedelta(minutes=-5), "21\u00a0Nov, 09:45"),
    ],
)
def test_ago_turns_into_the_moment_after_a_day_and_before_its_time(passed: timedelta, text: str) -> None:
    assert formatting.ago(NOW - passed, now=NOW) == text


def test_duration_counts_minutes_and_seconds() -> None:
    assert formatting.duration(timedelta(seconds=48)) == "0:48"
    assert formatting.duration(timedelta(seconds=72)) == "1:12"
    assert formatting.duration(timedelta(hours=1, minutes=2, seconds=3)) == "1:02:03"


@pytest.mark.usefixtures("russian")
@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 8, 23), date(2026, 11, 20), "23\u00a0авг\u00a0– 20\u00a0ноя\u00a02026"),
        (date(2025, 12, 23), date(2026, 1, 20), "23\u00a0дек\u00a02025\u00a0– 20\u00a0янв\u00a02026"),
        (date(2026, 11, 12), date(2026, 11, 13), "12–13\u00a0ноя\u00a02026"),
        (date(2026, 11, 12), date(2026, 11, 12), "12\u00a0ноя\u00a02026"),
    ],
)
def test_period_says_month_and_year_once_where_they_are_the_same(first: date, last: date, text: str) -> None:
    assert formatting.period(first, last) == text


@pytest.mark.parametrize(
    ("language", "expected"), [("ru", "1\u202f234,50 −0,13 0,00"), ("en", "1,234.50 −0.13 0.00")]
)
def test_many_numbers_are_written_as_one_is(language: str, expected: str) -> None:
    values = [Decimal("1234.5"), Decimal("-0.125001"), Decimal("-0.004"), None]
    with translation.override(language):
        texts = formatting.numbers(values, 2)
        assert texts == [formatting.number(value, 2) for value in values]

    assert " ".join(texts[:3]) == expected
