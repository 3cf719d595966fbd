"""System checks: what must be set before anything runs, said by the name of the variable."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register


@register
def key_ring(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """FIELD_ENCRYPTION_KEYS holds at least one key, and only Fernet keys."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [
            Error(
                "FIELD_ENCRYPTION_KEYS is not set: it encrypts the credentials of connections.",
                hint="Make one with: python -c 'from cryptography.fernet import Fernet; "
                "print(Fernet.generate_key().decode())'",
                id="infrazen.E001",
            )
        ]
    broken = [place for place, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, 1) if not _is_fernet_key(key)]
    return [
        Error(
            f"Key {place} in FIELD_ENCRYPTION_KEYS is not a Fernet key (32 bytes, url-safe base64).",
            id="infrazen.E002",
        )
        for place in broken
    ]


@register
def production_is_not_a_laboratory(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """DEBUG and plain HTTP to providers are for one's own machine."""
    if not settings.IS_PRODUCTION:
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(Error("DEBUG is on in production: error pages would show settings.", id="infrazen.E003"))
    if settings.ALLOW_LOOPBACK_PROVIDERS and not settings.DEMO_MODE:
        found.append(
            checks.Warning(
                "ALLOW_LOOPBACK_PROVIDERS is on in production: connections may call this machine over plain HTTP.",
                id="infrazen.W001",
            )
        )
    return found


@register
def registration_has_letters(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Where strangers register, their e-mails are confirmed by letter."""
    if not (settings.IS_PRODUCTION and settings.SIGNUP_OPEN) or settings.EMAIL_URL:
        return []
    return [
        checks.Warning(
            "SIGNUP_OPEN is on without EMAIL_URL: no e-mail is confirmed, and registration tells strangers which ones "
            "it knows.",
            id="infrazen.W002",
        )
    ]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
