"""Administrators correct, upload and publish; whoever may only look does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.tests.factories import OrganizationFactory, UserFactory
from recommendations.prices.models import Price, PriceReading
from recommendations.prices.tests.factories import NOW, PriceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lists")]

LIST = "/admin/recommendation_prices/price/"
UPLOAD = f"{LIST}upload/"
READINGS = "/admin/recommendation_prices/pricereading/"
HEAD = "provider,sku,type,name,amount,currency,period"


def administrator(*permissions: str) -> Client:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return administrator("manage_providers")


def act(client: Client, url: str, action: str, *rows: Any) -> list[str]:
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    return [str(message) for message in client.post(url, form, follow=True).context["messages"]]


def send(client: Client, *lines: str, **data: Any) -> Any:
    file = SimpleUploadedFile("prices.csv", "\n".join(lines).encode())
    return client.post(UPLOAD, {"file": file, **data})


def test_list_is_shown_filtered_and_without_a_query_for_each_row(
    operator, django_assert_max_num_queries
) -> None:
    PriceFactory.create_batch(20, organization=OrganizationFactory(), plugin=True)

    with django_assert_max_num_queries(14):
        response = operator.get(LIST)

    assert response.context["cl"].result_count == 20
    assert operator.get(LIST, {"source__exact": "upload"}).context["cl"].result_count == 0


def test_saving_an_open_price_puts_a_correction_before_it(operator) -> None:
    price = PriceFactory(sku_id="a", amount=3, plugin=True)

    response = operator.post(
        f"{LIST}{price.pk}/change/", {"amount": "2.5", "includes_tax": "true", "reason": "their page says so"}
    )

    assert response.status_code == 302
    price.refresh_from_db()
    assert (price.amount, price.valid_until) == (Decimal(3), None)
    corrected = Price.objects.get(source="correction")
    assert (corrected.amount, corrected.includes_tax, corrected.reason) == (
        Decimal("2.5"),
        True,
        "their page says so",
    )


def test_correction_needs_a_reason(operator) -> None:
    price = PriceFactory()

    response = operator.post(f"{LIST}{price.pk}/change/", {"amount": "2", "includes_tax": "unknown"})

    assert response.status_code == 200
    assert "reason" in response.context["adminform"].form.errors
    assert Price.objects.count() == 1


def test_price_that_is_over_is_not_corrected(operator) -> None:
    price = PriceFactory(valid_until=NOW)

    response = operator.post(f"{LIST}{price.pk}/change/", {"amount": "2", "reason": "no"})

    assert response.status_code == 403


def test_corrections_are_ended_and_what_plugins_read_is_not(operator) -> None:
    read, corrected = PriceFactory(plugin=True), PriceFactory(correction=True)

    assert act(operator, LIST, "withdraw", read, corrected) == ["1 price ended."]

    assert list(Price.objects.open()) == [read]


def test_upload_is_looked_at_first_and_then_stored(operator) -> None:
    PriceFactory(sku_id="a", amount=1, name="A", component="", family="", region_id="", country="", unit="")
    lines = (HEAD, "fake,a,server,A,2,RUB,month", "fake,b,server,B,3,RUB,month")

    response = send(operator, *lines)

    assert response.status_code == 200
    (preview,) = response.context["preview"]
    assert preview["counts"] == {"new": 1, "changed": 1, "gone": 0, "confirmed": 0}
    assert Price.objects.count() == 1

    stored = operator.post(UPLOAD, {"text": response.context["again"].initial["text"]}, follow=True)

    assert [str(message) for message in stored.context["messages"]] == ["2 prices changed."]
    assert {price.sku_id: price.amount for price in Price.objects.open()} == {
        "a": Decimal(2),
        "b": Decimal(3),
    }


def test_refused_file_stores_nothing_and_names_its_places(operator) -> None:
    response = send(operator, HEAD, "fake,a,server,A,1,RUB,month", "fake,b,server,B,dear,RUB,month")

    assert response.status_code == 422
    assert [(problem.row, problem.column) for problem in response.context["problems"]] == [(3, "amount")]
    again = operator.post(UPLOAD, {"text": f"{HEAD}\nfake,a,server,A,x,RUB,month"})
    assert again.status_code == 422
    assert not Price.objects.exists()


def test_list_of_an_organization_is_published_to_everybody(operator) -> None:
    organization = OrganizationFactory()
    PriceFactory(sku_id="a", organization=organization, plugin=True)
    reading = PriceReading.objects.create(
        organization=organization, provider_type="fake", status="success", started_at=NOW
    )

    assert act(operator, READINGS, "publish", reading) == ["1 price changed for everybody."]

    assert Price.objects.shared().get().sku_id == "a"


def test_two_lists_of_one_provider_are_not_published_together(operator) -> None:
    readings = [
        PriceReading.objects.create(
            organization=OrganizationFactory(), provider_type="fake", status="success", started_at=NOW
        )
        for _ in range(2)
    ]

    assert act(operator, READINGS, "publish", *readings) == [
        "Choose one list of each provider: everybody sees only one."
    ]


@pytest.mark.parametrize(("permission", "status"), [("view_all_data", 200), ("manage_users", 403)])
def test_who_may_only_look_neither_corrects_nor_uploads(permission, status) -> None:
    client, price = administrator(permission), PriceFactory()

    assert client.get(LIST).status_code == status
    assert client.get(UPLOAD).status_code == 403
    assert client.post(f"{LIST}{price.pk}/change/", {"amount": "1", "reason": "x"}).status_code == 403
    assert Price.objects.count() == 1
