"""Verbs of a sync's life: request, run, reap, schedule; triage of what was not recognised.

A request is a row; the message to a worker is only a hint. Whoever runs a snapshot claims it by compare-and-swap and
holds it by a lease; `reap_stuck_snapshots` gives back what a dead worker held.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from structlog.contextvars import bound_contextvars

from accounts.audit.services import record
from accounts.models import Organization, User
from common.text import gettext_noop
from common.transactions import give_way
from inventory import services as inventory
from inventory.models import Resource, TypeMapping
from providers import scheduling
from providers import services as providers
from providers.contract.errors import ProviderError, ProviderUnavailable, UnexpectedResponse
from providers.contract.plugin import Period, PluginContext
from providers.contract.records import AccountRecord, ResourceType
from providers.contract.trace import ReadingTrace
from providers.models import ConnectionStatus, ProviderConnection
from providers.registry import plugin_class
from syncs import announcements
from syncs.engine import deliveries, persist, pipeline, traces
from syncs.engine.collect import Collected, collect
from syncs.engine.drafts import batched
from syncs.engine.grouping import Grouping
from syncs.engine.lease import LEASE, Lease, LeaseLost
from syncs.engine.records import AMOUNT_QUANTUM, Action
from syncs.engine.spool import Spool
from syncs.models import (
    ACTIVE,
    BillingFile,
    BillingFileStatus,
    MonthBill,
    Phase,
    ResourceState,
    SnapshotTotal,
    SyncSnapshot,
    SyncStatus,
    SyncTrigger,
    UnrecognizedResource,
)

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

MAX_ATTEMPTS = 3
"""How often a snapshot is tried when the provider is not available, or when its worker dies."""

AFTER_SYNC_PATIENCE = timedelta(minutes=5)
"""How long what follows a sync may take before it counts as interrupted."""

FIRST_PERIOD = timedelta(days=90)
"""How far back the first sync of a connection asks."""

LATE_CHARGES = timedelta(days=5)
"""How long after its end a billing period may still get lines."""


class SyncNotPossible(Exception):
    """A request that cannot be taken; the text is one sentence for the user (an English msgid)."""


def request_sync(
    *,
    connection: ProviderConnection,
    trigger: SyncTrigger,
    now: datetime,
    requested_by: User | None = None,
    billing_file: BillingFile | None = None,
    is_part: bool = False,
) -> tuple[SyncSnapshot, bool]:
    """Queue a sync of the connection, or join the one that is active; returns it and whether it was joined.

    A request that is not scheduled also ends a series of failures that stopped the automatic syncs. One of a person is
    recorded; `is_part` of a complete sync, that one was.
    Raises SyncNotPossible for a connection that is switched off, that reads files when none is given, or whose
    organization is about to be deleted.
    """
    refuse_leaving(connection.organization)
    if not connection.is_active:
        raise SyncNotPossible(gettext_noop("This connection is switched off. Switch it on to sync it."))
    if plugin_class(connection.provider_type).capabilities.reads_files and billing_file is None:
        raise SyncNotPossible(gettext_noop("This connection reads files: upload one to bring it up to date."))
    if trigger != SyncTrigger.SCHEDULED and connection.is_given_up:
        scheduling.try_again(connection=connection, now=now)
    while True:
        try:
            with transaction.atomic():
                snapshot = SyncSnapshot.objects.create(
                    organization_id=connection.organization_id,
                    connection=connection,
                    trigger=trigger,
                    requested_by=requested_by,
                    billing_file=billing_file,
                    requested_at=now,
                )
                if requested_by and not is_part:
                    record("sync.requested", obj=connection, actor=requested_by, details=_told(snapshot))
        except IntegrityError:
            if not ProviderConnection.objects.filter(pk=connection.pk).exists():
                raise
            joined = SyncSnapshot.objects.filter(connection=connection).active().first()
            if joined is None:
                continue  # it ended in between: there is room now
            if billing_file is not None:
                raise SyncNotPossible(
                    gettext_noop(
                        "Another file is being imported into this connection. Try again when it is done."
                    )
                ) from None
            return joined, True
        return snapshot, False


def refuse_leaving(organization: Organization) -> None:
    """Nothing is read any more for an organization in its grace; raises SyncNotPossible."""
    if organization.is_leaving:
        raise SyncNotPossible(
            gettext_noop("This organization is about to be deleted: nothing is synced any more.")
        )


def run_snapshot(*, snapshot_id: int, now: datetime) -> SyncStatus | None:
    """Run a queued snapshot once; a second delivery of the same id changes nothing.

    One that waits because the provider said for how long is not taken before that time.
    `now` becomes the snapshot's `observed_at`. Returns how it ended, None when another worker has it or it has
    ended. Raises ProviderUnavailable when the provider could not be reached and the snapshot waits for its next try.
    """
    token = Lease.new_token()
    ready = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=timezone.now())
    claimed = SyncSnapshot.objects.filter(ready, pk=snapshot_id, status=SyncStatus.QUEUED).update(
        status=SyncStatus.RUNNING,
        lease_token=token,
        lease_expires_at=timezone.now() + LEASE,
        started_at=now,
        observed_at=now,
        attempt=F("attempt") + 1,
        phase=Phase.COLLECT,
        progress={},
    )
    if not claimed:
        return None
    snapshot = SyncSnapshot.objects.select_related("connection", "billing_file").get(pk=snapshot_id)
    lease = Lease(snapshot, token)
    with bound_contextvars(
        sync_id=snapshot.pk, connection_id=snapshot.connection_id, organization_id=snapshot.organization_id
    ):
        try:
            return _run(snapshot, lease, now)
        except LeaseLost:
            logger.warning("sync %s lost its lease and stopped", snapshot.pk)
            return None


def _run(snapshot: SyncSnapshot, lease: Lease, now: datetime) -> SyncStatus:
    connection = snapshot.connection
    trace = ReadingTrace()
    try:
        _refuse_past(connection, now)
        plugin_type = plugin_class(connection.provider_type)
        grouping = Grouping(plugin=plugin_type, mappings=type_mappings(connection.provider_type))
        plugin = plugin_type(_context(snapshot, lease, trace, now))
        with Spool() as spool:
            collected = collect(
                plugin,
                spool=spool,
                grouping=grouping,
                charge_period=_charge_period(connection, now),
                usage_period=_usage_period(connection, now),
                on_progress=lambda found: lease.report(phase=Phase.COLLECT, found=found),
            )
            result = pipeline.process(
                snapshot=snapshot,
                plugin=plugin,
                grouping=grouping,
                collected=collected,
                spool=spool,
                lease=lease,
            )
            inventory.store_usage(
                connection=connection,
                usage=pipeline.usage_records(spool),
                now=now,
                on_batch=lease.report,
            )
        _publish(snapshot, lease, result, collected, trace, now)
    except LeaseLost:
        raise
    except ProviderUnavailable as error:
        if snapshot.attempt < MAX_ATTEMPTS:
            _requeue(snapshot, lease, error, trace)
            raise
        return _fail(snapshot, lease, error, trace, now)
    except ProviderError as error:
        return _fail(snapshot, lease, error, trace, now)
    except Exception:
        logger.exception("sync %s of connection %s broke", snapshot.pk, connection.pk)
        broken = UnexpectedResponse(
            gettext_noop(
                "The sync stopped at an error of ours. Data is unchanged; details are logged (code %(code)s)."
            ),
            provider=connection.provider_type,
            operation="sync",
            params={"code": snapshot.pk},
        )
        return _fail(snapshot, lease, broken, trace, now)
    snapshot.refresh_from_db()
    after_sync(snapshot=snapshot, now=now)
    return SyncStatus(snapshot.status)


def type_mappings(provider_type: str) -> dict[str, ResourceType]:
    """The administrators' mapping table of one provider."""
    rows = TypeMapping.objects.filter(provider_type=provider_type).values_list("native_type", "resource_type")
    return {native: ResourceType(kind) for native, kind in rows}


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """Tell the apps above, in the order of `settings.AFTER_SYNC`; a failure is kept on the snapshot and retried.

    Each is called with `snapshot` and `now`, must be idempotent, and must be able to rebuild what it derives.
    """
    failures: dict[str, str] = {}
    for path in ("syncs.services.refresh_provider_tags", *settings.AFTER_SYNC):
        try:
            import_string(path)(snapshot=snapshot, now=now)
        except Exception as error:
            logger.exception("%s failed after sync %s", path, snapshot.pk)
            failures[path] = type(error).__name__
    SyncSnapshot.objects.filter(pk=snapshot.pk).update(
        after_sync_errors=failures, after_sync_at=None if failures else now
    )


def retry_after_sync(*, now: datetime) -> int:
    """Do again what failed after a sync, or what a killed worker did not come to; returns how many snapshots."""
    left_over = SyncSnapshot.objects.finished().filter(
        after_sync_at__isnull=True, finished_at__lt=now - AFTER_SYNC_PATIENCE
    )
    snapshots = list(left_over.select_related("connection").order_by("observed_at"))
    for snapshot in snapshots:
        after_sync(snapshot=snapshot, now=now)
    return len(snapshots)


def refresh_provider_tags(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """Bring the tag table in line with the states that this snapshot opened; people's tags are left alone.

    A state that a later snapshot closed says nothing any more: done again late, it must not bring old tags back.
    """
    states = ResourceState.objects.open().filter(opened_by=snapshot).values_list("resource_id", "tags")
    for batch in batched(states.iterator(2000)):
        inventory.replace_provider_tags(organization_id=snapshot.organization_id, tags=dict(batch))


def reap_stuck_snapshots(*, now: datetime) -> list[int]:
    """End what a dead worker left running, and hand out again what nobody picked up; returns the ids to run.

    A running snapshot whose lease is over is queued again (its drafts removed) until its attempts are used up.
    """
    expired = SyncSnapshot.objects.filter(status=SyncStatus.RUNNING, lease_expires_at__lt=now)
    for snapshot in expired.select_related("connection"):
        taken = SyncSnapshot.objects.filter(
            pk=snapshot.pk,
            status=SyncStatus.RUNNING,
            lease_token=snapshot.lease_token,
            lease_expires_at__lt=now,
        ).update(lease_token="", lease_expires_at=now + LEASE)
        if not taken:
            continue
        persist.discard(snapshot)
        if snapshot.attempt < MAX_ATTEMPTS:
            SyncSnapshot.objects.filter(pk=snapshot.pk).update(
                status=SyncStatus.QUEUED, lease_expires_at=None, requested_at=now, phase="", progress={}
            )
        else:
            lost = ProviderUnavailable(
                gettext_noop("The worker stopped in the middle %(attempts)s times. Data is unchanged."),
                provider=snapshot.connection.provider_type,
                operation="sync",
                params={"attempts": MAX_ATTEMPTS},
            )
            _close_failed(snapshot, lost, now)
    return list(
        SyncSnapshot.objects.filter(status=SyncStatus.QUEUED)
        .filter(Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=now))
        .order_by("requested_at")
        .values_list("pk", flat=True)
    )


def request_due_syncs(*, now: datetime) -> list[int]:
    """Queue a sync for every connection whose time has come; returns the ids of the new snapshots.

    Organizations take turns, so that one with many connections does not keep the others waiting. However many times
    were missed, one sync catches up. Of two that look at the same moment, one moves a connection's time and goes on.
    """
    queued = []
    due = ProviderConnection.objects.due(now).order_by("next_sync_at", "pk")
    for connection in in_turns(due, lambda connection: connection.organization_id):
        if not scheduling.schedule_next_sync(connection=connection, now=now):
            continue
        try:
            snapshot, joined = request_sync(connection=connection, trigger=SyncTrigger.SCHEDULED, now=now)
        except SyncNotPossible:
            continue
        if not joined:
            queued.append(snapshot.pk)
    return queued


def in_turns(items: Iterable[Item], owner: Callable[[Item], Hashable]) -> list[Item]:
    """One item of each owner, then the second of each, and so on; each owner's items keep their order."""
    by_owner: dict[Hashable, list[Item]] = {}
    for item in items:
        by_owner.setdefault(owner(item), []).append(item)
    rounds = zip_longest(*by_owner.values())
    return [item for one_of_each in rounds for item in one_of_each if item is not None]


def map_unrecognized_type(
    *,
    provider_type: str,
    native_type: str,
    resource_type: str,
    by: User | None,
    at: datetime,
    notes: str = "",
) -> int:
    """Teach a type in one action: the next sync knows it, present resources are re-typed, open records resolve.

    Re-typing opens no state: the type is not part of a resource's form. What groups by type is told, in the order of
    `settings.AFTER_RETYPING`. Returns how many records were resolved.
    """
    with transaction.atomic():
        known = TypeMapping.objects.filter(provider_type=provider_type, native_type=native_type)
        before = known.values_list("resource_type", flat=True).first()
        mapping, _made = TypeMapping.objects.update_or_create(
            provider_type=provider_type,
            native_type=native_type,
            defaults={"resource_type": resource_type, "created_by": by, "notes": notes},
        )
        Resource.objects.filter(connection__provider_type=provider_type, native_type=native_type).update(
            resource_type=resource_type
        )
        resolved = UnrecognizedResource.objects.filter(
            provider_type=provider_type, native_type=native_type, resolved_at__isnull=True
        ).update(resolved_at=at, resolved_by=by, mapped_to=resource_type, notes=notes)
        record(
            "type.mapped",
            obj=mapping,
            actor=by,
            changes={"resource_type": [before, resource_type]},
            details={"resolved": resolved, "notes": notes},
        )
    for path in settings.AFTER_RETYPING:
        import_string(path)(provider_type=provider_type, native_type=native_type)
    return resolved


def resolve_unrecognized(
    *, resources: QuerySet[UnrecognizedResource], by: User | None, at: datetime, notes: str = ""
) -> int:
    """Close triage records without teaching a type; returns how many were open."""
    with transaction.atomic():
        count = resources.filter(resolved_at__isnull=True).update(resolved_at=at, resolved_by=by, notes=notes)
        if count:
            record("unrecognized.resolved", actor=by, details={"count": count, "notes": notes})
    return count


def _told(snapshot: SyncSnapshot) -> dict[str, Any]:
    """What the audit trail says of a sync that somebody asked for."""
    name = snapshot.billing_file.name if snapshot.billing_file else None
    return {"sync": snapshot.pk, **({"file": name} if name else {})}


def _refuse_past(connection: ProviderConnection, now: datetime) -> None:
    current = SyncSnapshot.objects.filter(connection=connection, is_current=True).first()
    if current is not None and current.observed_at is not None and now <= current.observed_at:
        raise UnexpectedResponse(
            gettext_noop(
                "The clock stands before the latest snapshot (%(moment)s). Check this machine's time."
            ),
            provider=connection.provider_type,
            operation="sync",
            params={"moment": current.observed_at.isoformat()},
        )


def _context(snapshot: SyncSnapshot, lease: Lease, trace: ReadingTrace, now: datetime) -> PluginContext:
    source = snapshot.billing_file
    return providers.plugin_context(
        snapshot.connection,
        now=now,
        on_wait=lease.waiting,
        trace=trace,
        source=Path(source.file.path) if source else None,
        source_name=source.name if source else "",
        options={"skip_bad_rows": "1"} if source and source.skip_bad_rows else {},
    )


def _usage_period(connection: ProviderConnection, now: datetime) -> Period:
    """From the hour of the latest snapshot on, so that no hour is left half read; at most what summaries are made of."""
    start = max(_read_until(connection, now), now - timedelta(days=inventory.SUMMARY_DAYS))
    return Period(start=start.replace(minute=0, second=0, microsecond=0), end=now)


def _charge_period(connection: ProviderConnection, now: datetime) -> Period:
    """Whole billing periods, from the latest delivery on: a delivery replaces its period as a whole.

    For some days after its end a month, or a day, is read once more, because its last lines come late.
    """
    plugin = plugin_class(connection.provider_type)
    if plugin.capabilities.reads_files:  # a file says itself which months it is about
        return Period(start=datetime.min.replace(tzinfo=UTC), end=datetime.max.replace(tzinfo=UTC))
    zone = ZoneInfo(plugin.billing_timezone)
    first = (_bill_read_until(connection, now) - LATE_CHARGES).astimezone(zone)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight if plugin.delivers_by_day else midnight.replace(day=1)
    return Period(start=start.astimezone(UTC), end=now)


def _bill_read_until(connection: ProviderConnection, now: datetime) -> datetime:
    """Up to when the bill is known: it may have failed for days while the lists went on being read.

    An account of which the bill says nothing new is not asked for more than a first period before its latest snapshot.
    """
    current = SyncSnapshot.objects.filter(connection=connection, is_current=True).first()
    if current is None or current.observed_at is None:
        return now - FIRST_PERIOD
    oldest = current.observed_at - FIRST_PERIOD
    return max(deliveries.latest_reading(connection.pk) or oldest, oldest)


def _read_until(connection: ProviderConnection, now: datetime) -> datetime:
    current = SyncSnapshot.objects.filter(connection=connection, is_current=True).first()
    return current.observed_at if current and current.observed_at else now - FIRST_PERIOD


def _publish(
    snapshot: SyncSnapshot,
    lease: Lease,
    result: pipeline.Result,
    collected: Collected,
    trace: ReadingTrace,
    now: datetime,
) -> None:
    """The one small transaction: drafts become visible, the snapshot ends, the connection learns of it."""
    status = SyncStatus.SUCCESS if result.is_complete else SyncStatus.PARTIAL
    tally = result.tally
    give_way()
    with transaction.atomic():
        SyncSnapshot.objects.filter(connection_id=snapshot.connection_id, is_current=True).update(
            is_current=False
        )
        held = SyncSnapshot.objects.filter(
            pk=snapshot.pk, status=SyncStatus.RUNNING, lease_token=lease.token
        ).update(
            status=status,
            is_current=True,
            finished_at=_finished_at(now),
            lease_token="",
            lease_expires_at=None,
            phase="",
            progress={},
            created_count=result.counts[Action.CREATED] + result.counts[Action.RETURNED],
            updated_count=result.counts[Action.UPDATED],
            unchanged_count=result.counts[Action.UNCHANGED],
            deleted_count=tally.deleted_count,
            stale_count=tally.stale_count,
            resource_count=tally.resource_count,
            unrecognized_count=tally.unrecognized_count,
            breakdown={"by_type": tally.by_type, "by_status": tally.by_status},
            findings=[asdict(finding) for finding in result.findings],
            error={},
            timings=result.timings,
        )
        if not held:
            raise LeaseLost
        SnapshotTotal.objects.bulk_create(result.totals)
        _keep_month_bills(snapshot, collected.account, now)
        traces.keep(snapshot, trace.figures())
        persist.publish_drafts(snapshot)
        deliveries.publish(snapshot)
        persist.retype(result.retyped)
        if tally.unrecognized_count:
            _heal(snapshot, _finished_at(now))
        if snapshot.billing_file_id:
            BillingFile.objects.filter(pk=snapshot.billing_file_id).update(status=BillingFileStatus.IMPORTED)
        scheduling.record_sync_result(
            connection=snapshot.connection,
            status=ConnectionStatus(status.value),
            at=now,
            error={},
            account=collected.account,
        )


def _keep_month_bills(snapshot: SyncSnapshot, account: AccountRecord | None, now: datetime) -> None:
    """What the provider reports of a month, the latest reading of each."""
    MonthBill.objects.bulk_create(
        [
            MonthBill(
                organization_id=snapshot.organization_id,
                connection_id=snapshot.connection_id,
                month=total.month,
                currency=total.currency,
                amount=total.amount.quantize(AMOUNT_QUANTUM),
                leaves_out=list(total.leaves_out),
                read_at=now,
            )
            for total in (account.month_totals if account else ())
        ],
        update_conflicts=True,
        unique_fields=["connection", "month", "currency"],
        update_fields=["amount", "leaves_out", "read_at"],
    )


def _heal(snapshot: SyncSnapshot, at: datetime) -> None:
    """Resolve what this sync recorded of types that somebody mapped while it was reading."""
    records = UnrecognizedResource.objects.filter(snapshot=snapshot, resolved_at__isnull=True)
    taught = TypeMapping.objects.filter(
        provider_type=snapshot.connection.provider_type, native_type__in=records.values("native_type")
    )
    for mapping in list(taught):
        Resource.objects.filter(connection_id=snapshot.connection_id, native_type=mapping.native_type).update(
            resource_type=mapping.resource_type
        )
        records.filter(native_type=mapping.native_type).update(
            resolved_at=at,
            resolved_by=mapping.created_by_id,
            mapped_to=mapping.resource_type,
            notes=mapping.notes,
        )


def _finished_at(now: datetime) -> datetime:
    """The real clock, unless the sync stands for another time (a replay)."""
    real = timezone.now()
    return real if now <= real < now + timedelta(hours=12) else now


def _requeue(snapshot: SyncSnapshot, lease: Lease, error: ProviderUnavailable, trace: ReadingTrace) -> None:
    _hold(snapshot, lease)
    persist.discard(snapshot)
    with transaction.atomic():
        held = SyncSnapshot.objects.filter(
            pk=snapshot.pk, status=SyncStatus.RUNNING, lease_token=lease.token
        ).update(
            status=SyncStatus.QUEUED,
            lease_token="",
            lease_expires_at=timezone.now() + timedelta(seconds=error.retry_after or 0),
            error=_error_fields(error),
            phase="",
            progress={},
        )
        if held:
            traces.keep_attempt(snapshot, trace.figures(), error=_error_fields(error))


def _fail(
    snapshot: SyncSnapshot, lease: Lease, error: ProviderError, trace: ReadingTrace, now: datetime
) -> SyncStatus:
    _hold(snapshot, lease)
    persist.discard(snapshot)
    _close_failed(snapshot, error, now, trace)
    return SyncStatus.ERROR


def _hold(snapshot: SyncSnapshot, lease: Lease) -> None:
    """Renew the lease before drafts are removed: they may be another worker's by now."""
    held = SyncSnapshot.objects.filter(
        pk=snapshot.pk, status=SyncStatus.RUNNING, lease_token=lease.token
    ).update(lease_expires_at=timezone.now() + LEASE)
    if not held:
        raise LeaseLost


def _close_failed(
    snapshot: SyncSnapshot, error: ProviderError, now: datetime, trace: ReadingTrace | None = None
) -> None:
    """`trace` is None where the worker that had it is dead."""
    with transaction.atomic():
        ended = SyncSnapshot.objects.filter(pk=snapshot.pk, status__in=ACTIVE).update(
            status=SyncStatus.ERROR,
            error=_error_fields(error),
            finished_at=_finished_at(now),
            lease_token="",
            lease_expires_at=None,
            phase="",
            progress={},
        )
        if ended and trace is not None:
            traces.keep(snapshot, trace.figures())
        scheduling.record_sync_result(
            connection=snapshot.connection,
            status=ConnectionStatus.ERROR,
            at=now,
            error=_error_fields(error),
            account=None,
        )
        if ended:
            announcements.sync_failed(snapshot=snapshot, error=_error_fields(error), now=now)


def _error_fields(error: ProviderError) -> Mapping[str, Any]:
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "params": error.params,
        "operation": error.operation,
    }
    for name in ("line", "column", "retry_after"):
        if getattr(error, name, None) is not None:
            fields[name] = getattr(error, name)
    return fields
