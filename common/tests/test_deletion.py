"""Everything goes that would go with the row, nothing else does, and never much of it at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import transaction

from accounts.models import User
from common import deletion
from costs.models import DailyCost
from costs.tests.factories import CostRevisionFactory, DailyCostFactory
from inventory.models import MetricPoint, Resource, Tag
from inventory.tests.factories import MetricPointFactory, ResourceFactory, ResourceNoteFactory, TagFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.models import ChargeLine, ResourceState, SyncSnapshot
from syncs.tests.factories import (
    ChargeBatchFactory,
    ChargeLineFactory,
    PendingClosureFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    UnrecognizedResourceFactory,
)

pytestmark = pytest.mark.django_db


def history(connection: ProviderConnection) -> None:
    """Two servers, one of them with a volume, and what syncs, people and costs leave of them."""
    snapshot = SnapshotFactory(connection=connection)
    ScopeCoverageFactory(snapshot=snapshot)
    UnrecognizedResourceFactory(snapshot=snapshot)
    batch = ChargeBatchFactory(snapshot=snapshot)
    CostRevisionFactory(connection=connection)
    server, volume, other = ResourceFactory.create_batch(3, connection=connection)
    state = ResourceStateFactory(resource=server)
    PendingClosureFactory(snapshot=snapshot, state=state)
    ResourceStateFactory(resource=volume, parent=server)
    ResourceStateFactory(resource=other)
    ResourceNoteFactory(resource=server)
    for resource in (server, volume, other):
        TagFactory(resource=resource)
        MetricPointFactory(resource=resource)
        ChargeLineFactory(batch=batch, resource=resource)
        first = DailyCostFactory(resource=resource)
        DailyCostFactory(resource=resource, date=first.date + timedelta(days=1))


def row_counts() -> dict[str, int]:
    return {model.__name__: count for model in apps.get_models() if (count := model._base_manager.count())}


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows went in each small transaction, in two rows a batch."""
    gone: list[int] = []

    @contextmanager
    def counted() -> Iterator[None]:
        before = sum(row_counts().values())
        with transaction.atomic():
            yield
        gone.append(before - sum(row_counts().values()))

    monkeypatch.setattr(deletion, "BATCH_ROWS", 2)
    monkeypatch.setattr(deletion, "PARENT_ROWS", 2)
    monkeypatch.setattr(deletion, "small_transaction", counted)
    return gone


def test_all_that_hangs_on_the_row_goes_and_all_else_stays(transactions: list[int]) -> None:
    history(ConnectionFactory())
    others = row_counts()
    mine = ConnectionFactory(organization=ProviderConnection.objects.get().organization)
    history(mine)

    deletion.delete_dependents(mine)

    assert mine == ProviderConnection.objects.get(pk=mine.pk)
    mine.delete()
    assert row_counts() == others


def test_no_transaction_takes_more_than_a_batch(transactions: list[int]) -> None:
    connection = ConnectionFactory()
    history(connection)

    deletion.delete_dependents(connection)

    assert not any(
        model.objects.exists()
        for model in (SyncSnapshot, Resource, ResourceState, ChargeLine, DailyCost, Tag, MetricPoint)
    )
    assert len(transactions) > 10
    assert max(transactions) == 2


def test_stopped_on_the_way_it_goes_on_when_called_again(
    transactions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = ConnectionFactory()
    history(connection)
    counted = deletion.small_transaction

    def killed_in_the_sixth():
        if len(transactions) == 5:
            raise KeyboardInterrupt
        return counted()

    with monkeypatch.context() as kill:
        kill.setattr(deletion, "small_transaction", killed_in_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            deletion.delete_dependents(connection)
    assert Resource.objects.exists()

    deletion.delete_dependents(connection)

    assert not Resource.objects.exists()
    assert not DailyCost.objects.exists()


def test_when_time_is_over_it_stops_and_says_so(transactions: list[int]) -> None:
    connection = ConnectionFactory()
    history(connection)

    is_done = deletion.delete_dependents(connection, until=time.monotonic())

    assert (is_done, transactions) == (False, [])
    assert deletion.delete_dependents(connection, until=time.monotonic() + 60) is True
    assert not Resource.objects.exists()


def test_what_only_points_at_a_row_without_going_with_it_stays() -> None:
    snapshot = SnapshotFactory(requested_by=User.objects.create(email="person@example.com"))

    deletion.delete_dependents(snapshot.requested_by)

    assert SyncSnapshot.objects.filter(pk=snapshot.pk).exists()
