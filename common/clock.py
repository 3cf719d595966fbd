"""The product's clock: the machine's own, or ahead of it where a demo was moved into its future.

All code reads Django's clock (`timezone.now`), so that one is replaced, and by nothing else: `follow(file)` makes it run
ahead by the `ahead_seconds` that a JSON file holds. Every process that follows the file sees it change within
`LOOK_SECONDS`. What must not move with it (tokens' signatures, Celery's beat, log lines) reads the machine's clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.utils import timezone

FILE = "demo.json"
"""What a data folder remembers of its demo (infrazen.demo.state)."""

LOOK_SECONDS = 0.5
NOTHING = timedelta()


class _Followed:
    """The file that is followed, when it was last looked at (monotonic seconds), and what it said."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._looked_at = 0.0
        self._stamp = (0, 0)
        self._ahead = NOTHING

    def ahead(self) -> timedelta:
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self.look()
        return self._ahead

    def look(self) -> None:
        self._looked_at = time.monotonic()
        try:
            found = self.file.stat()
        except FileNotFoundError:
            self._stamp, self._ahead = (0, 0), NOTHING
            return
        stamp = (found.st_mtime_ns, found.st_ino)  # the file is replaced, not rewritten
        if stamp != self._stamp:
            values = json.loads(self.file.read_text(encoding="utf-8"))
            self._stamp, self._ahead = stamp, timedelta(seconds=values.get("ahead_seconds", 0))


_followed: _Followed | None = None
_machines = timezone.now


def follow(file: Path) -> None:
    """From now on, in this process, it is as much later as the file says; without the file it is not."""
    global _followed
    if _followed is None or _followed.file != file:
        _followed = _Followed(file)
    timezone.now = now


def follow_no_more() -> None:
    global _followed
    _followed = None
    timezone.now = _machines


@contextmanager
def following(file: Path) -> Iterator[None]:
    """`follow` for as long as a block takes."""
    follow(file)
    try:
        yield
    finally:
        follow_no_more()


def look() -> None:
    """Read the followed file at once, after having written it."""
    if _followed is not None:
        _followed.look()


def now() -> datetime:
    """What time it is for the product, aware UTC."""
    return machine_now() + ahead()


def machine_now() -> datetime:
    return datetime.now(UTC)


def ahead() -> timedelta:
    """How much later it is for the product than for the machine."""
    return NOTHING if _followed is None else _followed.ahead()
