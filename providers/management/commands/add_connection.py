"""Adds a connection from a script."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Organization
from providers import services
from providers.contract.errors import ProviderError

CREDENTIALS_VARIABLE = "INFRAZEN_CREDENTIALS"


class Command(BaseCommand):
    help = (
        "Tests credentials and adds a connection. The credentials are a JSON object, in the variable "
        f"{CREDENTIALS_VARIABLE} or on the standard input; never on the command line, where others see them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help="Key of the provider, e.g. beget.")
        parser.add_argument("name", help="Name of the connection.")
        parser.add_argument("--organization", type=int, required=True, help="Id of the organization.")
        parser.add_argument(
            "--interval", type=int, default=None, help="Minutes between syncs; else the provider's."
        )
        parser.add_argument("--no-auto-sync", action="store_true", help="Sync by hand only.")
        parser.add_argument("--no-test", action="store_true", help="Save without asking the provider.")

    def handle(
        self,
        *args: Any,
        provider: str,
        name: str,
        organization: int,
        interval: int | None,
        no_auto_sync: bool,
        no_test: bool,
        **options: Any,
    ) -> None:
        try:
            connection = services.create_connection(
                organization=Organization.objects.get(pk=organization),
                provider_type=provider,
                connection_name=name,
                credentials=_credentials(),
                now=timezone.now(),
                auto_sync=not no_auto_sync,
                sync_interval_minutes=interval,
                verify=not no_test,
            )
        except Organization.DoesNotExist:
            raise CommandError(f"There is no organization {organization}.") from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except ProviderError as error:
            raise CommandError(f"{provider} refused: {error}") from None
        self.stdout.write(f"Connection {connection.pk} “{connection.connection_name}” added.")


def _credentials() -> dict[str, str]:
    text = os.environ.get(CREDENTIALS_VARIABLE) or ("" if sys.stdin.isatty() else sys.stdin.read())
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise CommandError("The credentials are not JSON.") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise CommandError('The credentials must be a JSON object of texts: {"login": "…"}.')
    return found
