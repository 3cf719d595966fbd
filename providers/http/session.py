"""The session that calls go through: it keeps no cookies, reads no ~/.netrc, and counts every request it sends.

What it counts stands under the declared call for which this thread sends, because an address may hold what no trace
shall: `sending` names the call, and a library that sends something on the way (a sign-in) is counted with it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests

from providers.contract.trace import CallName, ReadingTrace

from .pacing import Clock

NAMELESS = CallName()

_CALL: ContextVar[CallName] = ContextVar("call", default=NAMELESS)


@contextmanager
def sending(name: CallName) -> Iterator[None]:
    """All that this thread sends meanwhile is counted under the name."""
    token = _CALL.set(name)
    try:
        yield
    finally:
        _CALL.reset(token)


def sent_for() -> CallName:
    """The call for which this thread sends now."""
    return _CALL.get()


def counting_session(url: str, trace: ReadingTrace, clock: Clock) -> requests.Session:
    """A session without cookies and without ~/.netrc, whose passwords would replace our headers."""
    session = _CountingSession(trace, clock)
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": "InfraZen", "Accept": "application/json"})
    if not is_loopback(host_of(url)):
        session.proxies.update(requests.utils.get_environ_proxies(url))
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    return session


def host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _CountingSession(requests.Session):
    def __init__(self, trace: ReadingTrace, clock: Clock) -> None:
        super().__init__()
        self._trace = trace
        self._clock = clock

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        started = self._clock.monotonic()
        status, size_bytes = None, 0
        try:
            response = super().send(request, **kwargs)
            status = response.status_code
            size_bytes = 0 if kwargs.get("stream") else len(response.content)
            return response
        finally:
            self._trace.answered(
                sent_for(), status=status, seconds=self._clock.monotonic() - started, size_bytes=size_bytes
            )
