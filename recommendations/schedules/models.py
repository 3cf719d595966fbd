"""Calendars of work that an organization keeps for what need not run always."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel
from recommendations.engine.calendar import Calendar


class PowerSchedule(TenantModel, TimestampedModel):
    """When the resources of a scope have to run; in the organization's time zone. Nothing is switched by it.

    `windows` are `engine.calendar` triples [[weekday, from, to]]; `scope` a query string of `costs.explorer.filters`.
    With `rests_on_holidays` they are off on Russian public holidays, and run on working days that were moved to a
    weekend as they do on a Monday.
    """

    name = models.CharField(_("name"), max_length=120)
    windows = models.JSONField(_("hours of work"))
    rests_on_holidays = models.BooleanField(_("off on Russian public holidays"), default=True)
    scope = models.CharField(_("for what"), max_length=4000)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        verbose_name = _("power schedule")
        verbose_name_plural = _("power schedules")
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="power_schedules_name_once"),
            models.CheckConstraint(condition=~models.Q(scope=""), name="power_schedules_not_everything"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def calendar(self) -> Calendar:
        return Calendar.of_data(self.windows)
