"""The explorer for scripts and in a terminal: the pages' figures, saved views with their rules, months reconciled."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import OrganizationFactory, member_of
from common.formatting import money
from costs import queries as costs
from costs.explorer.tests.estate import MARCH, Estate, estate
from costs.services import rebuild_costs
from costs.tests.factories import DailyCostFactory
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.models import SyncSnapshot
from syncs.tests.factories import (
    ChargeBatchFactory,
    ChargeLineFactory,
    MonthBillFactory,
    ResourceStateFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]


@pytest.fixture
def land() -> Estate:
    return estate()


@pytest.fixture
def caller(client: Client, land: Estate) -> Client:
    client.force_login(member_of(land.organization, "manager"))
    return client


def told(*words: str) -> str:
    out = StringIO()
    call_command("costs", *words, stdout=out)
    return out.getvalue()


def test_explore_and_difference_tell_what_the_pages_show(land: Estate, caller: Client) -> None:
    spend = costs.spend(land.organization, date(2026, 3, 1), date(2026, 3, 31)).total

    found = caller.get(
        "/api/v1/explore/", {"period": MARCH, "group": ["type", "region"], "step": "soon"}
    ).json()
    apart = caller.get("/api/v1/difference/", {"before": "2026-02", "after": MARCH}).json()

    assert Decimal(found["whole"]["total"]) == spend
    assert sum(Decimal(row["total"] or 0) for row in found["rows"]) == spend
    assert len(found["problems"]) == 1
    assert found["view"] == f"period={MARCH}&group=type&group=region"
    assert Decimal(apart["amount"]) == sum(Decimal(one["amount"]) for one in apart["causes"])
    assert Decimal(apart["after_total"]) == spend
    assert caller.get("/api/v1/difference/", {"after": "soon"}).status_code == 400
    in_terminal = json.loads(
        told("explore", f"period={MARCH}", "--organization", str(land.organization.pk), "--json")
    )
    assert Decimal(in_terminal["whole"]["total"]) == spend


def test_the_terminal_answers_in_tables(land: Estate) -> None:
    asked = ("--organization", str(land.organization.pk))

    assert "S3 bucket" in told("explore", f"period={MARCH}", *asked)
    assert "web-2" in told("difference", "2026-02", MARCH, *asked)
    assert "Prod" in told("reconcile", MARCH, *asked)
    for words in (
        ("difference", "soon", MARCH),
        ("reconcile", "soon"),
        ("explore", "", "--organization", "none"),
    ):
        with pytest.raises(CommandError):
            told(*words, *(asked if "--organization" not in words else ()))


def test_saved_views_keep_to_their_rules(land: Estate, caller: Client) -> None:
    address = "/api/v1/saved-views/"
    given = {"name": "Servers", "query": "step=day&type=server", "is_shared": True}

    made = caller.post(address, given, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["query"] == "type=server"
    assert caller.post(address, given, content_type="application/json").status_code == 400
    one = f"{address}{made.json()['id']}/"
    assert caller.patch(one, {"name": "All"}, content_type="application/json").json()["name"] == "All"

    caller.force_login(member_of(land.organization, "manager"))
    assert [view["name"] for view in caller.get(address).json()["results"]] == ["All"]
    assert caller.patch(one, {"name": "Mine"}, content_type="application/json").status_code == 404
    assert caller.delete(one).status_code == 404
    caller.force_login(member_of(land.organization, "viewer"))
    assert caller.post(address, given, content_type="application/json").status_code == 403
    caller.force_login(member_of(OrganizationFactory()))
    assert caller.get(one).status_code == 404


class TestReconciliation:
    def test_rates_and_lines_against_facts(self, client: Client, plugins: None) -> None:
        """By rates: 5 roubles a day that no resource explains. By lines: a fact that no line delivers."""
        organization = OrganizationFactory()
        client.force_login(member_of(organization, "viewer"))
        rates = ConnectionFactory(
            organization=organization, provider_type="rates-cloud", connection_name="Rates"
        )
        start = datetime(2026, 3, 1, tzinfo=UTC)
        resource = ResourceFactory(connection=rates)
        state = ResourceStateFactory(resource=resource, daily_cost=Decimal(10), opened_at=start)
        SyncSnapshot.objects.filter(pk=state.opened_by_id).update(observed_at=start, is_current=False)
        SnapshotTotalFactory(snapshot=state.opened_by, billed_daily_cost=Decimal(15))
        SnapshotFactory(connection=rates, observed_at=start + timedelta(days=4))
        rebuild_costs(connection=rates, at=start)

        lines = ConnectionFactory(
            organization=organization, provider_type="lines-cloud", connection_name="Lines"
        )
        billed = ResourceFactory(connection=lines, name="delivered")
        batch = ChargeBatchFactory(snapshot=SnapshotFactory(connection=lines), published_at=start)
        ChargeLineFactory(
            batch=batch,
            resource=billed,
            billed_cost=Decimal(60),
            charge_period_start=start - timedelta(days=1),
            charge_period_end=start + timedelta(days=2),
        )
        rebuild_costs(connection=lines, at=start)
        DailyCostFactory(resource=ResourceFactory(connection=lines, name="stray"), date=date(2026, 3, 9))

        found = client.get(reverse("explorer:reconciliation"), {"month": MARCH})
        rows = {row.connection.connection_name: row for row in found.context["rows"]}
        parts = client.get(reverse("explorer:reconciliation_connection", args=[lines.pk]), {"month": MARCH})
        days = client.get(reverse("explorer:reconciliation_connection", args=[rates.pk]), {"month": MARCH})

        assert (rows["Rates"].billed, rows["Rates"].counted) == (Decimal(60), Decimal(40))
        assert (rows["Lines"].billed, rows["Lines"].counted) == (Decimal(40), Decimal(62))
        assert found.context["sums"].difference == Decimal(42)
        assert [part.resource.name for part in parts.context["found"][0]["parts"]] == ["stray"]
        assert [part.difference for part in days.context["found"][0]["parts"]] == [Decimal(5)] * 4
        answer = client.get("/api/v1/reconciliation/", {"month": MARCH}).json()
        assert Decimal(answer["explained_percent"]) == Decimal(58)
        client.force_login(member_of(OrganizationFactory()))
        stranger = client.get(reverse("explorer:reconciliation_connection", args=[lines.pk]))
        assert stranger.status_code == 404

    def test_the_providers_report_of_the_month_stands_beside(self, client: Client, plugins: None) -> None:
        organization = OrganizationFactory()
        client.force_login(member_of(organization, "viewer"))
        lines, other = (
            ConnectionFactory(organization=organization, provider_type="lines-cloud", connection_name=name)
            for name in ("Lines", "Other")
        )
        for connection, kind, cost in (
            (lines, "server", "990.004"),
            (lines, "dedicated_server", "50"),
            (other, "dedicated_server", "7"),
        ):
            resource = ResourceFactory(connection=connection, native_type=kind)
            DailyCostFactory(resource=resource, date=date(2026, 3, 9), billed_cost=Decimal(cost))
        MonthBillFactory(connection=lines, leaves_out=["dedicated_server", "rack"])
        MonthBillFactory(connection=lines, month=date(2026, 2, 1), amount=Decimal(5))
        MonthBillFactory(connection=ConnectionFactory(provider_type="lines-cloud"))

        page = client.get(reverse("explorer:reconciliation"), {"month": MARCH})
        rows = {row.connection.connection_name: row for row in page.context["rows"]}

        reported = rows["Lines"].reported
        assert (reported.amount, reported.counted, reported.left_out) == (1000, Decimal("990.004"), 50)
        assert reported.difference == Decimal("10.00")
        assert rows["Other"].reported is None
        assert f"leaves out {money(Decimal(50), 'RUB')} that we count" in page.content.decode()
        answer = client.get("/api/v1/reconciliation/", {"month": MARCH}).json()["connections"]
        assert [one["reported"] and one["reported"]["difference"] for one in answer] == ["10.000000", None]
        earlier = client.get("/api/v1/reconciliation/", {"month": "2026-02"}).json()["connections"]
        assert [(one["billed"], one["reported"]["amount"]) for one in earlier] == [(None, "5.000000")]
        one = client.get(reverse("explorer:reconciliation_connection", args=[lines.pk]), {"month": MARCH})
        assert one.status_code == 200

    def test_the_page_costs_the_same_queries_at_any_size(self, land: Estate, caller: Client) -> None:
        address = f"{reverse('explorer:reconciliation')}?month={MARCH}"
        MonthBillFactory(connection=ConnectionFactory(organization=land.organization), leaves_out=["rack"])
        caller.get(address)
        with CaptureQueriesContext(database) as few:
            caller.get(address)
        for _number in range(4):
            connection: Any = ConnectionFactory(organization=land.organization)
            DailyCostFactory(resource=ResourceFactory(connection=connection), date=date(2026, 3, 9))
            MonthBillFactory(connection=connection, leaves_out=["rack"])
        with CaptureQueriesContext(database) as many:
            caller.get(address)

        assert len(many) == len(few) <= 14
