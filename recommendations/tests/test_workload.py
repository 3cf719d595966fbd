"""What a server's software, tags and name tell of it; and its twins; and what stops being charged."""

from __future__ import annotations

from decimal import Decimal

import pytest

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.facts import BilledPart, Twin
from recommendations.engine.stopping import copy_monthly, share_off, stop_of, switch_off_steps
from recommendations.engine.twins import busier_twin, stem_of, twin_of
from recommendations.engine.workload import holds_memory, known_engine
from recommendations.tests.facts import connection, offer, prices, server

SHELVE = StopSaves(by=StopBy.SHELVE)


@pytest.mark.parametrize(
    ("changes", "engine"),
    [
        ({"engine": "redis"}, "redis"),
        ({"software": ("nginx", "PostgreSQL")}, "PostgreSQL"),
        ({"software": ("nginx",), "name": "web-1"}, ""),
        ({"name": "db-mysql-staging"}, "db"),
        ({"name": "pg-mysql8"}, "mysql"),
        ({"tags": {"app": "postgres"}}, "postgres"),
        ({"name": "dbus-proxy"}, ""),
    ],
)
def test_holds_memory(changes, engine):
    assert holds_memory(server(**changes)) == engine


def test_known_engine_does_not_trust_a_name():
    assert known_engine(server(name="db-mysql-staging")) == ""
    assert known_engine(server(software=("MySQL",))) == "MySQL"


@pytest.mark.parametrize(
    ("name", "stem"),
    [("web-frontend-02", "web-frontend"), ("node3", "node"), ("ci-runner-spot", ""), ("42", "")],
)
def test_stem(name, stem):
    assert stem_of(name) == stem


def test_busier_twin_is_another_one_that_is_busy():
    around = connection(twins={"web": Twin(count=2, busiest_pk=8, busiest_cpu=41.0)})
    quiet, busy = (server(pk=pk, name=f"web-{pk}", connection=around) for pk in (7, 8))

    assert busier_twin(quiet, Decimal(40)) is twin_of(quiet)
    assert busier_twin(quiet, Decimal(41)) is None
    assert busier_twin(busy, Decimal(5)) is None
    assert twin_of(server(name="alone", connection=around)) is None


def part(sku_id, cost, **changes):
    return BilledPart(
        sku_id=sku_id,
        description="",
        unit="Item",
        quantity=Decimal(1),
        day_cost=Decimal(cost),
        currency="RUB",
        **changes,
    )


def test_share_off_leaves_disk_and_traffic_charged():
    book = prices(
        offer(billing_sku_id="cores", component="vcpu"),
        offer(billing_sku_id="local", component="storage_gib"),
    )
    facts = server(
        connection=connection(prices=book),
        parts=(
            part("cores", "60"),
            part("ram", "20"),
            part("local", "15"),
            part("traffic", "5", is_usage=True),
        ),
    )

    assert share_off(facts, SHELVE) == Decimal("0.8")
    assert share_off(server(), StopSaves(by=StopBy.STOP, share=Decimal("0.5"))) == Decimal("0.5")


def test_what_does_not_stop_being_charged_cannot_be_stopped():
    never = connection(stop_saves={"server": StopSaves(by=StopBy.STOP, share=Decimal(0))})

    assert stop_of(server()) is None
    assert stop_of(server(connection=never)) is None
    assert stop_of(server(connection=connection(stop_saves={"server": SHELVE}))) == SHELVE


def test_copy_costs_by_list_or_nobody_knows():
    book = prices(
        offer(resource_type="snapshot", component="storage_gib", monthly=Decimal(3)),
        offer(resource_type="image", component="storage_gib", monthly=Decimal(2)),
    )

    assert copy_monthly(server(connection=connection(prices=book))) == Decimal(200)
    assert copy_monthly(server()) is None
    assert copy_monthly(server(connection=connection(prices=book), storage_gib=None)) is None
    assert copy_monthly(server(connection=connection(prices=book), currency="USD")) is None


@pytest.mark.parametrize(("by", "count"), [(StopBy.STOP, 2), (StopBy.SHELVE, 2), (StopBy.RECREATE, 3)])
def test_switching_off_is_tried_first(by, count):
    assert len(switch_off_steps(server(), StopSaves(by=by))) == count
