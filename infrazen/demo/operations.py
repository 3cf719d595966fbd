"""Long work on the demo, one at a time, with its progress remembered in the data folder: whoever looks sees it.

with operation("forward", days=2) as work:
    work.progress(1, 2)
"""

from __future__ import annotations

import fcntl
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import Organization
from common import clock
from common.text import gettext_noop
from infrazen.demo import state
from infrazen.demo.errors import DemoError
from infrazen.demo.history import Progress
from infrazen.demo.state import Operation, State
from syncs.models import SyncSnapshot, SyncStatus

logger = logging.getLogger(__name__)

LOCK_FILE = "demo.lock"
STARTING = timedelta(minutes=2)
"""How long work that was announced may take to begin."""

QUIET_SECONDS = 180
LOOK_SECONDS = 0.2


class Work:
    """An operation under way."""

    def __init__(self, name: str, listener: Progress | None) -> None:
        self._listener = listener
        self._operation = Operation(name=name, started_at=clock.machine_now())
        self._save()

    def progress(self, done: int, total: int) -> None:
        self._operation = replace(self._operation, done=done, total=total)
        self._save()
        if self._listener:
            self._listener(done, total)

    def count(self, status: str) -> None:
        """One more sync that ended so."""
        syncs = self._operation.syncs
        self._operation = replace(self._operation, syncs={**syncs, status: syncs.get(status, 0) + 1})

    @property
    def syncs(self) -> dict[str, int]:
        return self._operation.syncs

    def end(self, error: DemoError | None = None, *, is_broken: bool = False) -> None:
        told = {"message": error.message, "params": error.params} if error else {"message": "", "params": {}}
        self._operation = replace(
            self._operation, ended_at=clock.machine_now(), error=told if error or is_broken else None
        )
        self._save()

    def _save(self) -> None:
        state.change(settings.DATA, operation=self._operation)


@contextmanager
def operation(name: str, listener: Progress | None = None) -> Iterator[Work]:
    """Alone on the demo until the end. Raises DemoError where there is no demo, or somebody else is at work on it."""
    required_state()
    with alone():
        work = Work(name, listener)
        try:
            yield work
        except DemoError as error:
            work.end(error)
            raise
        except BaseException:
            work.end(is_broken=True)
            raise
        work.end()


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else changes the demo meanwhile; raises DemoError where somebody does."""
    with (settings.DATA / LOCK_FILE).open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(
                gettext_noop(
                    "The demo is being worked on: it is reset, or its clock is moved. Wait until that is done."
                )
            ) from None
        yield


def announce(name: str) -> None:
    """A worker will soon be at work on the demo: whoever looks is told so already."""
    state.change(settings.DATA, operation=Operation(name=name, started_at=clock.machine_now()))


def is_under_way(found: State) -> bool:
    """Whether somebody works on the demo of this folder now, or is about to."""
    try:
        with (settings.DATA / LOCK_FILE).open("a", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    latest = found.operation
    return (
        latest is not None
        and latest.ended_at is None
        and not latest.total
        and clock.machine_now() - latest.started_at < STARTING
    )


def required_state() -> State:
    """What the data folder remembers of its demo; this process follows its clock from now on. Raises DemoError."""
    if settings.IS_PRODUCTION:
        raise DemoError(
            gettext_noop(
                "This is a production installation. The demo is only changed where “make demo” runs it."
            )
        )
    found = state.load(settings.DATA)
    if found is None:
        raise DemoError(
            gettext_noop("There is no demo in %(folder)s. “make demo” makes one."), folder=str(settings.DATA)
        )
    clock.follow(settings.DATA / clock.FILE)
    return found


def demo_organization() -> Organization | None:
    """The organization that visitors see; one that is still being made, or was left over, has no members."""
    found = Organization.objects.filter(is_demo=True, memberships__isnull=False)
    return found.order_by("pk").first()


def required_organization() -> Organization:
    """Raises DemoError where there is none, or no demo at all."""
    required_state()
    try:
        found = demo_organization()
    except DatabaseError:  # nothing was migrated yet
        found = None
    if found is None:
        raise DemoError(gettext_noop("There is no demo organization. “make demo” makes one."))
    return found


def wait_until_quiet() -> None:
    """Wait for running syncs, whose leases would not outlive a move of the clock. Raises DemoError after a while."""
    end = time.monotonic() + QUIET_SECONDS
    while SyncSnapshot.objects.filter(
        status=SyncStatus.RUNNING, lease_expires_at__gt=timezone.now()
    ).exists():
        if time.monotonic() > end:
            raise DemoError(
                gettext_noop("A sync has been running for three minutes. Try again when it has ended.")
            )
        time.sleep(LOOK_SECONDS)


def run_apart(*arguments: str) -> None:
    """`manage.py demo …` in a process of its own: a reset's plugins call emulators of their own meanwhile.

    How it goes on and ends is in the state of the demo; what it said when it failed is logged.
    """
    command = [sys.executable, "-m", "django", "demo", *arguments]
    ended = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        logger.error("demo %s failed: %s", " ".join(arguments), ended.stderr.strip())
