"""Conditions of allocation rules: what they may ask of a resource, and whether it is so. Pure.

A condition is `{"field": …, "operator": …, "value": …}`. Fields are `FIELDS`, the six business fields, and `tag:KEY`;
texts are compared without regard to case. Of `in` the value is a list, of `exists` and `missing` it is not looked at.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs.models import CostDimensions

REGEX_SECONDS = 0.05
"""One search of one text may take this long; a pattern that needs longer does not match."""

CONDITIONS_LIMIT = 20
VALUE_LIMIT = 500
TAG = "tag:"

FIELDS: dict[str, Any] = {
    "name": gettext_lazy("Name"),
    "provider_type": gettext_lazy("Provider"),
    "connection": gettext_lazy("Connection"),
    "resource_type": gettext_lazy("Type"),
    "native_type": gettext_lazy("Provider's type"),
    "service_name": gettext_lazy("Service"),
    "region_id": gettext_lazy("Region"),
    "sub_account": gettext_lazy("Provider's project"),
    "status": gettext_lazy("Status"),
}


class Operator(models.TextChoices):
    EQUALS = "equals", gettext_lazy("is")
    IN = "in", gettext_lazy("is one of")
    CONTAINS = "contains", gettext_lazy("contains")
    STARTS = "starts", gettext_lazy("begins with")
    ENDS = "ends", gettext_lazy("ends with")
    GLOB = "glob", gettext_lazy("looks like (*, ?)")
    REGEX = "regex", gettext_lazy("matches the regular expression")
    EXISTS = "exists", gettext_lazy("is filled in")
    MISSING = "missing", gettext_lazy("is empty")


VALUELESS = frozenset({Operator.EXISTS, Operator.MISSING})


class InvalidCondition(ValueError):
    """A condition that says nothing a resource could be asked; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, checked: `holds` asks it of a field's text, `None` where the resource has no such tag."""

    field: str
    operator: str
    holds: Callable[[str | None], bool]


def parse(conditions: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Raises InvalidCondition."""
    if not conditions:
        raise InvalidCondition(_("A rule needs a condition; without one it would take everything."))
    if len(conditions) > CONDITIONS_LIMIT:
        raise InvalidCondition(_("A rule has %(count)d conditions at most.") % {"count": CONDITIONS_LIMIT})
    return tuple(_parsed(each) for each in conditions)


def field_label(field: str) -> str:
    """The field in words."""
    if field.startswith(TAG):
        return _("Tag “%(key)s”") % {"key": field.removeprefix(TAG)}
    if field in FIELDS:
        return str(FIELDS[field])
    return str(CostDimensions._meta.get_field(field).verbose_name).capitalize()  # type: ignore[union-attr]


def _parsed(condition: Mapping[str, Any]) -> Condition:
    if not isinstance(condition, Mapping):
        raise InvalidCondition(_("A condition has a field, an operator and a value."))
    field, operator, value = (condition.get(name, "") for name in ("field", "operator", "value"))
    known = (isinstance(field, str) and (field in FIELDS or field in CostDimensions.BUSINESS_FIELDS)) or (
        isinstance(field, str) and len(field) > len(TAG) and field.startswith(TAG)
    )
    if not known:
        raise InvalidCondition(_("Resources have no field “%(field)s”.") % {"field": str(field)[:100]})
    if operator not in Operator.values:
        raise InvalidCondition(_("There is no operator “%(name)s”.") % {"name": str(operator)[:40]})
    if operator == Operator.EXISTS:
        return Condition(field, operator, bool)
    if operator == Operator.MISSING:
        return Condition(field, operator, lambda text: not text)
    if operator == Operator.IN:
        return Condition(field, operator, _is_one_of(value))
    if not isinstance(value, str) or not value.strip() or len(value) > VALUE_LIMIT or "\0" in value:
        raise InvalidCondition(
            _("“%(field)s” is compared with a text of 1 to %(limit)d letters.")
            % {"field": field_label(field), "limit": VALUE_LIMIT}
        )
    return Condition(field, operator, _comparison(operator, value.strip()))


def _is_one_of(value: Any) -> Callable[[str | None], bool]:
    items = value if isinstance(value, list) else []
    wanted = {item.strip().casefold() for item in items if isinstance(item, str) and item.strip()}
    if not wanted or len(items) > VALUE_LIMIT or any("\0" in str(item) for item in items):
        raise InvalidCondition(_("“is one of” needs a list of values."))
    return lambda text: text is not None and text.casefold() in wanted


def _comparison(operator: str, value: str) -> Callable[[str | None], bool]:
    wanted = value.casefold()
    if operator == Operator.EQUALS:
        return lambda text: text is not None and text.casefold() == wanted
    if operator == Operator.CONTAINS:
        return lambda text: text is not None and wanted in text.casefold()
    if operator == Operator.STARTS:
        return lambda text: text is not None and text.casefold().startswith(wanted)
    if operator == Operator.ENDS:
        return lambda text: text is not None and text.casefold().endswith(wanted)
    if operator == Operator.GLOB:  # what a glob becomes does not run wild, and needs no limit
        looks_like = re.compile(fnmatch.translate(value), re.IGNORECASE).match
        return lambda text: text is not None and looks_like(text) is not None
    return _search(_compiled(value))


def _search(pattern: Any) -> Callable[[str | None], bool]:
    def holds(text: str | None) -> bool:
        try:
            return text is not None and pattern.search(text, timeout=REGEX_SECONDS) is not None
        except TimeoutError:
            return False

    return holds


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, RecursionError, OverflowError) as error:
        raise InvalidCondition(
            _("“%(pattern)s” is no regular expression: %(error)s.")
            % {"pattern": pattern[:100], "error": str(error)[:200]}
        ) from error
