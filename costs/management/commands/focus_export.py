"""`manage.py focus_export`: costs as a FOCUS file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Organization
from costs.focus import exports
from costs.focus.columns import DEFAULT_PROFILE, PROFILES
from costs.focus.exports import FORMATS, Export
from costs.focus.requests import DEFAULT_PERIOD, BadExport, export_of
from costs.focus.rows import sums_of
from providers.focus_rules import CheckReport, check_rows
from providers.messages import sentence
from providers.plugins.focus.reader import SourceRow, open_source

STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    help = (
        "Writes costs as a FOCUS file: to a file, or with - to the standard output. With --check the file is read "
        "back and held to the twelve checks and to the sums of the daily costs; the exit status is 1 if it fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("output", help="File to write, or - for the standard output.")
        parser.add_argument("--organization", type=int, required=True, help="Id of the organization.")
        parser.add_argument(
            "--period",
            default=DEFAULT_PERIOD,
            help="last_month, 2026-10, or 2026-10-01..2026-10-31; default: %(default)s",
        )
        parser.add_argument("--profile", choices=PROFILES, default=DEFAULT_PROFILE)
        parser.add_argument(
            "--format", choices=FORMATS, dest="file_format", help="Without it, by the name of the file."
        )
        parser.add_argument(
            "--gzip", action="store_true", help="CSV as a gzip file; in Parquet, gzip columns."
        )
        parser.add_argument(
            "--ascii", action="store_true", help="Transliterate names; originals go into x_ columns."
        )
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            dest="filters",
            help="connection=3, not.type=server, tag.team=web; may be repeated.",
        )
        parser.add_argument("--check", action="store_true", help="Read the file back and check it.")

    def handle(self, *args: Any, output: str, check: bool, **options: Any) -> None:
        export = self._export(output, options)
        if output == STANDARD_OUTPUT:
            if check:
                raise CommandError(
                    "What went to the standard output cannot be read back: name a file to check it."
                )
            self._write(export, sys.stdout.buffer)
            return
        path = Path(output)
        try:
            with path.open("wb") as file:
                self._write(export, file)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None
        self.stderr.write(f"{path}: {path.stat().st_size} bytes, FOCUS {export.profile}, {export.span}")
        if check:
            self._tell(_checked(path, export))

    def _export(self, output: str, options: dict[str, Any]) -> Export:
        organization = Organization.objects.filter(pk=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        file_format = options["file_format"]
        if file_format is None:
            file_format = "csv" if output.removesuffix(".gz").endswith(".csv") else FORMATS[0]
        params = {
            "period": [options["period"]],
            "profile": [options["profile"]],
            "file_format": [file_format],
            "gzip": ["1" if options["gzip"] or output.endswith(".gz") else ""],
            "ascii": ["1" if options["ascii"] else ""],
        }
        for given in options["filters"]:
            key, equals, value = given.partition("=")
            if not equals or key in params:
                raise CommandError(f"--filter {given}: expected KEY=VALUE.")
            params.setdefault(key, []).append(value)
        today = timezone.now().astimezone(ZoneInfo(organization.time_zone)).date()
        try:
            return export_of(organization, params, today)
        except BadExport as problem:
            raise CommandError(str(problem)) from None

    @staticmethod
    def _write(export: Export, file: BinaryIO) -> None:
        exports.recorded(export)
        with suppress(BrokenPipeError):  # the reader of a pipe has seen enough
            for piece in exports.pieces(export, timezone.now()):
                file.write(piece)
            file.flush()

    def _tell(self, report: CheckReport) -> None:
        for one in report.results:
            for found in one.findings:
                place = f"line {found.line}, " if found.line else ""
                self.stderr.write(
                    f"  check {one.number}: {place}{found.column}: {sentence(found.message, found.params)}"
                )
        failed = [str(one.number) for one in report.results if one.count]
        if failed:
            raise CommandError(f"{report.row_count} rows; checks that fail: {', '.join(failed)}.")
        self.stderr.write(f"{report.row_count} rows; all twelve checks pass.")


def _checked(path: Path, export: Export) -> CheckReport:
    with open_source(path) as source:
        rows = ((row.line, row.values) for row in source.rows if isinstance(row, SourceRow))
        expected = sums_of(export.organization, export.span, export.filters)
        return check_rows(source.columns, rows, expected=expected, is_text=source.format != "parquet")
