"""Why is there no recommendation? Every rule with what it checked, found and skipped; for one resource in its words."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, organization_required
from costs.explorer.queries import today_of
from inventory.models import Resource
from providers.models import ProviderConnection
from recommendations import queries, wording
from recommendations.engine.contract import Finding, NotMatched, Skip, SkipReason
from recommendations.engine.evaluation import Outcome, outcome_word
from recommendations.engine.registry import rule_of
from recommendations.evaluating import outcomes_of
from recommendations.models import ConnectionEvaluation
from recommendations.prices.queries import price_book
from recommendations.rulebook import Rulebook

PAGE_SIZE = 50


@organization_required
@require_safe
def report(request: UserRequest) -> HttpResponse:
    """All rules over all connections, or over one of them."""
    connections = list(ProviderConnection.objects.of(request.organization).order_by("created_at", "pk"))
    chosen = _chosen(request, connections)
    book = Rulebook(request.organization, today=today_of(request.organization, timezone.now()))
    rows = queries.report(request.organization, chosen.pk if chosen else None)
    evaluations = ConnectionEvaluation.objects.of(request.organization)
    oldest = evaluations.order_by("evaluated_at").values_list("evaluated_at", flat=True).first()
    context = {
        "rows": [_report_row(row, book, chosen) for row in rows],
        "connections": [
            {"label": _("All"), "url": "?", "chosen": chosen is None},
            *(
                {
                    "label": each.connection_name,
                    "url": f"?connection={each.pk}",
                    "chosen": chosen is not None and each.pk == chosen.pk,
                }
                for each in connections
            ),
        ],
        "connection": chosen,
        "evaluated_at": oldest,
    }
    return render(request, "recommendations/report.html", context)


@organization_required
@require_safe
def rule_report(request: UserRequest, rule_id: str) -> HttpResponse:
    """The resources of which a rule said one thing in its last evaluation; `said` is a word of the report."""
    rule = rule_of(rule_id)
    if rule is None:
        raise Http404
    connections = list(ProviderConnection.objects.of(request.organization).order_by("created_at", "pk"))
    chosen = _chosen(request, connections)
    counted = next(
        row
        for row in queries.report(request.organization, chosen.pk if chosen else None)
        if row.rule_id == rule_id
    )
    words = [wording.MATCHED, wording.NOT_MATCHED, *(word for word, _count in counted.skipped)]
    said = request.GET.get("said", "")
    said = said if said in words else wording.NOT_MATCHED
    found = queries.resources_with(request.organization, rule_id, said, chosen.pk if chosen else None)
    numbers = {
        wording.MATCHED: counted.matched,
        wording.NOT_MATCHED: counted.not_matched,
        **dict(counted.skipped),
    }
    kept = f"&connection={chosen.pk}" if chosen else ""
    book = Rulebook(request.organization, today=today_of(request.organization, timezone.now()))
    options = book.options_of(rule, chosen.pk if chosen else None)
    context = {
        "rule": rule,
        "description": wording.rule_description(rule_id, options) if options is not None else "",
        "is_off": options is None,
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "query": f"said={said}{kept}",
        "said": wording.outcome(said),
        "choices": [
            {
                "label": f"{wording.outcome(word)} ({numbers[word]})",
                "url": f"?said={word}{kept}",
                "chosen": word == said,
            }
            for word in words
        ],
        "connection": chosen,
        "may_write": request.membership.may_write,
    }
    return render(request, "recommendations/rule_report.html", context)


@organization_required
@require_safe
def resource_report(request: UserRequest, pk: int) -> HttpResponse:
    """What every rule says of one resource, asked now."""
    resource = get_object_or_404(
        Resource.objects.of(request.organization).select_related("connection__organization"), pk=pk
    )
    now = timezone.now()
    outcomes = outcomes_of(
        resource.connection,
        resource.pk,
        rulebook=Rulebook(request.organization, today=today_of(request.organization, now)),
        prices=price_book(request.organization, now),
        now=now,
    )
    order = {wording.MATCHED: 0, wording.NOT_MATCHED: 1}
    outcomes.sort(key=lambda each: (order.get(outcome_word(each.answer), 2), each.rule.id))
    context = {"resource": resource, "rows": [outcome_row(each) for each in outcomes]}
    return render(request, "recommendations/resource_report.html", context)


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """What one rule said, with the sentence that explains it."""
    answer = outcome.answer
    if isinstance(answer, Finding):
        level, why = "success", wording.text(answer.summary.as_json())
    elif isinstance(answer, NotMatched):
        level, why = "off", wording.text(answer.why.as_json())
    else:
        level = "warning" if answer.reason == SkipReason.RULE_FAILED else "none"
        why = wording.text(answer.why.as_json()) if answer.why is not None else ""
    return {
        "rule": outcome.rule,
        "word": wording.outcome(outcome_word(answer)),
        "is_skipped": isinstance(answer, Skip),
        "is_excluded": outcome.is_excluded,
        "level": level,
        "why": why,
    }


def _chosen(request: UserRequest, connections: list[ProviderConnection]) -> ProviderConnection | None:
    """The connection that the URL names; another tenant's is 404."""
    asked = request.GET.get("connection", "")
    if not asked:
        return None
    for connection in connections:
        if str(connection.pk) == asked:
            return connection
    raise Http404


def _report_row(
    row: queries.RuleReport, book: Rulebook, connection: ProviderConnection | None
) -> dict[str, Any]:
    rule = rule_of(row.rule_id)
    options = book.options_of(rule, connection.pk if connection else None) if rule is not None else None
    return {
        "report": row,
        "title": wording.rule_title(row.rule_id),
        "description": wording.rule_description(row.rule_id, options) if options is not None else "",
        "is_off": options is None,
        "skipped": [{"word": wording.outcome(word), "key": word, "count": n} for word, n in row.skipped],
    }
