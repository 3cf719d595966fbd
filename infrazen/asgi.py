"""ASGI entry point, for servers that speak nothing else; WSGI is what we measure and run."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.settings")

application = get_asgi_application()
