"""The app of unit economics."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UnitCostsConfig(AppConfig):
    name = "costs.unit_costs"
    verbose_name = _("Unit economics")
