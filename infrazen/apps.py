"""Registers the system checks, lets all loggers write the same lines, and sets the clock of a demo that was moved."""

from django.apps import AppConfig


class InfrazenConfig(AppConfig):
    name = "infrazen"
    verbose_name = "InfraZen"

    def ready(self) -> None:
        from django.conf import settings

        from common import clock
        from common.logs import configure_structlog
        from infrazen import checks  # noqa: F401  # registers itself

        configure_structlog()
        if settings.INFRAZEN_MODE == "embedded" and (settings.DATA / clock.FILE).exists():
            clock.follow(settings.DATA / clock.FILE)
