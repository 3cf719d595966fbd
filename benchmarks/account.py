"""What the engine adds to listing a large account: 10 000 servers, 20 000 volumes and 10 000 ports over HTTP.

    python -m benchmarks account                         on SQLite
    python -m benchmarks account --database sqlite --database postgres://postgres@127.0.0.1:5432/postgres
    python -m benchmarks account --servers 1000 --runs 1 --no-memory    a quick look

The account is an OpenStack cloud with a price list, served by the emulator in another process. Measured are, each in a
fresh process and, where it needs one, a fresh database:

- listing: the same client reads the same pages, and makes nothing of what they hold;
- first: a whole sync, from its request to the costs, of an account that nobody has seen;
- unchanged: the same again six hours later, so that only the day's costs have gone on;
- insert: the rows that the two syncs left, written by plain `bulk_create` into the emptied tables.

The emulator builds each page when it is asked; with `--pages remembered` it knows them by heart, so that listing costs
little more than the client's own work, and with `--late 1` every page comes a second late, as real clouds' pages do.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.tools import (
    SQLITE,
    Stopwatch,
    Writes,
    add_databases,
    fresh_database,
    in_child,
    memory_mib,
    of_runs,
    print_table,
    set_up,
)

MODULE = "benchmarks.account"
SERVERS = 10_000
MEMORY_SIZES = (1_000, 10_000, 50_000)
RUNS = 3
INSERT_ROWS = 1000
ANCHOR = date(2026, 3, 1)
START = datetime(2026, 3, 1, 9, 20, tzinfo=UTC)
SIX_HOURS = timedelta(hours=6)
CREDENTIALS = {
    "username": "reader",
    "user_domain": "Large",
    "password": "benchmark",
    "price_list": '{"vcpu": 300, "memory_gib": 100, "volume_types": {"*": 5}, "floating_ip": 150}',
}


def main(arguments: list[str]) -> None:
    options = _parser().parse_args(arguments)
    databases = options.database or [SQLITE]
    if options.compare:
        with _emulator(options.servers, options) as url:
            _compare(options, databases, url)
    if options.memory:
        _memory(options, databases)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks account", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=int, default=SERVERS, help="with two volumes and a port each")
    parser.add_argument("--projects", type=int, default=1, help="over which they are spread")
    parser.add_argument("--pages", choices=("built", "remembered"), default="built")
    parser.add_argument("--late", type=float, default=0.0, help="seconds before each page")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each figure the median and the least")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="times only")
    parser.add_argument("--no-times", dest="compare", action="store_false", help="memory only")
    add_databases(parser)
    return parser


def _compare(options: argparse.Namespace, databases: list[str], url: str) -> None:
    """Listing and syncs in turn, so that a busy minute of the machine meets all of them."""
    lists: list[dict[str, Any]] = []
    syncs: dict[str, list[dict[str, Any]]] = {address: [] for address in databases}
    if options.pages == "remembered":
        _listing(url)
    for _ in range(options.runs):
        lists.append(_listing(url))
        for address in databases:
            with fresh_database(address) as environment:
                syncs[address].append(in_child(MODULE, "--measure-sync", url, environment=environment))
    listing, least = of_runs(lists)
    print(
        f"{listing['items']:.0f} things in {options.projects} project(s), pages {options.pages}, each"
        f" {options.late:g} s late; medians of {options.runs} (least)\n"
    )
    rows = [
        ["listing", _seconds(listing, least, "all"), "1", *["–"] * 3, _seconds(listing, least, "cpu"), "–"]
    ]
    for runs in syncs.values():
        found, least = of_runs(runs)
        for name in ("first", "unchanged", "insert"):
            ratio = f"{found[f'{name}.all'] / listing['all']:.2f}"
            parts = [
                f"{found[key]:.2f} s" if key in found else "–"
                for key in (f"{name}.collect", f"{name}.engine", f"{name}.after")
            ]
            rows.append(
                [
                    f"{name}, {found['vendor']}",
                    _seconds(found, least, f"{name}.all"),
                    ratio,
                    *parts,
                    _seconds(found, least, f"{name}.cpu"),
                    f"{found[f'{name}.states']:.0f} / {found[f'{name}.rows']:.0f}",
                ]
            )
    print_table(
        ["", "all", "× listing", "reading", "engine", "after", "processor", "rows written: states / all"],
        rows,
    )


def _seconds(found: Mapping[str, float], least: Mapping[str, float], name: str) -> str:
    return f"{found[name]:.2f} s ({least[name]:.2f})"


def _memory(options: argparse.Namespace, databases: list[str]) -> None:
    """Peaks of fresh processes at several sizes; what stands before the reading is told beside them."""
    rows = []
    for size in MEMORY_SIZES:
        with _emulator(round(size / 3), options) as url:
            listing = _listing(url)
            for address in databases:
                with fresh_database(address) as environment:
                    found = in_child(MODULE, "--measure-memory", url, environment=environment)
                rows.append(
                    [
                        f"{size}, {found['vendor']}",
                        f"{listing['peak'] - listing['before']:.0f} MiB",
                        f"{found['before']:.0f} MiB",
                        *(f"{found[name] - found['before']:.0f} MiB" for name in ("first", "unchanged")),
                    ]
                )
    print()
    print_table(["resources", "listing grows by", "at start", "first grows by", "unchanged too"], rows)


def _listing(url: str) -> dict[str, Any]:
    with fresh_database(SQLITE) as environment:  # its settings; nothing is stored
        found: dict[str, Any] = in_child(MODULE, "--measure-listing", url, environment=environment)
    return found


# ---- the emulator, in a process of its own -------------------------------------------------------------------


@contextmanager
def _emulator(servers: int, options: argparse.Namespace) -> Iterator[str]:
    """The address of an emulator with a large account, running as long as the block."""
    what = [str(each) for each in (servers, options.projects, options.pages, options.late)]
    command = [sys.executable, "-m", MODULE, "--serve", *what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def serve(servers: int, projects: int, pages: str, late: float) -> None:
    """Prints its address, and serves until the standard input ends."""
    from providers.emulators.scenario import Scenario
    from providers.emulators.server import EmulatorServer

    class LargeCloud(EmulatorServer):
        """Its pages come late, and may be built only once: the clock stands still."""

        known: dict[tuple[str, str], Any] = {}

        def answer(
            self, method: str, target: str, headers: Mapping[str, str], body: bytes, remote: str
        ) -> Any:
            if "limit=" not in target:
                return super().answer(method, target, headers, body, remote)
            time.sleep(late)
            key = (target, headers.get("X-Auth-Token", ""))
            if key in self.known:
                return self.known[key]
            answer = super().answer(method, target, headers, body, remote)
            if pages == "remembered":
                text_type, content = answer.body()
                text = replace(answer.response, payload=None, text=content.decode(), text_type=text_type)
                self.known[key] = replace(answer, response=text)
            return answer

    scenario = Scenario.from_mapping(_scenario(servers, projects), anchor=ANCHOR)
    gc.freeze()
    with LargeCloud(scenario, now=START) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def _scenario(servers: int, projects: int) -> dict[str, Any]:
    account: dict[str, Any] = {
        "domain": CREDENTIALS["user_domain"],
        "region": [{"name": "RegionOne"}],
        "project": [{"name": f"project-{number}"} for number in range(projects)],
        "user": [
            {
                "name": CREDENTIALS["username"],
                "password": CREDENTIALS["password"],
                "roles": [{"role": "reader", "project": "*"}],
            }
        ],
        "server": [],
        "volume": [],
    }
    for number in range(projects):
        place = {
            "project": f"project-{number}",
            "repeat": servers * (number + 1) // projects - servers * number // projects,
            "created_day": -90,
        }
        account["server"].append(
            {**place, "name": f"web-{number}-{{n}}", "vcpus": 2, "ram_mb": 4096, "tags": ["prod", "team-a"]}
        )
        for use in ("boot", "data"):
            volume = {"name": f"{use}-{number}-{{n}}", "server": f"web-{number}-{{n}}"}
            account["volume"].append(
                {**place, **volume, "type": "universal", "size_gb": 40, "os": "Debian 12"}
            )
    return {"name": "large", "openstack": {"account": [account]}}


# ---- measured, each in a process of its own ------------------------------------------------------------------


def measure_listing(url: str) -> dict[str, Any]:
    """The plugin's own client, signed in as for a sync, over all its lists; nothing is normalised or kept."""
    import django

    django.setup()
    from providers.contract.plugin import PluginContext
    from providers.openstack.inventory import LISTS, Inventory, Project
    from providers.plugins.openstack.provider import VERSIONS, OpenStackProvider

    items = 0

    def count(item: Mapping[str, Any], place: Any) -> None:
        nonlocal items
        items += 1

    context = PluginContext(credentials=_credentials(url), now=START, allow_loopback=True)
    plugin = OpenStackProvider(context)
    before = memory_mib("VmRSS")
    with Stopwatch() as watch:
        client, _ = plugin._sign_in()
        projects = [found for found in plugin._enter(client) if isinstance(found, Project)]
        lists = tuple(replace(each, read=count) for each in LISTS)
        inventory = Inventory(plugin._cloud, auth_url=plugin._auth_url, versions=VERSIONS, lists=lists)
        results = list(inventory.records(projects))
    assert {result.status.value for result in results} <= {"complete", "absent"}
    return {"all": watch.wall, "cpu": watch.cpu, "items": items, "before": before, "peak": memory_mib()}


def measure_sync(url: str) -> dict[str, Any]:
    set_up()
    from django.db import connection as database

    connection = _connection(url)
    found: dict[str, Any] = {"vendor": database.vendor}
    for number, name in enumerate(("first", "unchanged")):
        figures = _sync(connection, START + number * SIX_HOURS)
        found |= {f"{name}.{key}": value for key, value in figures.items()}
    found |= {f"insert.{key}": value for key, value in _insert().items()}
    return found


def measure_memory(url: str) -> dict[str, Any]:
    set_up()
    from django.db import connection as database

    connection = _connection(url)
    found: dict[str, Any] = {"vendor": database.vendor, "before": memory_mib("VmRSS")}
    for number, name in enumerate(("first", "unchanged")):
        _sync(connection, START + number * SIX_HOURS)
        found[name] = memory_mib()
    return found


def _credentials(url: str) -> dict[str, str]:
    return {**CREDENTIALS, "auth_url": f"{url}/openstack/keystone/v3"}


def _connection(url: str) -> Any:
    from accounts.models import Organization
    from providers.services import create_connection

    return create_connection(
        organization=Organization.objects.create(name="benchmark"),
        provider_type="openstack",
        connection_name="benchmark",
        credentials=_credentials(url),
        now=START,
        verify=False,
    )


def _sync(connection: Any, now: datetime) -> dict[str, float]:
    """From the request to the costs. `engine` is what is neither reading nor what follows a sync."""
    from django.db import connection as database

    from syncs import services
    from syncs.models import SyncTrigger

    parts = {"collect": Stopwatch(), "after_sync": Stopwatch()}
    plain = {name: getattr(services, name) for name in parts}
    for name, part in parts.items():
        setattr(services, name, _timed(plain[name], part))
    writes = Writes()
    try:
        with database.execute_wrapper(writes), Stopwatch() as watch:
            snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=now)
            services.run_snapshot(snapshot_id=snapshot.pk, now=now)
    finally:
        for name, function in plain.items():
            setattr(services, name, function)
    snapshot.refresh_from_db()
    assert snapshot.status == "success", (snapshot.status, snapshot.error)
    collect, after = parts["collect"].wall, parts["after_sync"].wall
    return {
        "all": watch.wall,
        "cpu": watch.cpu,
        "collect": collect,
        "after": after,
        "engine": watch.wall - collect - after,
        "states": snapshot.opened_states.count() + snapshot.closed_states.count(),
        "rows": writes.row_count,
    }


def _timed(function: Any, watch: Stopwatch) -> Any:
    def timed(*arguments: Any, **keywords: Any) -> Any:
        with watch:
            return function(*arguments, **keywords)

    return timed


def _insert() -> dict[str, float]:
    """Seconds to write again, by plain `bulk_create`, every row that the syncs wrote in bulk."""
    from django.db import transaction

    from costs.models import DailyCost
    from inventory.models import Resource, Tag
    from syncs.models import ResourceState

    models = (Resource, ResourceState, Tag, DailyCost)
    rows = {model: list(model.objects.all()) for model in models}
    for model in reversed(models):
        model.objects.all()._raw_delete("default")
    with Stopwatch() as watch, transaction.atomic():
        for model, instances in rows.items():
            model.objects.bulk_create(instances, batch_size=INSERT_ROWS)
    return {
        "all": watch.wall,
        "cpu": watch.cpu,
        "states": len(rows[ResourceState]),
        "rows": sum(map(len, rows.values())),
    }


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", servers, projects, pages, late]:
            serve(int(servers), int(projects), pages, float(late))
        case ["--measure-listing", url]:
            print(json.dumps(measure_listing(url)))
        case ["--measure-sync", url]:
            print(json.dumps(measure_sync(url)))
        case ["--measure-memory", url]:
            print(json.dumps(measure_memory(url)))
        case arguments:
            main(arguments)
