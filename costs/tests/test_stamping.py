"""What each cost is grouped by, and the totals of a day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.tests.factories import OrganizationFactory
from common.deletion import delete_dependents
from costs import laws, services
from costs.exchange import Rate
from costs.models import CostDimensions, DailyCost, DailyTotal, ExchangeRate
from inventory.models import Resource
from inventory.tests.factories import TagFactory
from providers.models import ProviderConnection
from syncs.models import ResourceState
from syncs.services import map_unrecognized_type
from syncs.tests.world import LinesFile, World, connect, instant, line, sync

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

MARCH = [date(2026, 3, 1) + timedelta(days=day) for day in range(10)]


@pytest.fixture(autouse=True)
def _laws_hold() -> Any:
    yield
    for law in laws.LAWS:
        assert list(law.broken()) == [], law.name


@pytest.fixture
def acme():
    return OrganizationFactory(name="Acme")


def totals(**where: Any) -> list[tuple[Any, ...]]:
    rows = DailyTotal.objects.filter(**where).order_by("date", "dimensions__resource_type", "billed_cost")
    return list(rows.values_list("date", "dimensions__resource_type", "billed_cost"))


def regions() -> list[str]:
    return list(DailyCost.objects.order_by("date").values_list("dimensions__region_id", flat=True))


def test_costs_are_grouped_by_the_state_that_held_on_their_day(acme) -> None:
    world = World()
    world.bill(line("vps:1", "60", start=instant(), hours=24 * 6))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(8))
    known = ResourceState.objects.get()
    ResourceState.objects.update(opened_at=instant(1.5), closed_at=instant(2.25), region_id="ru-1")
    known.pk, known.opened_at, known.closed_at, known.region_id = None, instant(4.5), None, "ru-2"
    known.save()

    services.restamp(connection=connection, since=MARCH[0], until=MARCH[5])
    whole = regions()
    services.restamp(connection=connection, since=MARCH[3], until=MARCH[3])

    # before the first state the first, in the gap the last one, on the day of a change the later one
    assert whole == ["ru-1", "ru-1", "ru-1", "ru-1", "ru-2", "ru-2"]
    assert regions() == whole
    ResourceState.objects.filter(pk=known.pk).delete()
    ResourceState.objects.update(closed_at=None)


def test_totals_add_up_what_has_the_same_dimensions(acme, django_assert_max_num_queries) -> None:
    world = World()
    for number in range(30):
        world.bill(line(f"vps:{number}", "0.200002", start=instant(), hours=48))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    TagFactory(resource=Resource.objects.get(resource_id="vps:7"), key="bu", value="Data", source="user")

    with django_assert_max_num_queries(38):
        changed = services.restamp(connection=connection, since=MARCH[0], until=MARCH[1])

    assert changed == 2
    assert CostDimensions.objects.count() == 2
    assert [row[2] for row in totals(date=MARCH[0])] == [Decimal("0.100001"), Decimal("2.900029")]
    assert services.restamp(connection=connection, since=MARCH[0], until=MARCH[1]) == 0


def test_a_mapped_type_groups_the_costs_that_are_known_already(acme) -> None:
    world = World()
    world.bill(line("gpu:1", "24", start=instant()), line("vps:1", "5", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(5))
    native_type = Resource.objects.get(resource_id="gpu:1").native_type
    Resource.objects.filter(resource_id="vps:1").update(native_type="another")

    map_unrecognized_type(
        provider_type=connection.provider_type,
        native_type=native_type,
        resource_type="licence",
        by=None,
        at=instant(6),
    )

    assert (MARCH[0], "licence", Decimal(24)) in totals()
    assert len(totals()) == 2


def test_a_rate_restates_totals_and_what_has_none_is_not_known(acme) -> None:
    world = World()
    world.bill(line("vps:1", "10", start=instant(), hours=48, currency="USD"))
    sync(connect(acme, world, plugin=LinesFile), instant(5))
    before = list(DailyTotal.objects.values_list("billed_cost_rub", flat=True))

    services.store_rates(rates=[Rate("USD", MARCH[1], Decimal(90))], source=ExchangeRate.Source.MANUAL)

    assert before == [None, None]
    after = DailyTotal.objects.order_by("date").values_list("billed_cost_rub", "effective_cost_rub")
    assert list(after) == [(None, None), (450, 450)]


def test_a_day_left_half_written_is_finished_by_the_next_run(acme, monkeypatch) -> None:
    world = World()
    world.bill(*[line(f"vps:{number}", "24", start=instant()) for number in range(5)])
    connection = connect(acme, world, plugin=LinesFile)
    snapshot = sync(connection, instant(5))
    DailyCost.objects.update(billed_cost=1)
    writes: list[int] = []
    rewrite = services.rewrite_totals

    def die(**day: Any) -> None:
        writes.append(1)
        raise KeyboardInterrupt

    with monkeypatch.context() as kill:
        kill.setattr(services, "batched", lambda items, size=2: _batches(list(items), size))
        kill.setattr(services, "rewrite_totals", die)
        with pytest.raises(KeyboardInterrupt):
            services.after_sync(snapshot=snapshot, now=instant(6))
    assert services.rewrite_totals is rewrite
    services.after_sync(snapshot=snapshot, now=instant(7))

    assert totals() == [(MARCH[0], "server", Decimal(120))]


def _batches(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def test_totals_go_with_their_connection_and_others_stay(acme) -> None:
    for name in ("one", "two"):
        world = World()
        world.bill(line("vps:1", "24", start=instant()))
        sync(connect(acme, world, plugin=LinesFile, name=name), instant(5))
    gone = ProviderConnection.objects.order_by("pk").first()

    delete_dependents(gone)
    gone.delete()

    assert len(totals()) == CostDimensions.objects.count() == DailyCost.objects.count() == 1
