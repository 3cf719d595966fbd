"""The writers of recommendations: evaluations, and what people decide.

RecommendationError
├── WrongStatus          that cannot be done to a recommendation that is closed, proven or dismissed
├── ReasonMissing        nobody dismisses without saying why
├── BadDay               one puts off to a day that is to come, a year ahead at most
└── NotAMember           work is given to people of the organization
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.audit.services import record
from accounts.models import Organization, User
from inventory.models import Resource
from providers.models import ProviderConnection
from recommendations import evaluating, proof
from recommendations.counting import recount
from recommendations.models import (
    LIVE,
    OPEN,
    CloseReason,
    DismissReason,
    EventKind,
    Recommendation,
    RecommendationEvent,
    Status,
)
from recommendations.prices.queries import price_book, prices_version
from recommendations.rulebook import Rulebook
from syncs.models import SyncSnapshot

SNOOZE_LIMIT = timedelta(days=366)
COMMENT_LENGTH = 4000
UNDECIDED = (*OPEN, Status.IMPLEMENTED, Status.DISMISSED)


class RecommendationError(Exception):
    pass


class WrongStatus(RecommendationError):
    pass


class ReasonMissing(RecommendationError):
    pass


class BadDay(RecommendationError):
    pass


class NotAMember(RecommendationError):
    pass


# ---- evaluation -----------------------------------------------------------------------------------------------


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """A hook of `settings.AFTER_SYNC`: evaluate what the sync changed, the first time of a day everything. Idempotent."""
    evaluate_connection(connection=snapshot.connection, now=now, changed=evaluating.touched_by(snapshot))


def evaluate_connection(
    *, connection: ProviderConnection, now: datetime, changed: set[int] | None = None
) -> evaluating.Evaluated:
    """Bring one connection's recommendations in line; `changed` resources alone, where nothing else can have moved."""
    organization = connection.organization
    return evaluating.evaluate(
        connection,
        rulebook=Rulebook(organization, today=today_of(organization, now)),
        prices=price_book(organization, now),
        prices_version=prices_version(organization, now),
        now=now,
        changed=changed,
    )


def evaluate_organization(*, organization: Organization, now: datetime) -> int:
    """Evaluate every active connection whole, close what belongs to others, prove what is due; returns how many."""
    connections = list(
        ProviderConnection.objects.of(organization)
        .filter(is_active=True)
        .select_related("organization")
        .order_by("pk")
    )
    for connection in connections:
        evaluate_connection(connection=connection, now=now)
    _close_unread(organization, now)
    proof.verify_due(organization, now=now)
    return len(connections)


def due(*, now: datetime) -> list[int]:
    """Organizations of which some connection was not evaluated on their day yet."""
    rows = (
        ProviderConnection.objects.filter(is_active=True, snapshots__is_current=True)
        .values_list("organization_id", "organization__time_zone", "evaluation__day")
        .distinct()
    )
    return sorted(
        {
            organization
            for organization, zone, day in rows
            if day is None or day < now.astimezone(ZoneInfo(zone)).date()
        }
    )


def _close_unread(organization: Organization, now: datetime) -> None:
    """What was found at a connection that is not read any more says nothing about now."""
    rows = list(
        Recommendation.objects.of(organization)
        .filter(connection__is_active=False, status__in=LIVE)
        .select_related("connection")
    )
    for row in rows:
        row.status, row.closed_at = Status.CLOSED, now
        row.close_reason, row.counted_monthly_rub = CloseReason.CONNECTION_REMOVED, Decimal(0)
        row.save(update_fields=["status", "closed_at", "close_reason", "counted_monthly_rub", "updated_at"])
        _event(row, EventKind.CLOSED, now, data={"reason": CloseReason.CONNECTION_REMOVED.value})


def today_of(organization: Organization, now: datetime) -> date:
    return now.astimezone(ZoneInfo(organization.time_zone)).date()


# ---- decisions ------------------------------------------------------------------------------------------------


def approve(*, recommendation: Recommendation, by: User, now: datetime) -> Recommendation:
    """It is going to be done."""
    return _decided(recommendation, Status.APPROVED, EventKind.APPROVED, by, now, allowed=OPEN)


def reopen(*, recommendation: Recommendation, by: User, now: datetime) -> Recommendation:
    """Take a decision back: to decide again."""
    allowed = (Status.APPROVED, Status.SNOOZED, Status.DISMISSED, Status.IMPLEMENTED)
    return _decided(recommendation, Status.PENDING, EventKind.REOPENED, by, now, allowed=allowed)


def snooze(*, recommendation: Recommendation, until: date, by: User, now: datetime) -> Recommendation:
    """Put off until a day; raises BadDay."""
    today = today_of(recommendation.organization, now)
    if not today < until <= today + SNOOZE_LIMIT:
        raise BadDay(f"{until} is not a day to come within a year")
    return _decided(
        recommendation,
        Status.SNOOZED,
        EventKind.SNOOZED,
        by,
        now,
        allowed=OPEN,
        snoozed_until=until,
        data={"until": until.isoformat()},
    )


def dismiss(
    *, recommendation: Recommendation, reason: str, by: User, now: datetime, text: str = ""
) -> Recommendation:
    """It will not be done; returns only when its facts change materially. Raises ReasonMissing."""
    if reason not in DismissReason.values or (reason == DismissReason.OTHER and not text.strip()):
        raise ReasonMissing("a reason is needed")
    return _decided(
        recommendation,
        Status.DISMISSED,
        EventKind.DISMISSED,
        by,
        now,
        allowed=UNDECIDED,
        dismiss_reason=reason,
        text=text,
        data={"reason": reason},
    )


def implement(
    *, recommendation: Recommendation, by: User, now: datetime, replaced_by: Resource | None = None
) -> Recommendation:
    """Somebody says it is done; syncs see whether, and later costs prove it. `replaced_by` took over the work."""
    return _decided(
        recommendation,
        Status.IMPLEMENTED,
        EventKind.IMPLEMENTED,
        by,
        now,
        allowed=OPEN,
        implemented_at=now,
        replaced_by=replaced_by,
    )


@transaction.atomic
def assign(*, recommendation: Recommendation, to: User | None, by: User, now: datetime) -> Recommendation:
    """Give it to a person of the organization, or to nobody; raises NotAMember."""
    locked = _locked(recommendation)
    if to is not None and not to.organizations().filter(pk=locked.organization_id).exists():
        raise NotAMember(f"user {to.pk} is not in the organization")
    if locked.assigned_to_id == (to.pk if to else None):
        return locked
    locked.assigned_to = to
    locked.save(update_fields=["assigned_to", "updated_at"])
    _event(locked, EventKind.ASSIGNED, now, by=by, data={"to": to.display_name if to else ""})
    _audit("recommendation.assigned", locked, by)
    return locked


@transaction.atomic
def comment(*, recommendation: Recommendation, text: str, by: User, now: datetime) -> RecommendationEvent:
    """Raises ReasonMissing where it says nothing."""
    text = text.strip()[:COMMENT_LENGTH]
    if not text:
        raise ReasonMissing("a comment needs a text")
    return _event(_locked(recommendation), EventKind.COMMENT, now, by=by, text=text)


def wake(*, now: datetime) -> int:
    """What was put off until today is to decide again; returns how many."""
    woken = 0
    rows = Recommendation.objects.filter(status=Status.SNOOZED).select_related("connection__organization")
    for row in rows.iterator():
        if row.snoozed_until and row.snoozed_until <= today_of(row.connection.organization, now):
            woken += _woken(row, now)
    return woken


@transaction.atomic
def _woken(row: Recommendation, now: datetime) -> bool:
    locked = _locked(row)
    if locked.status != Status.SNOOZED:
        return False
    locked.status, locked.snoozed_until = Status.PENDING, None
    locked.save(update_fields=["status", "snoozed_until", "updated_at"])
    _event(locked, EventKind.WOKEN, now)
    recount(locked.connection, now=now)
    return True


@transaction.atomic
def _decided(
    recommendation: Recommendation,
    status: Status,
    kind: EventKind,
    by: User,
    now: datetime,
    *,
    allowed: Iterable[str],
    text: str = "",
    data: dict[str, Any] | None = None,
    **values: Any,
) -> Recommendation:
    """One decision, said once: doing again what is so already changes nothing. Raises WrongStatus."""
    locked = _locked(recommendation)
    fields: dict[str, Any] = {"snoozed_until": None, "dismiss_reason": "", **values}
    if locked.status == status and all(getattr(locked, name) == value for name, value in fields.items()):
        return locked
    if locked.status not in allowed:
        raise WrongStatus(f"recommendation {locked.pk} is {locked.status}")
    before = locked.status
    for name, value in {**fields, "status": status, "decided_at": now, "decided_by": by}.items():
        setattr(locked, name, value)
    locked.save(update_fields=[*fields, "status", "decided_at", "decided_by", "updated_at"])
    _event(locked, kind, now, by=by, text=text.strip()[:COMMENT_LENGTH], data=data or {})
    recount(locked.connection, now=now)
    _audit("recommendation.decided", locked, by, before=before)
    locked.refresh_from_db()
    return locked


def _locked(recommendation: Recommendation) -> Recommendation:
    return (
        Recommendation.objects.select_for_update(of=("self",))
        .select_related("connection__organization", "organization")
        .get(pk=recommendation.pk)
    )


def _event(
    row: Recommendation,
    kind: EventKind,
    now: datetime,
    *,
    by: User | None = None,
    text: str = "",
    data: dict[str, Any] | None = None,
) -> RecommendationEvent:
    return RecommendationEvent.objects.create(
        organization_id=row.organization_id,
        recommendation=row,
        kind=kind,
        at=now,
        by=by,
        text=text,
        data=data or {},
    )


def _audit(action: str, row: Recommendation, by: User, *, before: str = "") -> None:
    changes = {"status": [before, row.status]} if before else {}
    record(action, actor=by, obj=row, changes=changes)
