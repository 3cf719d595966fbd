"""The demo is served: emulators, their past read, and what was switched before is on again."""

from __future__ import annotations

from contextlib import ExitStack

from django.conf import settings
from django.utils import timezone

from common import clock
from infrazen.demo import state
from infrazen.demo.emulators import Emulators, tell
from infrazen.demo.faults import told_events
from infrazen.demo.history import Say, emulated_providers, replay
from infrazen.demo.plan import Plan, today
from infrazen.demo.state import remembered_anchor


def prepare(stack: ExitStack, *, opens_admin: bool, say: Say) -> None:
    """Start the emulators, which live as long as the stack, and bring the demo organization up to now.

    Faults strike only afterwards: what is slow or down would keep the pages from being served.
    """
    plan = Plan.load()
    anchor = remembered_anchor(settings.DATA, today=today())
    clock.follow(settings.DATA / clock.FILE)
    found = state.change(settings.DATA, emulators="")
    server = stack.enter_context(emulated_providers(anchor, plan))
    emulators = Emulators(server.url)
    emulators.set_events(told_events(plan, found.switched))
    replay(server=server, plan=plan, anchor=anchor, now=timezone.now(), opens_admin=opens_admin, say=say)
    tell(emulators, plan, found.switched)
    state.change(settings.DATA, emulators=server.url)
