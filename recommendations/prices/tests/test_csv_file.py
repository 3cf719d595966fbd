"""Price files: what they say, and where they are wrong."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from recommendations.prices.csv_file import COLUMNS, parse, written
from recommendations.prices.errors import InvalidPriceFile
from recommendations.prices.history import FACTS
from recommendations.prices.models import Price
from recommendations.prices.tests.factories import PriceFactory

pytestmark = pytest.mark.usefixtures("lists")

HEAD = "provider,sku,type,name,amount,currency,period"
GOOD = "fake,a,server,A,1,RUB,month"


def wrong(*lines: str) -> list[tuple[int, str]]:
    with pytest.raises(InvalidPriceFile) as caught:
        parse("\n".join(lines))
    return [(problem.row, problem.column) for problem in caught.value.problems]


def test_row_says_everything_that_a_price_has() -> None:
    heading = HEAD + ",component,family,region,memory_gib,disk_gib,tax_included,limits,term_months,country"
    row = 'fake,a,volume,"Disk, slow","1 234,5",RUB,hour,storage_gib,basic,r-1,1.5,10,да,iops=320;throughput_mib=120,12,RU'

    (price,) = parse(f"{heading}\n{row}")["fake"]

    assert price.sku_id == "a"
    facts = price.facts
    assert (facts["name"], facts["amount"], facts["period"]) == ("Disk, slow", Decimal("1234.5"), "hour")
    assert (facts["component"], facts["family"], facts["region_id"]) == ("storage_gib", "basic", "r-1")
    assert (facts["memory_mib"], facts["storage_gib"], facts["includes_tax"]) == (1536, Decimal(10), True)
    assert facts["plan_limits"] == {"iops": "320", "throughput_mib": "120"}
    assert (facts["term_months"], facts["country"], facts["cpu_share"]) == (12, "RU", 100)
    assert facts["includes_ip"] is None
    assert set(facts) == set(FACTS)


def test_file_of_a_spreadsheet_with_semicolons_and_a_mark_at_its_beginning_is_read() -> None:
    text = "\ufeff" + HEAD.replace(",", ";") + "\r\n" + GOOD.replace(",", ";") + "\r\n\r\n"

    assert len(parse(text)["fake"]) == 1


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("nobody,a,server,A,1,RUB,month", "provider"),
        ("fake,,server,A,1,RUB,month", "sku"),
        ("fake,a,,A,1,RUB,month", "type"),
        ("fake,a,machine,A,1,RUB,month", "type"),
        ("fake,a,server,,1,RUB,month", "name"),
        ("fake,a,server,A,,RUB,month", "amount"),
        ("fake,a,server,A,dear,RUB,month", "amount"),
        ("fake,a,server,A,-1,RUB,month", "amount"),
        ("fake,a,server,A,NaN,RUB,month", "amount"),
        ("fake,a,server,A,1e99,RUB,month", "amount"),
        ("fake,a,server,A,1,rub,month", "currency"),
        ("fake,a,server,A,1,RUB,week", "period"),
        ("fake,a,server,A,1,RUB,use", "period"),
    ],
)
def test_error_names_row_and_column(row, column) -> None:
    assert wrong(HEAD, GOOD, row) == [(3, column)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("component", "wheel"),
        ("country", "Russia"),
        ("vcpu", "two"),
        ("disk_class", "tape"),
        ("cpu_share", "0"),
        ("cpu_share", "12.5"),
        ("term_months", "-1"),
        ("tax_included", "perhaps"),
        ("limits", "iops"),
        ("limits", "iops=many"),
    ],
)
def test_error_in_an_optional_column_is_named_too(column, value) -> None:
    assert wrong(f"{HEAD},{column}", f"{GOOD},{value}") == [(2, column)]


def test_all_errors_are_told_at_once() -> None:
    assert wrong(HEAD, "fake,a,server,A,x,rub,month", GOOD, "fake,b,server,,1,RUB,month") == [
        (2, "amount"),
        (2, "currency"),
        (4, "name"),
    ]


def test_traffic_is_sold_by_use() -> None:
    heading = f"{HEAD},component"
    assert wrong(heading, "fake,a,network,T,2,RUB,month,traffic_gib") == [(2, "period")]

    (price,) = parse(f"{heading}\nfake,a,network,T,2,RUB,use,traffic_gib")["fake"]

    assert price.facts["period"] == ""


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([""], (1, "")),
        (["provider,sku,type,name,amount,currency"], (1, "period")),
        ([f"{HEAD},colour", f"{GOOD},red"], (1, "colour")),
        ([f"{HEAD},sku", f"{GOOD},a"], (1, "sku")),
        ([HEAD], (2, "")),
        ([HEAD, "fake,a"], (2, "")),
        ([HEAD, GOOD, GOOD], (3, "sku")),
    ],
)
def test_file_that_is_no_price_list_is_refused(lines, place) -> None:
    assert wrong(*lines)[0] == place


@pytest.mark.django_db
def test_what_is_written_is_read_as_the_same() -> None:
    PriceFactory(
        sku_id="a",
        amount=Decimal("0.0000012345"),
        period="",
        component="traffic_gib",
        vcpus=Decimal("0.5"),
        memory_mib=1536,
        storage_gib=Decimal(10),
        includes_tax=False,
        plan_limits={"iops": "320", "requests_per_second": "0.5"},
        billing_sku_id="t",
        disk_class="ssd",
        is_configurable=True,
        term_months=12,
    )
    price = Price.objects.get()
    text = io.StringIO()
    csv.writer(text).writerows(written([price]))

    (again,) = parse(text.getvalue())["fake"]

    assert again.facts == {name: getattr(price, name) for name in FACTS}
    assert text.getvalue().splitlines()[0] == ",".join(COLUMNS)
