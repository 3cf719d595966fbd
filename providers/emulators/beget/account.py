"""One emulated Beget account: what it holds at an instant and what that costs.

Fields of the scenario, all money in roubles:

- `login`, `api_password`, `account_password`, `two_factor_code` (sign-in asks for it), `api_enabled`,
  `disabled_sections` (hosting sections that are not ticked), `omit_defaults` (leave fields with default
  values out of cloud answers), `rate_limit_per_minute` (hosting; 0 is none), `balance` (at day 0),
  `plan_price_day`;
- lists `vps`, `snapshot`, `image`, `vps_backup`, `additional_ip`, `network`, `ssh_key`, `service`,
  `database_backup`, `project` (cloud), `domain`, `site`, `mysql`, `ftp`, `mailbox`, `file_backup`,
  `mysql_backup`, `cron` (hosting), `top_up`; `hosting` is the table behind getAccountInfo.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.emulators.scenario import Scenario, expand

DAYS_IN_MONTH = 30
DAYS_IN_YEAR = 365
HISTORY_DAYS = 90
MICRO = Decimal("0.000001")
CLOUD_LISTS = (
    "vps",
    "snapshot",
    "image",
    "vps_backup",
    "additional_ip",
    "network",
    "ssh_key",
    "service",
    "database_backup",
    "project",
)
HOSTING_LISTS = (
    "domain",
    "site",
    "mysql",
    "ftp",
    "mailbox",
    "file_backup",
    "mysql_backup",
    "cron",
)


class Account:
    """One login and everything under it."""

    def __init__(self, values: Mapping[str, Any], *, number: int, scenario: Scenario) -> None:
        self.values = values
        self.number = number
        self.scenario = scenario
        self.login: str = values["login"]
        self._things = {name: expand(values.get(name, [])) for name in CLOUD_LISTS + HOSTING_LISTS}
        for name, things in self._things.items():
            for position, thing in enumerate(things, start=1):
                thing["position"] = position
                thing.setdefault("id", self._identity(name, thing))
        self._day_rates: dict[int, Decimal] = {}

    def _identity(self, kind: str, thing: Mapping[str, Any]) -> str | int:
        if kind in ("vps", "service", "project"):
            return self.uuid(kind, thing["name"])
        return self.number * 100_000 + (len(kind) * 1_000) + int(thing["position"])

    def uuid(self, kind: str, name: str) -> str:
        """A stable identifier for a thing of this account."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"emulator/beget/{self.login}/{kind}/{name}"))

    def standing(self, kind: str, at: datetime) -> list[dict[str, Any]]:
        """Things of a kind that exist at an instant, as they are then."""
        return self.scenario.standing(self._things[kind], at)

    def described(self, kind: str) -> list[dict[str, Any]]:
        """Things of a kind as the scenario describes them, whenever they exist."""
        return self._things[kind]

    def vps_named(self, name: str, at: datetime) -> dict[str, Any] | None:
        return next((vps for vps in self.standing("vps", at) if vps["name"] == name), None)

    def vps_id(self, name: str) -> str:
        """The identifier of a VPS by name, also of one that is gone; empty for no name."""
        if not name:
            return ""
        known = next((vps for vps in self._things["vps"] if vps["name"] == name), None)
        return str(known["id"]) if known else self.uuid("vps", name)

    def bucket(self, service: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        """Use and rates of an S3 service: GB and roubles a month per GB.

        Storage grows linearly from `storage_gb_at_start` to `storage_gb` on
        day 0; traffic has a daily noise that is nothing from day 0 on.
        """
        day = self.scenario.day(at)
        storage = int(service["storage_gb"])
        start = int(service.get("storage_gb_at_start", storage))
        if day < 0:
            storage = start + (storage - start) * max(0, HISTORY_DAYS + day) // HISTORY_DAYS
        traffic = int(service.get("traffic_gb", 0))
        noise = int(service.get("traffic_noise_gb", 0))
        if day < 0 and noise:
            traffic += noise_between(-noise, noise, self.login, service["name"], day)
        return {
            "name": service["name"],
            "display_name": service["name"],
            "storage_size": storage,
            "storage_rate": money(service["storage_rate"]),
            "traffic_amount": traffic,
            "traffic_rate": money(service["traffic_rate"]),
        }

    def ledger(self, at: datetime) -> dict[str, Any]:
        """What the account truly costs at an instant.

        `resources` has one row for each thing that costs something; amounts
        are roubles a day as text with six places. `priced_by` says where the
        API shows the price: `price_day`, `usage` (amount x rate), `billing`
        (licence), `remainder` (only in the account's rate) or `list_price`
        (domains, a yearly price on top of the rate). `rate` is
        `user_rate_current`, `total` is the sum of all rows.
        """
        rows = self._rows(at)
        rate = sum((row["daily_cost"] for row in rows if row["priced_by"] != "list_price"), Decimal())
        total = sum((row["daily_cost"] for row in rows), Decimal())
        remainder = sum((row["daily_cost"] for row in rows if row["priced_by"] == "remainder"), Decimal())
        return {
            "account": self.login,
            "at": at.isoformat(),
            "currency": "RUB",
            "resources": [{**row, "daily_cost": _text(row["daily_cost"])} for row in rows],
            "rate": _text(rate),
            "remainder": _text(remainder),
            "total": _text(total),
            "balance": str(self.balance(at)),
            "days_to_block": self.days_to_block(at),
        }

    def rate(self, at: datetime) -> Decimal:
        """Roubles a day of the whole account (`user_rate_current`), domains apart."""
        return sum(
            (row["daily_cost"] for row in self._rows(at) if row["priced_by"] != "list_price"), Decimal()
        )

    def balance(self, at: datetime) -> Decimal:
        """Roubles left. The day's rate is taken at local midnight; `balance` is what is left on day 0."""
        day = self.scenario.day(at)
        balance = money(self.values.get("balance", "0"))
        for earlier in range(day + 1, 1):
            balance += self._day_rate(earlier)
        for later in range(1, day + 1):
            balance -= self._day_rate(later)
        for top_up in self.values.get("top_up", []):
            made_at = self.scenario.instant(top_up["day"], top_up.get("time", "00:00"))
            if top_up["day"] <= 0 and made_at > at:
                balance -= money(top_up["amount"])
            elif top_up["day"] > 0 and made_at <= at:
                balance += money(top_up["amount"])
        return balance.quantize(Decimal("0.01"))

    def days_to_block(self, at: datetime) -> int:
        rate = self.rate(at)
        return max(0, int(self.balance(at) // rate)) if rate else 0

    def _day_rate(self, day: int) -> Decimal:
        if day not in self._day_rates:
            self._day_rates[day] = self.rate(self.scenario.instant(day))
        return self._day_rates[day]

    def _rows(self, at: datetime) -> list[dict[str, Any]]:
        return [
            *self._server_rows(at),
            *(
                _row(each["id"], each["description"], "snapshot", per_day(each["price_month"]), "price_day")
                for each in self.standing("snapshot", at)
            ),
            *(
                _row(each["id"], each["name"], "image", money(each["price_day"]), "price_day")
                for each in self.standing("image", at)
            ),
            *(self._service_row(each, at) for each in self.standing("service", at)),
            *self._unpriced_rows(at),
            *(
                _row(f"domain:{each['id']}", each["name"], "domain", per_year_day(each), "list_price")
                for each in self.standing("domain", at)
                if "price_renew" in each
            ),
        ]

    def _server_rows(self, at: datetime) -> Iterator[dict[str, Any]]:
        for vps in self.standing("vps", at):
            yield _row(vps["id"], vps["name"], "server", per_day(vps["price_month"]), "price_day")
            licence = vps.get("software", {}).get("licence")
            if licence:
                cost = per_day(licence["price_month"])
                yield _row(f"{vps['id']}:{licence['id']}", licence["name"], "licence", cost, "billing")

    def _unpriced_rows(self, at: datetime) -> Iterator[dict[str, Any]]:
        """What only the account's rate contains: addresses and the plan itself."""
        for address in self.standing("additional_ip", at):
            if "price_day" in address:
                cost = money(address["price_day"])
                yield _row(address["ip"], address["name"], "floating_ip", cost, "remainder")
        plan = money(self.values.get("plan_price_day", "0"))
        if plan:
            yield _row(f"account:{self.login}", self.login, "account_plan", plan, "remainder")

    def _service_row(self, service: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        if service["type"] == "S_3":
            bucket = self.bucket(service, at)
            monthly = (
                bucket["storage_size"] * bucket["storage_rate"]
                + bucket["traffic_amount"] * bucket["traffic_rate"]
            )
            return _row(service["id"], service["name"], "s3_bucket", per_day(monthly), "usage")
        if service["type"] == "CDN":
            monthly = int(service["traffic_gb"]) * money(service["traffic_rate"])
            return _row(service["id"], service["name"], "cdn", per_day(monthly), "usage")
        return _row(service["id"], service["name"], "database", per_day(service["price_month"]), "price_day")


def money(value: Any) -> Decimal:
    return Decimal(str(value))


def per_day(monthly: Any) -> Decimal:
    """A thirtieth of a month's price, with the six places the API shows."""
    return (money(monthly) / DAYS_IN_MONTH).quantize(MICRO)


def per_year_day(domain: Mapping[str, Any]) -> Decimal:
    """A day of a domain's yearly price."""
    return (money(domain["price_renew"]) / DAYS_IN_YEAR).quantize(MICRO)


def noise(*parts: object) -> float:
    """A number in [0, 1) that is always the same for the same parts."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def noise_between(low: int, high: int, *parts: object) -> int:
    return low + int(noise(*parts) * (high - low + 1))


def local_text(account: Account, at: datetime) -> str:
    """Local time with its offset, as the cloud API writes dates of creation."""
    return account.scenario.local(at).isoformat(timespec="seconds")


def hosting_text(account: Account, at: datetime) -> str:
    """Local time without an offset, as the hosting API writes it."""
    return account.scenario.local(at).strftime("%Y-%m-%d %H:%M:%S")


def date_text(account: Account, at: datetime, *, days: int = 0) -> str:
    return (account.scenario.local(at) + timedelta(days=days)).strftime("%Y-%m-%d")


def _row(resource_id: Any, name: str, kind: str, daily_cost: Decimal, priced_by: str) -> dict[str, Any]:
    return {
        "resource_id": str(resource_id),
        "name": name,
        "kind": kind,
        "daily_cost": daily_cost,
        "priced_by": priced_by,
    }


def _text(amount: Decimal) -> str:
    return str(amount.quantize(MICRO))
