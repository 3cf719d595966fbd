"""The app of business context."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AllocationConfig(AppConfig):
    name = "costs.allocation"
    label = "allocation"
    verbose_name = _("Business context")
