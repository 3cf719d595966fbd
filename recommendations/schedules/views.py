"""Pages of power schedules: what switching off would save, and what to hand to those who do it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import UserRequest, organization_required, writer_required
from common import formatting
from costs.explorer.queries import today_of
from recommendations import wording
from recommendations.schedules import exports, queries, services
from recommendations.schedules.forms import ScheduleForm
from recommendations.schedules.models import PowerSchedule
from recommendations.schedules.office import holidays_ahead

HOLIDAYS_SHOWN = 20
FORMATS = ("cron", "text")


@organization_required
@require_safe
def schedule_list(request: UserRequest) -> HttpResponse:
    rows = queries.schedules(request.organization)
    context = {
        "rows": [{"schedule": row, "hours": wording.weekly(row.calendar)} for row in rows],
        "may_write": request.membership.may_write,
    }
    return render(request, "schedules/schedule_list.html", context)


@organization_required
@require_safe
def schedule_detail(request: UserRequest, pk: int) -> HttpResponse:
    """`format` gives it as cron lines or as a text for the team."""
    schedule = _found(request, pk)
    now = timezone.now()
    plan = queries.plan(schedule, now)
    wanted = request.GET.get("format", "")
    if wanted:
        return _file(schedule, plan, wanted)
    today = today_of(request.organization, now)
    context = {
        "schedule": schedule,
        "plan": plan,
        "hours": wording.weekly(schedule.calendar),
        "cells": _cells(plan),
        "holidays": [{"day": day, "name": name} for day, name in list(holidays_ahead(today))[:HOLIDAYS_SHOWN]]
        if schedule.rests_on_holidays
        else [],
        "text": exports.team_text(schedule, plan, now),
        "cron": exports.crontab(schedule, plan),
        "may_write": request.membership.may_write,
    }
    return render(request, "schedules/schedule_detail.html", context)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_new(request: UserRequest) -> HttpResponse:
    """The query string may bring a filter, as the explorer writes it."""
    return _form(request, None)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_edit(request: UserRequest, pk: int) -> HttpResponse:
    return _form(request, _found(request, pk))


@writer_required
@require_POST
def schedule_delete(request: UserRequest, pk: int) -> HttpResponse:
    services.delete_schedule(schedule=_found(request, pk), by=request.user)
    messages.success(request, _("Deleted. Nothing was changed at a provider."))
    return redirect("schedules:schedule_list")


def _form(request: UserRequest, schedule: PowerSchedule | None) -> HttpResponse:
    is_sent = request.method == "POST"
    form = ScheduleForm(
        request.POST if is_sent else None,
        organization=request.organization,
        schedule=schedule,
        scope="" if is_sent else request.GET.urlencode(),
    )
    if form.is_valid():
        given = form.cleaned_data
        names = ("name", "windows", "scope", "rests_on_holidays", "note")
        try:
            saved = services.save_schedule(
                organization=request.organization,
                by=request.user,
                schedule=schedule,
                **{name: given[name] for name in names},
            )
        except services.NameTaken:
            form.add_error("name", _("There is one of this name already; choose another."))
        else:
            messages.success(request, _("Saved. What it would save stands below."))
            return redirect("schedules:schedule_detail", pk=saved.pk)
    context = {"form": form, "schedule": schedule, "rest": ""}
    return render(request, "schedules/schedule_form.html", context, status=422 if is_sent else 200)


def _found(request: UserRequest, pk: int) -> PowerSchedule:
    return get_object_or_404(queries.schedules(request.organization).select_related("organization"), pk=pk)


def _file(schedule: PowerSchedule, plan: queries.Plan, wanted: str) -> HttpResponse:
    if wanted not in FORMATS:
        raise Http404
    text = (
        exports.crontab(schedule, plan)
        if wanted == "cron"
        else exports.team_text(schedule, plan, timezone.now())
    )
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="schedule-{schedule.pk}.txt"'
    return answer


def _cells(plan: queries.Plan) -> list[dict[str, Any]]:
    rest = plan.rest
    return [
        {
            "label": _("Would save"),
            "figure": formatting.rounded_money(plan.saving),
            "unit": _("/mo"),
            "note": _("%(count)d of %(all)d resources can be switched off for less")
            % {"count": plan.can_count, "all": len(plan.rows)},
            "wide": True,
        },
        {
            "label": _("Off in a month"),
            "figure": formatting.number(round(rest.off_hours_of_month)),
            "unit": _("h"),
            "note": _("of 720, mean of the year to come"),
        },
        {
            "label": _("Days off in the year to come"),
            "figure": formatting.number(rest.off_days),
            "note": _("weekends and public holidays"),
        },
    ]
