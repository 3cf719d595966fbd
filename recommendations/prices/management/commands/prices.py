"""`manage.py prices read|import|export`: the price catalogue in a terminal."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Organization
from recommendations.prices import reading, services
from recommendations.prices.csv_file import parse, written
from recommendations.prices.errors import InvalidPriceFile, NothingToRead, ReadingRuns
from recommendations.prices.models import Price


class Command(BaseCommand):
    help = "Reads price lists from providers, imports the shared catalogue from CSV, writes it as CSV."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        read = commands.add_parser(
            "read", help="read the lists whose week is over, or those of one organization"
        )
        read.add_argument("--organization", type=int, help="id; all of its providers, whether due or not")
        read.add_argument("--provider", help="only this provider type")
        load = commands.add_parser("import", help="import a CSV file into the shared catalogue")
        load.add_argument("file", type=Path)
        load.add_argument(
            "--replace", action="store_true", help="uploaded prices that the file does not name are over"
        )
        export = commands.add_parser("export", help="write a catalogue as CSV to the standard output")
        export.add_argument("--organization", type=int, help="id; without it the shared catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        {"read": self._read, "import": self._import, "export": self._export}[options["command"]](options)

    def _read(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        if options["organization"]:
            organization = Organization.objects.filter(pk=options["organization"]).first()
            if organization is None:
                raise CommandError(f"There is no organization {options['organization']}.")
            wanted = [(organization.pk, each) for each in reading.readable_types(organization)]
        else:
            wanted = list(reading.due_readings(now))
        failed = 0
        for organization_id, provider_type in wanted:
            if options["provider"] not in (None, provider_type):
                continue
            try:
                found = reading.read_prices(
                    organization_id=organization_id, provider_type=provider_type, now=now
                )
            except (NothingToRead, ReadingRuns) as error:
                self.stderr.write(
                    f"{provider_type} of organization {organization_id}: {type(error).__name__}"
                )
                failed += 1
                continue
            self.stdout.write(
                f"{provider_type} of organization {organization_id}: {found.status}, {found.price_count} prices, "
                f"{found.new_count} new, {found.changed_count} changed, {found.gone_count} gone"
            )
            for scope in found.failed_scopes:
                self.stderr.write(f"  {scope['scope']}: {scope['code']}")
            failed += bool(found.failed_scopes)
        if failed:
            raise CommandError(f"{failed} price lists were not read, or not completely.")

    def _import(self, options: dict[str, Any]) -> None:
        try:
            text = options["file"].read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}.") from error
        try:
            prices = parse(text)
        except InvalidPriceFile as error:
            for problem in error.problems:
                self.stderr.write(
                    f"row {problem.row}, {problem.column or 'the whole row'}: {problem.message}"
                )
            raise CommandError("Nothing was imported.") from error
        done = services.upload(prices=prices, replaces=options["replace"], now=timezone.now(), by=None)
        for provider_type, found in done.items():
            counts = services.summary(found)
            self.stdout.write(
                f"{provider_type}: {counts['new']} new, {counts['changed']} changed, "
                f"{counts['gone']} gone, {counts['confirmed']} as before"
            )

    def _export(self, options: dict[str, Any]) -> None:
        rows = Price.objects.filter(organization_id=options["organization"], valid_until__isnull=True)
        writer = csv.writer(self.stdout, lineterminator="\n")
        for row in written(rows.order_by("provider_type", "sku_id", "source").iterator(chunk_size=2000)):
            writer.writerow(row)
