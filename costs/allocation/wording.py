"""Rules in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from .conditions import Operator, field_label
from .models import Dimension, Match, Measure, Method, RuleVersion


def conditions_text(version: RuleVersion) -> str:
    """“Name begins with “vps-” and Region is “ru-1””."""
    link = _(" and ") if version.match == Match.ALL else _(" or ")
    return link.join(_condition_text(condition) for condition in version.conditions)


def outcome_text(version: RuleVersion, metrics: Mapping[int, str] | None = None) -> str:
    """“Business unit: Data”, or between whom the cost is shared out."""
    if version.method == Method.DIRECT:
        return ", ".join(f"{Dimension(name).label}: {value}" for name, value in version.values.items())
    names = [str(each["name"]) for each in version.targets]
    label = Dimension(version.dimension).label
    if version.method == Method.FIXED:
        whole = sum((Decimal(each["weight"]) for each in version.targets), Decimal(0))
        parts = [
            f"{each['name']} {(Decimal(each['weight']) * 100 / whole).quantize(Decimal('0.1')).normalize():f} %"
            for each in version.targets
        ]
        return f"{label}: {', '.join(parts)}"
    if version.method == Method.EVEN:
        return _("%(dimension)s: evenly %(names)s") % {"dimension": label, "names": ", ".join(names)}
    if version.measure == Measure.UNITS and metrics:
        names = [f"{each['name']} ({metrics.get(each['metric'], '—')})" for each in version.targets]
    return _("%(dimension)s: %(names)s in proportion to %(measure)s") % {
        "dimension": label,
        "names": ", ".join(names),
        "measure": Measure(version.measure).label,
    }


def _condition_text(condition: dict[str, Any]) -> str:
    value = condition.get("value", "")
    words = [field_label(condition["field"]), str(Operator(condition["operator"]).label)]
    if condition["operator"] not in (Operator.EXISTS, Operator.MISSING):
        texts = value if isinstance(value, list) else [value]
        words.append(", ".join(f"“{text}”" for text in texts))
    return " ".join(words)
