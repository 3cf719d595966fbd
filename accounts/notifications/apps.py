"""The app of notifications."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.logs import remember_secrets


class NotificationsConfig(AppConfig):
    name = "accounts.notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        remember_secrets([settings.TELEGRAM_BOT_TOKEN])
