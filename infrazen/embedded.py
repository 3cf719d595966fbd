"""Embedded mode: web server, worker and beat in one process, on SQLite and without Redis.

    run_embedded("127.0.0.1", 8000)

The main thread runs the web server's loop, Celery's worker and beat run as threads, and the broker is
this process's memory. A message is therefore lost with the process; the database row is not, and what
was under way is taken up again from the rows at the next start.
"""

import contextlib
import errno
import fcntl
import logging
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from celery import signals
from celery.beat import Service
from celery.worker import WorkController, state
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connections
from waitress import wasyncore
from waitress.server import create_server

from infrazen.celery import app
from infrazen.schedules import setup_schedules

logger = logging.getLogger(__name__)

MAX_PORT = 65535
MIN_FREE_BYTES = 200 * 1024 * 1024
BEAT_SECONDS = 5  # an edited schedule is noticed within this time
START_SECONDS = 20
DRAIN_SECONDS = 20  # for requests under way
STOP_SECONDS = 30  # for tasks under way
LOCK_FILE = "serve.lock"


class CannotServe(Exception):
    """Why the server cannot start, in one sentence that says what to do."""


def run_embedded(
    host: str,
    port: int,
    *,
    prepare: Callable[[], None] | None = None,
    on_ready: Callable[[str], None] | None = None,
    extra_cleanup: Callable[[], None] | None = None,
    threads: int = 8,
    concurrency: int = 4,
) -> None:
    """Serve until SIGINT or SIGTERM; requests and tasks under way are finished, a second signal ends at once.

    In order: take the lock of the data folder, check disk and port, migrate, `prepare()`, start worker and
    beat, `on_ready(address)`, serve. `extra_cleanup()` runs at the end in any case. Port 0 takes a free one.
    Must be called from the main thread. Raises CannotServe.
    """
    with contextlib.ExitStack() as stack:
        if extra_cleanup:
            stack.callback(extra_cleanup)
        stack.enter_context(only_one(settings.DATA))
        _check_space(settings.DATA)
        listener = stack.enter_context(contextlib.closing(_bind(host, port)))
        stop = stack.enter_context(_Stop())
        try:
            with _full_disk_said():
                call_command("migrate", interactive=False, verbosity=0)
                call_command("createcachetable", verbosity=0)
                setup_schedules()
                if prepare:
                    prepare()
        except KeyboardInterrupt:
            return
        stack.callback(connections.close_all)
        stack.enter_context(_worker(stop, concurrency))
        stack.enter_context(_beat(stop))
        with _web(listener, stop, threads, host) as (poll, address):
            if on_ready:
                on_ready(address)
            while not stop.is_set():
                poll()


class _Stop:
    """SIGINT and SIGTERM. The first asks to stop, the second leaves at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._wake: Callable[[], None] | None = None
        self._before: dict[signal.Signals, Any] = {}
        self.is_set = self._event.is_set
        self.wait = self._event.wait

    def __enter__(self) -> "_Stop":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def serving(self, wake: Callable[[], None]) -> None:
        """From now on a signal calls `wake`; until then it interrupts whatever the main thread does."""
        self._wake = wake

    def now(self) -> None:
        self._event.set()
        if self._wake:
            self._wake()

    def _on_signal(self, number: int, frame: object) -> None:
        if self._event.is_set():
            os._exit(130)
        self.now()
        if not self._wake:
            raise KeyboardInterrupt


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """The lock of a data folder; raises CannotServe where another process has it.

    Two such processes on one folder would mean two beats and two brokers that know nothing of each other.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / LOCK_FILE).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CannotServe(
                f"InfraZen already runs on {data} (process {file.read().strip() or 'unknown'}): "
                "stop it, or set INFRAZEN_DATA to another folder."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_served(data: Path) -> bool:
    """Whether some process, this one too, has the lock of the data folder."""
    try:
        with (data / LOCK_FILE).open(encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _check_space(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < MIN_FREE_BYTES:
        raise CannotServe(
            f"Only {free // 1024**2} MB are free on the disk of {data}, {MIN_FREE_BYTES // 1024**2} MB are needed: "
            "free some, or set INFRAZEN_DATA to a folder on another disk."
        )


@contextlib.contextmanager
def _full_disk_said() -> Iterator[None]:
    try:
        yield
    except (OSError, OperationalError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(error):
            raise CannotServe(
                f"The disk of {settings.DATA} is full: free some space and start again; nothing is lost."
            ) from error
        raise


def _bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet: a taken port is said before the long work, not after it."""
    if not 0 <= port <= MAX_PORT:
        raise CannotServe(f"PORT is {port}: set it to a number between 1 and {MAX_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, OverflowError) as error:
        raise CannotServe(f"Cannot listen on {host}:{port}: {error}.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _port_trouble(error, host, port) from error
    return listener


def _port_trouble(error: OSError, host: str, port: int) -> CannotServe:
    if error.errno == errno.EADDRINUSE:
        return CannotServe(
            f"Port {port} on {host} is in use: stop what listens there, or set PORT to another."
        )
    return CannotServe(f"Cannot listen on {host}:{port}: {error.strerror}.")


@contextlib.contextmanager
def _worker(stop: _Stop, concurrency: int) -> Iterator[None]:
    app.finalize()
    app.set_default()
    app.autodiscover_tasks(force=True)
    ready = threading.Event()

    class Worker(WorkController):
        def on_consumer_ready(self, consumer: object) -> None:
            signals.worker_ready.send(sender=consumer)  # otherwise sent by Celery's command line only
            ready.set()

    state.should_stop = None  # left over where this process served before
    worker = Worker(
        app=app,
        pool="threads",
        concurrency=concurrency,
        hostname="embedded@local",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )

    def run() -> None:
        worker.start()
        if not stop.is_set():
            logger.critical("the worker ended by itself; stopping")
            stop.now()

    thread = threading.Thread(target=run, name="worker", daemon=True)
    thread.start()
    if not ready.wait(START_SECONDS):
        raise CannotServe(f"The worker did not start within {START_SECONDS} seconds; the log above says why.")
    try:
        yield
    finally:
        state.should_stop = 0  # type: ignore[assignment]  # 0: finish the running tasks, take no new ones
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            logger.warning(
                "a task was still running after %s seconds; it is taken up at the next start", STOP_SECONDS
            )


@contextlib.contextmanager
def _beat(stop: _Stop) -> Iterator[None]:
    def run() -> None:
        scheduler = Service(app, scheduler_cls=app.conf.beat_scheduler, max_interval=BEAT_SECONDS).scheduler
        while not stop.is_set():
            delay: float = BEAT_SECONDS
            try:
                delay = scheduler.tick()
                scheduler.sync()
            except Exception:  # a schedule that fails once must not end all of them
                logger.exception("beat failed; trying again in %s seconds", BEAT_SECONDS)
            stop.wait(min(max(delay, 0), BEAT_SECONDS))
        scheduler.close()
        connections.close_all()

    thread = threading.Thread(target=run, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(BEAT_SECONDS)


@contextlib.contextmanager
def _web(
    listener: socket.socket, stop: _Stop, threads: int, host: str
) -> Iterator[tuple[Callable[[], None], str]]:
    """One turn of the web server's loop, and the address for a browser."""
    channels: dict[int, Any] = {}
    port = listener.getsockname()[1]
    try:
        server = create_server(
            get_wsgi_application(), map=channels, sockets=[listener], threads=threads, ident="InfraZen"
        )
    except OSError as error:  # somebody began to listen there meanwhile
        raise _port_trouble(error, host, port) from error
    stop.serving(server.pull_trigger)
    shown = {"": "localhost", "0.0.0.0": "localhost", "::": "localhost"}.get(host, host)  # noqa: S104  # nosec B104
    shown = f"[{shown}]" if ":" in shown else shown
    try:
        yield lambda: wasyncore.poll(timeout=1, map=channels), f"http://{shown}:{port}/"
    finally:
        _drain(server, channels)


def _drain(server: Any, channels: dict[int, Any]) -> None:
    """Take no new request, answer those under way; waitress itself would drop them."""
    server.accepting = False
    server.del_channel(channels)
    server.socket.close()
    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end and any(
        channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values())
    ):
        wasyncore.poll(timeout=0.2, map=channels)
    server.task_dispatcher.shutdown(timeout=1)
    wasyncore.close_all(channels, ignore_all=True)
