"""How long a complete sync of ten connections takes when every answer of the provider comes 200 ms late.

    python -m benchmarks.complete_sync             ten connections
    python -m benchmarks.complete_sync 20 0.5      twenty, 500 ms

Every connection is an account of its own with the demo's larger hosting account in it, at the emulator's real HTTP
server. Sequential and parallel mode each get a fresh SQLite database in embedded mode and a process of their own; four
workers, as embedded mode has. The first run finds everything new, the second nothing. The goal is five minutes.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

CONNECTIONS = 10
LATE_SECONDS = 0.2
WORKERS = 4
SCENARIO = Path(__file__).resolve().parent.parent / "providers/emulators/scenarios/demo/beget.toml"


def main(arguments: list[str]) -> None:
    count = int(arguments[0]) if arguments else CONNECTIONS
    late = float(arguments[1]) if len(arguments) > 1 else LATE_SECONDS
    print(f"{count} connections, every answer {late * 1000:.0f} ms late, {WORKERS} workers")
    print(f"{'':12}{'first':>10}{'unchanged':>11}{'requests':>10}{'resources':>11}", flush=True)
    for mode in ("sequential", "parallel"):
        with tempfile.TemporaryDirectory(prefix="infrazen-benchmark-") as folder:
            environment = {
                **os.environ,
                "INFRAZEN_MODE": "embedded",
                "INFRAZEN_DATA": folder,
                "DJANGO_SETTINGS_MODULE": "infrazen.settings",
                "COMPLETE_SYNC_PARALLEL": str(mode == "parallel"),
                "ALLOW_LOOPBACK_PROVIDERS": "True",
                "LOG_LEVEL": "WARNING",
            }
            command = [
                sys.executable,
                "-m",
                "benchmarks.complete_sync",
                "--measure",
                mode,
                str(count),
                str(late),
            ]
            subprocess.run(command, env=environment, check=True)


def measure(mode: str, count: int, late: float) -> None:
    """Prints one line; runs in a process whose settings are ready."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from accounts.models import Organization
    from providers.emulators.faults import Fault
    from providers.emulators.scenario import Scenario
    from providers.emulators.server import EmulatorServer

    call_command("migrate", verbosity=0)
    scenario, logins = _scenario(count)
    with EmulatorServer(Scenario.from_mapping(scenario)) as server:
        settings.EMULATOR_URL = server.url
        server.faults.add(Fault(kind="slow", seconds=late))
        organization = Organization.objects.create(name="benchmark")
        _connections(organization, logins, scenario)
        seconds = [_complete_sync(organization, count)]
        request_count = len(server.requests)
        seconds.append(_complete_sync(organization, count))
    from syncs.models import CompleteSync

    last = CompleteSync.objects.latest("pk")
    print(
        f"{mode:12}" + f"{seconds[0]:8.1f} s{seconds[1]:9.1f} s{request_count:10}{last.resource_count:11}",
        flush=True,
    )


def _scenario(count: int) -> tuple[dict[str, Any], list[str]]:
    """The demo's first hosting account under `count` logins, without its faults."""
    values = tomllib.loads(SCENARIO.read_text(encoding="utf-8"))
    values.pop("faults", None)
    account = values["beget"]["account"][0]
    logins = [f"bench{number}" for number in range(count)]
    values["beget"]["account"] = [{**copy.deepcopy(account), "login": login} for login in logins]
    return values, logins


def _connections(organization: Any, logins: list[str], scenario: dict[str, Any]) -> None:
    from django.utils import timezone

    from providers.services import create_connection

    account = scenario["beget"]["account"][0]
    for login in logins:
        create_connection(
            organization=organization,
            provider_type="beget",
            connection_name=login,
            credentials={
                "login": login,
                "api_password": account["api_password"],
                "account_password": account["account_password"],
            },
            now=timezone.now(),
            verify=False,
        )


def _complete_sync(organization: Any, count: int) -> float:
    """Seconds from the request to the end, with the work done as the workers of embedded mode do it."""
    from django.utils import timezone

    from syncs import complete
    from syncs.models import SyncTrigger

    since = time.monotonic()
    one, _joined = complete.request_complete_sync(
        organization=organization, trigger=SyncTrigger.MANUAL, now=timezone.now()
    )
    with ThreadPoolExecutor(WORKERS) as pool:
        begun = complete.advance_complete_sync(complete_sync_id=one.pk, now=timezone.now())
        running: set[Future[list[int]]] = {pool.submit(_work, pk) for pk in begun}
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_work, pk) for future in ended for pk in future.result()}
    total = time.monotonic() - since
    one.refresh_from_db()
    assert one.status == "success", [
        (part.status, part.snapshot and part.snapshot.error) for part in one.references.all()
    ]
    assert one.references.count() == count
    return total


def _work(snapshot_id: int) -> list[int]:
    from django.db import connections
    from django.utils import timezone

    from syncs import complete, services

    try:
        services.run_snapshot(snapshot_id=snapshot_id, now=timezone.now())
        return complete.advance_after(snapshot_id=snapshot_id, now=timezone.now())
    finally:
        connections.close_all()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        main(sys.argv[1:])
