"""The causes of a difference in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common import formatting
from costs.explorer import causes
from costs.explorer.causes import Effect
from costs.explorer.difference import CauseSum, Difference

TITLES: Mapping[str, Any] = {
    causes.CALENDAR: gettext_lazy("More or fewer days"),
    causes.PRICE: gettext_lazy("Price changed"),
    causes.RATE: gettext_lazy("Exchange rate"),
    causes.RESIZED: gettext_lazy("Resized"),
    causes.USAGE: gettext_lazy("More or less used"),
    causes.NEW: gettext_lazy("New"),
    causes.GONE: gettext_lazy("Gone"),
    causes.RAN: gettext_lazy("Ran longer or shorter"),
    causes.ONE_TIME: gettext_lazy("One-time charges and taxes"),
    causes.RESTATED: gettext_lazy("Corrections and credits"),
    causes.ROUNDING: gettext_lazy("Rounding of billed lines"),
    causes.UNEXPLAINED: gettext_lazy("Not explained"),
}
QUIET = frozenset({causes.CALENDAR, causes.RATE, causes.ROUNDING})
"""Causes that are nobody's doing: grey in the waterfall."""
NAMED = 2


def cause_title(one: CauseSum, found: Difference) -> str:
    """What happened, as a sentence's beginning: `Less used`, `Price rose`."""
    is_rise = one.amount > 0
    if one.cause == causes.CALENDAR:
        return _("More days") if found.after.days > found.before.days else _("Fewer days")
    if one.cause == causes.USAGE:
        return _("More was used") if is_rise else _("Less was used")
    if one.cause == causes.RAN:
        return _("Ran longer") if is_rise else _("Ran shorter")
    return str(TITLES[one.cause])


def cause_note(one: CauseSum, found: Difference) -> str:
    """What it concerns: days, prices, or resources by name."""
    if one.cause == causes.CALENDAR:
        return _("%(after)d instead of %(before)d") % {"after": found.after.days, "before": found.before.days}
    if one.cause == causes.PRICE:
        return _price_note(one)
    return _resources_note(one, found)


def price_text(effect: Effect) -> str:
    """`RAM +4.0% on average` of a price that moved; empty for every other effect."""
    if effect.cause != causes.PRICE or not effect.price_before or effect.price_after is None:
        return ""
    percent = (effect.price_after - effect.price_before) * 100 / effect.price_before
    return _("%(what)s %(percent)s on average") % {
        "what": effect.label or _("its own price"),
        "percent": formatting.signed_percent(percent),
    }


def _price_note(one: CauseSum) -> str:
    by_label: dict[str, list[Effect]] = {}
    for effect in one.effects:
        by_label.setdefault(effect.label, []).append(effect)
    largest = sorted(by_label.items(), key=lambda item: -abs(_sum(item[1])))[:NAMED]
    parts = [price_text(max(listed, key=lambda effect: abs(effect.amount))) for _label, listed in largest]
    count = one.resource_count
    resources = ngettext("%(count)d resource", "%(count)d resources", count) % {"count": count}
    return ", ".join([*filter(None, parts), resources])


def _resources_note(one: CauseSum, found: Difference) -> str:
    listed = list(dict.fromkeys(effect.resource_id for effect in one.effects))
    shown = ", ".join(found.resources[pk].name for pk in listed[:NAMED])
    rest = len(listed) - NAMED
    if rest <= 0:
        return shown
    return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", rest) % {
        "names": shown,
        "count": rest,
    }


def _sum(effects: Iterable[Effect]) -> Decimal:
    return sum((effect.amount for effect in effects), Decimal(0))
