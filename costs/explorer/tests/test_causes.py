"""Taking differences apart: each cause alone, mixed ones, and any numbers at all add up to the difference."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costs.explorer import causes
from costs.explorer.causes import Account, Rates, Side, Sku, effects

ONE = Decimal(1)


def sku(cost: str, quantity: str, hours: str, *, unit: str = "MB-Hours", lines: int = 10) -> dict[Any, Sku]:
    known = Sku(
        label="RAM",
        unit=unit,
        cost=Decimal(cost),
        quantity=Decimal(quantity),
        hours=Decimal(hours),
        lines=lines,
    )
    return {("ram", unit): known}


def side(skus: dict[Any, Sku], **fields: Any) -> Side:
    cost = sum((one.cost for one in skus.values()), Decimal(0))
    return Side(**{"cost": cost, "roubles": cost, "skus": skus, **fields})


def told(before: Side | None, after: Side | None, ratio: Decimal = ONE, **fields: Any) -> dict[str, Decimal]:
    account = Account(resource_id=1, before=before, after=after, **fields)
    found: dict[str, Decimal] = {}
    for effect in effects(account, ratio):
        found[effect.cause] = found.get(effect.cause, Decimal(0)) + effect.amount
    return found


def test_a_price_that_rises_is_told_with_its_prices() -> None:
    account = Account(
        resource_id=7,
        before=side(sku("100.00", "1000", "240")),
        after=side(sku("104.00", "1000", "240")),
    )

    (effect,) = effects(account, ONE)

    assert (effect.cause, effect.amount, effect.label) == ("price", Decimal(4), "RAM")
    assert (effect.price_before, effect.price_after) == (Decimal("0.1"), Decimal("0.104"))


def test_each_cause_alone() -> None:
    plain = side(sku("100.00", "1000", "240"))

    assert told(None, plain) == {"new": Decimal(100)}
    assert told(plain, None) == {"gone": Decimal(-100)}
    assert told(plain, plain) == {}
    assert told(plain, side(sku("200.00", "2000", "240"))) == {"resized": Decimal(100)}
    assert told(plain, side(sku("200.00", "2000", "240")), by_use=True) == {"usage": Decimal(100)}
    assert told(plain, side(sku("50.00", "500", "120"))) == {"ran": Decimal(-50)}
    assert told(plain, side(sku("110.00", "1100", "264")), Decimal("1.1")) == {"calendar": Decimal(10)}
    gigabytes = [
        side(sku(cost, quantity, "240", unit="GB")) for cost, quantity in (("10.00", "5"), ("30.00", "15"))
    ]
    assert told(*gigabytes) == {"usage": Decimal(20)}
    assert told(plain, side(sku("100.03", "1000", "240"))) == {"rounding": Decimal("0.03")}
    nothing_told = side({}, cost=Decimal(90), roubles=Decimal(90))
    assert told(plain, nothing_told) == {"resized": Decimal(-100), "unexplained": Decimal(90)}


def test_rate_corrections_and_one_time_charges_are_apart() -> None:
    lines = sku("100.00", "1000", "240")
    before = side(lines, roubles=Decimal(9000))
    after = side(
        lines,
        cost=Decimal(115),
        roubles=Decimal(11500),
        restated=Decimal(-5),
        one_time=Decimal(20),
    )

    assert told(before, after) == {
        "exchange_rate": Decimal(1150),
        "restated": Decimal(-450),
        "one_time": Decimal(1800),
    }


def test_rates_are_told_by_what_moved_them() -> None:
    before = Side(cost=Decimal(300), roubles=Decimal(300), rates=Rates(days=Decimal(30), moves={}))
    moves = {"price": Decimal(1), "resized": Decimal(2)}
    after = Side(cost=Decimal(260), roubles=Decimal(260), rates=Rates(days=Decimal(20), moves=moves))

    assert told(before, after) == {"ran": Decimal(-100), "price": Decimal(20), "resized": Decimal(40)}
    assert told(before, Side(cost=Decimal(400), roubles=Decimal(400), rates=before.rates)) == {
        "unexplained": Decimal(100)
    }


amounts = st.decimals(min_value=0, max_value=10**6, places=2)
positive = st.decimals(min_value=Decimal("0.01"), max_value=10**6, places=2)


@given(st.lists(st.tuples(amounts, positive, positive), min_size=2, max_size=2), amounts, amounts, positive)
def test_causes_always_add_up(
    parts: list[tuple[Decimal, Decimal, Decimal]], before: Decimal, after: Decimal, ratio: Decimal
) -> None:
    old, new = (sku(str(cost), str(quantity), str(hours)) for cost, quantity, hours in parts)

    found = told(
        Side(cost=before, roubles=before * 2, skus=old), Side(cost=after, roubles=after * 3, skus=new), ratio
    )

    assert sum(found.values(), Decimal(0)) == after * 3 - before * 2
    assert set(found) <= set(causes.CAUSES)
