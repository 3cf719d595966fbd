"""What the dashboard shows of syncs: the panel while they run, its parts read anew, types that nobody knows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, member_of
from costs.tests.factories import DailyCostFactory
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import (
    CompleteSyncFactory,
    ReferenceFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    UnrecognizedResourceFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

TRIAGE = "/admin/syncs/unrecognizedresource/?resolved_at__isempty=1"


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def part(client: Client, name: str, **query: Any) -> str:
    text: str = client.get("/", query, headers={"HX-Request": "true", "HX-Target": name}).text
    return text


def running(organization: Organization, count: int = 1) -> None:
    one = CompleteSyncFactory(organization=organization, running=True)
    for position in range(count):
        connection = ConnectionFactory(organization=organization, connection_name=f"Cloud {position}")
        ScopeCoverageFactory(snapshot=SnapshotFactory(connection=connection))
        snapshot = SnapshotFactory(connection=connection, is_current=False, status="running", phase="volumes")
        ReferenceFactory(
            complete_sync=one, connection=connection, position=position, snapshot=snapshot, status="running"
        )


def administrator(organization: Organization) -> Client:
    user = member_of(organization)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename="manage_resources"))
    client = Client()
    client.force_login(user)
    return client


def unknown(organization: Organization, native_type: str = "gpu_slice", **fields: Any) -> None:
    connection = ConnectionFactory(organization=organization)
    UnrecognizedResourceFactory(snapshot__connection=connection, native_type=native_type, **fields)


class TestPanel:
    def test_running_complete_sync_is_watched_here(self, owner: Client, organization: Organization) -> None:
        running(organization)

        text = owner.get("/").text

        assert "Volumes, step 4 of 8" in text
        assert f'hx-get="{reverse("syncs:snapshot_progress")}?syncs=' in text
        assert "Updating 1 of 1" in text

    def test_page_has_one_line_for_announcements(self, owner: Client, organization: Organization) -> None:
        running(organization)

        for page in ("/", reverse("connections")):
            assert owner.get(page).text.count('id="sync-announcement"') == 1

    def test_update_of_all_opens_the_panel_in_place(self, owner: Client, organization: Organization) -> None:
        ConnectionFactory(organization=organization)

        text = owner.get("/").text

        assert f'hx-post="{reverse("syncs:snapshot_start_all")}" hx-target="#sync-panel"' in text
        assert 'id="sync-panel" hidden' in text

    @pytest.mark.parametrize("name", ["dashboard-connections", "dashboard-figures"])
    def test_part_is_the_same_alone_and_in_the_page(
        self, owner: Client, organization: Organization, name: str
    ) -> None:
        running(organization)

        text = part(owner, name, period=30)

        assert "<html" not in text
        assert 'id="sync-all" hx-swap-oob="true"' in text
        assert (
            text[: text.index('hx-swap-oob="true"')].rsplit("<", 1)[0].strip()
            in owner.get("/?period=30").text
        )

    def test_viewer_gets_no_button_with_a_part(self, client: Client, organization: Organization) -> None:
        running(organization)
        client.force_login(member_of(organization, Role.VIEWER))

        assert "sync-all" not in part(client, "dashboard-figures")
        assert "sync-all" not in part(client, "dashboard-connections")

    @pytest.mark.parametrize("count", [1, 11])
    @pytest.mark.parametrize(
        ("name", "queries"),
        [
            # session, user, memberships; run rate, reconciliation (2), coverage (3), latest and active syncs, connections
            ("dashboard-connections", 12),
            # besides: spend (3), changes (3), use, types nobody knows, forecast (3), anomalies, budgets (2), savings (3)
            ("dashboard-figures", 29),
        ],
    )
    def test_part_costs_the_same_however_many(
        self,
        owner: Client,
        organization: Organization,
        django_assert_num_queries: Any,
        name: str,
        queries: int,
        count: int,
    ) -> None:
        running(organization, count)

        with django_assert_num_queries(queries):
            part(owner, name)


class TestNotices:
    def test_many_short_balances_do_not_hide_an_unknown_type(
        self, owner: Client, organization: Organization
    ) -> None:
        for name, balance in (("Longer", 500), ("Shorter", 100)):
            connection = ConnectionFactory(
                organization=organization,
                connection_name=name,
                balance=Decimal(balance),
                balance_currency="RUB",
                account_read_at=timezone.now(),
            )
            ResourceStateFactory(resource=ResourceFactory(connection=connection))
        unknown(organization)

        response = owner.get("/")

        assert [notice.title.split(":")[0] for notice in response.context["notices"]] == [
            "Shorter",
            "gpu_slice",
        ]
        assert [notice.title.split(":")[0] for notice in response.context["more_notices"]] == ["Longer"]

    def test_failed_connection_that_is_not_tried_any_more_says_so(
        self, owner: Client, organization: Organization
    ) -> None:
        ConnectionFactory(organization=organization, failing=True, consecutive_failures=5)

        text = owner.get("/").text

        assert "The login or the password is wrong. It is not tried by itself any more." in text
        assert "Error, not tried any more" in text


class TestUnknownTypes:
    def test_says_what_is_at_stake_and_leads_to_triage(self, organization: Organization) -> None:
        unknown(organization)
        resource = ResourceFactory(connection__organization=organization, native_type="gpu_slice")
        DailyCostFactory(resource=resource, billed_cost=Decimal("3400"))

        text = administrator(organization).get("/").text

        assert "gpu_slice: the type is not recognised." in text
        assert "₽3,400.00 over 1 day are counted in the sums" in text
        assert f'href="{TRIAGE}"' in text

    def test_rate_stands_in_until_a_day_is_counted(self, owner: Client, organization: Organization) -> None:
        unknown(organization, daily_cost=Decimal("1200"))

        assert "₽1,200.00/day are counted in the sums" in owner.get("/").text

    def test_who_may_not_answer_is_told_who_may(self, owner: Client, organization: Organization) -> None:
        unknown(organization)

        text = owner.get("/").text

        assert "An administrator can say what it is." in text
        assert "/admin/syncs" not in text

    def test_many_types_are_one_notice(self, owner: Client, organization: Organization) -> None:
        for number in range(5):
            unknown(organization, f"type_{number}", daily_cost=Decimal(100 - number))

        text = owner.get("/").text

        assert "type_0, type_1, type_2 and 2 more: the types are not recognised." in text
        assert "₽490.00/day are counted" in text

    def test_of_another_organization_nothing_is_said(self, owner: Client, organization: Organization) -> None:
        ConnectionFactory(organization=organization)
        unknown(OrganizationFactory())

        assert "not recognised" not in owner.get("/").text

    @pytest.mark.parametrize("count", [1, 11])
    def test_costs_one_query_more_than_none(
        self, owner: Client, organization: Organization, django_assert_num_queries: Any, count: int
    ) -> None:
        for number in range(count):
            unknown(organization, f"type_{number}")

        with django_assert_num_queries(35):  # one more than without
            owner.get("/")
