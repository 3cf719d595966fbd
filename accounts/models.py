"""People and tenants: users, organizations and who belongs to which."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.tenancy import TenantManager, TenantModel, TenantQuerySet
from common.models import TimestampedModel
from common.time_zones import validate_time_zone


class Role(models.TextChoices):
    """What a member may do inside one organization."""

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    VIEWER = "viewer", _("Viewer")


class Theme(models.TextChoices):
    SYSTEM = "", _("As in the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail is the login; platform roles are `is_staff` (admin) and `is_superuser` (super admin)."""

    email = models.EmailField(_("e-mail"), unique=True)
    full_name = models.CharField(_("name"), max_length=150, blank=True)
    picture_url = models.URLField(_("picture"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("administrator"), default=False)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)
    language = models.CharField(_("language"), max_length=8, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="RUB")
    theme = models.CharField(
        _("theme"), max_length=8, choices=Theme.choices, default=Theme.SYSTEM, blank=True
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case")]
        permissions = [
            ("manage_users", gettext_noop("Manage users")),
            ("impersonate_users", gettext_noop("Impersonate users")),
            ("view_all_data", gettext_noop("View data of every organization")),
            ("manage_providers", gettext_noop("Manage connections and providers")),
            ("manage_resources", gettext_noop("Manage resources and triage")),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.full_name or self.email

    def organizations(self) -> models.QuerySet[Organization]:
        """The organizations this person may see; the root of every query for them."""
        return Organization.objects.filter(memberships__user=self)


class Organization(TimestampedModel):
    """The tenant: everything with money in it belongs to exactly one.

    With a `deletion_at` it is in its grace: nothing is synced any more, and until that moment an owner may change their
    mind. Once `deletion_started_at` is set, its rows are going and nobody can stop it.
    """

    name = models.CharField(_("name"), max_length=150)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Moscow", validators=[validate_time_zone]
    )
    is_personal = models.BooleanField(_("personal"), default=False)
    is_demo = models.BooleanField(_("demo"), default=False)
    deletion_at = models.DateTimeField(_("to be deleted"), null=True, blank=True)
    deletion_started_at = models.DateTimeField(_("deletion begun"), null=True, blank=True, editable=False)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="+", verbose_name=_("members")
    )

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.CheckConstraint(
                condition=Q(deletion_started_at__isnull=True) | Q(deletion_at__isnull=False),
                name="accounts_organization_deletion_announced",
            ),
        ]
        indexes = [
            models.Index(
                fields=["deletion_at"],
                condition=Q(deletion_at__isnull=False),
                name="accounts_organization_leaving",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_leaving(self) -> bool:
        """Whether its deletion is asked for: its grace runs, or its rows are going."""
        return self.deletion_at is not None


class Membership(TimestampedModel):
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("organization")
    )
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="accounts_membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="accounts_membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organization} · {self.get_role_display()}"

    @property
    def may_write(self) -> bool:
        return self.role in (Role.OWNER, Role.MANAGER)

    @property
    def is_owner(self) -> bool:
        """Owners alone decide about people, roles, invitations and the end of an organization."""
        return self.role == Role.OWNER


class InvitationQuerySet(TenantQuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Neither accepted nor withdrawn; an expired one may be sent anew."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)


class InvitationManager(TenantManager["Invitation"]):
    def get_queryset(self) -> InvitationQuerySet:
        return InvitationQuerySet(self.model, using=self._db)

    def open(self) -> InvitationQuerySet:
        return self.get_queryset().open()


class Invitation(TenantModel, TimestampedModel):
    """A link by which one person may join. The token in it is kept as its SHA-256 alone.

    `is_mailed` says that the latest link went out by e-mail, so that whoever has it can read that mailbox; otherwise
    the inviter passed it on by hand. `language` is the one of the letter.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        EXPIRED = "expired", _("Expired")
        ACCEPTED = "accepted", _("Accepted")
        REVOKED = "revoked", _("Withdrawn")

    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    language = models.CharField(_("language"), max_length=8, blank=True)
    is_mailed = models.BooleanField(_("sent by e-mail"), default=False)
    invited_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("invited by"),
    )
    sent_at = models.DateTimeField(_("sent"))
    send_count = models.PositiveSmallIntegerField(_("times sent"), default=1)
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("accepted by"),
    )
    revoked_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    objects: ClassVar[InvitationManager] = InvitationManager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="accounts_invitation_open_once",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="accounts_invitation_role_known"),
        ]

    def __str__(self) -> str:
        return self.email

    def status(self, now: datetime) -> Status:
        if self.accepted_at is not None:
            return self.Status.ACCEPTED
        if self.revoked_at is not None:
            return self.Status.REVOKED
        return self.Status.PENDING if now < self.expires_at else self.Status.EXPIRED
