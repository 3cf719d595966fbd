"""The page of a month's reconciliation, by connection, and where one of them parts from the bill."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, organization_required
from costs.explorer.asked import asked_month, month_key
from costs.explorer.periods import Span, shifted
from costs.explorer.queries import today_of
from costs.explorer.reconciliation import month_sums, parts_of, reconciled_months
from providers.models import ProviderConnection

PAGE_SIZE = 50
MONTHS = 12


@organization_required
@require_safe
def reconciliation(request: UserRequest) -> HttpResponse:
    """`month` as 2026-10; the last whole one without it."""
    month = asked_month(request.GET.get("month", ""), today_of(request.organization, timezone.now()))
    connections = ProviderConnection.objects.of(request.organization).order_by("connection_name", "pk")
    pages = Paginator(connections, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = reconciled_months(request.organization, month, list(pages))
    context = {
        "rows": rows,
        "month": month,
        "page": pages,
        "page_query": urlencode({"month": month_key(month.first)}),
        "sums": month_sums(rows),
        "months": _months(request, month),
    }
    return render(request, "explorer/reconciliation.html", context)


@organization_required
@require_safe
def reconciliation_connection(request: UserRequest, pk: int) -> HttpResponse:
    """The days or resources in which one connection's month differs."""
    rows = ProviderConnection.objects.of(request.organization).select_related("organization")
    connection = get_object_or_404(rows, pk=pk)
    month = asked_month(request.GET.get("month", ""), today_of(request.organization, timezone.now()))
    found = [
        {"row": row, "parts": parts_of(connection, month, row.currency)}
        for row in reconciled_months(request.organization, month, [connection])
    ]
    context = {"connection": connection, "month": month, "found": found, "key": month_key(month.first)}
    return render(request, "explorer/reconciliation_connection.html", context)


def _months(request: UserRequest, chosen: Span) -> list[dict[str, Any]]:
    today = today_of(request.organization, timezone.now())
    starts = [shifted(today.replace(day=1), months=-back) for back in range(MONTHS)]
    address = reverse("explorer:reconciliation")
    return [
        {
            "start": start,
            "url": f"{address}?{urlencode({'month': month_key(start)})}",
            "chosen": start == chosen.first,
        }
        for start in starts
    ]
