"""Log lines: an event with fields, as JSON for machines or as text for a terminal, and never with a secret.

`configuration(level=…, style="json")` is a `logging.config` dictionary. Every line, ours or a library's, runs through
`redact`, which masks by the name of a field and by the value of a credential that was opened in this process
(`remember_secrets`). Needs no Django settings: the web server's configuration reads it before there are any.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Literal
from urllib.parse import quote, quote_plus

import structlog
from django.http import HttpRequest
from django.utils.functional import LazyObject, empty

MASK = "•••"
Style = Literal["json", "console"]

REMEMBERED = 2000
"""Values of opened credentials that are known at most; the longest unused are forgotten first."""

SHORTEST = 4
"""A shorter value would mask half of all words."""

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|authorization|cookie|credential|jwt",
    re.IGNORECASE,
)
_SECRET_IN_TEXT = re.compile(
    r"""((?:passw(?:or)?d|secret|token|api_?key|access_?key|private_?key)["']?\s*(?:=|["']\s*:)\s*["']?"""
    r"""|(?:x-auth-token|x-subject-token|authorization)\s*["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?"""
    r"""|\bbearer\s+)([^\s"'&,;})\]]+)""",
    re.IGNORECASE,
)

_secrets: dict[str, None] = {}
_secrets_lock = threading.Lock()

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)
"""The request that this thread answers; set by `infrazen.middleware.RequestLog`."""


def configuration(*, level: str, style: Style) -> dict[str, Any]:
    """The `logging.config` dictionary: everything to standard error, one event a line."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    redact,
                    *_renderers(style),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    """Let structlog's own loggers end in the handlers of `configuration`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def remember_secrets(values: Iterable[str]) -> None:
    """From now on these values are masked wherever they appear, also quoted as in an address or a traceback."""
    with _secrets_lock:
        for value in (part for whole in values for part in (whole, *_long_lines(whole))):
            if len(value) < SHORTEST:
                continue
            for form in {value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1]}:
                _secrets.pop(form, None)
                _secrets[form] = None
        while len(_secrets) > REMEMBERED:
            del _secrets[next(iter(_secrets))]


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds what must not be written down."""
    return bool(_SECRET_NAME.search(name))


def redact(logger: Any, method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The last processor before a line is written: nothing secret passes, in whatever field it hides."""
    return without_secrets(event)


def without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which secrets are masked, by the names of fields and by the values that are remembered."""
    with _secrets_lock:
        known = tuple(sorted(_secrets, key=len, reverse=True))
    return {name: _clean(name, value, known) for name, value in values.items()}


def add_reader(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Whose request it is, as far as that has been looked up anyway: a log line costs no query."""
    request = current_request.get()
    if request is None:
        return event
    rows = (
        ("user_id", getattr(request, "_cached_user", None)),
        ("impersonator_id", getattr(request, "impersonator", None)),
        ("organization_id", _looked_up(getattr(request, "organization", None))),
    )
    for name, row in rows:
        if row is not None and row.pk is not None:
            event.setdefault(name, row.pk)
    return event


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        add_reader,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(style: Style) -> list[Any]:
    if style == "json":
        return [
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _long_lines(value: str) -> list[str]:
    """Of a key over several lines each by itself: a log may show one of them."""
    return [line for line in value.splitlines() if len(line) > 20] if "\n" in value else []


def _looked_up(value: Any) -> Any:
    if not isinstance(value, LazyObject):
        return value
    wrapped = value.__dict__.get("_wrapped", empty)
    return None if wrapped is empty else wrapped


def _clean(name: str, value: Any, known: tuple[str, ...]) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_secret_name(name):
        return MASK
    if isinstance(value, Mapping):
        return {_masked(str(key), known): _clean(str(key), item, known) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item, known) for item in value]
    return _masked(value if isinstance(value, str) else str(value), known)


def _masked(text: str, known: tuple[str, ...]) -> str:
    for secret in known:
        if secret in text:
            text = text.replace(secret, MASK)
    return _SECRET_IN_TEXT.sub(rf"\1{MASK}", text)
