"""What a data folder remembers of its demo, in `demo.json`: day 0, how far its clock was moved, what is switched on.

Every process that works on the folder reads it; `common.clock` follows its `ahead_seconds`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from common.clock import FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """A fault of the catalogue that was switched on for a connection, by the product's clock; `until` once it is off."""

    fault: str
    connection: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The latest long work on the demo, `reset` or `forward`, by the machine's clock; `ended_at` once it is over.

    `done` of `total` days are read. `syncs` is how many ended how; `error` is {"message", "params"} of a DemoError,
    with an empty message where it was interrupted.
    """

    name: str
    started_at: datetime
    done: int = 0
    total: int = 0
    syncs: dict[str, int] = field(default_factory=dict)
    ended_at: datetime | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`emulators` is the address at which the running server serves them, or the last one did."""

    anchor: date
    ahead_seconds: float = 0
    emulators: str = ""
    switched: tuple[Switched, ...] = ()
    operation: Operation | None = None

    @property
    def ahead(self) -> timedelta:
        return timedelta(seconds=self.ahead_seconds)


def load(data: Path) -> State | None:
    """None where this folder never had a demo."""
    try:
        return msgspec.json.decode((data / FILE).read_bytes(), type=State)
    except FileNotFoundError:
        return None


def change(data: Path, **values: Any) -> State:
    """Write some fields, whoever writes others at the same time. The folder must have a demo."""
    with _locked(data / f"{FILE}.lock"):
        before = load(data)
        assert before is not None
        state = replace(before, **values)
        _save(data, state)
    return state


def remembered_anchor(data: Path, *, today: date) -> date:
    """Day 0 of the scenario: today at the first start, and the same day at every later one."""
    state = load(data)
    if state is None:
        state = State(anchor=today)
        _save(data, state)
    return state.anchor


def _save(data: Path, state: State) -> None:
    """Whole or not at all: a reader never sees half a file."""
    new = data / f"{FILE}.{os.getpid()}"
    new.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))
    new.replace(data / FILE)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("a", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
