"""What one whole reading of a FOCUS file found: sums, bad rows, doubts. Pure: rows go in, a report comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

from common.text import gettext_noop
from providers.contract.errors import InvalidSource
from providers.contract.plugin import Period
from providers.contract.records import ChargeRecord, Finding
from providers.focus_rules import RowChecks

from .normalize import billing_month, header_findings, unknown_columns
from .reader import Source, SourceRow, invalid

MAX_TOLD = 100
"""Bad rows, and findings of one kind, that are told one by one; the rest is counted."""
MAX_GROUPS = 20_000
"""Different services, or accounts times months, in one file: they are held in memory."""
CHECKED_ROWS = 200_000
"""Rows of a file that are held to the twelve checks: neither memory nor the wait for a preview grows with the rest."""
_EXACT = Context(prec=60)
"""Wide enough that no sum of a file's amounts is rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSum:
    """Sums of one billing month (`2026-10`) of one account in one currency."""

    provider_name: str
    billing_account_id: str
    billing_account_name: str
    billing_period: str
    billing_currency: str
    row_count: int
    billed_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSum:
    """Sums of one service of one provider in one currency."""

    provider_name: str
    service_name: str
    billing_currency: str
    row_count: int
    billed_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that breaks the format. `message` with `params` is the sentence for the user."""

    line: int
    column: str
    message: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCount:
    """How many findings of one kind the file has, told or not."""

    code: str
    column: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What one whole reading of a file found; only good rows are summed.

    `bad_rows` are the first hundred of `bad_row_count`; `findings` are the first hundred of each kind, and
    `finding_counts` counts all of them. `format` is `csv`, `csv.gz` or `parquet`. Charge periods are half-open and
    None where no row is good. Sums are ordered by their names.
    """

    format: str
    version: str
    columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    row_count: int
    bad_row_count: int
    bad_rows: tuple[BadRow, ...]
    charge_period_start: datetime | None
    charge_period_end: datetime | None
    period_sums: tuple[PeriodSum, ...]
    service_sums: tuple[ServiceSum, ...]
    charge_categories: Mapping[str, int]
    findings: tuple[Finding, ...]
    finding_counts: tuple[FindingCount, ...]

    @property
    def good_row_count(self) -> int:
        return self.row_count - self.bad_row_count

    @property
    def provider_names(self) -> tuple[str, ...]:
        return tuple(sorted({item.provider_name for item in self.period_sums}))

    @property
    def billing_currencies(self) -> tuple[str, ...]:
        return tuple(sorted({item.billing_currency for item in self.period_sums}))

    @property
    def period(self) -> Period | None:
        """From the first start to the last end of the charges; None where no row is good."""
        if self.charge_period_start is None or self.charge_period_end is None:
            return None
        return Period(start=self.charge_period_start, end=self.charge_period_end)

    def as_json(self) -> dict[str, Any]:
        """Fields and properties as values that JSON has: amounts and instants are text."""
        data: dict[str, Any] = _plain(self)
        data |= {
            "good_row_count": self.good_row_count,
            "provider_names": list(self.provider_names),
            "billing_currencies": list(self.billing_currencies),
        }
        return data


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    return value


class FindingLog:
    """Lets the first hundred findings of each kind (code and column) pass and counts all."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def told(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        for finding in findings:
            kind = (finding.code, finding.column)
            self._counts[kind] += 1
            if self._counts[kind] <= MAX_TOLD:
                yield finding

    def totals(self) -> Iterator[Finding]:
        """One finding for each kind of which not all were told."""
        for (code, column), count in self._counts.items():
            if count > MAX_TOLD:
                yield Finding(
                    code=code,
                    message=gettext_noop(
                        "Rows with this finding in total: %(count)s. The first %(told)s are listed."
                    ),
                    params={"count": count, "told": MAX_TOLD},
                    column=column,
                )

    def counts(self) -> tuple[FindingCount, ...]:
        return tuple(
            FindingCount(code=code, column=column, count=count)
            for (code, column), count in sorted(self._counts.items())
        )


class _Sum:
    __slots__ = ("billed_cost", "effective_cost", "row_count")

    def __init__(self) -> None:
        self.row_count = 0
        self.billed_cost = Decimal(0)
        self.effective_cost = Decimal(0)

    def add(self, charge: ChargeRecord) -> None:
        self.row_count += 1
        self.billed_cost = _EXACT.add(self.billed_cost, charge.billed_cost)
        self.effective_cost = _EXACT.add(self.effective_cost, charge.effective_cost)


class ReportBuilder:
    """Takes the rows of one file in their order and makes its report."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._log = FindingLog()
        self._checks = RowChecks(
            source.columns, is_text=source.format != "parquet", remembered_rows=CHECKED_ROWS
        )
        self._findings = list(self._log.told(header_findings(source.columns)))
        self._findings += self._log.told(self._checks.header())
        self._bad_rows: list[BadRow] = []
        self._bad_row_count = 0
        self._good_row_count = 0
        self._start: datetime | None = None
        self._end: datetime | None = None
        self._periods: dict[tuple[str, str, str, str], _Sum] = {}
        self._services: dict[tuple[str, str, str], _Sum] = {}
        self._account_names: dict[tuple[str, str], str] = {}
        self._charge_categories: Counter[str] = Counter()

    def add_bad_row(self, error: InvalidSource) -> None:
        self._bad_row_count += 1
        if len(self._bad_rows) < MAX_TOLD:
            self._bad_rows.append(
                BadRow(
                    line=error.line or 0,
                    column=error.column or "",
                    message=error.message,
                    params=error.params,
                )
            )

    def add_charge(self, row: SourceRow, charge: ChargeRecord, doubts: Iterable[Finding]) -> None:
        """`doubts` are the reader's; of a cell that it has told about, the checks are not heard as well.

        Raises InvalidSource where the file has more accounts or services than can be true.
        """
        line, doubts = row.line, tuple(doubts)
        self._good_row_count += 1
        self._findings += self._log.told(doubts)
        if self._good_row_count <= CHECKED_ROWS:
            told = {doubt.column for doubt in doubts}
            self._findings += self._log.told(
                found for found in self._checks.row(line, row.values) if found.column not in told
            )
        start, end = charge.charge_period_start, charge.charge_period_end
        self._start = start if self._start is None else min(start, self._start)
        self._end = end if self._end is None else max(end, self._end)
        account = (charge.provider_name, charge.billing_account_id)
        service = (charge.provider_name, charge.service_name)
        currency = charge.billing_currency
        self._periods.setdefault((*account, billing_month(charge), currency), _Sum()).add(charge)
        self._services.setdefault((*service, currency), _Sum()).add(charge)
        check_groups(self._periods, line)
        check_groups(self._services, line)
        self._account_names.setdefault(account, charge.billing_account_name)
        self._charge_categories[charge.charge_category.value] += 1

    def report(self) -> FileReport:
        """The report; to be asked once, at the end."""
        if self._good_row_count <= CHECKED_ROWS:
            self._findings += self._log.told(self._checks.end())
        return FileReport(
            format=self._source.format,
            version=self._source.version,
            columns=self._source.columns,
            unknown_columns=unknown_columns(self._source.columns),
            row_count=self._good_row_count + self._bad_row_count,
            bad_row_count=self._bad_row_count,
            bad_rows=tuple(self._bad_rows),
            charge_period_start=self._start,
            charge_period_end=self._end,
            period_sums=tuple(
                PeriodSum(
                    provider_name=provider,
                    billing_account_id=account,
                    billing_account_name=self._account_names[provider, account],
                    billing_period=month,
                    billing_currency=currency,
                    row_count=total.row_count,
                    billed_cost=total.billed_cost,
                    effective_cost=total.effective_cost,
                )
                for (provider, account, month, currency), total in sorted(self._periods.items(), key=_name)
            ),
            service_sums=tuple(
                ServiceSum(
                    provider_name=provider,
                    service_name=service,
                    billing_currency=currency,
                    row_count=total.row_count,
                    billed_cost=total.billed_cost,
                    effective_cost=total.effective_cost,
                )
                for (provider, service, currency), total in sorted(self._services.items(), key=_name)
            ),
            charge_categories=dict(sorted(self._charge_categories.items())),
            findings=tuple(self._findings),
            finding_counts=self._log.counts(),
        )


def _name(item: tuple[tuple[str, ...], _Sum]) -> tuple[str, ...]:
    return item[0]


def check_groups(groups: Mapping[Any, Any], line: int) -> None:
    """Raises InvalidSource where a file names so many things that it cannot be a bill, before they fill the memory."""
    if len(groups) > MAX_GROUPS:
        raise invalid(
            gettext_noop(
                "The file names more than %(limit)s services or billing accounts. Split it into smaller files."
            ),
            line=line,
            params={"limit": MAX_GROUPS},
        )
