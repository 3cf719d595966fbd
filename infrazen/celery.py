"""The Celery application: `celery -A infrazen worker` in production, a thread in embedded mode."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.settings")

app = Celery("infrazen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
