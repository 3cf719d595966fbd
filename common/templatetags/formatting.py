"""Filters over `common.formatting`: `{% load formatting %}`. Clock and time zone are read here, at the door."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import formatting

register = template.Library()

Amount = Decimal | int | str | None


@register.filter
def rub(value: Amount) -> str:
    """`1 234 567,89 ₽`."""
    return formatting.money(_decimal(value))


@register.filter
def rub_round(value: Amount) -> str | SafeString:
    """Key figure: `417 000 ₽` with the exact amount in the title; below 10 000 the full amount."""
    return money_round(value, "RUB")


@register.filter
def rub_per_day(value: Amount) -> str:
    """`950,00 ₽/день` of roubles a day."""
    return formatting.money_per_day(_decimal(value))


@register.filter
def rub_per_month(value: Amount) -> str:
    """`28 500 ₽/мес` of roubles a month (a day × 30, computed before)."""
    return formatting.money_per_month(_decimal(value))


@register.filter
def signed_rub(value: Amount) -> str:
    """Change: `+7 769,01 ₽`, `−321,87 ₽`."""
    return formatting.signed_money(_decimal(value))


@register.filter
def money(value: Amount, currency: str) -> str:
    """Full amount in another currency: `{{ cost|money:charge.currency }}`."""
    return formatting.money(_decimal(value), currency)


@register.filter
def money_round(value: Amount, currency: str) -> str | SafeString:
    """Key figure in a currency, the exact amount in its title where it was rounded."""
    amount = _decimal(value)
    exact, shown = formatting.money(amount, currency), formatting.rounded_money(amount, currency)
    if exact == shown:
        return shown
    return format_html('<span class="amount" title="{}">{}</span>', exact, shown)


@register.filter
def money_per_day(value: Amount, currency: str) -> str:
    return formatting.money_per_day(_decimal(value), currency)


@register.filter
def money_per_month(value: Amount, currency: str) -> str:
    return formatting.money_per_month(_decimal(value), currency)


@register.filter
def signed_money(value: Amount, currency: str) -> str:
    return formatting.signed_money(_decimal(value), currency)


@register.filter
def amount(value: Amount) -> str:
    """`1 234,50` of roubles for a column whose head has the `currency_sign`; below half a kopeck it is `< 0,01`."""
    roubles = _decimal(value)
    decimal = None if roubles is None else formatting.as_shown(roubles)[0]
    if decimal and not round(decimal, 2):
        return f"<{formatting.NO_BREAK_SPACE}{formatting.number(Decimal('0.01'), 2)}"
    return formatting.number(decimal, 2)


@register.simple_tag
def currency_sign() -> str:
    """`₽`, or what the reader sees roubles in."""
    return formatting.currency_sign()


@register.filter
def signed_amount(value: Amount) -> str:
    """A change in a column whose head names the unit: `+7 769,05`, `−321,87`, `0,00`."""
    decimal = _decimal(value)
    shown = amount(decimal)
    return f"+{shown}" if decimal is not None and round(decimal, 2) > 0 else shown


@register.filter
def decimals(value: Amount, places: int = 0) -> str:
    """A plain number with grouped thousands: `{{ count|decimals }}`, `{{ load|decimals:2 }}`."""
    return formatting.number(_decimal(value), places)


@register.filter
def percent(value: Amount) -> str:
    """`27,5 %` of 27.5."""
    return formatting.percent(_decimal(value))


@register.filter
def percent_precise(value: Amount) -> str:
    """Reconciliation: `99,98 %` of 99.98."""
    return formatting.percent(_decimal(value), places=2)


@register.filter
def percent_whole(value: Amount) -> str:
    """Use of CPU and memory: `20 %`."""
    return formatting.percent(_decimal(value), places=0)


@register.filter
def signed_percent(value: Amount) -> str:
    """Change: `+1,8 %`, `−2,1 %`."""
    return formatting.signed_percent(_decimal(value))


@register.filter
def size_gib(value: Amount) -> str:
    return formatting.size_gib(_decimal(value))


@register.filter
def memory_mib(value: Amount) -> str:
    return formatting.memory_mib(_decimal(value))


@register.filter
def size_bytes(value: Amount) -> str:
    return formatting.size_bytes(_decimal(value))


@register.filter
def short_date(value: date | datetime | None) -> str:
    """`21 ноя`, in another year `21 ноя 2025`."""
    return formatting.short_date(_day(value), today=timezone.localdate())


@register.filter
def long_date(value: date | datetime | None) -> str:
    """`21 ноября`."""
    return formatting.long_date(_day(value), today=timezone.localdate())


@register.filter
def moment(value: datetime | None) -> str | SafeString:
    """`<time>` with `21 ноября, 09:40` in the reader's time zone, the exact moment in its title."""
    if not value:
        return formatting.no_data()
    local = timezone.localtime(value)
    return _time(local, formatting.moment(local, today=timezone.localdate()))


@register.filter
def clock(value: datetime | None) -> str:
    """`09:40` in the reader's time zone."""
    return f"{timezone.localtime(value):%H:%M}" if value else formatting.no_data()


@register.filter
def ago(value: datetime | None) -> str | SafeString:
    """`<time>` with `5 минут назад` up to 24 hours, then the moment; the exact moment in its title."""
    if not value:
        return formatting.no_data()
    local = timezone.localtime(value)
    return _time(local, formatting.ago(local, now=timezone.localtime()))


@register.filter
def duration(value: timedelta | None) -> str:
    """`1:12`."""
    return formatting.duration(value)


@register.filter
def period(first: date | datetime | None, last: date | datetime | None) -> str:
    """`23 авг – 20 ноя 2026`, both days included: `{{ first|period:last }}`."""
    return formatting.period(_day(first), _day(last))


def _decimal(value: Any) -> Decimal | None:
    """The value as Decimal; None for None and for a variable the template does not know."""
    return None if value is None or value == "" else Decimal(str(value))


def _day(value: date | datetime | None) -> date | None:
    if not value:
        return None
    return timezone.localtime(value).date() if isinstance(value, datetime) else value


def _time(local: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), formatting.exact_moment(local), text
    )
