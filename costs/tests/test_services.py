"""The fact table: what syncs write into it, what restates it, and that a rebuild finds nothing to do."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import OrganizationFactory
from costs import laws, services
from costs.exchange import Rate
from costs.models import CostRevision, DailyCost, ExchangeRate
from providers.contract.records import ChargeCategory
from syncs.tests.world import SERVERS, LinesFile, RatesCloud, World, connect, instant, line, sync, unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

MARCH_1, MARCH_2, MARCH_3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture(autouse=True)
def _laws_hold() -> Any:
    yield
    for law in laws.LAWS:
        assert list(law.broken()) == [], law.name


@pytest.fixture
def acme():
    return OrganizationFactory(name="Acme")


def costs(**where: Any) -> dict[tuple[str, date], Decimal]:
    rows = DailyCost.objects.filter(**where)
    return {(row.resource.resource_id, row.date): row.billed_cost for row in rows}


def contents() -> list[tuple[Any, ...]]:
    """Every fact without its number."""
    return sorted(row[1:] for row in DailyCost.objects.values_list())


# By rates


def test_a_price_runs_from_the_first_sight_to_the_last_sync(acme) -> None:
    world = World()
    world.put("vps:1", daily="24")
    connection = connect(acme, world)

    sync(connection, instant(0.5))
    assert costs() == {}
    sync(connection, instant(0.75))
    assert costs() == {("vps:1", MARCH_1): Decimal(6)}
    sync(connection, instant(2.25))

    assert costs() == {
        ("vps:1", MARCH_1): Decimal(12),
        ("vps:1", MARCH_2): Decimal(24),
        ("vps:1", MARCH_3): Decimal(6),
    }
    assert CostRevision.objects.count() == 0  # a day that goes on is no correction


def test_a_new_price_and_an_end_count_from_the_sync_that_saw_them(acme) -> None:
    world = World()
    world.put("vps:1", daily="24")
    connection = connect(acme, world)
    sync(connection, instant())
    world.price("vps:1", "48")
    sync(connection, instant(0.5))
    world.remove("vps:1")
    sync(connection, instant(0.75))
    sync(connection, instant(1))

    assert costs() == {("vps:1", MARCH_1): Decimal(24)}  # half a day at 24, a quarter at 48


def test_prices_run_on_while_a_scope_fails(acme) -> None:
    world = World()
    world.put("vps:1", daily="24")
    connection = connect(acme, world)
    sync(connection, instant())
    world.scopes[SERVERS] = unavailable()

    sync(connection, instant(1))

    assert costs() == {("vps:1", MARCH_1): Decimal(24)}


def test_a_list_price_is_an_estimate_and_free_or_unknown_is_no_fact(acme) -> None:
    world = World()
    world.put("domain:1", daily="2", is_list_price=True)
    world.put("net:1", is_free=True)
    world.put("odd:1")
    connection = connect(acme, world)
    sync(connection, instant())

    sync(connection, instant(1))

    assert list(DailyCost.objects.values_list("resource__resource_id", "source")) == [
        ("domain:1", "estimate")
    ]


def test_the_same_sync_again_writes_the_same_rows(acme) -> None:
    world = World()
    world.put("vps:1", daily="24")
    connection = connect(acme, world)
    sync(connection, instant())
    snapshot = sync(connection, instant(1.5))
    before = list(DailyCost.objects.order_by("pk").values_list())

    services.after_sync(snapshot=snapshot, now=instant(1.5))

    assert list(DailyCost.objects.order_by("pk").values_list()) == before


# By lines


def test_lines_are_spread_over_their_days_by_category(acme) -> None:
    world = World()
    world.bill(line("vps:1", "30", start=instant(), hours=72))
    world.bill(line("vps:1", "-1", start=instant(), hours=0, category=ChargeCategory.CREDIT))
    sync(connect(acme, world, plugin=LinesFile), instant(5))

    assert costs(charge_category="Usage") == {("vps:1", MARCH_1 + timedelta(days=n)): 10 for n in range(3)}
    assert costs(charge_category="Credit") == {("vps:1", MARCH_1): Decimal(-1)}
    assert set(DailyCost.objects.values_list("source", flat=True)) == {"billing"}


def test_a_corrected_file_restates_its_days_and_tells_what_changed(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()), line("vps:2", "12", start=instant(1)))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    world.lines = [line("vps:1", "20", start=instant()), line("vps:1", "5", start=instant(2))]

    snapshot = sync(connection, instant(6))

    assert costs() == {("vps:1", MARCH_1): Decimal(20), ("vps:1", MARCH_3): Decimal(5)}
    rows = CostRevision.objects.order_by("date").values_list(
        "date", "before_billed_cost", "after_billed_cost", "snapshot_id"
    )
    assert list(rows) == [(MARCH_1, 24, 20, snapshot.pk), (MARCH_2, 12, 0, snapshot.pk)]


def test_a_snapshot_tells_a_changed_day_once_however_often_it_is_derived(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    world.lines = [line("vps:1", "20", start=instant())]
    snapshot = sync(connection, instant(6))
    DailyCost.objects.update(billed_cost=24)  # as if the worker had died before it wrote the day

    services.after_sync(snapshot=snapshot, now=instant(7))

    assert CostRevision.objects.count() == 1


def test_the_same_file_again_writes_nothing(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    before = list(DailyCost.objects.values_list())

    sync(connection, instant(6))

    assert list(DailyCost.objects.values_list()) == before
    assert CostRevision.objects.count() == 0


def test_facts_of_another_organization_are_left_alone(acme) -> None:
    ours, theirs = World(), World()
    for world in (ours, theirs):
        world.bill(line("vps:1", "24", start=instant()))
    first = connect(acme, ours, plugin=LinesFile)
    second = connect(OrganizationFactory(), theirs, plugin=LinesFile)
    sync(first, instant(5))
    sync(second, instant(5))
    ours.lines = [line("vps:1", "1", start=instant())]

    sync(first, instant(6))

    assert costs(connection=first) == {("vps:1", MARCH_1): Decimal(1)}
    assert costs(connection=second) == {("vps:1", MARCH_1): Decimal(24)}


# Rebuild


@pytest.mark.parametrize("plugin", [RatesCloud, LinesFile])
def test_a_rebuild_finds_nothing_to_do_and_makes_everything_anew(acme, plugin) -> None:
    world = World()
    connection = connect(acme, world, plugin=plugin)
    for day in range(1, 20):
        world.put("vps:1", daily=str(20 + day // 5))
        world.bill(line("vps:1", "24.123457", start=instant(day - 1), hours=31))
        sync(connection, instant(day + day / 24))
    before = contents()

    assert services.rebuild_costs(connection=connection, at=instant(30)) == 0
    DailyCost.objects.filter(date__lt=date(2026, 3, 8)).delete()
    DailyCost.objects.filter(date__gt=date(2026, 3, 15)).update(billed_cost=1)
    changed = services.rebuild_costs(connection=connection, at=instant(30))

    assert changed > 0
    assert contents() == before


def test_a_rebuild_removes_days_that_nothing_explains(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    DailyCost.objects.update(date=date(2025, 1, 1))

    changed = services.rebuild_costs(connection=connection, at=instant(6))

    assert changed == 2
    assert costs() == {("vps:1", MARCH_1): Decimal(24)}


def test_rebuild_command_says_what_differed(acme, capsys) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    DailyCost.objects.all().delete()

    call_command("rebuild_costs")
    call_command("rebuild_costs", "--connection", str(connection.pk))

    assert capsys.readouterr().out == "acme: 1 rows differed.\nacme: 0 rows differed.\n"


def test_many_resources_are_compared_fewer_days_at_a_time(acme, monkeypatch) -> None:
    world = World()
    world.bill(line("vps:1", "70", start=instant(), hours=24 * 10))
    monkeypatch.setattr(services, "CHUNK_FACTS", 1)

    sync(connect(acme, world, plugin=LinesFile), instant(20))

    assert costs() == {("vps:1", MARCH_1 + timedelta(days=n)): Decimal(7) for n in range(10)}


# Currencies


def usd(amount: str, day: date) -> Rate:
    return Rate("USD", day, Decimal(amount))


@pytest.fixture
def dollars(acme):
    world = World()
    for day in range(3):
        world.bill(line("vps:1", "10", start=instant(day), currency="USD"))
    sync(connect(acme, world, plugin=LinesFile), instant(5))


def roubles() -> list[Decimal | None]:
    return list(DailyCost.objects.order_by("date").values_list("billed_cost_rub", flat=True))


def test_roubles_are_not_known_without_a_rate(dollars) -> None:
    assert roubles() == [None, None, None]


def test_a_rate_gives_roubles_from_its_day_on(dollars) -> None:
    count = services.store_rates(rates=[usd("90.123456789", MARCH_2)], source=ExchangeRate.Source.MANUAL)

    assert count == 1
    assert roubles() == [None, Decimal("901.234568"), Decimal("901.234568")]
    assert DailyCost.objects.get(date=MARCH_3).rub_rate == Decimal("90.12345679")


def test_an_earlier_rate_fills_only_what_it_concerns(dollars) -> None:
    services.store_rates(rates=[usd("90", MARCH_2)], source=ExchangeRate.Source.CENTRAL_BANK)

    services.store_rates(rates=[usd("80", MARCH_1)], source=ExchangeRate.Source.CENTRAL_BANK)

    assert roubles() == [800, 900, 900]


def test_a_corrected_rate_restates_and_the_same_rate_does_nothing(dollars) -> None:
    services.store_rates(rates=[usd("90", MARCH_1)], source=ExchangeRate.Source.MANUAL)

    again = services.store_rates(rates=[usd("90.000000001", MARCH_1)], source=ExchangeRate.Source.MANUAL)
    corrected = services.store_rates(rates=[usd("91", MARCH_1)], source=ExchangeRate.Source.MANUAL)

    assert (again, corrected) == (0, 1)
    assert roubles() == [910, 910, 910]


# Laws and the doctor


def test_the_doctor_says_ok_and_says_what_is_broken(acme, capsys) -> None:
    world = World()
    world.put("vps:1", daily="24")
    connection = connect(acme, world)
    sync(connection, instant())
    sync(connection, instant(1))
    call_command("doctor")
    healthy = capsys.readouterr().out
    fact = DailyCost.objects.get()
    DailyCost.objects.update(billed_cost=1, organization=OrganizationFactory())

    with pytest.raises(CommandError, match="5 laws are broken"):
        call_command("doctor")

    assert "broken" not in healthy
    told = capsys.readouterr().out
    assert "on 2026-03-01: the fact says 1.000000 RUB, lines and states say 24.000000." in told
    assert "the total says 24.000000 RUB, the facts 1.000000." in told
    DailyCost.objects.update(billed_cost=24, organization=fact.organization)
