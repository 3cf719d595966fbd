"""Findings of rules through their lives, what people decided about them, and what each evaluation saw."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.tenancy import TenantManager, TenantModel, TenantQuerySet
from common.models import MoneyField, TimestampedModel
from inventory.models import Resource
from providers.models import ProviderConnection
from recommendations.engine.contract import Category, Effort, Risk


class Status(models.TextChoices):
    """pending → approved → implemented → verified; snoozed and dismissed from any open one; closed by the engine."""

    PENDING = "pending", _("To decide")
    APPROVED = "approved", _("Approved")
    SNOOZED = "snoozed", _("Put off")
    IMPLEMENTED = "implemented", _("Implemented")
    VERIFIED = "verified", _("Proven")
    DISMISSED = "dismissed", _("Dismissed")
    CLOSED = "closed", _("Closed")


OPEN = (Status.PENDING, Status.APPROVED, Status.SNOOZED)
"""Somebody could still act on it."""
LIVE = (*OPEN, Status.IMPLEMENTED, Status.DISMISSED)
"""The engine keeps one such row of each rule and subject up to date."""
COUNTED = (Status.PENDING, Status.APPROVED)
"""What the potential saving sums."""


class DismissReason(models.TextChoices):
    RISKY = "risky", _("too risky")
    NEEDED = "needed", _("it is needed as it is")
    WRONG_DATA = "wrong_data", _("the facts are wrong")
    NO_TIME = "no_time", _("no time for it")
    OTHER = "other", _("another reason")


class CloseReason(models.TextChoices):
    APPLIED = "applied", _("the change is visible in the inventory")
    RESOURCE_DELETED = "resource_deleted", _("the resource is gone")
    CONNECTION_REMOVED = "connection_removed", _("the connection is not read any more")
    OPTIONS_CHANGED = "options_changed", _("the rule's settings were changed")
    NO_LONGER_TRUE = "no_longer_true", _("its facts do not hold any more")
    DATA_MISSING = "data_missing", _("its facts could not be read for two weeks")


class RecommendationQuerySet(TenantQuerySet["Recommendation"]):
    def open(self) -> RecommendationQuerySet:
        return self.filter(status__in=OPEN)

    def counted(self) -> RecommendationQuerySet:
        """Those whose savings are summed."""
        return self.filter(status__in=COUNTED, is_excluded=False)


class RecommendationManager(models.Manager["Recommendation"]):
    def get_queryset(self) -> RecommendationQuerySet:
        return RecommendationQuerySet(self.model, using=self._db)

    def of(self, organization: Organization) -> RecommendationQuerySet:
        return self.get_queryset().filter(organization=organization)


class Recommendation(TenantModel, TimestampedModel):
    """One finding of one rule about one subject, with what people decided and what came of it.

    `subject_key` parts findings of a rule: `resource:PK`, with the variant or the rule's own key behind it. `facts` is
    [[label, value]], `summary`, `formula`, `steps`, `notes`, `alternatives` are texts with values
    (`engine.contract.Text`). Amounts are a month's in `currency`; a null saving is one whose price is not known. Of
    `saving_monthly_rub` the part `counted_monthly_rub` is summed; `instead_of` is the finding that this one stands
    behind. `replaced_by` is what the work of the resource was moved to, as a person said. `matters` and `fingerprint` tell whether it became another finding. `stale_since`: the rule could not look
    since then. `before` and `proof` are described in `proof.py`.
    """

    connection = models.ForeignKey(
        ProviderConnection,
        on_delete=models.CASCADE,
        related_name="recommendations",
        verbose_name=_("connection"),
    )
    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="recommendations", verbose_name=_("resource")
    )
    resource_pks = models.JSONField(default=list)
    covered_pks = models.JSONField(default=list, blank=True)
    rule_id = models.CharField(_("rule"), max_length=64)
    subject_key = models.CharField(max_length=160)
    category = models.CharField(_("category"), max_length=16, choices=Category.choices)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.PENDING)

    summary = models.JSONField(_("what to do"), default=dict)
    facts = models.JSONField(_("facts"), default=list)
    formula = models.JSONField(_("formula"), default=dict)
    steps = models.JSONField(_("steps"), default=list)
    notes = models.JSONField(_("to know"), default=list, blank=True)
    alternatives = models.JSONField(_("alternatives"), default=list, blank=True)
    metrics = models.JSONField(_("series"), default=list, blank=True)
    matters = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=32)

    currency = models.CharField(_("currency"), max_length=3)
    current_monthly = MoneyField(_("costs a month"), null=True, blank=True)
    target_monthly = MoneyField(_("would cost a month"), null=True, blank=True)
    saving_monthly = MoneyField(_("saves a month"), null=True, blank=True)
    saving_monthly_rub = MoneyField(_("saves a month, ₽"), null=True, blank=True)
    counted_monthly_rub = MoneyField(_("counted a month, ₽"), default=Decimal(0))
    one_off_cost = MoneyField(_("costs once"), null=True, blank=True)
    instead_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    confidence = models.DecimalField(
        _("confidence"),
        max_digits=3,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    effort = models.CharField(_("effort"), max_length=8, choices=Effort.choices)
    risk = models.CharField(_("risk"), max_length=8, choices=Risk.choices)
    is_excluded = models.BooleanField(_("excluded"), default=False)

    detected_at = models.DateTimeField(_("found"))
    refreshed_at = models.DateTimeField(_("refreshed"))
    stale_since = models.DateTimeField(_("not refreshed since"), null=True, blank=True)
    stale_reason = models.CharField(max_length=32, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assigned to"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    snoozed_until = models.DateField(_("put off until"), null=True, blank=True)
    dismiss_reason = models.CharField(
        _("why dismissed"), max_length=16, choices=DismissReason.choices, blank=True
    )
    implemented_at = models.DateTimeField(_("implemented"), null=True, blank=True)
    replaced_by = models.ForeignKey(
        Resource,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("replaced by"),
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    close_reason = models.CharField(_("why closed"), max_length=24, choices=CloseReason.choices, blank=True)
    applied_at = models.DateTimeField(_("seen applied"), null=True, blank=True)
    verified_at = models.DateTimeField(_("proven"), null=True, blank=True)
    realised_monthly = MoneyField(_("saved a month"), null=True, blank=True)
    realised_monthly_rub = MoneyField(_("saved a month, ₽"), null=True, blank=True)
    before = models.JSONField(_("before"), default=dict, blank=True)
    proof = models.JSONField(_("proof"), default=dict, blank=True)

    objects = RecommendationManager()

    class Meta:
        verbose_name = _("recommendation")
        verbose_name_plural = _("recommendations")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "connection", "rule_id", "subject_key"],
                condition=Q(status__in=["pending", "approved", "snoozed", "implemented", "dismissed"]),
                name="recommendations_one_live",
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | (~Q(close_reason="") & Q(closed_at__isnull=False)),
                name="recommendations_closed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="dismissed") | ~Q(dismiss_reason=""),
                name="recommendations_dismissed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="snoozed") | Q(snoozed_until__isnull=False),
                name="recommendations_snoozed_has_day",
            ),
            models.CheckConstraint(
                condition=Q(counted_monthly_rub__gte=0), name="recommendations_counted_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "status", "-counted_monthly_rub"], name="recommendations_by_tenant"
            ),
            models.Index(fields=["connection", "status"], name="recommendations_by_connection"),
            models.Index(fields=["resource", "status"], name="recommendations_by_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} · {self.resource}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class EventKind(models.TextChoices):
    FOUND = "found", _("Found")
    CHANGED = "changed", _("Facts changed")
    RETURNED = "returned", _("Returned, its facts changed")
    APPROVED = "approved", _("Approved")
    REOPENED = "reopened", _("Opened again")
    SNOOZED = "snoozed", _("Put off")
    WOKEN = "woken", _("Back from being put off")
    DISMISSED = "dismissed", _("Dismissed")
    IMPLEMENTED = "implemented", _("Said to be implemented")
    NOT_SEEN = "not_seen", _("Still true two weeks after it was said to be implemented")
    APPLIED = "applied", _("Seen in the inventory")
    VERIFIED = "verified", _("Proven by later costs")
    CLOSED = "closed", _("Closed")
    ASSIGNED = "assigned", _("Assigned")
    COMMENT = "comment", _("Comment")


class RecommendationEvent(TenantModel):
    """One thing that happened to a recommendation; `data` has the kind's own values as texts."""

    recommendation = models.ForeignKey(Recommendation, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(_("event"), max_length=16, choices=EventKind.choices)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    text = models.TextField(_("text"), max_length=4000, blank=True)
    data = models.JSONField(default=dict, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("recommendation event")
        verbose_name_plural = _("recommendation events")
        indexes = [models.Index(fields=["recommendation", "at"], name="recommendations_event_order")]


class RuleSetting(TimestampedModel):
    """What people set of a rule: for everybody (no organization), an organization, a connection of it, or a tag in it.

    The narrower one wins, option by option: tag before connection before organization before everybody. `options` holds
    only what was changed, {name: value as text, number, bool or list}. A null `is_enabled` says nothing.
    """

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organization"),
    )
    connection = models.ForeignKey(
        ProviderConnection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("connection"),
    )
    tag_key = models.CharField(_("tag"), max_length=128, blank=True)
    tag_value = models.CharField(_("value of the tag"), max_length=256, blank=True)
    rule_id = models.CharField(_("rule"), max_length=64)
    is_enabled = models.BooleanField(_("on"), null=True, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)

    class Meta:
        verbose_name = _("rule setting")
        verbose_name_plural = _("rule settings")
        constraints = [
            models.UniqueConstraint(
                fields=["rule_id"],
                condition=Q(organization__isnull=True),
                name="recommendations_setting_for_all_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "rule_id", "tag_key", "tag_value"],
                condition=Q(organization__isnull=False, connection__isnull=True),
                name="recommendations_setting_once",
            ),
            models.UniqueConstraint(
                fields=["connection", "rule_id"],
                condition=Q(connection__isnull=False),
                name="recommendations_setting_of_connection_once",
            ),
            models.CheckConstraint(
                condition=Q(organization__isnull=False) | Q(connection__isnull=True, tag_key=""),
                name="recommendations_setting_narrow_has_organization",
            ),
            models.CheckConstraint(
                condition=Q(connection__isnull=True) | Q(tag_key=""),
                name="recommendations_setting_one_scope",
            ),
        ]

    def __str__(self) -> str:
        return self.rule_id


class Exclusion(TenantModel, TimestampedModel):
    """Resources that rules leave alone: `scope` is a query string of `costs.explorer.filters`; "" as rule is every rule."""

    name = models.CharField(_("name"), max_length=120)
    scope = models.CharField(_("filter"), max_length=4000)
    rule_id = models.CharField(_("rule"), max_length=64, blank=True)
    reason = models.TextField(_("reason"), max_length=1000)
    until = models.DateField(_("until"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="recommendations_exclusion_once"),
            models.CheckConstraint(condition=~Q(scope=""), name="recommendations_exclusion_not_everything"),
        ]

    def __str__(self) -> str:
        return self.name


class ConnectionEvaluation(TenantModel):
    """The last evaluation of one connection: as of which day, with what settings, and what it counted.

    `counts` is {rule: {"matched" | "not_matched" | skip reason: resources}}, `errors` {rule: exception's name}.
    `inputs_hash` stands for settings, exclusions, prices and the rules themselves: another one evaluates everything.
    """

    connection = models.OneToOneField(
        ProviderConnection,
        on_delete=models.CASCADE,
        related_name="evaluation",
        verbose_name=_("connection"),
    )
    day = models.DateField(_("day"))
    evaluated_at = models.DateTimeField(_("evaluated"))
    inputs_hash = models.CharField(max_length=32)
    resource_count = models.PositiveIntegerField(_("resources"), default=0)
    counts = models.JSONField(_("outcomes"), default=dict)
    errors = models.JSONField(_("errors"), default=dict, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")

    def __str__(self) -> str:
        return f"{self.connection} · {self.day}"


class ResourceEvaluation(TenantModel):
    """What each rule said of one resource in its last evaluation: {rule: "matched" | "not_matched" | skip reason}."""

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    resource = models.OneToOneField(Resource, on_delete=models.CASCADE, related_name="evaluation")
    outcomes = models.JSONField(_("outcomes"), default=dict)

    objects = TenantManager()

    class Meta:
        verbose_name = _("evaluation of a resource")
        verbose_name_plural = _("evaluations of resources")
