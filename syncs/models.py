"""The history of what was read: snapshots, coverage, resource states, billed lines, what was not recognised."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.tenancy import TenantManager, TenantModel, TenantQuerySet
from common.models import MoneyField, TimestampedModel
from inventory.models import Resource, ResourceType
from providers.models import ProviderConnection


class SyncStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", pgettext_lazy("sync", "Running")
    SUCCESS = "success", _("Done")
    PARTIAL = "partial", _("Partial")
    ERROR = "error", _("Error")


ACTIVE = (SyncStatus.QUEUED, SyncStatus.RUNNING)
FINISHED = (SyncStatus.SUCCESS, SyncStatus.PARTIAL)


class SyncTrigger(models.TextChoices):
    MANUAL = "manual", _("By hand")
    SCHEDULED = "scheduled", _("By schedule")
    API = "api", _("By API")
    UPLOAD = "upload", _("File upload")
    DEMO = "demo", _("Demo")


class Phase(models.TextChoices):
    """Where a running sync is; the eight phases of the engine, in order, after the reading."""

    COLLECT = "collect", _("Reading from the provider")
    BILLING = "billing", _("Billing")
    GROUPING = "grouping", _("Grouping")
    SERVERS = "servers", _("Servers")
    VOLUMES = "volumes", _("Volumes")
    FILE_STORAGE = "file_storage", _("File storage")
    EVERYTHING_ELSE = "everything_else", _("Everything else")
    UNIFICATION = "unification", _("Unification")
    COMPLETION = "completion", _("Completion")


class BillingFileStatus(models.TextChoices):
    INSPECTED = "inspected", _("Checked")
    REFUSED = "refused", _("Refused")
    IMPORTED = "imported", _("Imported")


class BillingFile(TenantModel, TimestampedModel):
    """A file of billing data that a person gave us; `report` is what its inspection found, as JSON."""

    connection = models.ForeignKey(
        ProviderConnection,
        on_delete=models.CASCADE,
        related_name="billing_files",
        verbose_name=_("connection"),
    )
    name = models.CharField(_("file name"), max_length=255)
    file = models.FileField(_("file"), upload_to="billing_files/%Y/%m/")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField(_("size"))
    status = models.CharField(_("status"), max_length=16, choices=BillingFileStatus.choices)
    report = models.JSONField(_("report"), default=dict)
    skip_bad_rows = models.BooleanField(_("skip bad rows"), default=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("billing file")
        verbose_name_plural = _("billing files")

    def __str__(self) -> str:
        return self.name


class SyncSnapshotQuerySet(TenantQuerySet["SyncSnapshot"]):
    def finished(self) -> Self:
        return self.filter(status__in=FINISHED)

    def active(self) -> Self:
        return self.filter(status__in=ACTIVE)


class SyncSnapshot(TenantModel):
    """One reading of one connection: queued → running → success | partial | error, immutable once finished.

    `observed_at` is the one instant that the reading stands for. While it runs, `lease_token` names the worker that
    holds it until `lease_expires_at`; a dead worker loses it. `is_current` marks the connection's latest finished
    snapshot: readers follow it, so they see a snapshot whole or not at all.
    """

    connection = models.ForeignKey(
        ProviderConnection, on_delete=models.CASCADE, related_name="snapshots", verbose_name=_("connection")
    )
    status = models.CharField(
        _("status"), max_length=16, choices=SyncStatus.choices, default=SyncStatus.QUEUED
    )
    trigger = models.CharField(_("started"), max_length=16, choices=SyncTrigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    billing_file = models.ForeignKey(
        BillingFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="snapshots"
    )
    requested_at = models.DateTimeField(_("requested"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    observed_at = models.DateTimeField(_("observed"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    is_current = models.BooleanField(_("current"), default=False)

    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    phase = models.CharField(_("phase"), max_length=16, choices=Phase.choices, blank=True)
    progress = models.JSONField(
        _("progress"), default=dict, blank=True, help_text=_("Found so far, and what it waits for.")
    )

    created_count = models.PositiveIntegerField(_("new"), default=0)
    updated_count = models.PositiveIntegerField(_("changed"), default=0)
    unchanged_count = models.PositiveIntegerField(_("unchanged"), default=0)
    deleted_count = models.PositiveIntegerField(_("gone"), default=0)
    stale_count = models.PositiveIntegerField(_("stale"), default=0)
    resource_count = models.PositiveIntegerField(_("resources"), default=0)
    unrecognized_count = models.PositiveIntegerField(_("unrecognised"), default=0)
    breakdown = models.JSONField(
        _("sums"), default=dict, blank=True, help_text=_("Counts and daily cost by type and by status.")
    )
    findings = models.JSONField(_("findings"), default=list, blank=True)
    error = models.JSONField(_("error"), default=dict, blank=True)
    timings = models.JSONField(_("seconds by phase"), default=dict, blank=True)
    after_sync_at = models.DateTimeField(
        _("derived data brought up to date"),
        null=True,
        blank=True,
        help_text=_("Costs, tags and whatever follows from the snapshot; empty until all of it is done."),
    )
    after_sync_errors = models.JSONField(_("what failed afterwards"), default=dict, blank=True)

    objects = SyncSnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = _("sync snapshot")
        verbose_name_plural = _("sync snapshots")
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(status__in=["queued", "running"]),
                name="syncs_snapshot_one_active",
            ),
            models.UniqueConstraint(
                fields=["connection"], condition=Q(is_current=True), name="syncs_snapshot_one_current"
            ),
            models.CheckConstraint(
                condition=Q(is_current=False) | Q(status__in=["success", "partial"]),
                name="syncs_snapshot_current_is_finished",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-requested_at"], name="syncs_snapshot_by_tenant"),
            models.Index(fields=["connection", "-observed_at"], name="syncs_snapshot_by_connection"),
            models.Index(fields=["status", "lease_expires_at"], name="syncs_snapshot_by_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.connection} · {self.observed_at or self.requested_at:%Y-%m-%d %H:%M}"

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class SyncTrace(TenantModel):
    """What one sync asked of its provider, how long it waited and what came of it; as `providers.contract.trace` counts.

    A row of its own, because snapshots are joined to everywhere. Zeros and empty texts are left out:
    `steps` [{name, seconds, records, error}] · `waits` {kind: seconds by the clock} ·
    `calls` [{step, api, call, region, requests, statuses: {status: count}, repeats, given_up, tries, wire, slowest,
    bytes, waits: {kind: seconds}}] · `earlier` [{attempt, seconds, requests, error: {code, message, params}}] of the
    attempts that ended without a result.
    """

    snapshot = models.OneToOneField(
        SyncSnapshot, on_delete=models.CASCADE, related_name="trace", verbose_name=_("sync snapshot")
    )
    steps = models.JSONField(_("steps"), default=list, blank=True)
    calls = models.JSONField(_("calls"), default=list, blank=True)
    waits = models.JSONField(_("waits"), default=dict, blank=True)
    earlier = models.JSONField(_("earlier attempts"), default=list, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("sync trace")
        verbose_name_plural = _("sync traces")

    def __str__(self) -> str:
        return str(self.snapshot)


class SnapshotTotal(TenantModel):
    """The reconciliation of one snapshot in one currency, per day.

    `billed_daily_cost` is the provider's own word; `resources_daily_cost` the sum of our resources' own rates;
    `unexplained_daily_cost` their difference, kept as a column so that it can be found.
    """

    snapshot = models.ForeignKey(SyncSnapshot, on_delete=models.CASCADE, related_name="totals")
    currency = models.CharField(_("currency"), max_length=3)
    billed_daily_cost = MoneyField(_("billed, a day"))
    resources_daily_cost = MoneyField(_("sum of resources, a day"))
    unexplained_daily_cost = MoneyField(_("not explained, a day"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("snapshot total")
        verbose_name_plural = _("snapshot totals")
        constraints = [models.UniqueConstraint(fields=["snapshot", "currency"], name="syncs_total_once")]

    def __str__(self) -> str:
        return self.currency


class MonthBill(TenantModel):
    """What a provider's own report says a connection's whole month came to, as it was read last.

    `month` is its first day in the provider's zone; `leaves_out` are native types that the report does not count.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="month_bills")
    month = models.DateField(_("month"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = MoneyField(_("reported"))
    leaves_out = models.JSONField(_("left out"), default=list, blank=True)
    read_at = models.DateTimeField(_("read"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("reported month")
        verbose_name_plural = _("reported months")
        constraints = [
            models.UniqueConstraint(fields=["connection", "month", "currency"], name="syncs_month_bill_once")
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.currency}"


class ScopeCoverage(TenantModel):
    """How the reading of one scope ended in one snapshot; `last_complete_at` is when it last ended completely.

    A resource is stale as of a snapshot when its scope was neither complete nor absent there.
    """

    class Status(models.TextChoices):
        COMPLETE = "complete", _("Read completely")
        FAILED = "failed", _("Failed")
        DENIED = "denied", _("No access")
        ABSENT = "absent", _("Not used there")

    snapshot = models.ForeignKey(SyncSnapshot, on_delete=models.CASCADE, related_name="coverage")
    scope = models.CharField(_("scope"), max_length=300)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices)
    error_code = models.CharField(_("error"), max_length=40, blank=True)
    message = models.TextField(_("message"), blank=True)
    params = models.JSONField(default=dict, blank=True)
    last_complete_at = models.DateTimeField(_("last read completely"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("coverage")
        verbose_name_plural = _("coverage")
        constraints = [models.UniqueConstraint(fields=["snapshot", "scope"], name="syncs_coverage_once")]

    def __str__(self) -> str:
        return f"{self.scope}: {self.status}"


class ResourceStateQuerySet(TenantQuerySet["ResourceState"]):
    def as_of(self, moment: datetime) -> Self:
        """The states that held at `moment`; drafts have no `opened_at` and never match."""
        return self.filter(Q(closed_at__isnull=True) | Q(closed_at__gt=moment), opened_at__lte=moment)

    def open(self) -> Self:
        """The states that hold now."""
        return self.filter(opened_at__isnull=False, closed_at__isnull=True)


class ResourceState(TenantModel):
    """The form of one resource over `[opened_at, closed_at)`.

    Written as a draft with `opened_at` null; the snapshot's last small transaction opens all its drafts and closes
    what they replace. Costs are the resource's **own** rate, without components, in `currency` a day; null means not
    known yet, which is not 0. `changes` holds {field: [before, after]} against the state before.
    """

    class Action(models.TextChoices):
        CREATED = "created", _("First seen")
        UPDATED = "updated", _("Changed")
        RETURNED = "returned", _("Seen again")

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        ERROR = "error", _("Error")
        PENDING = "pending", _("In progress")
        DELETED = "deleted", _("Deleted")
        DELETED_BILLED = "deleted_billed", _("Deleted, still billed")
        UNKNOWN = "unknown", _("Unknown")

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="states")
    opened_at = models.DateTimeField(_("from"), null=True, blank=True)
    closed_at = models.DateTimeField(_("until"), null=True, blank=True)
    opened_by = models.ForeignKey(SyncSnapshot, on_delete=models.CASCADE, related_name="opened_states")
    closed_by = models.ForeignKey(
        SyncSnapshot, on_delete=models.CASCADE, null=True, blank=True, related_name="closed_states"
    )
    action = models.CharField(_("event"), max_length=16, choices=Action.choices)
    has_cost_change = models.BooleanField(_("cost changed"), default=False)
    has_status_change = models.BooleanField(_("status changed"), default=False)
    has_configuration_change = models.BooleanField(_("configuration changed"), default=False)
    changes = models.JSONField(_("changes"), default=dict, blank=True)

    name = models.CharField(_("name"), max_length=300)
    scope = models.CharField(_("scope"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices)
    provider_status = models.CharField(_("provider's status"), max_length=64, blank=True)
    is_orphan = models.BooleanField(_("orphan"), default=False)
    is_provisional = models.BooleanField(_("provisional"), default=False)
    absent_since = models.DateTimeField(_("billed but absent since"), null=True, blank=True)
    parent = models.ForeignKey(Resource, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    service_name = models.CharField(_("service"), max_length=200, blank=True)
    region_id = models.CharField(_("region"), max_length=64, blank=True)
    sub_account_id = models.CharField(_("project id"), max_length=120, blank=True)
    sub_account_name = models.CharField(_("project"), max_length=200, blank=True)
    vcpus = models.DecimalField(_("vCPU"), max_digits=10, decimal_places=2, null=True, blank=True)
    memory_mib = models.PositiveBigIntegerField(_("memory, MiB"), null=True, blank=True)
    storage_gib = models.DecimalField(
        _("storage, GiB"), max_digits=16, decimal_places=3, null=True, blank=True
    )
    operating_system = models.CharField(_("operating system"), max_length=120, blank=True)
    engine = models.CharField(_("engine"), max_length=64, blank=True)
    engine_version = models.CharField(_("version"), max_length=64, blank=True)
    ip_addresses = models.JSONField(_("IP addresses"), default=list, blank=True)
    configuration = models.JSONField(_("configuration"), default=dict, blank=True)
    configuration_hash = models.CharField(max_length=32)
    tags = models.JSONField(_("provider's tags"), default=dict, blank=True)

    daily_cost = MoneyField(_("cost a day"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    original_cost = MoneyField(_("original cost"), null=True, blank=True)
    original_period = models.CharField(_("original period"), max_length=8, blank=True)
    is_list_price = models.BooleanField(_("list price"), default=False)
    in_account_total = models.BooleanField(_("part of the account's total"), default=False)

    objects = ResourceStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("resource state")
        verbose_name_plural = _("resource states")
        constraints = [
            models.UniqueConstraint(
                fields=["resource"],
                condition=Q(opened_at__isnull=False, closed_at__isnull=True),
                name="syncs_state_one_open",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gt=F("opened_at")),
                name="syncs_state_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "opened_at", "closed_at"], name="syncs_state_as_of_tenant"),
            models.Index(fields=["connection", "opened_at", "closed_at"], name="syncs_state_as_of"),
            models.Index(fields=["resource", "opened_at"], name="syncs_state_by_resource"),
        ]

    @property
    def monthly_cost(self) -> object:
        """A month is thirty days, and labelled so where it is shown."""
        return None if self.daily_cost is None else self.daily_cost * 30


class PendingClosure(TenantModel):
    """What a running sync will close: a state that another form replaces, or whose resource is gone."""

    snapshot = models.ForeignKey(SyncSnapshot, on_delete=models.CASCADE, related_name="pending_closures")
    state = models.ForeignKey(ResourceState, on_delete=models.CASCADE, related_name="+")

    objects = TenantManager()

    class Meta:
        verbose_name = _("pending closure")
        verbose_name_plural = _("pending closures")
        constraints = [models.UniqueConstraint(fields=["snapshot", "state"], name="syncs_closure_once")]


class UnrecognizedResource(TenantModel):
    """Billed or listed under a type that maps to nothing; one record per snapshot that saw it."""

    snapshot = models.ForeignKey(SyncSnapshot, on_delete=models.CASCADE, related_name="unrecognized")
    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    provider_type = models.CharField(_("provider"), max_length=32)
    resource_id = models.CharField(_("provider's id"), max_length=300)
    resource_name = models.CharField(_("name"), max_length=300)
    native_type = models.CharField(_("provider's type"), max_length=120)
    service_name = models.CharField(_("service"), max_length=200, blank=True)
    daily_cost = MoneyField(_("cost a day"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    billing_data = models.JSONField(_("billing data"), default=dict, blank=True)
    observed_at = models.DateTimeField(_("observed"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    mapped_to = models.CharField(_("mapped to"), max_length=32, choices=ResourceType.choices, blank=True)
    notes = models.TextField(_("notes"), blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("unrecognised resource")
        verbose_name_plural = _("unrecognised resources")
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "resource_id"], name="syncs_unrecognized_once"),
        ]
        indexes = [
            models.Index(
                fields=["provider_type", "native_type", "resolved_at"], name="syncs_unrecognized_by_type"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.native_type}: {self.resource_name}"


class ChargeBatch(TenantModel):
    """One delivery of one period's lines from one billing source.

    A new delivery of the same (connection, source, period) replaces the one before as a whole: `replaced_by` is set
    in the snapshot's last transaction. Readers take batches whose snapshot is finished and that nothing replaced.
    The same content again is recognised by `content_hash` and dropped.
    """

    connection = models.ForeignKey(
        ProviderConnection, on_delete=models.CASCADE, related_name="charge_batches"
    )
    snapshot = models.ForeignKey(SyncSnapshot, on_delete=models.CASCADE, related_name="charge_batches")
    source = models.CharField(_("billing source"), max_length=300)
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until"))
    content_hash = models.CharField(max_length=64, blank=True)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    replaced_at = models.DateTimeField(_("replaced"), null=True, blank=True)
    replaced_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("delivery of billed lines")
        verbose_name_plural = _("deliveries of billed lines")
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "source", "period_start"],
                condition=Q(published_at__isnull=False, replaced_at__isnull=True),
                name="syncs_batch_one_current",
            ),
        ]


class ChargeLine(TenantModel):
    """One billed line as the provider delivered it, normalised; FOCUS names."""

    batch = models.ForeignKey(ChargeBatch, on_delete=models.CASCADE, related_name="lines")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="charge_lines")
    charge_category = models.CharField(_("category"), max_length=16)
    charge_class = models.CharField(_("class"), max_length=16, blank=True)
    charge_frequency = models.CharField(_("frequency"), max_length=16, blank=True)
    charge_description = models.CharField(_("description"), max_length=500, blank=True)
    charge_period_start = models.DateTimeField(_("from"))
    charge_period_end = models.DateTimeField(_("until"))
    billed_cost = MoneyField(_("billed cost"), max_digits=28, decimal_places=12)
    effective_cost = MoneyField(_("effective cost"), max_digits=28, decimal_places=12)
    list_cost = MoneyField(_("list cost"), max_digits=28, decimal_places=12)
    contracted_cost = MoneyField(_("contracted cost"), max_digits=28, decimal_places=12)
    currency = models.CharField(_("currency"), max_length=3)
    provider_name = models.CharField(_("provider"), max_length=120, blank=True)
    billing_account_id = models.CharField(_("billing account"), max_length=200, blank=True)
    service_name = models.CharField(_("service"), max_length=200, blank=True)
    service_category = models.CharField(_("service category"), max_length=60, blank=True)
    region_id = models.CharField(_("region"), max_length=64, blank=True)
    sub_account_id = models.CharField(_("project id"), max_length=120, blank=True)
    sku_id = models.CharField(_("SKU"), max_length=200, blank=True)
    pricing_category = models.CharField(_("pricing category"), max_length=16, blank=True)
    pricing_quantity = models.DecimalField(max_digits=28, decimal_places=10, null=True, blank=True)
    pricing_unit = models.CharField(max_length=60, blank=True)
    commitment_discount_id = models.CharField(_("commitment"), max_length=200, blank=True)
    commitment_discount_status = models.CharField(max_length=16, blank=True)
    invoice_id = models.CharField(_("invoice"), max_length=120, blank=True)
    extra = models.JSONField(_("other columns"), default=dict, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("billed line")
        verbose_name_plural = _("billed lines")
        indexes = [
            models.Index(fields=["batch", "charge_period_start"], name="syncs_line_by_batch"),
            models.Index(fields=["resource", "charge_period_start"], name="syncs_line_by_resource"),
        ]


class CompleteSyncMode(models.TextChoices):
    SEQUENTIAL = "sequential", _("One after another")
    PARALLEL = "parallel", _("All at once")


class CompleteSyncQuerySet(TenantQuerySet["CompleteSync"]):
    def active(self) -> Self:
        return self.filter(status__in=ACTIVE)

    def ended(self) -> Self:
        return self.exclude(status__in=ACTIVE)


class CompleteSync(TenantModel):
    """One run over all connections of an organization that are synced automatically.

    queued → running → success (all read) | partial | error (none read); a retry of the failed ones opens it again.
    `daily_costs` is {currency: amount a day as text} and `resource_count` a number, both over the connections that
    were read. `scheduled_date` is the organization's local day that a scheduled one stands for: one each day.
    """

    status = models.CharField(
        _("status"), max_length=16, choices=SyncStatus.choices, default=SyncStatus.QUEUED
    )
    trigger = models.CharField(_("started"), max_length=16, choices=SyncTrigger.choices)
    mode = models.CharField(_("order"), max_length=16, choices=CompleteSyncMode.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    scheduled_date = models.DateField(_("for the day"), null=True, blank=True)
    requested_at = models.DateTimeField(_("requested"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    resource_count = models.PositiveIntegerField(_("resources"), default=0)
    daily_costs = models.JSONField(_("cost a day"), default=dict, blank=True)
    told_at = models.DateTimeField(
        _("told"), null=True, blank=True, help_text=_("When everyone who waits for the result had it.")
    )
    telling_errors = models.JSONField(_("what failed afterwards"), default=dict, blank=True)

    objects = CompleteSyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("complete sync")
        verbose_name_plural = _("complete syncs")
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(status__in=["queued", "running"]),
                name="syncs_complete_one_active",
            ),
            models.UniqueConstraint(
                fields=["organization", "scheduled_date"],
                condition=Q(scheduled_date__isnull=False),
                name="syncs_complete_once_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-requested_at"], name="syncs_complete_by_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.requested_at:%Y-%m-%d %H:%M}"

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class ProviderSyncReference(TenantModel):
    """The part of one connection in a complete sync; `position` is the connection's place in `created_at` order.

    `snapshot` is the sync that reads it, also one that ran already and was joined; it stays null while the
    connection waits for its turn, and where no sync could begin (`error` then is {code, message, params}).
    """

    complete_sync = models.ForeignKey(CompleteSync, on_delete=models.CASCADE, related_name="references")
    connection = models.ForeignKey(
        ProviderConnection, on_delete=models.CASCADE, related_name="+", verbose_name=_("connection")
    )
    position = models.PositiveIntegerField(_("place"))
    snapshot = models.ForeignKey(
        SyncSnapshot,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="complete_references",
        verbose_name=_("sync snapshot"),
    )
    status = models.CharField(
        _("status"), max_length=16, choices=SyncStatus.choices, default=SyncStatus.QUEUED
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    error = models.JSONField(_("error"), default=dict, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("connection in a complete sync")
        verbose_name_plural = _("connections in complete syncs")
        constraints = [
            models.UniqueConstraint(fields=["complete_sync", "connection"], name="syncs_reference_once"),
            models.UniqueConstraint(fields=["complete_sync", "position"], name="syncs_reference_place_once"),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.connection}"
