"""Two accounts over time, the same in every process; and a process that syncs them until somebody kills it.

    python -m syncs.tests.kill_history DATABASE

reads lines `connection snapshot step` and answers each with the number of a process that runs this snapshot, then,
when that has ended, with how it ended (0 well, -9 killed). The processes are forks of one that has Django loaded.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from decimal import Decimal

BATCH_ROWS = 7
"""Small, so that a sync has many places to be killed at."""


def rates_world(step: int):
    """Prices that change, resources that come, go and come back, a scope that fails, an unknown type, usage."""
    from providers.contract.records import UsageRecord

    from .world import SERVERS, VOLUMES, World, instant, unavailable

    world = World()
    world.total = Decimal(1000)
    for index in range(24):
        if (index + step) % 11 == 0:
            continue  # gone for this step
        daily = str(10 + index + (step // 3 if index % 4 == 0 else 0))
        kind = "contraption" if index == 5 else "server"
        world.put(
            f"vps:{index}",
            daily=daily,
            inside=index % 2 == 0,
            kind=kind,
            name=f"vps {index} v{step // 9}",
            tags={"step": str(step // 5), "index": str(index)},
        )
        world.put(
            f"disk:{index}",
            daily="1.25",
            scope=VOLUMES,
            kind="volume",
            parent_id=f"vps:{(index + step // 4) % 24}",
        )
        points = [(at(step) - timedelta(minutes=20 * n), float(n)) for n in range(3)]
        world.usage.append(
            UsageRecord(resource_id=f"vps:{index}", metric="cpu_percent", unit="%", points=points)
        )
    if step % 6 == 4:
        world.scopes[SERVERS] = unavailable()
    assert instant() < at(step)
    return world


def lines_world(step: int):
    """A day more of lines each step, a correction of an earlier day now and then, objects that vanish."""
    from .world import World, instant, line

    world = World()
    for index in range(12):
        if (index + step) % 7:
            world.put(f"vm:{index}")
        for day in range(1 + step // 2):
            corrected = Decimal(day + step // 8)
            world.bill(line(f"vm:{index}", str(24 + index + corrected / 3), start=instant(day)))
    world.bill(line("gizmo", "3", start=instant(), kind="mystery", scope=None, raw={"sku": "g"}))
    return world


def at(step: int):
    from .world import instant

    return instant(1 + step / 2)


def main(database: str) -> None:
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    django.setup()

    from syncs.engine import drafts
    from syncs.tests import world

    world.install()
    drafts.batched.__defaults__ = (BATCH_ROWS,)
    for request in sys.stdin:
        connection_pk, snapshot_pk, step = (int(part) for part in request.split())
        child = os.fork()
        if not child:
            _run(connection_pk, snapshot_pk, step)
        print(child, flush=True)  # noqa: T201 - the answer to the test
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the same


def _run(connection_pk: int, snapshot_pk: int, step: int) -> None:
    from providers.models import ProviderConnection
    from syncs import services
    from syncs.tests import world

    code = 1
    try:
        connection = ProviderConnection.objects.get(pk=connection_pk)
        make = rates_world if connection.provider_type == "rates-cloud" else lines_world
        world.worlds[connection.credentials["world"]] = make(step)
        services.run_snapshot(snapshot_id=snapshot_pk, now=at(step))
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.test_settings")
    main(sys.argv[1])
