"""A model world: an account at a provider that a test makes, changes and breaks, and two plugins that read it.

    world = worlds["acme"] = World()
    world.put("vps:1", daily="22")
    snapshot = sync(connection, at=instant(1))

A connection names its world in its credentials (see `connect`), so that two tenants may see two worlds with the same
ids. Everything is set by hand: the world has no clock but the instant that a sync is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from accounts.models import Organization
from providers import registry
from providers.contract.errors import PermissionDenied, ProviderError, ProviderUnavailable
from providers.contract.plugin import (
    BillingKind,
    Capabilities,
    CredentialField,
    Period,
    PluginContext,
    ProviderPlugin,
    complete,
    not_complete,
)
from providers.contract.records import (
    AccountRecord,
    ChargeCategory,
    ChargeRecord,
    ConnectionTest,
    Finding,
    MonthTotal,
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
    Scope,
    ScopeResult,
    UsageRecord,
)
from providers.models import ProviderConnection
from syncs import services
from syncs.models import SyncSnapshot, SyncTrigger

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
SERVERS: Scope = ("servers",)
VOLUMES: Scope = ("volumes",)
REMAINDER = "account:plan"


def instant(days: float = 0) -> datetime:
    """So many days after 1 March 2026, 00:00 UTC."""
    return MIDNIGHT + timedelta(days=days)


def unavailable(retry_after: float | None = None) -> ProviderUnavailable:
    return ProviderUnavailable(
        "The provider does not answer.", provider="world", operation="list", retry_after=retry_after
    )


def denied() -> PermissionDenied:
    return PermissionDenied("The key may not read this.", provider="world", operation="list")


class World:
    """What the provider would answer now.

    `scopes` maps every scope to the error its list ends with, None where it ends by itself. `total` is the account's
    own rate a day. `error` breaks everything, `bill_error` ends the billed lines after `lines_before_error` of them.
    `reads` counts how often the resources were listed.
    """

    def __init__(self, *scopes: Scope) -> None:
        self.scopes: dict[Scope, ProviderError | None] = dict.fromkeys(scopes or (SERVERS, VOLUMES))
        self.things: dict[str, ResourceRecord] = {}
        self.lines: list[ChargeRecord] = []
        self.usage: list[UsageRecord] = []
        self.findings: list[Finding] = []
        self.total: Decimal | None = None
        self.month_totals: tuple[MonthTotal, ...] = ()
        self.error: ProviderError | Exception | None = None
        self.bill_error: ProviderError | None = None
        self.lines_before_error = 0
        self.account_error: ProviderError | None = None
        self.is_paged_twice = False
        self.reads = 0
        self.periods: list[Period] = []

    def put(
        self,
        resource_id: str,
        *,
        daily: str | None = None,
        currency: str = "RUB",
        inside: bool = False,
        is_list_price: bool = False,
        scope: Scope = SERVERS,
        kind: str = "server",
        **fields: Any,
    ) -> ResourceRecord:
        """Make or replace a thing; `daily` is its price a day, None where only a bill would say."""
        rate = None
        if daily is not None:
            rate = Rate(
                amount=Decimal(daily),
                currency=currency,
                period=RatePeriod.DAY,
                in_account_total=inside,
                is_list_price=is_list_price,
            )
        self.things[resource_id] = ResourceRecord(
            resource_id=resource_id,
            native_type=kind,
            scope=scope,
            rate=rate,
            **{"name": resource_id, "status": ResourceStatus.RUNNING, **fields},
        )
        return self.things[resource_id]

    def change(self, resource_id: str, **fields: Any) -> None:
        self.things[resource_id] = replace(self.things[resource_id], **fields)

    def price(self, resource_id: str, daily: str) -> None:
        rate = self.things[resource_id].rate
        assert rate is not None
        self.change(resource_id, rate=replace(rate, amount=Decimal(daily)))

    def remove(self, resource_id: str) -> None:
        del self.things[resource_id]

    def bill(self, *lines: ChargeRecord) -> None:
        self.lines += lines


def line(
    resource_id: str,
    amount: str,
    *,
    start: datetime,
    hours: float = 24,
    currency: str = "RUB",
    kind: str = "server",
    scope: Scope | None = SERVERS,
    account: str = "acc-1",
    category: ChargeCategory = ChargeCategory.USAGE,
    **fields: Any,
) -> ChargeRecord:
    """One billed line; its billing period is the calendar month (UTC) of its start."""
    month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    values: dict[str, Any] = {
        "resource_name": resource_id,
        "service_name": "Compute",
        "billed_cost": Decimal(amount),
        "effective_cost": Decimal(amount),
        "list_cost": Decimal(amount),
        "contracted_cost": Decimal(amount),
        "billing_period_start": month,
        "billing_period_end": (month + timedelta(days=32)).replace(day=1),
        "provider_name": "World",
    }
    return ChargeRecord(
        resource_id=resource_id,
        native_type=kind,
        scope=scope,
        billing_account_id=account,
        billing_currency=currency,
        charge_category=category,
        charge_period_start=start,
        charge_period_end=start + timedelta(hours=hours),
        **{**values, **fields},
    )


worlds: dict[str, World] = {}


class WorldPlugin(ProviderPlugin):
    """Reads the world that the credentials name."""

    badge = "WO"
    summary = "A world of the tests."
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (CredentialField(name="world", label="World"),)
    type_map: ClassVar[Mapping[str, ResourceType]] = {
        "server": ResourceType.SERVER,
        "volume": ResourceType.VOLUME,
        "database": ResourceType.DATABASE,
        "share": ResourceType.FILE_STORAGE,
        "plan": ResourceType.ACCOUNT_PLAN,
    }
    billing_timezone = "UTC"

    def __init__(self, context: PluginContext) -> None:
        super().__init__(context)
        self.world = worlds[context.credentials["world"]]

    def test_connection(self) -> ConnectionTest:
        return ConnectionTest(account_id="world")

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        world = self.world
        world.reads += 1
        yield from world.findings
        for scope, error in world.scopes.items():
            if error is not None:
                yield not_complete(scope, error)
                continue
            for _ in range(2 if world.is_paged_twice else 1):
                yield from (thing for thing in list(world.things.values()) if thing.scope == scope)
            yield complete(*scope)

    def usage(self, period: Period) -> Iterator[UsageRecord | ScopeResult | Finding]:
        yield from self.world.usage


class RatesCloud(WorldPlugin):
    """Billed by rates: prices of what exists, and the account's total where the world has one."""

    key = "rates-cloud"
    display_name = "Rates Cloud"
    capabilities = Capabilities(billing=BillingKind.RATES, has_usage=True)

    def account(self) -> Iterator[AccountRecord | ScopeResult | Finding]:
        world = self.world
        if world.error is not None:
            raise world.error
        if world.account_error is not None:
            yield not_complete(("account",), world.account_error)
            return
        total = None
        if world.total is not None:
            total = Rate(amount=world.total, currency="RUB", period=RatePeriod.DAY)
        yield AccountRecord(
            account_id="acc-1",
            total=total,
            remainder_id=REMAINDER,
            remainder_name="Plan",
            remainder_native_type="plan",
            remainder_scope=("account",),
            month_totals=world.month_totals,
        )
        yield complete("account")

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        if self.world.error is not None:
            raise self.world.error
        yield from super().resources()


class LinesCloud(WorldPlugin):
    """Billed by lines, with an inventory to hold them against."""

    key = "lines-cloud"
    display_name = "Lines Cloud"
    capabilities = Capabilities(billing=BillingKind.LINES)

    def charges(self, period: Period) -> Iterator[ChargeRecord | ScopeResult | Finding]:
        world = self.world
        world.periods.append(period)
        if world.error is not None:
            raise world.error
        if world.bill_error is not None:
            yield from world.lines[: world.lines_before_error]
            raise world.bill_error
        yield from (each for each in world.lines if period.start <= each.charge_period_start < period.end)
        yield complete("billing")


class TolerantCloud(LinesCloud):
    """Its figures wobble by a few kopecks."""

    key = "tolerant-cloud"
    display_name = "Tolerant Cloud"
    cost_tolerance = "0.02"


class LinesFile(WorldPlugin):
    """Billed by lines alone, as a billing file is: all of them are delivered each time, and nothing is listed."""

    key = "lines-file"
    display_name = "Lines File"
    capabilities = Capabilities(billing=BillingKind.LINES, has_inventory=False)

    def charges(self, period: Period) -> Iterator[ChargeRecord | ScopeResult | Finding]:
        if self.world.error is not None:
            raise self.world.error
        yield from (replace(each, scope=None) for each in self.world.lines)
        yield complete("file")

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        return iter(())


PLUGINS = {plugin.key: plugin for plugin in (RatesCloud, LinesCloud, TolerantCloud, LinesFile)}


def install() -> None:
    """Make these plugins the installed ones, in a process that is not pytest's."""
    registry.plugins = lambda: dict(PLUGINS)  # type: ignore[assignment]


def connect(
    organization: Organization,
    world: World,
    *,
    plugin: type[WorldPlugin] = RatesCloud,
    name: str = "acme",
) -> ProviderConnection:
    """A connection whose plugin reads `world`."""
    worlds[f"{organization.pk}/{name}"] = world
    return ProviderConnection.objects.create(
        organization=organization,
        provider_type=plugin.key,
        connection_name=name,
        credentials={"world": f"{organization.pk}/{name}"},
    )


def sync(connection: ProviderConnection, at: datetime) -> SyncSnapshot:
    """Request a sync and run it at once; returns the snapshot as it ended."""
    snapshot, _joined = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=at)
    services.run_snapshot(snapshot_id=snapshot.pk, now=at)
    snapshot.refresh_from_db()
    return snapshot
