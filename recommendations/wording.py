"""Stored texts and values of recommendations, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext, gettext_lazy, pgettext

from common import formatting
from recommendations.engine.calendar import Calendar
from recommendations.engine.contract import SkipReason
from recommendations.engine.registry import rule_of
from recommendations.models import (
    CloseReason,
    DismissReason,
    EventKind,
    Recommendation,
    RecommendationEvent,
)
from recommendations.rulebook import describe

CONFIDENCE = ((Decimal("0.8"), "high"), (Decimal("0.5"), "medium"))
METRICS = {
    "cpu_percent": gettext_lazy("CPU, %"),
    "memory_percent": gettext_lazy("Memory, %"),
    "memory_mib": gettext_lazy("Memory, MiB"),
    "disk_used_gib": gettext_lazy("Disk used, GiB"),
    "disk_iops": gettext_lazy("Disk operations a second"),
    "disk_throughput": gettext_lazy("Disk, bytes a second"),
    "network_rx": gettext_lazy("Network in, bytes a second"),
    "network_tx": gettext_lazy("Network out, bytes a second"),
    "request_rate": gettext_lazy("Requests a second"),
    "read_request_rate": gettext_lazy("Read requests a second"),
    "connections": gettext_lazy("Open connections"),
    "cpu_steal_percent": gettext_lazy("CPU time stolen by neighbours, %"),
    "swap_in": gettext_lazy("Memory swapped in"),
}
MATCHED, NOT_MATCHED = "matched", "not_matched"
WHOLE_NUMBER = re.compile(r"%\((\w+)\)d")
"""A count's place in a message; what stands there is in words already, with its thousands parted."""


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


def text(stored: Mapping[str, Any] | None) -> str:
    """A stored `engine.contract.Text`; empty where there is none."""
    if not stored or not stored.get("message"):
        return ""
    values = {name: value(each) for name, each in stored.get("params", {}).items()}
    message = gettext(stored["message"])
    return WHOLE_NUMBER.sub(r"%(\1)s", message) % values if values else message


def value(stored: Any) -> str:
    """A stored value as `engine.contract.money`, `percent`, `number`, `day`, `series`, `term` or `weekly` made it."""
    if isinstance(stored, Mapping):
        return _typed(stored)
    if isinstance(stored, int):
        return formatting.number(stored)
    return str(stored)


def _typed(stored: Mapping[str, Any]) -> str:
    kind, raw = stored.get("kind"), str(stored.get("value", ""))
    if kind == "day":
        day = date.fromisoformat(raw)
        return formatting.long_date(day, today=day)
    if kind == "term":
        return gettext(raw)
    if kind == "series":
        return metric(raw)
    if kind == "weekly":
        return weekly(Calendar.of_text(raw))
    try:
        amount = Decimal(raw)
    except InvalidOperation:
        return raw
    if kind == "money":
        return formatting.money(amount, stored.get("currency", "RUB"))
    if kind == "percent":
        return formatting.percent(amount)
    unit = stored.get("unit", "")
    shown = formatting.number_short(amount, 2)
    return f"{shown} {gettext(unit)}" if unit else shown


def weekly(calendar: Calendar) -> str:
    """`Mon–Fri 9:00–18:00`, `never` for one that does not run at all."""
    parts = []
    for first, last, hours in calendar.compact():
        days = str(WEEKDAYS_ABBR[first])
        if last != first:
            days += f"–{WEEKDAYS_ABBR[last]}"
        parts.append(f"{days} {', '.join(f'{start}:00–{end}:00' for start, end in hours)}")
    return "; ".join(parts) or gettext("never")


def texts(stored: Iterable[Mapping[str, Any]]) -> list[str]:
    return [text(each) for each in stored]


def metric(name: str) -> str:
    """A series in words."""
    return str(METRICS.get(name, name))


def summary(row: Recommendation) -> str:
    return text(row.summary)


def facts(row: Recommendation) -> list[Fact]:
    return [Fact(gettext(label), value(each)) for label, each in row.facts]


def rule_title(rule_id: str) -> str:
    """A rule that is gone is told by its id."""
    rule = rule_of(rule_id)
    return str(rule.title) if rule is not None else rule_id


def rule_description(rule_id: str, options: Mapping[str, Any]) -> str:
    rule = rule_of(rule_id)
    return describe(rule, options) if rule is not None else ""


def confidence_level(confidence: Decimal) -> str:
    """`high`, `medium` or `low`."""
    return next((word for least, word in CONFIDENCE if confidence >= least), "low")


def confidence(row: Recommendation) -> str:
    """`high, 85 %`."""
    words = {
        "high": pgettext("confidence", "high"),
        "medium": pgettext("confidence", "medium"),
        "low": pgettext("confidence", "low"),
    }
    share = formatting.percent(row.confidence * 100, 0)
    return f"{words[confidence_level(row.confidence)]}, {share}"


def outcome(word: str) -> str:
    """What an evaluation said, as a sentence's end: found, does not hold, or why the rule was not asked."""
    if word == MATCHED:
        return gettext("found")
    if word == NOT_MATCHED:
        return gettext("does not hold")
    return str(SkipReason(word).label) if word in SkipReason.values else word


def event(row: RecommendationEvent) -> str:
    """What happened, with the event's own value where it has one."""
    label = str(EventKind(row.kind).label)
    data = row.data
    if row.kind == EventKind.SNOOZED and "until" in data:
        day = date.fromisoformat(data["until"])
        return gettext("Put off until %(day)s") % {"day": formatting.long_date(day, today=day)}
    if row.kind == EventKind.DISMISSED and data.get("reason") in DismissReason.values:
        return f"{label}: {DismissReason(data['reason']).label}"
    if row.kind == EventKind.CLOSED and data.get("reason") in CloseReason.values:
        return f"{label}: {CloseReason(data['reason']).label}"
    if row.kind == EventKind.ASSIGNED:
        return (
            gettext("Assigned to %(name)s") % {"name": data["to"]}
            if data.get("to")
            else gettext("Assigned to nobody")
        )
    if "saving" in data:
        amount = formatting.money_per_month(Decimal(data["saving"]), data.get("currency", "RUB"))
        return f"{label}, {amount}"
    return label
