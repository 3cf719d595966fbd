"""`manage.py backup`: a whole copy of the database and the files, or a note of one that was made otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from infrazen import backup


class Command(BaseCommand):
    help = "Copies the database and uploaded files while everything runs; the keys are not in it, keep them apart."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", metavar="FOLDER", default=str(settings.DATA / "backups"), help="default: %(default)s"
        )
        parser.add_argument(
            "--noted",
            metavar="PLACE",
            default="",
            help="make nothing, only note for the admin's front page that a backup was made at this place",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["noted"]:
            backup.note(place=options["noted"], size=None)
            self.stdout.write("Noted.")
            return
        try:
            made = backup.make(folder=Path(options["to"]), now=timezone.now())
        except backup.BackupFailed as error:
            raise CommandError(str(error)) from error
        for path in made:
            self.stdout.write(f"{path} ({path.stat().st_size:,} bytes)")
