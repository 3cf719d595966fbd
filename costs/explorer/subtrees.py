"""A value of the business context stands for everything below it in its tree: filters on it take that in, too.

Groups stay apart, each by its own value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import ngettext

from accounts.models import Organization
from costs.allocation.models import ContextNode
from costs.allocation.models import Dimension as BusinessDimension
from costs.explorer.filters import Filters

Below = Mapping[str, Mapping[str, tuple[str, ...]]]
"""{dimension's key: {value: all values below it}}; values with nothing below are absent."""


def values_below(organization: Organization, keys: Iterable[str]) -> Below:
    """Of those of the dimensions that have trees. One query; none without any such dimension."""
    wanted = sorted({key for key in keys if key in BusinessDimension.values})
    if not wanted:
        return {}
    nodes = ContextNode.objects.of(organization).filter(dimension__in=wanted, parent__isnull=False)
    children: dict[str, dict[str, list[str]]] = {}
    for key, parent, name in nodes.order_by("name").values_list("dimension", "parent__name", "name"):
        children.setdefault(key, {}).setdefault(parent, []).append(name)
    return {
        key: {parent: tuple(_all_below(parent, known)) for parent in known} for key, known in children.items()
    }


def whole(organization: Organization, filters: Filters) -> Filters:
    """The filters with everything that their values stand for."""
    return all_whole(organization, [filters])[0]


def all_whole(organization: Organization, scopes: Sequence[Filters]) -> list[Filters]:
    """The same of many; one query at most."""
    below = values_below(organization, {one.key for filters in scopes for one in filters.conditions})
    return [_whole(filters, below) for filters in scopes]


def alone(filters: Filters, key: str, value: str, below: Below) -> Filters:
    """The filters held to one value without what stands below it: what a group of that value counts."""
    others = below.get(key, {}).get(value, ())
    held = filters.holding(key, [value])
    if not others:
        return held
    left_out = filters.values(key, is_excluded=True)
    return held.holding(key, [*left_out, *others], is_excluded=True)


def in_words(label: str, key: str, value: str, below: Below) -> str:
    """A value's name, and how much else it stands for."""
    count = len(below.get(key, {}).get(value, ()))
    if not count:
        return label
    text = ngettext("%(name)s and %(count)d below it", "%(name)s and %(count)d below it", count)
    return text % {"name": label, "count": count}


def _whole(filters: Filters, below: Below) -> Filters:
    for one in filters.conditions:
        known = below.get(one.key, {})
        more = [name for value in one.values for name in known.get(value, ())]
        if more:
            filters = filters.holding(one.key, (*one.values, *more), is_excluded=one.is_excluded)
    return filters


def _all_below(value: str, children: Mapping[str, Sequence[str]]) -> list[str]:
    """Nearest first; each once, also where rows that nobody checked go round in a circle."""
    found = {value: None}
    waiting = [value]
    while waiting:
        for name in children.get(waiting.pop(0), ()):
            if name not in found:
                found[name] = None
                waiting.append(name)
    del found[value]
    return list(found)
