"""The app of anomalies."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnomaliesConfig(AppConfig):
    name = "costs.anomalies"
    label = "anomalies"
    verbose_name = _("Anomalies")

    def ready(self) -> None:
        from accounts.notifications import kinds
        from costs.anomalies.announcements import KIND

        kinds.register(KIND)
