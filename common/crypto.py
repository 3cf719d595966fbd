"""The key ring for secrets at rest: Fernet keys from the environment, newest first.

Encryption uses the first key, decryption tries all of them, so a key is rotated by putting a new one in front,
running `manage.py rotate_credentials`, and taking the old one away.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def key_ring() -> MultiFernet:
    """The ring of `settings.FIELD_ENCRYPTION_KEYS`; raises ImproperlyConfigured when it is empty or malformed."""
    return _ring(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS is empty: credentials cannot be stored. Put at least one Fernet key into it; "
            "`manage.py generate_key` prints a new one."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS holds something that is not a Fernet key (32 bytes, URL-safe base64)."
        ) from error
