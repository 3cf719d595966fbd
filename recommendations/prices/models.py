"""List prices with their history, and how their readings ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel
from inventory.models import ResourceType
from providers.contract.records import PriceComponent
from providers.models import ProviderConnection


class Source(models.TextChoices):
    """Who says so. Of one list a correction comes before an upload, and an upload before what a plugin read."""

    PLUGIN = "plugin", _("read from the provider")
    UPLOAD = "upload", _("uploaded")
    CORRECTION = "correction", _("corrected")


class Component(models.TextChoices):
    VCPU = PriceComponent.VCPU.value, _("vCPU")
    MEMORY_GIB = PriceComponent.MEMORY_GIB.value, _("GiB of memory")
    STORAGE_GIB = PriceComponent.STORAGE_GIB.value, _("GiB of storage")
    IOPS = PriceComponent.IOPS.value, _("operation a second")
    GPU = PriceComponent.GPU.value, _("GPU")
    PUBLIC_IP = PriceComponent.PUBLIC_IP.value, _("public address")
    TRAFFIC_GIB = PriceComponent.TRAFFIC_GIB.value, _("GiB of traffic")
    REQUESTS = PriceComponent.REQUESTS.value, _("request")
    RETRIEVAL_GIB = PriceComponent.RETRIEVAL_GIB.value, _("GiB read back")


class Period(models.TextChoices):
    """What the amount is for; "" is one unit of use."""

    HOUR = "hour", _("hour")
    DAY = "day", _("day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


class DiskClass(models.TextChoices):
    HDD = "hdd", "HDD"
    SSD = "ssd", "SSD"
    NVME = "nvme", "NVMe"


class PriceQuerySet(models.QuerySet["Price"]):
    def visible_in(self, organization: Organization) -> Self:
        """Its own list and the shared catalogue; never another organization's."""
        return self.filter(Q(organization=organization) | Q(organization__isnull=True))

    def shared(self) -> Self:
        return self.filter(organization__isnull=True)

    def holding_at(self, moment: datetime) -> Self:
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=moment), valid_from__lte=moment)

    def open(self) -> Self:
        return self.filter(valid_until__isnull=True)


class Price(TimestampedModel):
    """One list price and how long it held; rows are closed, never overwritten.

    Without an organization it belongs to the shared catalogue. What a plugin read through a connection is that
    organization's alone: it may be a price of its contract. `scope` is the list that it stood in, by which a later
    complete reading knows that it is gone; `read_at` when it was last confirmed. The other fields are as in
    `providers.contract.records.PriceRecord`.
    """

    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organization"),
    )
    provider_type = models.CharField(_("provider"), max_length=32)
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    scope = models.CharField(_("list"), max_length=200, blank=True)
    sku_id = models.CharField(_("SKU"), max_length=200)
    billing_sku_id = models.CharField(_("SKU in the bill"), max_length=200, blank=True)
    resource_type = models.CharField(_("type"), max_length=32, choices=ResourceType.choices)
    name = models.CharField(_("name"), max_length=300)
    component = models.CharField(_("what for"), max_length=16, choices=Component.choices, blank=True)
    family = models.CharField(_("line or class"), max_length=100, blank=True)
    region_id = models.CharField(_("region"), max_length=64, blank=True)
    zone_id = models.CharField(_("zone"), max_length=64, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)

    amount = models.DecimalField(
        _("amount"), max_digits=24, decimal_places=10, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(_("currency"), max_length=3)
    period = models.CharField(_("period"), max_length=8, choices=Period.choices, blank=True)
    unit = models.CharField(_("unit"), max_length=32, blank=True)
    includes_tax = models.BooleanField(_("with VAT"), null=True, blank=True)

    vcpus = models.DecimalField(_("vCPU"), max_digits=12, decimal_places=3, null=True, blank=True)
    memory_mib = models.PositiveBigIntegerField(_("memory, MiB"), null=True, blank=True)
    storage_gib = models.DecimalField(_("disk, GiB"), max_digits=18, decimal_places=3, null=True, blank=True)
    engine = models.CharField(_("engine"), max_length=64, blank=True)
    disk_class = models.CharField(_("disk class"), max_length=8, choices=DiskClass.choices, blank=True)
    cpu_share = models.PositiveSmallIntegerField(
        _("guaranteed share of a vCPU, %"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    term_months = models.PositiveSmallIntegerField(_("paid ahead, months"), default=0)
    is_preemptible = models.BooleanField(_("interruptible"), default=False)
    is_configurable = models.BooleanField(_("sizes in between"), default=False)
    includes_ip = models.BooleanField(_("with an address"), null=True, blank=True)
    included_traffic_gib = models.DecimalField(
        _("with traffic, GiB"), max_digits=18, decimal_places=3, null=True, blank=True
    )
    successor_of = models.CharField(_("replaces"), max_length=200, blank=True)
    plan_limits = models.JSONField(_("limits"), default=dict, blank=True)

    valid_from = models.DateTimeField(_("holds from"))
    valid_until = models.DateTimeField(_("held until"), null=True, blank=True)
    read_at = models.DateTimeField(_("confirmed"))
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = PriceQuerySet.as_manager()

    class Meta:
        verbose_name = _("list price")
        verbose_name_plural = _("list prices")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "provider_type", "sku_id", "source"],
                condition=Q(valid_until__isnull=True, organization__isnull=False),
                name="prices_own_open_once",
            ),
            models.UniqueConstraint(
                fields=["provider_type", "sku_id", "source"],
                condition=Q(valid_until__isnull=True, organization__isnull=True),
                name="prices_shared_open_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="prices_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="prices_closed_after_opened",
            ),
            models.CheckConstraint(
                condition=Q(cpu_share__gte=1, cpu_share__lte=100), name="prices_cpu_share_sane"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "valid_until"], name="prices_by_list"),
            models.Index(fields=["provider_type", "sku_id", "valid_from"], name="prices_history"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_type}: {self.sku_id}"


class ReadingStatus(models.TextChoices):
    RUNNING = "running", _("Being read")
    SUCCESS = "success", _("Done")
    PARTIAL = "partial", _("Partial")
    ERROR = "error", _("Error")


class PriceReading(TenantModel, TimestampedModel):
    """How the last reading of one provider's price lists ended; one row for each provider type of an organization.

    `scopes`: [{scope, status, code, message, params}] with provider errors as a sync keeps them. `started_at` with the
    status "running" is the claim by which a second reading beside it is kept out.
    """

    provider_type = models.CharField(_("provider"), max_length=32)
    connection = models.ForeignKey(
        ProviderConnection,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("read through"),
    )
    status = models.CharField(_("result"), max_length=12, choices=ReadingStatus.choices)
    started_at = models.DateTimeField(_("begun"))
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    complete_at = models.DateTimeField(_("last read completely"), null=True, blank=True)
    scopes = models.JSONField(_("lists"), default=list, blank=True)
    price_count = models.PositiveIntegerField(_("prices"), default=0)
    new_count = models.PositiveIntegerField(_("new"), default=0)
    changed_count = models.PositiveIntegerField(_("changed"), default=0)
    gone_count = models.PositiveIntegerField(_("gone"), default=0)

    objects = TenantManager()

    class Meta:
        verbose_name = _("reading of prices")
        verbose_name_plural = _("readings of prices")
        constraints = [
            models.UniqueConstraint(fields=["organization", "provider_type"], name="prices_reading_once")
        ]

    def __str__(self) -> str:
        return self.provider_type

    @property
    def failed_scopes(self) -> list[dict[str, Any]]:
        return [each for each in self.scopes if each["status"] not in ("complete", "absent")]
