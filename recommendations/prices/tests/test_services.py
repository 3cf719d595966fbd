"""Corrections, uploads, publishing; which of several prices counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.audit.models import AuditEntry
from accounts.tests.factories import OrganizationFactory, UserFactory
from recommendations.prices import services
from recommendations.prices.csv_file import parse
from recommendations.prices.models import Price, Source
from recommendations.prices.queries import price_book, prices_version
from recommendations.prices.tests.factories import NOW, PriceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lists")]

LATER = NOW + timedelta(days=1)
HEAD = "provider,sku,type,name,amount,currency,period"


def amounts(organization, now=LATER) -> dict[str, Decimal]:
    return {offer.sku_id: offer.monthly for offer in price_book(organization, now)}


def upload(*rows: str, replaces: bool = False, now=NOW, columns: str = HEAD):
    return services.upload(prices=parse("\n".join([columns, *rows])), replaces=replaces, now=now, by=None)[
        "fake"
    ]


def correct(price: Price, amount: str, **changes):
    values = {"includes_tax": True, "reason": "told by phone", "now": LATER, "by": UserFactory()}
    return services.correct_price(price=price, amount=Decimal(amount), **{**values, **changes})


# ---- which one counts -----------------------------------------------------------------------------------------


def test_correction_beats_upload_beats_plugin() -> None:
    organization = OrganizationFactory()
    PriceFactory(sku_id="a", amount=3, plugin=True)
    assert amounts(organization) == {"a": Decimal(3)}
    upload = PriceFactory(sku_id="a", amount=2)
    assert amounts(organization) == {"a": Decimal(2)}

    correct(upload, "1")

    assert amounts(organization) == {"a": Decimal(1)}


def test_own_price_beats_the_shared_one_and_takes_from_it_what_it_does_not_state() -> None:
    organization = OrganizationFactory()
    PriceFactory(sku_id="a", amount=3, plugin=True, organization=organization, country="", includes_tax=None)
    PriceFactory(sku_id="a", amount=2, plan_limits={"iops": "320"}, country="RU", includes_tax=True)

    (offer,) = price_book(organization, NOW)

    assert (offer.monthly, offer.country, offer.plan_limits) == (
        Decimal(3),
        "RU",
        {"iops": Decimal(320)},
    )
    assert offer.includes_tax is None


@pytest.mark.parametrize(
    ("period", "amount", "monthly"),
    [
        ("hour", "1.5", "1080"),
        ("day", "22", "660"),
        ("month", "660", "660"),
        ("year", "608.33", "49.999726"),
        ("", "0.0036", "0.0036"),
    ],
)
def test_amounts_are_told_for_thirty_days(period, amount, monthly) -> None:
    PriceFactory(period=period, amount=Decimal(amount))

    (offer,) = price_book(OrganizationFactory(), NOW)

    assert offer.monthly == Decimal(monthly)


def test_book_of_an_earlier_day_has_the_prices_of_that_day() -> None:
    organization = OrganizationFactory()
    PriceFactory(sku_id="a", amount=1, valid_until=LATER)
    PriceFactory(sku_id="a", amount=2, valid_from=LATER, read_at=LATER)

    assert amounts(organization, NOW) == {"a": Decimal(1)}
    assert amounts(organization, LATER) == {"a": Decimal(2)}


@pytest.mark.parametrize("count", [1, 30])
def test_book_and_its_version_are_one_query_each(count, django_assert_num_queries) -> None:
    organization = OrganizationFactory()
    PriceFactory.create_batch(count)

    with django_assert_num_queries(1):
        assert len(price_book(organization, NOW)) == count
    with django_assert_num_queries(1):
        prices_version(organization, NOW)


def test_version_moves_with_every_change_that_the_organization_sees() -> None:
    organization, other = OrganizationFactory.create_batch(2)
    price = PriceFactory()
    versions = [prices_version(organization, LATER)]
    PriceFactory(organization=other)
    assert prices_version(organization, LATER) == versions[0]

    PriceFactory()
    versions.append(prices_version(organization, LATER))
    Price.objects.filter(pk=price.pk).update(read_at=NOW + timedelta(hours=1))
    versions.append(prices_version(organization, LATER))
    Price.objects.filter(pk=price.pk).update(valid_until=LATER)
    versions.append(prices_version(organization, LATER))

    assert len(set(versions)) == 4


# ---- corrections ----------------------------------------------------------------------------------------------


def test_correction_keeps_what_the_price_is_for_and_is_told_to_the_audit() -> None:
    person = UserFactory()
    price = PriceFactory(sku_id="a", amount=3, plugin=True)

    corrected = correct(price, "2.5", by=person)

    assert (corrected.component, corrected.region_id, corrected.source) == ("vcpu", "r-1", "correction")
    assert (corrected.reason, corrected.changed_by) == ("told by phone", person)
    price.refresh_from_db()
    assert price.valid_until is None
    entry = AuditEntry.objects.get(action="price.corrected")
    assert entry.actor_id == person.pk


def test_same_correction_again_changes_nothing_and_another_closes_it() -> None:
    price = PriceFactory(amount=3, plugin=True)
    first = correct(price, "2")

    assert correct(price, "2") == first
    second = correct(price, "1", now=LATER + timedelta(days=1))

    first.refresh_from_db()
    assert first.valid_until == second.valid_from
    assert Price.objects.filter(source=Source.CORRECTION, valid_until__isnull=True).get() == second


def test_withdrawn_correction_gives_way_to_what_stands_below() -> None:
    organization = OrganizationFactory()
    price = PriceFactory(sku_id="a", amount=3, plugin=True)
    corrected = correct(price, "2")

    assert services.withdraw(price=corrected, now=LATER, by=None)
    assert not services.withdraw(price=corrected, now=LATER, by=None)

    assert amounts(organization) == {"a": Decimal(3)}


def test_price_that_a_plugin_reads_cannot_be_withdrawn() -> None:
    with pytest.raises(ValueError, match="plugin"):
        services.withdraw(price=PriceFactory(plugin=True), now=LATER, by=None)


# ---- uploads --------------------------------------------------------------------------------------------------


def test_same_file_again_changes_nothing() -> None:
    rows = ["fake,a,server,A,1.50,RUB,month", "fake,b,server,B,0.0000012345,RUB,hour"]
    upload(*rows)

    again = upload(*rows, now=LATER)

    assert again.is_empty
    assert set(Price.objects.values_list("valid_from", "read_at")) == {(NOW, LATER)}
    assert AuditEntry.objects.filter(action="price.uploaded").count() == 1


def test_file_closes_what_it_does_not_name_only_when_it_replaces_the_list() -> None:
    upload("fake,a,server,A,1,RUB,month", "fake,b,server,B,2,RUB,month")

    added = upload("fake,a,server,A,1,RUB,month", now=LATER)
    replaced = upload("fake,a,server,A,1,RUB,month", now=LATER, replaces=True)

    assert (len(added.gone), len(replaced.gone)) == (0, 1)
    assert set(Price.objects.open().values_list("sku_id", flat=True)) == {"a"}


# ---- publishing -----------------------------------------------------------------------------------------------


def test_published_list_is_a_copy_that_everybody_sees() -> None:
    organization, other = OrganizationFactory.create_batch(2)
    own = PriceFactory(sku_id="a", amount=3, plugin=True, organization=organization)
    PriceFactory(sku_id="b", amount=4, plugin=True, organization=other)

    services.publish(organization=organization, provider_type="fake", now=LATER, by=None)

    stranger = OrganizationFactory()
    assert amounts(stranger) == {"a": Decimal(3)}
    own.refresh_from_db()
    assert own.organization == organization
    entry = AuditEntry.objects.get(action="price.published")
    assert entry.organization_id == organization.pk


def test_corrections_of_an_organization_are_not_published() -> None:
    organization = OrganizationFactory()
    own = PriceFactory(sku_id="a", amount=3, plugin=True, organization=organization)
    correct(own, "1")

    services.publish(organization=organization, provider_type="fake", now=LATER, by=None)

    assert amounts(OrganizationFactory()) == {"a": Decimal(3)}
    assert amounts(organization) == {"a": Decimal(1)}


def test_publishing_again_ends_what_is_gone_and_nothing_else() -> None:
    organization = OrganizationFactory()
    PriceFactory(sku_id="a", plugin=True, organization=organization)
    gone = PriceFactory(sku_id="b", plugin=True, organization=organization)
    services.publish(organization=organization, provider_type="fake", now=NOW, by=None)
    Price.objects.filter(pk=gone.pk).update(valid_until=LATER)

    result = services.publish(organization=organization, provider_type="fake", now=LATER, by=None)

    assert (len(result.new), len(result.changed), [price.sku_id for price in result.gone]) == (0, 0, ["b"])


def test_publishing_an_empty_list_ends_nothing() -> None:
    PriceFactory(sku_id="a", plugin=True)

    services.publish(organization=OrganizationFactory(), provider_type="fake", now=LATER, by=None)

    assert amounts(OrganizationFactory()) == {"a": Decimal(300)}
