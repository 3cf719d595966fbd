"""What counts as a change of cost, of status, of configuration. No database."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from providers.contract.records import ResourceStatus, ResourceType, Specification
from syncs.engine.difference import carried_difference, changed_fields, difference
from syncs.engine.records import Carried, Cost, Form

from .test_engine_match import NOW, state

FORM = Form(
    resource_id="r:1",
    native_type="server",
    resource_type=ResourceType.SERVER,
    is_recognized=True,
    name="web",
    scope="servers",
    status=ResourceStatus.RUNNING,
    cost=Cost(daily=Decimal(20), currency="RUB"),
    specification=Specification(vcpus=Decimal("2.00"), ip_addresses=("10.0.0.2", "10.0.0.1")),
    configuration={"plan": "s", "disks": [1, 2]},
    tags={"a": "1", "b": "2"},
)
STATE = state(configuration_hash=FORM.configuration_hash)


def parts(form: Form, *, tolerance: str = "0", **known) -> str:
    found = difference(form, replace(STATE, **known), tolerance=Decimal(tolerance))
    return "".join(
        letter
        for letter, is_set in (
            ("c", found.has_cost_change),
            ("s", found.has_status_change),
            ("f", found.has_configuration_change),
        )
        if is_set
    )


def test_the_same_form_does_not_differ() -> None:
    assert parts(FORM) == ""
    assert parts(replace(FORM, cost=Cost(daily=Decimal("20.000000"), currency="RUB"))) == ""


@pytest.mark.parametrize(
    "form",
    [
        replace(FORM, specification=replace(FORM.specification, vcpus=Decimal(2))),
        replace(FORM, specification=replace(FORM.specification, ip_addresses=("10.0.0.1", "10.0.0.2"))),
        replace(FORM, configuration={"disks": [1, 2], "plan": "s"}),
        replace(FORM, tags={"b": "2", "a": "1"}),
        replace(FORM, resource_type=ResourceType.OTHER, native_type="x", is_recognized=False),
        replace(FORM, created_at=NOW, billing_data={"x": 1}),
    ],
    ids=["zeros", "order of addresses", "order of keys", "order of tags", "type", "not part of a state"],
)
def test_what_means_the_same_does_not_differ(form) -> None:
    assert parts(form) == ""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cost": Cost(daily=Decimal("20.000001"), currency="RUB")}, "c"),
        ({"cost": Cost(daily=Decimal(20), currency="USD")}, "c"),
        ({"cost": Cost(daily=Decimal(20), currency="RUB", in_account_total=True)}, "c"),
        ({"cost": None}, "c"),
        ({"status": ResourceStatus.STOPPED}, "s"),
        ({"provider_status": "REBOOT"}, "s"),
        ({"is_orphan": True}, "s"),
        ({"is_provisional": True}, "s"),
        ({"name": "db"}, "f"),
        ({"parent_id": "r:2"}, "f"),
        ({"region_id": "ru-2"}, "f"),
        ({"configuration": {"plan": "m", "disks": [1, 2]}}, "f"),
        ({"configuration": {"plan": "s", "disks": [2, 1]}}, "f"),
        ({"tags": {"a": "1"}}, "f"),
        ({"scope": "servers/ru-2"}, "f"),
    ],
)
def test_each_change_is_of_its_part(fields, expected) -> None:
    assert parts(replace(FORM, **fields)) == expected


def test_a_cost_that_becomes_known_is_a_change_and_nought_is_not_unknown() -> None:
    assert parts(FORM, daily_cost=None) == "c"
    assert parts(replace(FORM, cost=Cost(daily=Decimal(0), currency="RUB")), daily_cost=None) == "c"
    assert parts(replace(FORM, cost=None), daily_cost=None) == ""


@pytest.mark.parametrize(("daily", "expected"), [("20.02", ""), ("19.98", ""), ("20.020001", "c")])
def test_a_cost_within_the_tolerance_has_not_changed(daily, expected) -> None:
    assert parts(replace(FORM, cost=Cost(daily=Decimal(daily), currency="RUB")), tolerance="0.02") == expected


@pytest.mark.parametrize(
    ("becomes_zombie", "is_provisional", "known", "expected"),
    [
        (False, False, {}, False),
        (True, True, {}, True),
        (True, True, {"status": "deleted_billed", "is_provisional": True}, False),
        (True, False, {"status": "deleted_billed", "is_provisional": True}, True),
        (True, False, {"status": "deleted_billed"}, False),
    ],
)
def test_a_form_that_goes_on_changes_when_it_becomes_a_zombie(
    becomes_zombie, is_provisional, known, expected
) -> None:
    carried = Carried(
        resource_id="r:1",
        cost=Cost(daily=Decimal(20), currency="RUB"),
        becomes_zombie=becomes_zombie,
        is_provisional=is_provisional,
    )

    found = carried_difference(carried, replace(STATE, **known), tolerance=Decimal(0))

    assert (found.has_status_change, found.has_configuration_change) == (expected, False)


def test_changed_fields_tell_before_and_after_and_what_is_missing() -> None:
    assert changed_fields({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}) == {
        "b": [2, 5],
        "c": [3, None],
        "d": [None, 4],
    }
