"""Asks a provider whether a connection's credentials work."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from providers import services
from providers.contract.errors import ProviderError
from providers.contract.records import ScopeStatus
from providers.models import ProviderConnection


class Command(BaseCommand):
    help = "Tests a connection and tells what its credentials may read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", type=int, help="Id of the connection.")

    def handle(self, *args: Any, connection: int, **options: Any) -> None:
        try:
            found = ProviderConnection.objects.get(pk=connection)
            test = services.test_saved_connection(connection=found, now=timezone.now())
        except ProviderConnection.DoesNotExist:
            raise CommandError(f"There is no connection {connection}.") from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except ProviderError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Account {test.account_id} {test.account_name}".strip())
        for scope in test.scopes:
            words = "" if scope.status == ScopeStatus.COMPLETE else f": {scope.message % dict(scope.params)}"
            self.stdout.write(f"{'/'.join(scope.scope)}: {scope.status}{words}")
