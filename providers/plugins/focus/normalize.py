"""From rows of a FOCUS file to charge records. Pure: no file, no clock.

What must not be wrong (money, currency, time, category, who and what is charged) is refused with the column and a
sentence; what may be missing is taken as unknown and told as a finding. Rules: the specification's columns and
attributes, versions 1.0 to 1.4, and the deviations that AWS, Microsoft and Google document for their exports.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from common.text import gettext_noop
from providers.contract.errors import MessageParams
from providers.contract.records import ChargeCategory, ChargeRecord, Finding, Scope
from providers.focus_schema import COLUMN, COLUMNS

from .reader import PROVIDER_COLUMNS, SourceRow, invalid, shown

NULLS = frozenset({"", "NULL", "null", "\\N"})
PLACEHOLDERS = frozenset({"Unassigned", "-2"})
"""What Azure writes into nullable text columns instead of null."""

MAX_COST_DIGITS = 12
"""Before the decimal point: what amounts have at rest."""
MAX_QUANTITY_DIGITS = 18
MIN_EXPONENT = -400
MAX_NUMBER_CHARACTERS = 400
FIRST_YEAR, LAST_YEAR = 2000, 2199

MAX_ID_CHARACTERS = 300
MAX_TYPE_CHARACTERS = 120
MAX_NAME_CHARACTERS = 200
MAX_TAGS = 200

EXPECTED_COLUMNS = (
    "BillingAccountId",
    "ChargeCategory",
    "ContractedCost",
    "EffectiveCost",
    "ListCost",
    "ResourceId",
    "ServiceCategory",
)
"""Columns without which a file is read, but tells less than it should."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?) ?(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?: (\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_CATEGORIES = {category.value.lower(): category for category in ChargeCategory}
_NULLABLE_TEXTS = frozenset(column.name for column in COLUMNS if column.is_nullable)

_EMPTY = gettext_noop("The value is empty. Expected one in every row.")
_NOT_A_NUMBER = gettext_noop(
    "“%(found)s” is not a number. Expected digits with a decimal point, for example 12.50."
)
_NOT_FINITE = gettext_noop(
    "“%(found)s” is not a finite number. Expected digits with a decimal point, for example 12.50."
)
_TOO_LARGE = gettext_noop(
    "“%(found)s” has too many digits. Expected at most %(limit)s before the decimal point."
)
_NOT_AN_INSTANT = gettext_noop(
    "“%(found)s” is not a date with time. Expected UTC, for example 2026-10-01T00:00:00Z."
)
_WRONG_YEAR = gettext_noop("“%(found)s” is out of range. Expected a year from %(first)s to %(last)s.")
_NOT_A_CURRENCY = gettext_noop(
    "“%(found)s” is not a currency. Expected three letters of ISO 4217, for example RUB."
)
_NOT_A_CATEGORY = gettext_noop("“%(found)s” is not a charge category. Expected one of: %(expected)s.")
_WRONG_ORDER = gettext_noop(
    "The period ends at %(end)s, not after its start %(start)s. Expected an exclusive end after the start."
)


class _Unreadable(Exception):
    """A cell that is not what its column holds."""

    def __init__(self, message: str, **params: str | int) -> None:
        self.message = message
        self.params: MessageParams = params
        super().__init__(message)


def header_findings(columns: Sequence[str]) -> list[Finding]:
    """What the header lacks although the file can be read without it."""
    return [
        Finding(
            code="missing_column",
            message=gettext_noop("The column %(column)s is missing."),
            params={"column": name},
            line=1,
            column=name,
        )
        for name in EXPECTED_COLUMNS
        if name not in columns
    ]


def unknown_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that no version of FOCUS has and that lack the prefix of custom columns; kept in `raw` like those."""
    return tuple(name for name in columns if name not in COLUMN and not name.startswith("x_"))


def charge_of(row: SourceRow) -> tuple[ChargeRecord, list[Finding]]:
    """The charge of one row, and what is doubtful in it.

    Raises InvalidSource with the line and the column at fault.
    """
    cells = _Cells(row)
    provider = cells.provider()
    account = cells.text("BillingAccountId")
    service = cells.required_text("ServiceName")
    category = cells.charge_category()
    start, end = cells.period("ChargePeriodStart", "ChargePeriodEnd")
    billing_start, billing_end = cells.period("BillingPeriodStart", "BillingPeriodEnd")
    billed = cells.required_cost("BilledCost")
    currency = cells.currency()
    region, sub_account, sku = cells.text("RegionId"), cells.text("SubAccountId"), cells.text("SkuId")
    own_id, own_type = cells.text("ResourceId"), cells.text("ResourceType")
    if own_id:
        resource_id = _joined_id(provider, account, own_id)
        name = cells.text("ResourceName") or own_id
    else:
        resource_id = _joined_id(provider, account, "", service, sku, sub_account, region, category.value)
        label = "" if category is ChargeCategory.USAGE else category.value
        name = " · ".join(filter(None, (service, label, cells.text("SkuMeter") or sku, region)))
    record = ChargeRecord(
        resource_id=resource_id,
        resource_name=name[:MAX_ID_CHARACTERS],
        native_type=(own_type or _type_without_object(service, category))[:MAX_TYPE_CHARACTERS],
        service_name=service[:MAX_NAME_CHARACTERS],
        billing_account_id=bounded(account, MAX_NAME_CHARACTERS),
        billed_cost=billed,
        effective_cost=cells.cost_or("EffectiveCost", billed),
        list_cost=cells.cost_or("ListCost", billed),
        contracted_cost=cells.cost_or("ContractedCost", billed),
        billing_currency=currency,
        charge_category=category,
        charge_period_start=start,
        charge_period_end=end,
        billing_period_start=billing_start,
        billing_period_end=billing_end,
        provider_name=provider[:MAX_TYPE_CHARACTERS],
        billing_account_name=cells.text("BillingAccountName")[:MAX_NAME_CHARACTERS],
        invoice_issuer_name=cells.text("InvoiceIssuerName")[:MAX_NAME_CHARACTERS],
        invoice_id=bounded(cells.text("InvoiceId"), 120),
        service_category=cells.text("ServiceCategory")[:60],
        service_subcategory=cells.text("ServiceSubcategory")[:60],
        charge_class=cells.text("ChargeClass")[:16],
        charge_frequency=cells.text("ChargeFrequency")[:16],
        charge_description=cells.text("ChargeDescription")[:500],
        sub_account_id=bounded(sub_account, 120),
        sub_account_name=cells.text("SubAccountName")[:MAX_NAME_CHARACTERS],
        region_id=region[:64],
        sku_id=bounded(sku, MAX_NAME_CHARACTERS),
        pricing_category=cells.text("PricingCategory")[:16],
        pricing_quantity=cells.quantity("PricingQuantity"),
        pricing_unit=cells.text("PricingUnit")[:60],
        consumed_quantity=cells.quantity("ConsumedQuantity"),
        consumed_unit=cells.text("ConsumedUnit")[:60],
        commitment_discount_id=bounded(cells.text("CommitmentDiscountId"), MAX_NAME_CHARACTERS),
        commitment_discount_status=cells.text("CommitmentDiscountStatus")[:16],
        tags=cells.tags(),
        raw=cells.raw(),
    )
    return record, cells.findings


def billing_month(charge: ChargeRecord) -> str:
    """Month of the billing period, `2026-10`, whatever zone its borders were cut in: that of its middle."""
    middle = charge.billing_period_start + (charge.billing_period_end - charge.billing_period_start) / 2
    return f"{middle.year}-{middle.month:02}"


def scope_of(charge: ChargeRecord) -> Scope:
    """What a delivery holds whole or not at all: one billing month of one account."""
    return ("billing", charge.provider_name, charge.billing_account_id, billing_month(charge))


def bounded(text: str, limit: int = MAX_ID_CHARACTERS) -> str:
    """An id of at most `limit` characters: a longer one ends in a digest of the whole, so that it stays itself."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{text[: limit - len(digest) - 1]}~{digest}"


def _joined_id(provider: str, account: str, *parts: str) -> str:
    """Parts joined by bars. Provider and account come first in every id, so that it is the same in a file of one
    provider and in one of many, and no two accounts share a resource whose id is only unique in its account."""
    words = (" ".join(provider.casefold().split()), account, *parts)
    return bounded("|".join(word.replace("%", "%25").replace("|", "%7C") for word in words))


def _type_without_object(service: str, category: ChargeCategory) -> str:
    """A tax or a credit on a service is not a thing of that service."""
    if category in (ChargeCategory.USAGE, ChargeCategory.PURCHASE):
        return f"service:{service}"
    return f"charge:{category.value}"


class _Cells:
    """The cells of one row by what they should hold; collects findings."""

    __slots__ = ("findings", "line", "values")

    def __init__(self, row: SourceRow) -> None:
        self.line = row.line
        self.values = row.values
        self.findings: list[Finding] = []

    def text(self, column: str) -> str:
        value = self.values.get(column)
        if not value:  # 0 is no text either
            return ""
        text = text_of(value)
        return "" if text in PLACEHOLDERS and column in _NULLABLE_TEXTS else text

    def required_text(self, column: str) -> str:
        return self.text(column) or self._fail(column, _EMPTY)

    def provider(self) -> str:
        for column in PROVIDER_COLUMNS:
            if name := self.text(column):
                return name
        return self._fail(next(c for c in PROVIDER_COLUMNS if c in self.values), _EMPTY)

    def charge_category(self) -> ChargeCategory:
        text = self.text("ChargeCategory")
        if not text:
            if "ChargeCategory" in self.values:
                self._tell(
                    "empty_charge_category",
                    gettext_noop("The charge category is empty; taken as Usage."),
                    "ChargeCategory",
                )
            return ChargeCategory.USAGE
        return _CATEGORIES.get(text.lower()) or self._fail(
            "ChargeCategory", _NOT_A_CATEGORY, found=shown(text), expected=", ".join(ChargeCategory)
        )

    def currency(self) -> str:
        text = self.required_text("BillingCurrency").upper()
        if text == "RUR":
            self._tell(
                "old_currency_code",
                gettext_noop("The currency code RUR was replaced by RUB in 1998; taken as RUB."),
                "BillingCurrency",
            )
            return "RUB"
        if not _CURRENCY.fullmatch(text):
            self._fail("BillingCurrency", _NOT_A_CURRENCY, found=shown(text))
        return text

    def required_cost(self, column: str) -> Decimal:
        cost = self._number(column, MAX_COST_DIGITS)
        return self._fail(column, _EMPTY) if cost is None else cost

    def cost_or(self, column: str, billed_cost: Decimal) -> Decimal:
        cost = self._number(column, MAX_COST_DIGITS)
        if cost is not None:
            return cost
        if column in self.values:
            self._tell(
                "empty_cost", gettext_noop("The cost is empty; the billed cost stands in for it."), column
            )
        return billed_cost

    def quantity(self, column: str) -> Decimal | None:
        return self._number(column, MAX_QUANTITY_DIGITS)

    def period(self, start_column: str, end_column: str) -> tuple[datetime, datetime]:
        start, end = self._instant(start_column), self._instant(end_column)
        if end <= start:
            self._fail(end_column, _WRONG_ORDER, start=start.isoformat(" "), end=end.isoformat(" "))
        return start, end

    def tags(self) -> dict[str, str]:
        value = self.values.get("Tags")
        if not value:
            return {}
        try:
            return tags_of(value)
        except _Unreadable as error:
            self._tell("unreadable_tags", error.message, "Tags", **error.params)
            return {}

    def raw(self) -> dict[str, str]:
        """What the row says, as text; empty cells left out."""
        return {
            name: value if isinstance(value, str) else _plain_text(value)
            for name, value in self.values.items()
            if value is not None and value != ""
        }

    def _number(self, column: str, digits: int) -> Decimal | None:
        try:
            number = decimal_of(self.values.get(column))
        except _Unreadable as error:
            self._fail(column, error.message, **error.params)
        if number is not None and number.adjusted() >= digits:
            self._fail(column, _TOO_LARGE, found=shown(self.values[column]), limit=digits)
        return number

    def _instant(self, column: str) -> datetime:
        value = self.values.get(column)
        try:
            instant = instant_of(value)
        except _Unreadable as error:
            self._fail(column, error.message, **error.params)
        if instant is None:
            self._fail(column, _EMPTY)
        if isinstance(value, str) and "/" in value:
            self._tell(
                "ambiguous_date",
                gettext_noop("“%(found)s” was read as month/day/year. Expected 2026-10-01T00:00:00Z."),
                column,
                found=shown(value),
            )
        return instant

    def _tell(self, code: str, message: str, column: str, **params: str | int) -> None:
        self.findings.append(
            Finding(code=code, message=message, params=params, line=self.line, column=column)
        )

    def _fail(self, column: str, message: str, **params: str | int) -> NoReturn:
        raise invalid(message, line=self.line, column=column, params=params)


def text_of(value: Any) -> str:
    """Text of one cell; "" for every spelling of null. Whole doubles lose their `.0`: ids are read so."""
    text = value.strip() if isinstance(value, str) else _plain_text(value)
    if text in NULLS:
        return ""
    return text.replace("\0", "�") if "\0" in text else text


def _plain_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def decimal_of(value: Any) -> Decimal | None:
    """A number exactly as it is written; None for null. A double is its shortest text."""
    if value is None:
        return None
    if isinstance(value, str):
        return _decimal_of_text(value)
    if isinstance(value, float):
        return _decimal_of_text(repr(value))
    if isinstance(value, Decimal):
        return _finite(value, str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise _Unreadable(_NOT_A_NUMBER, found=shown(value))


@lru_cache(maxsize=1 << 16)
def _decimal_of_text(value: str) -> Decimal | None:
    text = value.strip()
    if text in NULLS:
        return None
    if len(text) > MAX_NUMBER_CHARACTERS or not _NUMBER.fullmatch(text):
        is_special = text.lstrip("+-").lower() in ("nan", "inf", "infinity")
        raise _Unreadable(_NOT_FINITE if is_special else _NOT_A_NUMBER, found=shown(text))
    return _finite(Decimal(text), text)


def _finite(number: Decimal, text: str) -> Decimal:
    if not number.is_finite():
        raise _Unreadable(_NOT_FINITE, found=shown(text))
    if number.adjusted() < MIN_EXPONENT:
        raise _Unreadable(_NOT_A_NUMBER, found=shown(text))
    return number


def instant_of(value: Any) -> datetime | None:
    """An instant in UTC; None for null. Without a zone it is UTC; `5/1/25` is month, day, year."""
    if value is None:
        return None
    if isinstance(value, str):
        return _instant_of_text(value)
    if isinstance(value, datetime):
        return _plausible(value.replace(tzinfo=UTC) if value.tzinfo is None else value, str(value))
    if isinstance(value, date):
        return _plausible(datetime(value.year, value.month, value.day, tzinfo=UTC), str(value))
    raise _Unreadable(_NOT_AN_INSTANT, found=shown(value))


@lru_cache(maxsize=1 << 14)
def _instant_of_text(value: str) -> datetime | None:
    text = value.strip()
    if text in NULLS:
        return None
    if match := _INSTANT.fullmatch(text):
        day, time, zone = match.groups()
        zone = "+00:00" if zone in (None, "Z", "z", "UTC") else zone
        iso = f"{day}T{time or '00:00'}{zone}"
    elif match := _SLASHED.fullmatch(text):
        month, day, year, hour, minute, second = match.groups()
        iso = (
            f"{int(year) + 2000 if len(year) == 2 else year}-{month:>02}-{day:>02}"
            f"T{hour or '0':>02}:{minute or '00'}:{second or '00'}+00:00"
        )
    else:
        raise _Unreadable(_NOT_AN_INSTANT, found=shown(text))
    try:
        instant = datetime.fromisoformat(iso)
    except ValueError as error:
        raise _Unreadable(_NOT_AN_INSTANT, found=shown(text)) from error
    return _plausible(instant, text)


def _plausible(instant: datetime, text: str) -> datetime:
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise _Unreadable(_WRONG_YEAR, found=shown(text), first=FIRST_YEAR, last=LAST_YEAR)
    return instant.astimezone(UTC)


def tags_of(value: Any) -> dict[str, str]:
    """Tags in any of their shapes: JSON object, the same without braces (Azure), map or list of key and value.

    A label without a value is `true` in FOCUS and stays so; values that are not text are written as JSON.
    """
    if isinstance(value, str):
        return dict(_tags_of_text(value))
    return _tags_of_items(value)


@lru_cache(maxsize=1 << 14)
def _tags_of_text(value: str) -> Mapping[str, str]:
    text = value.strip()
    if text in NULLS:
        return {}
    if not text.startswith(("{", "[")):
        text = "{" + text + "}"
    try:
        items = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise _bad_tags(value) from error
    return _tags_of_items(items)


def _tags_of_items(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        pairs: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        pairs = [_pair(item, value) for item in value]
    else:
        raise _bad_tags(value)
    tags = {_tag_text(key): _tag_text(content) for key, content in pairs}
    tags.pop("", None)
    if len(tags) > MAX_TAGS:
        raise _Unreadable(
            gettext_noop("The row has %(count)s tags. Expected at most %(limit)s."),
            count=len(tags),
            limit=MAX_TAGS,
        )
    return tags


def _pair(item: Any, value: Any) -> tuple[Any, Any]:
    """Key and value of one item: a pair (Parquet map) or a struct of key and value (BigQuery)."""
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return item[0], item[1]
    if isinstance(item, Mapping):
        words = {str(name).lower(): content for name, content in item.items()}
        if "key" in words:
            return words["key"], words.get("value")
    raise _bad_tags(value)


def _tag_text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "�")
    return _plain_text(value)


def _bad_tags(value: Any) -> _Unreadable:
    return _Unreadable(
        gettext_noop('The tags “%(found)s” cannot be read. Expected a JSON object such as {"team": "shop"}.'),
        found=shown(value),
    )
