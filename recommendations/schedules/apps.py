from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulesConfig(AppConfig):
    name = "recommendations.schedules"
    label = "power_schedules"
    verbose_name = _("Power schedules")
