"""Throwaway PostgreSQL and Redis for one command.

    python -m common.testing.services pytest -n 2

runs the command with DATABASE_URL, REDIS_URL and EXPECTED_DB_VENDOR set, and ends as it ended.
TEST_DATABASE_URL and TEST_REDIS_URL name servers that are there already: then none is started.
A wrapper and not a fixture, because Django's settings are read before any conftest.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common.testing.prepare import POSTGRES, REDIS, Need

PREFIX = "infrazen-services-"
PID_FILE = "pid"
START_SECONDS = 30
STOP_SECONDS = 10


class ServiceUnavailable(Exception):
    """A service could not be started; the text is one sentence that says what to do."""


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A fresh server on loopback, gone at the end; its address as for DATABASE_URL.

    Nothing is flushed to disk: fast, and worthless after a power cut. Raises ServiceUnavailable.
    """
    binaries = _find(POSTGRES)
    with _folder() as base:
        data, sockets = base / "data", base / "s"
        data.mkdir()
        sockets.mkdir()
        run: dict[str, Any] = {
            "cwd": base,
            "stdin": subprocess.DEVNULL,
            "env": {**os.environ, "LC_ALL": _locale(), "HOME": str(base)},
            **_unprivileged(data, sockets),
        }
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=False,
            text=True,
            capture_output=True,
            **run,
        )
        if made.returncode:
            raise ServiceUnavailable(f"PostgreSQL could not make its folder: {_last_line(made.stderr)}")
        port = _free_port()
        server = [binaries / "postgres", "-D", data, "-k", sockets, "-p", str(port)]
        for option in (
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ):
            server += ["-c", option]
        with _server("PostgreSQL", server, base / "log", lambda: _accepts(binaries, port), run):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A fresh, unsaved Redis on loopback, gone at the end; its address as for REDIS_URL. Raises ServiceUnavailable."""
    executable = _find(REDIS)
    with _folder() as base:
        port = _free_port()
        command = [executable, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        command += ["--dir", base]
        with _server("Redis", command, base / "log", lambda: _answers(port), {"stdin": subprocess.DEVNULL}):
            yield f"redis://127.0.0.1:{port}"


def main(command: list[str]) -> int:
    """Exit status of the command; 2 without one, 3 where a service cannot be had."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _leave)  # the default would leave the servers behind
    remove_stale()
    with contextlib.ExitStack() as stack:
        try:
            database_url = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(postgres())
            redis_url = os.environ.get("TEST_REDIS_URL") or stack.enter_context(redis())
        except ServiceUnavailable as error:
            print(error, file=sys.stderr)
            return 3
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "EXPECTED_DB_VENDOR": "postgresql",
        }
        return _run(command, environment)


def remove_stale() -> None:
    """Ends servers whose launcher was killed before it could, and removes their folders."""
    for base in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        launcher = base.name.removeprefix(PREFIX).partition("-")[0]
        if launcher.isdigit() and _is_alive(int(launcher)):
            continue
        server = _server_of(base)
        if server:
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
        shutil.rmtree(base, ignore_errors=True)


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Exit status of the command; SIGTERM is handed on to it, also when it comes while the command starts."""
    process: subprocess.Popen[bytes] | None = None
    told: list[int] = []

    def hand_on(number: int, frame: object) -> None:
        told.append(number)
        if process:
            process.terminate()

    signal.signal(signal.SIGTERM, hand_on)
    process = subprocess.Popen(command, env=environment)
    if told:
        process.terminate()
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:  # the terminal has told the command too
            continue
        return 128 + told[0] if told else status


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _find(need: Need) -> Path:
    found = need.find()
    if not found:
        raise ServiceUnavailable(need.advice)
    return found


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    base.chmod(0o755)  # the server may run as another user
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


@contextlib.contextmanager
def _server(
    name: str, command: list[Any], log: Path, is_ready: Callable[[], bool], run: dict[str, Any]
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **run)
    try:
        log.with_name(PID_FILE).write_text(f"{process.pid} {Path(command[0]).name}", encoding="utf-8")
        end = time.monotonic() + START_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > end:
                raise ServiceUnavailable(
                    f"{name} did not start: {_last_line(log.read_text(errors='replace'))}"
                )
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # to PostgreSQL a fast stop: it waits for nobody
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _unprivileged(*folders: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: root lends it another user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    for folder in folders:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _locale() -> str:
    return "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _accepts(binaries: Path, port: int) -> bool:
    ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(ready, check=False).returncode == 0


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _server_of(base: Path) -> int | None:
    """The server still running for the folder, or None; its number alone may be a stranger's by now."""
    try:
        pid, name = (base / PID_FILE).read_text(encoding="utf-8").split()
        command = subprocess.run(
            ["ps", "-o", "comm=", "-p", pid], check=False, text=True, capture_output=True
        ).stdout
    except (OSError, ValueError):  # killed before it started one, or a system without `ps`
        return None
    return int(pid) if Path(command.strip()).name == name else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
