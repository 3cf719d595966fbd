"""Registers the system checks, and lets all loggers write the same lines."""

from django.apps import AppConfig


class InfrazenConfig(AppConfig):
    name = "infrazen"
    verbose_name = "InfraZen"

    def ready(self) -> None:
        from common.logs import configure_structlog
        from infrazen import checks  # noqa: F401  # registers itself

        configure_structlog()
