"""The audit trail: one row per event, copied facts rather than links, so that it outlives what it tells about.

Beside the entries stand their seals, which chain them by hashes, and the anchors that retention leaves where it has cut
the beginning of the chain off. Rows of all three are added and never changed: the models refuse it, and so does the
database (`accounts.audit.guard`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit import actions
from accounts.audit.errors import AppendOnly

Row = TypeVar("Row", bound=models.Model)


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """Reads and adds; raises AppendOnly for all else."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly(self.model.__name__)

    def delete(self) -> NoReturn:
        raise AppendOnly(self.model.__name__)

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(self.model.__name__)

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        if kwargs.get("update_conflicts"):
            raise AppendOnly(self.model.__name__)
        return super().bulk_create(objs, *args, **kwargs)


class AppendOnlyModel(models.Model):
    """A row that is written once."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly(type(self).__name__)
        # A new object under an old number would otherwise be an update
        super().save(force_insert=True, using=kwargs.get("using"))

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(type(self).__name__)


class Door(models.TextChoices):
    """Through what somebody came in."""

    PAGE = "page", _("Page")
    ADMIN = "admin", _("Admin")
    API = "api", _("API")
    COMMAND = "command", _("Command or task")


class AuditEntry(AppendOnlyModel):
    """One event. `changes` is {field: [before, after]} and `details` {name: value}, both without any secret.

    `actor` is the person whose rights were used; `impersonator` who really sat there, null when it was themselves.
    Ids are kept without foreign keys, names beside them: a deleted person's deeds stay told.
    """

    at = models.DateTimeField(_("time"), default=timezone.now)
    action = models.CharField(_("action"), max_length=64)
    actor_id = models.BigIntegerField(_("actor's number"), null=True, blank=True)
    actor_email = models.CharField(_("actor"), max_length=254, blank=True)
    impersonator_id = models.BigIntegerField(_("impersonator's number"), null=True, blank=True)
    impersonator_email = models.CharField(_("impersonator"), max_length=254, blank=True)
    organization_id = models.BigIntegerField(_("organization's number"), null=True, blank=True)
    organization_name = models.CharField(_("organization"), max_length=150, blank=True)
    object_type = models.CharField(_("kind of object"), max_length=100, blank=True)
    object_id = models.CharField(_("object's number"), max_length=64, blank=True)
    object_name = models.CharField(_("object"), max_length=200, blank=True)
    changes = models.JSONField(_("changes"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    details = models.JSONField(_("details"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    door = models.CharField(_("through"), max_length=16, choices=Door.choices, default=Door.COMMAND)
    ip = models.GenericIPAddressField(_("address"), null=True, blank=True)

    class Meta(AppendOnlyModel.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["-at"], name="audit_entry_at"),
            models.Index(fields=["action", "-at"], name="audit_entry_action"),
            models.Index(fields=["actor_id", "-at"], name="audit_entry_actor"),
            models.Index(fields=["organization_id", "-at"], name="audit_entry_organization"),
            models.Index(fields=["object_type", "object_id"], name="audit_entry_object"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.object_name}".strip()

    @property
    def action_label(self) -> str:
        return actions.label(self.action)


class AuditSeal(AppendOnlyModel):
    """One link of the chain: `hash` covers the hash before it, the sequence and the entry (`accounts.audit.chain`).

    No foreign key to the entry: an entry that was removed must leave its seal behind.
    """

    sequence = models.BigIntegerField(_("sequence"), primary_key=True)
    entry_id = models.BigIntegerField(_("entry's number"), unique=True)
    form = models.PositiveSmallIntegerField(_("form"))
    hash = models.CharField(_("hash"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed at"), default=timezone.now)

    class Meta(AppendOnlyModel.Meta):
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


class AuditAnchor(AppendOnlyModel):
    """Where the chain begins since retention removed what was before: the last removed seal's sequence and hash."""

    sequence = models.BigIntegerField(_("sequence"), primary_key=True)
    hash = models.CharField(_("hash"), max_length=64)
    entry_count = models.PositiveIntegerField(_("removed entries"))
    removed_until = models.DateTimeField(_("removed until"))
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta(AppendOnlyModel.Meta):
        verbose_name = _("audit anchor")
        verbose_name_plural = _("audit anchors")

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"
