"""The history of the demo: the emulated providers are read as if it were each of its days, through the real engine.

Nothing is inserted as rows but what a person would have entered: the organization, its connections, its tags, and whose costs they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Organization
from accounts.services import ensure_demo
from costs.allocation.services import restate
from infrazen.demo.advice import set_rules
from infrazen.demo.allocation import allocate
from infrazen.demo.budgets import set_budgets
from infrazen.demo.plan import ZONE, Plan
from infrazen.demo.prices import list_prices
from inventory.models import Resource
from inventory.services import set_tag
from providers.contract.errors import ProviderUnavailable
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from providers.services import create_connection
from recommendations.services import evaluate_organization
from syncs.models import SyncSnapshot, SyncTrigger
from syncs.services import MAX_ATTEMPTS, request_sync, run_snapshot

RULES = "recommendations."
"""What begins so in `settings.AFTER_SYNC` asks the rules."""
RULES_EVERY_DAYS = 7

RETRY_AFTER = timedelta(minutes=10)
"""When a replayed sync that found its provider unavailable is tried again."""

BILLS_REACH_BACK = timedelta(days=366)
"""Before the first sync, at most: from then on the allocation rules hold."""

Say = Callable[[str], None]
"""Takes one line for whoever waits."""

Progress = Callable[[int, int], None]
"""Takes how many days are done, and of how many."""


@contextmanager
def emulated_providers(anchor: date, plan: Plan) -> Iterator[EmulatorServer]:
    """The providers' APIs on loopback, with the plugins' endpoints pointed at them."""
    with EmulatorServer(Scenario.load(plan.scenario, anchor=anchor)) as server:
        point_plugins_at(server.url)
        yield server


def point_plugins_at(emulators: str) -> None:
    """From now on the plugins of this process call the emulators at this address."""
    settings.EMULATOR_URL = emulators
    settings.ALLOW_LOOPBACK_PROVIDERS = True
    settings.DEMO_MODE = True


def replay(
    *, server: EmulatorServer, plan: Plan, anchor: date, now: datetime, opens_admin: bool, say: Say
) -> Organization:
    """Make what is missing and sync the connections once a day up to now; goes on where an earlier replay stopped.

    `opens_admin` lets the demo's person into the admin; only for a server that nobody else can reach.
    """
    user, organization = ensure_demo(organization_name=plan.organization, is_super_admin=opens_admin)
    if user.full_name != plan.person:
        user.full_name = plan.person
        user.save(update_fields=["full_name"])

    def tell(done: int, total: int) -> None:
        if done % 15 == 0 and total > 1:
            say(f"Reading the emulated providers: day {done + 1} of {total} …")

    with _without_pauses():
        read_history(
            organization=organization,
            server=server,
            plan=plan,
            anchor=anchor,
            now=now,
            auto_sync=True,
            progress=tell,
        )
    server.set_clock(timezone.now(), running=True)
    return organization


def read_history(
    *,
    organization: Organization,
    server: EmulatorServer,
    plan: Plan,
    anchor: date,
    now: datetime,
    auto_sync: bool,
    progress: Progress,
) -> None:
    """The plan's connections, rules and tags in this organization, and every day up to now that is not there yet.

    Leaves the emulators' clock where the last sync was. New connections get `auto_sync`.
    """
    moments = list(_moments(plan, anchor, now))
    allocate(organization, plan, since=anchor - BILLS_REACH_BACK)
    set_rules(organization, plan)
    connections = _connections(server, organization, plan, moments[0], auto_sync)
    pending = [moment for moment in moments if any(_is_missing(c, moment) for c in connections)]
    with _asking_rules_apart():
        for number, moment in enumerate(pending):
            progress(number, len(pending))
            for connection in connections:
                is_due = moment == moments[-1] or _is_read_on(plan, connection, anchor, moment)
                if is_due and _is_missing(connection, moment):
                    _sync(server, connection, moment)
            if number % RULES_EVERY_DAYS == 0 and moment != moments[-1]:
                evaluate_organization(organization=organization, now=moment)
    if pending:
        _tag(organization, plan)
        restate(organization=organization, since=None, now=now)
        set_budgets(organization, plan, since=moments[0], now=now)
        list_prices(organization, now=now)
        evaluate_organization(organization=organization, now=now)


@contextmanager
def _asking_rules_apart() -> Iterator[None]:
    """In a replay rules are asked once a week, not after each of hundreds of syncs: facts of a week change little."""
    hooks = settings.AFTER_SYNC
    settings.AFTER_SYNC = [path for path in hooks if not path.startswith(RULES)]
    try:
        yield
    finally:
        settings.AFTER_SYNC = hooks


@contextmanager
def _without_pauses() -> Iterator[None]:
    """Before the pages are served nobody waits to write between a sync's batches."""
    pause = settings.SYNC_WRITE_PAUSE_SECONDS
    settings.SYNC_WRITE_PAUSE_SECONDS = 0
    try:
        yield
    finally:
        settings.SYNC_WRITE_PAUSE_SECONDS = pause


def _moments(plan: Plan, anchor: date, now: datetime) -> Iterator[datetime]:
    """Once a day at the plan's time, from `history_days` before the anchor to the day before it; then now."""
    for days in range(plan.history_days, 0, -1):
        moment = datetime.combine(anchor - timedelta(days=days), plan.sync_time, tzinfo=ZONE)
        if moment < now:
            yield moment
    yield now


def _connections(
    server: EmulatorServer, organization: Organization, plan: Plan, first: datetime, auto_sync: bool
) -> list[ProviderConnection]:
    known = {c.connection_name: c for c in ProviderConnection.objects.of(organization)}
    server.set_clock(first)
    for wanted in plan.connections:
        if wanted["name"] not in known:
            known[wanted["name"]] = create_connection(
                organization=organization,
                provider_type=wanted["provider_type"],
                connection_name=wanted["name"],
                credentials=wanted["credentials"],
                now=first,
                auto_sync=auto_sync,
            )
    return [known[wanted["name"]] for wanted in plan.connections]


def _is_read_on(plan: Plan, connection: ProviderConnection, anchor: date, moment: datetime) -> bool:
    """Whether the plan reads this connection on that day; days count backwards from the anchor."""
    wanted = next(each for each in plan.connections if each["name"] == connection.connection_name)
    days: int = (anchor - moment.astimezone(ZONE).date()).days
    return days % int(wanted.get("every_days", 1)) == 0


def _is_missing(connection: ProviderConnection, moment: datetime) -> bool:
    """Whether this moment still has to be read. Of a finished replay, only the gap to now is left to the schedule."""
    current = SyncSnapshot.objects.filter(connection=connection, is_current=True).first()
    if current is None or current.observed_at is None:
        return True
    return current.observed_at < moment


def _sync(server: EmulatorServer, connection: ProviderConnection, moment: datetime) -> None:
    snapshot, _joined = request_sync(connection=connection, trigger=SyncTrigger.DEMO, now=moment)
    for attempt in range(MAX_ATTEMPTS):
        at = moment + RETRY_AFTER * attempt
        server.set_clock(at)
        try:
            run_snapshot(snapshot_id=snapshot.pk, now=at)
        except ProviderUnavailable:
            continue
        return


def _tag(organization: Organization, plan: Plan) -> None:
    for resource in Resource.objects.of(organization).filter(name__in=list(plan.tags)):
        for key, value in plan.tags[resource.name].items():
            set_tag(resource=resource, key=key, value=value)
