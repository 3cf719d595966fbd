"""A customer's accounts at providers."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantModel, TenantQuerySet
from common.fields import EncryptedJSONField
from common.models import MoneyField, TimestampedModel


class ConnectionStatus(models.TextChoices):
    """How the last reading of a connection ended."""

    NEVER = "never", _("Not synced yet")
    SUCCESS = "success", _("Done")
    PARTIAL = "partial", _("Partial")
    ERROR = "error", _("Error")


class ProviderType(TimestampedModel):
    """What administrators say about one provider type (`registry` has the plugin): offered or not, its defaults.

    A type that is switched off can be chosen for no new connection, and its scheduled syncs do not start; what is
    connected stays, and may be synced by hand.
    """

    key = models.CharField(_("key"), max_length=32, unique=True)
    is_enabled = models.BooleanField(
        _("offered"),
        default=True,
        help_text=_(
            "Off: nobody can choose it for a new connection, and scheduled syncs of its connections do not start. "
            "What was read stays, and a sync by hand goes on working."
        ),
    )
    sync_interval_minutes = models.PositiveIntegerField(
        _("minutes between syncs"),
        default=360,
        validators=[MinValueValidator(5), MaxValueValidator(10080)],
        help_text=_("What a new connection begins with; each may have its own."),
    )
    reading_seconds = models.PositiveIntegerField(
        _("seconds for one reading"),
        default=900,
        validators=[MinValueValidator(60), MaxValueValidator(7200)],
        help_text=_("A sync that has read for so long stops; what it could not read keeps its last state."),
    )

    class Meta:
        verbose_name = _("provider type")
        verbose_name_plural = _("provider types")

    def __str__(self) -> str:
        return self.key


class ProviderConnectionQuerySet(TenantQuerySet["ProviderConnection"]):
    def of_enabled_types(self) -> ProviderConnectionQuerySet:
        """Without those whose provider type an administrator has switched off."""
        off = ProviderType.objects.filter(is_enabled=False)
        return self.exclude(provider_type__in=off.values("key"))

    def with_type_state(self) -> ProviderConnectionQuerySet:
        """Each with `is_type_enabled`, by no query more."""
        off = ProviderType.objects.filter(key=OuterRef("provider_type"), is_enabled=False)
        return self.annotate(is_type_enabled=~Exists(off))

    def due(self, now: object) -> ProviderConnectionQuerySet:
        """Connections whose time to be synced has come; without those that failed too often, or that are to go."""
        return (
            self.of_enabled_types()
            .select_related("organization")
            .filter(
                organization__deletion_at__isnull=True,
                is_active=True,
                auto_sync=True,
                next_sync_at__lte=now,
                consecutive_failures__lt=settings.SYNC_FAILURES_UNTIL_STOP,
            )
        )


class ProviderConnection(TenantModel, TimestampedModel):
    """One account at one provider, with its credentials encrypted at rest.

    `account` keeps what the account says of itself (balance, limits, facts) as of `account_read_at`: it moves all
    the time and is therefore no part of any state. `last_sync_error` is {code, message, params} of a provider error.
    `given_up_at` is when its failures in a row stopped the automatic syncs; it means something while `is_given_up`.
    """

    provider_type = models.CharField(_("provider"), max_length=32)
    connection_name = models.CharField(_("name"), max_length=100)
    account_id = models.CharField(_("account"), max_length=200, blank=True)
    credentials = EncryptedJSONField(_("credentials"), default=dict, editable=False)
    credentials_changed_at = models.DateTimeField(
        _("credentials changed"), null=True, blank=True, editable=False
    )
    is_active = models.BooleanField(_("active"), default=True)
    auto_sync = models.BooleanField(_("sync automatically"), default=True)
    sync_interval_minutes = models.PositiveIntegerField(
        _("minutes between syncs"), default=360, validators=[MinValueValidator(5), MaxValueValidator(10080)]
    )
    next_sync_at = models.DateTimeField(_("next sync"), null=True, blank=True)
    last_sync_at = models.DateTimeField(_("last sync"), null=True, blank=True)
    last_sync_status = models.CharField(
        _("last result"), max_length=16, choices=ConnectionStatus.choices, default=ConnectionStatus.NEVER
    )
    last_sync_error = models.JSONField(_("last error"), default=dict, blank=True)
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    given_up_at = models.DateTimeField(_("not tried any more since"), null=True, blank=True)
    series_number = models.PositiveSmallIntegerField(_("number in charts"), default=1)
    balance = MoneyField(_("balance"), null=True, blank=True)
    balance_currency = models.CharField(_("currency of the balance"), max_length=3, blank=True)
    charge_days_left = models.IntegerField(_("days until blocked"), null=True, blank=True)
    provider_metadata = models.JSONField(_("account information"), default=dict, blank=True)
    account_read_at = models.DateTimeField(_("account read"), null=True, blank=True)

    objects = ProviderConnectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "connection_name"],
                name="providers_connection_name_once",
                violation_error_message=_("A connection with this name exists already. Choose another name."),
            ),
            models.CheckConstraint(
                condition=Q(sync_interval_minutes__gte=5), name="providers_connection_interval_sane"
            ),
        ]
        indexes = [
            models.Index(fields=["is_active", "auto_sync", "next_sync_at"], name="providers_connection_due")
        ]

    def __str__(self) -> str:
        return self.connection_name

    @property
    def is_given_up(self) -> bool:
        """Whether it failed so often in a row that it is not synced by itself any more."""
        return self.consecutive_failures >= int(settings.SYNC_FAILURES_UNTIL_STOP)
