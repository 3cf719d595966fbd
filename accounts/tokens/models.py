"""API tokens: who lets a program in, to which organization, how far and until when. The token itself is not kept."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.tenancy import TenantManager, TenantModel, TenantQuerySet


class Scope(models.TextChoices):
    """How far a token reaches; never further than its owner's role."""

    READ = "read", _("Read")
    SYNC = "sync", _("Read and start syncs")
    WRITE = "write", _("Read and write")


class ApiTokenQuerySet(TenantQuerySet["ApiToken"]):
    def alive(self) -> ApiTokenQuerySet:
        """Neither revoked nor expired."""
        now = timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class ApiTokenManager(TenantManager["ApiToken"]):
    def get_queryset(self) -> ApiTokenQuerySet:
        return ApiTokenQuerySet(self.model, using=self._db)

    def alive(self) -> ApiTokenQuerySet:
        return self.get_queryset().alive()


class ApiToken(TenantModel):
    """`digest` is the SHA-256 of the token, in hexadecimal; `beginning` its first letters, to tell tokens apart."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=100)
    scope = models.CharField(
        pgettext_lazy("API token", "scope"), max_length=8, choices=Scope.choices, default=Scope.READ
    )
    beginning = models.CharField(_("begins with"), max_length=16)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects: ClassVar[ApiTokenManager] = ApiTokenManager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["organization", "user"], name="tokens_organization_user")]
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="tokens_scope_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_alive(self, now: datetime | None = None) -> bool:
        now = now or timezone.now()
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
