"""What an account says of itself (`ProviderConnection.provider_metadata`), in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from common import formatting
from providers.contract.records import RatePeriod
from providers.messages import sentence

MONEY_SIGN = "₽"
"""In the label of a fact whose value is an amount."""

Facts = list[tuple[str, list[tuple[str, str]]]]
"""Headings with pairs of label and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimit:
    """One limit of an account as `_components/limit.html` shows it; `percent` is None where it cannot be read."""

    label: str
    used: str
    limit: str
    percent: Decimal | None
    reason: str

    def __str__(self) -> str:
        if self.reason:
            return self.reason
        return _("%(used)s of %(limit)s") % {"used": self.used or formatting.no_data(), "limit": self.limit}


def account_limits(metadata: Mapping[str, Any]) -> list[AccountLimit]:
    return [_limit(limit) for limit in metadata.get("limits") or []]


def account_facts(metadata: Mapping[str, Any]) -> Facts:
    return [
        (sentence(heading), [(sentence(label), _value(label, str(value))) for label, value in rows.items()])
        for heading, rows in (metadata.get("facts") or {}).items()
    ]


def account_summary(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """All of it as nested labels and values, for `common.admin.readable_json`."""
    shown: dict[str, Any] = {}
    if metadata.get("name"):
        shown[_("Name")] = metadata["name"]
    if metadata.get("total"):
        shown[_("Rate of the account")] = _rate(metadata["total"])
    limits = account_limits(metadata)
    if limits:
        shown[_("Limits")] = {limit.label: str(limit) for limit in limits}
    return shown | {heading: dict(pairs) for heading, pairs in account_facts(metadata)}


def _value(label: str, value: str) -> str:
    """Amounts are written as everywhere; what is no amount is a word, or the provider's own text."""
    if MONEY_SIGN not in label:
        return sentence(value)
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return sentence(value)
    return formatting.number(amount, places=2 if amount % 1 else 0)


def _rate(total: Mapping[str, Any]) -> str:
    amount, currency = Decimal(str(total["amount"])), str(total["currency"])
    shown = {
        RatePeriod.DAY: formatting.money_per_day,
        RatePeriod.MONTH: formatting.money_per_month,
    }.get(RatePeriod(total["period"]))
    if shown:
        return shown(amount, currency)
    return _("%(amount)s a year") % {"amount": formatting.money(amount, currency)}


def _limit(said: Mapping[str, Any]) -> AccountLimit:
    """`used` and `allowed` come as decimal texts, None for unknown and for unlimited; megabytes become sizes."""
    used, allowed = (None if said.get(key) is None else Decimal(said[key]) for key in ("used", "allowed"))
    in_megabytes = said.get("unit") == "MB"
    is_readable = bool(said.get("is_readable", True))
    return AccountLimit(
        label=sentence(said.get("name", "")),
        used=_quantity(used, in_megabytes=in_megabytes),
        limit=_("unlimited") if allowed is None else _quantity(allowed, in_megabytes=in_megabytes),
        percent=_share(used, allowed) if is_readable else None,
        reason="" if is_readable else _("no access"),
    )


def _share(used: Decimal | None, allowed: Decimal | None) -> Decimal | None:
    if used is None:
        return None
    return Decimal(0) if not allowed else used * 100 / allowed


def _quantity(value: Decimal | None, *, in_megabytes: bool) -> str:
    if value is None:
        return ""
    return formatting.memory_mib(value) if in_megabytes else formatting.number_short(value)
