"""One resource: what it is, what it costs and of what the price is made, how much it is used, what happened to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required
from common import formatting
from costs.allocation.queries import context_of
from costs.queries import rates_on
from infrazen.pages.moments import moment_context, moment_of
from infrazen.pages.resource_events import anchor_of, local_day, moment_text, short_title, shown_events
from infrazen.pages.resource_history import (
    DailyCosts,
    Event,
    Unread,
    daily_costs,
    history,
    unchanged_count,
    unread_times,
)
from infrazen.pages.resource_words import icon_of, marks_of, specification, status_of
from infrazen.pages.resources import in_roubles, month_of, resource_url
from infrazen.pages.resources_queries import CPU, MEMORY, USAGE_DAYS, Usage, usage_of
from inventory import queries as inventory
from inventory.forms import NoteForm, TagForm
from inventory.models import Resource, ResourceType
from inventory.queries import Series
from providers.badges import badge_of, series_of
from providers.messages import provider_name
from recommendations import queries as recommendations
from recommendations import wording
from syncs.models import ResourceState, SnapshotTotal
from syncs.queries import as_of, with_components, with_staleness

COST_DAYS = 90
STEP = timedelta(hours=6)
LOW, HIGH = Decimal(20), Decimal(70)
"""Use below the first is low, from the second on high (per cent)."""


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def resource_detail(request: UserRequest, pk: int) -> HttpResponse:
    """The page; `panel` asks for what a row of the list unfolds, `events` for another page of the history."""
    resource = get_object_or_404(
        Resource.objects.of(request.organization).select_related("connection", "organization"), pk=pk
    )
    now = timezone.now()
    moment = moment_of(request, now)
    state, is_gone = _state(request, resource, moment)
    parts = _parts(request, resource, moment)
    end = moment or now
    context: dict[str, Any] = {
        "resource": resource,
        "state": state,
        "is_gone": is_gone,
        "moment": moment,
        "parts": parts,
        "price": _price(request, state, parts) if state else None,
        "metrics": _metrics(resource, end),
        "url": resource_url(resource.pk, moment),
    }
    if request.htmx and request.GET.get("panel"):
        return render(request, "inventory/_resource_panel.html", context)
    number = request.GET.get("events", "1")
    events, page = history(
        resource, page=int(number) if number.isdecimal() and len(number) < 9 else 1, until=moment
    )
    if request.htmx and request.GET.get("events"):
        context |= {"events": shown_events(events, []), "events_page": page}
        return render(request, "inventory/_resource_events.html", context)
    today = timezone.localtime(end).date()
    costs = daily_costs(resource, first=today - timedelta(days=COST_DAYS - 1), last=today)
    unread = (
        unread_times(resource, state.scope, since=end - timedelta(days=COST_DAYS), until=end) if state else []
    )
    context |= moment_context(moment, now) | {
        "cells": _cells(
            resource, state, is_gone, parts, costs, usage_of([resource.pk], moment).get(resource.pk, {})
        ),
        "chart": _cost_chart(costs, events, unread, resource),
        "chart_label": _cost_sentence(costs),
        "chart_period": formatting.period(costs.days[0], costs.days[-1]),
        "events": shown_events(events, unread),
        "events_page": page,
        "unchanged_count": unchanged_count(resource, moment),
        "facts": _facts(resource, state) if state else [],
        "recommendations": []
        if moment
        else [{"row": row, "summary": wording.summary(row)} for row in recommendations.of_resource(resource)],
        "business": context_of(resource, state, today=timezone.localdate()),
        "reconciliation": _reconciliation(resource) if moment is None else None,
        "raw": json.dumps(state.configuration, ensure_ascii=False, indent=2, sort_keys=True) if state else "",
        "software": list(resource.software.order_by("name")),
        "tags": inventory.tags_of(resource),
        "tag_form": TagForm(),
        "notes": inventory.notes_of(resource),
        "note_form": NoteForm(),
        "may_write": request.membership.may_write and moment is None,
        "is_writer": request.membership.may_write,
        "badge": badge_of(resource.connection),
        "series": series_of(resource.connection),
        "icon": icon_of(resource.resource_type),
        "status": status_of(state) if state else None,
        "marks": marks_of(state) if state else [],
        "list_url": f"{reverse('inventory:resource_list')}?connection={resource.connection_id}",
        "notice": _notice(resource, state, is_gone, moment),
    }
    return render(request, "inventory/resource_detail.html", context)


def _state(
    request: UserRequest, resource: Resource, moment: datetime | None
) -> tuple[ResourceState | None, bool]:
    """The form at the moment; else the last one before it, and that the resource is gone; None before it came."""
    held = with_components(with_staleness(as_of(request.organization, moment), moment), moment)
    state = held.filter(resource=resource).first()
    if state is not None:
        return state, False
    before = ResourceState.objects.filter(resource=resource, closed_at__isnull=False, opened_at__isnull=False)
    if moment is not None:
        before = before.filter(closed_at__lte=moment)
    return before.select_related("resource", "connection", "parent").order_by("-opened_at").first(), True


def _parts(request: UserRequest, resource: Resource, moment: datetime | None) -> list[ResourceState]:
    parts = as_of(request.organization, moment).filter(parent=resource)
    return list(parts.order_by(F("daily_cost").desc(nulls_last=True), "name", "pk"))


def _price(request: UserRequest, state: ResourceState, parts: list[ResourceState]) -> dict[str, Any]:
    """Own cost and components in their currencies, and the total where it is one currency."""
    lines: list[dict[str, Any]] = [
        {
            "icon": icon_of(one.resource.resource_type),
            "name": one.name if one is not state else specification(one) or one.name,
            "url": "" if one is state else reverse("inventory:resource_detail", args=[one.resource_id]),
            "specification": "" if one is state else specification(one),
            "daily": one.daily_cost,
            "monthly": None if one.daily_cost is None else month_of(one.daily_cost),
            "currency": one.currency or "RUB",
        }
        for one in (state, *parts)
    ]
    currencies = {line["currency"] for line in lines if line["daily"]}
    known = [line["daily"] for line in lines if line["daily"] is not None]
    total = sum(known, Decimal(0)) if known and len(currencies) <= 1 else None
    return {
        "lines": lines,
        "total": total,
        "monthly": None if total is None else month_of(total),
        "currency": next(iter(currencies), "RUB"),
        "is_list_price": state.is_list_price,
        "original": state.original_cost,
        "original_period": state.original_period,
    }


def _cells(
    resource: Resource,
    state: ResourceState | None,
    is_gone: bool,
    parts: list[ResourceState],
    costs: DailyCosts,
    usage: Mapping[str, Usage],
) -> list[dict[str, Any]]:
    return [_cost_cell(state, is_gone), _spend_cell(costs), _cpu_cell(usage), _memory_cell(usage, state)]


def _cost_cell(state: ResourceState | None, is_gone: bool) -> dict[str, Any]:
    if state is None or is_gone:
        return {
            "label": _("Cost"),
            "figure": "",
            "reason": _("The resource did not exist then.") if state is None else _("The resource is gone."),
        }
    total = state.total_daily_cost  # type: ignore[attr-defined]  # annotated by with_components
    if total is None:
        return {"label": _("Cost"), "figure": "", "reason": _("The provider has not billed it yet.")}
    rates = rates_on([state.currency], None) if state.currency not in ("", "RUB") else {}
    daily, currency, foreign = in_roubles(total, state.currency, rates)
    assert daily is not None, "the total is known"
    return {
        "label": _("Cost"),
        "figure": formatting.money(daily, currency),
        "unit": _("/day"),
        "note": _("%(monthly)s, a day × 30")
        % {"monthly": formatting.money_per_month(month_of(daily), currency)},
        "note_more": formatting.money_per_day(foreign, state.currency) if foreign is not None else "",
    }


def _spend_cell(costs: DailyCosts) -> dict[str, Any]:
    label = _("Charged in %(days)d days") % {"days": COST_DAYS}
    foreign = ", ".join(formatting.money(amount, currency) for currency, amount in costs.unconverted.items())
    if costs.total is None:
        return {"label": label, "figure": "", "reason": foreign or _("nothing was charged")}
    return {
        "label": label,
        "figure": formatting.rounded_money(costs.total),
        "title": formatting.money(costs.total),
        "note": _("%(average)s a day on average") % {"average": formatting.money(costs.average)},
        "note_more": _("besides %(amounts)s without an exchange rate") % {"amounts": foreign}
        if foreign
        else "",
    }


def _cpu_cell(usage: Mapping[str, Usage]) -> dict[str, Any]:
    label = _("CPU, %(days)d days") % {"days": USAGE_DAYS}
    if CPU not in usage:
        return {"label": label, "figure": "", "reason": _("not measured")}
    average = usage[CPU].average
    level = (
        _("low, below 20%")
        if average < LOW
        else _("medium, 20 to 70%")
        if average < HIGH
        else _("high, above 70%")
    )
    return {
        "label": label,
        "figure": formatting.percent(average, places=0),
        "note": level,
        "note_more": _("at most %(maximum)s") % {"maximum": formatting.percent(usage[CPU].maximum, places=0)},
    }


def _memory_cell(usage: Mapping[str, Usage], state: ResourceState | None) -> dict[str, Any]:
    label = _("Memory, %(days)d days") % {"days": USAGE_DAYS}
    if MEMORY not in usage:
        return {"label": label, "figure": "", "reason": _("not measured")}
    peak = usage[MEMORY].maximum
    note = _("on average %(average)s") % {"average": formatting.percent(usage[MEMORY].average, places=0)}
    size = state.memory_mib if state else None
    if size:
        note = _("%(used)s of %(size)s at most") % {
            "used": formatting.memory_mib(peak * size / 100),
            "size": formatting.memory_mib(size),
        }
    return {"label": label, "figure": formatting.percent(peak, places=0), "unit": _(" peak"), "note": note}


def _cost_chart(
    costs: DailyCosts, events: list[Event], unread: list[Unread], resource: Resource
) -> dict[str, Any] | None:
    """The data of js/charts.js, from the first day with a cost to the last whole one; None without any."""
    today = timezone.localdate()
    known = [
        index for index, day in enumerate(costs.days) if costs.values[index] is not None and day != today
    ]
    if not known:
        return None
    days, values = costs.days[known[0] : known[-1] + 1], costs.values[known[0] : known[-1] + 1]
    return {
        "labels": [day.isoformat() for day in days],
        "series": [
            {
                "name": _("Cost a day"),
                "number": 1,
                "values": [None if value is None else f"{value:.2f}" for value in values],
            }
        ],
        "events": [
            {
                "date": local_day(event.change.at).isoformat(),
                "text": short_title(event),
                "url": f"#{anchor_of(event)}",
            }
            for event in reversed(events)
            if event.change.times == 1 and days[0] <= local_day(event.change.at) <= days[-1]
        ],
        "incomplete": sorted(
            {day.isoformat() for one in unread for day in _days_of(one) if days[0] <= day <= days[-1]}
        ),
        "currency": "RUB",
        "locale": _locale(),
    }


def _cost_sentence(costs: DailyCosts) -> str:
    return _("Cost by day, %(period)s, %(total)s in all") % {
        "period": formatting.period(costs.days[0], costs.days[-1]),
        "total": formatting.money(costs.total),
    }


def _metrics(resource: Resource, end: datetime) -> list[dict[str, Any]]:
    """Charts of CPU and memory in steps of six hours."""
    start = (end - timedelta(days=USAGE_DAYS)).replace(minute=0, second=0, microsecond=0)
    series = inventory.series_of(resource, (CPU, MEMORY), start=start, end=end, step=STEP)
    titles = {CPU: _("CPU"), MEMORY: _("Memory")}
    return [
        _metric(resource, titles[metric], metric, series[metric]) for metric in titles if metric in series
    ]


def _metric(resource: Resource, title: str, metric: str, series: Series) -> dict[str, Any]:
    summary = _("average %(average)s, maximum %(maximum)s") % {
        "average": formatting.percent(series.average, places=0),
        "maximum": formatting.percent(series.maximum, places=0),
    }
    lines = [("average", _("Average"), series.averages), ("maximum", _("Maximum"), series.maxima)]
    data: dict[str, Any] = {
        "labels": [timezone.localtime(at).isoformat() for at in series.times],
        "series": [
            {
                "name": name,
                **({"role": role} if metric == CPU else {"number": 5}),
                "values": [None if value is None else str(value) for value in values],
            }
            for role, name, values in (lines if metric == CPU else lines[:1])
        ],
        "unit": "percent",
        "locale": _locale(),
    }
    if metric == CPU:
        data["threshold"] = {"value": str(LOW), "text": _("dashed: 20%")}
    return {
        "id": f"chart-{metric}-{resource.pk}",
        "title": title,
        "summary": summary,
        "note": data.get("threshold", {}).get("text", ""),
        "data": data,
        "label": f"{title}: {summary}",
    }


def _facts(resource: Resource, state: ResourceState) -> list[tuple[str, Any]]:
    """The specification by label; what is not known is left out."""
    engine = f"{state.engine} {state.engine_version}".strip()
    place = " · ".join(
        part for part in (state.sub_account_name or state.sub_account_id, state.region_id) if part
    )
    found = [
        (_("Type"), f"{ResourceType(resource.resource_type).label} · {resource.native_type}"),
        (_("Size"), specification(state)),
        (_("System"), state.operating_system),
        (_("Engine"), engine),
        (_("Service"), state.service_name),
        (_("IP"), ", ".join(state.ip_addresses)),
        (_("Project, region"), place),
        (_("Provider's word"), state.provider_status),
        (_("Provider's id"), resource.resource_id),
        (_("Created at the provider"), _date_of(resource.provider_created_at)),
        (_("First seen"), _date_of(resource.first_seen_at)),
    ]
    return [(label, value) for label, value in found if value]


def _reconciliation(resource: Resource) -> dict[str, Any] | None:
    """The connection's bill against its resources, in the first currency that differs most."""
    totals = SnapshotTotal.objects.filter(
        snapshot__connection=resource.connection_id, snapshot__is_current=True
    )
    total = max(totals, key=lambda one: abs(one.unexplained_daily_cost), default=None)
    if total is None:
        return None
    difference = total.unexplained_daily_cost
    return {
        "level": "success" if not difference else "warning",
        "text": _(
            "The resources of %(connection)s add up to what %(provider)s bills, difference %(difference)s a day"
        )
        % {
            "connection": resource.connection.connection_name,
            "provider": provider_name(resource.connection.provider_type),
            "difference": formatting.money(difference, total.currency),
        }
        if not difference
        else _(
            "%(difference)s a day of the bill of %(provider)s is not explained by the resources of %(connection)s"
        )
        % {
            "connection": resource.connection.connection_name,
            "provider": provider_name(resource.connection.provider_type),
            "difference": formatting.money(difference, total.currency),
        },
    }


def _notice(
    resource: Resource, state: ResourceState | None, is_gone: bool, moment: datetime | None
) -> dict[str, str] | None:
    if moment is not None:
        at = moment_text(timezone.localtime(moment))
        text = _("It was not there then.") if state is None or is_gone else _("Nothing can be changed here.")
        return {
            "title": _("This is the state of %(moment)s.") % {"moment": at},
            "text": text,
            "url": reverse("inventory:resource_detail", args=[resource.pk]),
            "label": _("To the present"),
        }
    if is_gone and state is not None and state.closed_at:
        at = moment_text(timezone.localtime(state.closed_at))
        return {
            "title": _("This resource is gone."),
            "text": _("It was not found at %(moment)s; what is shown is its last state.") % {"moment": at},
            "url": "",
            "label": "",
        }
    return None


def _days_of(one: Unread) -> list[date]:
    first, last = local_day(one.first), local_day(one.last)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _date_of(at: datetime | None) -> str:
    return formatting.long_date(local_day(at), today=timezone.localdate()) if at else ""


def _locale() -> str:
    return get_language() or "en"
