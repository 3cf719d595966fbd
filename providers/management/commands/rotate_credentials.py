"""Encrypts all credentials again with the newest key."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from providers import services


class Command(BaseCommand):
    help = "Encrypts the credentials of all connections with the first key of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = services.rotate_credentials()
        except InvalidToken as error:
            raise CommandError(
                "Some credentials are encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold. "
                "Put the old key back behind the new one and run this again."
            ) from error
        self.stdout.write(f"Encrypted again: {count}.")
