"""Writes to the inventory: usage series, tags, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Avg, Count, Max, Min

from accounts.audit.services import record
from accounts.models import User
from common import bulk
from common.transactions import small_transaction
from inventory.models import MetricPoint, Resource, ResourceNote, Tag, TagSource, UsageSummary
from providers.contract.records import UsageRecord
from providers.models import ProviderConnection

BATCH_ROWS = 200
SUMMARY_DAYS = 30


def _nothing() -> None:
    return None


def store_usage(
    *,
    connection: ProviderConnection,
    usage: Iterable[UsageRecord],
    now: datetime,
    on_batch: Callable[[], None] = _nothing,
) -> int:
    """Keep series as hourly averages and maxima, and summarise the last thirty days; returns points written.

    The same hour read again is written again, so overlapping readings do no harm. `on_batch` is called after each
    batch, to say that the work goes on.
    """
    pks = dict(Resource.objects.filter(connection=connection).values_list("resource_id", "pk"))
    written = 0
    batch: list[MetricPoint] = []
    for series in usage:
        resource_pk = pks.get(series.resource_id)
        if resource_pk is None:
            continue
        for hour, values in _by_hour(series):
            point = bulk.row(
                MetricPoint,
                organization_id=connection.organization_id,
                resource_id=resource_pk,
                metric=series.metric,
                observed_at=hour,
                value=sum(values) / len(values),
                maximum=max(values),
            )
            batch.append(point)
        if len(batch) >= BATCH_ROWS:
            written += _write_points(batch)
            on_batch()
            batch = []
    if batch:
        written += _write_points(batch)
        on_batch()
    if written:
        _summarize(connection, now, on_batch)
    return written


def replace_provider_tags(*, organization_id: int, tags: Mapping[int, Mapping[str, str]]) -> None:
    """Make the provider's tags of these resources (by pk) exactly these; people's tags are left alone."""
    rows = bulk.Insertion(
        [
            bulk.row(
                Tag,
                organization_id=organization_id,
                resource_id=pk,
                key=key[:128],
                value=value[:256],
                source=TagSource.PROVIDER,
            )
            for pk, pairs in tags.items()
            for key, value in pairs.items()
        ],
        ignore_conflicts=True,
    )
    with small_transaction():
        Tag.objects.filter(resource_id__in=list(tags), source=TagSource.PROVIDER).delete()
        rows.execute()


@transaction.atomic
def set_tag(*, resource: Resource, key: str, value: str) -> Tag:
    """Set a person's tag; it stands beside the provider's tag of the same key and survives syncs."""
    tag, made = Tag.objects.select_for_update().get_or_create(
        resource=resource,
        key=key,
        source=TagSource.USER,
        defaults={"value": value, "organization_id": resource.organization_id},
    )
    before = None if made else tag.value
    if before == value:
        return tag
    if not made:
        tag.value = value
        tag.save(update_fields=["value"])
    record("tag.set", obj=resource, changes={key: [before, value]})
    return tag


@transaction.atomic
def remove_tag(*, resource: Resource, key: str) -> None:
    tag = Tag.objects.filter(resource=resource, key=key, source=TagSource.USER).first()
    if tag:
        tag.delete()
        record("tag.removed", obj=resource, changes={key: [tag.value, None]})


@transaction.atomic
def add_note(*, resource: Resource, author: User, text: str) -> ResourceNote:
    note = ResourceNote.objects.create(
        organization_id=resource.organization_id, resource=resource, author=author, text=text
    )
    record("note.added", obj=resource, actor=author)
    return note


def _by_hour(series: UsageRecord) -> Iterable[tuple[datetime, list[float]]]:
    hours: dict[datetime, list[float]] = {}
    for at, value in series.points:
        hours.setdefault(at.replace(minute=0, second=0, microsecond=0), []).append(value)
    return hours.items()


def _write_points(batch: list[MetricPoint]) -> int:
    unique = {(point.resource_id, point.metric, point.observed_at): point for point in batch}
    rows = bulk.Insertion(
        list(unique.values()),
        unique_fields=["resource", "metric", "observed_at"],
        update_fields=["value", "maximum"],
    )
    with small_transaction():
        rows.execute()
    return len(unique)


def _summarize(connection: ProviderConnection, now: datetime, on_batch: Callable[[], None]) -> None:
    rows = list(
        MetricPoint.objects.filter(
            resource__connection=connection, observed_at__gte=now - timedelta(days=SUMMARY_DAYS)
        )
        .values("resource_id", "metric")
        .annotate(
            average=Avg("value"), maximum=Max("maximum"), minimum=Min("value"), sample_count=Count("pk")
        )
    )
    for start in range(0, len(rows), BATCH_ROWS):
        with small_transaction():
            UsageSummary.objects.bulk_create(
                [
                    UsageSummary(
                        organization_id=connection.organization_id,
                        period_days=SUMMARY_DAYS,
                        computed_at=now,
                        **row,
                    )
                    for row in rows[start : start + BATCH_ROWS]
                ],
                update_conflicts=True,
                unique_fields=["resource", "metric", "period_days"],
                update_fields=["computed_at", "average", "maximum", "minimum", "sample_count"],
            )
        on_batch()
