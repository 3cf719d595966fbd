"""Pages of rules (on or off, thresholds, by organization, connection or tag) and of what rules leave alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import UserRequest, organization_required, writer_required
from costs.explorer.queries import today_of
from providers.models import ProviderConnection
from recommendations import settings_services as services
from recommendations import tasks, wording
from recommendations.engine.contract import Category, Options, Rule
from recommendations.engine.registry import all_rules, rule_of
from recommendations.models import Exclusion, RuleSetting
from recommendations.rulebook import Rulebook
from recommendations.settings_forms import ExclusionForm, RuleForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """For whom a rule is set: the organization, one connection of it, or a tag."""

    connection: ProviderConnection | None = None
    tag_key: str = ""
    tag_value: str = ""

    @property
    def label(self) -> str:
        if self.connection is not None:
            return self.connection.connection_name
        if self.tag_key:
            return f"{self.tag_key}={self.tag_value}" if self.tag_value else self.tag_key
        return _("the whole organization")


@organization_required
@require_safe
def rule_list(request: UserRequest) -> HttpResponse:
    book = Rulebook(request.organization, today=today_of(request.organization, timezone.now()))
    narrow: dict[str, list[RuleSetting]] = {}
    for setting in RuleSetting.objects.filter(organization=request.organization).select_related("connection"):
        if setting.connection_id or setting.tag_key:
            narrow.setdefault(setting.rule_id, []).append(setting)
    groups: dict[str, list[dict[str, Any]]] = {}
    for rule in all_rules().values():
        options = book.options_of(rule)
        groups.setdefault(rule.category, []).append(
            {
                "rule": rule,
                "is_on": options is not None,
                "description": wording.rule_description(rule.id, options or Options(rule.declared())),
                "narrow": [
                    {"label": _scope_of(setting).label, "query": _query(setting)}
                    for setting in narrow.get(rule.id, ())
                ],
            }
        )
    context = {
        "groups": [
            {"title": Category(key).label, "rows": groups[key]} for key in Category.values if key in groups
        ],
        "may_write": request.membership.may_write,
    }
    return render(request, "recommendations/rule_list.html", context)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: UserRequest, rule_id: str) -> HttpResponse:
    """`connection`, or `tag_key` with `tag_value`, in the URL narrow whom it is set for."""
    rule = rule_of(rule_id)
    if rule is None:
        raise Http404
    scope = _asked_scope(request)
    setting = RuleSetting.objects.filter(
        organization=request.organization,
        rule_id=rule_id,
        connection=scope.connection,
        tag_key=scope.tag_key,
        tag_value=scope.tag_value,
    ).first()
    form = RuleForm(
        request.POST if request.method == "POST" else None,
        rule=rule,
        above=_above(request, rule),
        setting=setting,
    )
    if form.is_valid():
        services.set_rule(
            rule=rule,
            organization=request.organization,
            is_enabled=form.cleaned_data["is_enabled"],
            options=form.options(),
            connection=scope.connection,
            tag_key=scope.tag_key,
            tag_value=scope.tag_value,
            by=request.user,
        )
        _ask_again(request)
        messages.success(request, _("Saved. All resources are looked at again."))
        return redirect("recommendations:rule_list")
    context = {
        "form": form,
        "rule": rule,
        "scope": scope,
        "connections": ProviderConnection.objects.of(request.organization).order_by("created_at", "pk"),
        "description": wording.rule_description(rule_id, Options(rule.declared(), _above(request, rule))),
    }
    return render(
        request, "recommendations/rule_form.html", context, status=422 if request.method == "POST" else 200
    )


@organization_required
@require_safe
def exclusion_list(request: UserRequest) -> HttpResponse:
    today = today_of(request.organization, timezone.now())
    rows = Exclusion.objects.of(request.organization).select_related("created_by").order_by("name", "pk")
    context = {
        "rows": [
            {
                "exclusion": row,
                "rule": wording.rule_title(row.rule_id) if row.rule_id else _("every rule"),
                "has_ended": row.until is not None and row.until < today,
            }
            for row in rows
        ],
        "may_write": request.membership.may_write,
    }
    return render(request, "recommendations/exclusion_list.html", context)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def exclusion_new(request: UserRequest) -> HttpResponse:
    return _exclusion_form(request, None)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def exclusion_edit(request: UserRequest, pk: int) -> HttpResponse:
    return _exclusion_form(request, get_object_or_404(Exclusion.objects.of(request.organization), pk=pk))


@writer_required
@require_http_methods(["POST"])
def exclusion_delete(request: UserRequest, pk: int) -> HttpResponse:
    exclusion = get_object_or_404(Exclusion.objects.of(request.organization), pk=pk)
    services.delete_exclusion(exclusion=exclusion, by=request.user)
    _ask_again(request)
    messages.success(request, _("Removed. What it left alone is looked at again."))
    return redirect("recommendations:exclusion_list")


def _exclusion_form(request: UserRequest, exclusion: Exclusion | None) -> HttpResponse:
    form = ExclusionForm(
        request.POST if request.method == "POST" else None,
        organization=request.organization,
        exclusion=exclusion,
    )
    if form.is_valid():
        given = form.cleaned_data
        services.save_exclusion(
            organization=request.organization,
            name=given["name"],
            scope=given["scope"],
            reason=given["reason"],
            rule_id=given["rule_id"],
            until=given["until"],
            by=request.user,
            exclusion=exclusion,
        )
        _ask_again(request)
        messages.success(request, _("Saved. What it is about is not summed any more."))
        return redirect("recommendations:exclusion_list")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "exclusion": exclusion}
    return render(request, "recommendations/exclusion_form.html", context, status=status)


def _asked_scope(request: UserRequest) -> Scope:
    asked = request.GET.get("connection", "")
    if asked:
        if not asked.isdigit():
            raise Http404
        connections = ProviderConnection.objects.of(request.organization)
        return Scope(connection=get_object_or_404(connections, pk=asked))
    key = request.GET.get("tag_key", "").replace("\0", "").strip()[:128]
    value = request.GET.get("tag_value", "").replace("\0", "").strip()[:256]
    return Scope(tag_key=key, tag_value=value if key else "")


def _scope_of(setting: RuleSetting) -> Scope:
    return Scope(connection=setting.connection, tag_key=setting.tag_key, tag_value=setting.tag_value)


def _query(setting: RuleSetting) -> dict[str, Any]:
    return {
        "connection": setting.connection_id or "",
        "tag_key": setting.tag_key,
        "tag_value": setting.tag_value,
    }


def _above(request: UserRequest, rule: type[Rule]) -> dict[str, Any]:
    """The values that hold where the form says nothing."""
    book = Rulebook(request.organization, today=today_of(request.organization, timezone.now()))
    return dict(book.options_of(rule) or Options(rule.declared()))


def _ask_again(request: UserRequest) -> None:
    tasks.evaluate_organization.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
        organization_id=request.organization.pk
    )
