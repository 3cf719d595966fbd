"""Starting syncs and reading their history, as owner, viewer, stranger and anonymous."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from providers.models import ProviderConnection
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory
from syncs import tasks
from syncs.models import CompleteSync, SyncSnapshot
from syncs.tests.factories import (
    OBSERVED,
    SnapshotFactory,
    SnapshotTotalFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def connection() -> ProviderConnection:
    return ConnectionFactory(organization=OrganizationFactory(), connection_name="Fake Prod")


@pytest.fixture
def owner(client: Client, connection: ProviderConnection) -> Client:
    client.force_login(member_of(connection.organization))
    return client


@pytest.fixture
def viewer(client: Client, connection: ProviderConnection) -> Client:
    client.force_login(member_of(connection.organization, Role.VIEWER))
    return client


@pytest.fixture
def stranger(client: Client) -> Client:
    client.force_login(member_of(OrganizationFactory()))
    return client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of snapshots that were handed to a worker."""
    ids: list[int] = []
    monkeypatch.setattr(
        tasks.run_snapshot, "delay_on_commit", lambda *, snapshot_id: ids.append(snapshot_id), raising=False
    )
    return ids


@pytest.fixture
def advanced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of complete syncs that were handed to a worker."""
    ids: list[int] = []
    monkeypatch.setattr(
        tasks.advance_complete_sync,
        "delay_on_commit",
        lambda *, complete_sync_id: ids.append(complete_sync_id),
        raising=False,
    )
    return ids


def start(connection: ProviderConnection) -> str:
    return reverse("syncs:snapshot_start", args=[connection.pk])


class TestStart:
    def test_owner_starts_a_sync(
        self, owner: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        response = owner.post(start(connection))

        snapshot = SyncSnapshot.objects.get()
        assert (response.status_code, response["Location"]) == (302, "/connections/")
        assert (snapshot.status, snapshot.trigger, snapshot.connection) == ("queued", "manual", connection)
        assert snapshot.requested_by is not None
        assert sent == [snapshot.pk]

    def test_fragment_is_the_panel_that_polls(
        self, owner: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        response = owner.post(start(connection), headers=HTMX)

        snapshot = SyncSnapshot.objects.get()
        assert 'hx-trigger="every 2s"' in response.text
        assert f"syncs={snapshot.pk}&amp;done=&amp;" in response.text
        assert "<html" not in response.text
        assert json.loads(response["HX-Trigger-After-Settle"]) == {
            f"sync-started-{connection.pk}": {},
            "syncs-moved": {},
        }

    def test_second_start_joins_and_says_so(
        self, owner: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        running = SnapshotFactory(connection=connection, queued=True)

        response = owner.post(start(connection), headers=HTMX)

        assert SyncSnapshot.objects.get() == running
        assert sent == []
        toast = json.loads(response["HX-Trigger"])["toast"]
        assert toast["title"] == "Fake Prod is being updated already, here is how far."

    def test_connection_that_is_off_says_why_not(
        self, owner: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        ProviderConnection.objects.update(is_active=False)

        response = owner.post(start(connection), follow=True)

        assert not SyncSnapshot.objects.exists()
        assert "Fake Prod: This connection is switched off. Switch it on to sync it." in response.text

    def test_all_begins_a_complete_sync_of_what_is_on_and_reads_no_files(
        self, owner: Client, connection: ProviderConnection, advanced: list[int]
    ) -> None:
        organization = connection.organization
        second = ConnectionFactory(organization=organization)
        ConnectionFactory(organization=organization, is_active=False)
        ConnectionFactory(organization=organization, provider_type="files")
        ConnectionFactory()

        response = owner.post(reverse("syncs:snapshot_start_all"))

        complete = CompleteSync.objects.get()
        places = complete.references.order_by("position").values_list("connection", flat=True)
        assert list(places) == [connection.pk, second.pk]
        assert (complete.trigger, complete.requested_by is not None) == ("manual", True)
        assert advanced == [complete.pk]
        assert response["Location"] == f"/connections/?complete={complete.pk}"

    def test_all_failed_starts_those_alone(
        self, owner: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        failing = ConnectionFactory(organization=connection.organization, failing=True)

        owner.post(reverse("syncs:snapshot_start_all"), {"failed": "1"})

        assert SyncSnapshot.objects.get().connection == failing

    def test_viewer_may_not_start(
        self, viewer: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        assert viewer.post(start(connection)).status_code == 403
        assert viewer.post(reverse("syncs:snapshot_start_all")).status_code == 403
        assert not SyncSnapshot.objects.exists()

    def test_stranger_finds_nothing(
        self, stranger: Client, connection: ProviderConnection, sent: list[int]
    ) -> None:
        assert stranger.post(start(connection)).status_code == 404
        assert not SyncSnapshot.objects.exists()

    def test_anonymous_signs_in_first(self, client: Client, connection: ProviderConnection) -> None:
        assert client.post(start(connection))["Location"].startswith("/accounts/login/")

    def test_reading_starts_nothing(self, owner: Client, connection: ProviderConnection) -> None:
        assert owner.get(start(connection)).status_code == 405


class TestProgress:
    def poll(self, client: Client, **query: str) -> Any:
        return client.get(reverse("syncs:snapshot_progress"), query, headers=HTMX)

    def test_running_sync_shows_its_phase_and_polls_on(
        self, owner: Client, connection: ProviderConnection
    ) -> None:
        SnapshotFactory(
            connection=connection, is_current=False, status="running", phase="volumes", progress={"found": 12}
        )

        response = self.poll(owner)

        assert "Volumes, step 4 of 8" in response.text
        assert "12 resources found" in response.text
        assert 'hx-trigger="every 2s"' in response.text
        assert "HX-Trigger" not in response.headers

    def test_wait_says_how_long_and_why(self, owner: Client, connection: ProviderConnection) -> None:
        told = {"waiting_seconds": 12, "waiting_reason": "rate_limit"}
        SnapshotFactory(
            connection=connection, is_current=False, status="running", phase="collect", progress=told
        )

        response = self.poll(owner)

        assert "Waiting 12 s" in response.text
        assert "Request limit of Fake Cloud" in response.text

    def test_last_fragment_polls_no_more_and_tells_the_end_once(
        self, owner: Client, connection: ProviderConnection
    ) -> None:
        ended = SnapshotFactory(connection=connection, resource_count=12)

        first = self.poll(owner, syncs=str(ended.pk))
        again = self.poll(owner, syncs=str(ended.pk), done=str(ended.pk))

        assert "every 2s" not in first.text
        assert "12 resources, no changes" in first.text
        toast = json.loads(first["HX-Trigger"])["toast"]
        assert (toast["level"], toast["title"], toast["text"]) == (
            "success",
            "Fake Prod is updated",
            "12 resources, no changes",
        )
        assert json.loads(first["HX-Trigger-After-Settle"]) == {
            f"sync-ended-{connection.pk}": {},
            "syncs-ended": {},
        }
        assert "HX-Trigger" not in again.headers

    def test_failure_says_so_and_offers_to_repeat(
        self, owner: Client, connection: ProviderConnection
    ) -> None:
        ended = SnapshotFactory(connection=connection, failed=True)

        response = self.poll(owner, syncs=str(ended.pk))

        assert "Repeat 1 failed" in response.text
        assert json.loads(response["HX-Trigger"])["toast"]["title"] == "Fake Prod is not updated"

    def test_phase_is_announced_once(self, owner: Client, connection: ProviderConnection) -> None:
        running = SnapshotFactory(connection=connection, is_current=False, status="running", phase="volumes")

        first = self.poll(owner)
        again = self.poll(owner, said=f"{running.pk}.volumes")

        assert 'role="status" hx-swap-oob="innerHTML">Fake Prod: Volumes, step 4 of 8' in first.text
        assert "hx-swap-oob" not in again.text

    def test_foreign_snapshots_are_not_watched(
        self, stranger: Client, connection: ProviderConnection
    ) -> None:
        foreign = SnapshotFactory(connection=connection)
        SnapshotFactory(connection=ConnectionFactory(organization=connection.organization), queued=True)

        response = self.poll(stranger, syncs=f"{foreign.pk},x,,9" + "9" * 40)

        assert response.status_code == 200
        assert "sync-row" not in response.text

    def test_without_htmx_it_is_the_page(self, owner: Client) -> None:
        assert owner.get(reverse("syncs:snapshot_progress"))["Location"] == "/connections/"

    @pytest.mark.parametrize("count", [1, 11])
    def test_polling_costs_the_same_however_much_runs(
        self, owner: Client, connection: ProviderConnection, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            other = ConnectionFactory(organization=connection.organization)
            SnapshotFactory(connection=other, is_current=False, status="running", phase="volumes")

        with django_assert_num_queries(5):  # session, user, memberships, active syncs, complete sync
            self.poll(owner)


class TestHistory:
    def test_history_shows_what_came_of_each_sync(
        self, owner: Client, connection: ProviderConnection
    ) -> None:
        good = SnapshotFactory(
            connection=connection, resource_count=12, finished_at=OBSERVED + timedelta(seconds=72)
        )
        SnapshotTotalFactory(snapshot=good)
        SnapshotFactory(connection=connection, failed=True)

        response = owner.get(reverse("syncs:snapshot_list", args=[connection.pk]))

        assert response.status_code == 200
        assert "₽100.00" in response.text
        assert "99.50%" in response.text
        assert "1:12" in response.text
        assert "Fake Cloud rejected the credentials." in response.text

    def test_history_of_all_names_the_connection(self, owner: Client, connection: ProviderConnection) -> None:
        SnapshotFactory(connection=connection)
        SnapshotFactory(connection=ConnectionFactory(connection_name="Foreign"))

        response = owner.get(reverse("syncs"))

        assert "Fake Prod" in response.text
        assert "Foreign" not in response.text

    def test_fragment_is_a_part_of_the_page(self, owner: Client, connection: ProviderConnection) -> None:
        SnapshotFactory(connection=connection)
        url = reverse("syncs:snapshot_list", args=[connection.pk])

        fragment = owner.get(url, headers=HTMX)

        assert "<html" not in fragment.text
        assert fragment.text.strip() in owner.get(url).text
        assert "HX-Request" in fragment["Vary"]

    def test_history_is_paged(self, owner: Client, connection: ProviderConnection) -> None:
        SnapshotFactory.create_batch(51, connection=connection, earlier=True)

        response = owner.get(reverse("syncs:snapshot_list", args=[connection.pk]), {"page": "2"})

        assert "51–51 of 51" in response.text

    def test_empty_history_says_what_to_do(self, owner: Client) -> None:
        assert "Nothing has been synced yet" in owner.get(reverse("syncs")).text

    def test_viewer_reads(self, viewer: Client, connection: ProviderConnection) -> None:
        SnapshotFactory(connection=connection)

        assert viewer.get(reverse("syncs:snapshot_list", args=[connection.pk])).status_code == 200

    def test_stranger_finds_nothing(self, stranger: Client, connection: ProviderConnection) -> None:
        SnapshotFactory(connection=connection)

        assert stranger.get(reverse("syncs:snapshot_list", args=[connection.pk])).status_code == 404

    def test_anonymous_signs_in_first(self, client: Client) -> None:
        assert client.get(reverse("syncs"))["Location"].startswith("/accounts/login/")

    @pytest.mark.parametrize("count", [1, 11])
    def test_history_costs_the_same_at_any_length(
        self, owner: Client, connection: ProviderConnection, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            SnapshotTotalFactory(snapshot=SnapshotFactory(connection=connection, earlier=True))

        # session, user, memberships, sidebar; connection, count, snapshots, totals
        with django_assert_num_queries(8):
            owner.get(reverse("syncs:snapshot_list", args=[connection.pk]))
