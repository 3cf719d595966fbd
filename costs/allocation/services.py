"""The only writer of trees, rules and assignments; raises the errors of `drafts`.

What these write counts for costs of past days only after `restate`, which doors start in the background.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit.services import record
from accounts.models import Organization, User
from costs.services import billing_zone, history_days, refresh_context, restamp
from costs.unit_costs.models import UnitMetric
from inventory.models import Resource
from providers.models import ProviderConnection

from .drafts import NAME_LIMIT, TARGETS_LIMIT
from .drafts import AllocationError as AllocationError
from .drafts import Draft as Draft
from .drafts import InvalidRule as InvalidRule
from .drafts import NameTaken as NameTaken
from .drafts import NodeInUse as NodeInUse
from .drafts import WrongPlace as WrongPlace
from .models import AllocationRule, ContextAssignment, ContextNode, Dimension, RuleVersion, TagFeed
from .order import Place as Place
from .order import make_room, position_at, put
from .order import present_versions as present_versions

# Trees


@transaction.atomic
def save_node(
    *,
    organization: Organization,
    dimension: str,
    name: str,
    parent: ContextNode | None = None,
    code: str = "",
    description: str = "",
    node: ContextNode | None = None,
) -> ContextNode:
    """Add a node, or change one; a new name goes through all rules and assignments. Raises NameTaken, WrongPlace."""
    name = name.strip()
    others = ContextNode.objects.of(organization).filter(dimension=dimension, name=name)
    if (others.exclude(pk=node.pk) if node else others).exists():
        raise NameTaken(_("“%(name)s” is there already.") % {"name": name})
    if parent is not None and (parent.dimension != dimension or (node and node.pk in _line_of(parent))):
        raise WrongPlace(_("A node cannot stand below itself."))
    if node is None:
        node = ContextNode.objects.create(
            organization=organization,
            dimension=dimension,
            name=name,
            parent=parent,
            code=code,
            description=description,
        )
        record("context.node_added", obj=node, details={"dimension": dimension, "name": name})
        return node
    before = {"name": node.name, "parent": node.parent_id, "code": node.code, "description": node.description}
    if node.name != name:
        _rename(node, name)
    node.name, node.parent, node.code, node.description = name, parent, code, description
    node.save()
    after = {"name": name, "parent": node.parent_id, "code": code, "description": description}
    changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changes:
        record("context.node_changed", obj=node, changes=changes)
    return node


@transaction.atomic
def remove_node(*, node: ContextNode) -> None:
    """Raises NodeInUse."""
    if node.children.exists():
        raise NodeInUse(_("Others stand below “%(name)s”; move them first.") % {"name": node.name})
    assigned = ContextAssignment.objects.filter(
        organization=node.organization_id, dimension=node.dimension, value=node.name
    )
    if assigned.exists() or any(_names(version, node) for version in _versions_of(node)):
        raise NodeInUse(
            _("Rules or people give “%(name)s” to resources, or did; their history needs it.")
            % {"name": node.name}
        )
    record("context.node_removed", obj=node, details={"dimension": node.dimension, "name": node.name})
    node.delete()


def ensure_nodes(*, organization: Organization, dimension: str, names: Iterable[str]) -> None:
    """Let the tree have these names; new ones stand at its root."""
    known = set(
        ContextNode.objects.of(organization).filter(dimension=dimension).values_list("name", flat=True)
    )
    for name in names:
        if name not in known:
            save_node(organization=organization, dimension=dimension, name=name)
            known.add(name)


@transaction.atomic
def set_feed(*, organization: Organization, dimension: str, keys: Sequence[str]) -> None:
    """Choose the tags that feed a dimension, the first that a resource has; none at all is a choice too."""
    tidy = list(dict.fromkeys(key.strip()[:128] for key in keys if key.strip()))[:TARGETS_LIMIT]
    known = TagFeed.objects.of(organization).filter(dimension=dimension).first()
    TagFeed.objects.update_or_create(organization=organization, dimension=dimension, defaults={"keys": tidy})
    record(
        "context.tags_chosen",
        obj=organization,
        changes={dimension: [known.keys if known else None, tidy]},
    )


def _line_of(node: ContextNode | None) -> list[int]:
    """The node and all above it."""
    line: list[int] = []
    while node is not None and node.pk not in line:
        line.append(node.pk)
        node = node.parent
    return line


def _versions_of(node: ContextNode) -> Iterable[RuleVersion]:
    return RuleVersion.objects.filter(organization=node.organization_id).iterator(200)


def _names(version: RuleVersion, node: ContextNode) -> bool:
    if version.values.get(node.dimension) == node.name:
        return True
    return version.dimension == node.dimension and any(each["name"] == node.name for each in version.targets)


def _rename(node: ContextNode, name: str) -> None:
    ContextAssignment.objects.filter(
        organization=node.organization_id, dimension=node.dimension, value=node.name
    ).update(value=name)
    for version in _versions_of(node):
        if _names(version, node):
            if version.values:
                version.values[node.dimension] = name
            for each in version.targets:
                if each["name"] == node.name:
                    each["name"] = name
            version.save(update_fields=["values", "targets"])


# Rules


@transaction.atomic
def save_rule(
    *,
    organization: Organization,
    draft: Draft,
    since: date,
    by: User | None,
    rule: AllocationRule | None = None,
    place: Place | None = None,
) -> AllocationRule:
    """Add a rule, or let one say something else from `since` on. Raises InvalidRule.

    What it said before that day stays; what it was to say after it is forgotten. New names join the trees. `place`:
    where it stands from that day on; without one a new rule stands last, and another stays where it is.
    """
    content = _content_for(organization, draft)
    for dimension, value in content["values"].items():
        ensure_nodes(organization=organization, dimension=dimension, names=[value])
    if content["targets"]:
        names = [each["name"] for each in content["targets"]]
        ensure_nodes(organization=organization, dimension=content["dimension"], names=names)
    if rule is None:
        position = position_at(organization.pk, place or Place())
        make_room(organization.pk, position, since=since, by=by)
        rule = AllocationRule.objects.create(organization=organization, name=draft.name.strip()[:120])
        _begin(rule, since=since, by=by, position=position, **content)
        record("rule.added", obj=rule, actor=by, details={"from": str(since), **_told(content)})
        return rule
    before = latest_version(rule)
    name, rule.name = rule.name, draft.name.strip()[:120]
    rule.save(update_fields=["name", "updated_at"])
    position = position_at(organization.pk, place, rule_pk=rule.pk) if place else before.position
    make_room(organization.pk, position, since=since, by=by, rule_pk=rule.pk)
    _begin(rule, since=since, by=by, position=position, **content)
    changes = {
        key: [getattr(before, key), value] for key, value in content.items() if getattr(before, key) != value
    }
    if name != rule.name:
        changes["name"] = [name, rule.name]
    if position != before.position:
        changes["position"] = [before.position, position]
    record("rule.changed", obj=rule, actor=by, changes=changes, details={"from": str(since)})
    return rule


@transaction.atomic
def move_rule(*, rule: AllocationRule, up: bool, since: date, by: User | None) -> bool:
    """Let the rule change places with its neighbour from `since` on; False where it has none."""
    order = present_versions(rule.organization_id)
    places = [version.rule_id for version in order]
    if rule.pk not in places:
        return False
    index = places.index(rule.pk)
    other = index - 1 if up else index + 1
    if not 0 <= other < len(order):
        return False
    mine, neighbour = order[index], order[other]
    for version, position in ((mine, neighbour.position), (neighbour, mine.position)):
        put(version.rule, position=position, since=since, by=by)
    record("rule.moved", obj=rule, actor=by, details={"from": str(since), "past": neighbour.rule.name})
    return True


@transaction.atomic
def switch_rule(*, rule: AllocationRule, on: bool, since: date, by: User | None) -> None:
    """Let the rule say nothing from `since` on, or again what it said last."""
    last = latest_version(rule)
    _begin(rule, since=since, by=by, position=last.position, is_on=on, **_content(last))
    record(
        "rule.switched_on" if on else "rule.switched_off", obj=rule, actor=by, details={"from": str(since)}
    )


def latest_version(rule: AllocationRule) -> RuleVersion:
    return rule.versions.order_by("valid_from").select_related("rule").last()  # type: ignore[return-value]


def _content_for(organization: Organization, draft: Draft) -> dict[str, Any]:
    """What the draft says, with no unit metric of others."""
    content = draft.content()
    wanted = {each["metric"] for each in content["targets"] if "metric" in each}
    if wanted and UnitMetric.objects.of(organization).filter(pk__in=wanted).count() < len(wanted):
        raise InvalidRule(_("There is no such unit metric."))
    return content


CONTENT = ("match", "conditions", "method", "values", "dimension", "targets", "measure")


def _content(version: RuleVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in CONTENT}


def _told(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value}


def _begin(rule: AllocationRule, *, since: date, by: User | None, position: int, **content: Any) -> None:
    AllocationRule.objects.select_for_update().get(pk=rule.pk)
    rule.versions.filter(valid_from__gte=since).delete()
    rule.versions.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=since)).update(valid_until=since)
    RuleVersion.objects.create(
        organization_id=rule.organization_id,
        rule=rule,
        valid_from=since,
        position=position,
        changed_by=by,
        **content,
    )


# People


@transaction.atomic
def set_context(
    *, resources: Collection[Resource], dimension: str, value: str, since: date, by: User | None
) -> int:
    """Say what the resources are from `since` on, or with an empty value leave it to rules again; returns how many."""
    value = value.strip()
    if dimension not in Dimension.values or len(value) > NAME_LIMIT:
        raise InvalidRule(_("A value has %(limit)d letters at most.") % {"limit": NAME_LIMIT})
    if not resources:
        return 0
    organization = next(iter(resources)).organization
    said = ContextAssignment.objects.filter(resource__in=resources, dimension=dimension)
    said.filter(valid_from__gte=since).delete()
    said.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=since)).update(valid_until=since)
    if value:
        ensure_nodes(organization=organization, dimension=dimension, names=[value])
        ContextAssignment.objects.bulk_create(
            ContextAssignment(
                organization=organization,
                resource=resource,
                dimension=dimension,
                value=value,
                valid_from=since,
                assigned_by=by,
            )
            for resource in resources
        )
    for resource in resources:
        record(
            "context.assigned",
            obj=resource,
            actor=by,
            changes={dimension: [getattr(resource, dimension), value]},
            details={"from": str(since)},
        )
    return len(resources)


# What costs say


def restate(*, organization: Organization, since: date | None, now: datetime) -> int:
    """Bring costs of the days from `since` on (None: all) in line with rules, tags and people; returns rows that differed."""
    changed = 0
    for connection in ProviderConnection.objects.of(organization).order_by("pk"):
        days = history_days(connection)
        if days is not None and (since is None or since <= days[1]):
            first = days[0] if since is None else max(since, days[0])
            changed += restamp(connection=connection, since=first, until=days[1])
        refresh_context(connection=connection, day=now.astimezone(billing_zone(connection)).date())
    return changed


def draft_of(version: RuleVersion) -> Draft:
    return Draft(name=version.rule.name, **_content(version))


def unsaved_version(
    organization: Organization,
    draft: Draft,
    *,
    since: date,
    rule: AllocationRule | None = None,
    place: Place | None = None,
) -> RuleVersion:
    """The version that `save_rule` would write, nowhere stored, for previews. Raises InvalidRule."""
    if rule and place is None:
        position = latest_version(rule).position
    else:
        position = position_at(organization.pk, place or Place(), rule_pk=rule.pk if rule else None)
    rule = AllocationRule(pk=0, organization=organization, name=draft.name)
    content = _content_for(organization, draft)
    return RuleVersion(organization=organization, rule=rule, valid_from=since, position=position, **content)
