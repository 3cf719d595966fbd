"""How many calls a minute a token, or a person's session, may make; every answer says how many are left.

Headers (the IETF's draft «RateLimit header fields for HTTP»): `RateLimit-Limit`, `RateLimit-Remaining`,
`RateLimit-Reset` in seconds; a refusal is 429 with `Retry-After`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW = 60
"""Seconds. Windows are the clock's minutes: one counter each, raised atomically, shared by all web processes."""


class CallerThrottle(BaseThrottle):
    """`settings.API_CALLS_PER_MINUTE` for each token and each person; the anonymous are refused before."""

    reset = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        caller = getattr(request.auth, "pk", None)
        key = f"token-{caller}" if caller else f"user-{request.user.pk}"
        window, passed = divmod(int(time.time()), WINDOW)
        self.reset = WINDOW - passed
        limit: int = settings.API_CALLS_PER_MINUTE
        count = _raise(f"api-calls-{key}-{window}")
        request._request.rate_limit = (limit, max(limit - count, 0), self.reset)  # type: ignore[attr-defined]
        return count <= limit

    def wait(self) -> float:
        return self.reset


def _raise(key: str) -> int:
    cache = caches["counters"]
    cache.add(key, 0, timeout=2 * WINDOW)
    try:
        return int(cache.incr(key))
    except ValueError:  # evicted between the two
        return 1


class RateLimitHeaders:
    """Puts what the throttle counted on the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        counted = getattr(request, "rate_limit", None)
        if counted:
            names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
            for name, value in zip(names, counted, strict=True):
                response[name] = str(value)
        return response
