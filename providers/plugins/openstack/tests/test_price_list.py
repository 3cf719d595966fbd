"""A price list is checked as a whole, and says what each thing costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from providers.contract.errors import InvalidSource
from providers.contract.records import RatePeriod, ResourceRecord, ResourceStatus, Specification
from providers.plugins.openstack.price_list import parse

LIST = parse(
    '{"currency": "EUR", "period": "month", "flavors": {"m1.small": 12.5, "free": 0}, "vcpu": 3, "memory_gib": "1.5",'
    ' "volume_types": {"ssd": 0.2, "*": 0.1}, "snapshot_gib": 0.05, "floating_ip": 4}'
)


def thing(
    kind: str, *, size: str | None = None, status: str = "ACTIVE", **configuration: Any
) -> ResourceRecord:
    return ResourceRecord(
        resource_id="x",
        native_type=kind,
        name="x",
        scope=("x",),
        status=ResourceStatus.RUNNING,
        provider_status=status,
        configuration=configuration,
        specification=Specification(
            vcpus=Decimal(2), memory_mib=4096, storage_gib=None if size is None else Decimal(size)
        ),
    )


@pytest.mark.parametrize(
    ("record", "amount"),
    [
        (thing("server", flavor="m1.small"), Decimal("12.5")),
        (thing("server", flavor="free"), Decimal(0)),
        (thing("server", flavor="m1.other"), Decimal(12)),
        (thing("server", flavor="m1.small", status="SHELVED_OFFLOADED"), Decimal(0)),
        (thing("volume", size="50", volume_type="ssd"), Decimal(10)),
        (thing("volume", size="50", volume_type="hdd"), Decimal(5)),
        (thing("snapshot", size="50"), Decimal("2.5")),
        (thing("floating_ip"), Decimal(4)),
    ],
)
def test_what_things_cost(record, amount):
    rate = LIST.rate(record)

    assert rate is not None
    assert (rate.amount, rate.currency, rate.period, rate.is_list_price) == (
        amount,
        "EUR",
        RatePeriod.MONTH,
        True,
    )


@pytest.mark.parametrize(
    "record", [thing("load_balancer"), thing("network"), thing("image", size="3"), thing("volume")]
)
def test_what_has_no_price_has_no_cost(record):
    assert LIST.rate(record) is None


def test_an_hour_is_a_twenty_fourth_of_a_day():
    rate = parse('{"period": "hour", "floating_ip": 0.25}').rate(thing("floating_ip"))

    assert rate is not None
    assert (rate.daily, rate.currency) == (Decimal("6.00"), "RUB")


def test_no_text_is_no_list():
    assert parse("  ").is_empty
    assert parse("").rate(thing("server", flavor="m1.small")) is None


def test_the_list_is_a_catalogue_as_well():
    found = {price.sku_id: (price.amount, price.unit, price.period) for price in LIST.records()}

    assert found["flavor:m1.small"] == (Decimal("12.5"), "item", "month")
    assert found["volume_type:*"] == (Decimal("0.1"), "GiB", "month")
    assert found["memory_gib"] == (Decimal("1.5"), "GiB", "month")


def test_unit_price_that_is_not_listed_is_free_as_in_the_cost():
    found = {price.sku_id: price for price in parse('{"vcpu": 300}').records()}

    assert {sku: (price.amount, price.component) for sku, price in found.items()} == {
        "vcpu": (Decimal(300), "vcpu"),
        "memory_gib": (Decimal(0), "memory_gib"),
    }


def test_flavour_and_volume_type_are_found_by_their_names():
    found = {price.sku_id: price for price in LIST.records()}

    assert found["flavor:m1.small"].billing_sku_id == "m1.small"
    assert found["volume_type:*"].family == "*"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON"),
        ('{"currency": "rub"}', "currency"),
        ('{"period": "week"}', "period"),
        ('{"flavours": {}}', "flavours"),
        ('{"flavors": [1]}', "flavors"),
        ('{"flavors": {"m1.small": -1}}', "flavors.m1.small"),
        ('{"flavors": {"m1.small": "dear"}}', "flavors.m1.small"),
        ('{"vcpu": true}', "vcpu"),
        ('{"vcpu": null}', "vcpu"),
        ('{"vcpu": 1e30}', "vcpu"),
    ],
)
def test_what_is_wrong_is_named(text, place):
    with pytest.raises(InvalidSource, match=place):
        parse(text)
