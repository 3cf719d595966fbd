"""What an organization's rules, tags and people say on each day of a period, read once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from inventory.models import Tag, TagSource

from .evaluation import TAG_KEYS, Rule
from .models import ContextAssignment, Measure, Method, RuleVersion, TagFeed


def valid_between(rows: QuerySet[Any], first: date, last: date) -> QuerySet[Any]:
    """Of rows with `valid_from` and `valid_until` those that hold on one of the days."""
    return rows.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=first), valid_from__lte=last)


class Rulebook:
    """Rules and feeds of an organization for the days `first` to `last`. Two queries."""

    def __init__(self, organization_id: int, *, first: date, last: date) -> None:
        versions = RuleVersion.objects.filter(organization=organization_id, is_on=True).order_by(
            "position", "rule_id"
        )
        self._versions = list(valid_between(versions, first, last))
        own = TagFeed.objects.filter(organization=organization_id).values_list("dimension", "keys")
        feeds = {**TAG_KEYS, **dict(own)}
        self.feeds: Mapping[str, Sequence[str]] = {
            name: [key.casefold() for key in keys] for name, keys in feeds.items()
        }
        rules = {version.pk: Rule.of(version) for version in self._versions}
        starts = {first}
        for version in self._versions:
            starts.update(
                day for day in (version.valid_from, version.valid_until) if day and first < day <= last
            )
        self._starts = sorted(starts)
        self._rules = [
            tuple(
                rules[version.pk]
                for version in self._versions
                if version.valid_from <= start
                and (version.valid_until is None or start < version.valid_until)
            )
            for start in self._starts
        ]

    def epoch(self, day: date) -> int:
        """The number of the span of days with the same rules that the day lies in."""
        return max(0, bisect_right(self._starts, day) - 1)

    def rules(self, epoch: int) -> tuple[Rule, ...]:
        """In their order."""
        return self._rules[epoch]

    @property
    def follows_others(self) -> bool:
        """Whether what is booked depends on what other resources cost or are."""
        return any(
            version.method == Method.PROPORTIONAL and version.measure != Measure.UNITS
            for version in self._versions
        )


def assignments_of(
    resource_pks: Collection[int], first: date, last: date
) -> dict[int, list[tuple[date, date | None, str, str]]]:
    """(from, until, dimension, value) of what people said of the resources. One query."""
    rows = valid_between(ContextAssignment.objects.filter(resource__in=resource_pks), first, last)
    found: dict[int, list[tuple[date, date | None, str, str]]] = {}
    for pk, *assignment in rows.values_list("resource", "valid_from", "valid_until", "dimension", "value"):
        found.setdefault(pk, []).append(tuple(assignment))
    return found


def persons_on(assignments: Sequence[tuple[date, date | None, str, str]], day: date) -> dict[str, str]:
    """{dimension: value} of the day."""
    return {
        dimension: value
        for start, until, dimension, value in assignments
        if start <= day and (until is None or day < until)
    }


def peoples_tags(resource_pks: Collection[int]) -> dict[int, dict[str, str]]:
    """{resource: {key: value}} of the tags that people set; they have no history. One query."""
    found: dict[int, dict[str, str]] = {}
    rows = Tag.objects.filter(resource__in=resource_pks, source=TagSource.USER)
    for pk, key, value in rows.values_list("resource_id", "key", "value"):
        found.setdefault(pk, {})[key] = value
    return found
