"""Balance, debts and what is left of it. Pure. Kopecks, and hours for the prediction (API reference, 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from common.text import gettext_noop
from providers.contract.records import AccountRecord, MonthTotal
from providers.openstack.normalize import Malformed, nested, rows, text

from .billing import roubles
from .words import CURRENCY

PURSES: Mapping[str, str] = {
    "primary": gettext_noop("Main balance, ₽"),
    "vpc": gettext_noop("Cloud platform, ₽"),
    "storage": gettext_noop("Object storage, ₽"),
    "vmware": gettext_noop("VMware, ₽"),
}


def account_record(
    body: Any, prediction: Any, *, account_id: str, name: str, facts: Mapping[str, Mapping[str, str]]
) -> AccountRecord:
    """The account as `/v3/balances` tells it; `prediction` is hours by purse, null where there is no forecast."""
    if not isinstance(body, dict) or body.get("status") != "success":
        raise Malformed("no envelope")
    data = nested(body, "data")
    settings = nested(data, "settings") or nested(body, "settings")
    billings = [each for each in rows(data.get("billings")) if isinstance(each, dict)]
    if not billings:
        raise Malformed("billings are missing")
    sums = {text(each.get("billing_type")): roubles(_kopecks(each.get("final_sum"))) for each in billings}
    shown = {
        PURSES.get(purse, purse): f"{amount:.2f}"
        for purse, amount in sums.items()
        if amount or purse == "primary"
    }
    return AccountRecord(
        account_id=account_id,
        name=name,
        balance=sum(sums.values(), Decimal(0)),
        currency=text(settings.get("currency")).upper() or CURRENCY,
        charge_days_left=days_left(prediction),
        facts={gettext_noop("Balance"): shown, **facts},
    )


def month_total(report: Any, month: date) -> MonthTotal | None:
    """What the report of a closed month comes to, by project; None while it names none (API reference, 5.8)."""
    if not isinstance(report, dict) or not isinstance(report.get("projects"), list):
        raise Malformed("projects are missing")
    if (report.get("year"), report.get("month")) != (month.year, month.month):
        raise Malformed("another month")
    projects = report["projects"]
    if not all(isinstance(each, dict) for each in projects):
        raise Malformed("a project is no object")
    if not projects:
        return None
    amount = sum((roubles(_kopecks(each.get("value"))) for each in projects), Decimal(0))
    return MonthTotal(month=month, amount=amount, currency=CURRENCY, leaves_out=("dedicated_server",))


def days_left(prediction: Any) -> int | None:
    """Whole days until the first purse is empty."""
    if not isinstance(prediction, dict):
        return None
    hours = [
        Decimal(value)
        for value in prediction.values()
        if isinstance(value, int | Decimal) and not isinstance(value, bool)
    ]
    return int((min(hours) / 24).to_integral_value(ROUND_FLOOR)) if hours else None


def _kopecks(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Malformed("a sum is missing")
    return Decimal(value)
