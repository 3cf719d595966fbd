"""The app of reports."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "costs.reports"
    verbose_name = _("Reports")

    def ready(self) -> None:
        from accounts.notifications import kinds
        from costs.reports.announcements import KIND

        kinds.register(KIND)
