"""Price lists as CSV: read with errors that name row and column, and written so that they can be read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from inventory.models import ResourceType
from providers import registry
from recommendations.prices.errors import InvalidPriceFile, Problem
from recommendations.prices.history import AMOUNT_PLACES, Listed
from recommendations.prices.models import Component, DiskClass, Period, Price
from recommendations.prices.services import UPLOADED

REQUIRED = ("provider", "sku", "type", "name", "amount", "currency", "period")
OPTIONAL = (
    "billing_sku",
    "component",
    "family",
    "region",
    "zone",
    "country",
    "unit",
    "vcpu",
    "memory_gib",
    "disk_gib",
    "disk_class",
    "cpu_share",
    "term_months",
    "preemptible",
    "configurable",
    "tax_included",
    "ip_included",
    "traffic_included_gib",
    "engine",
    "successor_of",
    "limits",
)
COLUMNS = (*REQUIRED, *OPTIONAL)
USE = "use"
"""In the column "period": the amount is for one unit of use."""
USE_COMPONENTS = frozenset({Component.TRAFFIC_GIB, Component.REQUESTS, Component.RETRIEVAL_GIB})
MIB_IN_GIB = 1024
MAX_ROWS = 20_000
MAX_PROBLEMS = 50
"""Told at once; who sees fifty mends the file and not the fifty-first row."""
LARGEST = Decimal(10) ** 9

YES = frozenset({"yes", "true", "1", "да"})
NO = frozenset({"no", "false", "0", "нет"})


class _Bad(Exception):
    def __init__(self, message: Any) -> None:
        super().__init__(str(message))
        self.message = message


def parse(text: str) -> dict[str, list[Listed]]:
    """{provider: prices} of a file; raises InvalidPriceFile with everything that is wrong, and then takes nothing."""
    problems: list[Problem] = []
    found: dict[str, list[Listed]] = {}
    seen: dict[tuple[str, str], int] = {}
    known = set(registry.plugins())
    for number, row in _rows(text):
        values, wrong = _values(row, known)
        problems += [Problem(number, column, message) for column, message in wrong]
        if wrong:
            if len(problems) >= MAX_PROBLEMS:
                break
            continue
        provider, sku = row["provider"], row["sku"]
        first = seen.setdefault((provider, sku), number)
        if first != number:
            problems.append(Problem(number, "sku", _("This SKU stands in the file twice.")))
            continue
        found.setdefault(provider, []).append(Listed(sku_id=sku, scope=UPLOADED, facts=values))
    if problems:
        raise InvalidPriceFile(problems)
    if not found:
        raise InvalidPriceFile([Problem(2, "", _("The file has no prices."))])
    return found


def written(prices: Iterable[Price]) -> Iterator[list[str]]:
    """Heading and rows of a file that `parse` reads."""
    yield list(COLUMNS)
    for price in prices:
        memory = None if price.memory_mib is None else Decimal(price.memory_mib) / MIB_IN_GIB
        yield [
            price.provider_type,
            price.sku_id,
            price.resource_type,
            price.name,
            _plain(price.amount),
            price.currency,
            price.period or USE,
            price.billing_sku_id,
            price.component,
            price.family,
            price.region_id,
            price.zone_id,
            price.country,
            price.unit,
            _plain(price.vcpus),
            _plain(memory),
            _plain(price.storage_gib),
            price.disk_class,
            str(price.cpu_share),
            str(price.term_months),
            _yes(price.is_preemptible),
            _yes(price.is_configurable),
            _yes(price.includes_tax),
            _yes(price.includes_ip),
            _plain(price.included_traffic_gib),
            price.engine,
            price.successor_of,
            ";".join(f"{name}={_plain(Decimal(str(value)))}" for name, value in price.plan_limits.items()),
        ]


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, {column: text}) without empty rows; the separator is what the heading uses."""
    heading = text.lstrip("\ufeff").split("\n", 1)[0]
    separator = ";" if heading.count(";") > heading.count(",") else ","
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=separator, strict=True)
    columns: list[str] = []
    number = 0
    try:
        for cells in reader:
            number += 1
            if number == 1:
                columns = [cell.strip().lower() for cell in cells]
                _check_heading(columns)
            elif number > MAX_ROWS:
                raise InvalidPriceFile([Problem(number, "", _("The file has too many rows."))])
            elif any(cell.strip() for cell in cells):
                if len(cells) != len(columns):
                    raise InvalidPriceFile(
                        [Problem(number, "", _("This row has another number of columns than the heading."))]
                    )
                yield number, dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    except csv.Error:
        raise InvalidPriceFile([Problem(number + 1, "", _("This row is no CSV."))]) from None
    if not columns:
        raise InvalidPriceFile([Problem(1, "", _("The file is empty."))])


def _check_heading(columns: list[str]) -> None:
    problems = [
        Problem(1, column, _("This column is missing.")) for column in REQUIRED if column not in columns
    ]
    problems += [
        Problem(1, column, _("This column is not known.")) for column in columns if column not in COLUMNS
    ]
    problems += [
        Problem(1, column, _("This column stands there twice."))
        for column in COLUMNS
        if columns.count(column) > 1
    ]
    if problems:
        raise InvalidPriceFile(problems)


def _values(row: dict[str, str], known: set[str]) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """The facts of a row, and what is wrong with it: (column, message)."""
    wrong: list[tuple[str, Any]] = []

    def read(column: str, as_what: Callable[[str], Any]) -> Any:
        try:
            return as_what(row.get(column, ""))
        except _Bad as bad:
            wrong.append((column, bad.message))
            return None

    if row["provider"] not in known:
        wrong.append(("provider", _("No such provider.")))
    period = read("period", _period)
    component = read("component", _choice(Component))
    if (component in USE_COMPONENTS) != (period == "") and not wrong:
        wrong.append(("period", _("Write “use” for traffic, requests and reading back, and only there.")))
    memory = read("memory_gib", _number)
    facts = {
        "billing_sku_id": read("billing_sku", _text(200)),
        "resource_type": read("type", _needed_choice(ResourceType)),
        "name": read("name", _needed(300)),
        "component": component,
        "family": read("family", _text(100)),
        "region_id": read("region", _text(64)),
        "zone_id": read("zone", _text(64)),
        "country": read("country", _country),
        "amount": read("amount", _amount),
        "currency": read("currency", _currency),
        "period": period,
        "unit": read("unit", _text(32)),
        "includes_tax": read("tax_included", _flag),
        "vcpus": read("vcpu", _number),
        "memory_mib": None if memory is None else int(memory * MIB_IN_GIB),
        "storage_gib": read("disk_gib", _number),
        "engine": read("engine", _text(64)),
        "disk_class": read("disk_class", _choice(DiskClass)),
        "cpu_share": read("cpu_share", _whole(100, 1, 100)),
        "term_months": read("term_months", _whole(0, 0, 120)),
        "is_preemptible": bool(read("preemptible", _flag)),
        "is_configurable": bool(read("configurable", _flag)),
        "includes_ip": read("ip_included", _flag),
        "included_traffic_gib": read("traffic_included_gib", _number),
        "successor_of": read("successor_of", _text(200)),
        "plan_limits": read("limits", _limits),
    }
    read("sku", _needed(200))
    return facts, wrong


def _text(longest: int) -> Callable[[str], str]:
    def as_text(value: str) -> str:
        if len(value) > longest:
            raise _Bad(_("This text is too long."))
        return value

    return as_text


def _needed(longest: int) -> Callable[[str], str]:
    def as_text(value: str) -> str:
        if not value:
            raise _Bad(_("This must not be empty."))
        return _text(longest)(value)

    return as_text


def _choice(choices: Any) -> Callable[[str], str]:
    def as_choice(value: str) -> str:
        if value and value not in choices.values:
            raise _Bad(_("Write one of: %(words)s.") % {"words": ", ".join(choices.values)})
        return value

    return as_choice


def _needed_choice(choices: Any) -> Callable[[str], str]:
    def as_choice(value: str) -> str:
        if not value:
            raise _Bad(_("This must not be empty."))
        return _choice(choices)(value)

    return as_choice


def _period(value: str) -> str:
    if value == USE:
        return ""
    if value not in Period.values:
        raise _Bad(_("Write one of: %(words)s.") % {"words": ", ".join([*Period.values, USE])})
    return value


def _decimal(value: str) -> Decimal:
    try:
        number = Decimal(value.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except InvalidOperation:
        raise _Bad(_("This is no number.")) from None
    if not number.is_finite():
        raise _Bad(_("This is no number."))
    if number < 0:
        raise _Bad(_("This must not be below zero."))
    if number > LARGEST:
        raise _Bad(_("This number is too large."))
    return number


def _amount(value: str) -> Decimal:
    if not value:
        raise _Bad(_("This must not be empty."))
    return round(_decimal(value), AMOUNT_PLACES)


def _number(value: str) -> Decimal | None:
    return round(_decimal(value), 3) if value else None


def _whole(default: int, least: int, most: int) -> Callable[[str], int]:
    def as_whole(value: str) -> int:
        if not value:
            return default
        number = _decimal(value)
        if number != int(number) or not least <= number <= most:
            message = _("Write a whole number from %(least)s to %(most)s.")
            raise _Bad(message % {"least": least, "most": most})
        return int(number)

    return as_whole


def _currency(value: str) -> str:
    if len(value) != 3 or not (value.isascii() and value.isalpha() and value.isupper()):
        raise _Bad(_("Write a currency as three capital letters, for example RUB."))
    return value


def _country(value: str) -> str:
    if value and (len(value) != 2 or not (value.isascii() and value.isalpha() and value.isupper())):
        raise _Bad(_("Write a country as two capital letters, for example RU."))
    return value


def _flag(value: str) -> bool | None:
    word = value.lower()
    if not word:
        return None
    if word in YES or word in NO:
        return word in YES
    raise _Bad(_("Write yes or no."))


def _limits(value: str) -> dict[str, str]:
    """`iops=320;throughput_mib=120`."""
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in value.replace("|", ";").split(";"))):
        name, separator, number = part.partition("=")
        if not separator or not name.strip().isidentifier():
            raise _Bad(_("Write limits as name=number, with semicolons between them."))
        found[name.strip()] = _plain(_decimal(number.strip()))
    return dict(sorted(found.items()))


def _plain(value: Decimal | None) -> str:
    """Without an exponent and without zeros that say nothing."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"
