"""What is known of a connection as a whole: what surrounds a resource in its facts. A fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Avg, Max, QuerySet, Sum

from costs.models import DailyTotal
from costs.series import Span
from inventory.models import MetricPoint, Resource, ResourceType
from providers.contract.errors import UnknownProvider
from providers.contract.plugin import BillingKind, ProviderPlugin
from providers.models import ProviderConnection
from providers.registry import plugin_class
from recommendations.engine.facts import ConnectionFacts, CostSummary, Twin
from recommendations.engine.pricing import PriceBook
from recommendations.engine.twins import stem_of
from syncs.models import ResourceState, ScopeCoverage, SyncSnapshot

TWIN_DAYS = 14
COST_DAYS = 7
STALE_AFTER = timedelta(days=3)
"""A connection that was not read for longer proves nothing about now."""
SERVERS = frozenset({ResourceType.SERVER, ResourceType.DEDICATED_SERVER})
ORIGINS = ("image_id", "snapshot_id", "source_volume_id")
"""Configuration keys that name what something was made from."""
REGION = "region"
BATCH = 5000


def plugin_of(connection: ProviderConnection) -> type[ProviderPlugin] | None:
    try:
        return plugin_class(connection.provider_type)
    except UnknownProvider:
        return None


def open_states(connection: ProviderConnection) -> QuerySet[ResourceState]:
    """Of everything that is there, or billed."""
    states = ResourceState.objects.open().filter(connection=connection)
    return states.exclude(status=ResourceState.Status.DELETED)


class Surroundings:
    """Reads of one connection; `until` is the organization's last midnight, `span` the whole days of its costs."""

    def __init__(
        self,
        connection: ProviderConnection,
        *,
        snapshot: SyncSnapshot | None,
        span: Span | None,
        today: date,
        until: datetime,
    ) -> None:
        self.connection = connection
        self.snapshot = snapshot
        self.span = span
        self.today = today
        self.until = until
        rows = snapshot.coverage.values_list("scope", "status") if snapshot else ()
        self.scopes = dict(rows)
        missing = (ScopeCoverage.Status.FAILED, ScopeCoverage.Status.DENIED)
        self.unread = frozenset(scope for scope, status in self.scopes.items() if status in missing)

    def history_since(self) -> datetime:
        """When the connection was first read."""
        first = (
            SyncSnapshot.objects.finished()
            .filter(connection=self.connection)
            .order_by("observed_at")
            .values_list("observed_at", flat=True)
            .first()
        )
        return first or self.connection.created_at

    def is_old(self, now: datetime) -> bool:
        observed_at = self.snapshot.observed_at if self.snapshot else None
        return observed_at is None or now - observed_at > STALE_AFTER

    def facts(
        self,
        plugin: type[ProviderPlugin] | None,
        *,
        prices: PriceBook,
        now: datetime,
        zone: ZoneInfo,
    ) -> ConnectionFacts:
        connection = self.connection
        return ConnectionFacts(
            pk=connection.pk,
            name=connection.connection_name,
            provider_type=connection.provider_type,
            provider_name=plugin.display_name if plugin else connection.provider_type,
            now=now,
            today=self.today,
            zone=zone,
            observed_at=self.snapshot.observed_at if self.snapshot else None,
            bills_lines=bool(plugin and plugin.capabilities.billing is BillingKind.LINES),
            prices=prices,
            account={
                **connection.provider_metadata,
                "balance": connection.balance,
                "balance_currency": connection.balance_currency,
                "charge_days_left": connection.charge_days_left,
            },
            twins=self._twins(),
            dead_sources=self._gone(),
            listed_ids=self._listed_ids(),
            made_from=self._made_from(),
            all_provider_types=frozenset(
                ProviderConnection.objects.of(connection.organization)
                .filter(is_active=True)
                .values_list("provider_type", flat=True)
            ),
            daily_cost=self._daily_cost(),
            region_ids=self._region_ids(),
            network_members=self._network_members(),
            stop_saves={str(kind): saves for kind, saves in plugin.capabilities.stop_saves.items()}
            if plugin
            else {},
        )

    def _twins(self) -> dict[str, Twin]:
        """Servers whose names differ only in a number, with the busiest one of each."""
        stems: dict[str, list[ResourceState]] = defaultdict(list)
        servers = open_states(self.connection).filter(resource__resource_type__in=SERVERS)
        for state in servers.only("resource_id", "name", "vcpus", "memory_mib"):
            if stem := stem_of(state.name):
                stems[stem].append(state)
        twins = {stem: states for stem, states in stems.items() if len(states) > 1}
        used = self._use([state.resource_id for states in twins.values() for state in states])
        found = {}
        for stem, states in twins.items():
            busiest = max(
                states,
                key=lambda state: (used.get((state.resource_id, "cpu_percent"), (0.0, 0.0))[0], -state.pk),
            )
            cpu = used.get((busiest.resource_id, "cpu_percent"))
            memory = used.get((busiest.resource_id, "memory_percent"))
            found[stem] = Twin(
                count=len(states),
                busiest_pk=busiest.resource_id,
                busiest_cpu=round(cpu[0], 2) if cpu else 0.0,
                vcpus=busiest.vcpus,
                memory_mib=busiest.memory_mib,
                highest_cpu=cpu[1] if cpu else None,
                highest_memory=memory[1] if memory else None,
            )
        return found

    def _use(self, pks: Sequence[int]) -> dict[tuple[int, str], tuple[float, float]]:
        """{(resource, metric): mean and highest hourly mean} of the last two weeks."""
        found: dict[tuple[int, str], tuple[float, float]] = {}
        for batch in _batches(pks):
            rows = (
                MetricPoint.objects.filter(
                    resource_id__in=batch,
                    metric__in=("cpu_percent", "memory_percent"),
                    observed_at__gte=self.until - timedelta(days=TWIN_DAYS),
                    observed_at__lt=self.until,
                )
                .order_by()
                .values_list("resource_id", "metric")
                .annotate(mean=Avg("value"), highest=Max("value"))
            )
            found.update({(pk, metric): (mean, highest) for pk, metric, mean, highest in rows})
        return found

    def _gone(self) -> dict[str, datetime]:
        """{provider's id: when it was last there} of what was there and is not."""
        return dict(
            Resource.objects.filter(connection=self.connection)
            .exclude(pk__in=open_states(self.connection).values("resource_id"))
            .annotate(gone_at=Max("states__closed_at"))
            .filter(gone_at__isnull=False)
            .values_list("resource_id", "gone_at")
        )

    def _listed_ids(self) -> frozenset[str] | None:
        if self.snapshot is None or self.unread:
            return None
        there = open_states(self.connection).exclude(status=ResourceState.Status.DELETED_BILLED)
        return frozenset(there.values_list("resource__resource_id", flat=True))

    def _made_from(self) -> dict[str, datetime]:
        """By what servers and volumes were made from, closed forms among them; `until` where something still is."""
        found: dict[str, datetime] = {}
        for key in ORIGINS:
            rows = (
                ResourceState.objects.filter(
                    connection=self.connection, opened_at__isnull=False, configuration__has_key=key
                )
                .order_by()
                .values_list(f"configuration__{key}", "closed_at")
            )
            for origin, closed_at in rows.iterator(2000):
                last = closed_at or self.until
                if origin and (origin not in found or found[origin] < last):
                    found[origin] = last
        return found

    def _daily_cost(self) -> CostSummary | None:
        """In the currency that most of it is billed in."""
        if self.span is None:
            return None
        last = min(self.span[1], self.today - timedelta(days=1))
        first = max(self.span[0], last - timedelta(days=COST_DAYS - 1))
        days = (last - first).days + 1
        if days < 1:
            return None
        sums = (
            DailyTotal.objects.filter(connection=self.connection, date__gte=first, date__lte=last)
            .order_by()
            .values_list("currency")
            .annotate(total=Sum("effective_cost"))
        )
        largest = max(sums, key=lambda row: row[1], default=None)
        if largest is None:
            return None
        currency, total = largest
        return CostSummary(day_cost=round(Decimal(total), 6) / days, full_days=days, currency=currency)

    def _region_ids(self) -> frozenset[str] | None:
        found = set()
        for scope in self.scopes:
            parts = scope.split("/")
            if REGION in parts[:-1]:
                found.add(parts[parts.index(REGION) + 1])
        return frozenset(found) or None

    def _network_members(self) -> dict[str, tuple[int, ...]]:
        members: dict[str, list[int]] = defaultdict(list)
        rows = (
            open_states(self.connection)
            .filter(configuration__has_key="private_networks")
            .order_by("resource_id")
            .values_list("resource_id", "configuration__private_networks")
        )
        for pk, networks in rows:
            for network in networks if isinstance(networks, list) else ():
                members[str(network)].append(pk)
        return {network: tuple(pks) for network, pks in members.items()}


def _batches(items: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
