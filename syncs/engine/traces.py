"""The trace of a reading as it is stored, and as it is read back: `SyncTrace` has the shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.contract.trace import CallFigures, CallName, ReadingFigures, StepFigures, WaitKind
from syncs.models import SyncSnapshot, SyncTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that ended without a result; `error` is {code, message, params}."""

    number: int
    seconds: float
    request_count: int
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The reading that ended the sync, and the attempts before it."""

    reading: ReadingFigures = field(default_factory=ReadingFigures)
    earlier: tuple[Attempt, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.reading.steps and not self.earlier


def keep(snapshot: SyncSnapshot, figures: ReadingFigures) -> None:
    """Store the reading beside its snapshot; an attempt before it is replaced, and what `keep_attempt` told stays."""
    SyncTrace.objects.update_or_create(
        snapshot=snapshot, defaults={"organization_id": snapshot.organization_id, **_stored(figures)}
    )


def keep_attempt(snapshot: SyncSnapshot, figures: ReadingFigures, *, error: Mapping[str, Any]) -> None:
    """Store the reading of an attempt that ended with `error` ({code, message, params, …}) and is made again."""
    keep(snapshot, figures)
    trace = SyncTrace.objects.get(snapshot=snapshot)
    trace.earlier.append(
        {
            "attempt": snapshot.attempt,
            "seconds": round(figures.seconds, 3),
            "requests": figures.request_count,
            "error": {name: error[name] for name in ("code", "message", "params")},
        }
    )
    trace.save(update_fields=["earlier"])


def restored(row: SyncTrace | None) -> Trace:
    """The trace of a stored row; an empty one for syncs that kept none."""
    if row is None:
        return Trace()
    return Trace(
        reading=ReadingFigures(
            steps=tuple(
                StepFigures(
                    name=step["name"],
                    seconds=step.get("seconds", 0.0),
                    record_count=step.get("records", 0),
                    error_code=step.get("error", ""),
                )
                for step in row.steps
            ),
            calls=tuple(_call(call) for call in row.calls),
            wait_seconds=_waits(row.waits),
        ),
        earlier=tuple(
            Attempt(
                number=attempt["attempt"],
                seconds=attempt.get("seconds", 0.0),
                request_count=attempt.get("requests", 0),
                error=attempt["error"],
            )
            for attempt in row.earlier
        ),
    )


def _stored(figures: ReadingFigures) -> dict[str, Any]:
    return {
        "steps": [
            _present(name=step.name, seconds=step.seconds, records=step.record_count, error=step.error_code)
            for step in figures.steps
        ],
        "calls": [
            _present(
                step=call.step,
                api=call.name.api,
                call=call.name.call,
                region=call.name.region,
                requests=call.request_count,
                statuses=call.statuses,
                repeats=call.repeat_count,
                given_up=call.given_up_count,
                tries=call.tries,
                wire=call.wire_seconds,
                slowest=call.slowest_seconds,
                bytes=call.size_bytes,
                waits=_present(**call.wait_seconds),
            )
            for call in figures.calls
        ],
        "waits": _present(**figures.wait_seconds),
    }


def _present(**values: Any) -> dict[str, Any]:
    """What is there: seconds to a thousandth, without zeros and empty texts."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
    return {name: value for name, value in rounded.items() if value}


def _call(stored: Mapping[str, Any]) -> CallFigures:
    return CallFigures(
        step=stored.get("step", ""),
        name=CallName(
            api=stored.get("api", ""), call=stored.get("call", ""), region=stored.get("region", "")
        ),
        request_count=stored.get("requests", 0),
        statuses=dict(stored.get("statuses", {})),
        repeat_count=stored.get("repeats", 0),
        given_up_count=stored.get("given_up", 0),
        tries=stored.get("tries", 0),
        wire_seconds=stored.get("wire", 0.0),
        slowest_seconds=stored.get("slowest", 0.0),
        size_bytes=stored.get("bytes", 0),
        wait_seconds=_waits(stored.get("waits", {})),
    )


def _waits(stored: Mapping[str, float]) -> dict[WaitKind, float]:
    return {WaitKind(kind): seconds for kind, seconds in stored.items() if kind in set(WaitKind)}
