"""What the benchmarks share: settings of their own, a process of its own for each figure, fresh databases."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

STATUS = Path("/proc/self/status")
SQLITE = "sqlite"
WRITE_EVERY_SECONDS = 0.01


def add_databases(parser: argparse.ArgumentParser) -> None:
    """`--database`, which may be repeated; none means SQLite."""
    parser.add_argument(
        "--database", action="append", default=[], metavar="sqlite|URL", help="may be repeated"
    )


@contextmanager
def fresh_database(address: str, *, keep: str = "") -> Iterator[dict[str, str]]:
    """The environment of a process with an empty database that is gone afterwards.

    `address` is "sqlite", or a PostgreSQL server's: beside the database that it names one is made. With `keep` it has
    that name there, stays, and is taken as it is when it is there already.
    """
    with _folder(keep) as folder:
        environment = {
            **os.environ,
            "INFRAZEN_MODE": "embedded",
            "INFRAZEN_DATA": folder,
            "DJANGO_SETTINGS_MODULE": "infrazen.settings",
            "ALLOW_LOOPBACK_PROVIDERS": "True",
            "LOG_LEVEL": "WARNING",
        }
        environment.pop("DATABASE_URL", None)
        if address == SQLITE:
            yield environment
        else:
            with _postgres_database(address, keep) as url:
                yield {**environment, "DATABASE_URL": url}


@contextmanager
def _folder(keep: str) -> Iterator[str]:
    """Where the secret keys are: what a kept database has encrypted is read with the same ones."""
    if keep:
        folder = Path(tempfile.gettempdir()) / f"infrazen-benchmark-{keep}"
        folder.mkdir(mode=0o700, exist_ok=True)
        yield str(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="infrazen-benchmark-") as fresh:
            yield fresh


@contextmanager
def _postgres_database(address: str, keep: str) -> Iterator[str]:
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = keep or f"infrazen_benchmark_{os.getpid()}"
    with psycopg.connect(address, autocommit=True) as server:
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        yield urlsplit(address)._replace(path=f"/{name}").geturl()
    finally:
        if not keep:
            with psycopg.connect(address, autocommit=True) as server:
                server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def run_child(module: str, *arguments: object, environment: dict[str, str]) -> None:
    """Run `module` with these arguments in a process of its own; it prints what it found."""
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], env=environment, check=True)


def in_child(module: str, *arguments: object, environment: dict[str, str]) -> Any:
    """What `module` prints as JSON on its last line when it is run with these arguments in a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def set_up() -> None:
    """Django and an empty, migrated database; call first in a child."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def memory_mib(name: str = "VmHWM") -> float:
    """This process's peak of resident memory, or with VmRSS what is resident now. Linux."""
    for line in STATUS.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) / 1024
    raise LookupError(name)


def server_seconds() -> float:
    """Seconds of the processor that this connection's PostgreSQL process took so far; it must run on this machine."""
    from django.db import connection as database

    database.ensure_connection()
    times = Path(f"/proc/{database.connection.info.backend_pid}/schedstat")
    return int(times.read_text(encoding="ascii").split()[0]) / 1e9


class Stopwatch:
    """Seconds on the wall and on the processor of this process while the block runs."""

    wall = 0.0
    cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self._since = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall = time.monotonic() - self._since[0]
        self.cpu = time.process_time() - self._since[1]


class Writes:
    """An execute wrapper that counts the rows that statements write; COPY, which only inserts, it does not see."""

    row_count = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            self.row_count += max(context["cursor"].rowcount, len(params) if many else 0)
        return result


def of_runs(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of several runs the medians of every number, and the least."""
    names = {key for key, value in rows[0].items() if isinstance(value, int | float)}
    found = [{key: pick(row[key] for row in rows) for key in names} for pick in (median, min)]
    return {**rows[0], **found[0]}, {**rows[0], **found[1]}


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A Markdown table, as it stands in docs/benchmarks.md."""
    head = list(head)
    for cells in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(cells) + " |")
    sys.stdout.flush()


class Writer:
    """Another process that writes one small row every ten milliseconds while the block runs."""

    longest_seconds = 0.0

    def __enter__(self) -> Writer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.tools"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *error: object) -> None:
        output, _ = self._process.communicate()
        self.longest_seconds = json.loads(output)["longest"]


def write_forever() -> None:
    """One small write after the other until the standard input ends; prints the longest as JSON."""
    import select

    import django

    django.setup()
    from accounts.models import Organization

    longest = 0.0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], WRITE_EVERY_SECONDS)[0]:
        since = time.monotonic()
        Organization.objects.filter(name="benchmark").update(name="benchmark")
        longest = max(longest, time.monotonic() - since)
    print(json.dumps({"longest": longest}), flush=True)


if __name__ == "__main__":
    write_forever()
