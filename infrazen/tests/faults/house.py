"""Three small accounts at emulated providers, read by the real plugins through the real engine.

Nothing waits: pauses between attempts pass at once, and where a test lets an API be silent, its answers are given up
after a moment. A sync is run as a worker runs it, again and again while the provider is not available.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.test import override_settings

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from costs.models import DailyCost
from providers import registry
from providers.contract.errors import ProviderUnavailable
from providers.contract.plugin import PluginContext, ProviderPlugin
from providers.emulators.faults import Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from providers.tests.still_clock import StillClock
from syncs.models import ResourceState, SyncSnapshot, SyncTrigger
from syncs.services import request_sync, run_snapshot

SCENARIO = Path(__file__).with_name("scenario.toml")
ANCHOR = date(2026, 4, 1)
NOON = datetime(2026, 4, 1, 9, 20, tzinfo=UTC)

READS = {"beget": ("beget",), "selectel": ("selectel", "openstack"), "openstack": ("openstack",)}
"""Which emulators each plugin reads."""

ACCOUNTS = {"beget": "faultone", "selectel": "700001", "openstack": "Private"}
"""The account of each connection, as its emulators call it."""

SECRETS = {
    "beget": {
        "login": "faultone",
        "api_password": "faults-secret-api",
        "account_password": "faults-secret-account",
    },
    "selectel": {
        "account_id": "700001",
        "username": "reader",
        "password": "faults-secret-selectel",
        "static_token": "faults-secret-static_700001",
    },
    "openstack": {
        "username": "reader",
        "user_domain": "Private",
        "password": "faults-secret-private",
        "price_list": (
            '{"vcpu": 300, "memory_gib": 90, "volume_types": {"*": 3}, "floating_ip": 150, "load_balancer": 900}'
        ),
    },
}

SILENCE = 0.2
"""Seconds after which a silent API would answer."""

PATIENCE = 0.04
"""Seconds after which its answer is given up, in place of half a minute."""


@dataclass(frozen=True, slots=True)
class House:
    """The emulated providers and one connection to each, by provider type."""

    server: EmulatorServer
    organization: Organization
    connections: Mapping[str, ProviderConnection]
    silent: set[str] = field(default_factory=set)

    @contextlib.contextmanager
    def struck(self, *faults: Fault, silent: Collection[str] = ()) -> Iterator[None]:
        """Faults that are switched on for a while; of the families in `silent` nobody waits for an answer."""
        numbers = [self.server.faults.add(fault) for fault in faults]
        self.silent.update(f"/{family.replace('.', '/')}/" for family in silent)
        try:
            yield
        finally:
            self.silent.clear()
            for number in numbers:
                self.server.faults.remove(number)

    def twin(self) -> House:
        """The same accounts, connected by somebody else."""
        organization = OrganizationFactory()
        connections = {key: _connect(organization, key) for key in READS}
        return replace(self, organization=organization, connections=connections)

    def sync(self, provider_type: str, at: datetime) -> SyncSnapshot:
        """One sync as of `at`, tried again while the provider is not available; returns how it ended."""
        connection = self.connections[provider_type]
        self.server.set_clock(at)
        snapshot, _joined = request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=at)
        while snapshot.is_active:
            SyncSnapshot.objects.filter(pk=snapshot.pk).update(lease_expires_at=None)  # any wait is over
            with contextlib.suppress(ProviderUnavailable):
                run_snapshot(snapshot_id=snapshot.pk, now=at)
            snapshot.refresh_from_db()
        connection.refresh_from_db()
        return snapshot


@contextlib.contextmanager
def opened(scenario: Scenario | None = None) -> Iterator[House]:
    """The house with its providers running; nothing is synced yet."""
    found = scenario or Scenario.load(SCENARIO, anchor=ANCHOR)
    with (
        pytest.MonkeyPatch.context() as patch,
        EmulatorServer(found, now=NOON) as server,
        override_settings(EMULATOR_URL=server.url, ALLOW_LOOPBACK_PROVIDERS=True, SYNC_WRITE_PAUSE_SECONDS=0),
    ):
        quick = {key: _without_waits(plugin) for key, plugin in registry.plugins().items() if key in READS}
        patch.setattr(registry, "plugins", lambda: quick)
        organization = OrganizationFactory()
        house = House(server, organization, {key: _connect(organization, key) for key in READS})
        send = requests.adapters.HTTPAdapter.send
        patch.setattr(requests.adapters.HTTPAdapter, "send", _impatient(send, house.silent))
        yield house


def _connect(organization: Organization, provider_type: str) -> ProviderConnection:
    credentials = dict(SECRETS[provider_type])
    if provider_type == "openstack":
        credentials["auth_url"] = f"{settings.EMULATOR_URL}/openstack/keystone/v3"
    return ProviderConnection.objects.create(
        organization=organization,
        provider_type=provider_type,
        connection_name=provider_type.title(),
        account_id="",
        credentials=credentials,
    )


def _without_waits(plugin: type[ProviderPlugin]) -> type[ProviderPlugin]:
    """The plugin with a clock on which waiting takes no time."""

    def begin(self: Any, context: PluginContext) -> None:
        plugin.__init__(self, context, clock=StillClock())

    return type(plugin.__name__, (plugin,), {"__init__": begin, "__module__": plugin.__module__})


def _impatient(send: Any, silent: set[str]) -> Any:
    def send_soon(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if any(urlsplit(request.url).path.startswith(prefix) for prefix in silent):
            kwargs["timeout"] = PATIENCE
        return send(self, request, *args, **kwargs)

    return send_soon


# ---- pictures ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """One open state as a reader sees it; `since` tells whether the interval goes on."""

    resource_type: str
    name: str
    status: str
    parent: str
    daily_cost: Decimal | None
    is_orphan: bool
    since: datetime

    def with_status(self, status: str, since: datetime) -> Standing:
        return replace(self, status=status, since=since)


def inventory(connection: ProviderConnection) -> dict[str, Standing]:
    """What the connection has, by the provider's id."""
    states = ResourceState.objects.open().filter(connection=connection)
    return {
        state.resource.resource_id: Standing(
            resource_type=state.resource.resource_type,
            name=state.name,
            status=state.status,
            parent=state.parent.name if state.parent else "",
            daily_cost=state.daily_cost,
            is_orphan=state.is_orphan,
            since=state.opened_at,
        )
        for state in states.select_related("resource", "parent")
    }


def costs_by_day(connection: ProviderConnection, *, until: date) -> dict[tuple[str, date], Decimal]:
    """{(the provider's id, day): cost} of the days before `until`."""
    rows = DailyCost.objects.filter(connection=connection, date__lt=until)
    return {
        (row[0], row[1]): row[2] for row in rows.values_list("resource__resource_id", "date", "billed_cost")
    }


HOUR = timedelta(hours=1)
