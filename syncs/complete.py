"""Verbs of a complete sync: one run over all connections of an organization that are synced automatically.

The rows are the truth, a message to a worker is only a hint. Whoever sees a child end calls `advance_after`; whoever
finds a complete sync that nobody advanced (its worker was killed) calls `advance_all`. Both lead to one function, which
works under the lock of the parent's row and changes nothing the second time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils.module_loading import import_string

from accounts.audit.services import record
from accounts.models import Organization, User
from common.text import gettext_noop
from providers import registry, scheduling
from providers.models import ProviderConnection, ProviderConnectionQuerySet
from syncs.models import (
    ACTIVE,
    FINISHED,
    CompleteSync,
    CompleteSyncMode,
    ProviderSyncReference,
    SnapshotTotal,
    SyncSnapshot,
    SyncStatus,
    SyncTrigger,
)
from syncs.services import SyncNotPossible, refuse_leaving, request_sync

logger = logging.getLogger(__name__)

NIGHT_HOUR = 3
"""Local hour within which an organization's daily complete sync begins, spread over its minutes."""

TELLING_PATIENCE = timedelta(minutes=5)
"""How long telling of a result may take before it counts as interrupted."""


def request_complete_sync(
    *,
    organization: Organization,
    trigger: SyncTrigger,
    now: datetime,
    requested_by: User | None = None,
    scheduled_date: date | None = None,
) -> tuple[CompleteSync, bool]:
    """Queue a complete sync, or join the one that is active; returns it and whether it was joined.

    A scheduled one leaves out connections that are not tried any more by themselves. Raises SyncNotPossible where no
    connection is left, for a `scheduled_date` that had its complete sync, and for an organization that is to go.
    """
    refuse_leaving(organization)
    while True:
        connections = list(_connections(organization, trigger))
        if not connections:
            raise SyncNotPossible(
                gettext_noop(
                    "No connection is synced automatically. Switch automatic sync on, or update connections one by one."
                )
            )
        try:
            with transaction.atomic():
                complete = CompleteSync.objects.create(
                    organization=organization,
                    trigger=trigger,
                    mode=_mode(),
                    requested_by=requested_by,
                    requested_at=now,
                    scheduled_date=scheduled_date,
                )
                ProviderSyncReference.objects.bulk_create(
                    ProviderSyncReference(
                        organization=organization,
                        complete_sync=complete,
                        connection=connection,
                        position=position,
                    )
                    for position, connection in enumerate(connections, start=1)
                )
                if requested_by:
                    record("complete_sync.requested", obj=complete, actor=requested_by)
        except IntegrityError:
            joined = CompleteSync.objects.of(organization).active().first()
            if joined is not None:
                return joined, True
            if scheduled_date and CompleteSync.objects.of(organization).filter(scheduled_date=scheduled_date):
                raise SyncNotPossible(gettext_noop("This day had its complete sync.")) from None
            continue  # it ended in between, or a connection was deleted: once more
        return complete, False


def retry_failed(
    *, complete_sync: CompleteSync, trigger: SyncTrigger, now: datetime, requested_by: User | None = None
) -> tuple[CompleteSync, bool]:
    """Open the latest complete sync again for the connections that failed; the others keep their result.

    Its times are then those of the retry. Returns it and whether it was active already. Raises SyncNotPossible where
    nothing failed or a later one exists.
    """
    with transaction.atomic():
        complete = CompleteSync.objects.select_for_update().get(pk=complete_sync.pk)
        if complete.is_active:
            return complete, True
        later = CompleteSync.objects.filter(organization_id=complete.organization_id, pk__gt=complete.pk)
        if later.exists():
            raise SyncNotPossible(
                gettext_noop("There is a later complete sync. Retry that one, or start a new one.")
            )
        failed = complete.references.filter(status=SyncStatus.ERROR)
        if not failed.update(status=SyncStatus.QUEUED, snapshot=None, error={}):
            raise SyncNotPossible(gettext_noop("No connection failed in this complete sync."))
        complete.status = SyncStatus.QUEUED
        complete.trigger = trigger
        complete.requested_by = requested_by
        complete.started_at = complete.finished_at = complete.told_at = None
        complete.save(
            update_fields=["status", "trigger", "requested_by", "started_at", "finished_at", "told_at"]
        )
        if requested_by:
            record("complete_sync.retried", obj=complete, actor=requested_by)
    return complete, False


def advance_complete_sync(*, complete_sync_id: int, now: datetime) -> list[int]:
    """Take over what ended, begin what may begin, end what is done; returns the ids of snapshots to run.

    May be called at any time, by anybody, twice and beside itself.
    """
    with transaction.atomic():
        complete = CompleteSync.objects.select_for_update().active().filter(pk=complete_sync_id).first()
        if complete is None:
            return []
        _take_over_ended(complete)
        to_run = _begin_next(complete, now)
        has_ended = _end(complete, now)
    if has_ended:
        after_complete_sync(complete_sync=complete, now=now)
    return to_run


def advance_after(*, snapshot_id: int, now: datetime) -> list[int]:
    """Advance the complete sync that a snapshot belongs to, if it waits for it; returns the ids of snapshots to run."""
    parents = ProviderSyncReference.objects.filter(
        snapshot_id=snapshot_id, status=SyncStatus.RUNNING
    ).values_list("complete_sync_id", flat=True)
    return _advanced(list(parents), now)


def advance_all(*, now: datetime) -> list[int]:
    """Advance every active complete sync: what a dead worker or a lost message left; returns the ids to run."""
    return _advanced(list(CompleteSync.objects.active().order_by("pk").values_list("pk", flat=True)), now)


def request_due_complete_syncs(*, now: datetime) -> list[int]:
    """Queue the daily complete sync of every organization whose local night has come; returns their ids.

    A night that was missed is caught up once, later on the same day. Connections that were made since that night do
    not make a day's complete sync due: they have just been read.
    """
    begun = []
    for organization in Organization.objects.filter(
        pk__in=_automatic(ProviderConnection.objects.all()).values("organization")
    ).order_by("pk"):
        local = now.astimezone(ZoneInfo(organization.time_zone))
        night = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
        night += timedelta(hours=1) * scheduling.steady_share(f"organization {organization.pk}")
        if local < night or _had_its_day(organization, local.date()):
            continue
        if not _connections(organization, SyncTrigger.SCHEDULED).filter(created_at__lt=night).exists():
            continue
        try:
            complete, joined = request_complete_sync(
                organization=organization,
                trigger=SyncTrigger.SCHEDULED,
                now=now,
                scheduled_date=local.date(),
            )
        except SyncNotPossible:
            continue
        if joined:  # somebody's own, tonight: that one is the day's
            CompleteSync.objects.filter(pk=complete.pk, scheduled_date__isnull=True).update(
                scheduled_date=local.date()
            )
        else:
            begun.append(complete.pk)
    return begun


def after_complete_sync(*, complete_sync: CompleteSync, now: datetime) -> None:
    """Tell the apps above, in the order of `settings.AFTER_COMPLETE_SYNC`; a failure is kept on the row and retried.

    Each is called with `complete_sync` and `now`, and must be idempotent.
    """
    failures: dict[str, str] = {}
    for path in settings.AFTER_COMPLETE_SYNC:
        try:
            import_string(path)(complete_sync=complete_sync, now=now)
        except Exception as error:
            logger.exception("%s failed after complete sync %s", path, complete_sync.pk)
            failures[path] = type(error).__name__
    CompleteSync.objects.ended().filter(pk=complete_sync.pk).update(
        telling_errors=failures, told_at=None if failures else now
    )


def retry_telling(*, now: datetime) -> int:
    """Tell again what failed, or what a killed worker did not come to; returns how many complete syncs."""
    untold = CompleteSync.objects.ended().filter(told_at__isnull=True, finished_at__lt=now - TELLING_PATIENCE)
    left_over = list(untold.order_by("finished_at"))
    for complete in left_over:
        after_complete_sync(complete_sync=complete, now=now)
    return len(left_over)


def _mode() -> CompleteSyncMode:
    return CompleteSyncMode.PARALLEL if settings.COMPLETE_SYNC_PARALLEL else CompleteSyncMode.SEQUENTIAL


def _automatic(connections: ProviderConnectionQuerySet) -> ProviderConnectionQuerySet:
    files = [key for key, plugin in registry.plugins().items() if plugin.capabilities.reads_files]
    return connections.filter(is_active=True, auto_sync=True, organization__deletion_at__isnull=True).exclude(
        provider_type__in=files
    )


def _connections(organization: Organization, trigger: SyncTrigger) -> ProviderConnectionQuerySet:
    found = _automatic(ProviderConnection.objects.of(organization)).order_by("created_at", "pk")
    if trigger == SyncTrigger.SCHEDULED:
        failures = scheduling.failures_until_stop()
        found = found.of_enabled_types().filter(consecutive_failures__lt=failures)
    return found


def _had_its_day(organization: Organization, day: date) -> bool:
    return CompleteSync.objects.of(organization).filter(scheduled_date=day).exists()


def _advanced(complete_sync_ids: Iterable[int], now: datetime) -> list[int]:
    return [
        snapshot_id
        for pk in complete_sync_ids
        for snapshot_id in advance_complete_sync(complete_sync_id=pk, now=now)
    ]


def _take_over_ended(complete: CompleteSync) -> None:
    """One guarded UPDATE: a child's end is taken over once, whoever sees it."""
    running = complete.references.filter(status=SyncStatus.RUNNING)
    running.filter(snapshot__status__in=(*FINISHED, SyncStatus.ERROR)).update(
        status=Subquery(SyncSnapshot.objects.filter(pk=OuterRef("snapshot_id")).values("status")[:1])
    )
    running.filter(snapshot__isnull=True).update(status=SyncStatus.QUEUED)  # its snapshot was deleted


def _begin_next(complete: CompleteSync, now: datetime) -> list[int]:
    """The next connection's sync once the one before has ended, in parallel mode all of them.

    A sync that runs already is joined; one that still queues is handed out once more, before what is not so urgent.
    """
    is_busy = complete.references.filter(status=SyncStatus.RUNNING).exists()
    waiting = complete.references.filter(status=SyncStatus.QUEUED)
    to_run = []
    for reference in waiting.select_related("connection__organization").order_by("position"):
        if is_busy and complete.mode == CompleteSyncMode.SEQUENTIAL:
            break
        own = complete.references.filter(pk=reference.pk, status=SyncStatus.QUEUED)
        try:
            snapshot, _joined = request_sync(
                connection=reference.connection,
                trigger=SyncTrigger(complete.trigger),
                now=now,
                requested_by=complete.requested_by,
                is_part=True,
            )
        except SyncNotPossible as error:
            reason = {"code": "sync_not_possible", "message": str(error), "params": {}}
            own.update(status=SyncStatus.ERROR, error=reason, attempt=F("attempt") + 1)
            continue
        own.update(status=SyncStatus.RUNNING, snapshot=snapshot, attempt=F("attempt") + 1)
        is_busy = True
        if snapshot.status == SyncStatus.QUEUED:
            to_run.append(snapshot.pk)
    if is_busy and complete.status == SyncStatus.QUEUED:
        CompleteSync.objects.filter(pk=complete.pk, status=SyncStatus.QUEUED).update(
            status=SyncStatus.RUNNING, started_at=complete.started_at or now
        )
    return to_run


def _end(complete: CompleteSync, now: datetime) -> bool:
    """End it once no connection waits or runs; returns whether this call did."""
    statuses = list(complete.references.values_list("status", flat=True))
    if any(status in ACTIVE for status in statuses):
        return False
    read = SyncSnapshot.objects.filter(
        complete_references__complete_sync=complete, complete_references__status__in=FINISHED
    )
    costs: dict[str, Decimal] = {}
    for currency, amount in SnapshotTotal.objects.filter(snapshot__in=read).values_list(
        "currency", "resources_daily_cost"
    ):
        costs[currency] = costs.get(currency, Decimal(0)) + amount
    ended = (
        CompleteSync.objects.active()
        .filter(pk=complete.pk)
        .update(
            status=_result(statuses),
            finished_at=now,
            resource_count=sum(read.values_list("resource_count", flat=True)),
            daily_costs={currency: str(amount) for currency, amount in sorted(costs.items())},
        )
    )
    complete.refresh_from_db()
    return bool(ended)


def _result(statuses: list[str]) -> SyncStatus:
    if all(status == SyncStatus.SUCCESS for status in statuses):
        return SyncStatus.SUCCESS
    return SyncStatus.ERROR if all(status == SyncStatus.ERROR for status in statuses) else SyncStatus.PARTIAL
