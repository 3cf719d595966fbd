"""The Central Bank of Russia's daily rates file (`XML_daily`): roubles for `Nominal` units of each currency.

Source: cbr.ru, service XML_daily; windows-1251, decimal comma, `<ValCurs Date="21.11.2026">`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

import requests
from django.conf import settings

MAX_FILE_BYTES = 1_000_000
TIMEOUT_SECONDS = (5, 15)
"""To connect, and between two pieces of the answer."""


class InvalidRatesFile(Exception):
    """The text says what is wrong with the file, as one English sentence."""


class RatesUnavailable(Exception):
    """The file could not be fetched; the text says why, as one English sentence."""


@dataclass(frozen=True, slots=True)
class Rate:
    currency: str
    date: date
    rub_per_unit: Decimal


def parse_daily_file(content: bytes) -> list[Rate]:
    """The rates of one day's file, per one unit of each currency; raises InvalidRatesFile."""
    if len(content) > MAX_FILE_BYTES:
        raise InvalidRatesFile(
            "The file is larger than a megabyte; a daily file of the Central Bank is a few kilobytes."
        )
    if b"\0" in content:  # UTF-16 would hide a document type from the next line
        raise InvalidRatesFile("The file is not text of one byte a character, as the Central Bank's is.")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InvalidRatesFile("The file declares a document type; the Central Bank's file has none.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - no document type, so no entities to expand; size is capped  # nosec B314
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise InvalidRatesFile(f"The file is not XML: {error}.") from error
    if root.tag != "ValCurs":
        raise InvalidRatesFile(
            f"The file begins with <{root.tag}>, not with <ValCurs>: it is not a daily rates file."
        )
    day = _date(root.get("Date", ""))
    return [_rate(valute, day) for valute in root.iter("Valute")]


def download_daily_file() -> bytes:
    """Today's file from `settings.CBR_DAILY_URL`; raises RatesUnavailable. Redirects are not followed."""
    url = settings.CBR_DAILY_URL
    content = b""
    try:
        with requests.get(url, timeout=TIMEOUT_SECONDS, stream=True, allow_redirects=False) as answer:
            if answer.status_code != requests.codes.ok:
                raise RatesUnavailable(f"{url} answered with status {answer.status_code}.")
            for piece in answer.iter_content(65536):
                content += piece
                if len(content) > MAX_FILE_BYTES:
                    raise RatesUnavailable(
                        f"{url} answered with more than a megabyte; that is no daily file."
                    )
    except requests.RequestException as error:
        raise RatesUnavailable(f"{url} does not answer ({type(error).__name__}).") from error
    return content


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a calendar day, no instant
    except ValueError:
        raise InvalidRatesFile(
            f"The date of the file is “{text}”; expected something like 21.11.2026."
        ) from None


def _rate(valute: ElementTree.Element, day: date) -> Rate:
    code = (valute.findtext("CharCode") or "").strip()
    value = (valute.findtext("Value") or "").strip()
    nominal = (valute.findtext("Nominal") or "").strip()
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise InvalidRatesFile(
            f"A currency of the file has the code “{code}”; expected three capital letters."
        )
    try:
        amount = Decimal(value.replace(",", "."))
        units = Decimal(nominal)
    except InvalidOperation:
        raise InvalidRatesFile(f"{code}: “{value}” for “{nominal}” units is not a rate.") from None
    if not (amount.is_finite() and amount > 0 and units.is_finite() and units > 0):
        raise InvalidRatesFile(
            f"{code}: a rate must be above zero, the file says “{value}” for “{nominal}” units."
        )
    return Rate(currency=code, date=day, rub_per_unit=amount / units)
