"""What one reading asked of its provider: calls, answers, waits, seconds and bytes, counted and never quoted.

A call is named as its plugin declares it, with places unfilled (`GET /v1/things/{id}`): no host, query, header or payload
comes here. Sizes are bounded, whatever a provider answers and however long the reading takes. Threads may share a trace.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace

from .errors import ProviderError

MAX_CALLS = 100
"""Calls that are counted apart; all further ones of a step are counted together, without a name."""

MAX_STATUSES = 8
"""Statuses of one call that are counted apart."""

MAX_TEXT = 80
NO_ANSWER = "none"
OTHER_STATUS = "other"


class WaitKind(enum.StrEnum):
    """Why nothing was asked for a while: our own pace, the provider's word (Retry-After), or our patience after an error."""

    PACE = "pace"
    ASKED = "asked"
    BACK_OFF = "back_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallName:
    """`api` is a part of the provider ("cloud", "compute"), `call` method and path, `region` "" where there is none."""

    api: str = ""
    call: str = ""
    region: str = ""

    def bounded(self) -> CallName:
        if max(len(self.api), len(self.call), len(self.region)) <= MAX_TEXT:
            return self
        return CallName(api=self.api[:MAX_TEXT], call=self.call[:MAX_TEXT], region=self.region[:MAX_TEXT])


@dataclass(slots=True, kw_only=True)
class CallFigures:
    """One call of one step, over all its requests; calls run side by side, so seconds may exceed the clock's.

    `statuses` counts answers by HTTP status, `NO_ANSWER` those that did not come. `repeat_count` are requests after the
    first of a call; `given_up_count` are calls that no request answered, after `tries` requests at most.
    `wire_seconds` run from the first byte sent to the last received; `size_bytes` are answers, unpacked.
    """

    step: str
    name: CallName
    request_count: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    repeat_count: int = 0
    given_up_count: int = 0
    tries: int = 0
    wire_seconds: float = 0.0
    slowest_seconds: float = 0.0
    size_bytes: int = 0
    wait_seconds: dict[WaitKind, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class StepFigures:
    """One stream of the plugin: seconds by the clock, records that came, and the code of the error that ended it."""

    name: str
    seconds: float = 0.0
    record_count: int = 0
    error_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFigures:
    """A trace at one moment. `wait_seconds` are by the clock: waits at the same time count once."""

    steps: tuple[StepFigures, ...] = ()
    calls: tuple[CallFigures, ...] = ()
    wait_seconds: dict[WaitKind, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def request_count(self) -> int:
        return sum(call.request_count for call in self.calls)


@dataclass(slots=True)
class _Waits:
    """How many wait for one reason now, since when the first of them, and for how long in all."""

    waiting_count: int = 0
    since: float = 0.0
    seconds: float = 0.0


class ReadingTrace:
    """The count of one reading; the HTTP layer and the engine write into it, plugins need not know of it."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._step = ""
        self._steps: dict[str, StepFigures] = {}
        self._calls: dict[tuple[str, CallName], CallFigures] = {}
        self._waits: dict[WaitKind, _Waits] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[StepFigures]:
        """All that is asked meanwhile, in whatever thread, belongs to this step."""
        figures = self._steps.setdefault(name, StepFigures(name=name))
        started = self._monotonic()
        self._step = name
        try:
            yield figures
        except ProviderError as error:
            figures.error_code = error.code
            raise
        finally:
            self._step = ""
            figures.seconds += self._monotonic() - started

    def answered(self, name: CallName, *, status: int | None, seconds: float, size_bytes: int = 0) -> None:
        """One request has been sent and its head has come; None where nothing came."""
        key = NO_ANSWER if status is None else str(status)
        with self._lock:
            call = self._call(name)
            call.request_count += 1
            if key not in call.statuses and len(call.statuses) >= MAX_STATUSES:
                key = OTHER_STATUS
            call.statuses[key] = call.statuses.get(key, 0) + 1
            call.wire_seconds += seconds
            call.size_bytes += size_bytes
            call.slowest_seconds = max(call.slowest_seconds, seconds)

    def received(self, name: CallName, *, seconds: float, request_seconds: float, size_bytes: int) -> None:
        """The body of an answer has come in `seconds`; head and body together took `request_seconds`."""
        with self._lock:
            call = self._call(name)
            call.wire_seconds += seconds
            call.size_bytes += size_bytes
            call.slowest_seconds = max(call.slowest_seconds, request_seconds)

    def repeated(self, name: CallName) -> None:
        """A call is asked once more."""
        with self._lock:
            self._call(name).repeat_count += 1

    def given_up(self, name: CallName, *, tries: int) -> None:
        """A call was not answered in so many tries, and is not asked again."""
        with self._lock:
            call = self._call(name)
            call.given_up_count += 1
            call.tries = max(call.tries, tries)

    @contextmanager
    def waiting(
        self, name: CallName, kind: WaitKind, monotonic: Callable[[], float] | None = None
    ) -> Iterator[None]:
        """Nothing is asked by this thread meanwhile; `monotonic` is the clock by which it waits."""
        clock = monotonic or self._monotonic
        started = clock()
        with self._lock:
            waits = self._waits.setdefault(kind, _Waits())
            if not waits.waiting_count:
                waits.since = started
            waits.waiting_count += 1
        try:
            yield
        finally:
            ended = clock()
            with self._lock:
                call = self._call(name)
                call.wait_seconds[kind] = call.wait_seconds.get(kind, 0.0) + ended - started
                waits.waiting_count -= 1
                if not waits.waiting_count:
                    waits.seconds += ended - waits.since

    def figures(self) -> ReadingFigures:
        """A copy of everything counted so far, in the order in which it was first asked."""
        with self._lock:
            return ReadingFigures(
                steps=tuple(replace(step) for step in self._steps.values()),
                calls=tuple(deepcopy(call) for call in self._calls.values()),
                wait_seconds={kind: waits.seconds for kind, waits in self._waits.items()},
            )

    def _call(self, name: CallName) -> CallFigures:
        """The figures of a call of the present step; the lock is held."""
        key = (self._step, name.bounded())
        if key not in self._calls and len(self._calls) >= MAX_CALLS:
            key = (self._step, CallName())
        if key not in self._calls:
            self._calls[key] = CallFigures(step=key[0], name=key[1])
        return self._calls[key]
