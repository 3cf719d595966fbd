"""A connection that is deleted while it is being read: the sync stops, and nothing of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from accounts.tenancy import TenantModel
from accounts.tests.factories import OrganizationFactory
from providers import services as providers
from providers.models import ProviderConnection
from syncs import services
from syncs.engine import persist
from syncs.models import SyncTrigger

from .world import World, connect, instant, sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("plugins")]


def _first(function: Callable[..., Any], before: Callable[[], None]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        before()
        return function(*arguments, **keywords)

    return wrapped


@pytest.mark.parametrize(
    ("owner", "name"),
    [(services, "collect"), (persist, "open_states"), (persist, "write_coverage"), (services, "_publish")],
)
def test_its_running_sync_stops_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(OrganizationFactory(), world)
    sync(connection, at=instant())
    world.put("vps:1", daily="30")
    world.put("vps:2", daily="22")
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=instant(1))
    same = ProviderConnection.objects.get(pk=connection.pk)
    monkeypatch.setattr(
        owner, name, _first(getattr(owner, name), lambda: providers.delete_connection(connection=same))
    )

    ended = services.run_snapshot(snapshot_id=snapshot.pk, now=instant(1))

    assert ended is None
    tables = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    assert [model.__name__ for model in tables if model._base_manager.exists()] == []
