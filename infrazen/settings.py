"""Settings, all of them from the environment (and from `.env` beside manage.py, where it exists).

Modes (`INFRAZEN_MODE`):
- embedded: the default. SQLite, no Redis; secrets are made once in INFRAZEN_DATA/secrets.env.
- production: the default as soon as DATABASE_URL is set. Whatever is missing is named at start.
- test: set by `infrazen.test_settings`; reads no `.env` and keeps no secret.

`.env.example` lists every variable.
"""

import logging
import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from kombu import Queue
from whitenoise.compress import Compressor

from accounts.identity import (
    SECOND_FACTOR_FORMS,
    SIGN_IN_FORMS,
    SIGN_IN_LIMITS,
    Client,
    OpenIDServer,
    form_targets,
    identity_providers,
)
from common import logs
from infrazen.admin_site import UNFOLD as UNFOLD  # the admin's theme and sidebar
from infrazen.keyring import embedded_secrets

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
ENV_FILE = Path(env.str("ENV_FILE", "") or BASE_DIR / ".env")
if env.str("INFRAZEN_MODE", "") != "test" and ENV_FILE.is_file():
    env.read_env(ENV_FILE)

MODES = ("embedded", "production", "test")
INFRAZEN_MODE = env.str("INFRAZEN_MODE", "") or ("production" if env.str("DATABASE_URL", "") else "embedded")
if INFRAZEN_MODE not in MODES:
    raise ImproperlyConfigured(f"INFRAZEN_MODE is {INFRAZEN_MODE!r}; it must be one of {', '.join(MODES)}.")
IS_PRODUCTION = INFRAZEN_MODE == "production"
# What mends a missing key must not be stopped by it, and an image is built where no secret is
COMMANDS_WITHOUT_SECRETS = ("generate_key", "collectstatic", "translations")
IS_COMPLETE_REQUIRED = IS_PRODUCTION and not (sys.argv[1:] and sys.argv[1] in COMMANDS_WITHOUT_SECRETS)

DATA = Path(env.str("INFRAZEN_DATA", "") or BASE_DIR / ".data").absolute()
if INFRAZEN_MODE == "embedded":
    try:
        env.read_env(embedded_secrets(DATA))
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {DATA} cannot be written ({error.strerror}); set INFRAZEN_DATA to one that can."
        ) from error


def required(name: str, purpose: str) -> str:
    """The variable's value; in production an empty or missing one stops the start, by name."""
    value: str = env.str(name, "")
    if not value and IS_COMPLETE_REQUIRED:
        raise ImproperlyConfigured(f"{name} is not set: {purpose}. See .env.example.")
    return value


# Secrets

SECRET_KEY = required("SECRET_KEY", "it signs sessions and links")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
FIELD_ENCRYPTION_KEYS: list[str] = [  # Fernet keys, newest first: the first encrypts, all decrypt
    key.strip()
    for key in required("FIELD_ENCRYPTION_KEYS", "it encrypts the credentials of connections").split(",")
    if key.strip()
]

# Where we are

DEBUG = env.bool("DEBUG", False)
HOST = env.str("HOST", "127.0.0.1")  # address and port that `manage.py serve` listens on
PORT = env.int("PORT", 8000)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
)
if IS_COMPLETE_REQUIRED and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set: it lists the host names of the site. See .env.example."
    )
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Demo and emulators

DEMO_MODE = env.bool("DEMO_MODE", False)
# Base address of emulated providers, e.g. http://127.0.0.1:8010: all plugins then call it and not the real ones
EMULATOR_URL = env.str("EMULATOR_URL", "")
# Providers are called over HTTPS only; this also lets plain HTTP through, to this machine's loopback alone.
ALLOW_LOOPBACK_PROVIDERS = env.bool("ALLOW_LOOPBACK_PROVIDERS", DEMO_MODE)

# Pause between two batches that a sync writes, so that pages get at SQLite's write lock in between
SYNC_WRITE_PAUSE_SECONDS = env.float("SYNC_WRITE_PAUSE_SECONDS", 0.055)
# Called in this order after each finished sync; see syncs
AFTER_SYNC = [
    "costs.services.after_sync",
    "costs.budgets.services.after_sync",
    "costs.anomalies.services.after_sync",
    "recommendations.services.after_sync",
    "recommendations.policies.services.after_sync",
    "syncs.announcements.after_sync",
]
# Called in this order after an administrator gave a provider's type another meaning; see syncs
AFTER_RETYPING = ["costs.services.after_retyping"]
# Called in this order after each complete sync of an organization; see syncs.complete
AFTER_COMPLETE_SYNC = ["syncs.announcements.after_complete_sync"]
# Told of everything that is added, changed, deleted or set off in the admin; see common.admin_changes
AFTER_ADMIN_CHANGE = ["accounts.audit.services.record_admin_change"]
# What goes with an organization, told by each app, from the most missed to the least; see accounts.losses
ORGANIZATION_LOSSES = [
    "costs.losses.of_organization",
    "recommendations.losses.of_organization",
    "recommendations.policies.losses.of_organization",
    "recommendations.schedules.losses.of_organization",
    "costs.allocation.losses.of_organization",
    "costs.budgets.losses.of_organization",
    "costs.unit_costs.losses.of_organization",
    "costs.reports.losses.of_organization",
    "costs.explorer.losses.of_organization",
    "costs.anomalies.losses.of_organization",
    "recommendations.prices.losses.of_organization",
    "providers.losses.of_organization",
    "inventory.losses.of_organization",
    "syncs.losses.of_organization",
    "accounts.tokens.losses.of_organization",
    "accounts.losses.of_organization",
]
# Kinds of sections that reports may have, in the order in which they are offered; see costs.reports.sections
REPORT_SECTIONS = [
    "costs.reports.sections.figures.Figures",
    "costs.reports.sections.views.ExplorerView",
    "costs.reports.sections.budgets.Budgets",
    "costs.reports.sections.anomalies.Anomalies",
    "recommendations.report_section.Recommendations",
    "costs.reports.sections.unit_metrics.UnitMetrics",
    "costs.reports.sections.balances.Balances",
]
# A complete sync reads one connection after the other; with this, as many at once as there are workers
COMPLETE_SYNC_PARALLEL = env.bool("COMPLETE_SYNC_PARALLEL", False)
# After so many failures in a row a connection is not tried by itself any more
SYNC_FAILURES_UNTIL_STOP = env.int("SYNC_FAILURES_UNTIL_STOP", 5)

# Daily exchange rates of the Central Bank of Russia, for `manage.py load_exchange_rates`
CBR_DAILY_URL = env.str("CBR_DAILY_URL", "https://www.cbr.ru/scripts/XML_daily.asp")

# Applications

INSTALLED_APPS = [
    "infrazen",
    "recommendations",
    "recommendations.prices",
    "recommendations.policies",
    "recommendations.schedules",
    "costs.unit_costs",
    "costs.anomalies",
    "costs.reports",
    "costs.budgets",
    "costs.allocation",
    "costs",
    "costs.explorer",
    "syncs",
    "inventory",
    "providers",
    "accounts.notifications",
    "accounts.tokens",
    "accounts",
    "accounts.audit",
    "common",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.yandex",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "django_structlog",
]

MIDDLEWARE = [
    "infrazen.health.Probes",  # above all: they are asked by address, over plain HTTP and by nobody
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "infrazen.middleware.RequestLog",  # below static files, which are not worth a line each
    "csp.middleware.CSPMiddleware",  # above everything that may answer by itself
    "infrazen.middleware.AdminContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.impersonation.Impersonation",  # above all that asks who is here
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "accounts.second_factor.AdminSecondFactor",
    "accounts.demo_guard.DemoAccountGuard",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.OrganizationMiddleware",
    "infrazen.currency.ReaderCurrencyMiddleware",
    "accounts.tokens.throttling.RateLimitHeaders",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "infrazen.urls"
WSGI_APPLICATION = "infrazen.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "infrazen.context.page",
            ],
        },
    },
]

# Database

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES: dict[str, dict[str, Any]]
if env.str("DATABASE_URL", ""):
    _database = env.db_url("DATABASE_URL")
    if _database["ENGINE"].endswith("postgresql"):
        # Of sums over many days PostgreSQL compiles the plan anew each time, which takes longer than it saves
        _database["OPTIONS"] = {"options": "-c jit=off", **_database.get("OPTIONS", {})}
    if env.int("DB_POOL", 0):  # web processes: a pool caps their connections
        _pool = {"min_size": 1, "max_size": env.int("DB_POOL"), "timeout": 10}
        _database["OPTIONS"] = {**_database.get("OPTIONS", {}), "pool": _pool}
        _database["CONN_MAX_AGE"] = 0  # Django refuses a pool together with persistent connections
    else:  # workers: one connection each
        _database["CONN_MAX_AGE"] = 60
        _database["CONN_HEALTH_CHECKS"] = True
    DATABASES = {"default": _database}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA / "infrazen.sqlite3",
            "OPTIONS": {
                # A deferred transaction that turns into a writer fails at once with "database is locked";
                # an immediate one waits its turn.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000; "
                "PRAGMA mmap_size=134217728; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864",
            },
        }
    }

# Cache and broker

REDIS_URL = required("REDIS_URL", "web processes and workers meet there")
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "infrazen",
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2, "health_check_interval": 30},
        }
    }
    CACHES["counters"] = CACHES["default"]
else:
    CACHES = {
        # In the database: what limits guessing at the sign-in must outlive the process
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "infrazen_cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        },
        # Calls of a minute: one process has them all, and a write for each call is too dear for SQLite
        "counters": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "counters"},
    }

# Celery. A message is only a hint: the database row is the truth, so results are not kept.

CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # Longer than the longest task and any countdown; queues are looked at in their order, the first one first.
    {"visibility_timeout": 6 * 3600, "queue_order_strategy": "priority"}
    if REDIS_URL
    else {"polling_interval": 0.02}  # at 0.1 only 40 tasks a second get through
)
# What a person waits for goes before what nobody waits for. Redis looks at the queues in this order; the broker in
# memory lets them take turns, so that at most one scheduled sync goes before.
CELERY_TASK_QUEUES = [Queue("interactive"), Queue("scheduled")]
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 3 * 3600
CELERY_TASK_SOFT_TIME_LIMIT = CELERY_TASK_TIME_LIMIT - 300
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SYNC_EVERY = 1  # tasks sent until their rows say so: beat's age is read there
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

# Language and time

TIME_ZONE = env.str("TIME_ZONE", "Europe/Moscow")  # of pages until a user chooses another; storage is UTC
USE_TZ = True
CELERY_TIMEZONE = TIME_ZONE
LANGUAGE_CODE = env.str("LANGUAGE_CODE", "ru")
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "infrazen" / "locale"]
USE_I18N = True
# Installed packages that show texts and bring no Russian (or not all of it); our catalogue has them too
TEXTS_BORROWED_FROM = ["unfold", "unfold.contrib.filters", "unfold.contrib.forms", "django_celery_beat"]

# Accounts

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", not IS_PRODUCTION)  # whether strangers may make an account
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 10  # each gets a letter, and not all are of whoever asks for it
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "InfraZen: "
ACCOUNT_RATE_LIMITS = SIGN_IN_LIMITS
ACCOUNT_PREVENT_ENUMERATION = True  # whether an e-mail is known here, nobody is told
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before e-mails, providers and factors of a person are changed
ACCOUNT_FORMS = SIGN_IN_FORMS
USERSESSIONS_TRACK_ACTIVITY = False  # one write a page is too dear for SQLite

MFA_ADAPTER = "accounts.adapters.MfaAdapter"
MFA_FORMS = SECOND_FACTOR_FORMS
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "InfraZen"
ADMIN_MFA_REQUIRED = env.bool("ADMIN_MFA_REQUIRED", False)  # no admin without a second factor

SOCIALACCOUNT_ADAPTER = "accounts.adapters.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # who may come in by an e-mail alone, accounts.linking decides
GOOGLE = Client(client_id=env.str("GOOGLE_CLIENT_ID", ""), secret=env.str("GOOGLE_CLIENT_SECRET", ""))
YANDEX = Client(client_id=env.str("YANDEX_CLIENT_ID", ""), secret=env.str("YANDEX_CLIENT_SECRET", ""))
OPENID_SERVER = OpenIDServer(
    url=env.str("OIDC_SERVER_URL", "").rstrip("/"),
    client=Client(client_id=env.str("OIDC_CLIENT_ID", ""), secret=env.str("OIDC_CLIENT_SECRET", "")),
    name=env.str("OIDC_NAME", "SSO"),
    trusted_domains=env.list("OIDC_TRUSTED_DOMAINS", default=[]),
    origins=env.list("OIDC_ORIGINS", default=[]),
)
SOCIALACCOUNT_PROVIDERS = identity_providers(google=GOOGLE, yandex=YANDEX, server=OPENID_SERVER)
OIDC_SIGNUP = env.bool("OIDC_SIGNUP", True)  # whom that provider lets in gets an account, SIGNUP_OPEN or not
SSO_ONLY = env.bool("SSO_ONLY", False)  # no other way in, but a super admin's password
if SSO_ONLY and not OPENID_SERVER:
    raise ImproperlyConfigured(
        "SSO_ONLY is on without OIDC_SERVER_URL, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: nobody could sign in. "
        "See .env.example."
    )

EMAIL_URL = env.str("EMAIL_URL", "")  # e.g. smtp+tls://user:password@mail.example.com:587
if EMAIL_URL:
    globals().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds; letters go out while somebody waits for the page
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", "InfraZen <infrazen@localhost>")
# Without a mail server nobody could ever follow the link
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "optional"
MFA_ALLOW_UNVERIFIED_EMAIL = not EMAIL_URL
ACCOUNT_EMAIL_NOTIFICATIONS = bool(EMAIL_URL)  # a letter for each change of the ways in

# Audit trail

AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", 0)  # older entries are removed; 0 keeps everything
AUDIT_GUARD = True  # triggers that refuse changes; off only where tests empty all tables

# Messages to people

# Where people reach these pages, for links in messages that are not written inside a request
SITE_URL = env.str("SITE_URL", "") or (
    f"https://{ALLOWED_HOSTS[0]}" if IS_PRODUCTION and ALLOWED_HOSTS else f"http://{HOST}:{PORT}"
)
TELEGRAM_BOT_TOKEN = env.str("TELEGRAM_BOT_TOKEN", "")
TELEGRAM_API_URL = env.str("TELEGRAM_API_URL", "https://api.telegram.org")
# Webhooks go to public addresses only; this also lets them through to this machine's loopback
ALLOW_LOOPBACK_WEBHOOKS = env.bool("ALLOW_LOOPBACK_WEBHOOKS", False)
NOTIFICATION_RETENTION_DAYS = env.int("NOTIFICATION_RETENTION_DAYS", 90)

# Transport security. Embedded mode speaks plain HTTP on this machine.

SECURE_COOKIES = env.bool("SECURE_COOKIES", IS_PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_COOKIES
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE_COOKIES else "http"
if env.bool("BEHIND_PROXY", False):  # only where the proxy sets this header itself
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # sign-in limits count the visitor's address, not the proxy's
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0)
# Both would speak for other sites of the same domain, which are not ours to decide about
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        # A browser checks the redirect after a form too, and signing in with a provider is one.
        "form-action": ["'self'", *form_targets(google=GOOGLE, yandex=YANDEX, server=OPENID_SERVER)],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# Files

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")) if IS_PRODUCTION else None
# Half of what there is to compress are maps, which only a debugger asks for
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
WHITENOISE_USE_FINDERS = not IS_PRODUCTION  # no collectstatic step in embedded mode
_static_storage = (
    "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if IS_PRODUCTION
    else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static_storage},
}
MEDIA_ROOT = DATA / "media"
FILE_UPLOAD_TEMP_DIR = env.str("FILE_UPLOAD_TEMP_DIR", "") or None
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes; larger uploads go to disk and are read as a stream
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", 1024**3)  # of one billing file that a person uploads

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [  # the first one's challenge goes with a 401
        "accounts.tokens.authentication.TokenAuthentication",
        "infrazen.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.tokens.throttling.CallerThrottle"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "infrazen.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "infrazen.api.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_CALLS_PER_MINUTE = env.int("API_CALLS_PER_MINUTE", 600)  # of one token, or of one person's session
SPECTACULAR_SETTINGS = {
    "TITLE": "InfraZen API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "infrazen.api.schema.add_common",
    ],
    "ENUM_NAME_OVERRIDES": {
        "DismissReason": "recommendations.models.DismissReason",
        "BillingFileStatus": "syncs.models.BillingFileStatus",
        "ConnectionStatus": "providers.models.ConnectionStatus",
        "CompleteSyncMode": "syncs.models.CompleteSyncMode",
        "CoverageStatus": "syncs.models.ScopeCoverage.Status",
        "MemberRole": "accounts.models.Role",
        "ResourceStatus": "syncs.models.ResourceState.Status",
        "SyncStatus": "syncs.models.SyncStatus",
        "TestedStatus": ["complete", "failed", "denied", "absent"],
        "TagSource": "inventory.models.TagSource",
        "CostSource": "costs.models.CostSource",
        "ExchangeRateSource": "costs.models.ExchangeRate.Source",
    },
}

# Logging and metrics

LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOG_FORMATS = ("json", "console")
LOG_FORMAT = env.str("LOG_FORMAT", "json" if IS_PRODUCTION else "console")
if LOG_FORMAT not in LOG_FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it must be one of {', '.join(LOG_FORMATS)}.")
LOGGING: dict[str, Any] = logs.configuration(level=LOG_LEVEL, style=LOG_FORMAT)
# One line a request and a task: of use to a machine, in a terminal it buries what matters
LOGGING["loggers"]["django_structlog"] = {"level": LOG_LEVEL if IS_PRODUCTION else "WARNING"}
# It tells each step of a print, and each rule of a style sheet that paper does not know
LOGGING["loggers"]["weasyprint"] = LOGGING["loggers"]["fontTools"] = {"level": "ERROR"}
# Each head of the audit trail's chain: worth keeping where logs are shipped elsewhere
LOGGING["loggers"]["accounts.audit"] = {"level": LOG_LEVEL if IS_PRODUCTION else "WARNING"}
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG

METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # who reads /metrics; without it only this machine may
