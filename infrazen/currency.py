"""Roubles in the currency that the reader chose in their profile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.utils import timezone

from common import formatting
from common.formatting import ROUBLES, ReaderCurrency
from costs.queries import latest_rate

AS_THEY_ARE = ("/admin/", "/api/")
"""Operators and programs see what is stored."""

IN_ROUBLES = ("/analytics/", "/anomalies/", "/budgets/", "/context/", "/exports/", "/reports/")
"""Pages that name roubles in heads, charts and forms: half converted they would mislead. They say so below."""

REMEMBERED_SECONDS = 600


class ReaderCurrencyMiddleware:
    """Pages of a person who chose another currency write roubles in it, at the latest known rate.

    Sets `request.reader_currency`, None where roubles are written: by choice, as the page is one of `IN_ROUBLES`
    (`request.stays_in_roubles`), or as no rate is known. Files, the API and
    messages stay in roubles. Must stand below what signs people in.
    """

    def __init__(self, get_response: Callable[[Any], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.stays_in_roubles = request.path_info.startswith(IN_ROUBLES)
        request.reader_currency = None if request.stays_in_roubles else _chosen(request)
        with formatting.shown_in(request.reader_currency):
            return self.get_response(request)


def _chosen(request: Any) -> ReaderCurrency | None:
    if request.path_info.startswith(AS_THEY_ARE) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    code = request.user.currency if request.user.is_authenticated else ROUBLES
    return None if code == ROUBLES else _rate(code)


def _rate(code: str) -> ReaderCurrency | None:
    """The rate of today; remembered for a while, also that none is known."""
    key = f"reader-currency:{code}"
    found: tuple[Decimal, date] | str | None = cache.get(key)
    if found is None:
        found = latest_rate(code, timezone.localdate()) or ""
        cache.set(key, found, REMEMBERED_SECONDS)
    return ReaderCurrency(code, *found) if isinstance(found, tuple) else None
