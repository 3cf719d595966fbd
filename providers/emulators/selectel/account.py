"""One Selectel account: its OpenStack, its ledger, its purse.

Beside `cloud.Cloud`: `static_token` (ends in `_<number>`), `balance` (roubles left when day 0 begins), `top_up`
(`day`, `time`, `amount`), `dedicated` servers, whose `price_month` is paid every thirty days.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.emulators.openstack.cloud import Cloud, decimal
from providers.emulators.scenario import Scenario
from providers.emulators.selectel.ledger import (
    SCALE,
    Ledger,
    complete_until,
    day_bounds,
    hour_of,
)
from providers.emulators.selectel.prices import Prices

HOURS_IN_DAY = 24
DAYS_IN_MONTH = 30
KOPECKS = 100
MICRO = Decimal("0.000001")


class Account:
    def __init__(self, values: Mapping[str, Any], prices: Prices, scenario: Scenario) -> None:
        self.values = values
        self.number = str(values["number"])
        self.cloud = Cloud(values, provider="selectel", scenario=scenario)
        self.scenario = scenario
        self.prices = prices
        self._lock = threading.Lock()
        self._books: Ledger | None = None

    @property
    def books(self) -> Ledger:
        """The ledger, made when it is first asked for."""
        with self._lock:
            if self._books is None:
                self._books = Ledger(self.cloud, self.prices)
            return self._books

    @property
    def static_token(self) -> str:
        return str(self.values.get("static_token", ""))

    @property
    def offset(self) -> timedelta:
        return self.scenario.local_zone.utcoffset(None)

    def balance(self, at: datetime) -> int:
        """Kopecks left; whole hours up to an instant are taken."""
        midnight = self.scenario.instant(0)
        left = roubles_to_kopecks(self.values.get("balance", "0"))
        left -= self.books.booked(midnight, at)
        for paid_at, amount, _ in self.payments(max(at, midnight)):
            if at < paid_at < midnight:
                left -= amount
            elif midnight <= paid_at <= at:
                left += amount
        return left

    def payments(self, until: datetime) -> list[tuple[datetime, int, Mapping[str, Any] | None]]:
        """Money in and rent of dedicated servers out (with the server), kopecks, up to an instant."""
        found: list[tuple[datetime, int, Mapping[str, Any] | None]] = [
            (
                self.scenario.instant(top_up["day"], top_up.get("time", "00:00")),
                roubles_to_kopecks(top_up["amount"]),
                None,
            )
            for top_up in self.values.get("top_up", [])
        ]
        for rented in self.cloud.described("dedicated"):
            paid_at = self.scenario.created_at(rented)
            while paid_at <= until:
                found.append((paid_at, -roubles_to_kopecks(rented["price_month"]), rented))
                paid_at += timedelta(days=DAYS_IN_MONTH)
        return sorted((each for each in found if each[0] <= until), key=lambda each: each[0])

    def hours_left(self, at: datetime) -> int | None:
        """Hours until the balance ends at the present rate; None where nothing is charged."""
        rate = sum(series.rate(hour_of(at)) for series in self.books.series())
        return max(0, self.balance(at) * SCALE // rate) if rate else None

    def ledger(self, at: datetime) -> dict[str, Any]:
        """What the account truly costs at an instant.

        `resources` has one row for each object, `components` one for each
        of its metrics: amounts in roubles, text with six places, exact and
        unrounded. `total` is a day, `monthly` thirty. `last_24_hours` is what
        was booked (roubles) for the 24 hours before `complete_until`, the end of the
        last hour that statistics show completely.
        """
        hour = hour_of(at)
        components = []
        objects: dict[tuple[str, str], dict[str, Any]] = {}
        for series in self.books.series():
            state = series.state(hour)
            if state is None:
                continue
            daily = _roubles(Decimal(series.rate(hour)) / SCALE * HOURS_IN_DAY)
            name = state.object_name or state.metric
            components.append(
                {
                    "resource_id": state.object_id,
                    "name": name,
                    "kind": state.kind,
                    "provider_key": state.provider_key,
                    "project_id": state.project_id,
                    "region": state.region,
                    "parent_id": state.parent_id,
                    "metric": state.metric,
                    "quantity": str(state.quantity),
                    "daily_cost": str(daily.quantize(MICRO)),
                }
            )
            row = objects.setdefault(
                (state.project_id, state.object_id or f"{state.metric}/{state.region}"),
                {
                    "resource_id": state.object_id,
                    "name": name,
                    "kind": state.kind,
                    "parent_name": state.parent_name,
                    "daily_cost": Decimal(),
                },
            )
            row["daily_cost"] += daily
        total = sum((row["daily_cost"] for row in objects.values()), Decimal())
        end = complete_until(at)
        return {
            "account": self.number,
            "at": at.isoformat(),
            "currency": "RUB",
            "resources": [
                {**row, "daily_cost": str(row["daily_cost"].quantize(MICRO))} for row in objects.values()
            ],
            "components": components,
            "total": str(total.quantize(MICRO)),
            "monthly": str((total * DAYS_IN_MONTH).quantize(MICRO)),
            "complete_until": end.isoformat(),
            "last_24_hours": str(
                _roubles(Decimal(self.books.booked(end - timedelta(hours=HOURS_IN_DAY), end)))
            ),
            "balance": str(_roubles(Decimal(self.balance(at)))),
            "hours_left": self.hours_left(at),
        }

    def charges(self, start: datetime, end: datetime) -> dict[str, Any]:
        """What was booked in [start, end): kopecks by row (metric of an object), by local day, and in all."""
        first, last = hour_of(start), hour_of(end)
        rows = []
        for series in self.books.series():
            state = series.last_state(first, last)
            if state is None:
                continue
            rows.append(
                {
                    "provider_key": state.provider_key,
                    "project_id": state.project_id,
                    "resource_id": state.object_id,
                    "name": state.object_name,
                    "kind": state.kind,
                    "metric": state.metric,
                    "region": state.region,
                    "hours": series.hours(first, last),
                    "quantity": str(series.quantity(first, last)),
                    "kopecks": series.booked(first, last),
                }
            )
        return {
            "account": self.number,
            "from": start.isoformat(),
            "until": end.isoformat(),
            "kopecks": sum(row["kopecks"] for row in rows),
            "days": {
                day: sum(series.booked(*hours) for series in self.books.series())
                for day, *hours in day_bounds(start, end, self.offset)
            },
            "rows": rows,
        }


def roubles_to_kopecks(roubles: Any) -> int:
    return int(decimal(roubles) * KOPECKS)


def _roubles(kopecks: Decimal) -> Decimal:
    return kopecks / KOPECKS
