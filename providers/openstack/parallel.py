"""Scopes listed at the same time, within a small limit, and handed over in the order in which they were asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

from .client import Cloud

Result = TypeVar("Result")

WORKERS = 6
"""Calls at a time: most of a reading is waiting, and a cloud that is asked too much says 429."""

AHEAD = 4 * WORKERS
"""Results that may wait to be handed over: what is kept in memory at a time."""

LOOK_SECONDS = 0.2


def in_parallel(
    cloud: Cloud, jobs: Iterable[Callable[[], Result]], *, workers: int = WORKERS
) -> Iterator[Result]:
    """The jobs' results in their order. Jobs run in threads and must not raise what they can return.

    Each job sees the caller's context variables, so that its log lines name the sync. Waits of the jobs are told in
    this thread. When the reader leaves early, running jobs are stopped.
    """
    waiting = iter(jobs)
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=cloud.provider)
    running: deque[Future[Result]] = deque()
    is_done = False
    try:
        running.extend(pool.submit(copy_context().run, job) for job in islice(waiting, AHEAD))
        while running:
            result = _result(cloud, running.popleft())
            running.extend(pool.submit(copy_context().run, job) for job in islice(waiting, 1))
            yield result
        is_done = True
    finally:
        if not is_done:
            cloud.stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)
        cloud.stopped.clear()
    cloud.waits.drain()


def _result(cloud: Cloud, future: Future[Result]) -> Result:
    while not future.done():
        cloud.waits.drain()
        wait([future], timeout=LOOK_SECONDS)
    return future.result()
