"""How long the engine takes for large connections, how much memory, and how long a page's write waits meanwhile.

    python -m benchmarks.sync_10k              10 000 and 50 000 resources
    python -m benchmarks.sync_10k 1000 200000  other sizes

Each size has a fresh SQLite database in embedded mode (or the empty database of DATABASE_URL) and a process of its
own: a first sync, the same again unchanged, and one in which every tenth resource costs more. All the while another
process writes one small row every ten milliseconds and tells its longest wait. The plugin makes its records up as it
goes, so what is measured is the engine. The network is not part of it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

SIZES = (10_000, 50_000)
WRITE_EVERY_SECONDS = 0.01
START = datetime(2026, 3, 1, tzinfo=UTC)


def main(arguments: list[str]) -> None:
    sizes = [int(argument) for argument in arguments] or SIZES
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="infrazen-benchmark-") as folder:
            environment = {
                **os.environ,
                "INFRAZEN_MODE": "embedded",
                "INFRAZEN_DATA": folder,
                "DJANGO_SETTINGS_MODULE": "infrazen.settings",
                "LOG_LEVEL": "WARNING",
            }
            command = [sys.executable, "-m", "benchmarks.sync_10k", "--measure", str(size)]
            subprocess.run(command, env=environment, check=True)


def measure(size: int) -> None:
    """Prints a table; runs in a process whose settings are ready."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    connection_pk = _connection()
    before = _peak_mib()
    print(f"{size} resources, database {_vendor()}")
    print(f"{'':12}{'seconds':>9}{'engine':>9}{'publish':>9}{'costs':>9}{'peak MiB':>10}{'longest wait':>14}")
    for number, name in enumerate(("first", "unchanged", "10 % changed")):
        with _Writer() as writer:
            figures = _sync(connection_pk, size, number)
        row = (figures["all"], figures["engine"], figures["publish"], figures["after"])
        print(
            f"{name:12}"
            + "".join(f"{seconds:9.2f}" for seconds in row)
            + f"{_peak_mib() - before:10.0f}{writer.longest_seconds:12.3f} s",
            flush=True,
        )


def write_forever() -> None:
    """One small write after the other until the standard input ends; prints the longest as JSON."""
    import select

    import django

    django.setup()
    from accounts.models import Organization

    longest = 0.0
    count = 0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], WRITE_EVERY_SECONDS)[0]:
        since = time.monotonic()
        Organization.objects.filter(name="benchmark").update(name="benchmark")
        longest = max(longest, time.monotonic() - since)
        count += 1
    print(json.dumps({"longest": longest, "count": count}), flush=True)


class _Writer:
    """Another process that writes while the block runs."""

    longest_seconds = 0.0

    def __enter__(self) -> _Writer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sync_10k", "--write"],
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


def _connection() -> int:
    from accounts.models import Organization
    from providers import registry
    from providers.models import ProviderConnection

    plugin = _plugin()
    registry.plugins = lambda: {plugin.key: plugin}  # type: ignore[assignment]
    organization = Organization.objects.create(name="benchmark")
    connection = ProviderConnection.objects.create(
        organization=organization, provider_type=plugin.key, connection_name="benchmark", credentials={}
    )
    return connection.pk


_size = 0
_number = 0


def _plugin() -> Any:
    from providers.contract.plugin import BillingKind, Capabilities, ProviderPlugin, complete
    from providers.contract.records import (
        ConnectionTest,
        Rate,
        RatePeriod,
        ResourceRecord,
        ResourceStatus,
        ResourceType,
        Specification,
    )

    class Benchmark(ProviderPlugin):
        key = "benchmark"
        display_name = "Benchmark"
        badge = "BE"
        summary = ""
        credential_fields = ()
        capabilities = Capabilities(billing=BillingKind.RATES)
        type_map = {"server": ResourceType.SERVER, "volume": ResourceType.VOLUME}

        def test_connection(self) -> ConnectionTest:
            return ConnectionTest(account_id="benchmark")

        def resources(self) -> Iterator[Any]:
            """Servers, each with a volume."""
            for index in range(_size):
                kind = "volume" if index % 2 else "server"
                dearer = _number == 2 and index % 10 == 0
                yield ResourceRecord(
                    resource_id=f"{kind}:{index}",
                    native_type=kind,
                    name=f"{kind}-{index}",
                    scope=(kind,),
                    status=ResourceStatus.RUNNING,
                    region_id="ru-1",
                    parent_id=f"server:{index - 1}" if index % 2 else "",
                    specification=Specification(vcpus=Decimal(2), memory_mib=4096, storage_gib=Decimal(40)),
                    configuration={"plan": "m", "zone": index % 7, "image": "debian-12", "flags": ["a", "b"]},
                    tags={"env": "prod", "team": f"t{index % 20}"},
                    rate=Rate(
                        amount=Decimal(1500 + index % 100 + dearer), currency="RUB", period=RatePeriod.MONTH
                    ),
                )
            yield complete("server")
            yield complete("volume")

    return Benchmark


def _sync(connection_pk: int, size: int, number: int) -> dict[str, float]:
    global _size, _number
    _size, _number = size, number

    from providers.models import ProviderConnection
    from syncs import services
    from syncs.models import SyncTrigger

    now = START + timedelta(hours=6 * number)
    connection = ProviderConnection.objects.get(pk=connection_pk)
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=now)
    spent = {"publish": 0.0, "after": 0.0}
    for name, key in (("_publish", "publish"), ("after_sync", "after")):
        setattr(services, name, _timed(getattr(services, name), spent, key))
    since = time.monotonic()
    services.run_snapshot(snapshot_id=snapshot.pk, now=now)
    total = time.monotonic() - since
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.resource_count) == ("success", size), snapshot.error
    return {"all": total, "engine": total - spent["publish"] - spent["after"], **spent}


def _timed(function: Any, spent: dict[str, float], key: str) -> Any:
    inner = getattr(function, "inner", function)

    def timed(*args: Any, **kwargs: Any) -> Any:
        since = time.monotonic()
        try:
            return inner(*args, **kwargs)
        finally:
            spent[key] += time.monotonic() - since

    timed.inner = inner  # type: ignore[attr-defined]
    return timed


def _vendor() -> str:
    from django.db import connection

    return connection.vendor


def _peak_mib() -> float:
    """Peak of this process so far; the kernel counts KiB, on macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--measure", text]:
            measure(int(text))
        case ["--write"]:
            write_forever()
        case arguments:
            main(arguments)
