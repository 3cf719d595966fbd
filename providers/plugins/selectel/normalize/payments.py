"""What rented servers cost: payments, spread over the time that they are for. Pure.

The bill has no rows of dedicated servers, and their list no price. A payment names the server by
`server_meta.main_resource_uuid` and is kopecks, negative for money that went out; it is for the months of the price
plan from its day on, or until the next payment comes. Source: API reference, sections 5.7 and 8.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.contract.records import ChargeCategory, ChargeRecord, Rate, RatePeriod, RunRateRecord
from providers.openstack.normalize import Malformed, nested, text

from .billing import HOUR, MOSCOW, day_start, roubles
from .words import CURRENCY, DEDICATED

SOURCE = "Selectel payments"
"""A source of its own: payments that cannot be read once must not take the bill's days with them."""

QUANTUM = Decimal("0.000001")
PLAN = re.compile(r"(\d+)\s*(month|мес)", re.IGNORECASE)
NOON = timedelta(hours=12)
LATE = timedelta(days=3)
"""A payment that comes this long after the month before it goes on from there: some months are counted as 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money for one server: `amount` roubles for the days from `start` to before `end`, midnights in Moscow."""

    server_id: str
    name: str
    amount: Decimal
    start: datetime
    end: datetime


def payments(items: Iterable[Any], plans: Mapping[str, int]) -> list[Payment]:
    """Payments for servers, oldest first; `plans` are the months that one pays for, {server: months}."""
    found: dict[str, list[tuple[datetime, Decimal, str]]] = {}
    for item in items:
        if not isinstance(item, dict):
            raise Malformed("a payment is no object")
        server_id = text(nested(item, "server_meta").get("main_resource_uuid"))
        price = item.get("price")
        if isinstance(price, bool) or not isinstance(price, int | Decimal):
            raise Malformed("a price is missing")
        if server_id and price < 0:
            paid = (day_start(_instant(item.get("created"))), -roubles(Decimal(price)), _name(item))
            found.setdefault(server_id, []).append(paid)
    return [
        Payment(server_id=server_id, name=name, amount=amount, start=start, end=end)
        for server_id in sorted(found)
        for start, amount, name, end in _spans(sorted(found[server_id]), plans.get(server_id, 1))
    ]


def months_of(plan: str) -> int:
    """How many months a price plan is paid for: "1 month", "12 months"."""
    match = PLAN.search(plan)
    return max(int(match[1]), 1) if match else 1


def charges(
    found: Iterable[Payment], *, start: datetime, end: datetime, account_id: str
) -> Iterator[ChargeRecord]:
    """A line a day from `start` to before `end`; the days of a payment add up to it."""
    for payment in found:
        days = list(_days(payment.start, payment.end))
        share = (payment.amount / len(days)).quantize(QUANTUM)
        for number, day in enumerate(days, start=1):
            if start <= day < end:
                rest = payment.amount - share * (len(days) - 1)
                yield _charge(payment, day, share if number < len(days) else rest, account_id)


def run_rates(
    found: Iterable[Payment], plans: Mapping[str, int], *, now: datetime
) -> Iterator[RunRateRecord]:
    """What the payments that are running now come to a month."""
    for payment in found:
        if payment.start <= now < payment.end:
            yield RunRateRecord(
                resource_id=payment.server_id,
                rate=Rate(
                    amount=payment.amount / plans.get(payment.server_id, 1),
                    currency=CURRENCY,
                    period=RatePeriod.MONTH,
                ),
                last_charge_start=day_start(now),
            )


def _spans(
    paid: list[tuple[datetime, Decimal, str]], months: int
) -> Iterator[tuple[datetime, Decimal, str, datetime]]:
    """Two payments on one day are one; a payment ends where the next begins."""
    merged: dict[datetime, tuple[Decimal, str]] = {}
    for start, amount, name in paid:
        known = merged.get(start, (Decimal(0), name))
        merged[start] = (known[0] + amount, known[1])
    starts = sorted(merged)
    for number, start in enumerate(starts):
        end = _months_later(start, months)
        following = starts[number + 1] if number + 1 < len(starts) else None
        if following is not None and following - end <= LATE:
            end = following
        yield start, *merged[start], end


def _months_later(moment: datetime, months: int) -> datetime:
    local = moment.astimezone(MOSCOW)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    for day in range(local.day, 27, -1):
        try:
            return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)
        except ValueError:
            continue  # the 31st of a shorter month
    return local.replace(year=year, month=month + 1).astimezone(UTC)


def _days(start: datetime, end: datetime) -> Iterator[datetime]:
    day = start
    while day < end:
        yield day
        day = day_start(day + 24 * HOUR + NOON)


def _charge(payment: Payment, day: datetime, cost: Decimal, account_id: str) -> ChargeRecord:
    end = day_start(day + 24 * HOUR + NOON)
    return ChargeRecord(
        resource_id=payment.server_id,
        resource_name=payment.name or payment.server_id,
        native_type="dedicated_server",
        service_name="Dedicated servers",
        billing_account_id=account_id,
        billed_cost=cost,
        effective_cost=cost,
        list_cost=cost,
        contracted_cost=cost,
        billing_currency=CURRENCY,
        charge_category=ChargeCategory.USAGE,
        charge_frequency="Recurring",
        charge_description=payment.name,
        charge_period_start=day,
        charge_period_end=end,
        billing_period_start=day,
        billing_period_end=end,
        provider_name=SOURCE,
        scope=DEDICATED,
    )


def _name(item: Mapping[str, Any]) -> str:
    words = nested(item, "description")
    meta = nested(nested(item, "server_meta"), "en")
    return text(meta.get("full_name")) or text(words.get("ru")) or text(words.get("en"))


def _instant(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        raise Malformed("a payment has no date") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)).astimezone(UTC)
