"""Trees of business context, the rules that fill it, and what people assigned by hand."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel
from inventory.models import Resource


class Dimension(models.TextChoices):
    """The six business fields of a resource."""

    BUSINESS_UNIT = "business_unit", _("Business unit")
    PROJECT = "project", _("Project")
    FEATURE = "feature", _("Feature")
    COST_CENTER = "cost_center", _("Cost centre")
    ENVIRONMENT = "environment", _("Environment")
    OWNER = "owner", _("Owner")


class ContextNode(TenantModel, TimestampedModel):
    """One value of a dimension in its tree; resources bear its name. Sums of a node include those below it."""

    dimension = models.CharField(_("dimension"), max_length=16, choices=Dimension.choices)
    name = models.CharField(_("name"), max_length=100)
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("belongs to"),
    )
    code = models.CharField(_("code"), max_length=40, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("business context")
        verbose_name_plural = _("business context")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "dimension", "name"], name="allocation_node_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AllocationRule(TenantModel, TimestampedModel):
    """A rule through all its versions; what it says on a day stands in the version of that day."""

    name = models.CharField(_("name"), max_length=120)

    objects = TenantManager()

    class Meta:
        verbose_name = _("allocation rule")
        verbose_name_plural = _("allocation rules")

    def __str__(self) -> str:
        return self.name


class Match(models.TextChoices):
    ALL = "all", _("all conditions")
    ANY = "any", _("any of the conditions")


class Method(models.TextChoices):
    DIRECT = "direct", _("assign")
    FIXED = "fixed", _("share out by fixed parts")
    EVEN = "even", _("share out evenly")
    PROPORTIONAL = "proportional", _("share out in proportion")


class Measure(models.TextChoices):
    COST = "cost", _("cost")
    VCPUS = "vcpus", _("vCPU")
    MEMORY = "memory_mib", _("memory")
    STORAGE = "storage_gib", _("storage")
    UNITS = "units", _("unit metrics")


class RuleVersion(TenantModel):
    """What a rule said on the days `[valid_from, valid_until)`, or that it was switched off.

    `conditions` [{field, operator, value}] (see `conditions`) · `values` {dimension: name} of the method «assign» ·
    `targets` [{name}] in `dimension` of the others; fixed parts have a `weight` too, a decimal as text, and parts in
    proportion to unit metrics a `metric`, its pk.
    """

    rule = models.ForeignKey(AllocationRule, on_delete=models.CASCADE, related_name="versions")
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    is_on = models.BooleanField(_("on"), default=True)
    position = models.PositiveIntegerField(_("position"))
    match = models.CharField(_("applies where"), max_length=3, choices=Match.choices, default=Match.ALL)
    conditions = models.JSONField(_("conditions"), default=list)
    method = models.CharField(_("method"), max_length=12, choices=Method.choices, default=Method.DIRECT)
    values = models.JSONField(_("values"), default=dict, blank=True)
    dimension = models.CharField(_("dimension"), max_length=16, choices=Dimension.choices, blank=True)
    targets = models.JSONField(_("shares"), default=list, blank=True)
    measure = models.CharField(_("in proportion to"), max_length=12, choices=Measure.choices, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("written"), auto_now_add=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("version of a rule")
        verbose_name_plural = _("versions of rules")
        constraints = [
            models.UniqueConstraint(fields=["rule", "valid_from"], name="allocation_version_once"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="allocation_version_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["organization", "valid_from"], name="allocation_version_by_day")]

    def __str__(self) -> str:
        return f"{self.rule} · {self.valid_from}"


class ContextAssignment(TenantModel, TimestampedModel):
    """What a person said of a resource for the days `[valid_from, valid_until)`; beats every rule."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="assignments")
    dimension = models.CharField(_("dimension"), max_length=16, choices=Dimension.choices)
    value = models.CharField(_("value"), max_length=100)
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "dimension", "valid_from"], name="allocation_assignment_once"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="allocation_assignment_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource}: {self.value}"


class TagFeed(TenantModel):
    """Which tags feed a dimension, the first that a resource has; where there is no row, `evaluation.TAG_KEYS` do."""

    dimension = models.CharField(_("dimension"), max_length=16, choices=Dimension.choices)
    keys = models.JSONField(_("tags"), default=list, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("tags of a dimension")
        verbose_name_plural = _("tags of dimensions")
        constraints = [
            models.UniqueConstraint(fields=["organization", "dimension"], name="allocation_feed_once")
        ]

    def __str__(self) -> str:
        return f"{self.dimension}: {', '.join(self.keys)}"
