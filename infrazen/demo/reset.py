"""The demo begins anew, while visitors go on looking at the old one until the new one is whole."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Membership, Organization, User
from accounts.services import DEMO_EMAIL, ensure_demo
from common import clock
from infrazen import embedded
from infrazen.demo import state
from infrazen.demo.emulators import no_server, serving
from infrazen.demo.history import Progress, emulated_providers, read_history
from infrazen.demo.operations import Work, operation, required_state, wait_until_quiet
from infrazen.demo.plan import ZONE, Plan
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot


def reset(*, listener: Progress | None = None) -> Organization:
    """Replay the history into a new organization, hand the demo's members over to it, delete the old one.

    Day 0 is today again, the clock is the machine's again, and nothing is switched on. The clock stays ahead only
    where somebody else's connections were read in that future: they could not be read before it.
    Not for a process that serves: its plugins call emulators of their own meanwhile. Raises DemoError.
    """
    plan = Plan.load()
    with operation("reset", listener) as work, ExitStack() as stack:
        before = required_state()
        if embedded.is_served(settings.DATA):
            served = serving(before)
        else:
            served = None
            stack.enter_context(no_server(settings.DATA))
        ahead = before.ahead if _others_live_ahead() else timedelta()
        anchor = (clock.machine_now() + ahead).astimezone(ZONE).date()
        _, old = ensure_demo(organization_name=plan.organization, is_super_admin=_opens_admin())
        _remove_left_over()
        try:
            new = _replayed(plan, anchor, ahead, work)
            wait_until_quiet()
            if served is not None:
                served.set_anchor(anchor)
                served.set_clock(clock.machine_now() + ahead)
            _hand_over(old, new)
            state.change(settings.DATA, anchor=anchor, ahead_seconds=ahead.total_seconds(), switched=())
            clock.look()
        finally:
            _remove_left_over()
    return new


def _replayed(plan: Plan, anchor: date, ahead: timedelta, work: Work) -> Organization:
    """A new organization with the whole history. Without members nobody sees it, without automatic syncs it is left
    alone."""
    organization = Organization.objects.create(name=plan.organization, is_demo=True)
    with emulated_providers(anchor, plan) as server:
        read_history(
            organization=organization,
            server=server,
            plan=plan,
            anchor=anchor,
            now=clock.machine_now() + ahead,
            auto_sync=False,
            progress=work.progress,
        )
    return organization


@transaction.atomic
def _hand_over(old: Organization, new: Organization) -> None:
    Membership.objects.filter(organization=old).update(organization=new)
    ProviderConnection.objects.of(new).update(auto_sync=True)


def _remove_left_over() -> None:
    """The demo organizations that nobody belongs to: the old one, and what an interrupted reset left."""
    for organization in Organization.objects.filter(is_demo=True, memberships__isnull=True):
        organization.delete()


def _others_live_ahead() -> bool:
    others = SyncSnapshot.objects.exclude(organization__is_demo=True)
    return others.filter(observed_at__gt=clock.machine_now()).exists()


def _opens_admin() -> bool:
    """As the last start of the demo decided."""
    return User.objects.filter(email=DEMO_EMAIL, is_superuser=True).exists()
