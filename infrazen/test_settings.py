"""Settings of the test run, and of the type checker: no `.env`, no kept secret, no mail, nothing slow.

DATABASE_URL and REDIS_URL choose PostgreSQL and Redis (see `common.testing.services`); SQLite without them.
"""

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

os.environ["INFRAZEN_MODE"] = "test"  # before the star import, which reads it

from infrazen.settings import *

SECRET_KEY = "not secret: tests only"
FIELD_ENCRYPTION_KEYS = ["dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in embedded mode: threads of one test then meet real locks, which a shared memory database lacks
    # For commands outside the tests a database of nobody's: SQLite makes it and drops it with the connection.
    # Not ":memory:", which a live server, if it starts first, would share between threads.
    DATABASES["default"]["NAME"] = "file:"
    DATABASES["default"]["TEST"] = {
        "NAME": Path(tempfile.gettempdir()) / f"infrazen-test-{os.getpid()}.sqlite3"
    }
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"

# Threads of a live server must not outlive it in a session of the database
DATABASES["default"]["CONN_MAX_AGE"] = 0

if REDIS_URL:  # one database for each process of the run: clearing the cache of one leaves the others' alone
    _process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    CACHES["default"]["LOCATION"] = urlsplit(REDIS_URL)._replace(path=f"/{_process}").geturl()
else:  # in memory: most tests may not touch the database, and what survives a restart has a test of its own
    CACHES["default"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}

LANGUAGE_CODE = "en"  # pages answer with the msgids, whatever the state of the translation
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_BROKER_URL = "memory://localhost"
ALLOW_LOOPBACK_PROVIDERS = True
AUDIT_GUARD = False  # transactional tests end by emptying every table; accounts/audit/tests/test_guard.py switches it on
WHITENOISE_AUTOREFRESH = True  # else every test client lists all static files first
LOGGING["root"]["level"] = "ERROR"
LOGGING["loggers"]["django"]["level"] = "CRITICAL"  # expected 404s and 500s are what tests provoke
