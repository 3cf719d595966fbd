"""What a tenant has at its providers: resources, what they are called in the business, and how much they are used.

The form of a resource at a moment (status, specification, cost) is a `syncs.ResourceState`; what stands here
outlives every snapshot.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel
from providers.models import ProviderConnection


class ResourceType(models.TextChoices):
    """The taxonomy; the same values as `providers.contract.records.ResourceType`, with names for people."""

    SERVER = "server", _("Server")
    VOLUME = "volume", _("Volume")
    SNAPSHOT = "snapshot", _("Snapshot")
    IMAGE = "image", _("Image")
    BACKUP = "backup", _("Backup")
    FILE_STORAGE = "file_storage", _("File storage")
    S3_BUCKET = "s3_bucket", _("S3 bucket")
    DATABASE = "database", _("Database")
    KUBERNETES_CLUSTER = "kubernetes_cluster", _("Kubernetes cluster")
    KUBERNETES_NODE_GROUP = "kubernetes_node_group", _("Kubernetes node group")
    CONTAINER_REGISTRY = "container_registry", _("Container registry")
    LOAD_BALANCER = "load_balancer", _("Load balancer")
    NETWORK = "network", _("Network")
    ROUTER = "router", _("Router")
    FLOATING_IP = "floating_ip", _("Public IP")
    DNS_ZONE = "dns_zone", _("DNS zone")
    DOMAIN = "domain", _("Domain")
    WEBSITE = "website", _("Website")
    MAILBOX = "mailbox", _("Mailbox")
    FTP_ACCOUNT = "ftp_account", _("FTP account")
    CDN = "cdn", _("CDN")
    FUNCTION = "function", _("Function")
    DEDICATED_SERVER = "dedicated_server", _("Dedicated server")
    LICENCE = "licence", _("Licence")
    ACCOUNT_PLAN = "account_plan", _("Account plan")
    SUPPORT = "support", _("Support")
    OTHER = "other", _("Other")


class Provenance(models.TextChoices):
    """Where a business value comes from; an earlier one beats a later one."""

    PERSON = "person", _("set by a person")
    RULE = "rule", _("by a rule")
    PROVIDER = "provider", _("from the provider's tag")
    GUESS = "guess", _("a guess")


class Resource(TenantModel, TimestampedModel):
    """One thing a provider bills for or shows; its identity outlives every snapshot of it.

    Identity is (connection, resource_id). `resource_type` follows the mapping of `native_type` and may change
    without a new state. `name` is the last name seen, for search; the name at a moment stands in the state.
    """

    connection = models.ForeignKey(
        ProviderConnection, on_delete=models.CASCADE, related_name="resources", verbose_name=_("connection")
    )
    resource_id = models.CharField(_("provider's id"), max_length=300)
    native_type = models.CharField(_("provider's type"), max_length=120)
    resource_type = models.CharField(_("type"), max_length=32, choices=ResourceType.choices)
    name = models.CharField(_("name"), max_length=300)
    provider_created_at = models.DateTimeField(_("created at the provider"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))

    business_unit = models.CharField(_("business unit"), max_length=100, blank=True)
    project = models.CharField(_("project"), max_length=100, blank=True)
    feature = models.CharField(_("feature"), max_length=100, blank=True)
    cost_center = models.CharField(_("cost centre"), max_length=100, blank=True)
    environment = models.CharField(_("environment"), max_length=100, blank=True)
    owner = models.CharField(_("owner"), max_length=100, blank=True)
    context_provenance = models.JSONField(
        _("where the business context comes from"),
        default=dict,
        blank=True,
        help_text=_("{field: provenance}"),
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        constraints = [
            models.UniqueConstraint(fields=["connection", "resource_id"], name="inventory_resource_identity"),
            models.CheckConstraint(
                condition=Q(resource_type__in=ResourceType.values), name="inventory_resource_type_known"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "resource_type"], name="inventory_resource_by_type"),
            models.Index(fields=["connection", "native_type"], name="inventory_resource_by_native"),
        ]

    def __str__(self) -> str:
        return self.name


class TypeMapping(TimestampedModel):
    """An administrator's answer to an unrecognised type; comes before the plugin's own defaults."""

    provider_type = models.CharField(_("provider"), max_length=32)
    native_type = models.CharField(_("provider's type"), max_length=120)
    resource_type = models.CharField(_("type"), max_length=32, choices=ResourceType.choices)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    notes = models.TextField(_("notes"), blank=True)

    class Meta:
        verbose_name = _("type mapping")
        verbose_name_plural = _("type mappings")
        constraints = [
            models.UniqueConstraint(
                fields=["provider_type", "native_type"], name="inventory_type_mapping_once"
            ),
            models.CheckConstraint(
                condition=Q(resource_type__in=ResourceType.values), name="inventory_type_mapping_type_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_type}: {self.native_type} → {self.resource_type}"


class TagCategory(TenantModel, TimestampedModel):
    """A key that the organization agreed on, with the values it may have."""

    key = models.CharField(_("key"), max_length=128)
    is_required = models.BooleanField(_("required"), default=False)
    allowed_values = models.JSONField(_("allowed values"), default=list, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("tag category")
        verbose_name_plural = _("tag categories")
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="inventory_tag_category_once")
        ]

    def __str__(self) -> str:
        return self.key


class TagSource(models.TextChoices):
    PROVIDER = "provider", _("from the provider")
    USER = "user", _("set by a person")


class Tag(TenantModel, TimestampedModel):
    """One key and value on a resource. A sync writes only the provider's tags; a person's tag survives syncs."""

    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="tags", verbose_name=_("resource")
    )
    key = models.CharField(_("key"), max_length=128)
    value = models.CharField(_("value"), max_length=256, blank=True)
    source = models.CharField(_("source"), max_length=16, choices=TagSource.choices)

    objects = TenantManager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [
            models.UniqueConstraint(fields=["resource", "key", "source"], name="inventory_tag_once")
        ]
        indexes = [models.Index(fields=["organization", "key", "value"], name="inventory_tag_by_value")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class ResourceNote(TenantModel, TimestampedModel):
    """What people wrote about a resource."""

    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="notes", verbose_name=_("resource")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("author"),
    )
    text = models.TextField(_("text"), max_length=4000)

    objects = TenantManager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text[:60]


class SoftwareComponent(TenantModel, TimestampedModel):
    """Software found on a resource."""

    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="software", verbose_name=_("resource")
    )
    name = models.CharField(_("name"), max_length=128)
    version = models.CharField(_("version"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=32, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("software")
        verbose_name_plural = _("software")
        constraints = [models.UniqueConstraint(fields=["resource", "name"], name="inventory_software_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class MetricPoint(TenantModel):
    """One hour of one metric: average and maximum of what was measured from `observed_at` on.

    `metric` and its unit are those of `providers.contract.records.UsageRecord`.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="metric_points")
    metric = models.CharField(_("metric"), max_length=32)
    observed_at = models.DateTimeField(_("at"))
    value = models.FloatField(_("average"))
    maximum = models.FloatField(_("maximum"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("measurement")
        verbose_name_plural = _("measurements")
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "metric", "observed_at"], name="inventory_metric_point_once"
            )
        ]


class UsageSummary(TenantModel):
    """Average, maximum and minimum of one metric over one period, computed from the points."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="usage_summaries")
    metric = models.CharField(_("metric"), max_length=32)
    period_days = models.PositiveSmallIntegerField(_("days"))
    computed_at = models.DateTimeField(_("computed"))
    average = models.FloatField(_("average"))
    maximum = models.FloatField(_("maximum"))
    minimum = models.FloatField(_("minimum"))
    sample_count = models.PositiveIntegerField(_("points"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("usage summary")
        verbose_name_plural = _("usage summaries")
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "metric", "period_days"], name="inventory_usage_summary_once"
            )
        ]
