"""Prints a new key for FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Prints a new encryption key. Put it in front of FIELD_ENCRYPTION_KEYS, run rotate_credentials, "
        "and take the old key away."
    )
    requires_system_checks = []  # it is what mends a missing key

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(Fernet.generate_key().decode())
