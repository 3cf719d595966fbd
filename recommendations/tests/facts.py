"""Facts for tests of rules: a server with everything known, and what to change of it. No database.

`NOW` is Thursday 2026-10-01 09:00 in Moscow; series and costs end with the day before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from recommendations.engine.contract import Answer, Options, Rule
from recommendations.engine.evaluation import evaluate_connection, evaluate_resources
from recommendations.engine.facts import ConnectionFacts, ResourceFacts
from recommendations.engine.pricing import Offer, PriceBook
from recommendations.engine.usage import Series

ZONE = ZoneInfo("Europe/Moscow")
TODAY = date(2026, 10, 1)
NOW = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 9, 30, 21, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
YESTERDAY = TODAY - timedelta(days=1)
_pks = iter(range(1, 10**9))


def connection(**changes: Any) -> ConnectionFacts:
    values: dict[str, Any] = {
        "pk": 1,
        "name": "Cloud",
        "provider_type": "cloud",
        "provider_name": "Cloud",
        "now": NOW,
        "today": TODAY,
        "zone": ZONE,
        "observed_at": NOW - timedelta(hours=1),
        "bills_lines": True,
        "prices": PriceBook(),
    }
    return ConnectionFacts(**(values | changes))


def resource(resource_type: str = "server", **changes: Any) -> ResourceFacts:
    """Running, old, read completely, 100 a day over the last 120 days, without measurements.

    `day_cost`: another cost a day. `cost_days_count`: how many days of it are known.
    """
    pk = changes.pop("pk", None) or next(_pks)
    day_cost = Decimal(str(changes.pop("day_cost", 100)))
    known = changes.pop("cost_days_count", 120)
    first = YESTERDAY - timedelta(days=known - 1)
    values: dict[str, Any] = {
        "pk": pk,
        "connection": changes.pop("connection", None) or connection(),
        "resource_id": f"id-{pk}",
        "native_type": resource_type,
        "resource_type": resource_type,
        "name": f"{resource_type}-{pk}",
        "status": "running",
        "status_since": LONG_AGO,
        "first_seen_at": LONG_AGO,
        "history_since": LONG_AGO,
        "daily_rate": day_cost,
        "daily_costs": {first + timedelta(days=n): day_cost for n in range(known)},
        "cost_days": (first, YESTERDAY) if known else None,
        "last_charge_at": NOW - timedelta(hours=2),
    }
    return ResourceFacts(**(values | changes))


def server(**changes: Any) -> ResourceFacts:
    values = {"vcpus": Decimal(4), "memory_mib": 8192, "storage_gib": Decimal(100), "region_id": "ru-1"}
    return resource("server", **(values | changes))


def hourly(
    value: float | Callable[[datetime], float], *, days: int = 35, peak: float | None = None
) -> Series:
    """Hours of the last `days` days; `value` may be a function of the local instant; `peak` is every hour's maximum."""
    points = []
    for n in range(days * 24, 0, -1):
        at = MIDNIGHT - timedelta(hours=n)
        average = value(at.astimezone(ZONE)) if callable(value) else value
        points.append((at, float(average), float(average if peak is None else peak)))
    return Series(points, MIDNIGHT)


def offer(**changes: Any) -> Offer:
    values: dict[str, Any] = {
        "provider_type": "cloud",
        "sku_id": f"sku-{next(_pks)}",
        "resource_type": "server",
        "name": "offer",
        "monthly": Decimal(1000),
        "currency": "RUB",
        "read_at": NOW - timedelta(days=1),
    }
    return Offer(**(values | changes))


def prices(*offers: Offer) -> PriceBook:
    return PriceBook(offers)


def options_of(rule: type[Rule], **given: Any) -> Options:
    return Options(rule.declared(), given)


def ask(rule: type[Rule], facts: ResourceFacts, **given: Any) -> Answer:
    """What the engine, guards and all, makes of the rule's answer about one resource."""
    outcomes = list(
        evaluate_resources([rule], [facts], lambda kind, _f: options_of(kind, **given), lambda _r, _f: False)
    )
    assert len(outcomes) == 1, "the rule does not apply to this type"
    return outcomes[0].answer


def ask_together(rule: type[Rule], facts: Iterable[ResourceFacts], **given: Any) -> dict[str, Answer]:
    """{subject, or "resource:pk" of what a guard kept: answer} of a rule that looks at a connection."""
    outcomes = evaluate_connection(
        [rule], list(facts), lambda kind, _f: options_of(kind, **given), lambda _r, _f: False
    )
    return {each.subject or f"resource:{each.resource_pk}": each.answer for each in outcomes}
