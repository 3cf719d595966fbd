"""Pages of business context: how much is allocated, trees, rules with previews, and the board."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import UserRequest, organization_required, require_writer, writer_required
from inventory.models import Resource

from . import queries, services, tasks, wording
from .evaluation import TAG_KEYS
from .forms import LAST, AssignForm, ConditionFormSet, ContextForm, FeedForm, NodeForm, RuleForm, initial_of
from .metrics import metric_names, names_in
from .models import AllocationRule, ContextNode, Dimension, TagFeed

UNPROCESSABLE = 422
PERIOD_DAYS = 30
MAX_SELECTED = 500

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@organization_required
@require_safe
def overview(request: UserRequest) -> HttpResponse:
    """How much of the last thirty days' cost has a value, by dimension and by where the value comes from."""
    first, last = _period()
    covered = queries.coverage(request.organization, first=first, last=last)
    context = {
        "coverage": covered,
        "whole": covered[0].whole,
        "first": first,
        "last": last,
        "tabs": _tabs("overview"),
        "may_write": request.membership.may_write,
    }
    return render(request, "context/overview.html", context)


@organization_required
@read_or_post
def tree(request: UserRequest) -> HttpResponse:
    """The tree of one `dimension`; POST adds a node to it."""
    dimension = _dimension(request)
    nodes = ContextNode.objects.of(request.organization).filter(dimension=dimension).order_by("name")
    form = NodeForm(request.POST if request.method == "POST" else None, parents=nodes)
    if request.method == "POST":
        require_writer(request)
        if form.is_valid():
            try:
                services.save_node(
                    organization=request.organization, dimension=dimension, **form.cleaned_data
                )
            except services.AllocationError as error:
                form.add_error("name", str(error))
            else:
                return redirect(f"{reverse('context:tree')}?dimension={dimension}")
    return _tree_page(request, dimension, form)


@writer_required
@require_POST
def feed_set(request: UserRequest) -> HttpResponse:
    """Chooses the tags that fill a `dimension` in."""
    dimension = _dimension(request)
    form = FeedForm(request.POST)
    if "keys" in request.POST and form.is_valid():  # no tag at all is a choice, nothing said is none
        services.set_feed(
            organization=request.organization, dimension=dimension, keys=form.cleaned_data["keys"]
        )
        _restate(request, timezone.localdate())
    return redirect(f"{reverse('context:tree')}?dimension={dimension}")


@writer_required
@read_or_post
def node_edit(request: UserRequest, pk: int) -> HttpResponse:
    """Renames and moves a node."""
    node = get_object_or_404(ContextNode.objects.of(request.organization), pk=pk)
    others = ContextNode.objects.of(request.organization).filter(dimension=node.dimension).exclude(pk=pk)
    initial = {
        "name": node.name,
        "parent": node.parent_id,
        "code": node.code,
        "description": node.description,
    }
    form = NodeForm(
        request.POST if request.method == "POST" else None, parents=others.order_by("name"), initial=initial
    )
    if request.method == "POST" and form.is_valid():
        name = node.name
        try:
            services.save_node(
                organization=request.organization, dimension=node.dimension, node=node, **form.cleaned_data
            )
        except services.AllocationError as error:
            form.add_error("name", str(error))
        else:
            if name != node.name:
                _restate(request, None)
            return redirect(f"{reverse('context:tree')}?dimension={node.dimension}")
    context = {"form": form, "node": node, "label": Dimension(node.dimension).label}
    return render(request, "context/node_form.html", context, status=UNPROCESSABLE if form.errors else 200)


@writer_required
@require_POST
def node_remove(request: UserRequest, pk: int) -> HttpResponse:
    node = get_object_or_404(ContextNode.objects.of(request.organization), pk=pk)
    try:
        services.remove_node(node=node)
    except services.NodeInUse as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('context:tree')}?dimension={node.dimension}")


@organization_required
@require_safe
def rule_list(request: UserRequest) -> HttpResponse:
    versions = services.present_versions(request.organization.pk)
    metrics = names_in(versions)
    context = {
        "rules": [
            {
                "version": version,
                "conditions": wording.conditions_text(version),
                "outcome": wording.outcome_text(version, metrics),
            }
            for version in versions
        ],
        "tabs": _tabs("rule_list"),
        "may_write": request.membership.may_write,
    }
    return render(request, "context/rule_list.html", context)


@writer_required
@read_or_post
def rule_new(request: UserRequest) -> HttpResponse:
    return _rule_page(request, None)


@writer_required
@read_or_post
def rule_edit(request: UserRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(AllocationRule.objects.of(request.organization), pk=pk)
    return _rule_page(request, rule)


@writer_required
@require_POST
def rule_move(request: UserRequest, pk: int) -> HttpResponse:
    """`up` moves it towards the beginning, anything else towards the end; from today on."""
    rule = get_object_or_404(AllocationRule.objects.of(request.organization), pk=pk)
    today = timezone.localdate()
    if services.move_rule(rule=rule, up="up" in request.POST, since=today, by=request.user):
        _restate(request, today)
    return redirect("context:rule_list")


@writer_required
@require_POST
def rule_switch(request: UserRequest, pk: int) -> HttpResponse:
    """Switches it on or off from today on."""
    rule = get_object_or_404(AllocationRule.objects.of(request.organization), pk=pk)
    today = timezone.localdate()
    services.switch_rule(rule=rule, on="on" in request.POST, since=today, by=request.user)
    _restate(request, today)
    return redirect("context:rule_list")


@writer_required
@read_or_post
def resource_edit(request: UserRequest, pk: int) -> HttpResponse:
    """Says what one resource is in a `dimension`; an empty value leaves it to rules and tags again."""
    rows = Resource.objects.of(request.organization).select_related("organization", "connection")
    resource = get_object_or_404(rows, pk=pk)
    dimension = _dimension(request)
    initial = {"dimension": dimension, "value": getattr(resource, dimension)}
    form = ContextForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        services.set_context(
            resources=[resource],
            dimension=given["dimension"],
            value=given["value"],
            since=given["since"],
            by=request.user,
        )
        _restate(request, given["since"])
        messages.success(request, _("It is saved; costs follow in a moment."))
        return redirect(f"{reverse('inventory:resource_detail', args=[resource.pk])}#tags")
    names = queries.node_choices(request.organization)
    context = {
        "form": form,
        "resource": resource,
        "label": Dimension(dimension).label,
        "names": names[dimension],
    }
    return render(
        request, "context/resource_form.html", context, status=UNPROCESSABLE if form.errors else 200
    )


@organization_required
@require_safe
def board(request: UserRequest) -> HttpResponse:
    """Resources as cards in columns of one `dimension`."""
    dimension = _dimension(request)
    found = queries.board(request.organization, dimension)
    context = {
        "board": found,
        "dimension": dimension,
        "label": Dimension(dimension).label,
        "dimensions": _dimension_choices("context:board", dimension),
        "form": AssignForm(initial={"dimension": dimension}),
        "tabs": _tabs("board"),
        "may_write": request.membership.may_write,
    }
    return render(request, "context/board.html", context)


@writer_required
@require_POST
def board_assign(request: UserRequest) -> HttpResponse:
    """Says what the selected `resource`s are; an empty `value` leaves them to the rules again."""
    form = AssignForm(request.POST)
    dimension = _dimension(request)
    if form.is_valid():
        pks = [int(pk) for pk in request.POST.getlist("resource") if pk.isdecimal() and len(pk) < 19]
        resources = list(
            Resource.objects.of(request.organization)
            .filter(pk__in=pks[:MAX_SELECTED])
            .select_related("organization", "connection")
        )
        count = services.set_context(
            resources=resources,
            dimension=dimension,
            value=form.cleaned_data["value"],
            since=form.cleaned_data["since"],
            by=request.user,
        )
        if count:
            told = ngettext("%(count)d resource is moved.", "%(count)d resources are moved.", count)
            messages.success(request, told % {"count": count})
            _restate(request, form.cleaned_data["since"])
        else:
            messages.warning(request, _("No resource was selected."))
    else:
        messages.error(request, _("Say from which day on."))
    return redirect(f"{reverse('context:board')}?dimension={dimension}")


def _rule_page(request: UserRequest, rule: AllocationRule | None) -> HttpResponse:
    """POST with `preview` says what the rule would do, without it saves."""
    version = services.latest_version(rule) if rule else None
    metrics = metric_names(request.organization.pk)
    initial, conditions = initial_of(version, metrics) if version else ({"match": "all"}, [])
    data = request.POST if request.method == "POST" else None
    names = queries.node_choices(request.organization)
    order = [each.rule for each in services.present_versions(request.organization.pk)]
    others = [each for each in order if each != rule]
    following = order[order.index(rule) + 1 :] if rule else []
    initial["place"] = following[0].pk if following else LAST
    form = RuleForm(data, initial=initial, names=names, metrics=metrics, others=others)
    rows = ConditionFormSet(data, initial=conditions, prefix="conditions")
    found = None
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        draft = form.draft([said for row in rows if (said := row.condition())])
        since, place = form.cleaned_data["since"], form.cleaned_data["place"]
        try:
            if "preview" in request.POST:
                unsaved = services.unsaved_version(
                    request.organization, draft, since=since, rule=rule, place=place
                )
                found = queries.preview(
                    request.organization, unsaved, today=timezone.localdate(), in_place_of=rule
                )
                rows = ConditionFormSet(initial=initial_of(unsaved, metrics)[1], prefix="conditions")
            else:
                services.save_rule(
                    organization=request.organization,
                    draft=draft,
                    since=since,
                    by=request.user,
                    rule=rule,
                    place=place,
                )
                _restate(request, since)
                return redirect("context:rule_list")
        except services.InvalidRule as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "rows": rows,
        "rule": rule,
        "preview": found,
        "preview_sentence": queries.preview_sentence(found) if found else "",
        "history": [
            {
                "version": each,
                "conditions": wording.conditions_text(each),
                "outcome": wording.outcome_text(each, metrics),
            }
            for each in (queries.history_of(rule) if rule else [])
        ],
    }
    status = UNPROCESSABLE if form.errors or any(rows.errors) else 200
    return render(request, "context/rule_form.html", context, status=status)


def _tree_page(request: UserRequest, dimension: str, form: NodeForm) -> HttpResponse:
    first, last = _period()
    found = next(
        each
        for each in queries.trees(request.organization, first=first, last=last)
        if each.dimension == dimension
    )
    own = TagFeed.objects.of(request.organization).filter(dimension=dimension).first()
    keys = own.keys if own else TAG_KEYS[dimension]
    context = {
        "tree": found,
        "dimension": dimension,
        "dimensions": _dimension_choices("context:tree", dimension),
        "form": form,
        "feed_form": FeedForm(initial={"keys": ", ".join(keys)}),
        "feed_keys": ", ".join(keys),
        "first": first,
        "last": last,
        "tabs": _tabs("tree"),
        "may_write": request.membership.may_write,
    }
    return render(request, "context/tree.html", context, status=UNPROCESSABLE if form.errors else 200)


def _restate(request: UserRequest, since: date | None) -> None:
    """Costs follow in the background, once what was written stands."""
    tasks.restate.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
        organization_id=request.organization.pk, since=since.isoformat() if since else ""
    )


def _period() -> tuple[date, date]:
    today = timezone.localdate()
    return today - timedelta(days=PERIOD_DAYS - 1), today


def _dimension(request: UserRequest) -> str:
    """As the form or the address says it; raises Http404 for none that there is."""
    given = request.POST.get("dimension") or request.GET.get("dimension") or Dimension.BUSINESS_UNIT
    if given not in Dimension.values:
        raise Http404
    return str(given)


def _dimension_choices(url_name: str, chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "label": dimension.label,
            "url": f"{reverse(url_name)}?dimension={dimension}",
            "chosen": dimension == chosen,
        }
        for dimension in Dimension
    ]


def _tabs(active: str) -> list[dict[str, Any]]:
    labels = {
        "overview": _("Coverage"),
        "tree": _("Trees"),
        "rule_list": _("Rules"),
        "board": _("Board"),
    }
    return [
        {"label": label, "url": reverse(f"context:{name}"), "active": name == active}
        for name, label in labels.items()
    ]
