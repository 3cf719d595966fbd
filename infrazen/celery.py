"""The Celery application: `celery -A infrazen worker` in production, a thread in embedded mode."""

import logging.config
import os
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings
from django.dispatch import receiver
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.settings")

app = Celery("infrazen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@receiver(bind_extra_task_metadata)
def _name_on_every_line(task: Any, **kwargs: Any) -> None:
    structlog.contextvars.bind_contextvars(task=task.name)


@signals.setup_logging.connect
def _log_as_everywhere(**kwargs: Any) -> None:
    """Celery would set handlers and levels of its own."""
    logging.config.dictConfig(settings.LOGGING)
