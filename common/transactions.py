"""Small transactions that let others write in between.

SQLite lets one connection write at a time and has no queue for the others: whoever finds the lock taken looks again
after 1, 2, 5, 10, 15, 20, 25, 25, 25, 50 and 50 milliseconds and then every 100. A long row of short transactions with
hardly a gap starves them. So, after `LONGEST_HOLD_SECONDS` of holding the lock, a pause that is longer than the longest
of their naps so far gives each of them a turn: nobody waits longer than the one and the other together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

LONGEST_HOLD_SECONDS = 0.1


class _Held(threading.local):
    seconds = 0.0


_held = _Held()


@contextmanager
def small_transaction() -> Iterator[None]:
    """One batch of a long write, whole or not at all; on SQLite followed by a pause when it is others' turn."""
    since = time.monotonic()
    with transaction.atomic():
        yield
    _held.seconds += time.monotonic() - since
    if _held.seconds >= LONGEST_HOLD_SECONDS:
        give_way()


def give_way() -> None:
    """Give everyone who waits for the lock a turn, as before a transaction that is not so small."""
    _held.seconds = 0.0
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(settings.SYNC_WRITE_PAUSE_SECONDS)
