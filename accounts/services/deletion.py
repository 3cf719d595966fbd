"""The end of an organization: asked for, thirty days to change one's mind, then all its rows go in small batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model, Q
from django.utils.translation import gettext as _

from accounts import announcements
from accounts.audit.services import record
from accounts.models import Membership, Organization
from accounts.services.errors import DeletionBegun, PersonalOrganization
from accounts.services.members import refuse_demo
from accounts.services.organizations import locked
from accounts.tenancy import TenantModel
from common.transactions import small_transaction

GRACE = timedelta(days=30)

BATCH = 500
"""Rows that go in one transaction: some hundredths of a second, so that others write in between."""


@transaction.atomic
def request_deletion(*, organization: Organization, now: datetime) -> Organization:
    """Begins the grace; asked again, its end stays. Raises PersonalOrganization, DemoOrganization, NotAMember."""
    fresh = locked(organization)
    if fresh.is_personal:
        raise PersonalOrganization(_("A personal organization stays as long as its owner has an account."))
    refuse_demo(fresh)
    return start_grace(organization=fresh, now=now)


@transaction.atomic
def start_grace(*, organization: Organization, now: datetime) -> Organization:
    """`request_deletion` without its rules, for organizations that nobody is left in."""
    fresh = locked(organization)
    if fresh.deletion_at is None:
        fresh.deletion_at = now + GRACE
        fresh.save(update_fields=["deletion_at", "updated_at"])
        entry = record(
            "organization.deletion_requested",
            obj=fresh,
            organization=fresh,
            changes={"deletion_at": [None, fresh.deletion_at]},
        )
        announcements.deletion_requested(
            organization=fresh, deletion_at=fresh.deletion_at, by=entry.actor_email
        )
    return fresh


@transaction.atomic
def cancel_deletion(*, organization: Organization) -> Organization:
    """Ends the grace: syncs go on when they are next due. Raises DeletionBegun, NotAMember."""
    fresh = locked(organization)
    if fresh.deletion_started_at is not None:
        raise DeletionBegun(_("The deletion has begun: what is gone cannot be brought back."))
    if fresh.deletion_at is not None:
        before, fresh.deletion_at = fresh.deletion_at, None
        fresh.save(update_fields=["deletion_at", "updated_at"])
        entry = record(
            "organization.deletion_cancelled",
            obj=fresh,
            organization=fresh,
            changes={"deletion_at": [before, None]},
        )
        announcements.deletion_cancelled(organization=fresh, deletion_at=before, by=entry.actor_email)
    return fresh


def delete_due_organizations(*, now: datetime, seconds: float) -> int:
    """Deletes organizations whose grace has ended, for about so long; returns how many are gone.

    May be stopped at any point and called beside itself: what is left goes next time.
    """
    until = time.monotonic() + seconds
    gone = 0
    due = Organization.objects.filter(Q(deletion_at__lte=now) | Q(deletion_started_at__isnull=False))
    for organization in due.order_by("deletion_at", "pk"):
        if not _claim(organization, now):
            continue
        if not _delete_rows(organization, until):
            return gone
        gone += _delete_itself(organization)
    return gone


def _claim(organization: Organization, now: datetime) -> bool:
    """From here on there is no way back; False for one whose owner has just changed their mind.

    People lose it first, so that nobody looks at a half of it.
    """
    with transaction.atomic():
        mine = Organization.objects.select_for_update().filter(pk=organization.pk, deletion_at__lte=now)
        fresh = mine.first()
        if fresh is None:
            return False
        if fresh.deletion_started_at is None:
            fresh.deletion_started_at = now
            fresh.save(update_fields=["deletion_started_at", "updated_at"])
            Membership.objects.filter(organization=fresh).delete()
    return True


def _delete_rows(organization: Organization, until: float) -> bool:
    """All rows of tenant tables, those first that point at others; False where the time was over before."""
    for model in _children_first():
        rows = model._base_manager.filter(organization=organization)
        while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
            if time.monotonic() >= until:
                return False
            with small_transaction():
                model._base_manager.filter(pk__in=batch).delete()
    return True


def _delete_itself(organization: Organization) -> bool:
    with transaction.atomic():
        fresh = Organization.objects.select_for_update().filter(pk=organization.pk).first()
        if fresh is None:
            return False
        record("organization.deleted", obj=fresh, organization=fresh)
        fresh.delete()
    return True


def _children_first() -> Iterator[type[TenantModel]]:
    """Every tenant table, after all those that point at it: then no batch drags others along."""
    waiting = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    while waiting:
        targets = {target for model in waiting for target in _targets(model)}
        free = [model for model in waiting if model not in targets] or waiting[:1]
        yield from free
        waiting = [model for model in waiting if model not in free]


def _targets(model: type[Model]) -> set[Any]:
    """The models that this one points at, itself aside."""
    return {field.related_model for field in model._meta.fields if field.related_model} - {model}
