"""Faults of the demo are switched on and off; a server that runs feels it at once, another one when it starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.conf import settings

from infrazen import embedded
from infrazen.demo import state
from infrazen.demo.emulators import serving, tell
from infrazen.demo.faults import Offer, offer
from infrazen.demo.operations import alone, required_organization, required_state
from infrazen.demo.plan import Plan
from infrazen.demo.state import State, Switched


def switch_on(*, key: str, connection: str = "", now: datetime) -> Offer:
    """Switch a fault on, for the first connection that it is for where none is named; once is as good as twice.

    Raises DemoError.
    """
    required_organization()
    with alone():
        before, plan = required_state(), Plan.load()
        chosen = offer(plan, before.switched, key, connection)
        if chosen.switched is None:
            new = Switched(fault=key, connection=chosen.target.connection, since=now)
            _apply(before, plan, (*before.switched, new))
    return chosen


def switch_off(*, key: str, connection: str = "", now: datetime) -> list[Offer]:
    """Switch a fault off, wherever it is on or for one connection; returns what was on. Raises DemoError."""
    required_organization()
    with alone():
        before, plan = required_state(), Plan.load()
        offer(plan, before.switched, key, connection)
        ended = [
            each
            for each in before.switched
            if each.until is None and each.fault == key and connection in ("", each.connection)
        ]
        return _end(before, plan, ended, now)


def switch_all_off(*, now: datetime) -> list[Offer]:
    """Returns what was on. Raises DemoError."""
    required_organization()
    with alone():
        before, plan = required_state(), Plan.load()
        return _end(before, plan, [each for each in before.switched if each.until is None], now)


def _end(before: State, plan: Plan, ended: list[Switched], now: datetime) -> list[Offer]:
    """What happened keeps its end, because the providers' history has it; of a mere fault nothing stays."""
    offers = [offer(plan, before.switched, each.fault, each.connection) for each in ended]
    past = [replace(each, until=now) for each, told in zip(ended, offers, strict=True) if told.fault.events]
    kept = [each for each in before.switched if each not in ended]
    if ended:
        _apply(before, plan, (*kept, *past))
    return offers


def _apply(before: State, plan: Plan, switched: tuple[Switched, ...]) -> None:
    if embedded.is_served(settings.DATA):
        tell(serving(before), plan, switched)
    state.change(settings.DATA, switched=switched)
