"""The organization's part of the audit trail, for its owners: a list and a download."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, owner_required
from accounts.audit import export, queries
from accounts.audit.forms import EntryFilter
from accounts.settings_tabs import settings_tabs

PAGE_ROWS = 50


@owner_required
@require_safe
def entry_list(request: UserRequest) -> HttpResponse:
    """Fields `action`, `actor`, `first`, `last` (days) and `page`."""
    form = EntryFilter(request.GET)
    form.is_valid()
    entries = form.narrow(queries.of_organization(request.organization))
    page = Paginator(entries, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "tabs": settings_tabs(request),
        "form": form,
        "page": page,
        "rows": [queries.row(entry) for entry in page],
        "query": _without_page(request.GET),
        "is_filtered": any(form.cleaned_data.values()),
    }
    return render(request, "accounts/settings/audit.html", context)


@owner_required
@require_safe
def entry_export(request: UserRequest) -> StreamingHttpResponse:
    """The same entries under the same fields, all of them, as JSON lines."""
    form = EntryFilter(request.GET)
    form.is_valid()
    entries = form.narrow(queries.of_organization(request.organization))
    return export.download(entries, request=request, organization=request.organization)


def _without_page(given: QueryDict) -> str:
    kept = given.copy()
    kept.pop("page", None)
    return kept.urlencode()
