"""How a running snapshot writes: in batches small enough for others to write in between, each under its lease."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import TypeVar

from common.transactions import small_transaction
from syncs.models import SyncSnapshot

from . import lease

BATCH_ROWS = 200
"""Rows of one transaction: on SQLite it holds the only write lock there is, for some twenty milliseconds."""

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int = BATCH_ROWS) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


@contextmanager
def drafting(snapshot: SyncSnapshot) -> Iterator[None]:
    """One batch of a running snapshot, whole or not at all; raises LeaseLost when another worker holds it by now."""
    with small_transaction():
        lease.assert_held(snapshot)
        yield


def observed_at(snapshot: SyncSnapshot) -> datetime:
    assert snapshot.observed_at is not None, "a snapshot is claimed before anything is written for it"
    return snapshot.observed_at
