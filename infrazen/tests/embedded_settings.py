"""Embedded mode with `embedded_site` for a site."""

from infrazen.settings import *

ROOT_URLCONF = "infrazen.tests.embedded_site"
CELERY_IMPORTS = ["infrazen.tests.embedded_site"]
