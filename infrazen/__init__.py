"""Settings, URLs, the API router and the dashboard. Holds no rule."""

from infrazen.celery import app as celery_app

__all__ = ["celery_app"]
