"""Prices that moved, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from common import formatting
from providers.contract.records import RatePeriod
from syncs.prices import PriceMove
from syncs.wording import FieldChange

SOLD_BY: Mapping[str, str] = {
    "": _("%(what)s, %(currency)s"),
    RatePeriod.DAY: _("%(what)s, %(currency)s a day"),
    RatePeriod.MONTH: _("%(what)s, %(currency)s a month"),
    RatePeriod.YEAR: _("%(what)s, %(currency)s a year"),
}
SOLD_BY_UNIT: Mapping[str, str] = {
    RatePeriod.MONTH: _("%(what)s, %(currency)s a month for 1 %(unit)s"),
    "": _("%(what)s, %(currency)s for 1 %(unit)s"),
}
UNITS = {"GB": _("GB"), "MB": _("MB"), "TB": _("TB"), "request": _("request"), "requests": _("request")}


def price_title(moves: Sequence[PriceMove], provider: str) -> str:
    """`Selectel raised a price: RAM`; of the resource's own price only that it moved, for it may be the user's list."""
    rises = {move.after > move.before for move in moves}
    names = ", ".join(dict.fromkeys(move.label for move in moves if move.label))
    if not names:
        return gettext("The price went up") if True in rises else gettext("The price went down")
    values = {"provider": provider, "what": names}
    if len(rises) > 1:
        return gettext("%(provider)s changed prices: %(what)s") % values
    count = len({move.label for move in moves})
    if True in rises:
        text = ngettext(
            "%(provider)s raised a price: %(what)s", "%(provider)s raised prices: %(what)s", count
        )
    else:
        text = ngettext(
            "%(provider)s lowered a price: %(what)s", "%(provider)s lowered prices: %(what)s", count
        )
    return text % values


def price_mark(moves: Sequence[PriceMove]) -> str:
    """`Price +4.0%`, of several the one that moved most."""
    largest = max(moves, key=lambda move: abs(move.percent))
    return gettext("Price %(percent)s") % {"percent": formatting.signed_percent(largest.percent)}


def price_short(moves: Sequence[PriceMove]) -> str:
    """`RAM +4.0%`, for the margin of a chart."""
    largest = max(moves, key=lambda move: abs(move.daily_effect))
    what = largest.label or gettext("Price")
    return f"{what} {formatting.signed_percent(largest.percent)}"


def price_rows(moves: Sequence[PriceMove]) -> list[FieldChange]:
    """The rows of a difference: `RAM, ₽ a month for 1 GB: 400.00 → 416.00, +4.0%`."""
    rows = []
    for move in moves:
        places = _places(min(move.before, move.after))
        rows.append(
            FieldChange(
                label=price_label(move),
                before=formatting.number(move.before, places),
                after=formatting.number(move.after, places),
                change=formatting.signed_percent(move.percent),
            )
        )
    return rows


def price_label(move: PriceMove) -> str:
    """What is priced, in which currency, for how much of it and how long."""
    values = {
        "what": move.label or gettext("Price"),
        "currency": formatting.CURRENCY_SYMBOLS.get(move.currency, move.currency),
        "unit": gettext(UNITS[move.unit]) if move.unit in UNITS else move.unit,
    }
    patterns = SOLD_BY_UNIT if move.unit else SOLD_BY
    return gettext(patterns[move.period]) % values


def _places(price: Decimal) -> int:
    """Decimals that show three digits of a small price; kopecks of a larger one."""
    return 2 if price >= 1 else min(8, 2 - price.adjusted()) if price else 2
