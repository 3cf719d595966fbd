"""Syncs, snapshots, states, resources as of a moment and imports through the API."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from inventory.tests.factories import ResourceFactory, TagFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs import tasks
from syncs.models import BillingFile, SyncSnapshot
from syncs.tests.factories import (
    OBSERVED,
    BillingFileFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
)

pytestmark = pytest.mark.django_db

LATER = OBSERVED + timedelta(days=2)


@pytest.fixture
def organization():
    return OrganizationFactory()


@pytest.fixture
def connection(organization) -> ProviderConnection:
    return ConnectionFactory(organization=organization, provider_type="beget")


@pytest.fixture
def client(organization) -> Client:
    return _client(organization)


@pytest.fixture
def queued(monkeypatch) -> list[int]:
    """Ids that were sent to workers."""
    sent: list[int] = []
    monkeypatch.setattr(
        tasks.run_snapshot, "delay_on_commit", lambda snapshot_id: sent.append(snapshot_id), raising=False
    )
    return sent


def _client(organization, role: Role = Role.OWNER) -> Client:
    client = Client()
    client.force_login(member_of(organization, role))
    return client


def _names(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/api/v1/resources/{query}")
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


def _resource(connection, **state):
    name = state.pop("name", "server")
    resource = ResourceFactory(
        connection=connection, name=name, **{k: state.pop(k) for k in ("resource_type",) if k in state}
    )
    return ResourceStateFactory(resource=resource, **state).resource


# Syncs


def test_a_sync_is_queued_once_and_then_joined(client, connection, queued) -> None:
    first = client.post(f"/api/v1/connections/{connection.pk}/sync/")
    second = client.post(f"/api/v1/connections/{connection.pk}/sync/")

    snapshot = SyncSnapshot.objects.get()
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"] == snapshot.pk
    assert (snapshot.status, snapshot.trigger) == ("queued", "api")
    assert str(snapshot.requested_by_id) == client.session["_auth_user_id"]
    assert queued == [snapshot.pk]


def test_a_connection_that_is_off_is_not_synced(client, connection, queued) -> None:
    ProviderConnection.objects.update(is_active=False)

    response = client.post(f"/api/v1/connections/{connection.pk}/sync/")

    assert response.status_code == 409
    assert response.json()["code"] == "sync_not_possible"
    assert response.json()["detail"] == "This connection is switched off. Switch it on to sync it."
    assert (queued, SyncSnapshot.objects.count()) == ([], 0)


def test_snapshots_the_newest_first_with_their_totals(client, connection) -> None:
    SnapshotTotalFactory(snapshot=SnapshotFactory(connection=connection, earlier=True))
    SnapshotFactory(connection=connection, requested_at=LATER, failed=True)

    found = client.get("/api/v1/snapshots/").json()["results"]

    assert [row["status"] for row in found] == ["error", "success"]
    assert found[0]["error"] == {
        "code": "authentication_failed",
        "detail": "Beget rejected the credentials. The password is wrong.",
    }
    assert found[1]["totals"] == [
        {
            "currency": "RUB",
            "billed_daily_cost": "100.000000",
            "resources_daily_cost": "99.500000",
            "unexplained_daily_cost": "0.500000",
        }
    ]
    assert found[1]["observed_at"] == "2026-03-01T10:00:00Z"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=error", 1),
        ("status=error&status=success", 2),
        ("trigger=api", 0),
        ("since=2026-03-02T00:00:00Z", 1),
        ("until=2026-03-02T00:00:00Z", 1),
    ],
)
def test_snapshots_filter(client, connection, query, count) -> None:
    SnapshotFactory(connection=connection, earlier=True)
    SnapshotFactory(connection=connection, requested_at=LATER, failed=True)

    assert client.get(f"/api/v1/snapshots/?{query}").json()["count"] == count


def test_a_snapshot_tells_coverage_and_findings(client, connection) -> None:
    finding = {
        "code": "odd",
        "message": "%(count)s odd rows.",
        "params": {"count": 3},
        "line": 7,
        "column": "Tags",
    }
    snapshot = SnapshotFactory(connection=connection, findings=[finding], breakdown={"by_type": {}})
    ScopeCoverageFactory(
        snapshot=snapshot, scope="mysql", status="denied", error_code="permission_denied", message="No right."
    )

    found = client.get(f"/api/v1/snapshots/{snapshot.pk}/").json()

    assert found["coverage"] == [
        {
            "scope": "mysql",
            "status": "denied",
            "error_code": "permission_denied",
            "detail": "No right.",
            "last_complete_at": None,
        }
    ]
    assert found["findings"] == [{"code": "odd", "detail": "3 odd rows.", "line": 7, "column": "Tags"}]


# Resources and states


def test_resources_are_as_of_a_moment(client, connection) -> None:
    small = _resource(connection, name="web", daily_cost=Decimal("22"), closed_at=LATER)
    ResourceStateFactory(
        resource=small, name="web", opened_at=LATER, action="updated", daily_cost=Decimal("30")
    )
    _resource(connection, name="gone", closed_at=LATER)

    now = client.get("/api/v1/resources/").json()["results"]
    then = client.get("/api/v1/resources/?at=2026-03-02T00:00:00Z").json()["results"]

    assert [(row["name"], row["state"]["daily_cost"]) for row in now] == [("web", "30.000000")]
    assert [(row["name"], row["state"]["daily_cost"]) for row in then] == [
        ("gone", "22.000000"),
        ("web", "22.000000"),
    ]
    assert [row["is_present"] for row in then] == [True, True]
    assert _names(client, "?at=2026-02-01T00:00:00Z") == []


def test_a_plus_that_was_not_escaped_is_understood(client, connection) -> None:
    _resource(connection, name="web")

    assert _names(client, "?at=2026-03-02T00:00:00+03:00") == ["web"]


def test_components_are_added_to_the_total(client, connection) -> None:
    server = _resource(connection, name="web")
    _resource(connection, name="disk", parent=server, daily_cost=Decimal("5.5"), resource_type="volume")

    row = client.get("/api/v1/resources/?is_component=false").json()["results"][0]

    assert (row["name"], row["components_daily_cost"], row["total_daily_cost"]) == (
        "web",
        "5.500000",
        "27.500000",
    )
    assert _names(client, "?is_component=true") == ["disk"]
    assert _names(client, f"?parent={server.pk}") == ["disk"]


def test_what_could_not_be_read_is_stale(client, connection) -> None:
    _resource(connection, name="web", scope="vps")
    _resource(connection, name="shop", scope="mysql")
    ScopeCoverageFactory(
        snapshot=SyncSnapshot.objects.get(), scope="mysql", status="failed", last_complete_at=OBSERVED
    )

    rows = client.get("/api/v1/resources/?is_stale=true").json()["results"]

    assert [(row["name"], row["stale_since"]) for row in rows] == [("shop", "2026-03-01T10:00:00Z")]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("type=server", ["web"]),
        ("type=server&type=volume", ["disk", "web"]),
        ("status=stopped", ["disk"]),
        ("region=ru2", ["disk"]),
        ("tag=env", ["web"]),
        ("tag=env=prod", ["web"]),
        ("tag=env=dev", []),
        ("search=WE", ["web"]),
        ("search=10.9.9.9", ["disk"]),
        ("ordering=-daily_cost", ["disk", "web"]),
        ("ordering=total_daily_cost", ["web", "disk"]),
        ("page_size=1&page=2", ["web"]),
    ],
)
def test_resources_filter_and_sort(client, connection, query, names) -> None:
    TagFactory(resource=_resource(connection, name="web"))
    _resource(
        connection,
        name="disk",
        resource_type="volume",
        status="stopped",
        region_id="ru2",
        ip_addresses=["10.9.9.9"],
        daily_cost=Decimal("40"),
    )

    assert _names(client, f"?{query}") == names


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("at=tomorrow", "at"),
        ("type=spaceship", "type"),
        ("ordering=secret", "ordering"),
        ("connection=x", "connection"),
    ],
)
def test_bad_filters_name_their_field(client, query, field) -> None:
    response = client.get(f"/api/v1/resources/?{query}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


def test_a_resource_has_its_history(client, connection) -> None:
    resource = _resource(connection, name="web", closed_at=LATER)
    ResourceStateFactory(
        resource=resource,
        opened_at=LATER,
        action="updated",
        daily_cost=Decimal("30"),
        changes={"daily_cost": ["22", "30"]},
    )
    url = f"/api/v1/resources/{resource.pk}/"

    found = client.get(url).json()
    then = client.get(f"{url}?at=2026-03-02T00:00:00Z").json()

    assert [state["daily_cost"] for state in found["history"]] == ["30.000000", "22.000000"]
    assert found["history"][0]["changes"] == {"daily_cost": ["22", "30"]}
    assert (then["state"]["daily_cost"], len(then["history"])) == ("22.000000", 1)
    assert client.get(f"{url}?at=2026-02-01T00:00:00Z").status_code == 404


def test_a_resource_that_is_gone_shows_its_last_form(client, connection) -> None:
    resource = _resource(connection, name="web", closed_at=LATER)

    found = client.get(f"/api/v1/resources/{resource.pk}/").json()

    assert (found["is_present"], found["state"]["closed_at"]) == (False, "2026-03-03T10:00:00Z")


def test_drafts_of_a_running_sync_are_nowhere(client, connection) -> None:
    resource = _resource(connection, name="web", opened_at=None)

    assert _names(client) == []
    assert client.get("/api/v1/states/").json()["count"] == 0
    assert client.get(f"/api/v1/resources/{resource.pk}/").status_code == 404


def test_states_filter_by_resource_and_snapshot(client, connection) -> None:
    resource = _resource(connection, name="web", has_cost_change=True)
    _resource(connection, name="other")
    snapshot = SyncSnapshot.objects.get()

    def count(query: str) -> int:
        return client.get(f"/api/v1/states/?{query}").json()["count"]

    assert count(f"resource={resource.pk}") == 1
    assert count(f"snapshot={snapshot.pk}") == 2
    assert count("has_cost_change=true") == 1
    assert count("action=returned") == 0


# Imports

HEADER = (
    "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,"
    "ChargeCategory,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,EffectiveCost,ListCost,ProviderName,"
    "PublisherName,InvoiceIssuerName,ResourceId,ResourceName,ServiceName,ServiceCategory"
)
ROW = (
    "10.5,1,Main,USD,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,Usage,Compute,2026-03-01T00:00:00Z,"
    "2026-03-02T00:00:00Z,10.5,10.5,AWS,AWS,AWS,i-1,web,EC2,Compute"
)


@pytest.fixture
def focus_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.IMPORT_MAX_BYTES = 1024 * 1024


def _upload(client: Client, *rows: str, **data):
    content = "\n".join([HEADER, *rows]).encode()
    return client.post("/api/v1/imports/", {"file": SimpleUploadedFile("bill.csv", content), **data})


@pytest.mark.usefixtures("focus_files")
def test_an_upload_is_reported_and_imported_when_confirmed(client, queued) -> None:
    uploaded = _upload(client, ROW, connection_name="AWS")

    report = uploaded.json()["report"]
    assert (uploaded.status_code, uploaded.json()["status"]) == (201, "inspected")
    assert (report["row_count"], report["bad_row_count"], report["provider_names"]) == (1, 0, ["AWS"])
    assert report["period_sums"][0]["billed_cost"] == "10.5"
    assert (queued, SyncSnapshot.objects.count()) == ([], 0)

    confirmed = client.post(f"/api/v1/imports/{uploaded.json()['id']}/confirm/")

    snapshot = SyncSnapshot.objects.get()
    assert (confirmed.status_code, confirmed.json()["id"]) == (202, snapshot.pk)
    assert (snapshot.trigger, snapshot.billing_file_id) == ("api", uploaded.json()["id"])
    assert queued == [snapshot.pk]


@pytest.mark.usefixtures("focus_files")
def test_bad_rows_need_a_choice(client, queued) -> None:
    uploaded = _upload(client, ROW, ROW.replace("10.5", "ten"), connection_name="AWS").json()
    url = f"/api/v1/imports/{uploaded['id']}/confirm/"

    refused = client.post(url)
    accepted = client.post(url, {"skip_bad_rows": True}, content_type="application/json")

    assert uploaded["report"]["bad_rows"][0]["line"] == 3
    assert (refused.status_code, refused.json()["code"]) == (409, "sync_not_possible")
    assert accepted.status_code == 202
    assert BillingFile.objects.get().skip_bad_rows is True


@pytest.mark.usefixtures("focus_files")
def test_an_upload_needs_a_file_and_a_connection_that_reads_files(client, connection) -> None:
    empty = client.post("/api/v1/imports/", {})
    neither = _upload(client, ROW)
    wrong = _upload(client, ROW, connection=connection.pk)
    foreign = _upload(client, ROW, connection=ConnectionFactory(provider_type="focus").pk)

    assert empty.json()["errors"] == {"file": ["No file was submitted."]}
    assert list(neither.json()["errors"]) == ["connection"]
    assert wrong.json()["errors"] == {"connection": ["This connection does not read files."]}
    assert foreign.status_code == 404
    assert not BillingFile.objects.exists()


@pytest.mark.usefixtures("focus_files")
def test_a_file_that_is_too_large_leaves_nothing(client, settings) -> None:
    settings.IMPORT_MAX_BYTES = 10

    response = _upload(client, ROW, connection_name="AWS")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["file"]
    assert not BillingFile.objects.exists()
    assert not ProviderConnection.objects.filter(connection_name="AWS").exists()


def test_viewers_upload_and_confirm_nothing(organization) -> None:
    viewer = _client(organization, Role.VIEWER)
    kept = BillingFileFactory(organization=organization, connection__organization=organization)

    assert viewer.get(f"/api/v1/imports/{kept.pk}/").status_code == 200
    assert _upload(viewer, ROW, connection_name="AWS").status_code == 403
    assert viewer.post(f"/api/v1/imports/{kept.pk}/confirm/").status_code == 403


# Sizes


def _rows(organization, count: int) -> None:
    connection = ConnectionFactory(organization=organization, provider_type="beget")
    for number in range(count):
        resource = _resource(connection, name=f"server-{number}")
        TagFactory(resource=resource)
        SnapshotTotalFactory(snapshot=SnapshotFactory(connection=connection, earlier=True))
        BillingFileFactory(connection=connection)


@pytest.mark.parametrize(
    ("kind", "expected"), [("resources", 6), ("states", 5), ("snapshots", 6), ("imports", 5)]
)
def test_lists_do_not_ask_per_row(client, organization, kind, expected) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert client.get(f"/api/v1/{kind}/").status_code == 200
        return len(captured)

    _rows(organization, 1)
    one = count()
    _rows(organization, 10)

    assert count() == one == expected


def test_the_clock_of_answers_is_utc(client, connection, organization) -> None:
    _resource(connection, name="web", opened_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))

    state = client.get("/api/v1/states/").json()["results"][0]

    assert state["opened_at"] == "2026-03-01T23:30:00Z"
