"""Pages of policies: what is demanded, what breaks it, and what people decide about that."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required, writer_required
from accounts.audit.services import record
from common import formatting
from costs.budgets.presentation import scope_words
from costs.budgets.queries import scope_filters, scope_parts
from costs.explorer.filters import NONE_VALUE
from costs.explorer.queries import today_of
from recommendations import wording
from recommendations.engine.contract import Option
from recommendations.forms import members_of
from recommendations.policies import decisions, exports, queries, services, tasks
from recommendations.policies.filters import STATUSES, ViolationFilter
from recommendations.policies.forms import DecisionForm, PolicyForm
from recommendations.policies.kinds import KINDS
from recommendations.policies.models import LIVE, Policy, Violation, ViolationStatus

PAGE_SIZE = 50
LEVELS = {
    ViolationStatus.OPEN: "warning",
    ViolationStatus.EXCEPTED: "off",
    ViolationStatus.RESOLVED: "success",
}


@organization_required
@require_safe
def policy_list(request: UserRequest) -> HttpResponse:
    rows = list(queries.policies(request.organization, today_of(request.organization, timezone.now())))
    context = {
        "rows": [{"policy": row, "kind": row.rule.title} for row in rows],
        "cells": _cells(rows),
        "may_write": request.membership.may_write,
    }
    return render(request, "policies/policy_list.html", context)


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def policy_detail(request: UserRequest, pk: int) -> HttpResponseBase:
    """With its violations, open ones where the URL names no status; the list is a fragment for htmx."""
    return _detail(request, pk)


def _detail(request: UserRequest, pk: int, *, problem: str = "", status: int = 200) -> HttpResponseBase:
    today = today_of(request.organization, timezone.now())
    policy = get_object_or_404(queries.policies(request.organization, today), pk=pk)
    mine = queries.violations(request.organization, today).filter(policy=policy)
    params = request.GET.copy()
    params.setdefault("status", ViolationStatus.OPEN.value)
    wanted = ViolationFilter(params, mine)
    rows = wanted.qs if wanted.is_valid() else mine.none()
    if request.GET.get("format") == "csv":
        return _csv(request, policy, rows)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {key: str(value) for key, value in request.GET.items() if key not in ("page", "format") and value}
    may_write = request.membership.may_write
    context = {
        "policy": policy,
        "page": page,
        "rows": [_row(row) for row in page],
        "query": urlencode(kept),
        "is_filtered": bool(kept),
        "may_write": may_write,
        "members": list(members_of(request.organization)) if may_write else [],
        "next": request.get_full_path()
        if request.method != "POST"
        else reverse("policies:policy_detail", args=[policy.pk]),
        "today": today,
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "policies/_violations.html", context)
    context |= {
        "kind": policy.rule,
        "parameters": _parameters(policy),
        "scope": _scope(policy),
        "problem": problem,
        "filters": _filters(request, mine, params),
        "search": request.GET.get("q", ""),
    }
    return render(request, "policies/policy_detail.html", context, status=status)


@writer_required
@require_safe
def policy_choose(request: UserRequest) -> HttpResponse:
    """The kinds to choose from; the query string may bring a filter, as the explorer writes it."""
    context = {"kinds": KINDS.values(), "query": request.GET.urlencode()}
    return render(request, "policies/policy_choose.html", context)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy_new(request: UserRequest, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    return _form(request, kind, None)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: UserRequest, pk: int) -> HttpResponse:
    policy = _found(request, pk)
    return _form(request, policy.kind, policy)


@writer_required
@require_POST
def policy_delete(request: UserRequest, pk: int) -> HttpResponse:
    services.delete_policy(policy=_found(request, pk), by=request.user)
    messages.success(request, _("Deleted, with the violations that it had found."))
    return redirect("policies:policy_list")


@writer_required
@require_POST
def violation_decide(request: UserRequest, pk: int) -> HttpResponseBase:
    """The policy's page with the sentence that says why not, and 422, where it cannot be."""
    row = get_object_or_404(Violation.objects.of(request.organization), pk=pk)
    form = DecisionForm(request.POST, organization=request.organization)
    if not form.is_valid():
        return _detail(request, row.policy_id, problem=form.sentence, status=422)
    try:
        said = decisions.carry_out(row, form.cleaned_data, by=request.user, now=timezone.now())
    except decisions.Refused as error:
        return _detail(request, row.policy_id, problem=str(error), status=422)
    messages.success(request, said)
    return redirect(_next(request) or reverse("policies:policy_detail", args=[row.policy_id]))


def _form(request: UserRequest, kind: str, policy: Policy | None) -> HttpResponse:
    is_sent = request.method == "POST"
    form = PolicyForm(
        request.POST if is_sent else None,
        organization=request.organization,
        kind=KINDS[kind],
        policy=policy,
        scope="" if is_sent else request.GET.urlencode(),
    )
    if form.is_valid():
        saved = services.save_policy(
            organization=request.organization, kind=kind, by=request.user, policy=policy, **form.values()
        )
        tasks.check_organization.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
            organization_id=request.organization.pk
        )
        messages.success(
            request, _("Saved. Resources are held against it in a moment, and after every sync.")
        )
        return redirect("policies:policy_detail", pk=saved.pk)
    rest = (
        scope_words(scope_parts(request.organization, [form.rest])[0], form.rest)
        if form.rest.conditions
        else ""
    )
    context = {"form": form, "policy": policy, "kind": KINDS[kind], "rest": rest}
    return render(request, "policies/policy_form.html", context, status=422 if is_sent else 200)


def _found(request: UserRequest, pk: int) -> Policy:
    return get_object_or_404(Policy.objects.of(request.organization), pk=pk)


def _row(row: Violation) -> dict[str, Any]:
    return {
        "row": row,
        "why": wording.text(row.why),
        "level": "error" if row.is_overdue else LEVELS[ViolationStatus(row.status)],  # type: ignore[attr-defined]
        "label": _("Overdue") if row.is_overdue else row.get_status_display(),  # type: ignore[attr-defined]
        "is_live": row.status in LIVE,
    }


def _scope(policy: Policy) -> str:
    if not policy.scope:
        return ""
    filters = scope_filters(policy.scope)
    return scope_words(scope_parts(policy.organization, [filters])[0], filters)


def _parameters(policy: Policy) -> list[dict[str, Any]]:
    """Its parameters in words."""
    rows = []
    names = policy.rule.choices()
    for option in policy.rule.options:
        value = policy.parameters.get(option.name, option.default)
        labels = dict(names.get(option.name, ()))
        rows.append({"label": option.label, "value": _value(option, value, labels)})
    return rows


def _value(option: Option, value: Any, labels: dict[str, Any]) -> str:
    if isinstance(option.default, bool):
        return _("yes") if value else _("no")
    if isinstance(option.default, tuple):
        return ", ".join(str(labels.get(each, each)) for each in value)
    return f"{value} {option.unit}".strip()


def _cells(rows: list[Policy]) -> list[dict[str, Any]]:
    counts: Any = rows
    figures = (
        (_("Open violations"), sum(row.open_count for row in counts), _("to be put right")),
        (_("Overdue"), sum(row.overdue_count for row in counts), _("their days are over")),
        (_("Excepted"), sum(row.excepted_count for row in counts), _("until a day, with a reason")),
    )
    return [
        {"label": label, "figure": formatting.number(figure), "note": note} for label, figure, note in figures
    ]


def _filters(request: UserRequest, mine: Any, params: Any) -> list[dict[str, Any]]:
    owners = [(name or NONE_VALUE, name or _("nobody")) for name in queries.owners(mine)]
    people = [(str(each.pk), each.display_name) for each in members_of(request.organization)]
    offered: list[tuple[str, Any, list[tuple[Any, Any]]]] = [
        ("status", _("Status"), list(STATUSES)),
        ("owner", _("Owner"), owners),
        ("assigned_to", _("Assigned to"), people),
    ]
    return [
        {
            "key": key,
            "label": label,
            "choices": choices,
            "value": params.get(key, ""),
            "has_all": key != "status",
        }
        for key, label, choices in offered
    ]


def _csv(request: UserRequest, policy: Policy, rows: Any) -> StreamingHttpResponse:
    record(
        "export.downloaded",
        organization=request.organization,
        details={"what": "violations", "policy": policy.name},
    )
    answer = StreamingHttpResponse(exports.lines(rows.iterator(500)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="violations-{policy.pk}.csv"'
    return answer


def _next(request: UserRequest) -> str:
    """Where the form came from, if that is a page of ours."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else ""
