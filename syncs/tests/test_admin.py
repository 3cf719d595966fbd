"""The operator's view of syncs: what failed, what is unexplained, and triage in one action."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import MembershipFactory, UserFactory
from inventory.models import Resource, TypeMapping
from inventory.tests.factories import ResourceFactory, TypeMappingFactory
from providers.tests.conftest import fake_provider as fake_provider  # a fixture, for `usefixtures`
from providers.tests.factories import ConnectionFactory
from syncs import tasks, triage
from syncs.models import SyncSnapshot, UnrecognizedResource
from syncs.tests.factories import (
    OBSERVED,
    BillingFileFactory,
    ChargeBatchFactory,
    ChargeLineFactory,
    PendingClosureFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
    UnrecognizedResourceFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

TRIAGE = "/admin/syncs/unrecognizedresource/"
SNAPSHOTS = "/admin/syncs/syncsnapshot/"


def _administrator(*permissions: str) -> Client:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    """An administrator who may manage resources and triage."""
    return _administrator("manage_resources")


@pytest.fixture
def queued(monkeypatch) -> list[int]:
    """Ids that were sent to workers."""
    sent: list[int] = []
    monkeypatch.setattr(
        tasks.run_snapshot, "delay_on_commit", lambda snapshot_id: sent.append(snapshot_id), raising=False
    )
    return sent


def _act(client: Client, url: str, action: str, *rows, **more):
    form = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(url, form, follow=True)


def _told(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def _state(**fields):
    return ResourceStateFactory(**fields)


FACTORIES = {
    "syncsnapshot": lambda: SnapshotTotalFactory().snapshot,
    "scopecoverage": ScopeCoverageFactory,
    "snapshottotal": SnapshotTotalFactory,
    "resourcestate": ResourceStateFactory,
    "pendingclosure": PendingClosureFactory,
    "unrecognizedresource": UnrecognizedResourceFactory,
    "billingfile": BillingFileFactory,
    "chargebatch": ChargeBatchFactory,
    "chargeline": ChargeLineFactory,
}


@pytest.mark.parametrize("model", FACTORIES)
def test_lists_do_not_ask_per_row(operator, model) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get(f"/admin/syncs/{model}/").status_code == 200
        return len(captured)

    FACTORIES[model]()
    one = count()
    for _ in range(10):
        FACTORIES[model]()

    assert count() == one


@pytest.mark.parametrize("model", FACTORIES)
def test_every_row_opens_and_cannot_be_edited(operator, model) -> None:
    row = FACTORIES[model]()
    url = f"/admin/syncs/{model}/{row.pk}/change/"

    page = operator.get(url)

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert operator.post(url, {}).status_code == 403
    assert operator.get(f"/admin/syncs/{model}/add/").status_code == 403


@pytest.mark.parametrize("model", FACTORIES)
def test_others_see_nothing(model) -> None:
    FACTORIES[model]()

    assert _administrator("manage_users").get(f"/admin/syncs/{model}/").status_code == 403


# Snapshots


def test_the_list_tells_what_failed_and_what_is_not_explained(operator) -> None:
    SnapshotTotalFactory(unexplained_daily_cost=Decimal("12.34"))
    SnapshotFactory(failed=True, connection__connection_name="Broken")

    page = operator.get(SNAPSHOTS).content.decode()

    assert "₽12.34" in page
    assert "Broken" in page
    assert "Broken" in operator.get(f"{SNAPSHOTS}?status__exact=error").content.decode()
    assert "Broken" not in operator.get(f"{SNAPSHOTS}?status__exact=success").content.decode()


def test_a_snapshot_explains_itself(operator) -> None:
    finding = {"code": "odd", "message": "%(count)s odd rows.", "params": {"count": 3}, "line": 7}
    snapshot = SnapshotFactory(
        failed=True,
        findings=[finding],
        breakdown={
            "by_type": {"dns_zone": {"count": 2, "daily_cost": {"RUB": "1.5"}}},
            "by_status": {"deleted_billed": {"count": 1, "daily_cost": {}}},
        },
        progress={"found": {"vps": 3, "s3": 4}, "waiting_seconds": 12, "waiting_reason": "rate_limit"},
    )
    ScopeCoverageFactory(snapshot=snapshot, scope="mysql", status="denied", message="No right to read it.")

    page = operator.get(f"{SNAPSHOTS}{snapshot.pk}/change/").content.decode()

    assert "Fake Cloud rejected the credentials. The password is wrong." in page
    assert "Line 7: 3 odd rows. <code>odd</code>" in page
    assert "No right to read it." in page
    assert "<strong>DNS zone</strong>: 2 resources · ₽1.50/day" in page
    assert "<strong>Deleted, still billed</strong>: 1 resource<" in page
    assert "<strong>Found so far</strong>: 7" in page
    assert "12 s. Request limit of Fake Cloud" in page


def test_the_page_of_a_snapshot_costs_the_same_however_much_it_read(operator) -> None:
    def count(scopes: int) -> int:
        snapshot = SnapshotTotalFactory().snapshot
        for _ in range(scopes):
            ScopeCoverageFactory(snapshot=snapshot, status="failed", message="No answer.")
        with CaptureQueriesContext(database) as captured:
            assert operator.get(f"{SNAPSHOTS}{snapshot.pk}/change/").status_code == 200
        return len(captured)

    count(1)  # what the process remembers afterwards

    assert count(1) == count(11)


def test_a_state_says_in_words_what_changed(operator) -> None:
    state = _state(
        changes={
            "daily_cost": ["22", "30.5"],
            "memory_mib": [2048, 4096],
            "configuration.disk_type": ["hdd", "ssd"],
        },
        configuration={"disk_type": "ssd"},
    )

    page = operator.get(f"/admin/syncs/resourcestate/{state.pk}/change/").content.decode()

    assert "<strong>Cost a day</strong>: ₽22.00/day → ₽30.50/day" in page
    assert "<strong>Memory</strong>: 2\u00a0GB → 4\u00a0GB" in page
    assert "<strong>disk type</strong>: hdd → ssd" in page


def test_running_again_queues_each_connection_once(operator, queued) -> None:
    snapshot = SnapshotFactory()
    again = SnapshotFactory(connection=snapshot.connection, earlier=True)
    off = SnapshotFactory(connection__is_active=False, connection__connection_name="Off")

    response = _act(operator, SNAPSHOTS, "run_again", snapshot, again, off)

    new = SyncSnapshot.objects.get(status="queued")
    assert (new.connection, new.trigger, queued) == (snapshot.connection, "manual", [new.pk])
    assert sorted(_told(response)) == [
        "1 sync queued.",
        "Off: This connection is switched off. Switch it on to sync it.",
    ]
    assert _told(_act(operator, SNAPSHOTS, "run_again", snapshot)) == [
        "1 connection is being synced already."
    ]


def test_reaping_hands_out_what_a_dead_worker_held(operator, queued) -> None:
    stuck = SnapshotFactory(
        status="running",
        is_current=False,
        lease_token="dead",
        lease_expires_at=timezone.now() - timedelta(hours=1),
    )

    response = _act(operator, SNAPSHOTS, "reap_stuck", stuck)

    stuck.refresh_from_db()
    assert (stuck.status, queued) == ("queued", [stuck.pk])
    assert _told(response) == ["1 sync handed out."]


def test_who_may_only_look_starts_nothing(queued) -> None:
    viewer, snapshot = _administrator("view_all_data"), SnapshotFactory()

    assert viewer.get(SNAPSHOTS).status_code == 200
    _act(viewer, SNAPSHOTS, "run_again", snapshot)

    assert (queued, SyncSnapshot.objects.count()) == ([], 1)


def test_connections_are_synced_from_their_list(queued) -> None:
    client, connection = _administrator("manage_providers"), ConnectionFactory()

    response = _act(client, "/admin/providers/providerconnection/", "sync_now", connection)

    assert _told(response) == ["1 sync queued."]
    assert queued == [SyncSnapshot.objects.get().pk]


# Resources with their states


def test_resources_show_the_status_and_cost_of_their_open_state(operator) -> None:
    old = _state(closed_at=OBSERVED + timedelta(days=1), status="stopped", resource__name="shop-01")
    _state(resource=old.resource, opened_at=OBSERVED + timedelta(days=1), daily_cost=Decimal("30"))
    _state(resource__name="draft", opened_at=None, daily_cost=Decimal("77"))

    page = operator.get("/admin/inventory/resource/").content.decode()

    assert "₽30.00/day" in page
    assert "₽22.00/day" not in page
    assert "₽77.00/day" not in page
    assert "shop-01" not in operator.get("/admin/inventory/resource/?status=stopped").content.decode()
    assert "draft" in operator.get("/admin/inventory/resource/?status=gone").content.decode()


def test_resources_do_not_ask_per_row(operator) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get("/admin/inventory/resource/").status_code == 200
        return len(captured)

    _state()
    one = count()
    for _ in range(10):
        _state()

    assert count() == one


# Triage


def test_the_money_at_stake_is_that_of_the_current_snapshots() -> None:
    connection = ConnectionFactory()
    earlier = SnapshotFactory(connection=connection, earlier=True)
    current = SnapshotFactory(connection=connection)
    for snapshot in (earlier, current):
        UnrecognizedResourceFactory(snapshot=snapshot, resource_id="gpu-1", daily_cost=Decimal("10"))
    UnrecognizedResourceFactory(snapshot=current, daily_cost=Decimal("2.5"), currency="USD")
    UnrecognizedResourceFactory(snapshot=current, native_type="fpga", daily_cost=None)
    UnrecognizedResourceFactory(snapshot=current, native_type="done", resolved_at=OBSERVED)

    gpu, fpga = triage.open_types()

    assert (gpu.native_type, gpu.record_count, gpu.resource_count) == ("gpu", 3, 2)
    assert gpu.daily_costs == {"RUB": Decimal("10.000000"), "USD": Decimal("2.500000")}
    assert (fpga.native_type, fpga.daily_costs) == ("fpga", {})
    assert [one.native_type for one in triage.open_types([("fake", "fpga"), ("other", "gpu")])] == ["fpga"]


def test_the_list_shows_types_with_their_money(operator) -> None:
    UnrecognizedResourceFactory(native_type="gpu_hours", daily_cost=Decimal("1234.5"))

    page = operator.get(TRIAGE).content.decode()

    assert "Types that wait for an answer" in page
    assert "₽1,234.50/day" in page
    assert f'href="{TRIAGE}map/?type=fake%3Agpu_hours"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?resolved_at__isempty=1", ["open-one"]),
        ("?resolved_at__isempty=0", ["done-one"]),
        ("?native_type=gpu", ["open-one"]),
        ("?provider_type=files", []),
        ("?q=done", ["done-one"]),
    ],
)
def test_triage_filters_and_finds(operator, query, found) -> None:
    UnrecognizedResourceFactory(resource_name="open-one", native_type="gpu")
    UnrecognizedResourceFactory(resource_name="done-one", native_type="fpga", resolved_at=OBSERVED)

    page = operator.get(f"{TRIAGE}{query}").content.decode()

    assert [name for name in ("open-one", "done-one") if name in page] == found


def test_a_record_shows_what_billing_said(operator) -> None:
    record = UnrecognizedResourceFactory(billing_data={"metric": {"name": "<gpu>"}})

    page = operator.get(f"{TRIAGE}{record.pk}/change/").content.decode()

    assert "<strong>name</strong>: &lt;gpu&gt;" in page


def test_mapping_shows_what_it_will_do_and_does_it_in_one_action(operator) -> None:
    current = SnapshotFactory()
    records = [UnrecognizedResourceFactory(snapshot=current, native_type="gpu") for _ in range(2)]
    other = UnrecognizedResourceFactory(snapshot=current, native_type="fpga")
    resource = ResourceFactory(connection=current.connection, native_type="gpu", resource_type="other")

    page = _act(operator, TRIAGE, "map_types", *records)
    address = page.redirect_chain[0][0]
    shown = page.content.decode()

    assert address == f"{TRIAGE}map/?type=fake%3Agpu"
    assert "2 open records" in shown
    assert "2 resources now" in shown
    assert "1 resource gets the new type" in shown
    assert f"/admin/inventory/resource/{resource.pk}/change/" in shown
    assert "₽20.00/day" in shown
    assert not TypeMapping.objects.exists()

    done = operator.post(address, {"resource_type": "server", "notes": "GPU servers"}, follow=True)

    mapping = TypeMapping.objects.get()
    assert _told(done) == ["2 records resolved. From the next sync on the type is known."]
    assert (mapping.native_type, mapping.resource_type, mapping.notes) == ("gpu", "server", "GPU servers")
    assert mapping.created_by is not None
    assert Resource.objects.get(pk=resource.pk).resource_type == "server"
    assert list(UnrecognizedResource.objects.filter(resolved_at=None)) == [other]
    assert {record.mapped_to for record in UnrecognizedResource.objects.exclude(resolved_at=None)} == {
        "server"
    }
    assert LogEntry.objects.get().object_id == str(mapping.pk)


@pytest.mark.parametrize("count", [1, 11])
def test_the_preview_costs_the_same_however_much_waits(operator, django_assert_num_queries, count) -> None:
    current = SnapshotFactory()
    for _ in range(count):
        UnrecognizedResourceFactory(snapshot=current, native_type="gpu")
        ResourceFactory(connection=current.connection, native_type="gpu", resource_type="other")
    operator.get(f"{TRIAGE}map/?type=fake:gpu")  # content types are remembered by the process

    # session, user, permissions (2); the type, its spend, its resources and their count
    with django_assert_num_queries(8):
        operator.get(f"{TRIAGE}map/?type=fake:gpu")


def test_what_a_sync_under_way_wrote_after_the_mapping_waits_for_nobody() -> None:
    TypeMappingFactory(provider_type="fake", native_type="gpu")
    UnrecognizedResourceFactory(native_type="gpu")

    assert triage.open_types() == []


def test_open_types_of_one_organization_are_its_own() -> None:
    mine, other = (
        UnrecognizedResourceFactory(native_type="gpu"),
        UnrecognizedResourceFactory(native_type="fpga"),
    )

    assert [one.native_type for one in triage.open_types(organization=mine.organization)] == ["gpu"]
    assert triage.open_types([("fake", "gpu")], organization=other.organization) == []


def test_mapping_without_a_type_teaches_nothing(operator) -> None:
    UnrecognizedResourceFactory(native_type="gpu")

    response = operator.post(f"{TRIAGE}map/?type=fake:gpu", {"resource_type": ""})

    assert "This field is required." in response.content.decode()
    assert not TypeMapping.objects.exists()


def test_mapping_from_a_row_leads_to_its_type(operator) -> None:
    record = UnrecognizedResourceFactory(native_type="a:b&c")

    response = operator.get(f"{TRIAGE}{record.pk}/map-type/", follow=True)

    assert response.redirect_chain[-1][0] == f"{TRIAGE}map/?type=fake%3Aa%3Ab%26c"
    assert "a:b&amp;c" in response.content.decode()


def test_a_type_that_nobody_waits_for_is_told(operator) -> None:
    response = operator.get(f"{TRIAGE}map/?type=fake:gone", follow=True)

    assert _told(response) == ["No open record has this type."]


def test_resolving_asks_for_notes_and_leaves_a_trail(operator) -> None:
    record = UnrecognizedResourceFactory()
    done = UnrecognizedResourceFactory(resolved_at=OBSERVED, notes="before")

    asked = _act(operator, TRIAGE, "resolve", record, done)
    resolved = _act(operator, TRIAGE, "resolve", record, done, confirmed="1", notes="A test account")

    assert "1 open record will be resolved." in asked.content.decode()
    assert _told(resolved) == ["1 record resolved."]
    record.refresh_from_db()
    done.refresh_from_db()
    assert (record.notes, record.mapped_to, record.resolved_by is not None) == ("A test account", "", True)
    assert done.notes == "before"
    assert LogEntry.objects.get().change_message == "A test account"


def test_false_positives_are_deleted_in_bulk(operator) -> None:
    records = UnrecognizedResourceFactory.create_batch(3)

    _act(operator, TRIAGE, "delete_selected", *records[:2], post="yes")

    assert list(UnrecognizedResource.objects.all()) == records[2:]


def test_who_may_only_look_answers_nothing() -> None:
    viewer, record = _administrator("view_all_data"), UnrecognizedResourceFactory(native_type="gpu")

    page = viewer.get(TRIAGE)
    assert page.status_code == 200
    assert "Map this type" not in page.content.decode()
    assert viewer.get(f"{TRIAGE}map/?type=fake:gpu").status_code == 403
    assert viewer.get(f"{TRIAGE}{record.pk}/map-type/").status_code == 403
    _act(viewer, TRIAGE, "resolve", record, confirmed="1", notes="x")
    _act(viewer, TRIAGE, "delete_selected", record, post="yes")
    assert UnrecognizedResource.objects.get().resolved_at is None


def test_users_do_not_reach_it(client) -> None:
    client.force_login(MembershipFactory().user)

    assert client.get(f"{TRIAGE}map/?type=fake:gpu").status_code in {302, 403}


# Mappings


def test_a_mapping_by_hand_teaches_too(operator) -> None:
    record = UnrecognizedResourceFactory(native_type="gpu")

    response = operator.post(
        "/admin/inventory/typemapping/add/",
        {"provider_type": "fake", "native_type": "gpu", "resource_type": "server", "notes": ""},
    )

    assert response.status_code == 302
    assert UnrecognizedResource.objects.get(pk=record.pk).mapped_to == "server"


def test_a_mapping_changes_its_type_only(operator) -> None:
    mapping = TypeMappingFactory(native_type="gpu")
    resource = ResourceFactory(native_type="gpu")

    response = operator.post(
        f"/admin/inventory/typemapping/{mapping.pk}/change/",
        {"native_type": "other", "resource_type": "licence", "notes": ""},
    )

    mapping.refresh_from_db()
    assert response.status_code == 302
    assert (mapping.native_type, mapping.resource_type) == ("gpu", "licence")
    assert Resource.objects.get(pk=resource.pk).resource_type == "licence"


def test_a_mapping_that_exists_is_an_error_of_the_form(operator) -> None:
    TypeMappingFactory(native_type="gpu")

    response = operator.post(
        "/admin/inventory/typemapping/add/",
        {"provider_type": "fake", "native_type": "gpu", "resource_type": "server", "notes": ""},
    )

    assert response.status_code == 200
    assert TypeMapping.objects.count() == 1


def test_mappings_do_not_ask_per_row(operator) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get("/admin/inventory/typemapping/").status_code == 200
        return len(captured)

    TypeMappingFactory(created_by=UserFactory())
    one = count()
    for _ in range(10):
        TypeMappingFactory(created_by=UserFactory())

    assert count() == one
