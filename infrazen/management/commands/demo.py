"""`manage.py demo`: the whole product on this machine, with emulated providers and ninety days of history.

`demo reset`, `demo forward`, `demo faults` and `demo status` change and show it, while it is served and while it is not.
"""

import ipaddress
import logging
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from infrazen.demo import switches
from infrazen.demo.errors import DemoError
from infrazen.demo.faults import Offer
from infrazen.demo.forward import forward
from infrazen.demo.plan import ZONE
from infrazen.demo.reset import reset
from infrazen.demo.serve import prepare
from infrazen.demo.status import Status, status
from infrazen.embedded import CannotServe, run_embedded


class Command(BaseCommand):
    help = (
        "Serves the demo: emulated providers, their history synced, one click to sign in. Ctrl-C stops it. "
        "With reset, forward, faults or status it works on a demo that is there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port (PORT)")
        actions = parser.add_subparsers(dest="action", metavar="reset | forward | faults | status")
        begun_anew = actions.add_parser("reset", help="back to the first state, through real syncs")
        begun_anew.add_argument("--yes", action="store_true", help="do not ask")
        moved = actions.add_parser("forward", help="moves the clock, and syncs what is due meanwhile")
        moved.add_argument("--days", type=int, default=1, help="default %(default)s")
        faults = actions.add_parser("faults", help="lists what may go wrong; switches it on and off")
        faults.add_argument("switch", nargs="?", choices=["on", "off"], help="without it: the list")
        faults.add_argument("fault", nargs="?", help="its key in the list, or “all” to switch off")
        faults.add_argument("--connection", default="", help="name of the connection that it strikes")
        actions.add_parser("status", help="what time it is there, what was read, what is switched on")

    def handle(self, *, action: str | None, **options: Any) -> None:
        if action is None:
            self._serve(options["host"], options["port"])
            return
        with translation.override(None), _quiet():  # commands speak English
            try:
                getattr(self, f"_{action}")(**options)
            except DemoError as error:
                raise CommandError(str(error)) from error

    def _serve(self, host: str, port: int) -> None:
        with ExitStack() as stack:

            def get_ready() -> None:
                with _quiet():
                    prepare(stack, opens_admin=_is_loopback(host), say=self._say)

            def announce(address: str) -> None:
                self._say(f"InfraZen is at {address} — sign in with one click. Ctrl-C stops it.")

            try:
                run_embedded(host, port, prepare=get_ready, on_ready=announce)
            except CannotServe as error:
                raise CommandError(str(error)) from error

    def _reset(self, *, yes: bool, **options: Any) -> None:
        found = status()
        if not yes:
            self._confirm(found)

        def tell(done: int, total: int) -> None:
            if done % 15 == 0:
                self._say(f"Reading the emulated providers: day {done + 1} of {total} …")

        organization = reset(listener=tell)
        self._say(f"The demo is as at its first start, in the organization “{organization}”.")

    def _confirm(self, found: Status) -> None:
        self._say(
            f"The organization “{found.organization}” with its {len(found.connections)} connections, their history and "
            "whatever was added there is deleted and read anew; this takes about two minutes. Other organizations stay."
        )
        if not sys.stdin.isatty():
            raise CommandError("Nobody is here to be asked: add --yes.")
        if input("Type yes to go on: ").strip().lower() != "yes":
            raise CommandError("Nothing was changed.")

    def _forward(self, *, days: int, **options: Any) -> None:
        def tell(done: int, total: int) -> None:
            if done:
                self._say(f"{_local(timezone.now())}: day {done} of {total} has gone by.")

        syncs = forward(days=days, listener=tell)
        ended = ", ".join(f"{count} {name}" for name, count in sorted(syncs.items())) or "none was due"
        self._say(f"Syncs: {ended}. The demo's clock says {_local(timezone.now())}.")

    def _faults(self, *, switch: str | None, fault: str | None, connection: str, **options: Any) -> None:
        if switch is None:
            self._list(status().offers)
        elif fault is None:
            raise CommandError(f"Which one? `demo faults` lists them: demo faults {switch} region-down.")
        elif switch == "on":
            chosen = switches.switch_on(key=fault, connection=connection, now=timezone.now())
            self._say(f"On: {_named(chosen)}.\n  {chosen.sees}\n  {chosen.back}")
        else:
            self._switch_off(fault, connection)

    def _switch_off(self, fault: str, connection: str) -> None:
        now = timezone.now()
        ended = (
            switches.switch_all_off(now=now)
            if fault == "all"
            else switches.switch_off(key=fault, connection=connection, now=now)
        )
        for each in ended:
            self._say(f"Off: {_named(each)}.")
        if not ended:
            self._say("It was not on.")

    def _list(self, offers: list[Offer]) -> None:
        for fault in dict.fromkeys(each.fault for each in offers):
            same = [each for each in offers if each.fault is fault]
            self._say(f"{self.style.MIGRATE_HEADING(fault.key)}: {same[0].title}")
            self._say("  for " + ", ".join(_struck(each) for each in same))
            self._say(f"  {same[0].sees}\n  {same[0].back}")
        self._say("\ndemo faults on <key> [--connection <name>]; demo faults off <key> | all")

    def _status(self, **options: Any) -> None:
        found = status()
        where = f"served with emulators at {found.state.emulators}" if found.is_served else "not served"
        self._say(f"{found.organization}: {where}, day 0 is {found.state.anchor}")
        days = found.ahead.total_seconds() / 86400
        moved = f"{days:.1f} days ahead of this machine" if days else "as this machine's"
        self._say(f"Clock: {_local(found.now)}, {moved}")
        for connection in found.connections:
            read = _local(connection.last_sync_at) if connection.last_sync_at else "never"
            self._say(f"  {connection}: {connection.last_sync_status}, read {read}")
        for each in found.switched:
            self._say(f"On: {_named(each)}")
        if found.is_under_way and found.operation:
            self._say(
                f"Under way: {found.operation.name}, {found.operation.done} of {found.operation.total} days"
            )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


class _quiet:  # noqa: N801 - reads as what it does
    """Two hundred syncs in a minute would bury the one line that matters: only errors are logged meanwhile."""

    def __enter__(self) -> None:
        logging.disable(logging.WARNING)

    def __exit__(self, *exception: object) -> None:
        logging.disable(logging.NOTSET)


def _named(offer: Offer) -> str:
    return f"{offer.fault.key}, {offer.target.connection}: {offer.title}"


def _struck(offer: Offer) -> str:
    what = f" ({offer.target.shown(offer.fault.victim)})" if offer.fault.victim else ""
    return f"{offer.target.connection}{what}" + (
        f" [on since {_local(offer.switched.since)}]" if offer.switched else ""
    )


def _local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach the server."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
