"""Encrypts all secrets at rest again with the newest key: credentials of connections, and second factors of people."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from accounts import second_factor
from providers import services


class Command(BaseCommand):
    help = (
        "Encrypts the credentials of all connections and the second factors of all people "
        "with the first key of FIELD_ENCRYPTION_KEYS."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = services.rotate_credentials() + second_factor.rotate_secrets()
        except InvalidToken as error:
            raise CommandError(
                "Some secrets are encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold. "
                "Put the old key back behind the new one and run this again."
            ) from error
        self.stdout.write(f"Encrypted again: {count}.")
