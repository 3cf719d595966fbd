"""What people keep of the explorer: views under a name, and notes on its charts."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel
from costs.explorer.view import View, parse_view


class SavedView(TenantModel, TimestampedModel):
    """A view under a name; `query` is its canonical query string. A shared one is everybody's to look at.

    A view whose owner is gone belongs to the organization's owners.
    """

    name = models.CharField(_("name"), max_length=120)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    is_shared = models.BooleanField(_("shared with the organization"), default=False)
    query = models.TextField(_("view"), blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(fields=["organization", "owner", "name"], name="explorer_view_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    def view(self, today: date) -> View:
        """What it shows; a dimension that no longer exists is left out."""
        return parse_view(self.query, today).view


class ChartNote(TenantModel, TimestampedModel):
    """What happened on a day, in a person's words; drawn into the charts of the explorer.

    `filters` is the query string of what it is about: it shows in views that look at that or at a part of it, "" in all.
    """

    date = models.DateField(_("day"))
    text = models.CharField(_("text"), max_length=140)
    filters = models.TextField(_("about"), blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("author"),
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("chart note")
        verbose_name_plural = _("chart notes")
        indexes = [models.Index(fields=["organization", "date"], name="explorer_note_by_day")]

    def __str__(self) -> str:
        return f"{self.date}: {self.text}"
