"""Reading every stream to its end or to its error, and what was heard on the way; the spool between. No database."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.contract.errors import AuthenticationFailed, ProviderUnavailable
from providers.contract.plugin import Period, PluginContext
from providers.contract.records import ChargeRecord, Finding, ResourceRecord, ScopeStatus, Specification
from syncs.engine.collect import CHARGES, MAX_FINDINGS, Collected, collect
from syncs.engine.grouping import SERVERS as SERVER_FAMILY
from syncs.engine.grouping import Grouping
from syncs.engine.spool import Spool

from .world import SERVERS, VOLUMES, LinesCloud, RatesCloud, World, denied, instant, line, unavailable, worlds


def read(world: World, spool: Spool, plugin: Any = LinesCloud) -> Collected:
    worlds["here"] = world
    period = Period(start=instant(), end=instant(31))
    return collect(
        plugin(PluginContext(credentials={"world": "here"}, now=instant(31))),
        spool=spool,
        grouping=Grouping(plugin=plugin, mappings={}),
        charge_period=period,
        usage_period=period,
        on_progress=lambda found: None,
    )


@pytest.fixture
def spool():
    with Spool() as opened:
        yield opened
    worlds.clear()


def test_everything_is_read_and_sorted_into_its_section(spool) -> None:
    world = World()
    world.put("vps:1")
    world.put("disk:1", scope=VOLUMES, kind="volume")
    world.bill(line("vps:1", "24", start=instant()))

    found = read(world, spool)

    assert found.listed == {"vps:1": "servers", "disk:1": "volumes"}
    assert found.is_complete
    assert found.complete_scopes == {"servers", "volumes", "billing"}
    assert [record.resource_id for record in spool.read(SERVER_FAMILY, ResourceRecord)] == ["vps:1"]
    assert spool.count(CHARGES) == 1


def test_a_scope_that_fails_leaves_the_others_complete(spool) -> None:
    world = World()
    world.scopes[SERVERS] = denied()

    found = read(world, spool)

    assert found.scopes["servers"].status is ScopeStatus.DENIED
    assert found.complete_scopes == {"volumes", "billing"}
    assert not found.is_complete


def test_a_bill_that_breaks_off_is_not_complete_and_the_inventory_goes_on(spool) -> None:
    world = World()
    world.put("vps:1")
    world.bill_error = unavailable()

    found = read(world, spool)

    assert not found.is_bill_complete
    assert found.scopes["charges"].status is ScopeStatus.FAILED
    assert found.listed == {"vps:1": "servers"}


def test_a_provider_of_which_nothing_could_be_read_is_an_error(spool) -> None:
    world = World()
    world.scopes = dict.fromkeys(world.scopes, unavailable())
    world.account_error = unavailable()

    with pytest.raises(ProviderUnavailable):
        read(world, spool, RatesCloud)


def test_a_provider_that_denies_everything_is_an_error_of_the_credentials(spool) -> None:
    world = World()
    world.scopes = dict.fromkeys(world.scopes, denied())
    world.account_error = denied()

    with pytest.raises(AuthenticationFailed):
        read(world, spool, RatesCloud)


def test_findings_are_kept_up_to_a_bound(spool) -> None:
    world = World()
    world.findings = [Finding(code="odd", message="Odd.")] * (MAX_FINDINGS + 50)

    assert len(read(world, spool).findings) == MAX_FINDINGS


def test_a_thing_that_is_listed_twice_is_read_once(spool) -> None:
    world = World()
    world.put("vps:1")
    world.is_paged_twice = True

    read(world, spool)

    assert spool.count(SERVER_FAMILY) == 1


def test_what_is_no_record_of_the_contract_is_refused(spool) -> None:
    world = World()
    world.findings = [{"not": "a record"}]

    with pytest.raises(TypeError, match="dict"):
        read(world, spool)


# The spool


def test_records_come_back_equal_and_in_order_as_often_as_they_are_read() -> None:
    records = [
        World().put(
            f"vps:{n}",
            specification=Specification(vcpus=Decimal("1.50"), ip_addresses=("10.0.0.1",)),
            configuration={"plan": "s", "list": [1, {"a": None}]},
            daily="1.10",
            created_at=instant() + timedelta(microseconds=1),
        )
        for n in range(3)
    ]
    with Spool() as spool:
        for record in records:
            spool.write("things", record)

        assert list(spool.read("things", ResourceRecord)) == records
        assert list(spool.read("things", ResourceRecord)) == records
        assert list(spool.read("nothing", ResourceRecord)) == []


def test_charges_keep_every_digit() -> None:
    charge = line("vps:1", "0.123456789012", start=instant(), raw={"x": "1"})
    with Spool() as spool:
        spool.write(CHARGES, charge)

        assert list(spool.read(CHARGES, ChargeRecord)) == [charge]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_the_files_of_a_spool_are_gone_when_it_is_closed() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as many entries as open files

    with Spool() as spool:
        spool.write("a", World().put("vps:1"))
        spool.write("b", World().put("vps:1"))

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - the same
