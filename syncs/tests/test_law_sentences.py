"""Laws that a database may break: each says so in one sentence, and none of them of what is in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db.models import ForeignKey

from accounts.models import Organization
from accounts.tenancy import TenantModel
from accounts.tests.factories import OrganizationFactory
from providers.models import ProviderConnection
from syncs import complete, laws, services
from syncs.models import CompleteSync, ProviderSyncReference, ResourceState, SyncSnapshot, SyncTrigger

from .world import World, connect, instant, sync, unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

COMPLETE = "Complete syncs agree with their parts"
COUNTS = "Snapshots count what they wrote"
TENANCY = "Rows belong to the organization of their connection"


@pytest.fixture
def acme() -> Organization:
    return OrganizationFactory(name="Acme")


def broken(name: str) -> list[str]:
    (law,) = (law for law in laws.LAWS if law.name == name)
    return list(law.broken())


# ---- complete syncs -------------------------------------------------------------------------------------------------


@pytest.fixture
def ended(acme: Organization) -> CompleteSync:
    """One that ended partial: two connections for 22 and 3 a day were read, the third was not."""
    worlds = [World() for _ in range(3)]
    for number, (world, daily) in enumerate(zip(worlds, ("22", "3", "5"), strict=True)):
        world.put("vps:1", daily=daily)
        connect(acme, world, name=f"cloud {number}")
    worlds[2].error = unavailable()
    found, _joined = complete.request_complete_sync(
        organization=acme, trigger=SyncTrigger.MANUAL, now=instant()
    )
    return run_to_its_end(found)


def run_to_its_end(found: CompleteSync) -> CompleteSync:
    waiting = complete.advance_complete_sync(complete_sync_id=found.pk, now=instant())
    while waiting:
        for snapshot_id in waiting:
            for _attempt in range(services.MAX_ATTEMPTS):
                try:
                    services.run_snapshot(snapshot_id=snapshot_id, now=instant())
                except services.ProviderUnavailable:
                    SyncSnapshot.objects.filter(pk=snapshot_id).update(lease_expires_at=None)
        waiting = complete.advance_complete_sync(complete_sync_id=found.pk, now=instant())
    found.refresh_from_db()
    return found


def test_complete_syncs_on_their_way_and_ended_agree_with_their_parts(acme, ended) -> None:
    assert (ended.status, ended.daily_costs, broken(COMPLETE)) == ("partial", {"RUB": "25.000000"}, [])

    complete.retry_failed(complete_sync=ended, trigger=SyncTrigger.MANUAL, now=instant(1))

    assert broken(COMPLETE) == []


def test_a_connection_that_was_deleted_takes_its_part_and_breaks_nothing(ended) -> None:
    ProviderConnection.objects.get(connection_name="cloud 0").delete()

    assert broken(COMPLETE) == []


def part(found: CompleteSync, position: int) -> Any:
    return ProviderSyncReference.objects.filter(complete_sync=found, position=position)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda it: whole(it).update(status="success"), "ended as success, and its part {part} is error."),
        (lambda it: whole(it).update(finished_at=None), "is partial and its end is None."),
        (lambda it: whole(it).update(resource_count=1), "has 1 resources, its parts have 2."),
        (
            lambda it: whole(it).update(daily_costs={"RUB": "24.99"}),
            "costs 24.99 RUB a day, its parts 25.000000.",
        ),
        (
            lambda it: part(it, 3).update(status="running"),
            "ended as partial, and its part {part} is running.",
        ),
        (lambda it: part(it, 3).update(status="success"), "is success, its snapshot error."),
        (
            lambda it: part(it, 3).update(connection=connect(it.organization, World(), name="another")),
            "is of another connection than its snapshot.",
        ),
    ],
    ids=["result", "end", "resources", "costs", "part", "part's result", "part's connection"],
)
def test_a_complete_sync_that_disagrees_with_its_parts_says_where(
    ended: CompleteSync, damage: Callable[[CompleteSync], Any], sentence: str
) -> None:
    damage(ended)

    (said,) = broken(COMPLETE)

    assert said.endswith(sentence.format(part=part(ended, 3).get().pk))


def whole(found: CompleteSync) -> Any:
    return CompleteSync.objects.filter(pk=found.pk)


# ---- counts ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def lived(acme: Organization) -> ProviderConnection:
    """New, changed, unchanged, stale, gone and back again."""
    world = World()
    for number in range(3):
        world.put(f"vps:{number}", daily="22")
    connection = connect(acme, world)
    sync(connection, instant())
    world.price("vps:0", "30")
    gone = world.things.pop("vps:1")
    sync(connection, instant(1))
    world.scopes = dict.fromkeys(world.scopes, unavailable())
    world.scopes["other",] = None
    sync(connection, instant(2))
    world.scopes = dict.fromkeys(world.scopes)
    world.things["vps:1"] = gone
    sync(connection, instant(3))
    return connection


def test_snapshots_count_what_they_wrote(lived) -> None:
    told = SyncSnapshot.objects.order_by("observed_at").values_list(
        "created_count", "updated_count", "deleted_count", "unchanged_count", "stale_count"
    )

    assert list(told) == [(3, 0, 0, 0, 0), (0, 1, 1, 1, 0), (0, 0, 0, 2, 2), (1, 0, 0, 2, 0)]
    assert broken(COUNTS) == []


def test_counts_that_are_not_those_of_the_states_are_told(lived) -> None:
    snapshot = SyncSnapshot.objects.order_by("observed_at")[1]
    SyncSnapshot.objects.filter(pk=snapshot.pk).update(deleted_count=0)

    assert broken(COUNTS) == [
        f"Snapshot {snapshot.pk} tells of 0 new, 1 changed and 0 gone; its states of 0, 1 and 1."
    ]


def test_counts_that_do_not_add_up_are_told(lived) -> None:
    snapshot = SyncSnapshot.objects.order_by("observed_at")[1]
    SyncSnapshot.objects.filter(pk=snapshot.pk).update(unchanged_count=7)

    assert broken(COUNTS) == [f"Snapshot {snapshot.pk} counts 2 resources and tells of 8."]


# ---- tenancy --------------------------------------------------------------------------------------------------------

OF_THE_HISTORY = ("inventory", "syncs")


def test_every_table_of_a_tenants_history_has_its_owner_looked_after() -> None:
    """A new table that points at a connection, a snapshot, a delivery or a resource comes into the law of tenancy."""
    tables = [model for app in OF_THE_HISTORY for model in apps.get_app_config(app).get_models()]
    belonging = {
        model
        for model in tables
        if issubclass(model, TenantModel) or any(field.name == "organization" for field in model._meta.fields)
        if any(
            isinstance(field, ForeignKey) and field.related_model in (ProviderConnection, *tables)
            for field in model._meta.fields
        )
    }

    assert belonging - {model for model, _path in laws._OWNERS} == set()


def test_a_row_of_another_tenant_is_told(lived) -> None:
    state = ResourceState.objects.first()
    ResourceState.objects.filter(pk=state.pk).update(organization=OrganizationFactory())

    assert f"ResourceState {state.pk} belongs to another organization than its connection." in broken(TENANCY)


def test_a_running_snapshot_breaks_no_law(lived) -> None:
    snapshot, _joined = services.request_sync(connection=lived, trigger=SyncTrigger.MANUAL, now=instant(4))
    SyncSnapshot.objects.filter(pk=snapshot.pk).update(status="running", observed_at=instant(4))

    assert laws.violations() == []
