"""Why two periods cost differently: each resource's difference, taken apart. Pure: no database, no clock.

Of a resource with the amounts a and b of the two periods, in its currency:

    new, gone         it cost something in one of them alone: all of it
    exchange_rate     b × (rate of the second period − rate of the first)
    restated          corrections and credits, against those of the other period
    one_time          purchases, fees and taxes, against those of the other period
    calendar          a × (days of the second period / days of the first − 1): what more or fewer days alone do
    ran               the first price of the time that it ran longer or shorter than that
    price             (price after − price before) × quantity after
    resized           price before × (size after − size before) × time after; of what is billed by use, `usage`
    usage             price before × what more or less was used
    rounding          what kopecks of the provider's lines leave, below a kopeck a line
    unexplained       what is left

By lines, prices and quantities are those of each SKU; by rates, each state's price is split into what prices, sizes and use
made of the first one, weighed by time. The causes of a resource add up to its difference exactly, because the last of
them is computed as the remainder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from costs.facts import QUANTUM

NEW, GONE, RATE, RESTATED, ONE_TIME = "new", "gone", "exchange_rate", "restated", "one_time"
CALENDAR, RAN, PRICE, RESIZED, USAGE = "calendar", "ran", "price", "resized", "usage"
ROUNDING, UNEXPLAINED = "rounding", "unexplained"
CAUSES = (
    CALENDAR,
    PRICE,
    RATE,
    RESIZED,
    USAGE,
    NEW,
    GONE,
    RAN,
    ONE_TIME,
    RESTATED,
    ROUNDING,
    UNEXPLAINED,
)
"""In the order in which a waterfall shows them."""

CENT = Decimal("0.01")
SAME_SHARE = Decimal("0.0001")
"""Quantities and prices that differ by less are the same."""
HOURS_SUFFIX = "Hours"
SkuKey = tuple[str, str]
"""A SKU and its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """Everything billed of one SKU in a period: cost, quantity, hours that its lines cover, and how many lines."""

    label: str
    unit: str
    cost: Decimal
    quantity: Decimal
    hours: Decimal
    lines: int

    @property
    def is_by_time(self) -> bool:
        return self.unit.endswith(HOURS_SUFFIX) and self.hours > 0

    @property
    def price(self) -> Decimal:
        return self.cost / self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """States' prices in a period: `days` that they ran, and the mean over them of what moved the price since the first.

    `moves` has a mean for each of price, resized and usage, in the currency a day.
    """

    days: Decimal
    moves: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One period of a resource in one currency: all costs, and what of them is restated or paid once.

    `skus` where it is billed by lines, `rates` by states' prices; with neither, nothing tells why.
    """

    cost: Decimal
    roubles: Decimal
    restated: Decimal = Decimal(0)
    one_time: Decimal = Decimal(0)
    skus: Mapping[SkuKey, Sku] = field(default_factory=dict)
    rates: Rates | None = None

    @property
    def usage(self) -> Decimal:
        return self.cost - self.restated - self.one_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A resource in a currency; a period without any cost of it is None. `by_use`: its size is use, nobody resizes it."""

    resource_id: int
    before: Side | None
    after: Side | None
    by_use: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one cause did to one resource, in roubles. A price tells what was priced, from what to what for one `unit`."""

    cause: str
    resource_id: int
    amount: Decimal
    label: str = ""
    unit: str = ""
    price_before: Decimal | None = None
    price_after: Decimal | None = None


def effects(account: Account, ratio: Decimal) -> list[Effect]:
    """The causes of an account's difference; they add up to it. `ratio` is days of the second period by the first's."""
    before, after = account.before, account.after
    if before is None or after is None:
        amount = (after.roubles if after else Decimal(0)) - (before.roubles if before else Decimal(0))
        return [_effect(account, NEW if before is None else GONE, amount)] if amount else []
    difference = after.roubles - before.roubles
    rate = _rate(before, after)
    found = [
        _effect(account, RATE, after.roubles - after.cost * rate),
        _effect(account, RESTATED, (after.restated - before.restated) * rate),
        _effect(account, ONE_TIME, (after.one_time - before.one_time) * rate),
    ]
    if before.rates is not None and after.rates is not None:
        moves = _by_rates(account, before, after, ratio)
    else:
        moves = _by_lines(account, before, after, ratio)
    found += [
        _effect(account, cause, amount * rate, sku=sku, price_before=old, price_after=new)
        for cause, amount, sku, old, new in moves
    ]
    found = [one for one in found if one.amount]
    rest = difference - sum((one.amount for one in found), Decimal(0))
    lines = sum(sku.lines for side in (before, after) for sku in side.skus.values()) or 1
    if rest:
        found.append(_effect(account, ROUNDING if abs(rest) <= CENT * lines else UNEXPLAINED, rest))
    return found


def all_effects(accounts: Iterable[Account], ratio: Decimal) -> list[Effect]:
    return [one for account in accounts for one in effects(account, ratio)]


Move = tuple[str, Decimal, Sku | None, Decimal | None, Decimal | None]
"""A cause, its amount in the account's currency, and of a price what was priced, before and after."""


def _by_rates(account: Account, before: Side, after: Side, ratio: Decimal) -> Iterator[Move]:
    old, new = before.rates, after.rates
    assert old is not None, "asked for rates alone"
    assert new is not None, "asked for rates alone"
    if not old.days:
        return
    yield CALENDAR, before.usage * (ratio - 1), None, None, None
    mean = before.usage / old.days
    yield RAN, mean * (new.days - old.days * ratio), None, None, None
    for cause in (PRICE, RESIZED, USAGE):
        moved = new.moves.get(cause, Decimal(0)) - old.moves.get(cause, Decimal(0))
        shown = (mean, mean + moved) if cause == PRICE else (None, None)
        yield cause, moved * new.days, None, *shown


def _by_lines(account: Account, before: Side, after: Side, ratio: Decimal) -> Iterator[Move]:
    size = USAGE if account.by_use else RESIZED
    for key in sorted({*before.skus, *after.skus}):
        old, new = before.skus.get(key), after.skus.get(key)
        if old is None or new is None:
            amount = (new.cost if new else Decimal(0)) - (old.cost if old else Decimal(0))
            known = old or new
            yield (size if known and known.is_by_time else USAGE), amount, None, None, None
        elif old.quantity <= 0 or new.quantity <= 0:
            yield USAGE, new.cost - old.cost, None, None, None
        else:
            yield from _sku(old, new, size, ratio)


def _sku(old: Sku, new: Sku, size_cause: str, ratio: Decimal) -> Iterator[Move]:
    price = Decimal(0)
    if _has_moved(old, new):
        price = (new.price - old.price) * new.quantity
        yield PRICE, price, new, old.price, new.price
    calendar = old.cost * (ratio - 1)
    yield CALENDAR, calendar, None, None, None
    left = new.cost - old.cost - price - calendar
    if not (old.is_by_time and new.is_by_time):
        is_same = abs(new.quantity - old.quantity * ratio) <= old.quantity * ratio * SAME_SHARE
        yield ROUNDING if is_same else USAGE, left, None, None, None
        return
    old_size, new_size = old.quantity / old.hours, new.quantity / new.hours
    resized = Decimal(0)
    if abs(new_size - old_size) > old_size * SAME_SHARE:
        resized = old.price * (new_size - old_size) * new.hours
        yield size_cause, resized, None, None, None
    ran_as_long = abs(new.hours - old.hours * ratio) <= old.hours * ratio * SAME_SHARE
    yield ROUNDING if ran_as_long else RAN, left - resized, None, None, None


def _has_moved(old: Sku, new: Sku) -> bool:
    """Whether the price differs by more than lines of whole kopecks would anyway."""
    are_cents = all(each.cost == each.cost.quantize(CENT) for each in (old, new))
    if are_cents:
        tolerance = CENT * (old.lines + new.lines)
    else:
        tolerance = max(abs(old.cost), abs(new.cost)) * SAME_SHARE
    return abs(new.price - old.price) * max(old.quantity, new.quantity) > tolerance


def _rate(before: Side, after: Side) -> Decimal:
    """Roubles for one unit of the currency in the first period; in the second where the first cost nothing."""
    if before.cost:
        return before.roubles / before.cost
    return after.roubles / after.cost if after.cost else Decimal(1)


def _effect(
    account: Account,
    cause: str,
    amount: Decimal,
    *,
    sku: Sku | None = None,
    price_before: Decimal | None = None,
    price_after: Decimal | None = None,
) -> Effect:
    return Effect(
        cause=cause,
        resource_id=account.resource_id,
        amount=amount.quantize(QUANTUM),
        label=sku.label if sku else "",
        unit=sku.unit if sku else "",
        price_before=price_before,
        price_after=price_after,
    )
