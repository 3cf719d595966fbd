"""The app of the audit trail."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "accounts.audit"
    verbose_name = _("Audit trail")

    def ready(self) -> None:
        from accounts.audit import guard, signals

        post_migrate.connect(guard.after_migrate, sender=self, dispatch_uid="audit_guard")
        signals.connect()
