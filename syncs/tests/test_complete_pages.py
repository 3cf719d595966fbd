"""Complete syncs through their doors: panel, pages, API and admin; as owner, viewer and stranger."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from inventory.tests.factories import ResourceFactory
from providers.models import ProviderConnection
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory
from syncs import complete_queries, tasks
from syncs.models import CompleteSync, SyncStatus
from syncs.tests.factories import (
    CompleteSyncFactory,
    ReferenceFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
)

from .world import instant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def owner(organization: Organization) -> Client:
    return _client(organization)


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


def _client(organization: Organization, role: Role = Role.OWNER) -> Client:
    client = Client()
    client.force_login(member_of(organization, role))
    return client


def half_done(organization: Organization) -> CompleteSync:
    """The first is read, the second runs, the third waits."""
    one = CompleteSyncFactory(organization=organization, running=True)
    named = [ConnectionFactory(organization=organization, connection_name=name) for name in ("A", "B", "C")]
    ReferenceFactory(complete_sync=one, connection=named[0], position=1)
    running = SnapshotFactory(connection=named[1], is_current=False, status="running", phase="volumes")
    ReferenceFactory(
        complete_sync=one, connection=named[1], position=2, snapshot=running, status=SyncStatus.RUNNING
    )
    ReferenceFactory(complete_sync=one, connection=named[2], position=3, waiting=True)
    return one


def with_one_failed(organization: Organization) -> CompleteSync:
    one = CompleteSyncFactory(organization=organization, status="partial", daily_costs={"RUB": "99.5"})
    good = ReferenceFactory(complete_sync=one, position=1)
    SnapshotTotalFactory(snapshot=good.snapshot)
    ReferenceFactory(complete_sync=one, position=2, failed=True)
    return one


class TestPanel:
    def poll(self, client: Client, **query: Any) -> Any:
        return client.get(reverse("syncs:snapshot_progress"), query, headers=HTMX)

    def test_rows_stand_in_their_order_and_say_who_waits(self, owner, organization) -> None:
        one = half_done(organization)

        response = self.poll(owner)

        panel = response.context["panel"]
        assert [(row.connection.connection_name, row.text) for row in panel.rows] == [
            ("A", "Done"),
            ("B", "Volumes, step 4 of 8"),
            ("C", "Queued"),
        ]
        assert (panel.done_count, panel.total_count, panel.is_active) == (1, 3, True)
        assert f"complete={one.pk}" in panel.poll_url
        assert "Complete sync" in response.text

    def test_card_of_a_connection_that_began_reads_itself_anew(self, owner, organization) -> None:
        one = half_done(organization)
        done, running, _waiting = one.references.order_by("position")

        response = self.poll(owner, complete=one.pk, syncs=str(done.snapshot_id), done=str(done.snapshot_id))

        assert json.loads(response["HX-Trigger-After-Settle"]) == {
            f"sync-started-{running.connection_id}": {},
            "syncs-moved": {},
        }

    def test_end_collapses_and_tells_the_result_once(self, owner, organization) -> None:
        one = with_one_failed(organization)

        response = self.poll(owner, complete=one.pk)

        assert "every 2s" not in response.text
        assert "1 done, 1 failed" in response.text
        assert reverse("syncs:complete_retry", args=[one.pk]) in response.text
        assert "syncs-ended" in json.loads(response["HX-Trigger-After-Settle"])
        toast = json.loads(response["HX-Trigger"])["toast"]
        assert (toast["level"], toast["title"], toast["text"]) == (
            "error",
            "Update finished",
            "1 done, 1 failed",
        )

    def test_retry_counts_its_own_time(self, owner, organization, advanced) -> None:
        one = with_one_failed(organization)
        began = timezone.now() - timedelta(hours=5)
        CompleteSync.objects.filter(pk=one.pk).update(requested_at=began, started_at=began, finished_at=began)

        response = owner.post(reverse("syncs:complete_retry", args=[one.pk]), headers=HTMX)

        assert "1 of 2 done · running 0:00" in response.text

    def test_foreign_complete_sync_is_not_watched(self, organization) -> None:
        one = with_one_failed(OrganizationFactory())

        response = self.poll(_client(organization), complete=one.pk)

        assert response.context["panel"].rows == []

    @pytest.mark.parametrize("count", [1, 11])
    def test_polling_costs_the_same_however_many(
        self, owner, organization, django_assert_num_queries, count
    ) -> None:
        one = CompleteSyncFactory(organization=organization, running=True)
        for position in range(count):
            ReferenceFactory(complete_sync=one, position=position)

        with django_assert_num_queries(5):  # session, user, memberships, active syncs, complete sync
            self.poll(owner, complete=one.pk)

    def test_second_update_of_all_joins_and_says_so(self, owner, organization, advanced) -> None:
        half_done(organization)

        response = owner.post(reverse("syncs:snapshot_start_all"), headers=HTMX)

        assert CompleteSync.objects.count() == 1
        assert advanced == []
        title = json.loads(response["HX-Trigger"])["toast"]["title"]
        assert title == "Everything is being updated already, here is how far."


class TestPages:
    def test_history_shows_what_came_of_each(self, owner, organization) -> None:
        with_one_failed(organization)
        with_one_failed(OrganizationFactory())

        response = owner.get(reverse("syncs:complete_list"))

        assert "1 complete sync ·" in response.text
        assert "₽99.50" in response.text
        assert "· 1 done, 1 failed" in response.text

    def test_fragment_is_a_part_of_the_page(self, owner, organization) -> None:
        with_one_failed(organization)
        url = reverse("syncs:complete_list")

        fragment = owner.get(url, headers=HTMX)

        assert "<html" not in fragment.text
        assert fragment.text.strip() in owner.get(url).text

    @pytest.mark.parametrize("count", [1, 11])
    def test_history_costs_the_same_however_many(
        self, owner, organization, django_assert_num_queries, count
    ) -> None:
        for _ in range(count):
            with_one_failed(organization)

        with django_assert_num_queries(6):  # session, user, memberships, sidebar, count, page
            owner.get(reverse("syncs:complete_list"))

    def test_result_names_the_failed_one_and_why(self, owner, organization) -> None:
        one = with_one_failed(organization)

        response = owner.get(reverse("syncs:complete_detail", args=[one.pk]))

        assert "Fake Cloud rejected the credentials." in response.text
        assert "data unchanged" in response.text
        assert "Repeat 1 failed" in response.text

    def test_result_names_what_a_partial_one_lacks(self, owner, organization) -> None:
        one = CompleteSyncFactory(organization=organization, status="partial")
        part = ReferenceFactory(complete_sync=one, position=1, status="partial")
        ScopeCoverageFactory(snapshot=part.snapshot, scope="mysql", status="denied")
        ScopeCoverageFactory(snapshot=part.snapshot, scope="vps")

        response = owner.get(reverse("syncs:complete_detail", args=[one.pk]))

        assert "MySQL not read" in response.text

    def test_retry_opens_it_for_the_failed_one(self, owner, organization, advanced) -> None:
        one = with_one_failed(organization)

        response = owner.post(reverse("syncs:complete_retry", args=[one.pk]), headers=HTMX)

        one.refresh_from_db()
        assert one.status == "queued"
        assert list(one.references.order_by("position").values_list("status", flat=True)) == [
            "success",
            "queued",
        ]
        assert advanced == [one.pk]
        assert f"complete={one.pk}" in response.text

    def test_viewer_reads_and_may_not_retry(self, organization, advanced) -> None:
        one = with_one_failed(organization)
        viewer = _client(organization, Role.VIEWER)

        page = viewer.get(reverse("syncs:complete_detail", args=[one.pk]))

        assert "Repeat 1 failed" not in page.text
        assert viewer.post(reverse("syncs:complete_retry", args=[one.pk])).status_code == 403
        assert viewer.post(reverse("syncs:snapshot_start_all")).status_code == 403
        assert advanced == []

    @pytest.mark.parametrize("name", ["complete_detail", "complete_compare"])
    def test_stranger_finds_nothing(self, organization, name) -> None:
        one = with_one_failed(OrganizationFactory())

        assert _client(organization).get(reverse(f"syncs:{name}", args=[one.pk])).status_code == 404

    def test_card_says_that_it_is_not_tried_any_more(self, owner, organization) -> None:
        ConnectionFactory(organization=organization, failing=True)
        ProviderConnection.objects.update(consecutive_failures=5)

        response = owner.get(reverse("connections"))

        assert "We stopped trying after 5 failures" in response.text
        assert "Try again" in response.text


def two_days(organization: Organization) -> tuple[CompleteSync, CompleteSync]:
    """Between them one server went, one came, one cost more and one stayed; a second connection failed today."""
    connection = ConnectionFactory(organization=organization, connection_name="Main")
    other = ConnectionFactory(organization=organization, connection_name="Other")
    before = CompleteSyncFactory(organization=organization, requested_at=instant(0))
    after = CompleteSyncFactory(organization=organization, requested_at=instant(1), status="partial")
    for day, one in ((0, before), (1, after)):
        snapshot = SnapshotFactory(
            connection=connection, observed_at=instant(day), is_current=day == 1, resource_count=3
        )
        SnapshotTotalFactory(snapshot=snapshot, resources_daily_cost=Decimal(60 + 15 * day))
        ReferenceFactory(complete_sync=one, connection=connection, position=1, snapshot=snapshot)
    old = SnapshotFactory(connection=other, observed_at=instant(0))
    SnapshotTotalFactory(snapshot=old, resources_daily_cost=Decimal(7))
    ReferenceFactory(complete_sync=before, connection=other, position=2, snapshot=old)
    ReferenceFactory(complete_sync=after, connection=other, position=2, failed=True)
    _state(connection, "stays", 0, None, "10")
    _state(connection, "went", 0, 1, "20")
    _state(connection, "came", 1, None, "25")
    resource = _state(connection, "dearer", 0, 1, "30").resource
    _state(connection, "dearer", 1, None, "40", resource=resource)
    return before, after


def pair_of(organization: Organization, count: int) -> list[CompleteSync]:
    """Two complete syncs over `count` connections; in each of these one server came and one became dearer."""
    pair = [CompleteSyncFactory(organization=organization) for _ in range(2)]
    for number in range(count):
        connection = ConnectionFactory(organization=organization)
        for day, one in enumerate(pair):
            snapshot = SnapshotFactory(connection=connection, observed_at=instant(day), is_current=day == 1)
            ReferenceFactory(complete_sync=one, connection=connection, position=number, snapshot=snapshot)
        _state(connection, "came", 1, None, "1")
        resource = _state(connection, "dearer", 0, 1, "1").resource
        _state(connection, "dearer", 1, None, "2", resource=resource)
    return pair


def _state(connection, name: str, start: float, end: float | None, cost: str, resource: Any = None) -> Any:
    return ResourceStateFactory(
        resource=resource or ResourceFactory(connection=connection, name=name),
        opened_at=instant(start),
        closed_at=None if end is None else instant(end),
        daily_cost=Decimal(cost),
    )


class TestComparison:
    def test_difference_by_connection_and_by_resource(self, organization) -> None:
        before, after = (
            complete_queries.with_parts(CompleteSync.objects.filter(pk=one.pk)).get()
            for one in two_days(organization)
        )

        found = complete_queries.comparison(before, after)

        main, other = found.connections
        assert main.differences == {"RUB": Decimal(15)}
        assert (main.new_count, main.gone_count, main.changed_count) == (1, 1, 1)
        assert (other.is_compared, other.after.daily_costs) == (False, None)
        assert found.differences == {"RUB": Decimal(15)}
        assert [(one.kind, one.state.name, one.difference) for one in found.resources] == [
            ("new", "came", Decimal(25)),
            ("gone", "went", Decimal(-20)),
            ("changed", "dearer", Decimal(10)),
        ]

    def test_page_compares_with_the_one_before(self, owner, organization) -> None:
        _before, after = two_days(organization)

        response = owner.get(reverse("syncs:complete_compare", args=[after.pk]))

        assert "+₽15.00" in response.text
        assert "not compared: not read in both" in response.text
        assert response.context["comparison"].costs_before == {"RUB": Decimal(60)}
        assert response.context["comparison"].costs_after == {"RUB": Decimal(75)}

    def test_says_what_changed_of_a_resource(self, owner, organization) -> None:
        _before, after = two_days(organization)
        connection = ProviderConnection.objects.get(connection_name="Main")
        for name, then, now in (
            ("resized", {"vcpus": Decimal(2)}, {"vcpus": Decimal(4)}),
            ("restored", {}, {}),
            ("moved", {"configuration_hash": "0" * 32}, {"configuration_hash": "1" * 32}),
        ):
            resource = ResourceFactory(connection=connection, name=name)
            ResourceStateFactory(resource=resource, opened_at=instant(0), closed_at=instant(1), **then)
            ResourceStateFactory(resource=resource, opened_at=instant(1), **now)

        response = owner.get(reverse("syncs:complete_compare", args=[after.pk]))

        assert {each.state.name: title for each, title in response.context["resources"]} == {
            "came": "new",
            "went": "gone",
            "dearer": "Cost changed, configuration the same",
            "resized": "2\u00a0vCPU → 4\u00a0vCPU",
            "restored": "changed in between and is as before",
            "moved": "configuration changed",
        }

    def test_only_one_has_nothing_to_be_compared_with(self, owner, organization) -> None:
        one = with_one_failed(organization)

        response = owner.get(reverse("syncs:complete_compare", args=[one.pk]))

        assert "There is nothing to compare with" in response.text
        assert "This is the first complete sync." in response.text

    def test_oldest_offers_the_later_ones(self, owner, organization) -> None:
        before, after = two_days(organization)

        response = owner.get(reverse("syncs:complete_compare", args=[before.pk]))

        assert "This is the oldest complete sync." in response.text
        assert "This is the first complete sync." not in response.text
        assert f'<option value="{after.pk}">' in response.text

    def test_time_runs_forward_whichever_is_chosen(self, owner, organization) -> None:
        before, after = two_days(organization)

        pages = [
            owner.get(reverse("syncs:complete_compare", args=[one.pk]), {"with": other.pk})
            for one, other in ((after, before), (before, after))
        ]

        for page in pages:
            assert (page.context["before"], page.context["after"]) == (before, after)
            assert "+₽15.00" in page.text
        assert f'<option value="{after.pk}" selected>' in pages[1].text

    def test_foreign_one_is_not_compared_with(self, owner, organization) -> None:
        _before, after = two_days(organization)
        foreign, _ = two_days(OrganizationFactory())

        response = owner.get(reverse("syncs:complete_compare", args=[after.pk]), {"with": foreign.pk})

        assert response.status_code == 404

    @pytest.mark.parametrize("count", [1, 11])
    def test_page_costs_the_same_however_many_there_are(
        self, owner, organization, django_assert_num_queries, count
    ) -> None:
        _before, after = pair_of(organization, count)

        # session, user, memberships, sidebar; the earlier one, both with their references and totals (6), three counts,
        # three lists, the former states, the choices
        with django_assert_num_queries(19):
            owner.get(reverse("syncs:complete_compare", args=[after.pk]))

    @pytest.mark.parametrize("count", [1, 11])
    def test_result_costs_the_same_however_many_connections(
        self, owner, organization, django_assert_num_queries, count
    ) -> None:
        one = with_one_failed(organization)
        for position in range(count):
            good = ReferenceFactory(complete_sync=one, position=position + 3)
            SnapshotTotalFactory(snapshot=good.snapshot)

        partial = ReferenceFactory(complete_sync=one, position=2 * count + 9, status="partial")
        ScopeCoverageFactory(snapshot=partial.snapshot, status="failed")

        # session, user, memberships, sidebar; the complete sync, its references and their totals, what was not read (2),
        # the latest one
        with django_assert_num_queries(10):
            owner.get(reverse("syncs:complete_detail", args=[one.pk]))

    @pytest.mark.parametrize("count", [1, 11])
    def test_costs_the_same_however_many_connections(
        self, organization, django_assert_num_queries, count
    ) -> None:
        before, after = (
            complete_queries.with_parts(CompleteSync.objects.filter(pk=one.pk)).get()
            for one in pair_of(organization, count)
        )

        with django_assert_num_queries(7):  # three counts, three lists, the former states
            assert complete_queries.comparison(before, after).new_count == count


class TestApi:
    URL = "/api/v1/complete-syncs/"

    def test_begin_join_and_read(self, owner, organization, advanced) -> None:
        ConnectionFactory(organization=organization)

        first, second = owner.post(self.URL), owner.post(self.URL)

        assert (first.status_code, second.status_code) == (202, 200)
        assert first.json()["id"] == second.json()["id"]
        assert (first.json()["status"], first.json()["trigger"]) == ("queued", "api")
        assert advanced == [first.json()["id"]]
        assert [part["status"] for part in first.json()["connections"]] == ["queued"]
        assert [one["id"] for one in owner.get(self.URL).json()["results"]] == advanced

    def test_nothing_to_sync_is_a_conflict(self, owner, advanced) -> None:
        response = owner.post(self.URL)

        assert (response.status_code, response.json()["code"]) == (409, "sync_not_possible")

    def test_detail_gives_cost_and_error_by_connection(self, owner, organization) -> None:
        one = with_one_failed(organization)

        found = owner.get(f"{self.URL}{one.pk}/").json()

        good, bad = found["connections"]
        assert (found["daily_costs"], good["daily_costs"]) == ({"RUB": "99.500000"}, {"RUB": "99.500000"})
        assert (bad["daily_costs"], bad["error"]["code"]) == (None, "authentication_failed")

    def test_retry_and_a_viewer_may_not(self, owner, organization, advanced) -> None:
        one = with_one_failed(organization)

        refused = _client(organization, Role.VIEWER).post(f"{self.URL}{one.pk}/retry/")
        taken = owner.post(f"{self.URL}{one.pk}/retry/")

        assert (refused.status_code, taken.status_code) == (403, 202)
        assert [part["status"] for part in taken.json()["connections"]] == ["success", "queued"]
        assert advanced == [one.pk]

    def test_compare(self, owner, organization) -> None:
        before, after = two_days(organization)

        found = owner.get(f"{self.URL}{after.pk}/compare/", {"with": before.pk}).json()

        assert found["differences"] == {"RUB": "15.000000"}
        assert [one["differences"] for one in found["connections"]] == [{"RUB": "15.000000"}, None]
        assert [(one["kind"], one["daily_difference"]) for one in found["resources"]] == [
            ("new", "25.000000"),
            ("gone", "-20.000000"),
            ("changed", "10.000000"),
        ]


class TestAdmin:
    @pytest.fixture
    def operator(self) -> Client:
        user = UserFactory(administrator=True)
        user.user_permissions.set(
            Permission.objects.filter(codename__in=["manage_resources", "manage_providers"])
        )
        client = Client()
        client.force_login(user)
        return client

    def act(self, client: Client, url: str, action: str, row: Any) -> Any:
        return client.post(url, {"action": action, "_selected_action": [row.pk]}, follow=True)

    def test_list_and_page(self, operator, organization) -> None:
        one = with_one_failed(organization)

        rows = operator.get("/admin/syncs/completesync/")
        page = operator.get(f"/admin/syncs/completesync/{one.pk}/change/")

        assert "2 (1)" in rows.text
        assert "rejected the credentials" in page.text

    def test_failed_ones_are_retried(self, operator, organization, advanced) -> None:
        one = with_one_failed(organization)

        self.act(operator, "/admin/syncs/completesync/", "retry_failed", one)

        one.refresh_from_db()
        assert (one.status, advanced) == ("queued", [one.pk])

    def test_connection_that_is_not_tried_any_more_is_tried_again(self, operator, organization) -> None:
        connection = ConnectionFactory(organization=organization, consecutive_failures=5)
        url = "/admin/providers/providerconnection/"
        assert "Not tried any more after 5 failures" in operator.get(url).text

        self.act(operator, url, "try_again", connection)

        connection.refresh_from_db()
        assert (connection.consecutive_failures, connection.next_sync_at is not None) == (0, True)
