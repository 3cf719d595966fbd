"""What passes between the HTTP server and a provider's emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, as the emulator of one API family sees it.

    `path` is below the family's base URL and begins with a slash; `headers`
    has lower-case names; `at` is the emulator clock's instant. `query` has
    the last value of each name, `parameters` every pair as it came.
    """

    method: str
    family: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    remote: str
    at: datetime
    parameters: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> list[str]:
        """Every value of a query parameter that may be repeated."""
        return [value for each, value in self.parameters if each == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP response: JSON when `payload` is given, otherwise text of `text_type`."""

    status: int = 200
    payload: Any = None
    text: str | None = None
    text_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A request that a read-only client must never send, with the reason."""

    method: str
    path: str
    provider: str
    reason: str


class ProviderEmulator(Protocol):
    """What the server needs from a provider's folder."""

    families: tuple[str, ...]

    def identify(self, request: Request) -> str | None:
        """The account the request speaks for, unverified; None where it names none."""

    def respond(self, request: Request) -> Response:
        """The provider's answer."""

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        """The provider's own shape of a refusal: `rate_limit`, `section_disabled`, `error`, `code_required`."""

    def violation(self, request: Request) -> str | None:
        """Why a read-only client must not send this request; None where it may."""

    def ledger(self, account: str, at: datetime) -> dict[str, Any]:
        """The scenario's own truth about what the account costs at an instant; raises KeyError."""

    def accounts(self) -> list[str]:
        """Names of the accounts it serves."""


@runtime_checkable
class ChargingEmulator(Protocol):
    """A provider whose bill consists of booked charges, beside what it costs at an instant."""

    def charges(self, account: str, start: datetime, end: datetime) -> dict[str, Any]:
        """What was really charged in [start, end), whole hours; raises KeyError."""
