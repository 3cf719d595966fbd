"""Reading lists: what is opened, confirmed, closed; what breaks off; whose the prices are; when it is due."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.tests.factories import OrganizationFactory
from providers.contract.errors import ProviderUnavailable
from providers.contract.plugin import complete, not_complete
from providers.tests.factories import ConnectionFactory
from recommendations.prices import reading
from recommendations.prices.errors import NothingToRead, ReadingRuns
from recommendations.prices.models import Price, PriceReading, ReadingStatus
from recommendations.prices.queries import price_book
from recommendations.prices.tests.factories import NOW, vcpu

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
DOWN = ProviderUnavailable("The provider does not answer.", provider="fake", operation="prices")


def read(organization, now=NOW):
    return reading.read_prices(organization_id=organization.pk, provider_type="fake", now=now)


@pytest.fixture
def organization(lists):
    return ConnectionFactory(last_sync_status="success").organization


def test_first_reading_opens_every_price(organization, lists) -> None:
    lists(vcpu("a"), vcpu("b", "5.125"), complete("prices", "vps"))

    found = read(organization)

    assert (found.status, found.price_count, found.new_count) == (ReadingStatus.SUCCESS, 2, 2)
    prices = {price.sku_id: price for price in Price.objects.all()}
    assert (prices["b"].amount, prices["b"].valid_from, prices["b"].scope) == (
        Decimal("5.125"),
        NOW,
        "prices/vps",
    )
    assert prices["a"].organization == organization


def test_unchanged_price_is_only_confirmed(organization, lists) -> None:
    lists(vcpu("a"), complete("prices"))
    read(organization)

    found = read(organization, NOW + WEEK)

    assert (found.new_count, found.changed_count, found.gone_count) == (0, 0, 0)
    price = Price.objects.get()
    assert (price.valid_from, price.valid_until, price.read_at) == (NOW, None, NOW + WEEK)


def test_changed_price_closes_its_row_and_opens_another(organization, lists) -> None:
    lists(vcpu("a", "300"), complete("prices"))
    read(organization)
    lists(vcpu("a", "310"), complete("prices"))

    found = read(organization, NOW + WEEK)

    assert found.changed_count == 1
    old, new = Price.objects.order_by("valid_from")
    assert (old.amount, old.valid_until) == (Decimal(300), NOW + WEEK)
    assert (new.amount, new.valid_from, new.valid_until) == (Decimal(310), NOW + WEEK, None)


def test_price_that_left_a_whole_list_is_closed_and_one_of_a_broken_list_is_not(organization, lists) -> None:
    lists(vcpu("a"), complete("prices", "vps"), vcpu("b"), complete("prices", "databases"))
    read(organization)
    lists(complete("prices", "vps"), not_complete(("prices", "databases"), DOWN))

    found = read(organization, NOW + WEEK)

    assert (found.status, found.gone_count) == (ReadingStatus.PARTIAL, 1)
    assert [each["scope"] for each in found.failed_scopes] == ["prices/databases"]
    assert set(Price.objects.open().values_list("sku_id", flat=True)) == {"b"}
    assert found.complete_at == NOW


def test_price_that_came_before_the_list_broke_off_counts(organization, lists) -> None:
    lists(vcpu("a"), DOWN)

    found = read(organization)

    assert found.status == ReadingStatus.ERROR
    assert found.scopes[0]["code"] == "provider_unavailable"
    assert Price.objects.get().sku_id == "a"


def test_failure_that_is_no_providers_frees_the_claim(organization, lists) -> None:
    lists(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        read(organization)

    assert PriceReading.objects.get().status == ReadingStatus.ERROR


def test_prices_are_the_organizations_alone(organization, lists) -> None:
    lists(vcpu("a"), complete("prices"))
    read(organization)
    stranger = OrganizationFactory()

    assert len(price_book(organization, NOW)) == 1
    assert len(price_book(stranger, NOW)) == 0


def test_two_organizations_have_the_same_sku_at_prices_of_their_own(organization, lists) -> None:
    other = ConnectionFactory(last_sync_status="success").organization
    lists(vcpu("a", "300"), complete("prices"))
    read(organization)
    lists(vcpu("a", "250"), complete("prices"))
    read(other)

    assert [offer.monthly for offer in price_book(organization, NOW)] == [Decimal(300)]
    assert [offer.monthly for offer in price_book(other, NOW)] == [Decimal(250)]


def test_healthy_connection_is_read_through(lists) -> None:
    failing = ConnectionFactory(failing=True)
    healthy = ConnectionFactory(organization=failing.organization, last_sync_status="success")
    ConnectionFactory(organization=failing.organization, last_sync_status="partial")
    lists(complete("prices"))

    assert read(failing.organization).connection == healthy


def test_nothing_is_read_through_a_connection_that_fails_or_is_off(lists) -> None:
    organization = ConnectionFactory(failing=True).organization
    ConnectionFactory(organization=organization, is_active=False)

    with pytest.raises(NothingToRead):
        read(organization)


def test_second_reading_beside_the_first_is_kept_out_until_that_is_abandoned(organization, lists) -> None:
    lists(complete("prices"))
    PriceReading.objects.create(
        organization=organization, provider_type="fake", status=ReadingStatus.RUNNING, started_at=NOW
    )

    with pytest.raises(ReadingRuns):
        read(organization, NOW + timedelta(minutes=29))

    assert read(organization, NOW + timedelta(minutes=31)).status == ReadingStatus.SUCCESS


def test_reading_is_due_weekly_and_a_day_after_a_failure(organization, lists) -> None:
    lists(vcpu("a"), complete("prices"))
    due = [(organization.pk, "fake")]
    assert list(reading.due_readings(NOW)) == due

    read(organization)
    assert list(reading.due_readings(NOW + WEEK - timedelta(seconds=1))) == []
    assert list(reading.due_readings(NOW + WEEK)) == due

    lists(not_complete(("prices",), DOWN))
    read(organization, NOW + WEEK)
    assert list(reading.due_readings(NOW + WEEK + timedelta(hours=23))) == []
    assert list(reading.due_readings(NOW + WEEK + timedelta(hours=24))) == due


def test_provider_without_prices_is_never_due(fake_provider) -> None:
    connection = ConnectionFactory(last_sync_status="success")

    assert list(reading.due_readings(NOW)) == []
    assert reading.readable_types(connection.organization) == []


@pytest.fixture
def fake_provider(monkeypatch):
    from providers import registry
    from providers.tests.factories import FakeProvider

    monkeypatch.setattr(registry, "plugins", lambda: {"fake": FakeProvider})
