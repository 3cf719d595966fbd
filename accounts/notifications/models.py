"""Messages to people: where each of them wants to be told, what happened, and what became of each message."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.fields import EncryptedJSONField


class Mode(models.TextChoices):
    """When a person wants to hear of a kind of event through a channel."""

    AT_ONCE = "at_once", _("At once")
    DAILY = "daily", _("Once a day")
    OFF = "off", _("Never")


class Channel(models.Model):
    """One way to one person. `address` is what may be shown; `configuration` holds what may not.

    - email: the person's current e-mail, so `address` is empty;
    - telegram: `address` is the chat's title, `configuration` {"chat_id": …};
    - webhook: `address` is the URL's host, `configuration` {"url": …, "secret": …}.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail")
        TELEGRAM = "telegram", _("Telegram")
        WEBHOOK = "webhook", _("Webhook")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notification_channels",
        verbose_name=_("person"),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=100, blank=True)
    address = models.CharField(_("address"), max_length=255, blank=True)
    configuration = EncryptedJSONField(default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_error = models.CharField(_("last error"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("notification channel")
        verbose_name_plural = _("notification channels")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(kind="email"), name="notifications_one_email_channel"
            )
        ]

    def __str__(self) -> str:
        return " · ".join(part for part in (self.get_kind_display(), self.name or self.address) if part)


class Preference(models.Model):
    """A person's own choice for a kind of event and a channel; without one, the kind's default holds."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="preferences", verbose_name=_("channel")
    )
    kind = models.CharField(_("kind of event"), max_length=64)
    mode = models.CharField(_("when"), max_length=8, choices=Mode.choices)

    class Meta:
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        constraints = [
            models.UniqueConstraint(fields=["channel", "kind"], name="notifications_preference_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.get_mode_display()}"


class Notification(TenantModel):
    """One event in one organization, told once: `key` says which event it is, `data` what its words need.

    `data` is JSON without secrets; the words are made for each reader, in their language and time zone.
    """

    kind = models.CharField(_("kind"), max_length=64)
    key = models.CharField(_("event"), max_length=200)
    data = models.JSONField(_("data"), default=dict, encoder=DjangoJSONEncoder)
    path = models.CharField(_("page"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = TenantManager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "key"], name="notifications_each_event_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Delivery(models.Model):
    """One notification on its way through one channel; the log of what was sent.

    pending → sending (claimed until `due_at`) → sent, or pending again at a later `due_at`, or failed; skipped where
    it became pointless. `batch` is the message it went in: several of a daily digest share one.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("skipped")

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("notification")
    )
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("channel")
    )
    is_digest = models.BooleanField(_("in the daily digest"), default=False)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    batch = models.UUIDField(_("message"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel"], name="notifications_delivery_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["pending", "sending"]),
                name="notifications_delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.notification} → {self.channel}"


class ChatCode(models.Model):
    """A one-time code that links a Telegram chat: whoever sends it from a chat owns the account that made it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("person")
    )
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("chat code")
        verbose_name_plural = _("chat codes")

    def __str__(self) -> str:
        return str(self.user)
