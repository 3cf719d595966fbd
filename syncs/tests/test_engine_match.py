"""The matching table, row by row, and what volumes, zombies and the account's remainder make of it. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.contract.records import (
    ChargeRecord,
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
)
from syncs.engine import match
from syncs.engine.billing import BilledResource, Ledger
from syncs.engine.grouping import FAMILIES, Grouping, family
from syncs.engine.match import ServerNames
from syncs.engine.records import Carried, Cost, Form, Gone, Kept, OpenState, Outcome

from .world import VOLUMES, LinesCloud, World, instant, line

NOW = instant(10)


def billed(charge: ChargeRecord, daily: str = "24") -> BilledResource:
    return BilledResource(
        resource_id=charge.resource_id,
        source="World/acc-1",
        currency=charge.billing_currency,
        sample=charge,
        last_charge_start=charge.charge_period_start,
        daily=Decimal(daily),
    )


def state(**fields: Any) -> OpenState:
    values: dict[str, Any] = {
        "state_pk": 1,
        "resource_pk": 1,
        "resource_type": "server",
        "native_type": "server",
        "scope": "servers",
        "opened_at": instant(),
        "status": "running",
        "provider_status": "",
        "is_orphan": False,
        "is_provisional": False,
        "absent_since": None,
        "daily_cost": Decimal(20),
        "currency": "RUB",
        "in_account_total": False,
        "configuration_hash": "0",
    }
    return OpenState(**values | fields)


def outcomes(
    *,
    charged: ChargeRecord | None = None,
    listed: ResourceRecord | None = None,
    known: OpenState | None = None,
    is_complete: bool = True,
    has_inventory: bool = True,
    is_bill_complete: bool = True,
    observed_at: datetime = NOW,
) -> list[Outcome]:
    """What all phases make of one resource "r:1"."""
    world = match.World(
        observed_at=observed_at,
        has_inventory=has_inventory,
        grouping=Grouping(plugin=LinesCloud, mappings={}),
        ledger=Ledger(resources={"r:1": billed(charged)} if charged else {}),
        listed={"r:1": "servers"} if listed else {},
        complete_scopes={"servers"} if is_complete else set(),
        open_states={"r:1": known} if known else {},
        is_bill_complete=is_bill_complete,
    )
    phases = (
        match.servers([listed] if listed else [], world, ServerNames()),
        match.volumes([], world, ServerNames()),
        match.file_storage([], world),
        match.everything_else([], world),
    )
    parents: dict[str, str] = {}
    return [outcome for phase in phases for outcome in match.unify(phase, world, parents)]


CHARGE = line("r:1", "24", start=instant(9))
THING = World().put("r:1")


def test_charged_and_listed_lives_with_its_cost() -> None:
    (form,) = outcomes(charged=CHARGE, listed=THING)

    assert isinstance(form, Form)
    assert (form.status, form.cost) == (ResourceStatus.RUNNING, Cost(daily=Decimal(24), currency="RUB"))


def test_listed_alone_lives_and_its_cost_is_not_known_yet() -> None:
    (form,) = outcomes(listed=THING)

    assert isinstance(form, Form)
    assert form.cost is None


def test_listed_alone_and_free_costs_nothing() -> None:
    (form,) = outcomes(listed=replace(THING, is_free=True))

    assert isinstance(form, Form)
    assert form.cost == Cost(daily=Decimal(0), currency="")


def test_listed_with_a_price_costs_its_price() -> None:
    rate = Rate(amount=Decimal(300), currency="RUB", period=RatePeriod.MONTH, in_account_total=True)

    (form,) = outcomes(listed=replace(THING, rate=rate))

    assert isinstance(form, Form)
    assert form.cost == Cost(
        daily=Decimal(10),
        currency="RUB",
        original=Decimal(300),
        original_period="month",
        in_account_total=True,
    )


def test_charged_and_absent_from_a_complete_list_is_a_zombie_in_question() -> None:
    assert outcomes(charged=CHARGE, known=state()) == [
        Carried(
            resource_id="r:1",
            cost=Cost(daily=Decimal(24), currency="RUB"),
            becomes_zombie=True,
            is_provisional=True,
            absent_since=NOW,
        )
    ]


@pytest.mark.parametrize(
    ("hour", "is_provisional"),
    [(NOW - timedelta(hours=1), True), (NOW, True), (NOW + timedelta(hours=1), False)],
    ids=["before", "that began as it was found absent", "after"],
)
def test_a_zombie_is_certain_once_a_later_hour_is_charged(hour, is_provisional) -> None:
    known = state(status="deleted_billed", is_provisional=True, absent_since=NOW)

    (zombie,) = outcomes(
        charged=replace(CHARGE, charge_period_start=hour), known=known, observed_at=NOW + timedelta(days=1)
    )

    assert isinstance(zombie, Carried)
    assert (zombie.is_provisional, zombie.absent_since) == (is_provisional, NOW)


def test_a_certain_zombie_stays_certain() -> None:
    known = state(status="deleted_billed", is_provisional=False, absent_since=NOW)

    (zombie,) = outcomes(charged=CHARGE, known=known, observed_at=NOW + timedelta(days=1))

    assert isinstance(zombie, Carried)
    assert zombie.is_provisional is False


def test_charged_and_absent_and_never_seen_is_a_zombie_of_its_lines() -> None:
    (form,) = outcomes(charged=CHARGE)

    assert isinstance(form, Form)
    assert (form.status, form.is_provisional, form.absent_since) == (
        ResourceStatus.DELETED_BILLED,
        True,
        NOW,
    )
    assert form.name == "r:1"


def test_charged_where_nobody_could_look_keeps_its_state_with_the_cost_of_today() -> None:
    assert outcomes(charged=CHARGE, known=state(), is_complete=False) == [
        Carried(resource_id="r:1", cost=Cost(daily=Decimal(24), currency="RUB"))
    ]


def test_charged_where_nobody_could_look_and_never_seen_is_not_known_to_be_there() -> None:
    (form,) = outcomes(charged=CHARGE, is_complete=False)

    assert isinstance(form, Form)
    assert (form.status, form.is_provisional) == (ResourceStatus.UNKNOWN, False)


def test_neither_charged_nor_listed_in_a_complete_list_is_gone() -> None:
    assert outcomes(known=state()) == [Gone(resource_id="r:1")]


def test_neither_charged_nor_listed_where_nobody_could_look_is_kept() -> None:
    assert outcomes(known=state(), is_complete=False) == [Kept(resource_id="r:1")]


def test_without_a_whole_bill_nothing_is_gone_and_costs_stay() -> None:
    assert outcomes(known=state(), is_bill_complete=False) == [Kept(resource_id="r:1")]
    (form,) = outcomes(listed=THING, known=state(), is_bill_complete=False)
    assert isinstance(form, Form)
    assert form.cost == Cost(daily=Decimal(20), currency="RUB")


def test_without_a_whole_bill_what_mostly_costs_nothing_keeps_what_it_did_cost() -> None:
    (form,) = outcomes(listed=replace(THING, is_free=True), known=state(), is_bill_complete=False)

    assert isinstance(form, Form)
    assert form.cost == Cost(daily=Decimal(20), currency="RUB")


def test_without_an_inventory_what_is_billed_lives() -> None:
    (form,) = outcomes(charged=replace(CHARGE, scope=None), has_inventory=False)

    assert isinstance(form, Form)
    assert (form.status, form.scope) == (ResourceStatus.UNKNOWN, "billing/World%2Facc-1")


def test_a_charge_of_an_unknown_type_is_other_and_keeps_its_raw_line() -> None:
    (form,) = outcomes(charged=replace(CHARGE, native_type="mystery", scope=None, raw={"Sku": "X"}))

    assert isinstance(form, Form)
    assert (form.resource_type, form.is_recognized) == (ResourceType.OTHER, False)
    assert form.billing_data["raw"] == {"Sku": "X"}


def test_a_listed_thing_of_an_unknown_type_that_is_billed_shows_its_bill_for_triage() -> None:
    (form,) = outcomes(charged=replace(CHARGE, sku_id="S-1"), listed=replace(THING, native_type="mystery"))

    assert isinstance(form, Form)
    assert form.billing_data["sku_id"] == "S-1"


@pytest.mark.parametrize("kind", list(ResourceType))
def test_each_known_resource_is_told_by_exactly_one_phase(kind) -> None:
    assert family(kind) in FAMILIES
    assert outcomes(known=state(resource_type=kind.value)) == [Gone(resource_id="r:1")]


# Volumes


def volume_form(volume: ResourceRecord, *servers: ResourceRecord, **facts: Any) -> Form:
    world = match.World(
        observed_at=NOW,
        has_inventory=True,
        grouping=Grouping(plugin=LinesCloud, mappings={}),
        ledger=Ledger(),
        listed={each.resource_id: "servers" for each in servers} | {volume.resource_id: "volumes"},
        complete_scopes={"servers", "volumes"},
        **{"open_states": {}, **facts},
    )
    names = ServerNames()
    list(match.servers(servers, world, names))
    (form,) = match.unify(match.volumes([volume], world, names), world, {})
    assert isinstance(form, Form)
    return form


def server(resource_id: str = "vps:1", name: str = "web", **fields: Any) -> ResourceRecord:
    return World().put(resource_id, name=name, **fields)


def disk(**fields: Any) -> ResourceRecord:
    return World().put("disk:1", scope=VOLUMES, kind="volume", **fields)


def test_a_part_of_a_part_belongs_to_the_whole() -> None:
    things = [
        World().put("vps:1"),
        disk(parent_id="vps:1"),
        World().put("copy:1", kind="snapshot", parent_id="disk:1"),
    ]
    world = match.World(
        observed_at=NOW,
        has_inventory=True,
        grouping=Grouping(plugin=LinesCloud, mappings={}),
        ledger=Ledger(),
        listed={each.resource_id: "everything_else" for each in things},
        complete_scopes=set(),
        open_states={},
    )

    unified = match.unify(match.everything_else(things, world), world, {})
    found = {form.resource_id: form.parent_id for form in unified if isinstance(form, Form)}

    assert found == {"vps:1": "", "disk:1": "vps:1", "copy:1": "vps:1"}


def test_a_volume_joins_its_server_by_attachment() -> None:
    form = volume_form(disk(parent_id="vps:1"), server())

    assert (form.parent_id, form.is_orphan) == ("vps:1", False)


def test_a_volume_joins_its_server_by_name_in_the_same_project_and_region() -> None:
    named = disk(name="disk-for-web", sub_account_id="p1", region_id="ru-1")

    assert volume_form(named, server(sub_account_id="p1", region_id="ru-1")).parent_id == "vps:1"
    assert volume_form(named, server(sub_account_id="p2", region_id="ru-1")).is_orphan


def test_a_name_of_two_servers_names_none() -> None:
    form = volume_form(disk(name="disk-for-web"), server("vps:1"), server("vps:2"))

    assert (form.parent_id, form.is_orphan) == ("", True)


def test_a_volume_of_nobody_is_an_orphan() -> None:
    assert volume_form(disk(name="data"), server()).is_orphan


KNOWN = {"vps:1": state(), "disk:1": state(resource_type="volume", scope="volumes")}
IDLE = {"disk:1": state(resource_type="volume", scope="volumes", is_orphan=True)}
BLIND = {"is_inventory_complete": False}


@pytest.mark.parametrize(
    ("volume", "facts", "expected"),
    [
        ({}, {**BLIND, "open_states": KNOWN, "known_parents": {"disk:1": "vps:1"}}, ("vps:1", False)),
        ({}, {**BLIND, "open_states": IDLE}, ("", True)),
        ({}, {**BLIND, "open_states": {}}, ("", False)),
        ({"is_orphan": True}, {**BLIND, "open_states": {}}, ("", True)),
        ({"parent_id": "vps:1"}, {**BLIND, "open_states": {**IDLE, "vps:1": state()}}, ("vps:1", False)),
        (
            {"is_parent_known": False},
            {"open_states": KNOWN, "known_parents": {"disk:1": "vps:1"}},
            ("vps:1", False),
        ),
        ({"is_parent_known": False}, {"open_states": {}}, ("", False)),
        ({}, {"open_states": KNOWN, "known_parents": {"disk:1": "vps:1"}}, ("", True)),
    ],
    ids=[
        "a list failed, it hung on a server",
        "a list failed, it was an orphan",
        "a list failed, it is new",
        "a list failed, the provider says that it is an orphan",
        "a list failed, it hangs on a server by now",
        "on its way from a server",
        "on its way and new",
        "all was read, it hung on a server",
    ],
)
def test_a_volume_whose_server_is_not_known_is_no_orphan_for_that(volume, facts, expected) -> None:
    form = volume_form(disk(name="data", **volume), **facts)

    assert (form.parent_id, form.is_orphan) == expected


def test_what_an_address_belongs_to_stays_where_nobody_could_look() -> None:
    address = World().put("ip:1", kind="database", is_parent_known=False)
    world = match.World(
        observed_at=NOW,
        has_inventory=True,
        grouping=Grouping(plugin=LinesCloud, mappings={}),
        ledger=Ledger(),
        listed={"ip:1": "everything_else"},
        complete_scopes=set(),
        open_states={"vps:1": state()},
        known_parents={"ip:1": "vps:1"},
    )

    (form,) = (each for each in match.everything_else([address], world) if isinstance(each, Form))

    assert form.parent_id == "vps:1"


def test_a_component_of_what_is_not_there_and_of_itself_has_no_parent() -> None:
    assert volume_form(disk(parent_id="vps:9")).parent_id == ""
    assert volume_form(disk(parent_id="disk:1")).parent_id == ""


# The account's remainder


@pytest.mark.parametrize(
    ("total", "parts", "remainder", "unexplained"),
    [
        ("100", "60", "40", "0"),
        ("100", "100", "0", "0"),
        ("50", "60", "0", "-10"),
        ("10.0000004", "3.333333", "6.666667", "0"),
    ],
    ids=["explained in part", "whole", "parts exceed it", "rounded once"],
)
def test_total_less_parts_is_the_remainder_and_never_negative(total, parts, remainder, unexplained) -> None:
    form, rest = match.remainder_form(
        resource_id="plan",
        name="Plan",
        native_type="plan",
        scope=("account",),
        total=Rate(amount=Decimal(total), currency="RUB", period=RatePeriod.DAY),
        parts=Decimal(parts),
    )

    assert form.cost is not None
    assert (form.cost.daily, rest) == (Decimal(remainder), Decimal(unexplained))
    assert form.cost.in_account_total
