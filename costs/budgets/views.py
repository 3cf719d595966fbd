"""Pages of budgets, planned changes and forecasts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import UserRequest, organization_required, require_writer, writer_required
from costs.budgets import presentation, queries, services
from costs.budgets.forms import BudgetForm, PlannedChangeForm
from costs.budgets.models import PlannedChange
from costs.explorer.filters import parse_filters
from costs.explorer.queries import today_of
from costs.forecasting import NotEnough


@organization_required
@require_safe
def budget_list(request: UserRequest) -> HttpResponse:
    today = today_of(request.organization, timezone.now())
    branches = queries.tree(request.organization, today)
    filters = [queries.scope_filters(branch.budget.scope) for branch in branches]
    parts = queries.scope_parts(request.organization, filters)
    rows = [
        {**presentation.row(branch), "scope": presentation.scope_words(part, scope)}
        for branch, part, scope in zip(branches, parts, filters, strict=True)
    ]
    context = {
        "rows": rows,
        "over_count": sum(row["level"] == "error" for row in rows),
        "warned_count": sum(row["level"] == "warning" for row in rows),
        "today": today,
        "may_write": request.membership.may_write,
    }
    return render(request, "budgets/budget_list.html", context)


@organization_required
@require_safe
def budget_detail(request: UserRequest, pk: int) -> HttpResponse:
    budget = get_object_or_404(queries.budgets(request.organization), pk=pk)
    now = timezone.now()
    today = today_of(request.organization, now)
    filters = queries.scope_filters(budget.scope)
    [parts] = queries.scope_parts(request.organization, [filters])
    course = queries.course(budget, now)
    periods = list(budget.periods.order_by("-first_date")[:12])
    period = next((one for one in periods if one.first_date <= today <= one.last_date), None)
    level, verdict = presentation.verdict(period)
    context = {
        "budget": budget,
        "period": period,
        "periods": periods,
        "bar": presentation.bar(period) if period else None,
        "level": level,
        "verdict": verdict,
        "scope": presentation.scope_words(parts, filters),
        "chart": presentation.course_chart(budget, course) if course else None,
        "alerts": budget.alerts.order_by("-raised_at", "-percent")[:12],
        "children": budget.children.order_by("name"),
        "explorer_url": presentation.explorer_url(filters, period.first_date, min(period.last_date, today))
        if period
        else "",
        "forecast_url": presentation.forecast_url(filters),
        "may_write": request.membership.may_write,
    }
    return render(request, "budgets/budget_detail.html", context)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def budget_new(request: UserRequest) -> HttpResponse:
    """`scope` presets whose costs: the explorer's link brings its filters."""
    scope = request.GET.get("scope", "")
    initial = {
        "period": "month",
        "first_date": today_of(request.organization, timezone.now()).replace(day=1),
        "actual_thresholds": [80, 100],
        "forecast_thresholds": [100],
    }
    form = BudgetForm(
        request.POST or None, organization=request.organization, budget=None, scope=scope, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            budget = services.create_budget(
                organization=request.organization, fields=form.values(), now=timezone.now()
            )
        except services.BudgetError as error:
            _explain(form, error)
        else:
            messages.success(request, _("The budget “%(name)s” is set.") % {"name": budget.name})
            return redirect("budgets:budget_detail", pk=budget.pk)
    return _form(request, "budgets/budget_form.html", form, budget=None)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def budget_edit(request: UserRequest, pk: int) -> HttpResponse:
    budget = get_object_or_404(queries.budgets(request.organization), pk=pk)
    form = BudgetForm(request.POST or None, organization=request.organization, budget=budget)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_budget(budget=budget, fields=form.values(), now=timezone.now())
        except services.BudgetError as error:
            _explain(form, error)
        else:
            messages.success(request, _("The budget is changed."))
            return redirect("budgets:budget_detail", pk=budget.pk)
    return _form(request, "budgets/budget_form.html", form, budget=budget)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def budget_delete(request: UserRequest, pk: int) -> HttpResponse:
    budget = get_object_or_404(queries.budgets(request.organization), pk=pk)
    if request.method == "POST":
        services.delete_budget(budget=budget)
        messages.success(request, _("The budget “%(name)s” is deleted.") % {"name": budget.name})
        return redirect("budgets:budget_list")
    return render(request, "budgets/budget_delete.html", {"budget": budget})


@organization_required
@require_safe
def change_list(request: UserRequest) -> HttpResponse:
    changes = list(queries.planned_changes(request.organization))
    filters = [queries.scope_filters(change.scope) for change in changes]
    parts = queries.scope_parts(request.organization, filters)
    context = {
        "rows": [
            {"change": change, "scope": presentation.scope_words(part, scope)}
            for change, part, scope in zip(changes, parts, filters, strict=True)
        ],
        "may_write": request.membership.may_write,
    }
    return render(request, "budgets/change_list.html", context)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_new(request: UserRequest) -> HttpResponse:
    form = PlannedChangeForm(
        request.POST or None,
        organization=request.organization,
        change=None,
        scope=request.GET.get("scope", ""),
    )
    return _change(request, form, None)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_edit(request: UserRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(queries.planned_changes(request.organization), pk=pk)
    form = PlannedChangeForm(request.POST or None, organization=request.organization, change=change)
    return _change(request, form, change)


@organization_required
@require_http_methods(["POST"])
def change_delete(request: UserRequest, pk: int) -> HttpResponse:
    require_writer(request)
    change = get_object_or_404(queries.planned_changes(request.organization), pk=pk)
    services.delete_planned_change(change=change, now=timezone.now())
    messages.success(request, _("It is planned no more."))
    return redirect("budgets:change_list")


@organization_required
@require_safe
def forecast(request: UserRequest) -> HttpResponse:
    """The forecast of any scope: the filters of the explorer stand in the URL."""
    filters, problems = parse_filters(dict(request.GET.lists()))
    [parts] = queries.scope_parts(request.organization, [filters])
    outlook = queries.outlook(request.organization, filters, timezone.now())
    found = outlook.found
    context = {
        "problems": problems,
        "scope": presentation.scope_words(parts, filters),
        "outlook": outlook,
        "chart": presentation.outlook_chart(outlook),
        "missing": presentation.missing_days(found) if isinstance(found, NotEnough) else "",
        "trend": "" if isinstance(found, NotEnough) else presentation.trend(found),
        "query": request.GET.urlencode(),
        "may_write": request.membership.may_write,
    }
    return render(request, "budgets/forecast.html", context)


def _change(request: UserRequest, form: PlannedChangeForm, change: PlannedChange | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        services.save_planned_change(
            organization=request.organization, change=change, fields=form.values(), now=timezone.now()
        )
        messages.success(request, _("Forecasts count with it now."))
        return redirect("budgets:change_list")
    return _form(request, "budgets/change_form.html", form, change=change)


def _form(request: UserRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    rest = presentation.scope_words(
        queries.scope_parts(request.organization, [form.rest])[0] if form.rest else [], form.rest
    )
    return render(
        request, template, {"form": form, "rest": rest if form.rest else "", **context}, status=status
    )


def _explain(form: BudgetForm, error: services.BudgetError) -> None:
    if isinstance(error, services.NameTaken):
        form.add_error("name", _("Another budget has this name."))
    else:
        form.add_error("parent", _("A budget cannot be part of itself or of its own parts."))
