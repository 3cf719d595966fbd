"""Settings of the test run, and of the type checker: no `.env`, no kept secret, no mail, nothing slow.

DATABASE_URL and REDIS_URL choose PostgreSQL and Redis (see `common.testing.services`); SQLite without them.
"""

import os
import tempfile
from pathlib import Path

os.environ["INFRAZEN_MODE"] = "test"  # before the star import, which reads it

from infrazen.settings import *

SECRET_KEY = "not secret: tests only"
FIELD_ENCRYPTION_KEYS = ["dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in embedded mode: threads of one test then meet real locks, which a shared memory database lacks
    DATABASES["default"]["NAME"] = ":memory:"  # what commands outside the tests open: nothing of anybody's
    DATABASES["default"]["TEST"] = {
        "NAME": Path(tempfile.gettempdir()) / f"infrazen-test-{os.getpid()}.sqlite3"
    }
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"

LANGUAGE_CODE = "en"  # pages answer with the msgids, whatever the state of the translation
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_BROKER_URL = "memory://"
ALLOW_LOOPBACK_PROVIDERS = True
WHITENOISE_AUTOREFRESH = True  # else every test client lists all static files first
LOGGING["root"]["level"] = "ERROR"
LOGGING["loggers"]["django"]["level"] = "CRITICAL"  # expected 404s and 500s are what tests provoke
