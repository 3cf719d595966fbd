"""Imports a billing file from a script: what was found, and the sync, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Organization
from providers.contract.errors import ProviderUnavailable
from providers.messages import sentence
from providers.models import ProviderConnection
from syncs import imports, services
from syncs.models import BillingFile, SyncSnapshot, SyncStatus

PIECE_BYTES = 1024 * 1024
INSPECTION_SECONDS = 900


class Command(BaseCommand):
    help = (
        "Reads a FOCUS file, prints what it holds and imports it. A file with rows that break the format is "
        "imported only with --skip-bad-rows."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV, gzipped CSV or Parquet.")
        parser.add_argument("--organization", type=int, required=True, help="Id of the organization.")
        parser.add_argument(
            "--connection",
            required=True,
            help="Name of the FOCUS connection; a new one is made for a new name.",
        )
        parser.add_argument(
            "--skip-bad-rows", action="store_true", help="Import the good rows, list the bad."
        )

    def handle(
        self, *args: Any, file: Path, organization: int, connection: str, skip_bad_rows: bool, **options: Any
    ) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        try:
            target = _connection(organization, connection)
            billing_file = imports.store_file(
                connection=target,
                name=file.name,
                content=_pieces(file),
                uploaded_by=None,
                now=timezone.now(),
                inspection_seconds=INSPECTION_SECONDS,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self._print_report(billing_file)
        try:
            snapshot = imports.import_file(
                billing_file=billing_file, skip_bad_rows=skip_bad_rows, requested_by=None, now=timezone.now()
            )
        except services.SyncNotPossible as error:
            raise CommandError(sentence(str(error))) from None
        self._run(snapshot)

    def _print_report(self, billing_file: BillingFile) -> None:
        report = billing_file.report
        if error := report.get("error"):
            place = f"line {error['line']}: " if error.get("line") else ""
            raise CommandError(place + sentence(error["message"], error["params"]))
        self.stdout.write(
            f"{billing_file.name}: FOCUS {report['version']}, {report['row_count']} rows, "
            f"{report['bad_row_count']} of them bad."
        )
        for total in report["period_sums"]:
            self.stdout.write(
                f"  {total['billing_period']} {total['provider_name']} {total['billing_account_id']}: "
                f"{total['billed_cost']} {total['billing_currency']} in {total['row_count']} rows"
            )
        for row in report["bad_rows"]:
            self.stderr.write(
                f"  line {row['line']}, {row['column']}: {sentence(row['message'], row['params'])}"
            )

    def _run(self, snapshot: SyncSnapshot) -> None:
        try:
            status = services.run_snapshot(snapshot_id=snapshot.pk, now=timezone.now())
        except ProviderUnavailable as error:
            raise CommandError(str(error)) from None
        snapshot.refresh_from_db()
        if status in (None, SyncStatus.ERROR):
            raise CommandError(sentence(snapshot.error.get("message", ""), snapshot.error.get("params")))
        self.stdout.write(
            f"Imported: {snapshot.created_count} new, {snapshot.updated_count} changed, "
            f"{snapshot.unchanged_count} unchanged, {snapshot.deleted_count} gone."
        )


def _connection(organization: int, name: str) -> ProviderConnection:
    """The organization's connection of that name that reads files; a new one where there is none of that name."""
    tenant = Organization.objects.filter(pk=organization).first()
    if tenant is None:
        raise CommandError(f"There is no organization {organization}.")
    keys = [plugin.key for plugin in imports.file_plugins()]
    found = ProviderConnection.objects.of(tenant).filter(connection_name=name).first()
    if found is None:
        return imports.file_connection(
            organization=tenant, provider_type="focus", connection_name=name, now=timezone.now()
        )
    if found.provider_type not in keys:
        raise CommandError(f"The connection “{name}” does not read files.")
    return found


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
