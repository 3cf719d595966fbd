"""Snapshots, states and what syncs leave besides, for tests: rows as a sync would have written them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import factory

from accounts.tests.factories import OrganizationFactory
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.models import (
    BillingFile,
    ChargeBatch,
    ChargeLine,
    CompleteSync,
    MonthBill,
    PendingClosure,
    ProviderSyncReference,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncTrace,
    UnrecognizedResource,
)

OBSERVED = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


class BillingFileFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BillingFile

    connection = factory.SubFactory(ConnectionFactory, provider_type="files")
    organization = factory.SelfAttribute("connection.organization")
    name = factory.Sequence(lambda n: f"bill-{n}.csv")
    file = "billing_files/2026/03/0.bin"
    sha256 = "0" * 64
    size_bytes = 1024
    status = "inspected"
    report = factory.LazyFunction(
        lambda: {"error": {"code": "invalid_source", "message": "No.", "params": {}}}
    )


class SnapshotFactory(factory.django.DjangoModelFactory):
    """Finished and current. Traits: `earlier` (not current), `queued`, `failed`."""

    class Meta:
        model = SyncSnapshot

    class Params:
        earlier = factory.Trait(is_current=False)
        queued = factory.Trait(
            is_current=False, status="queued", started_at=None, observed_at=None, finished_at=None, attempt=0
        )
        failed = factory.Trait(
            is_current=False,
            status="error",
            error={"code": "authentication_failed", "message": "The password is wrong.", "params": {}},
        )

    connection = factory.SubFactory(ConnectionFactory)
    organization = factory.SelfAttribute("connection.organization")
    status = "success"
    trigger = "manual"
    requested_at = OBSERVED
    started_at = OBSERVED
    observed_at = OBSERVED
    finished_at = OBSERVED
    is_current = True
    attempt = 1


class _OfSnapshot(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True

    snapshot = factory.SubFactory(SnapshotFactory)
    organization = factory.SelfAttribute("snapshot.organization")


class SnapshotTotalFactory(_OfSnapshot):
    class Meta:
        model = SnapshotTotal

    currency = "RUB"
    billed_daily_cost = Decimal("100")
    resources_daily_cost = Decimal("99.5")
    unexplained_daily_cost = Decimal("0.5")


class MonthBillFactory(factory.django.DjangoModelFactory):
    """A thousand roubles of March 2026."""

    class Meta:
        model = MonthBill

    connection = factory.SubFactory(ConnectionFactory)
    organization = factory.SelfAttribute("connection.organization")
    month = date(2026, 3, 1)
    currency = "RUB"
    amount = Decimal(1000)
    read_at = datetime(2026, 4, 2, tzinfo=UTC)


class ScopeCoverageFactory(_OfSnapshot):
    class Meta:
        model = ScopeCoverage

    scope = factory.Sequence(lambda n: f"vps/{n}")
    status = "complete"


class TraceFactory(_OfSnapshot):
    class Meta:
        model = SyncTrace


class ResourceStateFactory(factory.django.DjangoModelFactory):
    """An open state of a running server at 22 roubles a day."""

    class Meta:
        model = ResourceState

    resource = factory.SubFactory(ResourceFactory)
    connection = factory.SelfAttribute("resource.connection")
    organization = factory.SelfAttribute("resource.organization")
    opened_at = OBSERVED
    opened_by = factory.LazyAttribute(
        lambda state: (
            SyncSnapshot.objects.filter(connection=state.connection).order_by("pk").first()
            or SnapshotFactory(connection=state.connection)
        )
    )
    action = "created"
    name = factory.SelfAttribute("resource.name")
    scope = "vps"
    status = "running"
    service_name = "VPS"
    region_id = "ru1"
    ip_addresses = factory.LazyFunction(lambda: ["10.0.0.1"])
    configuration_hash = "0" * 32
    daily_cost = Decimal("22")
    currency = "RUB"


class PendingClosureFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PendingClosure

    state = factory.SubFactory(ResourceStateFactory)
    snapshot = factory.SelfAttribute("state.opened_by")
    organization = factory.SelfAttribute("state.organization")


class UnrecognizedResourceFactory(_OfSnapshot):
    class Meta:
        model = UnrecognizedResource

    connection = factory.SelfAttribute("snapshot.connection")
    provider_type = factory.SelfAttribute("connection.provider_type")
    resource_id = factory.Sequence(lambda n: f"gpu-{n}")
    resource_name = factory.Sequence(lambda n: f"gpu-{n}")
    native_type = "gpu"
    daily_cost = Decimal("10")
    currency = "RUB"
    billing_data = factory.LazyFunction(lambda: {"metric": "gpu_hours", "flavor": {"name": "A100"}})
    observed_at = OBSERVED


class ChargeBatchFactory(_OfSnapshot):
    class Meta:
        model = ChargeBatch

    connection = factory.SelfAttribute("snapshot.connection")
    source = factory.Sequence(lambda n: f"account-{n}")
    period_start = datetime(2026, 3, 1, tzinfo=UTC)
    period_end = datetime(2026, 4, 1, tzinfo=UTC)
    line_count = 1
    published_at = OBSERVED


class ChargeLineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ChargeLine

    batch = factory.SubFactory(ChargeBatchFactory)
    organization = factory.SelfAttribute("batch.organization")
    resource = factory.LazyAttribute(lambda line: ResourceFactory(connection=line.batch.connection))
    charge_category = "Usage"
    charge_period_start = datetime(2026, 3, 1, tzinfo=UTC)
    charge_period_end = datetime(2026, 3, 2, tzinfo=UTC)
    billed_cost = effective_cost = list_cost = contracted_cost = Decimal("22")
    currency = "RUB"


class CompleteSyncFactory(factory.django.DjangoModelFactory):
    """Finished an hour after it was requested. Trait: `running`."""

    class Meta:
        model = CompleteSync

    class Params:
        running = factory.Trait(status="running", finished_at=None)

    organization = factory.SubFactory(OrganizationFactory)
    status = "success"
    trigger = "manual"
    mode = "sequential"
    requested_at = OBSERVED
    started_at = OBSERVED
    finished_at = OBSERVED + timedelta(hours=1)


class ReferenceFactory(factory.django.DjangoModelFactory):
    """A connection that was read. Traits: `waiting` (its turn has not come), `failed`."""

    class Meta:
        model = ProviderSyncReference

    class Params:
        waiting = factory.Trait(snapshot=None, status="queued", attempt=0)
        failed = factory.Trait(
            status="error",
            snapshot=factory.SubFactory(
                SnapshotFactory, connection=factory.SelfAttribute("..connection"), failed=True
            ),
        )

    complete_sync = factory.SubFactory(CompleteSyncFactory)
    organization = factory.SelfAttribute("complete_sync.organization")
    connection = factory.SubFactory(ConnectionFactory, organization=factory.SelfAttribute("..organization"))
    position = factory.Sequence(lambda n: n + 1)
    snapshot = factory.SubFactory(SnapshotFactory, connection=factory.SelfAttribute("..connection"))
    status = "success"
    attempt = 1
