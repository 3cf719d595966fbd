"""Policies of an organization, and what breaks them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel
from inventory.models import Resource
from providers.models import ProviderConnection
from recommendations.engine.contract import Options
from recommendations.policies.contract import Kind
from recommendations.policies.kinds import KINDS
from recommendations.schedules.models import PowerSchedule

GRACE_LIMIT = 366
LIVE = ("open", "excepted")
"""Statuses of what is still so; a sync keeps one such row of each policy and subject."""


class Policy(TenantModel, TimestampedModel):
    """One demand on the resources of a scope; `scope` is a query string of `costs.explorer.filters`, "" is everything.

    `parameters` are its kind's options as JSON keeps them. `schedule` gives the hours of kinds that have hours; where it
    is removed the policy's own parameters hold.
    """

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"), max_length=32, choices=[(each.id, each.title) for each in KINDS.values()]
    )
    scope = models.CharField(_("for what"), max_length=4000, blank=True)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    schedule = models.ForeignKey(
        PowerSchedule,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("power schedule"),
    )
    is_enabled = models.BooleanField(_("on"), default=True)
    grace_days = models.PositiveSmallIntegerField(
        _("days to put it right"), default=7, validators=[MaxValueValidator(GRACE_LIMIT)]
    )
    notifies = models.BooleanField(_("tells of new violations"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="policies_name_once"),
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="policies_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> Kind:
        return KINDS[self.kind]

    @property
    def options(self) -> Options:
        """Raises InvalidOption and InvalidParameters for what an earlier version could be set to."""
        return self.rule.read(self.parameters)


class ViolationStatus(models.TextChoices):
    OPEN = "open", _("Open")
    EXCEPTED = "excepted", _("Excepted")
    RESOLVED = "resolved", _("Put right")


class Violation(TenantModel, TimestampedModel):
    """One subject that breaks one policy, from when a sync first saw it until one sees it no more.

    Without a resource it is the whole scope, and without a connection too. `why` is an `engine.contract.Text`.
    `unchecked_since`: it could not be looked at since then, and stays. What comes back after it was put right is a row of
    its own; an exception whose last day is to come holds for that one as well.
    """

    policy = models.ForeignKey(
        Policy, on_delete=models.CASCADE, related_name="violations", verbose_name=_("policy")
    )
    connection = models.ForeignKey(
        ProviderConnection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("connection"),
    )
    resource = models.ForeignKey(
        Resource,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="violations",
        verbose_name=_("resource"),
    )
    status = models.CharField(
        _("status"), max_length=16, choices=ViolationStatus.choices, default=ViolationStatus.OPEN
    )
    why = models.JSONField(_("why"), default=dict)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    due_date = models.DateField(_("due"))
    unchecked_since = models.DateTimeField(_("not checked since"), null=True, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assigned to"),
    )
    excepted_until = models.DateField(_("excepted until"), null=True, blank=True)
    exception_reason = models.TextField(_("reason of the exception"), max_length=1000, blank=True)
    excepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("excepted by"),
    )
    resolved_at = models.DateTimeField(_("put right"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("violation")
        verbose_name_plural = _("violations")
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "resource"],
                condition=Q(status__in=["open", "excepted"], resource__isnull=False),
                name="policies_one_live_of_resource",
            ),
            models.UniqueConstraint(
                fields=["policy"],
                condition=Q(status__in=["open", "excepted"], resource__isnull=True),
                name="policies_one_live_of_scope",
            ),
            models.CheckConstraint(
                condition=Q(resource__isnull=True, connection__isnull=True)
                | Q(resource__isnull=False, connection__isnull=False),
                name="policies_violation_of_resource_or_scope",
            ),
            models.CheckConstraint(
                condition=~Q(status="excepted") | (Q(excepted_until__isnull=False) & ~Q(exception_reason="")),
                name="policies_excepted_has_reason_and_end",
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | (~Q(status="resolved") & Q(resolved_at__isnull=True)),
                name="policies_resolved_has_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "status", "due_date"], name="policies_by_tenant"),
            models.Index(fields=["connection", "status"], name="policies_by_connection"),
            models.Index(fields=["policy", "status"], name="policies_by_policy"),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} · {self.resource_id or '*'}"

    @property
    def owner(self) -> str:
        """Who the resource belongs to in the business context."""
        return self.resource.owner if self.resource is not None else ""

    @property
    def what(self) -> Any:
        """The resource's name, or what stands for the whole scope."""
        return self.resource.name if self.resource is not None else _("everything in the scope")
