"""Anomalies in words, in the reader's language: what jumped, why, and how it stands now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from common import formatting
from costs.anomalies.causes import ENDED, NEW, PRICE, RESIZED, USE
from costs.anomalies.models import Anomaly, Level

UNITS_TOLD = ("GB", "GiB", "TB", "TiB", "MB", "MiB")
"""Units of a quantity that people read as they are; hours times sizes are not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """`detail` is what moved, from and to; `amount` roubles over the anomaly's days, of a fall below zero."""

    resource: int
    name: str
    title: str
    detail: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`rest` is what no cause explains."""

    rows: list[CauseRow]
    rest: Decimal


def title(anomaly: Anomaly) -> str:
    """What jumped: a resource's name, a service's, or the connection's."""
    if anomaly.level == Level.RESOURCE and anomaly.parts:
        return str(anomaly.parts[0]["name"])
    return anomaly.service_name or anomaly.connection.connection_name


def status(anomaly: Anomaly) -> tuple[str, str]:
    """Level of the dot, and the word. A fall alarms nobody."""
    if anomaly.is_acknowledged:
        return "off", _("Noted") if anomaly.is_fall else _("Accepted")
    if anomaly.is_fall and not anomaly.is_over:
        return "off", _("Goes on")
    if anomaly.is_settled and not anomaly.is_fall:
        return "warning", _("Has become usual")
    if anomaly.is_settled:
        return "off", _("Has become usual")
    if anomaly.is_over:
        return "off", _("Over")
    return "error", _("Goes on")


def explanation(anomaly: Anomaly) -> Explanation:
    rows = [
        CauseRow(
            resource=cause["resource"],
            name=cause["name"],
            title=_title(cause, is_fall=anomaly.is_fall),
            detail=_detail(cause),
            amount=Decimal(cause["amount"]),
        )
        for cause in anomaly.causes
    ]
    return Explanation(rows=rows, rest=anomaly.excess - sum((row.amount for row in rows), Decimal(0)))


def summary(anomaly: Anomaly) -> str:
    """The dearest cause in one line; empty where there is none."""
    rows = explanation(anomaly).rows
    if not rows:
        return ""
    return f"{rows[0].title}: {rows[0].detail}" if rows[0].detail else rows[0].title


def _title(cause: Mapping[str, Any], *, is_fall: bool) -> str:
    titles = {
        NEW: _("New resource"),
        RESIZED: _("Resized"),
        PRICE: _("Price changed"),
        USE: _("Less use") if is_fall else _("More use"),
        ENDED: _("Not charged any more, though it is still there"),
    }
    text = titles[cause["kind"]]
    return f"{text}, {cause['label']}" if cause["label"] else text


def _detail(cause: Mapping[str, Any]) -> str:
    if cause["before"] is None or cause["after"] is None:
        return ""
    before, after, unit = Decimal(cause["before"]), Decimal(cause["after"]), cause["unit"]
    if not cause["label"]:
        return f"{formatting.money_per_day(before)} → {formatting.money_per_day(after)}"
    if cause["kind"] == PRICE:
        return _("%(change)s a unit") % {"change": formatting.signed_percent((after - before) * 100 / before)}
    if unit in UNITS_TOLD:
        return _("%(before)s → %(after)s %(unit)s a day") % {
            "before": formatting.number_short(before),
            "after": formatting.number_short(after),
            "unit": unit,
        }
    return formatting.signed_percent((after - before) * 100 / before) if before else ""
