"""Pages of anomalies: all of them, one with its causes, and the word of a person who accepts it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, organization_required, writer_required
from common import formatting
from costs.anomalies import queries, services, wording
from costs.anomalies.forms import AcknowledgementForm
from costs.anomalies.models import Anomaly, Level

PAGE_SIZE = 50
WAITING, ALL, FALLS = "waiting", "all", "falls"


@organization_required
@require_safe
def anomaly_list(request: UserRequest) -> HttpResponse:
    """`show=all` also lists those that somebody accepted, `show=falls` what costs far less than expected."""
    counts = queries.counts(request.organization)
    shown = request.GET.get("show", "")
    shown = shown if shown in (ALL, FALLS) else WAITING
    rows = queries.falls(request.organization) if shown == FALLS else queries.anomalies(request.organization)
    if shown == WAITING:
        rows = queries.unaccepted(rows)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "counts": counts,
        "page": page,
        "rows": [_row(anomaly) for anomaly in page],
        "query": "" if shown == WAITING else f"show={shown}",
        "is_of_falls": shown == FALLS,
        "choices": [
            {
                "label": _("Not accepted (%(count)d)") % {"count": counts.unaccepted},
                "url": "?",
                "chosen": shown == WAITING,
            },
            {
                "label": _("All (%(count)d)") % {"count": counts.all},
                "url": f"?show={ALL}",
                "chosen": shown == ALL,
            },
            {
                "label": _("Costs less (%(count)d)") % {"count": counts.falls},
                "url": f"?show={FALLS}",
                "chosen": shown == FALLS,
            },
        ],
    }
    return render(request, "anomalies/anomaly_list.html", context)


@organization_required
@require_safe
def anomaly_detail(request: UserRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(queries.events(request.organization), pk=pk)
    return _detail(request, anomaly, AcknowledgementForm())


@writer_required
@require_POST
def anomaly_acknowledge(request: UserRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(queries.events(request.organization), pk=pk)
    form = AcknowledgementForm(request.POST)
    if not form.is_valid():
        return _detail(request, anomaly, form, status=422)
    services.acknowledge(
        anomaly=anomaly, reason=form.cleaned_data["reason"], by=request.user, now=timezone.now()
    )
    if anomaly.is_fall:
        messages.success(request, _("Noted."))
    else:
        messages.success(request, _("Accepted. You will hear of it again only if it costs more still."))
    return redirect("anomalies:anomaly_detail", pk=anomaly.pk)


def _row(anomaly: Anomaly) -> dict[str, Any]:
    level, status = wording.status(anomaly)
    return {
        "anomaly": anomaly,
        "title": wording.title(anomaly),
        "summary": wording.summary(anomaly),
        "level": level,
        "status": status,
    }


def _detail(
    request: UserRequest, anomaly: Anomaly, form: AcknowledgementForm, status: int = 200
) -> HttpResponse:
    context = {
        **_row(anomaly),
        "form": form,
        "explanation": wording.explanation(anomaly),
        "parts": [
            {"part": part, "surplus": surplus, "expected": Decimal(part["expected"])}
            for part, surplus in anomaly.part_values()
        ],
        "around": [
            {
                "label": anomaly.service_name
                if level == Level.SERVICE
                else anomaly.connection.connection_name,
                "actual": Decimal(actual),
                "expected": Decimal(expected),
            }
            for level, (actual, expected, _dearest) in anomaly.around.items()
        ],
        "chart": _chart(anomaly),
        "may_write": request.membership.may_write,
    }
    return render(request, "anomalies/anomaly_detail.html", context, status=status)


def _chart(anomaly: Anomaly) -> dict[str, Any]:
    found = queries.around(anomaly)
    return {
        "labels": [day.isoformat() for day in found.days],
        "series": [
            {"name": _("Cost a day"), "role": "average", "values": [f"{value:f}" for value in found.actual]},
            {
                "name": _("Expected"),
                "role": "maximum",
                "values": [None if value is None else f"{value:f}" for value in found.expected],
            },
        ],
        "currency": found.currency,
        "label": (
            _("Cost of %(name)s a day from %(first)s to %(last)s, %(surplus)s less than expected")
            if anomaly.is_fall
            else _("Cost of %(name)s a day from %(first)s to %(last)s, %(surplus)s more than expected")
        )
        % {
            "name": wording.title(anomaly),
            "first": formatting.short_date(found.days[0], today=found.days[-1]),
            "last": formatting.short_date(found.days[-1], today=found.days[-1]),
            "surplus": formatting.rounded_money(abs(anomaly.excess)),
        },
    }
