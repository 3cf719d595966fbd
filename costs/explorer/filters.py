"""Which costs a view, a budget or a report is about: conditions that combine, as they stand in a URL.

    connection=3&connection=4      one of these
    not.type=server                none of these
    environment=~                  without a value
    tag.team=web                   a tag; a person's comes before the provider's
    name=prod                      text in the resource's name

Different dimensions must all hold. `Filters` is the scope that everything else of the house shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, TypeVar

from django.db.models import CharField, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from costs.explorer.dimensions import BY_KEY, Dimension, dimension
from inventory.models import TagSource

NONE_VALUE = "~"
"""How a URL writes "without a value"."""
NOT_PREFIX = "not."
NAME = "name"
VALUE_LENGTH = 300
VALUES_LIMIT = 200
NUMBER_DIGITS = 18
NUMBERS = frozenset({"connection", "resource"})
"""Dimensions whose values are ids."""

Params = Mapping[str, Sequence[str]]
Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True, slots=True)
class Condition:
    """`values` of one dimension that are kept, or left out; "" is the group without a value."""

    key: str
    values: tuple[str, ...]
    is_excluded: bool = False

    @property
    def parameter(self) -> str:
        return f"{NOT_PREFIX if self.is_excluded else ''}{self.key}"


@dataclass(frozen=True, slots=True)
class Filters:
    """Sorted conditions, at most one to keep and one to leave out for a dimension; `name` is text in a resource's name."""

    conditions: tuple[Condition, ...] = ()
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.conditions or self.name)

    @property
    def needs_facts(self) -> bool:
        """Whether totals cannot answer: something is asked that only resources have."""
        return bool(self.name) or any(_known(one.key).needs_facts for one in self.conditions)

    @property
    def has_run_rate(self) -> bool:
        """Whether the run rate knows everything that is asked."""
        return all(_known(one.key).tag_key or _known(one.key).state_column for one in self.conditions)

    def params(self) -> list[tuple[str, str]]:
        """The canonical parameters of a URL."""
        listed = [(one.parameter, value or NONE_VALUE) for one in self.conditions for value in one.values]
        return [*listed, *([(NAME, self.name)] if self.name else [])]

    def values(self, key: str, *, is_excluded: bool = False) -> tuple[str, ...]:
        return next(
            (one.values for one in self.conditions if (one.key, one.is_excluded) == (key, is_excluded)), ()
        )

    def adding(self, key: str, value: str, *, is_excluded: bool = False) -> Filters:
        """The same with one value more."""
        return self.holding(key, {*self.values(key, is_excluded=is_excluded), value}, is_excluded=is_excluded)

    def removing(self, key: str, value: str, *, is_excluded: bool = False) -> Filters:
        """The same with one value less."""
        left = set(self.values(key, is_excluded=is_excluded)) - {value}
        return self.holding(key, left, is_excluded=is_excluded)

    def holding(self, key: str, values: Iterable[str], *, is_excluded: bool = False) -> Filters:
        """The same with exactly these values of a dimension; none drops its condition."""
        others = [one for one in self.conditions if (one.key, one.is_excluded) != (key, is_excluded)]
        given = tuple(sorted(set(values)))
        added = [Condition(key, given, is_excluded)] if given else []
        return replace(self, conditions=_sorted([*others, *added]))

    def only(self, keys: Iterable[str]) -> Filters:
        """The conditions on some dimensions alone."""
        wanted = set(keys)
        return Filters(tuple(one for one in self.conditions if one.key in wanted))

    def apply(self, rows: Rows) -> Rows:
        """Daily facts or daily totals (these only where not `needs_facts`), filtered; adds no query."""
        return self._applied(rows, "resource__name", is_state=False)

    def apply_to_states(self, states: Rows) -> Rows:
        """Resource states, filtered, where `has_run_rate`."""
        return self._applied(states, "name", is_state=True)

    def _applied(self, rows: Rows, name: str, *, is_state: bool) -> Rows:
        for one in self.conditions:
            rows, column = column_of(rows, _known(one.key), is_state=is_state)
            chosen = Q(**{f"{column}__in": one.values})
            rows = rows.exclude(chosen) if one.is_excluded else rows.filter(chosen)
        return rows.filter(**{f"{name}__icontains": self.name}) if self.name else rows


def column_of(rows: Rows, kind: Dimension, *, is_state: bool = False) -> tuple[Rows, str]:
    """The rows with what a dimension is read from, and the name of that column; a tag is joined once."""
    if not kind.tag_key:
        return rows, kind.state_column if is_state else kind.column
    alias = f"tag_{blake2b(kind.tag_key.encode(), digest_size=8).hexdigest()}"
    if alias in rows.query.annotations:
        return rows, alias
    joined = rows.alias(
        **{
            f"{alias}_{source}": FilteredRelation(
                "resource__tags",
                condition=Q(resource__tags__key=kind.tag_key, resource__tags__source=source),
            )
            for source in TagSource.values
        }
    )
    value = Coalesce(
        F(f"{alias}_{TagSource.USER.value}__value"),
        F(f"{alias}_{TagSource.PROVIDER.value}__value"),
        Value(""),
        output_field=CharField(),
    )
    return joined.alias(**{alias: value}), alias


def parse_filters(params: Params) -> tuple[Filters, list[str]]:
    """The filters in a URL's parameters, and sentences about those that cannot be read and were left out.

    Parameters that are no dimensions are somebody else's and are passed over.
    """
    filters, problems = Filters(), []
    for parameter, given in params.items():
        key = parameter.removeprefix(NOT_PREFIX)
        known = dimension(key)
        if known is None:
            if parameter.startswith(NOT_PREFIX):
                problems.append(
                    _("There is no dimension “%(key)s” to filter by.") % {"key": key[:VALUE_LENGTH]}
                )
            continue
        values = []
        for value in given:
            if _is_value(key, value):
                values.append("" if value == NONE_VALUE else value)
            elif value:
                problems.append(
                    _("The filter “%(label)s” has no value “%(value)s”; it was left out.")
                    % {"label": known.label, "value": value.replace("\0", "")[:60]}
                )
        if len(values) > VALUES_LIMIT:
            problems.append(
                _("The filter “%(label)s” has more than %(limit)d values; the rest was left out.")
                % {"label": known.label, "limit": VALUES_LIMIT}
            )
        is_excluded = parameter.startswith(NOT_PREFIX)
        filters = filters.holding(
            key,
            (*filters.values(key, is_excluded=is_excluded), *values[:VALUES_LIMIT]),
            is_excluded=is_excluded,
        )
    name = next((value for value in reversed(params.get(NAME, ())) if value), "")
    return replace(filters, name=name.replace("\0", "")[:VALUE_LENGTH].strip()), problems


def _is_value(key: str, value: str) -> bool:
    if not value or len(value) > VALUE_LENGTH or "\0" in value:
        return False
    if key not in NUMBERS:
        return True
    return value.isascii() and value.isdigit() and len(value) <= NUMBER_DIGITS


def _known(key: str) -> Dimension:
    found = dimension(key)
    assert found is not None, f"{key} is no dimension"
    return found


def _sorted(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    order = {key: place for place, key in enumerate(BY_KEY)}
    return tuple(
        sorted(conditions, key=lambda one: (order.get(one.key, len(order)), one.key, one.is_excluded))
    )
