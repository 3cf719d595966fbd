"""Creates the first super admin."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts import addresses, services

PASSWORD_VARIABLE = "INFRAZEN_ADMIN_PASSWORD"  # noqa: S105  # the name of a variable


class Command(BaseCommand):
    help = (
        f"Creates the first super admin. The password comes from {PASSWORD_VARIABLE}; "
        "without it one is made and printed once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="E-mail address, which is the login.")
        parser.add_argument(
            "--force-another", action="store_true", help="Create one even though a super admin exists."
        )

    def handle(self, *args: Any, email: str, force_another: bool, **options: Any) -> None:
        given = os.environ.get(PASSWORD_VARIABLE, "")
        password = given or secrets.token_urlsafe(16)
        try:
            validate_email(email)
            user = services.create_super_admin(email=email, password=password, is_another=force_another)
            # Who runs commands here needs no letter to be believed
            addresses.confirm(user=user, email=user.email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except services.SuperAdminExists as error:
            raise CommandError("A super admin exists already; --force-another creates one more.") from error
        self.stdout.write(f"Super admin {user.email} is ready.")
        if not given:
            self.stdout.write(f"Password, shown only now: {password}")
