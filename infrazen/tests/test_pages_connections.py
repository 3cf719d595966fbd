"""The page of connections: money, state, what to do; as owner, viewer, stranger and anonymous."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, member_of
from costs.tests.days import charge
from inventory.tests.factories import ResourceFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import (
    CompleteSyncFactory,
    ReferenceFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

URL = "/connections/"


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def synced(organization: Organization, **fields: Any) -> ProviderConnection:
    """A connection with a finished sync and one server at 22 roubles a day."""
    given: dict[str, Any] = {"last_sync_status": "success", "last_sync_at": timezone.now()}
    connection: ProviderConnection = ConnectionFactory(organization=organization, **given | fields)
    snapshot = SnapshotFactory(connection=connection)
    SnapshotTotalFactory(snapshot=snapshot)
    ScopeCoverageFactory(snapshot=snapshot, scope="vps")
    ResourceStateFactory(resource=ResourceFactory(connection=connection), opened_by=snapshot)
    return connection


class TestConnections:
    def test_a_complete_sync_that_ended_before_the_page_came_is_still_told(
        self, owner: Client, organization: Organization
    ) -> None:
        reference = ReferenceFactory(
            complete_sync=CompleteSyncFactory(organization=organization, status="success"),
            connection=ConnectionFactory(organization=organization),
        )
        foreign = CompleteSyncFactory(status="success")
        ReferenceFactory(complete_sync=foreign)

        told = owner.get(URL, {"complete": reference.complete_sync.pk}).text

        assert "Update finished" in told
        for other in (foreign.pk, "x", ""):
            assert "Update finished" not in owner.get(URL, {"complete": other}).text

    def test_card_tells_cost_state_and_actions(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization, connection_name="Fake Prod")

        text = owner.get(URL).text

        assert "Fake Prod" in text
        assert "₽660.00" in text
        assert "₽22.00" in text
        assert "1 resource" in text
        for name in ("syncs:snapshot_start", "syncs:snapshot_list"):
            assert reverse(name, args=[connection.pk]) in text
        for name in ("connection_test", "connection_edit", "connection_delete"):
            assert reverse(f"providers:{name}", args=[connection.pk]) in text

    def test_nothing_runs_so_nothing_polls(self, owner: Client, organization: Organization) -> None:
        synced(organization)

        assert "every 2s" not in owner.get(URL).text

    def test_running_sync_is_shown_without_javascript(
        self, owner: Client, organization: Organization
    ) -> None:
        connection = synced(organization)
        SnapshotFactory(connection=connection, is_current=False, status="running", phase="volumes")

        text = owner.get(URL).text

        assert "Volumes, step 4 of 8" in text
        assert 'hx-trigger="every 2s"' in text
        assert "Updating 1 of 1" in text
        assert "Reload the page to see how far it is." in text

    def test_failure_is_explained_with_what_to_do(self, owner: Client, organization: Organization) -> None:
        connection = synced(
            organization,
            last_sync_status="error",
            last_sync_error={"code": "authentication_failed", "message": "It was revoked.", "params": {}},
        )

        text = owner.get(URL).text

        assert "Fake Cloud rejected the credentials." in text
        assert "It was revoked." in text
        assert "nothing was removed." in text
        assert f'href="{reverse("providers:connection_edit", args=[connection.pk])}">Replace' in text

    def test_partial_reading_names_what_is_missing(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization, last_sync_status="partial")
        ScopeCoverageFactory(
            snapshot=connection.snapshots.get(), scope="mysql", status="denied", message="Tick MySQL."
        )

        text = owner.get(URL).text

        assert "Partial: MySQL not read" in text
        assert "1 of 2 sections were read." in text
        assert "<li>Tick MySQL.</li>" in text

    def test_account_is_folded_below(self, owner: Client, organization: Organization) -> None:
        metadata = {
            "total": {"amount": "1395", "currency": "RUB", "period": "day"},
            "limits": [
                {"name": "Sites", "used": "9", "allowed": "10", "unit": "", "is_readable": True},
                {"name": "Disk", "used": "28058", "allowed": "30720", "unit": "MB", "is_readable": True},
                {"name": "MySQL", "used": "1", "allowed": "10", "unit": "MB", "is_readable": False},
            ],
            "facts": {"Server": {"Name": "shared-07"}},
        }
        connection = synced(
            organization,
            balance=Decimal("12990.40"),
            balance_currency="RUB",
            charge_days_left=9,
            account_read_at=timezone.now(),
            provider_metadata=metadata,
        )

        charge(
            ResourceFactory(connection=connection), timezone.now().date() - timedelta(days=20), [1200] * 21
        )

        text = owner.get(URL).text

        assert "9 days until blocked" in text
        assert "The provider's own count; at today's rate 9 days" in text.replace("&#x27;", "'")
        assert "10 days</span>" in text  # by the forecast
        assert "₽24,000" in text  # thirty days of 1 200 without the balance
        assert "₽12,990.40" in text
        assert "₽29,000</span> to make it 30 days" in text
        assert "27.4\u00a0GB" in text
        assert "no access" in text
        assert "shared-07" in text
        assert "bar--warning" in text

    def test_done_after_a_retry_says_so(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization)
        connection.snapshots.update(attempt=2)

        assert "Done on try 2" in owner.get(URL).text

    def test_unknown_cost_is_no_zero(self, owner: Client, organization: Organization) -> None:
        ConnectionFactory(organization=organization)

        text = owner.get(URL).text

        assert "no data" in text
        assert "₽0.00" not in text

    def test_currency_without_a_rate_is_shown_as_it_is(
        self, owner: Client, organization: Organization
    ) -> None:
        connection = ConnectionFactory(organization=organization)
        ResourceStateFactory(
            resource=ResourceFactory(connection=connection), daily_cost=Decimal("3.5"), currency="USD"
        )

        text = owner.get(URL).text

        assert "$3.50/day" in text
        assert "no exchange rate known" in text

    def test_files_are_not_synced_by_a_button(self, owner: Client, organization: Organization) -> None:
        connection = ConnectionFactory(organization=organization, provider_type="files", auto_sync=False)

        text = owner.get(URL).text

        assert reverse("syncs:snapshot_start", args=[connection.pk]) not in text

    def test_first_connection_is_an_offer_of_providers(self, owner: Client) -> None:
        text = owner.get(URL).text

        assert "Connect your first cloud" in text
        assert reverse("providers:connection_create", args=["fake"]) in text

    def test_viewer_sees_and_starts_nothing(self, client: Client, organization: Organization) -> None:
        connection = synced(organization, connection_name="Fake Prod")
        client.force_login(member_of(organization, Role.VIEWER))

        text = client.get(URL).text

        assert "Fake Prod" in text
        assert reverse("syncs:snapshot_start", args=[connection.pk]) not in text
        assert reverse("providers:connection_delete", args=[connection.pk]) not in text
        assert reverse("providers:provider_choose") not in text

    def test_stranger_sees_none_of_it(self, client: Client, organization: Organization) -> None:
        connection = synced(organization, connection_name="Fake Prod")
        client.force_login(member_of(OrganizationFactory()))

        assert "Fake Prod" not in client.get(URL).text
        assert client.get(reverse("connection_card", args=[connection.pk])).status_code == 404

    def test_anonymous_signs_in_first(self, client: Client) -> None:
        assert client.get(URL)["Location"] == "/accounts/login/?next=/connections/"

    def test_card_alone_brings_the_sums_of_the_page(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization)
        synced(organization, connection_name="Other")

        text = owner.get(reverse("connection_card", args=[connection.pk])).text

        assert text.count("<article") == 1
        assert 'id="connections-summary" hx-swap-oob="true"' in text
        assert "₽1,320.00 a month" in text
        assert "<html" not in text

    @pytest.mark.parametrize("count", [1, 11])
    def test_page_costs_the_same_however_many_connections(
        self, owner: Client, organization: Organization, django_assert_num_queries: Any, count: int
    ) -> None:
        for number in range(count):
            connection = synced(organization, balance=Decimal(10), account_read_at=timezone.now())
            ScopeCoverageFactory(snapshot=connection.snapshots.get(), status="failed")
            SnapshotFactory(
                connection=connection, queued=True, requested_at=timezone.now() + timedelta(seconds=number)
            )

        # session, user, memberships, sidebar; run rate, reconciliation (2), coverage (3), latest syncs,
        # active syncs (cards and panel), complete sync, connections
        with django_assert_num_queries(15):
            owner.get(URL)
