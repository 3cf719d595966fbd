"""WSGI entry point: `gunicorn infrazen.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.settings")

application = get_wsgi_application()
