"""Registers the system checks."""

from django.apps import AppConfig


class InfrazenConfig(AppConfig):
    name = "infrazen"
    verbose_name = "InfraZen"

    def ready(self) -> None:
        from infrazen import checks  # noqa: F401  # registers itself
