"""Hold resources against policies, and bring the stored violations in line with what was seen."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import Organization
from costs.budgets.queries import scope_filters
from costs.explorer import subtrees
from costs.explorer.filters import Filters
from costs.explorer.queries import today_of
from providers.models import ProviderConnection
from recommendations.engine.contract import Options
from recommendations.policies.contract import Answer, Broken, InvalidParameters, Kept, Kind, Moment, Unknown
from recommendations.policies.models import LIVE, Policy, Violation, ViolationStatus
from recommendations.policies.subjects import Sums, members_of, subjects_of
from recommendations.rulebook import InvalidOption

logger = logging.getLogger(__name__)
BATCH = 500
STATE_FIELDS = (
    "status",
    "why",
    "due_date",
    "unchecked_since",
    "resolved_at",
    "updated_at",
)
Key = tuple[int, int | None]
"""(policy, resource), None for the whole scope."""
Opened = Mapping[int, int]
"""{policy: how many violations of it are new}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A policy that is on, read: `filters` are "everything" where they say nothing."""

    policy: Policy
    kind: Kind
    options: Options
    filters: Filters
    moment: Moment

    @property
    def is_whole(self) -> bool:
        return self.kind.is_whole(self.options)


@dataclass(slots=True, kw_only=True)
class Demands:
    """The policies of an organization; `unreadable` are on and cannot be asked, so that what they found stays."""

    organization: Organization
    now: datetime
    today: date
    readable: list[Demand] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    grace: dict[int, int] = field(default_factory=dict)


def demands_of(organization: Organization, *, now: datetime) -> Demands:
    """Locks the policies: two syncs of one organization do not find the same thing twice. Three queries at most."""
    today = today_of(organization, now)
    found = Demands(organization=organization, now=now, today=today)
    rows = list(
        Policy.objects.of(organization)
        .filter(is_enabled=True)
        .select_for_update(of=("self",))
        .select_related("schedule")
        .order_by("pk")
    )
    filters = subtrees.all_whole(organization, [scope_filters(row.scope) for row in rows])
    for row, wanted in zip(rows, filters, strict=True):
        found.grace[row.pk] = row.grace_days
        try:
            options = row.options
        except (InvalidOption, InvalidParameters):
            logger.warning("policy %s has parameters that its kind does not take", row.pk)
            found.unreadable.add(row.pk)
            continue
        if (
            row.scope and not wanted
        ) or not wanted.has_run_rate:  # what it was about is gone: not everything then
            found.unreadable.add(row.pk)
            continue
        found.readable.append(
            Demand(policy=row, kind=row.rule, options=options, filters=wanted, moment=_moment(row, found))
        )
    return found


def check_connection(connection: ProviderConnection, demands: Demands) -> Opened:
    """Every policy about single resources, over one connection's resources."""
    asked = [each for each in demands.readable if not each.is_whole]
    live = _live(demands.organization, connection=connection)
    if not asked and not live:
        return {}
    needs = frozenset().union(*(each.kind.needs for each in asked)) if asked else frozenset()
    subjects = subjects_of(connection, needs=needs, now=demands.now, today=demands.today)
    answers: dict[Key, Answer] = {}
    for demand in asked:
        members = members_of(demands.organization, connection, demand.filters) if demand.filters else subjects
        for pk in members:
            subject = subjects.get(pk)
            if subject is None:
                continue
            if not subject.is_certain:
                answers[demand.policy.pk, pk] = Unknown()
            elif demand.kind.asks(subject):
                answers[demand.policy.pk, pk] = demand.kind.answer(subject, demand.options, demand.moment)
    return _written(demands, answers, live, connection)


def check_whole(demands: Demands) -> Opened:
    """Every policy about a whole scope."""
    asked = [each for each in demands.readable if each.is_whole]
    live = _live(demands.organization, connection=None)
    if not asked and not live:
        return {}
    sums = Sums(demands.organization, now=demands.now, today=demands.today)
    answers: dict[Key, Answer] = {
        (each.policy.pk, None): each.kind.check_sum(sums.of(each.filters), each.options, each.moment)
        for each in asked
    }
    return _written(demands, answers, live, None)


def close_unread(organization: Organization, *, now: datetime) -> int:
    """What a connection that is read no more, or a policy that is off, had found is ended."""
    live = Violation.objects.of(organization).filter(status__in=LIVE)
    values = {"status": ViolationStatus.RESOLVED, "resolved_at": now, "updated_at": now}
    return live.filter(policy__is_enabled=False).update(**values) + live.filter(
        connection__is_active=False
    ).update(**values)


def due_date(violation: Violation, *, grace_days: int, zone: ZoneInfo) -> date:
    """The days to put it right count from when it was first seen; an exception moves it to its own end."""
    due = violation.first_seen_at.astimezone(zone).date() + timedelta(days=grace_days)
    return max(due, violation.excepted_until) if violation.excepted_until else due


def _moment(policy: Policy, demands: Demands) -> Moment:
    schedule = policy.schedule if policy.rule.has_calendar else None
    return Moment(
        now=demands.now,
        today=demands.today,
        zone=ZoneInfo(demands.organization.time_zone),
        calendar=schedule.calendar if schedule else None,
        rests_on_holidays=schedule.rests_on_holidays if schedule else True,
    )


def _live(organization: Organization, *, connection: ProviderConnection | None) -> dict[Key, Violation]:
    """Locked: what a person decides meanwhile waits, and is not written over."""
    rows = Violation.objects.of(organization).filter(connection=connection, status__in=LIVE)
    rows = rows.select_for_update(of=("self",))
    return {(row.policy_id, row.resource_id): row for row in rows.order_by("pk")}


def _written(
    demands: Demands,
    answers: Mapping[Key, Answer],
    live: dict[Key, Violation],
    connection: ProviderConnection | None,
) -> Opened:
    zone = ZoneInfo(demands.organization.time_zone)
    opened: dict[int, int] = {}
    moved: list[Violation] = []
    for key, row in live.items():
        before = {name: getattr(row, name) for name in STATE_FIELDS}
        answer = answers.get(key) or (Unknown() if row.policy_id in demands.unreadable else Kept())
        _refresh(row, answer, demands.now)
        if (
            row.status == ViolationStatus.EXCEPTED
            and row.excepted_until
            and row.excepted_until < demands.today
        ):
            row.status = ViolationStatus.OPEN
            opened[row.policy_id] = opened.get(row.policy_id, 0) + 1
        if row.status in LIVE and row.policy_id in demands.grace:
            row.due_date = due_date(row, grace_days=demands.grace[row.policy_id], zone=zone)
        if any(getattr(row, name) != value for name, value in before.items()):
            row.updated_at = demands.now
            moved.append(row)
    broken = {key: each for key, each in answers.items() if isinstance(each, Broken) and key not in live}
    made = list(_made(demands, broken, connection, zone)) if broken else []
    for row in made:
        if row.status == ViolationStatus.OPEN:
            opened[row.policy_id] = opened.get(row.policy_id, 0) + 1
    Violation.objects.bulk_create(made, batch_size=BATCH)
    Violation.objects.bulk_update(moved, STATE_FIELDS, batch_size=BATCH)
    seen = Violation.objects.of(demands.organization).filter(connection=connection, status__in=LIVE)
    seen.filter(unchecked_since__isnull=True).update(last_seen_at=demands.now)
    return opened


def _refresh(row: Violation, answer: Answer, now: datetime) -> None:
    if isinstance(answer, Broken):
        row.why, row.unchecked_since = answer.why.as_json(), None
    elif isinstance(answer, Unknown):
        row.unchecked_since = row.unchecked_since or now
    else:
        row.status, row.resolved_at, row.unchecked_since = ViolationStatus.RESOLVED, now, None


def _made(
    demands: Demands,
    broken: Mapping[Key, Broken],
    connection: ProviderConnection | None,
    zone: ZoneInfo,
) -> Iterable[Violation]:
    """New rows; an exception whose end is to come holds for what came back."""
    past = {
        (row.policy_id, row.resource_id): row
        for row in Violation.objects.of(demands.organization)
        .filter(connection=connection, status=ViolationStatus.RESOLVED, excepted_until__gte=demands.today)
        .exclude(exception_reason="")
        .order_by("pk")
    }
    for key, answer in broken.items():
        policy_id, resource_id = key
        row = Violation(
            organization=demands.organization,
            policy_id=policy_id,
            connection=connection,
            resource_id=resource_id,
            why=answer.why.as_json(),
            first_seen_at=demands.now,
            last_seen_at=demands.now,
        )
        if (before := past.get(key)) is not None:
            row.status = ViolationStatus.EXCEPTED
            row.excepted_until, row.exception_reason = before.excepted_until, before.exception_reason
            row.excepted_by_id = before.excepted_by_id
        row.due_date = due_date(row, grace_days=demands.grace[policy_id], zone=zone)
        yield row
