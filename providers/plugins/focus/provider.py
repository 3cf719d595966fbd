"""FOCUS files as a provider: a file that a user gives is read like a cloud's own bill."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from common.text import gettext_noop
from providers.contract.errors import DeadlineExceeded, InvalidSource
from providers.contract.plugin import (
    BillingKind,
    Capabilities,
    CredentialField,
    Period,
    PluginContext,
    ProviderPlugin,
    complete,
)
from providers.contract.records import ChargeRecord, ConnectionTest, Finding, ResourceType, Scope, ScopeResult

from . import taxonomy
from .normalize import charge_of, header_findings, scope_of
from .reader import OPERATION, PROVIDER, Source, SourceRow, invalid, open_source
from .report import FileReport, FindingLog, ReportBuilder, check_groups


class FocusProvider(ProviderPlugin):
    """Cost and usage rows of any provider in FOCUS 1.0 to 1.4: CSV, gzipped CSV or Parquet in `context.source`."""

    key = PROVIDER
    display_name = gettext_noop("FOCUS file")
    badge = "FO"
    summary = gettext_noop("Costs of AWS, Azure, Google Cloud and others from a file in the FOCUS format.")
    credential_fields: ClassVar[tuple[CredentialField, ...]] = ()
    capabilities = Capabilities(billing=BillingKind.LINES, has_inventory=False, reads_files=True)
    type_map: ClassVar[Mapping[str, ResourceType]] = {}
    billing_timezone = "UTC"
    guide = "focus.md"

    def __init__(self, context: PluginContext) -> None:
        super().__init__(context)
        self._read_until = time.monotonic() + context.deadline_seconds

    @classmethod
    def resource_type_of(
        cls,
        native_type: str,
        service_category: str = "",
        service_name: str = "",
        service_subcategory: str = "",
    ) -> ResourceType | None:
        return taxonomy.resource_type_of(native_type, service_category, service_name, service_subcategory)

    def test_connection(self) -> ConnectionTest:
        return ConnectionTest(account_id="files")

    def charges(self, period: Period) -> Iterator[ChargeRecord | ScopeResult | Finding]:
        """Every row of the file, whatever `period` says: a person gave it as a whole, and it restates whole months.

        Raises InvalidSource at the first row that breaks the format; with `options["skip_bad_rows"]` = "1" such a
        row is a finding of the code `invalid_source` instead. A scope is a billing month of an account
        (`normalize.scope_of`), complete when the file has been read to its end.
        """
        skips_bad_rows = self.context.options.get("skip_bad_rows") == "1"
        log = FindingLog()
        scopes: dict[Scope, None] = {}
        with self._open() as source:
            yield from log.told(header_findings(source.columns))
            for row in self._rows(source):
                try:
                    charge, findings = _charge(row)
                except InvalidSource as error:
                    if not skips_bad_rows:
                        raise
                    yield from log.told([_skipped(error)])
                    continue
                yield from log.told(findings)
                scopes[scope_of(charge)] = None
                check_groups(scopes, row.line or 0)
                yield charge
        yield from log.totals()
        yield from (complete(*scope) for scope in scopes)

    def inspect(self) -> FileReport:
        """Read the whole file once, keeping sums only, for a preview before the import.

        Raises InvalidSource for what stops the reading altogether; rows that break the format are in the report.
        """
        with self._open() as source:
            builder = ReportBuilder(source)
            for row in self._rows(source):
                if isinstance(row, InvalidSource):
                    builder.add_bad_row(row)
                    continue
                try:
                    charge, findings = charge_of(row)
                except InvalidSource as error:
                    builder.add_bad_row(error)
                else:
                    builder.add_charge(row, charge, findings)
        return builder.report()

    def _open(self) -> Source:
        if self.context.source is None:
            raise invalid(gettext_noop("No file was given. Upload a FOCUS file first."))
        return open_source(self.context.source)

    def _rows(self, source: Source) -> Iterator[SourceRow | InvalidSource]:
        for row in source.rows:
            if time.monotonic() > self._read_until:
                raise DeadlineExceeded(
                    gettext_noop("The file could not be read within %(seconds)s seconds."),
                    provider=PROVIDER,
                    operation=OPERATION,
                    params={"seconds": int(self.context.deadline_seconds)},
                )
            yield row


def _charge(row: SourceRow | InvalidSource) -> tuple[ChargeRecord, list[Finding]]:
    if isinstance(row, InvalidSource):
        raise row
    return charge_of(row)


def _skipped(error: InvalidSource) -> Finding:
    return Finding(
        code=error.code,
        message=error.message,
        params=error.params,
        line=error.line,
        column=error.column or "",
    )
