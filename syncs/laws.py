"""What must always be so of snapshots, states and lines: one place for `doctor` and for the tests.

A law yields one sentence for each row that breaks it; a database in which all is well yields nothing. Laws that need
costs stand in `costs.laws`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from inventory.models import MetricPoint, Resource, ResourceNote, SoftwareComponent, Tag, UsageSummary
from syncs.engine.records import AMOUNT_QUANTUM
from syncs.models import (
    ACTIVE,
    FINISHED,
    BillingFile,
    ChargeBatch,
    ChargeLine,
    CompleteSync,
    MonthBill,
    PendingClosure,
    ProviderSyncReference,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncStatus,
    SyncTrace,
    UnrecognizedResource,
)


@dataclass(frozen=True, slots=True)
class Law:
    """`broken` yields one English sentence for each violation."""

    name: str
    broken: Callable[[], Iterable[str]]


def conservation() -> Iterator[str]:
    """A snapshot's sum of resources is the sum of the states as of it; billed less that is what is not explained."""
    for snapshot in SyncSnapshot.objects.finished().iterator(500):
        assert snapshot.observed_at is not None
        states = ResourceState.objects.filter(connection_id=snapshot.connection_id).as_of(
            snapshot.observed_at
        )
        count = states.count()
        if count != snapshot.resource_count:
            yield f"Snapshot {snapshot.pk} counts {snapshot.resource_count} resources; {count} states hold then."
        sums = {
            row["currency"]: row["total"].quantize(AMOUNT_QUANTUM)  # SQLite adds binary numbers
            for row in states.filter(daily_cost__isnull=False)
            .values("currency")
            .annotate(total=Sum("daily_cost"))
        }
        totals = {total.currency: total for total in SnapshotTotal.objects.filter(snapshot=snapshot)}
        for currency in sorted(sums.keys() | totals.keys()):
            own = sums.get(currency, Decimal(0))
            told = totals[currency].resources_daily_cost if currency in totals else Decimal(0)
            if own != told:
                yield f"Snapshot {snapshot.pk}: states add up to {own} {currency} a day, its total says {told}."
    for total in SnapshotTotal.objects.exclude(
        unexplained_daily_cost=F("billed_daily_cost") - F("resources_daily_cost")
    ):
        difference = total.billed_daily_cost - total.resources_daily_cost
        if difference != total.unexplained_daily_cost:  # SQLite compares amounts as binary numbers
            yield f"Total {total.pk}: {difference} is not explained, not {total.unexplained_daily_cost}."


def no_overlap() -> Iterator[str]:
    """Two states of one resource never hold at once."""
    published = ResourceState.objects.filter(opened_at__isnull=False)
    later = published.filter(resource=OuterRef("resource"), opened_at__gte=OuterRef("opened_at")).exclude(
        pk=OuterRef("pk")
    )
    overlapping = published.filter(
        Q(closed_at__isnull=True) & Exists(later)
        | Q(closed_at__isnull=False) & Exists(later.filter(opened_at__lt=OuterRef("closed_at")))
    )
    for pk, resource in overlapping.values_list("pk", "resource_id"):
        yield f"State {pk} of resource {resource} goes on while another one holds."


def no_gap() -> Iterator[str]:
    """A changed form begins where the one before ends; a first one has none before; a returned one a gap."""
    published = ResourceState.objects.filter(opened_at__isnull=False)
    before = published.filter(resource=OuterRef("resource"), opened_at__lt=OuterRef("opened_at"))
    adjoining = before.filter(closed_at=OuterRef("opened_at"))
    actions = ResourceState.Action
    broken = published.filter(
        Q(action=actions.UPDATED) & ~Exists(adjoining)
        | Q(action=actions.CREATED) & Exists(before)
        | Q(action=actions.RETURNED) & (~Exists(before) | Exists(adjoining))
    )
    for pk, resource, action in broken.values_list("pk", "resource_id", "action"):
        yield f"State {pk} of resource {resource} is “{action}”, and the states before do not fit that."


def one_open_state() -> Iterator[str]:
    rows = ResourceState.objects.open().values("resource_id").annotate(count=Count("pk")).filter(count__gt=1)
    for row in rows:
        yield f"Resource {row['resource_id']} has {row['count']} open states."


def states_begin_and_end_with_snapshots() -> Iterator[str]:
    """A state opens and closes at the instant of a finished snapshot of its own connection."""
    published = ResourceState.objects.filter(opened_at__isnull=False)
    finished = Q(opened_by__status__in=["success", "partial"])
    opened = finished & Q(opened_at=F("opened_by__observed_at"), connection=F("opened_by__connection"))
    for pk in published.exclude(opened).values_list("pk", flat=True):
        yield f"State {pk} was not opened at the instant of a finished snapshot."
    closed = Q(closed_by__status__in=["success", "partial"]) & Q(
        closed_at=F("closed_by__observed_at"), connection=F("closed_by__connection")
    )
    for pk in published.filter(closed_at__isnull=False).exclude(closed).values_list("pk", flat=True):
        yield f"State {pk} was not closed at the instant of a finished snapshot."
    foreign = published.exclude(resource__connection=F("connection"))
    for pk in foreign.values_list("pk", flat=True):
        yield f"State {pk} belongs to another connection than its resource."


def current_snapshot_is_the_latest() -> Iterator[str]:
    """Each connection that was ever read has one current snapshot: its latest finished one."""
    finished = SyncSnapshot.objects.finished()
    latest = finished.values("connection_id").annotate(latest=Max("observed_at"))
    current = {snapshot.connection_id: snapshot for snapshot in SyncSnapshot.objects.filter(is_current=True)}
    for row in latest:
        snapshot = current.pop(row["connection_id"], None)
        if snapshot is None:
            yield f"Connection {row['connection_id']} was read and has no current snapshot."
        elif snapshot.observed_at != row["latest"]:
            yield f"Snapshot {snapshot.pk} is current and not the latest of connection {row['connection_id']}."
    for snapshot in current.values():
        yield f"Snapshot {snapshot.pk} is current and not finished."


def no_drafts_left() -> Iterator[str]:
    """What a sync writes before it publishes is gone or published once it has ended; a failed one leaves nothing."""
    drafts = ResourceState.objects.filter(opened_at__isnull=True).exclude(opened_by__status__in=ACTIVE)
    for pk in drafts.values_list("pk", flat=True):
        yield f"State {pk} is a draft of a snapshot that has ended."
    for pk in PendingClosure.objects.exclude(snapshot__status__in=ACTIVE).values_list("pk", flat=True):
        yield f"Closure {pk} is pending for a snapshot that has ended."
    batches = ChargeBatch.objects.filter(published_at__isnull=True).exclude(snapshot__status__in=ACTIVE)
    for pk in batches.values_list("pk", flat=True):
        yield f"Delivery {pk} was never published and its snapshot has ended."
    for model in (UnrecognizedResource, ScopeCoverage, SnapshotTotal):
        for pk in model.objects.filter(snapshot__status=SyncStatus.ERROR).values_list("pk", flat=True):
            yield f"{model.__name__} {pk} belongs to a failed snapshot."


def no_draft_visible() -> Iterator[str]:
    """A draft holds at no instant and nothing has closed it; a running snapshot is nobody's current one."""
    drafts = ResourceState.objects.filter(opened_at__isnull=True).exclude(
        closed_at__isnull=True, closed_by__isnull=True
    )
    for pk in drafts.values_list("pk", flat=True):
        yield f"State {pk} is a draft and closed."


def one_current_delivery() -> Iterator[str]:
    """Current deliveries of one source and start are one, and have as many lines as they say."""
    current = ChargeBatch.objects.filter(published_at__isnull=False, replaced_at__isnull=True)
    twice = (
        current.values("connection_id", "source", "period_start")
        .annotate(count=Count("pk"))
        .filter(count__gt=1)
    )
    for row in twice:
        yield f"Connection {row['connection_id']} has {row['count']} current deliveries of {row['source']}."
    counted = ChargeBatch.objects.filter(published_at__isnull=False).annotate(found=Count("lines"))
    for pk, said, found in counted.exclude(found=F("line_count")).values_list("pk", "line_count", "found"):
        yield f"Delivery {pk} says it has {said} lines; there are {found}."


def counts_say_what_was_written() -> Iterator[str]:
    """A snapshot's counts are those of the states that it opened and closed, and add up to what it found."""
    actions = ResourceState.Action
    published = ResourceState.objects.filter(opened_at__isnull=False)
    opened: dict[int, Counter[str]] = defaultdict(Counter)
    for row in published.values("opened_by", "action").annotate(count=Count("pk")):
        opened[row["opened_by"]][row["action"]] = row["count"]
    closed = {
        row["closed_by"]: row["count"]
        for row in published.filter(closed_by__isnull=False).values("closed_by").annotate(count=Count("pk"))
    }
    for snapshot in SyncSnapshot.objects.finished().iterator(500):
        written = opened[snapshot.pk]
        created = written[actions.CREATED] + written[actions.RETURNED]
        updated = written[actions.UPDATED]
        deleted = closed.get(snapshot.pk, 0) - updated
        told = (snapshot.created_count, snapshot.updated_count, snapshot.deleted_count)
        if told != (created, updated, deleted):
            yield (
                f"Snapshot {snapshot.pk} tells of {told[0]} new, {told[1]} changed and {told[2]} gone; its states of "
                f"{created}, {updated} and {deleted}."
            )
        found = snapshot.created_count + snapshot.updated_count + snapshot.unchanged_count
        if found != snapshot.resource_count:
            yield f"Snapshot {snapshot.pk} counts {snapshot.resource_count} resources and tells of {found}."


def complete_syncs_agree_with_their_parts() -> Iterator[str]:
    """A complete sync has ended when its parts have, as they have, and has no less than they have.

    It may have more: with a connection its part goes, and with an old snapshot what it found.
    """
    completes = CompleteSync.objects.order_by("pk").prefetch_related("references__snapshot__totals")
    for complete in completes.iterator(200):
        parts = list(complete.references.all())
        if complete.is_active != (complete.finished_at is None):
            yield f"Complete sync {complete.pk} is {complete.status} and its end is {complete.finished_at}."
        if not complete.is_active:
            yield from _disagreements(complete, parts)
        for part in parts:
            yield from _part_disagreements(part)


def _disagreements(complete: CompleteSync, parts: list[ProviderSyncReference]) -> Iterator[str]:
    """Where the result of a complete sync that has ended is not that of its parts."""
    allowed = {
        SyncStatus.SUCCESS: {SyncStatus.SUCCESS},
        SyncStatus.ERROR: {SyncStatus.ERROR},
        SyncStatus.PARTIAL: {SyncStatus.SUCCESS, SyncStatus.PARTIAL, SyncStatus.ERROR},
    }[SyncStatus(complete.status)]
    for part in parts:
        if part.status not in allowed:
            yield f"Complete sync {complete.pk} ended as {complete.status}, and its part {part.pk} is {part.status}."
    read = [part.snapshot for part in parts if part.status in FINISHED and part.snapshot is not None]
    count = sum(snapshot.resource_count for snapshot in read)
    if complete.resource_count < count:
        yield f"Complete sync {complete.pk} has {complete.resource_count} resources, its parts have {count}."
    sums: dict[str, Decimal] = {}
    for total in (total for snapshot in read for total in snapshot.totals.all()):
        sums[total.currency] = sums.get(total.currency, Decimal(0)) + total.resources_daily_cost
    for currency, amount in sorted(sums.items()):
        told = Decimal(complete.daily_costs.get(currency, "0"))
        if told < amount:
            yield f"Complete sync {complete.pk} costs {told} {currency} a day, its parts {amount}."


def _part_disagreements(part: ProviderSyncReference) -> Iterator[str]:
    snapshot = part.snapshot
    if snapshot is None:
        return
    if snapshot.connection_id != part.connection_id:
        yield f"Part {part.pk} of complete sync {part.complete_sync_id} is of another connection than its snapshot."
    if part.status not in ACTIVE and part.status != snapshot.status:
        yield (
            f"Part {part.pk} of complete sync {part.complete_sync_id} is {part.status}, its snapshot {snapshot.status}."
        )


_OWNERS = (
    (Resource, "connection"),
    (SyncSnapshot, "connection"),
    (ResourceState, "connection"),
    (ChargeBatch, "connection"),
    (UnrecognizedResource, "connection"),
    (SnapshotTotal, "snapshot__connection"),
    (MonthBill, "connection"),
    (SyncTrace, "snapshot__connection"),
    (ScopeCoverage, "snapshot__connection"),
    (PendingClosure, "snapshot__connection"),
    (ChargeLine, "batch__connection"),
    (ChargeLine, "resource__connection"),
    (ResourceState, "parent__connection"),
    (ProviderSyncReference, "complete_sync"),
    (ProviderSyncReference, "connection"),
    (BillingFile, "connection"),
    (Tag, "resource__connection"),
    (ResourceNote, "resource__connection"),
    (SoftwareComponent, "resource__connection"),
    (MetricPoint, "resource__connection"),
    (UsageSummary, "resource__connection"),
)


def rows_belong_to_their_connections_organization() -> Iterator[str]:
    for model, owner in _OWNERS:
        own = Coalesce(f"{owner}__organization_id", "organization_id")
        strays = model._default_manager.alias(rightful_owner=own).exclude(organization_id=F("rightful_owner"))
        for pk in strays.values_list("pk", flat=True):
            yield f"{model.__name__} {pk} belongs to another organization than its connection."


LAWS = (
    Law("Sums of resources and states agree, to the last digit", conservation),
    Law("States of one resource do not overlap", no_overlap),
    Law("States of one resource leave no gap", no_gap),
    Law("A resource has one open state at most", one_open_state),
    Law("States begin and end with finished snapshots", states_begin_and_end_with_snapshots),
    Law("The current snapshot is the latest finished one", current_snapshot_is_the_latest),
    Law("No draft outlives its sync", no_drafts_left),
    Law("No draft is visible", no_draft_visible),
    Law("Of each billing period one delivery counts", one_current_delivery),
    Law("Snapshots count what they wrote", counts_say_what_was_written),
    Law("Complete syncs agree with their parts", complete_syncs_agree_with_their_parts),
    Law("Rows belong to the organization of their connection", rows_belong_to_their_connections_organization),
)


def violations(laws: Iterable[Law] = LAWS) -> list[str]:
    """Every violation of every law, as sentences."""
    return [sentence for law in laws for sentence in law.broken()]
