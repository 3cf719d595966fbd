"""The Central Bank's daily file: what is read of it, and what is refused in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import CommandError, call_command

from costs.exchange import (
    MAX_FILE_BYTES,
    InvalidRatesFile,
    Rate,
    RatesUnavailable,
    download_daily_file,
    parse_daily_file,
)
from costs.models import ExchangeRate

DAILY = """<?xml version="1.0" encoding="windows-1251"?>
<ValCurs Date="21.11.2026" name="Foreign Currency Market">
<Valute ID="R01235"><NumCode>840</NumCode><CharCode>USD</CharCode><Nominal>1</Nominal>\
<Name>Доллар США</Name><Value>90,5012</Value><VunitRate>90,5012</VunitRate></Valute>
<Valute ID="R01335"><NumCode>398</NumCode><CharCode>KZT</CharCode><Nominal>100</Nominal>\
<Name>Казахстанских тенге</Name><Value>17,2345</Value><VunitRate>0,172345</VunitRate></Valute>
</ValCurs>
""".encode("windows-1251")


def test_a_daily_file_gives_roubles_for_one_unit() -> None:
    assert parse_daily_file(DAILY) == [
        Rate("USD", date(2026, 11, 21), Decimal("90.5012")),
        Rate("KZT", date(2026, 11, 21), Decimal("0.172345")),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not xml", "not XML"),
        (b"<html></html>", "begins with <html>"),
        (b'<ValCurs Date="2026-11-21"></ValCurs>', "date of the file"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><ValCurs Date="21.11.2026"></ValCurs>', "document type"),
        ('<!DOCTYPE x><ValCurs Date="21.11.2026"></ValCurs>'.encode("utf-16"), "one byte"),
        (DAILY.replace(b"USD", b"usd"), "three capital letters"),
        (DAILY.replace(b"90,5012</Value>", b"abc</Value>"), "is not a rate"),
        (DAILY.replace(b"90,5012</Value>", b"0</Value>"), "above zero"),
        (DAILY.replace(b"90,5012</Value>", b"NaN</Value>"), "above zero"),
        (DAILY.replace(b"<Nominal>1</Nominal>", b"<Nominal>0</Nominal>"), "above zero"),
        (b" " * (MAX_FILE_BYTES + 1), "larger than a megabyte"),
    ],
)
def test_what_is_no_daily_file_is_refused_in_words(content, message) -> None:
    with pytest.raises(InvalidRatesFile, match=message):
        parse_daily_file(content)


@pytest.fixture
def bank(settings) -> Iterator[dict]:
    """A server on loopback in the bank's place; `answer` is what it sends."""
    answer = {"status": 200, "body": DAILY}

    class Bank(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(answer["body"])))
            if answer["status"] == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Bank)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.CBR_DAILY_URL = f"http://127.0.0.1:{server.server_port}/daily"
    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_banks_file_is_fetched(bank) -> None:
    assert download_daily_file() == DAILY


@pytest.mark.parametrize("status", [302, 404, 503])
def test_another_status_is_told(bank, status) -> None:
    bank["status"] = status

    with pytest.raises(RatesUnavailable, match=f"status {status}"):
        download_daily_file()


def test_an_endless_answer_is_cut_off(bank) -> None:
    bank["body"] = b"x" * (MAX_FILE_BYTES + 100_000)

    with pytest.raises(RatesUnavailable, match="megabyte"):
        download_daily_file()


def test_a_bank_that_does_not_answer_is_told(settings) -> None:
    settings.CBR_DAILY_URL = "http://127.0.0.1:1/daily"

    with pytest.raises(RatesUnavailable, match="does not answer"):
        download_daily_file()


# The command


def loaded() -> list[tuple]:
    rows = ExchangeRate.objects.order_by("currency", "date")
    return list(rows.values_list("currency", "date", "rub_per_unit", "source"))


@pytest.mark.django_db
def test_command_loads_from_the_bank(bank, capsys) -> None:
    call_command("load_exchange_rates")
    call_command("load_exchange_rates")

    assert capsys.readouterr().out == (
        "2 rates read, 2 new or different.\n2 rates read, 0 new or different.\n"
    )
    assert loaded() == [
        ("KZT", date(2026, 11, 21), Decimal("0.172345"), "cbr"),
        ("USD", date(2026, 11, 21), Decimal("90.5012"), "cbr"),
    ]


@pytest.mark.django_db
def test_command_loads_a_file(tmp_path) -> None:
    path = tmp_path / "daily.xml"
    path.write_bytes(DAILY)

    call_command("load_exchange_rates", str(path))

    assert len(loaded()) == 2


@pytest.mark.django_db
def test_command_takes_a_rate_by_hand() -> None:
    call_command("load_exchange_rates", "--currency", "USD", "--rate", "90,5", "--date", "2026-11-20")

    assert loaded() == [("USD", date(2026, 11, 20), Decimal("90.5"), "manual")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--currency", "USD"], "together"),
        (["--currency", "usd", "--rate", "1", "--date", "2026-11-20"], "three capital letters"),
        (["--currency", "USD", "--rate", "-1", "--date", "2026-11-20"], "above zero"),
        (["--currency", "USD", "--rate", "x", "--date", "2026-11-20"], "no amount"),
        (["--currency", "USD", "--rate", "1", "--date", "20.11.2026"], "no day"),
        (["/nowhere/daily.xml"], "cannot be read"),
    ],
)
def test_command_says_what_is_wrong(arguments, message) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("load_exchange_rates", *arguments)

    assert loaded() == []
