"""Pages of unit economics: what is counted, and what one of it costs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, organization_required, writer_required
from common import formatting
from costs.allocation.tasks import follow_quantities
from costs.explorer.periods import RELATIVE, BadPeriod
from costs.explorer.queries import today_of
from costs.explorer.view import STEPS
from costs.queries import ROUBLES
from costs.unit_costs import queries, services
from costs.unit_costs.forms import ImportForm, UnitMetricForm, UnitValueForm
from costs.unit_costs.models import UnitMetric, UnitValue

UNPROCESSABLE = 422
DEFAULT_PERIOD = "last_365_days"
DEFAULT_STEP = "month"
PERIODS = ("last_30_days", "last_90_days", "last_365_days")
VALUES_SHOWN = 30


@organization_required
@require_safe
def metric_list(request: UserRequest) -> HttpResponse:
    context = {
        "metrics": queries.metrics(request.organization),
        "may_write": request.membership.may_write,
    }
    return render(request, "unit_costs/metric_list.html", context)


@writer_required
def metric_new(request: UserRequest) -> HttpResponse:
    form = UnitMetricForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            metric = services.create_metric(organization=request.organization, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("unit_costs:metric_detail", metric.pk)
    return _form_page(request, form, None)


@writer_required
def metric_edit(request: UserRequest, pk: int) -> HttpResponse:
    metric = _metric_or_404(request, pk)
    initial = {"name": metric.name, "unit": metric.unit, "kind": metric.kind, "filters": metric.filters}
    form = UnitMetricForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        kind = metric.kind
        try:
            services.change_metric(metric=metric, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            if metric.kind != kind:
                follow_quantities(metric, None)
            return redirect("unit_costs:metric_detail", metric.pk)
    return _form_page(request, form, metric)


@writer_required
def metric_delete(request: UserRequest, pk: int) -> HttpResponse:
    """GET asks, POST does."""
    metric = _metric_or_404(request, pk)
    if request.method == "POST":
        try:
            services.delete_metric(metric=metric)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("unit_costs:metric_detail", metric.pk)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": metric.name})
        return redirect("unit_costs:metric_list")
    context = {"metric": metric, "value_count": UnitValue.objects.filter(metric=metric).count()}
    return render(request, "unit_costs/metric_delete.html", context)


@organization_required
@require_safe
def metric_detail(request: UserRequest, pk: int) -> HttpResponse:
    """`period` and `step` as in the explorer."""
    return _detail(request, _metric_or_404(request, pk), UnitValueForm(), ImportForm())


@writer_required
@require_POST
def values_set(request: UserRequest, pk: int) -> HttpResponse:
    """Sets one day's quantity; an empty one with `remove` takes the day out."""
    metric = _metric_or_404(request, pk)
    form = UnitValueForm(request.POST)
    if not form.is_valid():
        return _detail(request, metric, form, ImportForm(), status=UNPROCESSABLE)
    day = form.cleaned_data["date"]
    if "remove" in request.POST:
        services.remove_value(metric=metric, day=day)
    else:
        services.set_values(metric=metric, quantities={day: form.cleaned_data["quantity"]})
    follow_quantities(metric, day)
    return redirect("unit_costs:metric_detail", metric.pk)


@writer_required
@require_POST
def values_import(request: UserRequest, pk: int) -> HttpResponse:
    metric = _metric_or_404(request, pk)
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            quantities = services.read_csv(form.cleaned_data["file"])
            count = services.set_values(metric=metric, quantities=quantities)
        except ValidationError as error:
            form.add_error("file", error)
        else:
            follow_quantities(metric, min(quantities))
            text = ngettext("%(count)d day is stored.", "%(count)d days are stored.", count)
            messages.success(request, text % {"count": count})
            return redirect("unit_costs:metric_detail", metric.pk)
    return _detail(request, metric, UnitValueForm(), form, status=UNPROCESSABLE)


def _metric_or_404(request: UserRequest, pk: int) -> UnitMetric:
    metric: UnitMetric = get_object_or_404(UnitMetric.objects.of(request.organization), pk=pk)
    return metric


def _form_page(request: UserRequest, form: UnitMetricForm, metric: UnitMetric | None) -> HttpResponse:
    back = (
        reverse("unit_costs:metric_detail", args=[metric.pk]) if metric else reverse("unit_costs:metric_list")
    )
    context = {"form": form, "metric": metric, "back": back}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "unit_costs/metric_form.html", context, status=status)


def _detail(
    request: UserRequest,
    metric: UnitMetric,
    value_form: UnitValueForm,
    import_form: ImportForm,
    status: int = 200,
) -> HttpResponse:
    step = request.GET.get("step", "")
    if step not in STEPS:
        step = DEFAULT_STEP
    period = request.GET.get("period", "") or DEFAULT_PERIOD
    now = timezone.now()
    try:
        found = queries.unit_costs(request.organization, metric, period=period, step=step, now=now)
    except BadPeriod:
        period = DEFAULT_PERIOD
        found = queries.unit_costs(request.organization, metric, period=period, step=step, now=now)
    context = {
        "metric": metric,
        "found": found,
        "chart": _chart(metric, found),
        "values": UnitValue.objects.filter(metric=metric).order_by("-date")[:VALUES_SHOWN],
        "value_form": value_form,
        "import_form": import_form,
        "may_write": request.membership.may_write,
        "steps": _choices("step", step, STEPS, period=period),
        "periods": _choices("period", period, {key: RELATIVE[key][0] for key in PERIODS}, step=step),
        "explorer_query": queries.view_of(
            metric, period, step, today_of(request.organization, now)
        ).query_string(),
    }
    return render(request, "unit_costs/metric_detail.html", context, status=status)


def _choices(name: str, chosen: str, labels: Any, **others: str) -> list[dict[str, Any]]:
    """Links for `_components/segmented.html`."""
    return [
        {"label": label, "url": "?" + urlencode({name: key, **others}), "chosen": key == chosen}
        for key, label in labels.items()
    ]


def _chart(metric: UnitMetric, found: queries.UnitCosts) -> dict[str, Any] | None:
    """Data of `_components/chart.html`: what one costs, a line; a step without a quantity is a gap."""
    if not any(one.each is not None for one in found.steps):
        return None
    return {
        "labels": [one.start.isoformat() for one in found.steps],
        "series": [
            {
                "name": _("Cost of one: %(unit)s") % {"unit": metric.unit},
                "number": 1,
                "values": [None if one.each is None else f"{one.each:f}" for one in found.steps],
            }
        ],
        "currency": ROUBLES,
        "label": _("Cost of one %(unit)s from %(first)s to %(last)s")
        % {
            "unit": metric.unit,
            "first": formatting.short_date(found.span.first, today=found.span.last),
            "last": formatting.short_date(found.span.last, today=found.span.last),
        },
    }
