"""The Celery application: `celery -A infrazen worker` in production, a thread in embedded mode."""

import logging.config
import os
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.settings")

app = Celery("infrazen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@signals.setup_logging.connect
def _log_as_everywhere(**kwargs: Any) -> None:
    """Celery would set handlers and levels of its own."""
    logging.config.dictConfig(settings.LOGGING)
