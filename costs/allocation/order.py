"""The order of rules: where one stands, and what gives way when it is put elsewhere.

The first rule that gives a value decides it, so a place is part of what a rule says, and holds from a day on as the
rest does. Places are positions with gaps; rules of one organization never share one on a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Q

from accounts.models import User

from .models import AllocationRule, RuleVersion


@dataclass(frozen=True, slots=True)
class Place:
    """Before that rule, or with None after all of them."""

    before: AllocationRule | None = None


def present_versions(organization_id: int) -> list[RuleVersion]:
    """The latest version of each rule, in their order."""
    versions = RuleVersion.objects.filter(organization=organization_id, valid_until__isnull=True)
    return list(versions.select_related("rule").order_by("position", "rule_id"))


def position_at(organization_id: int, place: Place, *, rule_pk: int | None = None) -> int:
    """The position that is that place; of the rule itself, where it stands there already. Another may hold it yet."""
    order = present_versions(organization_id)
    others = [version for version in order if version.rule_id != rule_pk]
    places = [version.rule_id for version in others]
    index = places.index(place.before.pk) if place.before and place.before.pk in places else len(others)
    own = next((version.position for version in order if version.rule_id == rule_pk), None)
    low = others[index - 1].position if index else 0
    if index == len(others):
        if own is not None and own > low:
            return own
        last = RuleVersion.objects.filter(organization=organization_id).aggregate(last=Max("position"))
        return (last["last"] or 0) + 1
    high = others[index].position
    if own is not None and low < own < high:
        return own
    return low + 1 if low + 1 < high else high


def make_room(
    organization_id: int, position: int, *, since: date, by: User | None, rule_pk: int | None = None
) -> None:
    """Let the rules that stand at the position, and close behind it, move on by one from `since` on."""
    taken = position
    for version in present_versions(organization_id):
        if version.rule_id == rule_pk or version.position < position:
            continue
        if version.position > taken:
            return
        taken += 1
        put(version.rule, position=taken, since=since, by=by)


def put(rule: AllocationRule, *, position: int, since: date, by: User | None) -> None:
    """Let the rule stand there from `since` on; what it says on which day stays."""
    AllocationRule.objects.select_for_update().get(pk=rule.pk)
    then = Q(valid_until__isnull=True) | Q(valid_until__gt=since)
    split = rule.versions.filter(then, valid_from__lt=since).first()
    if split is not None:
        until = split.valid_until
        rule.versions.filter(pk=split.pk).update(valid_until=since)
        split.pk, split.valid_from, split.valid_until, split.changed_by = None, since, until, by
        split.save(force_insert=True)
    rule.versions.filter(valid_from__gte=since).update(position=position)
