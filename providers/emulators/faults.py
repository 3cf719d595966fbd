"""Faults that can be switched on while an emulator runs.

| kind | what happens | options |
|---|---|---|
| slow | the answer comes `seconds` later (real time) | seconds |
| status | the HTTP `status`, instead of an answer; 502 and 504 as a gateway's HTML page | status, retry_after |
| cut | half of the body, then the connection is closed | |
| malformed | HTTP 200 with a body that is not JSON | |
| missing_field | every `field` of that name is left out | field |
| null_field | every `field` of that name is null | field |
| unknown_value | every `field` of that name has a word nobody has seen | field, value |
| rate_limit | the provider's own shape of "too many requests" | retry_after |
| section_disabled | the provider's own shape of "this section is switched off" | |
| error | an error inside HTTP 200, in the provider's shape | code, message |
| code_required | sign-in asks for a second factor | code |
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

KINDS = frozenset(
    {
        "slow",
        "status",
        "cut",
        "malformed",
        "missing_field",
        "null_field",
        "unknown_value",
        "rate_limit",
        "section_disabled",
        "error",
        "code_required",
    }
)
PROVIDER_SHAPED = frozenset({"rate_limit", "section_disabled", "error", "code_required"})
NEEDS_FIELD = frozenset({"missing_field", "null_field", "unknown_value"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and the requests it applies to.

    `family` is an API (`beget.cloud`) or a provider (`beget`); `path` is a
    prefix below the family's base URL (`v1/vps`, `api/mysql`), `account` a
    login; None matches all. `count` limits it to the next so many requests.
    `starts_at`/`ends_at` bound it by the emulator's clock, half-open.
    """

    kind: str
    family: str | None = None
    account: str | None = None
    path: str | None = None
    count: int | None = None
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    field: str | None = None
    value: str = "NOT_SEEN_BEFORE"
    code: str | None = None
    message: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}")
        if self.kind in NEEDS_FIELD and not self.field:
            raise ValueError(f"fault {self.kind!r} needs a field")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Fault:
        """Build from JSON or TOML; raises ValueError for unknown keys and kinds."""
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown or "kind" not in values:
            raise ValueError(f"a fault needs a kind and has no {', '.join(unknown) or 'kind'}")
        prepared = dict(values)
        for name in ("starts_at", "ends_at"):
            if isinstance(prepared.get(name), str):
                prepared[name] = datetime.fromisoformat(prepared[name])
        return cls(**prepared)

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        for name in ("starts_at", "ends_at"):
            if values[name] is not None:
                values[name] = values[name].isoformat()
        return {name: value for name, value in values.items() if value is not None}

    def covers(self, *, family: str, account: str | None, path: str, at: datetime) -> bool:
        """Whether a request of that family, account, path and instant is meant, counts apart."""
        if self.family not in (None, family, family.split(".")[0]):
            return False
        if self.account is not None and self.account != account:
            return False
        if self.path is not None and not path.strip("/").startswith(self.path.strip("/")):
            return False
        if self.starts_at is not None and at < self.starts_at:
            return False
        return self.ends_at is None or at < self.ends_at


class Faults:
    """The faults that are switched on, with how often each has struck."""

    def __init__(self, scheduled: Iterable[Fault] = ()) -> None:
        """`scheduled` faults come from the scenario, bounded by its clock; `clear` leaves them on."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._faults: dict[int, Fault] = {}
        self._hits: dict[int, int] = {}
        self._scheduled: set[int] = set()
        for fault in scheduled:
            self._scheduled.add(self.add(fault))

    def add(self, fault: Fault) -> int:
        """Switch a fault on; returns its number, for `remove`."""
        with self._lock:
            number = next(self._numbers)
            self._faults[number] = fault
            self._hits[number] = 0
            return number

    def remove(self, number: int) -> None:
        with self._lock:
            self._faults.pop(number, None)
            self._hits.pop(number, None)
            self._scheduled.discard(number)

    def clear(self) -> None:
        """Switch off everything but what the scenario itself schedules."""
        with self._lock:
            for number in [number for number in self._faults if number not in self._scheduled]:
                del self._faults[number], self._hits[number]

    def clear_scheduled(self) -> None:
        """Switch off what the scenario schedules as well."""
        for number in list(self._scheduled):
            self.remove(number)

    def rewind(self, at: datetime) -> None:
        """The clock was set to `at`: a scheduled fault that lies ahead again strikes again."""
        with self._lock:
            for number in self._scheduled:
                starts_at = self._faults[number].starts_at
                if starts_at is not None and at < starts_at:
                    self._hits[number] = 0

    def take(self, *, family: str, account: str | None, path: str, at: datetime) -> list[Fault]:
        """Faults that strike this request; each strike is counted."""
        with self._lock:
            struck = []
            for number, fault in self._faults.items():
                if fault.count is not None and self._hits[number] >= fault.count:
                    continue
                if fault.covers(family=family, account=account, path=path, at=at):
                    self._hits[number] += 1
                    struck.append(fault)
            return struck

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {
                    "number": number,
                    "hits": self._hits[number],
                    "scheduled": number in self._scheduled,
                    **fault.as_json(),
                }
                for number, fault in self._faults.items()
            ]


def distort(payload: Any, fault: Fault) -> Any:
    """A copy of a JSON payload with `fault.field` left out, null, or unheard of, at every depth."""
    if isinstance(payload, list):
        return [distort(item, fault) for item in payload]
    if not isinstance(payload, dict):
        return payload
    result: dict[str, Any] = {}
    for name, value in payload.items():
        if name != fault.field:
            result[name] = distort(value, fault)
        elif fault.kind == "null_field":
            result[name] = None
        elif fault.kind == "unknown_value":
            result[name] = fault.value
    return result
