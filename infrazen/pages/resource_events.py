"""A resource's history as the reader sees it: titles, notes, differences and effects of events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common import formatting
from infrazen.pages.resource_history import Event, Unread, changed_names
from infrazen.pages.resource_words import specification
from infrazen.pages.resources import month_of
from providers.messages import provider_name
from syncs.models import ResourceState
from syncs.price_wording import price_mark, price_rows, price_short, price_title
from syncs.wording import change_title, field_changes


def shown_events(events: list[Event], unread: list[Unread]) -> list[dict[str, Any]]:
    names = changed_names(events)
    shown = [(event.change.at, _shown_event(event, names)) for event in events]
    shown += [(one.first, _shown_unread(one)) for one in unread]
    return [told for _at, told in sorted(shown, key=lambda pair: pair[0], reverse=True)]


def _shown_event(event: Event, names: Mapping[int, str]) -> dict[str, Any]:
    change, today = event.change, timezone.localdate()
    local = timezone.localtime(change.at)
    changes = dict(change.changes) if change.kind == ResourceState.Action.UPDATED else {}
    if "parent" in changes:
        changes["parent"] = [names.get(pk, pk) for pk in changes["parent"]]
    currency = change.state.currency or "RUB"
    is_signed = change.kind in (ResourceState.Action.UPDATED, "deleted")
    return {
        "anchor": anchor_of(event),
        "date": formatting.short_date(local.date(), today=today),
        "time": f"{local:%H:%M}",
        "title": _title(event),
        "note": _note(event),
        "mark": price_mark(event.prices) if event.prices else "",
        "changes": [*price_rows(event.prices), *field_changes(changes, currency)],
        "effect": _effect_text(change.effect, currency, is_signed),
        "effect_note": _month_text(change.effect, currency, is_signed),
    }


def _title(event: Event) -> str:
    change = event.change
    if change.kind == ResourceState.Action.CREATED:
        return _("First seen")
    if change.kind == ResourceState.Action.UPDATED and change.state.has_configuration_change:
        return _("Configuration changed")
    if event.prices and change.is_cost_only:
        return price_title(event.prices, provider_name(change.state.connection.provider_type))
    return change_title(change)


def _note(event: Event) -> str:
    change = event.change
    if change.kind == ResourceState.Action.CREATED:
        return specification(change.state)
    parts = []
    if change.is_cost_only and change.times == 1:
        parts.append(_("The configuration is the same, only the bill changed."))
    since = min((move.since for move in event.prices if move.since), default=None)
    if since is not None:
        day = formatting.long_date(since, today=timezone.localdate())
        parts.append(_("The new price is billed since %(day)s.") % {"day": day})
        return " ".join(parts)
    start, end = event.after, timezone.localtime(change.at)
    if change.times > 1:
        first = timezone.localtime(event.first_at)
        parts.append(
            _("From %(first)s on, the last time %(last)s. The configuration stayed the same.")
            % {"first": moment_text(first), "last": moment_text(end)}
        )
    elif start is not None:
        parts.append(
            _("Between %(start)s and %(end)s.")
            % {"start": _near(timezone.localtime(start), end), "end": _near(end, timezone.localtime(start))}
        )
    return " ".join(parts)


def _shown_unread(one: Unread) -> dict[str, Any]:
    local, last = timezone.localtime(one.first), timezone.localtime(one.last)
    until = _("Until %(last)s.") % {"last": moment_text(last)} if one.count > 1 else ""
    syncs = ngettext("%(count)d sync could not read it.", "%(count)d syncs could not read it.", one.count)
    kept = _("The state was kept.")
    return {
        "anchor": f"unread-{one.first:%Y%m%d%H%M}",
        "date": formatting.short_date(local.date(), today=timezone.localdate()),
        "time": f"{local:%H:%M}",
        "title": _("Its section could not be read"),
        "note": " ".join(part for part in (syncs % {"count": one.count}, until, kept) if part),
        "changes": [],
        "effect": formatting.money_per_day(Decimal(0)),
        "effect_note": _("no change"),
    }


def _effect_text(effect: Decimal | None, currency: str, is_signed: bool) -> str:
    if effect is None:
        return ""
    text = formatting.signed_money(effect, currency) if is_signed else formatting.money(effect, currency)
    return text + _("/day")


def _month_text(effect: Decimal | None, currency: str, is_signed: bool) -> str:
    if effect is None:
        return ""
    monthly = month_of(effect)
    sign = "" if not is_signed or not monthly else formatting.MINUS if monthly < 0 else "+"
    return sign + formatting.money_per_month(abs(monthly), currency)


def short_title(event: Event) -> str:
    """The change as a chart tells it: `11 Oct: 2 → 4 vCPU`."""
    day = formatting.short_date(local_day(event.change.at), today=timezone.localdate())
    return f"{day}: {price_short(event.prices) if event.prices else change_title(event.change)}"


def anchor_of(event: Event) -> str:
    return f"event-{event.change.state.pk}{'-gone' if event.change.kind == 'deleted' else ''}"


def local_day(at: datetime) -> date:
    return timezone.localtime(at).date()


def moment_text(local: datetime) -> str:
    return formatting.moment(local, today=timezone.localdate())


def _near(local: datetime, other: datetime) -> str:
    """The time alone where both are on one day."""
    return f"{local:%H:%M}" if local.date() == other.date() else moment_text(local)
