"""The dashboard: what was spent, what it costs now, how much of it is understood, what changed."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required
from accounts.audit.services import record
from accounts.models import Organization
from common import formatting
from common.templatetags.formatting import rub_round
from costs import queries as costs
from infrazen.pages.connections import Card, connection_cards, plugin_choices
from infrazen.pages.dashboard_notices import notices
from infrazen.pages.dashboard_period import BadPeriod, Period, chosen_period, default_period, period_context
from infrazen.pages.dashboard_plans import anomaly_rows, budget_rows, forecast_cell
from infrazen.pages.dashboard_savings import saving_rows, savings_cell
from infrazen.pages.resource_words import icon_of, specification, status_of
from inventory.models import Tag
from providers.badges import series_of
from syncs import queries as syncs
from syncs.models import ResourceState
from syncs.panel import sync_panel
from syncs.wording import change_title

INVENTORY, CONNECTIONS, FIGURES = "inventory", "dashboard-connections", "dashboard-figures"
"""Parts of the page that HTMX reads alone, by the ids of their elements."""
SHOWN_NOTICES = 2
SHOWN_CONNECTIONS = 20
SHOWN_CHANGES = 6
SHOWN_RESOURCES = 5
SHOWN_EVENTS = 3
SMALL_SHARE = Decimal("0.01")
EVENT_MINIMUM = Decimal(1)
"""A change that moves the run rate by less, a day, is no event of the chart."""
REST = "rest"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@organization_required
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def dashboard(request: UserRequest) -> HttpResponse:
    """`period` is the number of days, or `first` and `last` name them, `q` searches the inventory.

    HTMX gets the part that it asks for alone. A period that cannot be shown is told, and the default one is.
    """
    organization = request.organization
    query = request.GET.get("q", "").strip()
    problem = ""
    try:
        period = chosen_period(request.GET, organization, timezone.now())
    except BadPeriod as error:
        period, problem = default_period(organization, timezone.now()), str(error)
    part = request.htmx.target if request.htmx else ""
    if part == INVENTORY:
        return render(request, "infrazen/_inventory.html", _inventory(organization, query, period))

    run_rate = costs.run_rate(organization)
    reconciliation = costs.reconciliation(organization)
    cards = connection_cards(organization, run_rate, reconciliation)
    if not cards:
        context = {"plugins": plugin_choices(), "cards": [], "may_write": request.membership.may_write}
        return render(request, "infrazen/dashboard.html", context)
    context = {
        "cards": cards,
        "shown_cards": _foremost(cards),
        "run_rate": run_rate,
        "busy_count": sum(card.is_busy for card in cards),
        "may_write": request.membership.may_write,
    }
    if part == CONNECTIONS:
        return render(request, "infrazen/_dashboard_connections_alone.html", context)
    context |= _figures(request, period, cards, run_rate, reconciliation)
    if part == FIGURES:
        return render(request, "infrazen/_dashboard_figures_alone.html", context)
    context |= _inventory(organization, query, period)
    context |= period_context(period, request.GET, query)
    context |= {"period_problem": problem, "panel": sync_panel(request)}
    return render(request, "infrazen/dashboard.html", context)


@organization_required
@require_safe
def spend_csv(request: UserRequest) -> HttpResponse:
    """The spend of the period by day and connection, roubles; a day of which nothing is known is an empty cell.

    400 for a period that cannot be shown: a file of other days would be taken for what was asked.
    """
    try:
        period = chosen_period(request.GET, request.organization, timezone.now())
    except BadPeriod as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    daily = costs.daily_spend(request.organization, period.first, period.last)
    names = {
        card.connection.pk: card.connection.connection_name
        for card in connection_cards(
            request.organization,
            costs.run_rate(request.organization),
            costs.reconciliation(request.organization),
        )
    }
    record(
        "export.downloaded",
        organization=request.organization,
        details={"what": "spend.csv", "first": period.first, "last": period.last},
    )
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="spend-{period.first:%Y-%m-%d}-{period.last:%Y-%m-%d}.csv"'
    )
    response.write("\ufeff")  # without it spreadsheets read the names in another encoding
    writer = csv.writer(response)
    writer.writerow(["date", *(_cell(names[one.connection_id]) for one in daily.connections), "total_rub"])
    for index, day in enumerate(daily.days):
        values = [*(one.values[index] for one in daily.connections), daily.totals[index]]
        writer.writerow([day.isoformat(), *("" if value is None else f"{value:f}" for value in values)])
    return response


def _foremost(cards: list[Card]) -> list[Card]:
    """All, or of very many those that something is up with, and the dearest; in the order that they have."""
    if len(cards) <= SHOWN_CONNECTIONS:
        return cards
    first = sorted(
        cards,
        key=lambda card: (
            not (card.is_busy or card.level in ("error", "warning") or card.has_short_runway),
            -((card.run_rate and card.run_rate.daily) or Decimal(0)),
        ),
    )
    chosen = {card.connection.pk for card in first[:SHOWN_CONNECTIONS]}
    return [card for card in cards if card.connection.pk in chosen]


def _figures(
    request: UserRequest,
    period: Period,
    cards: list[Card],
    run_rate: costs.RunRate,
    reconciliation: costs.Reconciliation,
) -> dict[str, Any]:
    """What follows from syncs, but the inventory."""
    organization = request.organization
    coloured = [card.connection.pk for card in cards if series_of(card.connection) != REST]
    spend = costs.spend(organization, period.first, period.last, apart=coloured)
    changes = syncs.recent_changes(organization, period.since, limit=100, until=period.until)
    telling, small_moves = _parted(changes, run_rate)
    found = notices(request, cards)
    return {
        "period": period,
        "updated_at": max(
            (c.connection.last_sync_at for c in cards if c.connection.last_sync_at), default=None
        ),
        "complete_count": sum(card.level == "success" for card in cards),
        "notices": found[:SHOWN_NOTICES],
        "more_notices": found[SHOWN_NOTICES:],
        "cells": [
            _spend_cell(organization, spend, period),
            forecast_cell(organization, run_rate, timezone.now()) or _run_rate_cell(run_rate),
            savings_cell(organization, run_rate),
            _reconciliation_cell(reconciliation),
        ],
        "chart": _chart(spend.daily, cards, changes, organization),
        "usage": syncs.utilisation(organization),
        "changes": [_change(change) for change in telling[:SHOWN_CHANGES]],
        "small_moves": small_moves,
        "anomalies": anomaly_rows(organization, period.first, period.last_event_date),
        **budget_rows(organization, timezone.now()),
        **saving_rows(organization),
        "csv_url": f"{reverse('spend_csv')}?{period.query}",
    }


def _spend_cell(organization: Organization, spend: costs.Spend, period: Period) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "label": ngettext("Spend of %(count)d day", "Spend of %(count)d days", period.days)
        % {"count": period.days},
        "wide": True,
    }
    if spend.total is None:
        bounds = costs.history_bounds(organization)
        cell["reason"] = (
            _("The first whole day is counted tomorrow.")
            if bounds is None or bounds[1] > period.last
            else _("The latest day with costs is %(day)s.")
            % {"day": formatting.short_date(bounds[1], today=timezone.localdate())}
        )
        return cell
    cell["figure"] = rub_round(spend.total)
    compared = spend.comparison
    if compared and compared.percent is not None:
        text = ngettext(
            "%(count)d day against the one before: %(change)s",
            "%(count)d days against the %(count)d before: %(change)s",
            compared.days,
        )
        change = format_html("<strong>{}</strong>", formatting.signed_percent(compared.percent))
        cell["note"] = format_html(
            text.replace("%(count)d", str(compared.days)).replace("%(change)s", "{}"), change
        )
        if compared.excluded:
            count = len(compared.excluded)
            cell["note_more"] = ngettext(
                "without %(count)d connection that is too new",
                "without %(count)d connections that are too new",
                count,
            ) % {"count": count}
    else:
        cell["note"] = (
            _("today is not over, so it is compared with nothing")
            if period.is_running
            else _("nothing earlier to compare with")
        )
    if spend.daily.known_days < period.days and "note_more" not in cell:
        cell["note_more"] = ngettext(
            "%(known)d of %(count)d day is known", "%(known)d of %(count)d days are known", period.days
        ) % {"known": spend.daily.known_days, "count": period.days}
    if spend.unconverted:
        cell["note_more"] = _without_rate(spend.unconverted)
    return cell


def _run_rate_cell(run_rate: costs.RunRate) -> dict[str, Any]:
    cell: dict[str, Any] = {"label": _("Run rate"), "wide": True}
    if run_rate.monthly is None or run_rate.daily is None:
        cell["reason"] = (
            _without_rate(run_rate.unconverted) if run_rate.unconverted else _("No cost is known yet.")
        )
        return cell
    cell |= {
        "figure": rub_round(run_rate.monthly),
        "unit": pgettext("after an amount", "/mo"),
        "note": _("%(amount)s a day, if nothing changes") % {"amount": formatting.money(run_rate.daily)},
        "note_more": _without_rate(run_rate.unconverted) if run_rate.unconverted else _("a month is 30 days"),
    }
    return cell


def _reconciliation_cell(reconciliation: costs.Reconciliation) -> dict[str, Any]:
    cell: dict[str, Any] = {"label": _("Reconciled with the bill")}
    if reconciliation.explained_percent is None:
        cell["reason"] = _("No provider has named a total yet.")
        return cell
    cell |= {
        "figure": formatting.percent(reconciliation.explained_percent, places=2),
        "url": reverse("explorer:reconciliation"),
        "url_label": _("Month by month"),
        "note": _labelled(_("Not explained"), formatting.money_per_day(reconciliation.unexplained_daily)),
        "note_more": _labelled(
            _("Not itemised"), formatting.money_per_day(reconciliation.not_itemised_daily)
        ),
    }
    return cell


def _labelled(label: str, value: str) -> str:
    return format_html("{}: <strong>{}</strong>", label, value)


def _without_rate(amounts: costs.Unconverted) -> str:
    """`+ 12.40 $, no rate known`."""
    listed = ", ".join(formatting.money(amount, currency) for currency, amount in sorted(amounts.items()))
    return _("besides %(amounts)s, no exchange rate known") % {"amounts": listed}


def _chart(
    daily: costs.DailySpend, cards: list[Card], changes: list[syncs.Change], organization: Organization
) -> dict[str, Any] | None:
    """Data of `_components/chart.html`: a series per connection, those without a colour of their own as one."""
    if not daily.connections and daily.rest is None:
        return None
    connections = {card.connection.pk: card.connection for card in cards}
    own = [(connections[one.connection_id], one.values) for one in daily.connections]
    series = [
        {
            "name": connection.connection_name,
            "number": connection.series_number,
            "values": [_value(value) for value in values],
        }
        for connection, values in sorted(own, key=lambda item: item[0].series_number)
    ]
    if daily.rest is not None:
        series.append(
            {
                "name": _("The rest (%(count)d)") % {"count": daily.rest.connection_count},
                "number": REST,
                "values": [_value(value) for value in daily.rest.values],
            }
        )
    return {
        "labels": [day.isoformat() for day in daily.days],
        "series": series,
        "incomplete": [day.isoformat() for day in sorted(daily.incomplete)],
        "events": _chart_events(changes, organization, daily),
        "currency": costs.ROUBLES,
        "label": _spend_sentence(daily),
    }


def _spend_sentence(daily: costs.DailySpend) -> str:
    """What the chart says to those who do not see it."""
    known = [(value, day) for value, day in zip(daily.totals, daily.days, strict=True) if value is not None]
    return _("Spend from %(first)s to %(last)s, %(total)s in all, most on %(day)s") % {
        "first": formatting.short_date(daily.first, today=daily.last),
        "last": formatting.short_date(daily.last, today=daily.last),
        "total": formatting.rounded_money(daily.total),
        "day": formatting.short_date(max(known)[1], today=daily.last) if known else "",
    }


def _chart_events(
    changes: list[syncs.Change], organization: Organization, daily: costs.DailySpend
) -> list[dict[str, str]]:
    """The changes that moved the run rate most, in roubles, in the order of time."""
    zone = ZoneInfo(organization.time_zone)
    telling = [
        change
        for change in changes
        if change.effect is not None
        and abs(change.effect) >= EVENT_MINIMUM
        and change.times == 1
        and change.state.currency == costs.ROUBLES
        and daily.first <= change.at.astimezone(zone).date() <= daily.last
    ]
    telling.sort(key=lambda change: abs(change.effect or Decimal(0)), reverse=True)
    return [
        {
            "date": change.at.astimezone(zone).date().isoformat(),
            "text": f"{change.state.name}: {change_title(change)}, "
            + formatting.signed_money(change.monthly_effect)
            + pgettext("after an amount", "/mo"),
            "short": change.state.name,
            "url": reverse("inventory:resource_detail", args=[change.state.resource_id]),
        }
        for change in sorted(telling[:SHOWN_EVENTS], key=lambda change: change.at)
    ]


def _parted(
    changes: list[syncs.Change], run_rate: costs.RunRate
) -> tuple[list[syncs.Change], dict[str, Any] | None]:
    """Changes worth a line, and the sum of the rest: moves of nothing but the cost below a hundredth of the run rate."""
    floor = (run_rate.daily or Decimal(0)) * SMALL_SHARE
    telling: list[syncs.Change] = []
    small: list[syncs.Change] = []
    for change in changes:
        is_small = (
            change.is_cost_only
            and change.effect is not None
            and change.state.currency == costs.ROUBLES
            and abs(change.effect) < floor
        )
        (small if is_small else telling).append(change)
    effect = sum((change.monthly_effect or Decimal(0) for change in small), Decimal(0))
    return telling, {"count": len(small), "effect": effect} if small else None


def _change(change: syncs.Change) -> dict[str, Any]:
    return {
        "at": change.at,
        "kind": change.kind,
        "state": change.state,
        "title": change_title(change),
        "effect": change.monthly_effect,
    }


def _inventory(organization: Organization, query: str, period: Period) -> dict[str, Any]:
    """The dearest resources, components inside their parent's cost; `q` looks in names, addresses and tags."""
    states = syncs.as_of(organization)
    states = _searched(states, query) if query else states.filter(parent__isnull=True)
    return {
        "resources": [_resource(state) for state in _dearest(organization, states)],
        "resource_count": states.count(),
        "query": query,
        "period": period,
    }


def _dearest(organization: Organization, states: QuerySet[ResourceState]) -> QuerySet[ResourceState]:
    """By the cost with components, which is added up for those alone that have any, and for the dearest of the rest."""
    by_name = ("name", "pk")
    alone = states.order_by(F("daily_cost").desc(nulls_last=True), *by_name).values("pk")[:SHOWN_RESOURCES]
    parents = ResourceState.objects.of(organization).open().filter(parent__isnull=False).values("parent")
    chosen = syncs.with_components(
        syncs.with_staleness(states.filter(Q(pk__in=alone) | Q(resource__in=parents)))
    )
    return chosen.order_by(F("total_daily_cost").desc(nulls_last=True), *by_name)[:SHOWN_RESOURCES]


def _resource(state: Any) -> dict[str, Any]:
    """`state` carries the annotations of `syncs.queries.with_components`."""
    level, status = status_of(state)
    daily = state.total_daily_cost
    return {
        "state": state,
        "icon": icon_of(state.resource.resource_type),
        "type": state.resource.get_resource_type_display(),
        "specification": specification(state),
        "series": series_of(state.connection),
        "level": level,
        "status": status,
        "daily": daily,
        "monthly": None if daily is None else daily * 30,
        "currency": "" if state.currency in ("", costs.ROUBLES) else state.currency,
    }


def _searched(states: QuerySet[ResourceState], query: str) -> QuerySet[ResourceState]:
    key, _equals, value = query.partition("=")
    tagged = Tag.objects.filter(resource=OuterRef("resource"))
    if value:
        tagged = tagged.filter(key__iexact=key.strip(), value__icontains=value.strip())
    else:
        tagged = tagged.filter(Q(key__icontains=query) | Q(value__icontains=query))
    return states.annotate(addresses=Cast("ip_addresses", TextField())).filter(
        Q(name__icontains=query) | Q(addresses__icontains=query) | Exists(tagged)
    )


def _value(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _cell(text: str) -> str:
    """A spreadsheet would run a name that begins like a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
