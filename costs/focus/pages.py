"""The page that makes a FOCUS file: period, filters, form; what it would hold; whether it would pass the checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, organization_required
from costs.explorer import names
from costs.explorer.dimensions import BY_KEY, dimension
from costs.explorer.filters import NONE_VALUE, NOT_PREFIX, Filters
from costs.explorer.periods import RELATIVE
from costs.focus import exports
from costs.focus.columns import PROFILES
from costs.focus.exports import FORMATS, Export
from costs.focus.requests import DEFAULT_PERIOD, BadExport, export_of
from costs.focus.rows import sums_of
from providers.focus_rules import CheckReport
from providers.messages import sentence

UNPROCESSABLE = 422
CHECKED_ROWS = 20_000
"""A page checks as many rows; the command checks all."""
OFFERED = ("connection", "type", "service", "business_unit", "environment")
"""Dimensions with a field of their own; others come in the address, from the explorer."""
TOLD = 5

CHECKS: Mapping[int, Any] = {
    1: gettext_lazy("Columns with a list of values hold one of them"),
    2: gettext_lazy("The subcategory belongs to the category"),
    3: gettext_lazy("Cost = unit price × quantity"),
    4: gettext_lazy("Empty where it must be, filled where it must be"),
    5: gettext_lazy("Times in UTC, charges inside of their month"),
    6: gettext_lazy("Tags and price details are flat JSON objects"),
    7: gettext_lazy("One category for a service, one SKU for a price"),
    8: gettext_lazy("No empty texts and no placeholders"),
    9: gettext_lazy("Columns of FOCUS first, then ours with “x_”"),
    10: gettext_lazy("The sums are those of the daily costs, to the kopeck"),
    11: gettext_lazy("What commitments cost is what was paid for them"),
    12: gettext_lazy("No charge twice"),
}


@organization_required
@require_safe
def export_new(request: UserRequest) -> HttpResponse:
    """The form with what it would give; `check=1` runs the twelve checks over the first rows."""
    try:
        export = export_of(request.organization, _lists(request.GET), _today(request))
    except BadExport as problem:
        return _page(request, None, problem)
    return _page(request, export)


@organization_required
@require_safe
def export_file(request: UserRequest) -> HttpResponseBase:
    """The file, streamed; the form again where it cannot be made."""
    try:
        export = export_of(request.organization, _lists(request.GET), _today(request))
    except BadExport as problem:
        return _page(request, None, problem)
    return streamed(export)


def streamed(export: Export) -> StreamingHttpResponse:
    """The export as a download. It is recorded, and begun before anything is sent: what fails at once is an error."""
    exports.recorded(export)
    response = StreamingHttpResponse(exports.begun(export, timezone.now()), content_type=export.content_type)
    response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    return response


def _page(request: UserRequest, export: Export | None, problem: BadExport | None = None) -> HttpResponse:
    params = _lists(request.GET)
    filters = export.filters if export else Filters()
    offered = names.choices(request.organization, [BY_KEY[key] for key in OFFERED])
    context: dict[str, Any] = {
        "problem": str(problem) if problem else "",
        "problem_field": problem.field if problem else "",
        "periods": _periods(params),
        "first": _chosen(params, "first") or (export.span.first.isoformat() if export else ""),
        "last": _chosen(params, "last") or (export.span.last.isoformat() if export else ""),
        "profiles": _choices(PROFILES, export.profile if export else "", "FOCUS {}"),
        "formats": _choices(FORMATS, export.format if export else "", "{}"),
        "is_gzip": bool(export and export.is_gzip),
        "is_ascii": bool(export and export.is_ascii),
        "fields": [_field(key, filters, offered.get(key, [])) for key in OFFERED if offered.get(key)],
        "kept": _kept(filters, request.organization),
        "export": export,
    }
    if export:
        context["sums"] = [
            {"currency": currency, "billed": billed, "effective": effective}
            for currency, (billed, effective) in sorted(
                sums_of(request.organization, export.span, export.filters).items()
            )
        ]
        if params.get("check"):
            report = exports.check(export, limit=CHECKED_ROWS)
            context |= {"report": report, "checks": _checks(report)}
    return render(request, "focus/export_new.html", context, status=UNPROCESSABLE if problem else 200)


def _checks(report: CheckReport) -> list[dict[str, Any]]:
    return [
        {
            "number": one.number,
            "name": CHECKS[one.number],
            "count": one.count,
            "level": "error" if one.count else "success",
            "label": _("Does not pass") if one.count else _("Passes"),
            "findings": [
                {"column": found.column, "text": sentence(found.message, found.params)}
                for found in one.findings[:TOLD]
            ],
        }
        for one in report.results
    ]


def _field(key: str, filters: Filters, choices: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """One select; several values, which it cannot show, stay in the address (`_kept`)."""
    chosen = filters.values(key)
    value = chosen[0] or NONE_VALUE if len(chosen) == 1 else ""
    return {
        "key": key,
        "label": BY_KEY[key].label,
        "value": value,
        "choices": [(item or NONE_VALUE, label) for item, label in choices],
    }


def _kept(filters: Filters, organization: Any) -> list[dict[str, str]]:
    """Filters that no field shows, in words, each with its parameter."""
    rest = [
        one for one in filters.conditions if one.is_excluded or one.key not in OFFERED or len(one.values) > 1
    ]
    known = names.names(organization, {one.key: one.values for one in rest})
    kept = [
        {
            "parameter": one.parameter,
            "value": value or NONE_VALUE,
            "text": (_("%(name)s: not %(value)s") if one.is_excluded else _("%(name)s: %(value)s"))
            % {"name": _label(one.key), "value": _value_label(one.key, value, known)},
        }
        for one in rest
        for value in one.values
    ]
    if filters.name:
        text = _("Name: %(value)s") % {"value": filters.name}
        kept.append({"parameter": "name", "value": filters.name, "text": text})
    return kept


def _label(key: str) -> str:
    kind = dimension(key)
    return str(kind.label) if kind else key


def _value_label(key: str, value: str, known: names.Names) -> str:
    kind = dimension(key)
    return names.label(kind, value, known) if kind else value


def _periods(params: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    asked = _chosen(params, "period")
    if not asked and not _chosen(params, "first") and not _chosen(params, "last"):
        asked = DEFAULT_PERIOD
    listed = [(key, str(label)) for key, (label, _days) in RELATIVE.items()]
    return [
        *({"value": key, "label": label, "chosen": key == asked} for key, label in listed),
        {"value": "", "label": _("Days of your own"), "chosen": asked not in RELATIVE},
    ]


def _choices(values: Sequence[str], chosen: str, form: str) -> list[dict[str, Any]]:
    words = {"csv": "CSV", "parquet": "Parquet"}
    return [
        {"value": one, "label": form.format(words.get(one, one)), "chosen": one == chosen} for one in values
    ]


def _chosen(params: Mapping[str, Sequence[str]], name: str) -> str:
    return next((value for value in reversed(params.get(name, ())) if value), "")[:40]


def _lists(query: QueryDict) -> dict[str, list[str]]:
    return {name: query.getlist(name) for name in query if name.removeprefix(NOT_PREFIX)}


def _today(request: UserRequest) -> date:
    return timezone.now().astimezone(ZoneInfo(request.organization.time_zone)).date()
