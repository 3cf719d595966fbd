"""The writers of rule settings and exclusions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from accounts.audit.services import record
from accounts.models import Organization, User
from providers.models import ProviderConnection
from recommendations.engine.contract import Rule
from recommendations.models import Exclusion, RuleSetting
from recommendations.rulebook import exclusion_filters, parse_option, stored


@transaction.atomic
def set_rule(
    *,
    rule: type[Rule],
    organization: Organization | None,
    is_enabled: bool | None,
    options: Mapping[str, Any],
    by: User | None,
    connection: ProviderConnection | None = None,
    tag_key: str = "",
    tag_value: str = "",
) -> RuleSetting | None:
    """Keep what is said of the rule for a scope, and nothing else; where nothing is said, what was goes.

    `organization` None is everybody. Raises InvalidOption, and ValueError for an option that the rule does not have.
    """
    declared = {option.name: option for option in rule.declared()}
    unknown = set(options) - set(declared)
    if unknown:
        raise ValueError(f"{rule.id} has no option {sorted(unknown)[0]}")
    is_narrow = connection is not None or bool(tag_key)
    values = {name: parse_option(declared[name], value) for name, value in options.items()}
    kept = {
        name: stored(value) for name, value in values.items() if is_narrow or value != declared[name].default
    }
    scope = {
        "rule_id": rule.id,
        "organization": organization,
        "connection": connection,
        "tag_key": tag_key,
        "tag_value": tag_value,
    }
    row = RuleSetting.objects.select_for_update().filter(**scope).first()
    before = {} if row is None else {"is_enabled": row.is_enabled, **row.options}
    if not kept and is_enabled is None:
        if row is not None:
            row.delete()
        row = None
    elif row is None:
        row = RuleSetting.objects.create(**scope, is_enabled=is_enabled, options=kept)
    else:
        row.is_enabled, row.options = is_enabled, kept
        row.save(update_fields=["is_enabled", "options", "updated_at"])
    after = {} if row is None else {"is_enabled": row.is_enabled, **row.options}
    if before != after:
        names = sorted({*before, *after})
        record(
            "recommendation_rule.changed",
            actor=by,
            organization=organization,
            changes={
                name: [before.get(name), after.get(name)]
                for name in names
                if before.get(name) != after.get(name)
            },
            details={
                "rule": rule.id,
                "connection": connection.pk if connection else None,
                "tag": f"{tag_key}={tag_value}" if tag_key else "",
            },
        )
    return row


class ExclusionOfEverything(ValueError):
    """A filter that leaves nothing out of the exclusion."""


@transaction.atomic
def save_exclusion(
    *,
    organization: Organization,
    name: str,
    scope: str,
    reason: str,
    by: User,
    rule_id: str = "",
    until: date | None = None,
    exclusion: Exclusion | None = None,
) -> Exclusion:
    """Make or change one; raises ExclusionOfEverything."""
    if not exclusion_filters(scope):
        raise ExclusionOfEverything("a filter is needed")
    row = exclusion or Exclusion(organization=organization, created_by=by)
    names = ("name", "scope", "reason", "rule_id", "until")
    before = {each: str(getattr(row, each) or "") for each in names}
    row.name, row.scope, row.reason, row.rule_id, row.until = name, scope, reason, rule_id, until
    row.save()
    after = {each: str(getattr(row, each) or "") for each in names}
    record(
        "exclusion.changed" if exclusion else "exclusion.created",
        actor=by,
        obj=row,
        changes={each: [before[each], after[each]] for each in names if before[each] != after[each]},
    )
    return row


@transaction.atomic
def delete_exclusion(*, exclusion: Exclusion, by: User) -> None:
    record("exclusion.deleted", actor=by, obj=exclusion, details={"name": exclusion.name})
    exclusion.delete()
