"""Prices told from costs: by a day's lines and units, or as the provider states them; use and resizing are no prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from inventory.tests.factories import ResourceFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.models import ResourceState
from syncs.price_wording import price_mark, price_rows, price_short, price_title
from syncs.prices import PriceMove, price_moves

from .factories import ChargeBatchFactory, ChargeLineFactory, ResourceStateFactory, SnapshotFactory
from .world import LinesCloud, RatesCloud

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

LAST_LOOK = datetime(2026, 3, 8, 9, tzinfo=UTC)
THIS_LOOK = datetime(2026, 3, 10, 9, tzinfo=UTC)
RAM = {"sku_id": "compute_ram", "charge_description": "RAM", "pricing_unit": "MB-Hours"}


@pytest.fixture
def lines() -> ProviderConnection:
    return ConnectionFactory(provider_type=LinesCloud.key)


@pytest.fixture
def rates() -> ProviderConnection:
    return ConnectionFactory(provider_type=RatesCloud.key)


def changed(
    connection: ProviderConnection, before: str | None, after: str | None, **fields: Any
) -> ResourceState:
    """A state that this look opened because the cost a day moved."""
    resource = ResourceFactory(connection=connection, **fields.pop("resource", {}))
    values: dict[str, Any] = {
        "opened_at": THIS_LOOK,
        "opened_by": SnapshotFactory(connection=connection, earlier=True, observed_at=THIS_LOOK),
        "action": "updated",
        "has_cost_change": True,
        "daily_cost": after,
        "changes": {"daily_cost": [before, after]},
    }
    return ResourceStateFactory(resource=resource, **{**values, **fields})


def bill(state: ResourceState, costs: dict[int, str], *, quantity: str = "786432", **fields: Any) -> None:
    """One line for each day of March 2026."""
    for day, cost in costs.items():
        start = datetime(2026, 3, day, tzinfo=UTC)
        batch = ChargeBatchFactory(
            snapshot=state.opened_by, period_start=start, period_end=start + timedelta(days=1)
        )
        ChargeLineFactory(
            batch=batch,
            resource=state.resource,
            charge_period_start=start,
            effective_cost=Decimal(cost),
            pricing_quantity=Decimal(quantity),
            **{"charge_period_end": start + timedelta(days=1), **RAM, **fields},
        )


def moves_of(state: ResourceState, after: datetime | None = LAST_LOOK) -> list[PriceMove]:
    return price_moves(state.connection, [(state, after)]).get(state.pk, [])


# ---- by lines -------------------------------------------------------------------------------------------------


def test_a_unit_that_became_dearer_is_told_before_and_after_and_since_when(lines):
    state = changed(lines, "593.28", "600.96")
    bill(state, dict.fromkeys((6, 7, 8), "192.00") | dict.fromkeys((9, 10, 11), "199.68"))
    bill(state, dict.fromkeys(range(6, 12), "401.28"), quantity="192", sku_id="compute_cores")

    (move,) = moves_of(state)

    assert (move.label, move.unit, move.period) == ("RAM", "GB", "month")
    assert (move.before, move.after) == (Decimal(180), Decimal("187.2"))
    assert (move.percent, move.since) == (Decimal(4), date(2026, 3, 9))
    assert (move.daily_effect, move.monthly_effect) == (Decimal("7.68"), Decimal("230.4"))


def test_the_day_in_which_the_price_moved_is_the_first_and_not_the_measure(lines):
    state = changed(lines, "192", "240")
    bill(state, {7: "192.00", 8: "192.00", 9: "210.00", 10: "240.00", 11: "240.00"})

    (move,) = moves_of(state)

    assert (move.before, move.after, move.since) == (Decimal(180), Decimal(225), date(2026, 3, 9))


def test_while_today_is_the_newest_its_lines_are_the_measure(lines):
    state = changed(lines, "192", "240")
    bill(state, {7: "192.00", 8: "192.00", 9: "192.00", 10: "240.00"})

    (move,) = moves_of(state)

    assert (move.after, move.since) == (Decimal(225), date(2026, 3, 10))


def test_lines_of_half_a_day_stand_for_a_whole_one(lines):
    state = changed(lines, "192", "240")
    bill(state, {7: "192.00"})
    bill(state, {10: "120.00"}, quantity="393216", charge_period_end=datetime(2026, 3, 10, 12, tzinfo=UTC))

    (move,) = moves_of(state)

    assert (move.after, move.daily_effect) == (Decimal(225), Decimal(48))


def test_a_price_that_the_last_look_saw_already_is_not_told_again(lines):
    seen = changed(lines, "193", "193.5")
    bill(seen, dict.fromkeys((6, 7), "192.00") | dict.fromkeys((8, 9, 10, 11), "199.68"))

    assert moves_of(seen) == []


def test_a_price_that_moved_after_the_last_look_on_its_day_is_told(lines):
    state = changed(lines, "192", "199.68")
    bill(state, dict.fromkeys((6, 7), "192.00") | {8: "194.00"} | dict.fromkeys((9, 10, 11), "199.68"))

    (move,) = moves_of(state)

    assert (move.since, move.percent) == (date(2026, 3, 8), Decimal(4))


def test_what_came_after_the_state_is_no_measure_of_it(lines):
    state = changed(lines, "192", "240", closed_at=datetime(2026, 3, 11, 9, tzinfo=UTC))
    bill(state, {7: "192.00", 10: "240.00", 11: "300.00"})

    (move,) = moves_of(state)

    assert move.after == Decimal(225)


def test_more_of_the_same_is_no_price(lines):
    state = changed(lines, "192", "384")
    bill(state, {7: "192.00"})
    bill(state, {11: "384.00"}, quantity="1572864")

    assert moves_of(state) == []


def test_a_resize_on_the_same_day_does_not_hide_the_price(lines):
    state = changed(lines, "192", "399.36", has_configuration_change=True)
    bill(state, {7: "192.00"})
    bill(state, {11: "399.36"}, quantity="1572864")

    (move,) = moves_of(state)

    assert (move.percent, move.daily_effect) == (Decimal(4), Decimal("15.36"))


def test_kopecks_of_rounding_are_no_price(lines):
    state = changed(lines, "0.34", "0.36")
    bill(state, {7: "0.34", 11: "0.36"}, quantity="1000", pricing_unit="request")

    assert moves_of(state) == []


def test_a_price_by_the_piece_has_no_period(lines):
    state = changed(lines, "5", "8")
    bill(state, {7: "5.00"}, quantity="10", pricing_unit="GB", charge_description="Traffic")
    bill(state, {11: "8.00"}, quantity="10", pricing_unit="GB", charge_description="Traffic")

    (move,) = moves_of(state)

    assert (move.unit, move.period, move.before, move.after) == ("GB", "", Decimal("0.5"), Decimal("0.8"))


@pytest.mark.parametrize(
    "fields", [{"charge_category": "Credit"}, {"pricing_quantity": None}, {"pricing_quantity": Decimal(0)}]
)
def test_lines_that_sell_nothing_by_the_unit_are_left_out(lines, fields):
    state = changed(lines, "192", "199.68")
    for day, cost in ((7, "192.00"), (11, "199.68")):
        start = datetime(2026, 3, day, tzinfo=UTC)
        ChargeLineFactory(
            batch=ChargeBatchFactory(snapshot=state.opened_by, period_start=start),
            resource=state.resource,
            charge_period_start=start,
            charge_period_end=start + timedelta(days=1),
            effective_cost=Decimal(cost),
            **{**RAM, "pricing_quantity": Decimal(786432), **fields},
        )

    assert moves_of(state) == []


def test_replaced_and_unpublished_lines_are_left_out(lines):
    state = changed(lines, "192", "199.68")
    bill(state, {7: "192.00", 11: "199.68"})
    state.opened_by.charge_batches.filter(period_start__day=7).update(replaced_at=THIS_LOOK)

    assert moves_of(state) == []


def test_nothing_is_known_without_a_look_before(lines):
    state = changed(lines, "192", "199.68")
    bill(state, {7: "192.00", 11: "199.68"})

    assert moves_of(state, after=None) == []


def test_another_tenants_lines_are_not_read(lines):
    state = changed(lines, "192", "199.68")
    stranger = changed(ConnectionFactory(provider_type=LinesCloud.key), "192", "199.68")
    bill(stranger, {7: "192.00", 11: "199.68"})

    assert price_moves(lines, [(state, LAST_LOOK), (stranger, LAST_LOOK)]) == {}


@pytest.mark.parametrize("count", [1, 11])
def test_all_changes_cost_one_query(lines, django_assert_num_queries, count):
    states = [changed(lines, "192", "199.68") for _ in range(count)]
    for state in states:
        bill(state, {7: "192.00", 11: "199.68"})

    with django_assert_num_queries(1):
        found = price_moves(lines, [(state, LAST_LOOK) for state in states])

    assert len(found) == count


# ---- by rates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "before", "after"),
    [
        ("month", "300.00", "330.00"),
        ("day", "10.00", "11.00"),
        ("year", "3650.00", "4015.00"),
        ("", "10.00", "11.00"),
    ],
)
def test_a_stated_price_is_told_in_its_own_period(rates, django_assert_num_queries, period, before, after):
    state = changed(rates, "10", "11", original_period=period)

    with django_assert_num_queries(0):
        (move,) = moves_of(state)

    assert (move.label, move.period, move.since) == ("", period or "day", None)
    assert (move.before, move.after) == (Decimal(before), Decimal(after))
    assert move.monthly_effect == Decimal(30)


@pytest.mark.parametrize(
    "fields",
    [
        {"has_configuration_change": True},
        {"resource": {"resource_type": "s3_bucket"}},
        {"resource": {"resource_type": "account_plan"}},
        {"action": "returned"},
        {"changes": {"status": ["running", "stopped"]}},
        {"changes": {"daily_cost": ["10", "11"], "currency": ["USD", "RUB"]}},
    ],
)
def test_a_stated_cost_that_moved_for_another_reason_is_no_price(rates, fields):
    assert moves_of(changed(rates, "10", "11", **fields)) == []


@pytest.mark.parametrize(("before", "after"), [(None, "11"), ("10", None), ("0", "11")])
def test_a_cost_that_was_not_known_is_no_price(rates, before, after):
    assert moves_of(changed(rates, before, after)) == []


def test_a_provider_without_a_plugin_tells_nothing():
    assert moves_of(changed(ConnectionFactory(provider_type="gone"), "10", "11")) == []


# ---- in words -------------------------------------------------------------------------------------------------


def move(**fields: Any) -> PriceMove:
    values: dict[str, Any] = {
        "label": "RAM",
        "unit": "GB",
        "period": "month",
        "before": Decimal(400),
        "after": Decimal(416),
        "currency": "RUB",
        "since": date(2026, 3, 9),
        "daily_effect": Decimal("17.07"),
    }
    return PriceMove(**{**values, **fields})


@pytest.mark.parametrize(
    ("moves", "title"),
    [
        ([move()], "Acme raised a price: RAM"),
        ([move(), move(label="vCPU")], "Acme raised prices: RAM, vCPU"),
        ([move(after=Decimal(300))], "Acme lowered a price: RAM"),
        ([move(), move(label="vCPU", after=Decimal(300))], "Acme changed prices: RAM, vCPU"),
        ([move(label="")], "The price went up"),
        ([move(label="", after=Decimal(300))], "The price went down"),
    ],
)
def test_a_title_says_who_moved_what_and_where_to(moves, title):
    with translation.override("en"):
        assert price_title(moves, "Acme") == title


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ({}, ("RAM, ₽ a month for 1 GB", "400.00", "416.00", "+4.0%")),
        ({"label": "vCPU", "unit": ""}, ("vCPU, ₽ a month", "400.00", "416.00", "+4.0%")),
        ({"label": "", "unit": "", "period": "day"}, ("Price, ₽ a day", "400.00", "416.00", "+4.0%")),
        (
            {
                "label": "GET",
                "unit": "request",
                "period": "",
                "before": Decimal("0.0000345"),
                "after": Decimal("0.00004"),
                "currency": "USD",
            },
            ("GET, $ for 1 request", "0.0000345", "0.0000400", "+15.9%"),
        ),
        ({"unit": "TPS-Years"}, ("RAM, ₽ a month for 1 TPS-Years", "400.00", "416.00", "+4.0%")),
    ],
)
def test_a_row_says_how_much_for_what(fields, row):
    with translation.override("en"):
        (told,) = price_rows([move(**fields)])

    assert (told.label, told.before, told.after, told.change) == row


def test_short_forms_name_the_largest():
    moves = [move(), move(label="vCPU", after=Decimal(440), daily_effect=Decimal(1))]

    with translation.override("en"):
        assert price_mark(moves) == "Price +10.0%"
        assert price_short(moves) == "RAM +4.0%"
