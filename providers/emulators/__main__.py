"""Serve a scenario: `python -m providers.emulators --scenario demo --port 0`.

Prints the base URL as its first and only line and serves until SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import date, datetime
from pathlib import Path

from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; 2 when the scenario is missing or the port is taken."""
    options = _parser().parse_args(arguments)
    try:
        scenario = Scenario.load(options.scenario, anchor=options.anchor)
        server = EmulatorServer(scenario, now=options.now, host=options.host, port=options.port)
    except OSError as error:
        sys.stderr.write(f"cannot serve {options.scenario} on {options.host}:{options.port}: {error}\n")
        return 2
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with server:
        if options.port_file is not None:
            options.port_file.write_text(server.url.rsplit(":", 1)[1], encoding="ascii")
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="providers.emulators", description="Emulated provider APIs.")
    parser.add_argument("--scenario", default="demo", help="a name in scenarios/ or the path of a .toml file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--anchor", type=date.fromisoformat, help="the date of day 0, default today")
    parser.add_argument(
        "--now", type=_instant, help="freeze the clock at this instant (ISO 8601 with an offset)"
    )
    parser.add_argument("--port-file", type=Path, help="write the port number here once it listens")
    return parser


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("needs a time zone, as 2026-04-01T09:00:00+03:00")
    return instant


if __name__ == "__main__":
    raise SystemExit(main())
