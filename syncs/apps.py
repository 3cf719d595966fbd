"""The app of syncs and their history."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SyncsConfig(AppConfig):
    name = "syncs"
    verbose_name = _("Syncs")

    def ready(self) -> None:
        from accounts.notifications import kinds
        from syncs.announcements import KINDS

        for kind in KINDS:
            kinds.register(kind)
