"""The app of the cost explorer."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExplorerConfig(AppConfig):
    name = "costs.explorer"
    label = "explorer"
    verbose_name = _("Cost explorer")
