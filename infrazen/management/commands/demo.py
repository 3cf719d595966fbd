"""`manage.py demo`: the whole product on this machine, with emulated providers and ninety days of history."""

import ipaddress
import logging
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from infrazen import demo
from infrazen.embedded import CannotServe, run_embedded


class Command(BaseCommand):
    help = "Serves the demo: emulated providers, their history synced, one click to sign in. Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port (PORT)")

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        with ExitStack() as stack:

            def prepare() -> None:
                plan = demo.Plan.load()
                anchor = demo.remembered_anchor(settings.DATA, today=demo.today())
                server = stack.enter_context(demo.emulated_providers(anchor, plan))
                with _quiet():
                    demo.replay(
                        server=server,
                        plan=plan,
                        anchor=anchor,
                        now=timezone.now(),
                        opens_admin=_is_loopback(host),
                        say=self._say,
                    )

            def announce(address: str) -> None:
                self._say(f"InfraZen is at {address} — sign in with one click. Ctrl-C stops it.")

            try:
                run_embedded(host, port, prepare=prepare, on_ready=announce)
            except CannotServe as error:
                raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


class _quiet:  # noqa: N801 - reads as what it does
    """Two hundred syncs in a minute would bury the one line that matters: only errors are logged meanwhile."""

    def __enter__(self) -> None:
        logging.disable(logging.WARNING)

    def __exit__(self, *exception: object) -> None:
        logging.disable(logging.NOTSET)


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach the server."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
