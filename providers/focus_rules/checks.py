"""The twelve checks, row by row, and their result."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from itertools import islice
from typing import Any

from common.text import gettext_noop
from providers.contract.records import Finding
from providers.focus_schema import COLUMN, SERVICE_SUBCATEGORIES, Kind

from .cells import NESTED, instant, is_flat_object, is_object, number
from .nulls import NullRules

MAX_TOLD = 20
"""Findings of one kind that a report tells one by one; the rest is counted."""
MAX_NAMES = 200_000
"""Services, prices and commitments that are remembered, each."""
REMEMBERED_ROWS = 2_000_000
"""Rows that check 12 remembers, at about a hundred bytes each; later ones are compared with those."""
SHOWN_CHARACTERS = 60
TOLERANCE = Decimal("1e-9")
"""Relative, of cost = price × quantity."""
LAST_PLACE = Decimal("0.5e-10")
"""Half a unit of the tenth decimal, which is the last that a cost has in Parquet."""
KOPECK = Decimal("0.01")
PLACEHOLDERS = frozenset({"NULL", "null", "\\N", "N/A", "n/a", "Unassigned", "-"})
_CURRENCY = re.compile(r"[A-Z]{3}")
_EXACT = Context(prec=60)

CHECKS: Mapping[str, int] = {
    "unknown_value": 1,
    "unknown_service_category": 1,
    "usage_based_purchase": 1,
    "wrong_subcategory": 2,
    "price_identity": 3,
    "negative_price": 3,
    "not_a_number": 3,
    "null_not_allowed": 4,
    "half_of_a_pair": 4,
    "null_expected": 4,
    "value_expected": 4,
    "not_utc": 5,
    "period_order": 5,
    "charge_outside_billing_period": 5,
    "not_flat_json": 6,
    "not_json": 6,
    "service_in_two_categories": 7,
    "price_of_two_skus": 7,
    "empty_text": 8,
    "placeholder": 8,
    "unknown_column": 9,
    "column_order": 9,
    "sum_differs": 10,
    "commitment_sum": 11,
    "row_twice": 12,
}
"""Code of a finding -> number of its check."""

IDENTITY = (
    "BillingAccountId",
    "SubAccountId",
    "ResourceId",
    "SkuId",
    "SkuPriceId",
    "AllocatedResourceId",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "BillingCurrency",
    "ChargeClass",
    "PricingCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "InvoiceId",
)
"""What no two rows may share. The specification splits a charge that a commitment covers by half, or that is shared out,
and corrects an invoiced one beside the original: such rows differ in those columns alone."""

Sums = Mapping[str, tuple[Decimal, Decimal]]
"""Currency -> billed and effective cost."""


@dataclass(slots=True)
class _Commitment:
    paid: Decimal = Decimal(0)
    used: Decimal = Decimal(0)
    bought: list[datetime] = field(default_factory=list)
    spent: list[datetime] = field(default_factory=list)

    def add(self, is_purchase: bool, cost: Decimal, start: datetime, end: datetime) -> None:
        if is_purchase:
            self.paid += cost
        else:
            self.used += cost
        span = self.bought if is_purchase else self.spent
        span[:] = [min([*span[:1], start]), max([*span[1:], end])]


class RowChecks:
    """Takes the header, then every row, then the end, and says what is wrong.

    Values are texts as CSV has them ("" is null there) or typed values of Parquet. A column that is not there breaks
    no rule of null.
    """

    def __init__(
        self,
        columns: Sequence[str],
        *,
        is_text: bool = True,
        remembered_rows: int = REMEMBERED_ROWS,
    ) -> None:
        self._columns = tuple(columns)
        self._known = tuple(COLUMN[name] for name in columns if name in COLUMN)
        self._is_text = is_text
        self._remembered_rows = remembered_rows
        there = {column.name for column in self._known}
        self._nulls = NullRules(there)
        self._allowed = tuple((c.name, frozenset(c.allowed)) for c in self._known if c.allowed)
        self._numbers = tuple(c.name for c in self._known if c.kind is Kind.DECIMAL)
        self._instants = tuple(c.name for c in self._known if c.kind is Kind.DATETIME)
        self._objects = tuple(c.name for c in self._known if c.kind is Kind.JSON)
        self._texts = frozenset(c.name for c in self._known if c.kind is Kind.STRING and c.is_nullable)
        self._services: dict[str, str] = {}
        self._prices: dict[str, str] = {}
        self._commitments: dict[str, _Commitment] = {}
        self._sums: dict[str, list[Decimal]] = {}
        self._seen: set[int] = set()

    def header(self) -> Iterator[Finding]:
        """What the names of the columns break; of columns in the wrong order, the first is told."""
        custom = [name for name in self._columns if name not in COLUMN]
        for name in custom:
            if not name.startswith("x_"):
                yield _finding("unknown_column", _UNKNOWN_COLUMN, 1, name, column=_shown(name))
        after = self._columns[self._columns.index(custom[0]) :] if custom else ()
        late = next((name for name in after if name in COLUMN), None)
        if late:
            yield _finding("column_order", _COLUMN_ORDER, 1, late, column=late)

    def row(self, line: int, row: Mapping[str, Any]) -> list[Finding]:
        """What is wrong with one row."""
        filled = {name for name, value in row.items() if value is not None and value != ""}
        found = list(self._words(line, row, filled))
        found += self._null_rules(line, row, filled)
        numbers = self._amounts(line, row, filled, found)
        found += self._identities(line, row, numbers)
        instants = self._times(line, row, filled, found)
        found += self._names(line, row)
        self._commit(row, numbers, instants)
        self._add(row, numbers)
        key = hash(tuple(map(row.get, IDENTITY)))
        if key in self._seen:
            found.append(
                _finding(
                    "row_twice",
                    gettext_noop(
                        "A row before has the same account, resource, SKU, period and category. It is charged twice."
                    ),
                    line,
                )
            )
        elif len(self._seen) < self._remembered_rows:
            self._seen.add(key)
        return found

    def end(self, expected: Sums | None = None) -> Iterator[Finding]:
        """What only shows when all rows have been seen; without `expected` sums check 10 is passed over."""
        for commitment_id, one in sorted(self._commitments.items()):
            # Rows of a part of its time say nothing about the whole
            if one.bought and one.bought == one.spent and abs(one.paid - one.used) >= KOPECK:
                yield _finding(
                    "commitment_sum",
                    gettext_noop("The commitment %(id)s was paid with %(paid)s, but its use costs %(used)s."),
                    None,
                    "CommitmentDiscountId",
                    id=_shown(commitment_id),
                    paid=_plain(one.paid),
                    used=_plain(one.used),
                )
        if expected is None:
            return
        for currency in sorted({*expected, *self._sums}):
            wanted = expected.get(currency, (Decimal(0), Decimal(0)))
            summed = self._sums.get(currency, [Decimal(0), Decimal(0)])
            for name, want, got in zip(("BilledCost", "EffectiveCost"), wanted, summed, strict=True):
                if abs(want - got) >= KOPECK / 2:
                    yield _finding(
                        "sum_differs",
                        gettext_noop("The rows sum up to %(got)s %(currency)s, the source to %(wanted)s."),
                        None,
                        name,
                        got=_plain(got),
                        wanted=_plain(want),
                        currency=currency,
                    )

    def _words(self, line: int, row: Mapping[str, Any], filled: set[str]) -> Iterator[Finding]:
        for name, allowed in self._allowed:
            if name in filled and row[name] not in allowed:
                if name == "ServiceCategory":
                    yield _finding(
                        "unknown_service_category",
                        gettext_noop("“%(found)s” is not a service category of FOCUS."),
                        line,
                        name,
                        found=_shown(row[name]),
                    )
                else:
                    yield _finding("unknown_value", _NOT_ALLOWED, line, name, found=_shown(row[name]))
        currency = row.get("BillingCurrency")
        if currency and not _CURRENCY.fullmatch(str(currency)):
            yield _finding("unknown_value", _NOT_ALLOWED, line, "BillingCurrency", found=_shown(currency))
        if row.get("ChargeCategory") == "Purchase" and row.get("ChargeFrequency") == "Usage-Based":
            yield _finding(
                "usage_based_purchase",
                gettext_noop("A purchase is never “Usage-Based”."),
                line,
                "ChargeFrequency",
            )
        category, subcategory = row.get("ServiceCategory"), row.get("ServiceSubcategory")
        if subcategory and subcategory not in SERVICE_SUBCATEGORIES.get(str(category), (subcategory,)):
            yield _finding(
                "wrong_subcategory",
                gettext_noop("“%(found)s” is no subcategory of “%(category)s”."),
                line,
                "ServiceSubcategory",
                found=_shown(subcategory),
                category=str(category),
            )
        yield from self._json(line, row, filled)

    def _json(self, line: int, row: Mapping[str, Any], filled: set[str]) -> Iterator[Finding]:
        for name in self._objects:
            if name not in filled:
                continue
            if name in NESTED and not is_object(row[name]):
                yield _finding("not_json", _NOT_JSON, line, name, found=_shown(row[name]))
            elif name not in NESTED and not is_flat_object(row[name]):
                yield _finding(
                    "not_flat_json",
                    gettext_noop("“%(found)s” is not a flat JSON object."),
                    line,
                    name,
                    found=_shown(row[name]),
                )

    def _null_rules(self, line: int, row: Mapping[str, Any], filled: set[str]) -> Iterator[Finding]:
        for code, name, is_missing in self._nulls.broken(filled, row):
            message = _NULL if is_missing else _NOT_NULL
            yield _finding(code, message, line, name, column=name, category=row.get("ChargeCategory") or "")
        for name, value in row.items():
            if not isinstance(value, str):
                continue
            if (not value and not self._is_text) or (value and value.isspace()):
                yield _finding("empty_text", gettext_noop("An empty text stands for null."), line, name)
            elif value in PLACEHOLDERS and name in self._texts:
                yield _finding(
                    "placeholder",
                    gettext_noop("“%(found)s” stands for null. Leave the cell empty."),
                    line,
                    name,
                    found=value,
                )

    def _amounts(
        self, line: int, row: Mapping[str, Any], filled: set[str], found: list[Finding]
    ) -> dict[str, Decimal]:
        numbers: dict[str, Decimal] = {}
        for name in self._numbers:
            if name not in filled:
                continue
            value = number(row[name])
            if value is None:
                found.append(
                    _finding(
                        "not_a_number",
                        gettext_noop("“%(found)s” is not a number of FOCUS, for example 12.50."),
                        line,
                        name,
                        found=_shown(row[name]),
                    )
                )
                continue
            numbers[name] = value
            if value < 0 and name.endswith("UnitPrice"):
                found.append(
                    _finding(
                        "negative_price",
                        gettext_noop("The unit price %(found)s is negative."),
                        line,
                        name,
                        found=_plain(value),
                    )
                )
        return numbers

    def _identities(
        self, line: int, row: Mapping[str, Any], numbers: Mapping[str, Decimal]
    ) -> Iterator[Finding]:
        quantity = numbers.get("PricingQuantity")
        if quantity is None or row.get("ChargeClass") == "Correction":
            return
        for cost_name, price_name in (
            ("ListCost", "ListUnitPrice"),
            ("ContractedCost", "ContractedUnitPrice"),
        ):
            cost, price = numbers.get(cost_name), numbers.get(price_name)
            if cost is None or price is None:
                continue
            product = _EXACT.multiply(price, quantity)
            difference = abs(_EXACT.subtract(cost, product))
            if difference > max(abs(cost) * TOLERANCE, LAST_PLACE):
                yield _finding(
                    "price_identity",
                    gettext_noop(
                        "The cost is %(cost)s, but the price %(price)s × %(quantity)s is %(product)s."
                    ),
                    line,
                    cost_name,
                    cost=_plain(cost),
                    price=_plain(price),
                    quantity=_plain(quantity),
                    product=_plain(product),
                )

    def _times(
        self, line: int, row: Mapping[str, Any], filled: set[str], found: list[Finding]
    ) -> dict[str, datetime]:
        instants: dict[str, datetime] = {}
        for name in self._instants:
            if name not in filled:
                continue
            value = instant(row[name])
            if value is None:
                found.append(
                    _finding(
                        "not_utc",
                        gettext_noop(
                            "“%(found)s” is not an instant of FOCUS, for example 2026-10-01T00:00:00Z."
                        ),
                        line,
                        name,
                        found=_shown(row[name]),
                    )
                )
            else:
                instants[name] = value
        for kind in ("Charge", "Billing"):
            start, end = instants.get(f"{kind}PeriodStart"), instants.get(f"{kind}PeriodEnd")
            if start and end and start >= end:
                found.append(
                    _finding(
                        "period_order",
                        gettext_noop("The period does not end after its start."),
                        line,
                        f"{kind}PeriodEnd",
                    )
                )
        if len(instants) == 4 and row.get("ChargeClass") != "Correction":
            start, end = instants["ChargePeriodStart"], instants["ChargePeriodEnd"]
            if start < instants["BillingPeriodStart"] or end > instants["BillingPeriodEnd"]:
                found.append(
                    _finding(
                        "charge_outside_billing_period",
                        gettext_noop(
                            "The charge from %(start)s to %(end)s is not inside of its billing period."
                        ),
                        line,
                        "ChargePeriodStart",
                        start=start.isoformat(" "),
                        end=end.isoformat(" "),
                    )
                )
        return instants

    def _names(self, line: int, row: Mapping[str, Any]) -> Iterator[Finding]:
        service, category = row.get("ServiceName"), row.get("ServiceCategory")
        if service and category:
            first = _first(self._services, str(service), str(category))
            if first != category:
                yield _finding(
                    "service_in_two_categories",
                    gettext_noop(
                        "The service %(service)s is in the categories “%(first)s” and “%(second)s”. FOCUS expects one."
                    ),
                    line,
                    "ServiceCategory",
                    service=_shown(service),
                    first=_shown(first),
                    second=_shown(category),
                )
        price, sku = row.get("SkuPriceId"), row.get("SkuId")
        if price and sku:
            first = _first(self._prices, str(price), str(sku))
            if first != sku:
                yield _finding(
                    "price_of_two_skus",
                    gettext_noop("The price %(price)s belongs to the SKUs %(first)s and %(second)s."),
                    line,
                    "SkuPriceId",
                    price=_shown(price),
                    first=_shown(first),
                    second=_shown(sku),
                )

    def _commit(
        self, row: Mapping[str, Any], numbers: Mapping[str, Decimal], instants: Mapping[str, datetime]
    ) -> None:
        commitment_id, category = row.get("CommitmentDiscountId"), row.get("ChargeCategory")
        if not commitment_id or category not in ("Usage", "Purchase") or len(instants) < 4:
            return
        if commitment_id not in self._commitments and len(self._commitments) >= MAX_NAMES:
            return
        is_purchase = category == "Purchase"
        self._commitments.setdefault(commitment_id, _Commitment()).add(
            is_purchase,
            numbers.get("BilledCost" if is_purchase else "EffectiveCost", Decimal(0)),
            instants["ChargePeriodStart"],
            instants["ChargePeriodEnd"],
        )

    def _add(self, row: Mapping[str, Any], numbers: Mapping[str, Decimal]) -> None:
        sums = self._sums.setdefault(str(row.get("BillingCurrency")), [Decimal(0), Decimal(0)])
        sums[0] = _EXACT.add(sums[0], numbers.get("BilledCost", Decimal(0)))
        sums[1] = _EXACT.add(sums[1], numbers.get("EffectiveCost", Decimal(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check: how many findings, of which codes, and the first of them."""

    number: int
    count: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """All twelve, in their order. Not `is_whole`: of the first rows only, and without check 10."""

    row_count: int
    is_whole: bool
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        return not any(result.count for result in self.results)


class _Tally:
    """Findings, counted by check, the first of each kind kept."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._told: list[Finding] = []

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            kind = (finding.code, finding.column)
            self._counts[kind] += 1
            if self._counts[kind] <= MAX_TOLD:
                self._told.append(finding)

    def results(self) -> Iterator[CheckResult]:
        for check in range(1, max(CHECKS.values()) + 1):
            yield CheckResult(
                number=check,
                count=sum(count for (code, _), count in self._counts.items() if CHECKS[code] == check),
                findings=tuple(one for one in self._told if CHECKS[one.code] == check),
            )


def check_rows(
    columns: Sequence[str],
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    *,
    expected: Sums | None = None,
    is_text: bool = True,
    limit: int | None = None,
) -> CheckReport:
    """Run all checks over (line, row) pairs, or over the first `limit` of them."""
    checks, tally = RowChecks(columns, is_text=is_text), _Tally()
    tally.add(checks.header())
    stream, row_count = iter(rows), 0
    for line, row in islice(stream, limit):
        row_count += 1
        tally.add(checks.row(line, row))
    is_whole = row_count != limit or next(stream, None) is None
    tally.add(checks.end(expected if is_whole else None))
    return CheckReport(row_count=row_count, is_whole=is_whole, results=tuple(tally.results()))


_UNKNOWN_COLUMN = gettext_noop("The column %(column)s is none of FOCUS. A custom column begins with “x_”.")
_COLUMN_ORDER = gettext_noop("The column %(column)s stands after custom columns. FOCUS puts its own first.")
_NOT_JSON = gettext_noop("“%(found)s” is not a JSON object.")
_NOT_ALLOWED = gettext_noop("“%(found)s” is none of the values that this column may have.")
_NULL = gettext_noop("%(column)s is empty. A row of the category “%(category)s” has a value here.")
_NOT_NULL = gettext_noop("%(column)s has a value. A row of the category “%(category)s” has none here.")


def _finding(code: str, message: str, line: int | None, name: str = "", **params: str | int) -> Finding:
    return Finding(code=code, message=message, params=params, line=line, column=name)


def _first(names: dict[str, str], name: str, value: str) -> str:
    if name not in names and len(names) >= MAX_NAMES:
        return value
    return names.setdefault(name, value)


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _plain(value: Decimal) -> str:
    return format(_EXACT.normalize(value), "f")
