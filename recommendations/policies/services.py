"""The writers of policies and their violations.

PolicyError
├── NameTaken
├── BadScope          a filter that asks for what resources themselves do not have, or that cannot be read
├── ReasonMissing     nobody is excepted without saying why
├── BadDay            an exception ends on a day to come, a year ahead at most
├── NotAMember        work is given to people of the organization
└── HasEnded          nothing is to be decided about what was put right

Parameters raise InvalidOption and InvalidParameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.audit.services import record
from accounts.models import Organization, User
from costs.budgets.queries import scope_filters
from costs.explorer.queries import today_of
from providers.models import ProviderConnection
from recommendations.policies import announcements, checking
from recommendations.policies.kinds import KINDS
from recommendations.policies.models import LIVE, Policy, Violation, ViolationStatus
from recommendations.rulebook import stored
from recommendations.schedules.models import PowerSchedule
from syncs.models import SyncSnapshot

EXCEPTION_LIMIT = timedelta(days=366)
FIELDS = ("name", "scope", "parameters", "schedule_id", "is_enabled", "grace_days", "notifies")


class PolicyError(Exception):
    pass


class NameTaken(PolicyError):
    pass


class BadScope(PolicyError):
    pass


class ReasonMissing(PolicyError):
    pass


class BadDay(PolicyError):
    pass


class NotAMember(PolicyError):
    pass


class HasEnded(PolicyError):
    pass


# ---- policies -------------------------------------------------------------------------------------------------


@transaction.atomic
def save_policy(
    *,
    organization: Organization,
    kind: str,
    name: str,
    parameters: Mapping[str, Any],
    by: User,
    scope: str = "",
    schedule: PowerSchedule | None = None,
    is_enabled: bool = True,
    grace_days: int = 7,
    notifies: bool = True,
    policy: Policy | None = None,
) -> Policy:
    """Make one or change it; its kind stays. Raises NameTaken, BadScope, InvalidOption, InvalidParameters."""
    rule = KINDS[policy.kind if policy else kind]
    options = rule.read(parameters)
    filters = scope_filters(scope)
    if (scope and not filters) or not filters.has_run_rate:
        raise BadScope(scope[:100])
    taken = Policy.objects.of(organization).filter(name=name)
    if (taken.exclude(pk=policy.pk) if policy else taken).exists():
        raise NameTaken(name)
    row = policy or Policy(organization=organization, kind=rule.id, created_by=by)
    before = {} if policy is None else _told(policy)
    row.name, row.scope, row.parameters = name, scope, {key: stored(options[key]) for key in options}
    row.schedule = schedule if rule.has_calendar else None
    row.is_enabled, row.grace_days, row.notifies = is_enabled, grace_days, notifies
    row.save()
    after = _told(row)
    record(
        "policy.changed" if policy else "policy.created",
        actor=by,
        obj=row,
        changes={key: [before.get(key), after[key]] for key in after if before.get(key) != after[key]},
    )
    return row


@transaction.atomic
def delete_policy(*, policy: Policy, by: User) -> None:
    """The policy is locked before its violations, as a check does: else the two could wait for each other."""
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    record("policy.deleted", actor=by, obj=policy, details={"name": policy.name, "kind": policy.kind})
    policy.delete()


def _told(row: Policy) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


# ---- checks ---------------------------------------------------------------------------------------------------


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """A hook of `settings.AFTER_SYNC`: the connection's resources against every policy. Idempotent."""
    organization = snapshot.connection.organization
    with transaction.atomic():
        demands = checking.demands_of(organization, now=now)
        opened = dict(checking.check_connection(snapshot.connection, demands))
        for policy_id, count in checking.check_whole(demands).items():
            opened[policy_id] = opened.get(policy_id, 0) + count
        for demand in demands.readable:
            if demand.policy.notifies and opened.get(demand.policy.pk):
                announcements.policy_violated(
                    organization=organization,
                    policy=demand.policy,
                    snapshot=snapshot,
                    count=opened[demand.policy.pk],
                    now=now,
                )


def check_organization(*, organization: Organization, now: datetime) -> None:
    """Everything against every policy, where a policy was changed; nobody is told."""
    connections = ProviderConnection.objects.of(organization).filter(is_active=True).order_by("pk")
    for connection in connections:
        with transaction.atomic():
            checking.check_connection(connection, checking.demands_of(organization, now=now))
    with transaction.atomic():
        checking.check_whole(checking.demands_of(organization, now=now))
        checking.close_unread(organization, now=now)


# ---- what people decide ---------------------------------------------------------------------------------------


@transaction.atomic
def make_exception(*, violation: Violation, until: date, reason: str, by: User, now: datetime) -> Violation:
    """It may stay so until a day, the last one included; raises ReasonMissing, BadDay, HasEnded."""
    row = _locked(violation)
    reason = reason.strip()
    today = today_of(row.organization, now)
    if not reason:
        raise ReasonMissing("a reason is needed")
    if not today <= until <= today + EXCEPTION_LIMIT:
        raise BadDay(f"{until} is not a day to come within a year")
    before = [row.status, str(row.excepted_until or "")]
    row.status, row.excepted_until, row.excepted_by = ViolationStatus.EXCEPTED, until, by
    row.exception_reason = reason
    row.save(update_fields=["status", "excepted_until", "excepted_by", "exception_reason", "updated_at"])
    _audit("violation.excepted", row, by, before, details={"reason": reason})
    return row


@transaction.atomic
def end_exception(*, violation: Violation, by: User) -> Violation:
    """It is to be put right after all; the days for that count as if there had been no exception. Raises HasEnded."""
    row = _locked(violation)
    if row.status == ViolationStatus.OPEN:
        return row
    before = [row.status, str(row.excepted_until or "")]
    row.status, row.excepted_until, row.exception_reason = ViolationStatus.OPEN, None, ""
    row.excepted_by = None
    row.save(update_fields=["status", "excepted_until", "excepted_by", "exception_reason", "updated_at"])
    _audit("violation.reopened", row, by, before)
    return row


@transaction.atomic
def assign(*, violation: Violation, to: User | None, by: User) -> Violation:
    """Give it to a person of the organization, or to nobody; raises NotAMember, HasEnded."""
    row = _locked(violation)
    if to is not None and not to.organizations().filter(pk=row.organization_id).exists():
        raise NotAMember(f"user {to.pk} is not in the organization")
    if row.assigned_to_id == (to.pk if to else None):
        return row
    before = row.assigned_to.email if row.assigned_to else ""
    row.assigned_to = to
    row.save(update_fields=["assigned_to", "updated_at"])
    record(
        "violation.assigned",
        actor=by,
        obj=row,
        changes={"assigned_to": [before, to.email if to else ""]},
    )
    return row


def _locked(violation: Violation) -> Violation:
    row = (
        Violation.objects.select_for_update(of=("self",))
        .select_related("organization", "assigned_to")
        .get(pk=violation.pk)
    )
    if row.status not in LIVE:
        raise HasEnded(f"violation {row.pk} is {row.status}")
    return row


def _audit(
    action: str, row: Violation, by: User, before: list[str], *, details: Mapping[str, Any] | None = None
) -> None:
    changes = {
        "status": [before[0], row.status],
        "excepted_until": [before[1], str(row.excepted_until or "")],
    }
    record(action, actor=by, obj=row, changes=changes, details=details or {})
