"""The server: clock, control API, request log, connections, command line."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from providers.emulators.clock import Clock
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient, call, control
from providers.emulators.tests.conftest import NOON

REPOSITORY = Path(__file__).resolve().parents[3]


def test_a_frozen_clock_stands_and_can_be_moved() -> None:
    clock = Clock(NOON)

    clock.advance(timedelta(hours=2))

    assert clock.now() == NOON + timedelta(hours=2)
    assert not clock.running


def test_a_running_clock_keeps_its_distance_from_real_time() -> None:
    clock = Clock(NOON, running=True)

    first = clock.now()

    assert clock.running
    assert NOON <= first < NOON + timedelta(minutes=1)
    assert clock.now() >= first


def test_a_clock_refuses_an_instant_without_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Clock(datetime(2026, 4, 1))  # noqa: DTZ001 - that is the point


def test_the_clock_is_set_over_http(lab: EmulatorServer) -> None:
    frozen = control("PUT", lab.url, "clock", {"now": "2026-02-01T09:00:00+03:00"})
    running = control("PUT", lab.url, "clock", {"now": None, "running": True})

    assert frozen == {"now": "2026-02-01T06:00:00+00:00", "running": False}
    assert running["running"] is True
    assert abs(lab.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_clock_without_a_zone_is_refused_over_http(lab: EmulatorServer) -> None:
    reply = call("PUT", f"{lab.url}/_control/clock", body=b'{"now": "2026-02-01T09:00:00"}')

    assert reply.status == 400
    assert lab.clock.now() == NOON


def test_health_names_scenario_and_accounts(demo: EmulatorServer) -> None:
    assert control("GET", demo.url, "health") == {
        "status": "ok",
        "scenario": "demo",
        "anchor": "2026-04-01",
        "now": "2026-04-01T09:00:00+00:00",
        "providers": {
            "beget": ["demoprod", "demodev"],
            "openstack": ["101001", "101002"],
            "selectel": ["101001", "101002"],
        },
        "violations": 0,
    }


def test_the_ledger_over_http_is_the_ledger(demo: EmulatorServer) -> None:
    over_http = control("GET", demo.url, "ledger?provider=beget&account=demodev")
    earlier = control(
        "GET", demo.url, "ledger?provider=beget&account=demodev&at=2026-03-30T12%3A00%3A00%2B03%3A00"
    )

    assert over_http == demo.ledger("beget", "demodev")
    assert earlier["at"] == "2026-03-30T09:00:00+00:00"
    assert call("GET", f"{demo.url}/_control/ledger?provider=beget&account=nobody").status == 400


def test_requests_are_logged_without_queries(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read("/v1/vps/server/list?limit=1")
    labone.result("ftp/getList")

    assert [(each.method, each.path, each.provider, each.account, each.time) for each in lab.requests] == [
        ("POST", "/beget/cloud/v1/auth", "beget", "labone", NOON),
        ("GET", "/beget/cloud/v1/vps/server/list", "beget", "labone", NOON),
        ("POST", "/beget/hosting/api/ftp/getList", "beget", "labone", NOON),
    ]
    logged = str(control("GET", lab.url, "requests"))
    assert "lab-secret" not in logged
    assert labone.token not in logged
    assert control("DELETE", lab.url, "requests") == {"requests": []}


@pytest.mark.parametrize("path", ["/", "/beget", "/beget/dns/x", "/other/cloud/v1/vps", "/_control/x"])
def test_other_paths_are_not_found(lab: EmulatorServer, path: str) -> None:
    assert call("GET", f"{lab.url}{path}").status == 404


def test_one_connection_serves_several_requests(lab: EmulatorServer) -> None:
    parts = urlsplit(lab.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        statuses = []
        for _ in range(3):
            connection.request("GET", "/_control/health")
            response = connection.getresponse()
            response.read()
            statuses.append((response.status, response.version))
            local_port = connection.sock.getsockname()[1]
        assert statuses == [(200, 11)] * 3
        assert connection.sock.getsockname()[1] == local_port
    finally:
        connection.close()


def test_stopping_closes_open_connections_and_frees_the_port(lab: EmulatorServer) -> None:
    parts = urlsplit(lab.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/_control/health")
    connection.getresponse().read()

    lab.stop()

    assert connection.sock.recv(1) == b""
    connection.close()
    with EmulatorServer("laboratory", port=parts.port or 0) as again:
        assert again.url == f"http://127.0.0.1:{parts.port}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    port_file = tmp_path / "port"
    command = [
        *(sys.executable, "-m", "providers.emulators", "--scenario", "demo", "--anchor", "2026-04-01"),
        *("--now", "2026-04-01T12:00:00+03:00", "--port-file", str(port_file)),
    ]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        health = control("GET", url, "health")
        process.send_signal(number)
        rest = process.stdout.read()

    assert (process.returncode, rest) == (0, "")
    assert health["now"] == "2026-04-01T09:00:00+00:00"
    assert url == f"http://127.0.0.1:{port_file.read_text()}"


def test_the_command_says_what_is_wrong(lab: EmulatorServer) -> None:
    port = str(urlsplit(lab.url).port)
    command = [sys.executable, "-m", "providers.emulators", "--scenario"]

    taken = subprocess.run(
        [*command, "demo", "--port", port], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    missing = subprocess.run(
        [*command, "nothing"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert (taken.returncode, taken.stderr.count("\n")) == (2, 1)
    assert f"127.0.0.1:{port}" in taken.stderr
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)


def test_the_emulators_need_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; import providers.emulators.server, providers.emulators.beget, providers.emulators.__main__;"
        "ours = {'providers'};"
        "known = set(sys.stdlib_module_names) | ours;"
        "print(sorted({name.split('.')[0] for name in sys.modules} - known - {'__main__'}))"
    )

    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "[]"
