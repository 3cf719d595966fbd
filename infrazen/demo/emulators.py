"""The control API of the demo's emulators: those of the running server, or some that live as long as an operation."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import requests
from django.utils import timezone

from common.text import gettext_noop
from infrazen import embedded
from infrazen.demo.errors import DemoError
from infrazen.demo.faults import told_events, told_faults
from infrazen.demo.history import emulated_providers, point_plugins_at
from infrazen.demo.plan import Plan
from infrazen.demo.state import State, Switched

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 10
"""The slowest answer is that to new events: the emulators read the whole scenario again."""


class Emulators:
    """Emulators at an address. Every method raises DemoError where they do not answer, or do not take what they get."""

    def __init__(self, url: str) -> None:
        self.url = url

    def is_of(self, anchor: date) -> bool:
        """Whether it is the emulators of this demo that answer there."""
        return bool(self._call("GET", "health").get("anchor") == anchor.isoformat())

    def set_anchor(self, anchor: date) -> None:
        """Another day 0; faults and events are forgotten."""
        self._call("PUT", "anchor", {"anchor": anchor.isoformat()})

    def set_clock(self, now: datetime) -> None:
        """Their clock goes on from this instant."""
        self._call("PUT", "clock", {"now": now.isoformat(), "running": True})

    def set_faults(self, faults: Sequence[dict[str, Any]]) -> None:
        self._call("PUT", "faults", faults)

    def set_events(self, events: Sequence[dict[str, Any]]) -> None:
        self._call("PUT", "events", events)

    def _call(self, method: str, name: str, data: Any = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands before this machine
            try:
                response = session.request(
                    method, f"{self.url}/_control/{name}", json=data, timeout=PATIENCE_SECONDS
                )
                answer = response.json()
            except requests.RequestException as error:
                logger.warning("the emulators at %s do not answer: %s", self.url, type(error).__name__)
                raise DemoError(
                    gettext_noop(
                        "The emulated providers do not answer. Start the demo again with “make demo”."
                    )
                ) from None
        if response.status_code != requests.codes.ok:
            raise DemoError(
                gettext_noop("The emulated providers refused what they were told (%(reason)s)."),
                reason=answer.get("error", response.status_code),
            )
        return answer


@contextmanager
def reached(state: State, plan: Plan, data: Path) -> Iterator[Emulators]:
    """The emulators of the running server, else some of its own; this process's plugins call them meanwhile.

    Where no server runs, none can be started until the end. Raises DemoError where one runs without emulators.
    """
    if embedded.is_served(data):
        yield serving(state)
        return
    with no_server(data), emulated_providers(state.anchor, plan) as server:
        emulators = Emulators(server.url)
        emulators.set_clock(timezone.now())
        tell(emulators, plan, state.switched)
        yield emulators


@contextmanager
def no_server(data: Path) -> Iterator[None]:
    """No server can be started on the data folder until the end; raises DemoError where one runs."""
    with ExitStack() as stack:
        try:
            stack.enter_context(embedded.only_one(data))
        except embedded.CannotServe as error:
            raise DemoError("%(reason)s", reason=str(error)) from error
        yield


def tell(emulators: Emulators, plan: Plan, switched: Iterable[Switched]) -> None:
    """Let the emulators know all that was switched and what happened."""
    told = list(switched)
    emulators.set_events(told_events(plan, told))
    emulators.set_faults(told_faults(plan, told))


def serving(state: State) -> Emulators:
    """Those of the running server; raises DemoError where it has none, or not yet."""
    not_there = DemoError(
        gettext_noop(
            "InfraZen runs on this data folder, but does not serve the demo: wait until “make demo” says that it is "
            "ready, or stop the other server."
        )
    )
    if not state.emulators:
        raise not_there
    emulators = Emulators(state.emulators)
    try:
        is_ours = emulators.is_of(state.anchor)
    except DemoError:
        is_ours = False
    if not is_ours:
        raise not_there
    point_plugins_at(emulators.url)
    return emulators
