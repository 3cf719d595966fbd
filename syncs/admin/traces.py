"""The trace of a sync for its operator: phases and steps with their share of the time, every call with its answers."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from common.formatting import number, size_bytes
from providers.contract.trace import CallFigures, ReadingFigures, WaitKind
from providers.messages import explain
from syncs.engine.collect import ACCOUNT, CHARGES, RESOURCES, USAGE
from syncs.models import Phase, SyncSnapshot
from syncs.trace_queries import trace_of
from syncs.trace_wording import seconds_text, statuses_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Something that took time: `percent` is its share of all that it is listed with."""

    label: str
    seconds: str
    percent: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call in ready texts; `percent` is its share of all seconds on the wire."""

    step: str
    api: str
    call: str
    region: str
    request_count: str
    answers: str
    repeats: str
    given_up: str
    wire: str
    slowest: str
    waits: str
    size: str
    percent: int
    is_failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorsTrace:
    phases: list[Bar]
    steps: list[Bar]
    waits: list[Bar]
    attempts: list[str]
    calls: list[CallRow]


def operators_trace(snapshot: SyncSnapshot) -> OperatorsTrace:
    """One query. Empty lists for what the sync did not keep."""
    trace = trace_of(snapshot)
    reading = trace.reading
    names = _step_names()
    wire = sum(call.wire_seconds for call in reading.calls)
    return OperatorsTrace(
        phases=_bars(
            [(str(dict(Phase.choices).get(key, key)), seconds, "") for key, seconds in _phases(snapshot)]
        ),
        steps=_bars(
            [
                (names.get(step.name, step.name), step.seconds, _step_note(reading, step.name))
                for step in reading.steps
            ]
        ),
        waits=_bars([(_wait_names()[kind], seconds, "") for kind, seconds in reading.wait_seconds.items()]),
        attempts=[
            _("Attempt %(number)d ended after %(seconds)s: %(reason)s")
            % {
                "number": attempt.number,
                "seconds": seconds_text(attempt.seconds),
                "reason": explain(dict(attempt.error), provider_type=snapshot.connection.provider_type) or "",
            }
            for attempt in trace.earlier
        ],
        calls=[_row(call, names, wire) for call in reading.calls],
    )


def _phases(snapshot: SyncSnapshot) -> list[tuple[str, float]]:
    timings = snapshot.timings or {}
    return [(phase, timings[phase]) for phase in Phase.values if phase in timings]


def _bars(rows: list[tuple[str, float, str]]) -> list[Bar]:
    whole = sum(seconds for _label, seconds, _note in rows)
    return [
        Bar(label=label, seconds=seconds_text(seconds), percent=_percent(seconds, whole), note=note)
        for label, seconds, note in rows
    ]


def _step_names() -> dict[str, str]:
    return {ACCOUNT: _("Account"), CHARGES: _("Bill"), RESOURCES: _("Inventory"), USAGE: _("Measurements")}


def _wait_names() -> dict[WaitKind, str]:
    return {
        WaitKind.PACE: _("Our own pace"),
        WaitKind.ASKED: _("Asked for by the provider"),
        WaitKind.BACK_OFF: _("Before asking again"),
    }


def _step_note(reading: ReadingFigures, name: str) -> str:
    """`12 requests, 44 records, provider_unavailable`."""
    step = next(step for step in reading.steps if step.name == name)
    requests = sum(call.request_count for call in reading.calls if call.step == name)
    parts = [
        _("requests: %(count)s") % {"count": number(requests)},
        _("records: %(count)s") % {"count": number(step.record_count)},
        step.error_code,
    ]
    return " · ".join(part for part in parts if part)


def _row(call: CallFigures, names: dict[str, str], wire: float) -> CallRow:
    waits = [f"{_wait_names()[kind]}: {seconds_text(seconds)}" for kind, seconds in call.wait_seconds.items()]
    given_up = _("%(count)s, after %(tries)s tries at most") % {
        "count": number(call.given_up_count),
        "tries": number(call.tries),
    }
    return CallRow(
        step=names.get(call.step, call.step),
        api=call.name.api,
        call=call.name.call or _("all others"),
        region=call.name.region,
        request_count=number(call.request_count),
        answers=statuses_text(call.statuses),
        repeats=number(call.repeat_count) if call.repeat_count else "",
        given_up=given_up if call.given_up_count else "",
        wire=seconds_text(call.wire_seconds),
        slowest=seconds_text(call.slowest_seconds),
        waits=", ".join(waits),
        size=size_bytes(call.size_bytes) if call.size_bytes else "",
        percent=_percent(call.wire_seconds, wire),
        is_failing=any(not status.startswith(("2", "3")) for status in call.statuses),
    )


def _percent(part: float, whole: float) -> int:
    return round(part * 100 / whole) if whole else 0
