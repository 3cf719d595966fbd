"""Usage as hours, tags of providers and of people, notes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.tests.factories import UserFactory
from inventory import services
from inventory.models import MetricPoint, ResourceNote, Tag, TagSource, UsageSummary
from inventory.tests.factories import ResourceFactory
from providers.contract.records import UsageRecord

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def series(resource, *points: tuple[datetime, float], metric: str = "cpu_percent") -> UsageRecord:
    return UsageRecord(resource_id=resource.resource_id, metric=metric, unit="%", points=points)


def hours(resource) -> list[tuple]:
    rows = MetricPoint.objects.filter(resource=resource).order_by("observed_at")
    return list(rows.values_list("observed_at", "value", "maximum"))


# Usage


def test_points_become_hourly_averages_and_maxima() -> None:
    resource = ResourceFactory()
    usage = [
        series(
            resource,
            (NOON + 30 * MINUTE, 30.0),
            (NOON, 10.0),
            (NOON + 61 * MINUTE, 7.0),
        )
    ]

    written = services.store_usage(connection=resource.connection, usage=usage, now=NOON)

    assert written == 2
    assert hours(resource) == [(NOON, 20.0, 30.0), (NOON + 60 * MINUTE, 7.0, 7.0)]
    assert MetricPoint.objects.first().organization_id == resource.organization_id


def test_an_hour_that_is_read_again_is_written_again() -> None:
    resource = ResourceFactory()
    services.store_usage(connection=resource.connection, usage=[series(resource, (NOON, 10.0))], now=NOON)

    services.store_usage(
        connection=resource.connection,
        usage=[series(resource, (NOON, 10.0), (NOON + MINUTE, 20.0))],
        now=NOON,
    )

    assert hours(resource) == [(NOON, 15.0, 20.0)]


def test_the_last_thirty_days_are_summarised_by_metric() -> None:
    resource = ResourceFactory()
    now = NOON + timedelta(days=31)
    usage = [
        series(resource, (NOON, 99.0), (now - 60 * MINUTE, 10.0), (now - 120 * MINUTE, 20.0)),
        series(resource, (now - 60 * MINUTE, 512.0), metric="memory_mib"),
    ]

    services.store_usage(connection=resource.connection, usage=usage, now=now)

    rows = UsageSummary.objects.order_by("metric").values_list(
        "metric", "period_days", "average", "maximum", "minimum", "sample_count"
    )
    assert list(rows) == [
        ("cpu_percent", 30, 15.0, 20.0, 10.0, 2),
        ("memory_mib", 30, 512.0, 512.0, 512.0, 1),
    ]


def test_usage_of_what_is_not_known_and_of_another_connection_is_left_out() -> None:
    resource, stranger = ResourceFactory(), ResourceFactory(resource_id="theirs")

    written = services.store_usage(
        connection=resource.connection, usage=[series(stranger, (NOON, 1.0))], now=NOON
    )

    assert (written, MetricPoint.objects.count()) == (0, 0)


def test_many_points_are_written_in_batches_that_are_told(monkeypatch) -> None:
    resource = ResourceFactory()
    monkeypatch.setattr(services, "BATCH_ROWS", 10)
    batches = []
    usage = [
        series(resource, *((NOON + timedelta(hours=n), float(n)) for n in range(25)), metric=metric)
        for metric in ("cpu_percent", "memory_mib", "disk_used_gib")
    ]

    written = services.store_usage(
        connection=resource.connection, usage=usage, now=NOON, on_batch=lambda: batches.append(1)
    )

    assert written == MetricPoint.objects.count() == 75
    assert len(batches) == 4  # three of points, one of summaries


def test_no_usage_writes_nothing() -> None:
    resource = ResourceFactory()

    assert services.store_usage(connection=resource.connection, usage=[], now=NOON) == 0
    assert UsageSummary.objects.count() == 0


# Tags


def tags(resource) -> list[tuple]:
    rows = Tag.objects.filter(resource=resource).order_by("key", "source")
    return list(rows.values_list("key", "value", "source"))


def test_the_providers_tags_are_replaced_and_peoples_tags_stay() -> None:
    resource, other = ResourceFactory(), ResourceFactory()
    services.set_tag(resource=resource, key="env", value="prod")
    services.replace_provider_tags(organization_id=other.organization_id, tags={other.pk: {"env": "theirs"}})
    services.replace_provider_tags(
        organization_id=resource.organization_id, tags={resource.pk: {"env": "test", "old": "1"}}
    )

    services.replace_provider_tags(organization_id=resource.organization_id, tags={resource.pk: {"env": "x"}})

    assert tags(resource) == [("env", "x", "provider"), ("env", "prod", "user")]
    assert tags(other) == [("env", "theirs", "provider")]


def test_a_tag_too_long_for_its_column_is_cut() -> None:
    resource = ResourceFactory()

    services.replace_provider_tags(
        organization_id=resource.organization_id, tags={resource.pk: {"k" * 200: "v" * 300}}
    )

    assert tags(resource) == [("k" * 128, "v" * 256, "provider")]


def test_a_persons_tag_is_set_twice_and_removed() -> None:
    resource = ResourceFactory()
    services.set_tag(resource=resource, key="team", value="a")
    tag = services.set_tag(resource=resource, key="team", value="b")
    assert (tag.source, tag.organization_id) == (TagSource.USER, resource.organization_id)
    assert tags(resource) == [("team", "b", "user")]

    services.remove_tag(resource=resource, key="team")

    assert tags(resource) == []


def test_a_note_knows_its_author() -> None:
    resource, author = ResourceFactory(), UserFactory()

    services.add_note(resource=resource, author=author, text="Ask before you resize it.")

    note = ResourceNote.objects.get()
    assert (note.author, note.text, note.organization_id) == (
        author,
        "Ask before you resize it.",
        resource.organization_id,
    )
