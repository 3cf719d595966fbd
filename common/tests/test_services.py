"""The launcher of throwaway services: it ends as its command ends, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from common.testing import prepare, services

REPOSITORY = Path(__file__).resolve().parents[2]
SHOW = 'echo "$DATABASE_URL $REDIS_URL $EXPECTED_DB_VENDOR"'


def launch(folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "common.testing.services", *command],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folder():
    """A short path that another user may enter: PostgreSQL runs as one, and unix sockets have a length limit."""
    with tempfile.TemporaryDirectory(prefix="izt-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


needs_redis = pytest.mark.skipif(prepare.find_redis() is None, reason=prepare.REDIS.advice)
needs_postgres = pytest.mark.skipif(prepare.find_postgres() is None, reason=prepare.POSTGRES.advice)


def test_named_servers_are_used_and_none_is_started(folder: Path) -> None:
    process = launch(
        folder,
        "sh",
        "-c",
        f"{SHOW}; exit 7",
        TEST_DATABASE_URL="postgres://there/db",
        TEST_REDIS_URL="redis://there",
    )

    output, _ = process.communicate(timeout=60)

    assert (process.returncode, output) == (7, "postgres://there/db redis://there postgresql\n")
    assert list(folder.iterdir()) == []


@needs_redis
@needs_postgres
def test_started_servers_answer_and_are_gone_afterwards(folder: Path) -> None:
    program = (
        "import os, psycopg, redis;"
        "print(psycopg.connect(os.environ['DATABASE_URL']).execute('select lower(%s)', ['Ж']).fetchone());"
        "print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"
    )

    output, error = launch(folder, sys.executable, "-c", program).communicate(timeout=60)

    assert (output, error) == ("('ж',)\nTrue\n", "")
    assert list(folder.iterdir()) == []


@needs_redis
def test_sigterm_ends_the_command_and_the_server(folder: Path) -> None:
    process = launch(
        folder, "sh", "-c", 'echo "$REDIS_URL"; exec sleep 60', TEST_DATABASE_URL="postgres://there/db"
    )
    process.stdout.readline()

    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 128 + signal.SIGTERM
    process.communicate()
    assert list(folder.iterdir()) == []


@needs_redis
def test_server_of_a_killed_launcher_is_ended_at_the_next_start(folder: Path) -> None:
    killed = launch(
        folder, "sh", "-c", 'echo "$$ $REDIS_URL"; exec sleep 60', TEST_DATABASE_URL="postgres://there/db"
    )
    command, url = killed.stdout.readline().split()
    killed.kill()
    os.kill(int(command), signal.SIGTERM)
    killed.communicate()
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60) as connection:
        assert [path.name.startswith(services.PREFIX) for path in folder.iterdir()] == [True]

        launch(folder, "true", TEST_DATABASE_URL="postgres://there/db").communicate(timeout=60)

        assert connection.recv(1) == b""  # the server has closed it
    assert list(folder.iterdir()) == []


def test_missing_server_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(
        services, "POSTGRES", prepare.Need(name="PostgreSQL", package="postgresql", find=lambda: None)
    )
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)

    assert services.main(["true"]) == 3
    assert capsys.readouterr().err == (
        "PostgreSQL is missing: install it (Debian, Ubuntu: apt-get install postgresql).\n"
    )


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_preparation_fails_only_in_ci(ci: str, status: int, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = prepare.Need(name="Chromium", package="chromium", find=lambda: None)
    monkeypatch.setattr(prepare, "needs", lambda: [missing])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)

    assert prepare.main() == status
    assert (
        capsys.readouterr().err
        == "Chromium is missing: install it (Debian, Ubuntu: apt-get install chromium).\n"
    )
