"""Pages, API and admin of anomalies: who sees what, who may accept, and how many queries it takes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from costs.anomalies.models import Anomaly
from costs.anomalies.tests.factories import AnomalyFactory
from costs.tests.days import charge
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

LIST = "/anomalies/"


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def anomaly(organization: Organization, **more: Any) -> Anomaly:
    connection = ConnectionFactory(organization=organization)
    found: Anomaly = AnomalyFactory(resource=ResourceFactory(connection=connection, name="etl-01"), **more)
    return found


def test_list_tells_what_why_and_how_much(owner: Client, organization: Organization) -> None:
    one = anomaly(organization, is_over=False)

    text = owner.get(LIST).text

    assert "etl-01" in text
    assert "More use, Traffic: 7.2 → 1,447.2 GB a day" in text
    assert "900.00" in text
    assert reverse("anomalies:anomaly_detail", args=[one.pk]) in text
    assert "1 goes on" in text


def test_list_without_any_says_what_will_stand_there(owner: Client) -> None:
    assert "Nothing has cost more than expected" in owner.get(LIST).text


def test_queries_are_the_same_for_one_and_for_many(owner: Client, organization: Organization) -> None:
    one = anomaly(organization)
    charge(one.resource, one.first_date, [100, 1000, 100])
    detail = reverse("anomalies:anomaly_detail", args=[one.pk])
    counts = []
    for more in (0, 10):
        for _number in range(more):
            anomaly(organization)
        for url in (LIST, detail, "/api/v1/anomalies/"):
            with CaptureQueriesContext(database) as queries:
                assert owner.get(url).status_code == 200
            counts.append(len(queries))

    assert counts[:3] == counts[3:]
    assert counts[:3] == [7, 7, 5]


def test_detail_adds_up_and_is_nobody_elses(owner: Client, organization: Organization) -> None:
    one = anomaly(organization)
    url = reverse("anomalies:anomaly_detail", args=[one.pk])

    text = owner.get(url).text
    stranger = Client()
    stranger.force_login(member_of(OrganizationFactory()))

    assert "Not explained" in text
    assert "10.00" in text  # 900 more, 890 of them traffic
    assert stranger.get(url).status_code == 404
    assert stranger.post(url + "acknowledge/", {"reason": "mine"}).status_code == 404
    assert Client().get(url).status_code == 302


def test_accepting_needs_a_reason_and_a_writer(owner: Client, organization: Organization) -> None:
    one = anomaly(organization)
    url = reverse("anomalies:anomaly_acknowledge", args=[one.pk])
    viewer = Client()
    viewer.force_login(member_of(organization, Role.VIEWER))

    assert viewer.post(url, {"reason": "x"}).status_code == 403
    assert "Is this all right?" not in viewer.get(reverse("anomalies:anomaly_detail", args=[one.pk])).text
    assert owner.post(url, {"reason": " "}).status_code == 422
    one.refresh_from_db()
    assert not one.is_acknowledged

    answer = owner.post(url, {"reason": "Backfill"}, follow=True)

    assert "Backfill" in answer.text
    assert "Accepted" in answer.text
    assert "Every anomaly was accepted" in owner.get(LIST).text
    assert "etl-01" in owner.get(LIST, {"show": "all"}).text


def test_api_lists_filters_and_accepts(owner: Client, organization: Organization) -> None:
    one = anomaly(organization)
    row = owner.get("/api/v1/anomalies/").json()["results"][0]

    assert (row["excess"], row["causes"][0]["kind"], row["parts"][0]["name"]) == (
        "900.000000",
        "use",
        "etl-01",
    )
    assert owner.get("/api/v1/anomalies/", {"acknowledged": "true"}).json()["results"] == []
    assert owner.post(f"/api/v1/anomalies/{one.pk}/acknowledge/", {}).status_code == 400

    answer = owner.post(f"/api/v1/anomalies/{one.pk}/acknowledge/", {"reason": "Backfill"})

    assert answer.json()["reason"] == "Backfill"
    assert len(owner.get("/api/v1/anomalies/", {"acknowledged": "true"}).json()["results"]) == 1


def test_admin_lists_and_shows(client: Client, organization: Organization) -> None:
    one = anomaly(organization)
    client.force_login(UserFactory(super_admin=True))

    assert "etl-01" in client.get(reverse("admin:anomalies_anomaly_changelist")).text
    assert "Traffic" in client.get(reverse("admin:anomalies_anomaly_change", args=[one.pk])).text


def test_falls_stand_apart_in_words_of_their_own(owner: Client, organization: Organization) -> None:
    one = anomaly(
        organization,
        kind="fall",
        is_over=False,
        expected_cost=1000,
        actual_cost=0,
        causes=[
            {"kind": "ended", "resource": 1, "name": "etl-01", "label": "", "before": None, "after": None,
             "unit": "", "amount": "-1000.000000"}
        ],
    )  # fmt: skip
    url = reverse("anomalies:anomaly_detail", args=[one.pk])

    listed, falls, detail = owner.get(LIST).text, owner.get(LIST, {"show": "falls"}).text, owner.get(url).text

    assert ("etl-01" in listed, "none goes on" in listed, "Costs less (1)" in listed) == (False, True, True)
    assert "etl-01" in falls
    assert "Not charged any more, though it is still there" in falls
    assert "1,000.00" in falls
    assert "-1,000.00" not in falls
    assert "Less than expected" in detail
    assert "More than expected" not in detail
    assert "less than expected" in detail
    stranger = Client()
    stranger.force_login(member_of(OrganizationFactory()))
    assert stranger.get(url).status_code == 404
    assert "etl-01" not in stranger.get(LIST, {"show": "falls"}).text

    noted = owner.post(
        reverse("anomalies:anomaly_acknowledge", args=[one.pk]), {"reason": "Saved"}, follow=True
    )

    assert "Noted" in noted.text
    assert "etl-01" in owner.get(LIST, {"show": "falls"}).text
    rows = owner.get("/api/v1/anomalies/", {"kind": "fall"}).json()["results"]
    assert [(row["kind"], row["excess"]) for row in rows] == [("fall", "-1000.000000")]
    assert owner.get("/api/v1/anomalies/", {"kind": "rise"}).json()["results"] == []


def test_a_list_without_falls_says_so(owner: Client, organization: Organization) -> None:
    anomaly(organization)

    assert "Nothing costs far less than expected." in owner.get(LIST, {"show": "falls"}).text
