"""The one-process server: what it says when it cannot start, and that it leaves nothing half done."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infrazen import embedded

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 60


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


class Server:
    """`manage.py serve` with the held page and task, on a folder and a free port of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.process = serve(data, "--port", "0")
        line = self.process.stdout.readline()
        assert line.startswith("InfraZen is at http://127.0.0.1:"), line + self.process.stderr.read()
        self.port = int(line.split(":")[2].partition("/")[0])
        self.answer = ""
        self.browser = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=SECONDS) as response:
            self.answer = response.read().decode()

    def ask(self) -> None:
        """Begins a request and the task that it starts; both are held."""
        self.browser.start()
        _until(lambda: (self.data / "page-started").exists() and (self.data / "task-started").exists())

    def refuses(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0


def serve(data: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--host", "127.0.0.1", *arguments],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "INFRAZEN_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "infrazen.tests.embedded_settings",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def started_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that ran and ended: its database and its keys."""
    data = tmp_path_factory.mktemp("started-before")
    first = Server(data)
    first.process.send_signal(signal.SIGTERM)
    first.process.communicate(timeout=SECONDS)
    return data


@pytest.fixture
def server(started_before: Path, tmp_path: Path) -> Iterator[Server]:
    """Started again on a copy of that folder, which is quicker than on an empty one."""
    started = Server(shutil.copytree(started_before, tmp_path / "data"))
    yield started
    started.process.kill()
    started.process.communicate()
    if started.browser.is_alive():
        started.browser.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_lets_the_request_and_the_task_under_way_end(server: Server, number: signal.Signals) -> None:
    server.ask()

    server.process.send_signal(number)
    _until(server.refuses)
    (server.data / "release").touch()
    server.browser.join(SECONDS)

    assert server.answer == "answered"
    assert server.process.wait(SECONDS) == 0
    assert (server.data / "task-ended").exists()


def test_second_signal_leaves_at_once(server: Server) -> None:
    threading.excepthook, before = (
        (lambda arguments: None),
        threading.excepthook,
    )  # the browser's lost connection
    server.ask()

    server.process.send_signal(signal.SIGINT)
    _until(server.refuses)
    server.process.send_signal(signal.SIGINT)

    assert server.process.wait(SECONDS) == 130
    server.browser.join(SECONDS)
    threading.excepthook = before
    assert not (server.data / "task-ended").exists()


def test_second_server_on_the_same_data_is_refused(server: Server) -> None:
    second = serve(server.data, "--port", "0")

    _, error = second.communicate(timeout=SECONDS)

    assert second.returncode == 1
    assert error == (
        f"CommandError: InfraZen already runs on {server.data} (process {server.process.pid}): "
        "stop it, or set INFRAZEN_DATA to another folder.\n"
    )


def test_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        _, error = serve(tmp_path, "--port", str(port)).communicate(timeout=SECONDS)

    assert error == (
        f"CommandError: Port {port} on 127.0.0.1 is in use: stop what listens there, or set PORT to another.\n"
    )
    assert not (tmp_path / "infrazen.sqlite3").exists()


def test_port_that_is_none_is_said_in_one_sentence(tmp_path: Path, settings) -> None:
    settings.DATA = tmp_path

    with pytest.raises(embedded.CannotServe, match="PORT is 99999: set it to a number between 1 and 65535"):
        embedded.run_embedded("127.0.0.1", 99999)


def test_little_disk_space_is_said_in_one_sentence(tmp_path: Path, settings, monkeypatch) -> None:
    settings.DATA = tmp_path
    usage = shutil.disk_usage(tmp_path)._replace(free=5 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    with pytest.raises(embedded.CannotServe) as caught:
        embedded.run_embedded("127.0.0.1", 0)

    assert str(caught.value) == (
        f"Only 5 MB are free on the disk of {tmp_path}, 200 MB are needed: "
        "free some, or set INFRAZEN_DATA to a folder on another disk."
    )


def test_cleanup_runs_when_the_start_fails(tmp_path: Path, settings, monkeypatch) -> None:
    settings.DATA = tmp_path
    calls: list[str] = []
    monkeypatch.setattr(embedded, "call_command", lambda name, **options: calls.append(name))
    monkeypatch.setattr(embedded, "setup_schedules", lambda: 0)

    def prepare() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(embedded.CannotServe, match=r"The disk of .* is full"):
        embedded.run_embedded("127.0.0.1", 0, prepare=prepare, extra_cleanup=lambda: calls.append("cleanup"))

    assert calls == ["migrate", "createcachetable", "cleanup"]
