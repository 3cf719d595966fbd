"""Beget's values, leniently: numbers as text, several spellings of a flag, dates without a zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from providers.contract.records import (
    Rate,
    RatePeriod,
    ResourceStatus,
)
from providers.plugins.beget.client import unexpected

CURRENCY = "RUB"
HOSTING_ZONE = ZoneInfo("Europe/Moscow")
LARGEST_AMOUNT = Decimal(10) ** 12
MIB_IN_GIB = Decimal(1024)
BYTES_IN_GIB = Decimal(1024**3)


def number(value: Any, operation: str) -> Decimal | None:
    """A number that may come as text; None where there is none. Raises UnexpectedResponse for anything else."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise unexpected("a number is missing", operation)
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise unexpected("a number is missing", operation) from None
    if not amount.is_finite() or abs(amount) > LARGEST_AMOUNT * 1_000_000:
        raise unexpected("a number is out of range", operation)
    return amount


def money(value: Any, operation: str) -> Decimal | None:
    """An amount in roubles; None where there is none."""
    amount = number(value, operation)
    if amount is not None and abs(amount) > LARGEST_AMOUNT:
        raise unexpected("an amount is out of range", operation)
    return amount


def whole(value: Any, operation: str) -> int | None:
    amount = number(value, operation)
    return None if amount is None else int(amount)


def text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def flag(value: Any) -> bool:
    """A flag in one of Beget's spellings: true, "true", 1, "1"."""
    return text(value).lower() in ("true", "1")


def identifier(item: Any, key: str, operation: str) -> str:
    """What identifies a thing; raises UnexpectedResponse where it is missing or empty."""
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise unexpected(f"{key} is missing", operation)
    return str(value)


def listed(value: Any, operation: str) -> list[Any]:
    """A list, or the empty one that an absent field means; what is in it is looked at one by one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise unexpected("no list", operation)
    return value


def listed_in(answer: Mapping[str, Any], key: str, operation: str) -> list[Any]:
    """The list `key` of a cloud answer: empty where it is left out, but null is no empty list."""
    if key in answer and answer[key] is None:
        raise unexpected("no list", operation)
    return listed(answer.get(key), operation)


def objects(value: Any, operation: str) -> list[dict[str, Any]]:
    """A list of nothing but objects."""
    items = listed(value, operation)
    if not all(isinstance(item, dict) for item in items):
        raise unexpected("no object", operation)
    return items


def texts(value: Any) -> list[str]:
    return sorted(text(item) for item in value) if isinstance(value, list) else []


def nested(item: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def cloud_instant(value: Any) -> datetime | None:
    """RFC 3339, aware UTC; without a zone it is UTC already. None where it is no date."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def hosting_instant(value: Any) -> datetime | None:
    """`YYYY-MM-DD[ HH:MM:SS]` in Moscow time as aware UTC; 0 and "" are no date."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=HOSTING_ZONE).astimezone(UTC)


def hosting_date(value: Any) -> str:
    """ISO date, "" where there is none."""
    try:
        return date.fromisoformat(text(value)[:10]).isoformat()
    except ValueError:
        return ""


def rate_of(item: Mapping[str, Any], operation: str) -> Rate | None:
    """The price of a cloud thing: `price_day` where Beget sends it, else `price_month`, else not known."""
    day = money(item.get("price_day"), operation)
    if day is not None:
        return Rate(amount=day, currency=CURRENCY, period=RatePeriod.DAY, in_account_total=True)
    month = money(item.get("price_month"), operation)
    if month is not None:
        return Rate(amount=month, currency=CURRENCY, period=RatePeriod.MONTH, in_account_total=True)
    return None


def known_rate_of(item: Mapping[str, Any], operation: str) -> Rate:
    """The price of what is never free; raises UnexpectedResponse where Beget names none."""
    rate = rate_of(item, operation)
    if rate is None:
        raise unexpected("a price is missing", operation)
    return rate


def status_of(word: str, known: Mapping[str, ResourceStatus]) -> ResourceStatus:
    return known.get(word, ResourceStatus.UNKNOWN)


def gib(mib: Decimal | int | None) -> Decimal | None:
    return None if mib is None else Decimal(mib) / MIB_IN_GIB


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what is not set, so that an absent field and its default are the same."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}
