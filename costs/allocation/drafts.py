"""What a rule is to say, before it is written; and what can be wrong about rules and trees. Pure.

AllocationError
├── InvalidRule     what the rule says cannot be done; the message is a sentence for people
├── NameTaken       the dimension has a node of that name
├── NodeInUse       others stand below the node, or rules and people give it to resources
└── WrongPlace      a node would stand below itself, or in another tree
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from .conditions import VALUELESS, InvalidCondition, parse
from .models import Dimension, Match, Measure, Method

NAME_LIMIT = 100
TARGETS_LIMIT = 20


class AllocationError(Exception):
    """A rule of the house forbids it."""


class InvalidRule(AllocationError):
    pass


class NameTaken(AllocationError):
    pass


class NodeInUse(AllocationError):
    pass


class WrongPlace(AllocationError):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a rule is to say; the columns of `RuleVersion`, and the rule's name."""

    name: str
    conditions: Sequence[Mapping[str, Any]]
    match: str = Match.ALL
    method: str = Method.DIRECT
    values: Mapping[str, str] = field(default_factory=dict)
    dimension: str = ""
    targets: Sequence[Mapping[str, Any]] = ()
    measure: str = ""

    def content(self) -> dict[str, Any]:
        """The columns, checked and tidied. Raises InvalidRule."""
        if not self.name.strip():
            raise InvalidRule(_("A rule needs a name."))
        if self.match not in Match.values or self.method not in Method.values:
            raise InvalidRule(
                _("A rule has a method, and says whether all or any of its conditions must hold.")
            )
        try:
            parse(self.conditions)
        except InvalidCondition as error:
            raise InvalidRule(str(error)) from error
        said: dict[str, Any] = {"values": {}, "dimension": "", "targets": [], "measure": ""}
        if self.method == Method.DIRECT:
            said["values"] = self._checked_values()
        else:
            said["dimension"], said["targets"] = self._checked_targets()
            if self.method == Method.PROPORTIONAL:
                if self.measure not in Measure.values:
                    raise InvalidRule(_("Say in proportion to what the cost is shared out."))
                said["measure"] = self.measure
        conditions = [
            {
                "field": each["field"],
                "operator": each["operator"],
                "value": "" if each["operator"] in VALUELESS else each["value"],
            }
            for each in self.conditions
        ]
        return {"match": self.match, "method": self.method, "conditions": conditions, **said}

    def _checked_values(self) -> dict[str, str]:
        values = {name: value.strip() for name, value in self.values.items() if value.strip()}
        if not values or not values.keys() <= set(Dimension.values):
            raise InvalidRule(_("Say which value the resources get."))
        if any(len(value) > NAME_LIMIT for value in values.values()):
            raise InvalidRule(_("A value has %(limit)d letters at most.") % {"limit": NAME_LIMIT})
        return values

    def _checked_targets(self) -> tuple[str, list[dict[str, Any]]]:
        if self.dimension not in Dimension.values:
            raise InvalidRule(_("Say in which dimension the cost is shared out."))
        names = [each.get("name", "").strip() for each in self.targets]
        if len(names) < 2 or not all(names) or len(set(names)) < len(names) or len(names) > TARGETS_LIMIT:
            raise InvalidRule(
                _("A cost is shared out to 2 to %(limit)d different names.") % {"limit": TARGETS_LIMIT}
            )
        if any(len(name) > NAME_LIMIT for name in names):
            raise InvalidRule(_("A value has %(limit)d letters at most.") % {"limit": NAME_LIMIT})
        return self.dimension, [
            {"name": name, **self._part(each)} for name, each in zip(names, self.targets, strict=True)
        ]

    def _part(self, target: Mapping[str, Any]) -> dict[str, Any]:
        if self.method == Method.FIXED:
            return {"weight": str(_weight(str(target.get("weight", "")).strip()))}
        if self.method == Method.PROPORTIONAL and self.measure == Measure.UNITS:
            if not isinstance(target.get("metric"), int):
                raise InvalidRule(_("Say for each name which unit metric counts for it."))
            return {"metric": target["metric"]}
        return {}


def _weight(text: str) -> Decimal:
    try:
        weight = Decimal(text.replace(",", ".").removesuffix("%").strip())
    except InvalidOperation:
        weight = Decimal(0)
    if not weight.is_finite() or not 0 < weight <= 1_000_000 or weight != round(weight, 6):
        raise InvalidRule(_("A fixed part is a number above zero, like 60 or 0.5."))
    return weight
