"""A client of one provider's base URL: only declared calls, bounded in time and size, errors typed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
import requests
import urllib3.exceptions

from common.text import gettext_noop
from providers.contract.errors import (
    AnswerTooLarge,
    AuthenticationFailed,
    DeadlineExceeded,
    PermissionDenied,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnexpectedResponse,
)
from providers.contract.plugin import PluginContext
from providers.contract.trace import CallName, WaitKind

from .pacing import SYSTEM_CLOCK, Clock, Deadline, TokenBucket, WaitReason
from .redaction import Redaction
from .session import counting_session, host_of, is_loopback, sending, sent_for

logger = logging.getLogger(__name__)

T = TypeVar("T")
QueryValue = str | int | list[str]
"""A list is a parameter that is repeated."""

RETRIED_STATUSES = frozenset({408, 425, 500, 502, 503, 504})
CHUNK_BYTES = 64 * 1024

# The same decoder serves every thread: it keeps no state.
_JSON = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call that a plugin may make: a method and a path below the base URL.

    `{name}` in the path stands for one segment, filled by the caller; nothing else can be reached.
    """

    method: str
    path: str

    def fill(self, segments: Mapping[str, str]) -> str:
        """The path with its places filled and quoted; raises ValueError for what is no single segment."""

        def segment(match: re.Match[str]) -> str:
            value = segments[match[1]]
            if value in ("", ".", "..") or "/" in value or "\\" in value:
                raise ValueError(f"{value!r} is no path segment")
            return quote(value, safe="")

        return re.sub(r"\{(\w+)\}", segment, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long, how often and how much. Durations are seconds.

    `request_seconds` bounds one answer from its first to its last byte; `retry_after_cap` is the longest
    wait that a provider can impose on us at a time.
    """

    connect_seconds: float = 10
    read_seconds: float = 30
    request_seconds: float = 120
    attempts: int = 5
    backoff_seconds: float = 1
    backoff_cap: float = 30
    retry_after_cap: float = 60
    response_bytes: int = 32 * 1024 * 1024


DEFAULT_LIMITS = Limits()


def base_url(context: PluginContext, key: str, default: str) -> str:
    """The base URL of an API: the laboratory's or emulator's where one is set, else the provider's own."""
    return context.endpoints.get(key, default).rstrip("/")


class HttpClient:
    """One connection's way to one base URL.

    `routes` is the allow-list: any other call raises RequestRefused before anything is sent, and so does a base
    URL outside `hosts` (unless the context overrides the endpoint), without HTTPS, or on loopback without
    `context.allow_loopback`. Redirects are not followed and cookies not kept. Answers are JSON, their numbers
    with a point `Decimal`, their secrets replaced.
    """

    def __init__(
        self,
        context: PluginContext,
        *,
        provider: str,
        provider_name: str,
        endpoint: str,
        default_url: str,
        routes: Iterable[Route],
        hosts: Collection[str] = (),
        redaction: Redaction | None = None,
        limits: Limits = DEFAULT_LIMITS,
        bucket: TokenBucket | None = None,
        deadline: Deadline | None = None,
        clock: Clock = SYSTEM_CLOCK,
        api: str = "",
        region: str = "",
    ) -> None:
        self.url = base_url(context, endpoint, default_url)
        self._context = context
        self._provider = provider
        self._provider_name = provider_name
        self._routes = {(route.method, route.path): route for route in routes}
        self._redaction = redaction or Redaction()
        self._limits = limits
        self._clock = clock
        self._bucket = bucket or TokenBucket(interval=0, clock=clock)
        self._deadline = deadline or Deadline(context.deadline_seconds, clock)
        self._is_down = False
        self._trace = context.trace
        self._api = api or endpoint.partition(".")[2] or endpoint
        self._region = region
        self._check_host(is_override=endpoint in context.endpoints, hosts=hosts or {host_of(default_url)})
        self._session = counting_session(self.url, self._trace, clock)

    def request(
        self,
        method: str,
        path: str,
        *,
        segments: Mapping[str, str] | None = None,
        params: Mapping[str, QueryValue] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        interpret: Callable[[Any], T],
        keep: Collection[str] = (),
        operation: str = "",
        attempts: int | None = None,
    ) -> T:
        """Make one declared call and return what `interpret` makes of its payload.

        `interpret` finds errors inside an answer: what it raises as ProviderUnavailable is retried, all else
        is not. `keep` names secrets that this call is made for (a token). Every call of a plugin reads, so
        every one may be repeated. Raises ProviderError of every kind.
        """
        operation = operation or f"{method} {path}"
        target = self._target(method, path, segments or {}, operation)

        def ask() -> T:
            payload = self._exchange(
                method, target, params=params, form=form, json=json, headers=headers, operation=operation
            )
            return interpret(self._redaction.clean(payload, keep=keep))

        with sending(CallName(api=self._api, call=f"{method} {path or '/'}", region=self._region)):
            return self._answer_of(ask, operation, attempts or self._limits.attempts)

    def get(
        self,
        path: str,
        *,
        interpret: Callable[[Any], T],
        segments: Mapping[str, str] | None = None,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        return self.request(
            "GET", path, segments=segments, params=params, headers=headers, interpret=interpret
        )

    def _answer_of(self, ask: Callable[[], T], operation: str, attempts: int) -> T:
        attempts = 1 if self._is_down else attempts
        for attempt in range(1, attempts + 1):
            self._wait(self._bucket.reserve(), WaitReason.PACE, WaitKind.PACE, operation)
            if attempt > 1:
                self._trace.repeated(sent_for())
            try:
                result = ask()
            except ProviderUnavailable as error:
                if attempt == attempts:
                    self._is_down = True  # later calls ask once, lest they use up the time of all others
                    self._trace.given_up(sent_for(), tries=attempt)
                    raise
                is_limit = isinstance(error, RateLimited)
                reason = WaitReason.RATE_LIMIT if is_limit else WaitReason.UNAVAILABLE
                kind = WaitKind.BACK_OFF if error.retry_after is None else WaitKind.ASKED
                self._wait(self._pause(attempt, error.retry_after), reason, kind, operation)
            except ProviderError:
                self._is_down = False
                raise
            else:
                self._is_down = False
                return result
        raise AssertionError("the last attempt returns or raises")

    def _check_host(self, *, is_override: bool, hosts: Collection[str]) -> None:
        parts = urlsplit(self.url)
        host = host_of(self.url)
        is_allowed = parts.scheme == "https" and (is_override or host in hosts)
        if is_loopback(host):
            is_allowed = self._context.allow_loopback and parts.scheme in ("http", "https")
        if not is_allowed or parts.username or parts.query or parts.fragment:
            raise self._refused(f"base URL {parts.scheme}://{host}")

    def _target(self, method: str, path: str, segments: Mapping[str, str], operation: str) -> str:
        route = self._routes.get((method, path))
        if route is None:
            raise self._refused(operation)
        try:
            return self.url + route.fill(segments)
        except ValueError:
            raise self._refused(operation) from None

    def _exchange(
        self,
        method: str,
        target: str,
        *,
        params: Mapping[str, QueryValue] | None,
        form: Mapping[str, str] | None,
        json: Any,
        headers: Mapping[str, str] | None,
        operation: str,
    ) -> Any:
        left = self._time_left(operation)
        started = self._clock.monotonic()
        status = 0
        try:
            with self._session.request(
                method,
                target,
                params=params,
                data=form,
                json=json,
                headers=dict(headers or {}),
                timeout=(min(self._limits.connect_seconds, left), min(self._limits.read_seconds, left)),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                body = self._body(response, operation, started)
                answer_headers = response.headers
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error, operation) from None
        finally:
            logger.info(
                "%s %s -> %s in %.3f s",
                method,
                urlsplit(target).path,
                status or "no answer",
                self._clock.monotonic() - started,
            )
        self._check_status(status, answer_headers, operation)
        return self._decode(status, body, operation)

    def _body(self, response: requests.Response, operation: str, started: float) -> bytes:
        """The decoded body, refused when it grows too large or takes too long."""
        body = bytearray()
        begun = self._clock.monotonic()
        ends = begun + self._limits.request_seconds
        try:
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > self._limits.response_bytes:
                    raise self._unexpected("the answer is too large", operation, kind=AnswerTooLarge)
                if self._clock.monotonic() > ends:
                    raise self._slow(self._limits.request_seconds, operation)
                self._time_left(operation)
        finally:
            now = self._clock.monotonic()
            self._trace.received(
                sent_for(), seconds=now - begun, request_seconds=now - started, size_bytes=len(body)
            )
        return bytes(body)

    def _check_status(self, status: int, headers: Mapping[str, str], operation: str) -> None:
        if 200 <= status < 300:
            return
        known: dict[str, Any] = {"provider": self._provider, "operation": operation}
        params: dict[str, str | int] = {"provider": self._provider_name, "status": status, "call": operation}
        retry_after = _retry_after(headers)
        if status == 401:
            raise AuthenticationFailed(
                gettext_noop(
                    "%(provider)s rejected the credentials. They were probably changed or revoked: enter new ones."
                ),
                params=params,
                **known,
            )
        if status == 403:
            raise PermissionDenied(
                gettext_noop(
                    "No right to read “%(call)s” at %(provider)s. Everything else is up to date. Grant this right "
                    "to the account that InfraZen uses."
                ),
                params=params,
                **known,
            )
        if status == 429:
            raise RateLimited(
                gettext_noop(
                    "%(provider)s limits how often it may be asked. What could not be read keeps its last state "
                    "until the next sync."
                ),
                params=params,
                retry_after=retry_after,
                **known,
            )
        if status in RETRIED_STATUSES or status >= 500:
            raise ProviderUnavailable(
                gettext_noop(
                    "%(provider)s is not responding (%(status)s). What could not be read keeps its last state, "
                    "nothing was removed."
                ),
                params=params,
                retry_after=retry_after,
                **known,
            )
        raise self._unexpected(f"HTTP {status}", operation, status=status)

    def _decode(self, status: int, body: bytes, operation: str) -> Any:
        if status == 204:
            return None
        try:
            return _JSON.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
            raise self._unexpected("no valid JSON", operation) from None

    def _time_left(self, operation: str) -> float:
        left = self._deadline.left()
        if left <= 0:
            raise self._out_of_time(operation)
        return left

    def _wait(self, seconds: float, reason: WaitReason, kind: WaitKind, operation: str) -> None:
        if seconds <= 0:
            return
        if seconds >= self._deadline.left():
            raise self._out_of_time(operation)
        self._context.on_wait(seconds, reason)
        with self._trace.waiting(sent_for(), kind, self._clock.monotonic):
            self._clock.sleep(seconds)

    def _pause(self, attempt: int, retry_after: float | None) -> float:
        """Seconds before the next attempt: the provider's word up to the cap, else back-off with jitter."""
        if retry_after is not None:
            return min(retry_after, self._limits.retry_after_cap)
        full: float = min(self._limits.backoff_seconds * 2 ** (attempt - 1), self._limits.backoff_cap)
        return full / 2 + full / 2 * self._clock.spread()

    def _refused(self, operation: str) -> RequestRefused:
        return RequestRefused(
            gettext_noop(
                "The call “%(call)s” is not one that the %(provider)s plugin may make. It was not sent; data is "
                "unchanged."
            ),
            provider=self._provider,
            operation=operation,
            params={"provider": self._provider_name, "call": operation},
        )

    def _out_of_time(self, operation: str) -> DeadlineExceeded:
        return DeadlineExceeded(
            gettext_noop(
                "Reading %(provider)s took more than %(seconds)s s and was ended. What could not be read keeps "
                "its last state."
            ),
            provider=self._provider,
            operation=operation,
            params={"provider": self._provider_name, "seconds": round(self._deadline.seconds)},
        )

    def _slow(self, seconds: float, operation: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            gettext_noop(
                "%(provider)s did not answer within %(seconds)s s. What could not be read keeps its last state, "
                "nothing was removed."
            ),
            provider=self._provider,
            operation=operation,
            params={"provider": self._provider_name, "seconds": round(seconds)},
        )

    def _unreachable(self, error: Exception, operation: str) -> ProviderError:
        if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
            if self._deadline.left() <= 0:
                return self._out_of_time(operation)
            return self._slow(self._limits.read_seconds, operation)
        return ProviderUnavailable(
            gettext_noop(
                "%(provider)s cannot be reached (%(reason)s). What could not be read keeps its last state, "
                "nothing was removed."
            ),
            provider=self._provider,
            operation=operation,
            params={"provider": self._provider_name, "reason": type(error).__name__},
        )

    def _unexpected(
        self,
        reason: str,
        operation: str,
        *,
        status: int = 200,
        kind: type[UnexpectedResponse] = UnexpectedResponse,
    ) -> UnexpectedResponse:
        return kind(
            gettext_noop(
                "%(provider)s's answer could not be read (%(reason)s). Data is unchanged; details are logged."
            ),
            provider=self._provider,
            operation=operation,
            params={"provider": self._provider_name, "reason": reason, "status": status},
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date; None where there is none to be read."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(headers["Date"]) if "Date" in headers else datetime.now(UTC)
        return max(0.0, (until - sent).total_seconds())
    except (TypeError, ValueError):
        return None
