"""The app of people and tenants."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts.announcements import KINDS
        from accounts.notifications import kinds

        for kind in KINDS:
            kinds.register(kind)
