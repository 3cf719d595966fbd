"""The app of budgets."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BudgetsConfig(AppConfig):
    name = "costs.budgets"
    label = "budgets"
    verbose_name = _("Budgets")

    def ready(self) -> None:
        from accounts.notifications import kinds
        from costs.budgets.announcements import KINDS

        for kind in KINDS:
            kinds.register(kind)
