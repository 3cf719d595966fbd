"""What people are told about syncs, and what they are not."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.notifications import kinds, wording
from accounts.notifications.models import Notification
from accounts.tests.factories import member_of
from providers.contract.errors import AuthenticationFailed
from providers.tests.factories import ConnectionFactory
from syncs import announcements
from syncs.models import SyncStatus, SyncTrigger
from syncs.services import _error_fields
from syncs.tests.factories import (
    CompleteSyncFactory,
    ReferenceFactory,
    SnapshotFactory,
    UnrecognizedResourceFactory,
)

pytestmark = pytest.mark.django_db

ERROR = _error_fields(
    AuthenticationFailed("The login or the password is wrong.", provider="fake", operation="sign in")
)


def failed(connection, failures: int, trigger=SyncTrigger.SCHEDULED) -> list[str]:
    """The kinds that people were told of after this failure."""
    connection.consecutive_failures = failures
    snapshot = SnapshotFactory(connection=connection, trigger=trigger, failed=True)
    announcements.sync_failed(snapshot=snapshot, error=ERROR, now=timezone.now())
    return list(Notification.objects.order_by("pk").values_list("kind", flat=True))


def test_the_first_failure_of_a_row_is_told_and_the_one_that_stops(settings) -> None:
    settings.SYNC_FAILURES_UNTIL_STOP = 3
    connection = ConnectionFactory()

    assert failed(connection, 1) == ["sync.failed"]
    assert failed(connection, 2) == ["sync.failed"]
    assert failed(connection, 3) == ["sync.failed", "connection.stopped"]


def test_who_began_a_sync_by_hand_watches_it() -> None:
    assert failed(ConnectionFactory(), 1, SyncTrigger.MANUAL) == []


def test_a_complete_sync_that_missed_something_is_told() -> None:
    connection = ConnectionFactory(connection_name="Beget Prod")
    now = timezone.now()
    for status in (SyncStatus.SUCCESS, SyncStatus.PARTIAL):
        one = CompleteSyncFactory(
            organization=connection.organization, trigger=SyncTrigger.SCHEDULED, status=status
        )
        ReferenceFactory(complete_sync=one, connection=connection, failed=True)
        announcements.after_complete_sync(complete_sync=one, now=now)

    told = Notification.objects.get()
    assert (told.kind, told.data["connections"]) == ("complete_sync.incomplete", ["Beget Prod"])


def test_a_new_unknown_type_is_told_once() -> None:
    snapshot = SnapshotFactory(earlier=True)
    for native in ("gpu_slice_a100", "gpu_slice_a100", "tape"):
        UnrecognizedResourceFactory(snapshot=snapshot, native_type=native)
    announcements.after_sync(snapshot=snapshot, now=timezone.now())
    later = SnapshotFactory(connection=snapshot.connection)
    UnrecognizedResourceFactory(snapshot=later, native_type="tape")
    announcements.after_sync(snapshot=later, now=timezone.now())

    assert sorted(row.data["type"] for row in Notification.objects.all()) == ["gpu_slice_a100", "tape"]


def test_every_kind_has_its_words(settings) -> None:
    settings.SYNC_FAILURES_UNTIL_STOP = 1
    connection = ConnectionFactory(connection_name="Beget Prod")
    reader = member_of(connection.organization)
    failed(connection, 1)
    data = {"connection": "Beget Prod", "type": "tape", "connections": ["Beget Prod"]}
    for kind in announcements.KINDS:
        assert kinds.find(kind.code) is kind
        if not Notification.objects.filter(kind=kind.code).exists():
            Notification.objects.create(
                organization=connection.organization,
                kind=kind.code,
                key="words",
                data={**data, "error": ERROR, "provider_type": "fake", "failures": 1},
            )

    for notification in Notification.objects.all():
        message = wording.message_for(reader, [notification], None)
        assert "Beget Prod" in message.title + message.text, notification.kind
        assert "{" not in message.text
        if kinds.find(notification.kind).enrich:
            assert "The login or the password is wrong." in message.text
