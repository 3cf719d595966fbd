"""The HTTP layer that every provider plugin reads through, free of Django.

| module | holds |
|---|---|
| `client` | `HttpClient`: one base URL, an allow-list of calls, retries, limits, typed errors, JSON in |
| `pacing` | `Clock`, `Deadline`, `TokenBucket`: time, injectable |
| `paging` | `offset_pages`: offset/limit lists until they end by themselves |
| `redaction` | `Redaction`: secrets are replaced before a plugin sees the payload |
| `session` | what a client sends through, counted in the trace of the reading (`contract.trace`) |
"""

from .client import DEFAULT_LIMITS, HttpClient, Limits, Route, base_url
from .pacing import SYSTEM_CLOCK, Clock, Deadline, TokenBucket, WaitReason
from .paging import Page, offset_pages
from .redaction import REDACTED, Redaction

__all__ = [
    "DEFAULT_LIMITS",
    "REDACTED",
    "SYSTEM_CLOCK",
    "Clock",
    "Deadline",
    "HttpClient",
    "Limits",
    "Page",
    "Redaction",
    "Route",
    "TokenBucket",
    "WaitReason",
    "base_url",
    "offset_pages",
]
