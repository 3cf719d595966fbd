"""Several who see the same end at the same moment: one of them begins the next, one ends the whole, one tells of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from accounts.tests.factories import OrganizationFactory
from syncs import complete, services
from syncs.models import CompleteSync, SyncSnapshot, SyncTrigger

from .world import World, connect, instant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("plugins"),
]

WITNESSES = 4
told: list[int] = []


def note(*, complete_sync: CompleteSync, now: datetime) -> None:
    told.append(complete_sync.pk)


def at_once(do: Callable[[], Any]) -> list[Any]:
    """Let every witness do it at the same moment; returns what each got."""
    start = Barrier(WITNESSES)

    def witness(_number: int) -> Any:
        try:
            start.wait()
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WITNESSES) as pool:
        return list(pool.map(witness, range(WITNESSES)))


def test_everything_happens_once_however_many_see_it(settings) -> None:
    told.clear()
    settings.AFTER_COMPLETE_SYNC = [f"{__name__}.note"]
    organization = OrganizationFactory()
    for number in range(2):
        connect(organization, World(), name=f"cloud {number}")

    requested = at_once(
        lambda: complete.request_complete_sync(
            organization=organization, trigger=SyncTrigger.MANUAL, now=instant()
        )
    )
    one = requested[0][0]
    assert sorted(joined for _one, joined in requested) == [False, True, True, True]
    assert {found.pk for found, _joined in requested} == {one.pk}

    for place in (1, 2):
        begun = at_once(lambda: complete.advance_complete_sync(complete_sync_id=one.pk, now=instant()))
        (snapshot_id,) = [pk for each in begun for pk in each]
        assert one.references.get(position=place).snapshot_id == snapshot_id
        services.run_snapshot(snapshot_id=snapshot_id, now=instant())
    at_once(lambda: complete.advance_complete_sync(complete_sync_id=one.pk, now=instant()))

    one.refresh_from_db()
    assert one.status == "success"
    assert SyncSnapshot.objects.count() == 2
    assert told == [one.pk]
