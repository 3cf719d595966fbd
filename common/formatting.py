"""Numbers, money, dates and sizes as a reader sees them, in the active language (Russian or English).

Amounts come as `Decimal` and are rounded half-even here, once. Instants are aware and come already in the reader's
time zone; `now` and `today` are passed in. None becomes the translated "no data": what is missing is not zero.
Roubles are written in the reader's currency where one is set (`shown_in`); other currencies stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from django.utils.dates import MONTHS_3, MONTHS_ALT
from django.utils.translation import get_language, gettext, ngettext, pgettext

NARROW_SPACE = "\u202f"  # between thousands in Russian
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"
EN_DASH = "\u2013"

ROUBLES = "RUB"
CURRENCY_SYMBOLS = {
    "RUB": "₽",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "CNY": "¥",
    "KZT": "₸",
    "BYN": "Br",
    "UAH": "₴",
    "INR": "₹",
}
ROUNDED_FROM = Decimal(10_000)  # from here on key figures lose their kopecks
TERABYTE_FROM = Decimal(2048)  # GiB
HUGE_PERCENT = Decimal(1000)  # a change above it says only that it is huge


@dataclass(frozen=True, slots=True)
class Convention:
    """How a language writes numbers."""

    decimal_point: str
    thousands: str
    percent: str  # sign with the space that goes before it
    unit_first: bool  # the currency stands before the amount


CONVENTIONS = {
    "ru": Convention(",", NARROW_SPACE, f"{NO_BREAK_SPACE}%", unit_first=False),
    "en": Convention(".", ",", "%", unit_first=True),
}


_SEPARATORS = {
    language: str.maketrans({",": convention.thousands, ".": convention.decimal_point})
    for language, convention in CONVENTIONS.items()
}


@dataclass(frozen=True, slots=True)
class ReaderCurrency:
    """What a reader sees roubles in: one unit is `rub_per_unit` roubles, by the rate that holds from `date` on."""

    code: str
    rub_per_unit: Decimal
    date: date

    @property
    def in_roubles(self) -> str:
        """`81,2000 ₽`: what one unit is, as the Central Bank writes rates."""
        return _with_unit(number(self.rub_per_unit, 4), ROUBLES)


_reader_currency: ContextVar[ReaderCurrency | None] = ContextVar("reader_currency", default=None)


@contextmanager
def shown_in(currency: ReaderCurrency | None) -> Iterator[None]:
    """Inside, amounts in roubles are written in this currency; None writes roubles."""
    token = _reader_currency.set(currency)
    try:
        yield
    finally:
        _reader_currency.reset(token)


def as_shown(value: Decimal, currency: str = ROUBLES) -> tuple[Decimal, str]:
    """An amount and its currency as the reader sees them, unrounded."""
    chosen = _reader_currency.get()
    if chosen is None or currency != ROUBLES:
        return value, currency
    return value / chosen.rub_per_unit, chosen.code


def currency_sign() -> str:
    """`₽`, or the sign of what the reader sees roubles in: for the heads of columns."""
    _value, shown = as_shown(Decimal(0))
    return CURRENCY_SYMBOLS.get(shown, shown)


def no_data() -> str:
    return gettext("no data")


def number(value: Decimal | int | None, places: int = 0) -> str:
    """`1 234,50`: exactly `places` decimals, rounded half-even; never a minus before zero."""
    return no_data() if value is None else numbers([Decimal(value)], places)[0]


def numbers(values: Iterable[Decimal | None], places: int = 0) -> list[str]:
    """`number` of each; the language is looked up once, which a table of thousands of them feels."""
    separators, nothing = _separators(), no_data()
    return [nothing if value is None else _number(value, places, separators) for value in values]


def number_short(value: Decimal | int | None, places: int = 1) -> str:
    """As `number`, but without trailing zeros: `27,4`, `32`."""
    if value is None:
        return no_data()
    rounded = _rounded(Decimal(value), places)
    while places and rounded == _rounded(rounded, places - 1):
        places -= 1
    return number(rounded, places)


def money(value: Decimal | None, currency: str = ROUBLES) -> str:
    """Full amount with two decimals: `1 234 567,89 ₽`, `₽1,234,567.89`; below half a kopeck `< 0,01 ₽`."""
    return _money(value, currency, places=2, signed=False)


def rounded_money(value: Decimal | None, currency: str = ROUBLES) -> str:
    """Key figure: `417 000 ₽` from 10 000 up, the full amount below."""
    places = 0 if value is not None and abs(as_shown(value, currency)[0]) >= ROUNDED_FROM else 2
    return _money(value, currency, places=places, signed=False)


def signed_money(value: Decimal | None, currency: str = ROUBLES) -> str:
    """Change: `+7 769,01 ₽`, `−321,87 ₽`, `0,00 ₽`."""
    return _money(value, currency, places=2, signed=True)


def money_per_day(value: Decimal | None, currency: str = ROUBLES) -> str:
    """`950,00 ₽/день` of an amount per day."""
    return no_data() if value is None else money(value, currency) + pgettext("after an amount", "/day")


def money_per_month(value: Decimal | None, currency: str = ROUBLES) -> str:
    """`28 500 ₽/мес` of an amount per month; kopecks only where there are some and the amount is small."""
    if value is None:
        return no_data()
    shown, _currency = as_shown(value, currency)
    whole = shown == shown.to_integral_value() and shown != 0
    text = _money(value, currency, places=0, signed=False) if whole else rounded_money(value, currency)
    return text + pgettext("after an amount", "/mo")


def percent(value: Decimal | None, places: int = 1) -> str:
    """`27,5 %` of 27.5 (percentage points). A share short of the whole never shows as 100."""
    if value is None:
        return no_data()
    rounded = _rounded(value, places)
    if rounded == 100 and value < 100:
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
    return number(rounded, places) + _convention().percent


def signed_percent(value: Decimal | None, places: int = 1) -> str:
    """Change: `+1,8 %`, `−2,1 %`, `0,0 %`; beyond a thousand only `> 1 000 %`."""
    if value is None:
        return no_data()
    if value > HUGE_PERCENT:
        return f">{NO_BREAK_SPACE}{number(HUGE_PERCENT)}{_convention().percent}"
    rounded = _rounded(value, places)
    return f"{'+' if rounded > 0 else ''}{number(rounded, places)}{_convention().percent}"


def size_gib(value: Decimal | int | None) -> str:
    """Size in gibibytes as `32 ГБ`, `1 000 ГБ`, from 2048 up in terabytes of 1024: `10 ТБ`."""
    if value is None:
        return no_data()
    size = Decimal(value)
    # The units stand outside of the f-strings: inside, the extraction of texts sees them from Python 3.12 on only.
    if abs(size) >= TERABYTE_FROM:
        return number_short(size / 1024) + NO_BREAK_SPACE + gettext("TB")
    if 0 < abs(size) < 1:
        return number_short(size * 1024, 0) + NO_BREAK_SPACE + gettext("MB")
    return number_short(size) + NO_BREAK_SPACE + gettext("GB")


def memory_mib(value: Decimal | int | None) -> str:
    """Memory in mebibytes as `16 ГБ`, below one gibibyte `512 МБ`."""
    return size_gib(None if value is None else Decimal(value) / 1024)


def size_bytes(value: Decimal | int | None) -> str:
    """Size in bytes as `27,4 ГБ`, below one mebibyte in kilobytes."""
    if value is None:
        return no_data()
    size = Decimal(value)
    if size < 1024**2:
        return number_short(size / 1024) + NO_BREAK_SPACE + gettext("KB")
    return size_gib(size / 1024**3)


def short_date(day: date | None, *, today: date) -> str:
    """`21 ноя`, in another year `21 ноя 2025`."""
    if day is None:
        return no_data()
    return _short(day) if day.year == today.year else _short_with_year(day)


def long_date(day: date | None, *, today: date) -> str:
    """`21 ноября`, in another year `21 ноября 2025`; English keeps short months."""
    if day is None:
        return no_data()
    month = MONTHS_ALT[day.month] if _language() == "ru" else _month(day)
    year = "" if day.year == today.year else f"{NO_BREAK_SPACE}{day.year}"
    return f"{day.day}{NO_BREAK_SPACE}{month}{year}"


def moment(at: datetime | None, *, today: date) -> str:
    """`21 ноября, 09:40` of an instant in the reader's time zone."""
    return no_data() if at is None else f"{long_date(at.date(), today=today)}, {at:%H:%M}"


def exact_moment(at: datetime) -> str:
    """`21 ноября 2026, 09:40:12 MSK`: for titles, with the zone."""
    month = MONTHS_ALT[at.month] if _language() == "ru" else _month(at)
    return f"{at.day}{NO_BREAK_SPACE}{month}{NO_BREAK_SPACE}{at.year}, {at:%H:%M:%S} {at.tzname()}"


def ago(at: datetime | None, *, now: datetime) -> str:
    """`5 минут назад` up to 24 hours, `21 ноября, 09:40` otherwise and for what is still to come."""
    if at is None:
        return no_data()
    passed = now - at
    if passed < timedelta(0) or passed >= timedelta(hours=24):
        return moment(at, today=now.date())
    minutes = int(passed.total_seconds()) // 60
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", minutes) % {"count": minutes}
    hours = minutes // 60
    return ngettext("%(count)d hour ago", "%(count)d hours ago", hours) % {"count": hours}


def duration(passed: timedelta | None) -> str:
    """`0:48`, `1:12`, `1:02:03`: how long something took or has been going."""
    if passed is None:
        return no_data()
    seconds = max(0, int(passed.total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def period(first: date | None, last: date | None) -> str:
    """`23 авг – 20 ноя 2026`, both days included; `12–13 ноя 2026` within a month."""
    if first is None or last is None:
        return no_data()
    if first == last:
        return _short_with_year(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}{EN_DASH}{_short_with_year(last)}"
    start = _short(first) if first.year == last.year else _short_with_year(first)
    return f"{start}{NO_BREAK_SPACE}{EN_DASH} {_short_with_year(last)}"


def _money(value: Decimal | None, currency: str, *, places: int, signed: bool) -> str:
    if value is None:
        return no_data()
    value, currency = as_shown(value, currency)
    rounded = _rounded(value, places)
    if rounded == 0 and value != 0:
        return _below_a_kopeck(value, currency, signed=signed)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return sign + _with_unit(_digits(abs(rounded), places), currency)


def _below_a_kopeck(value: Decimal, currency: str, *, signed: bool) -> str:
    least = _with_unit(_digits(Decimal("0.01"), 2), currency)
    if value < 0:
        return f">{NO_BREAK_SPACE}{MINUS}{least}"
    return f"<{NO_BREAK_SPACE}{'+' if signed else ''}{least}"


def _with_unit(digits: str, currency: str) -> str:
    symbol = CURRENCY_SYMBOLS.get(currency)
    if _convention().unit_first:
        return f"{symbol}{digits}" if symbol else f"{currency}{NO_BREAK_SPACE}{digits}"
    return f"{digits}{NO_BREAK_SPACE}{symbol or currency}"


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def _number(value: Decimal, places: int, separators: Mapping[int, str]) -> str:
    text = f"{value:,.{places}f}"  # half-even, as decimals are written by default
    if text.startswith("-"):
        text = (MINUS if any(digit in text for digit in "123456789") else "") + text[1:]
    return text.translate(separators)


def _digits(value: Decimal, places: int) -> str:
    return _number(value, places, _separators())


def _separators() -> Mapping[int, str]:
    return _SEPARATORS.get(_language(), _SEPARATORS["en"])


def _short(day: date) -> str:
    return f"{day.day}{NO_BREAK_SPACE}{_month(day)}"


def _short_with_year(day: date) -> str:
    return f"{_short(day)}{NO_BREAK_SPACE}{day.year}"


def _month(day: date) -> str:
    """Month in three letters; Django's catalogue gives them in lower case, English wants a capital."""
    name = str(MONTHS_3[day.month])
    return name if _language() == "ru" else name.capitalize()


def _language() -> str:
    return (get_language() or "en").split("-")[0]


def _convention() -> Convention:
    return CONVENTIONS.get(_language(), CONVENTIONS["en"])
