"""`manage.py load_exchange_rates`: roubles for one unit of each currency, from the Central Bank, a file, or by hand."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from costs.exchange import InvalidRatesFile, Rate, RatesUnavailable, download_daily_file, parse_daily_file
from costs.models import ExchangeRate
from costs.services import store_rates


class Command(BaseCommand):
    help = (
        "Loads exchange rates: from the Central Bank of Russia (CBR_DAILY_URL), from one of its daily files, or one "
        "by hand with --currency, --rate and --date. Rouble values of costs are brought up to date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="a daily file of the Central Bank (XML)")
        parser.add_argument("--currency", type=_currency, help="three capital letters, e.g. USD")
        parser.add_argument("--rate", type=_amount, help="roubles for one unit, e.g. 90.5")
        parser.add_argument("--date", type=_day, help="the day from which it holds, e.g. 2026-11-21")

    def handle(self, *args: Any, **options: Any) -> None:
        by_hand = [options["currency"], options["rate"], options["date"]]
        if any(by_hand):
            if not all(by_hand) or options["file"]:
                raise CommandError(
                    "A rate by hand takes --currency, --rate and --date together, and no file."
                )
            currency, amount, day = by_hand
            rates = [Rate(currency=currency, date=day, rub_per_unit=amount)]
            source = ExchangeRate.Source.MANUAL
        else:
            rates = _read(options["file"])
            source = ExchangeRate.Source.CENTRAL_BANK
        count = store_rates(rates=rates, source=source)
        self.stdout.write(f"{len(rates)} rates read, {count} new or different.")


def _read(path: Path | None) -> list[Rate]:
    try:
        return parse_daily_file(download_daily_file() if path is None else path.read_bytes())
    except (InvalidRatesFile, RatesUnavailable) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _currency(text: str) -> str:
    if len(text) != 3 or not (text.isascii() and text.isalpha() and text.isupper()):
        raise ArgumentTypeError(f"“{text}” is no currency; expected three capital letters")
    return text


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ArgumentTypeError(f"“{text}” is no amount") from None
    if not (amount.is_finite() and amount > 0):
        raise ArgumentTypeError(f"a rate is above zero, not “{text}”")
    return amount


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no day; expected something like 2026-11-21") from None
