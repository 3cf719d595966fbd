"""What an export holds: every charge once, in the words of FOCUS, and the sums of the facts."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.tests.factories import OrganizationFactory
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.focus import exports, rows
from costs.focus.exports import Export
from costs.models import DailyCost
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory
from inventory.tests.factories import ResourceFactory, TagFactory
from providers.focus_rules import CheckReport, check_rows
from providers.focus_schema import columns_of
from providers.plugins.focus.reader import open_source
from providers.plugins.focus.tests.files import row, write_csv
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ChargeBatchFactory, ChargeLineFactory, ResourceStateFactory

pytestmark = pytest.mark.django_db

REPOSITORY = Path(__file__).resolve().parents[3]
REFERENCE = Path(os.environ.get("INFRAZEN_REFERENCE_DIR", REPOSITORY.parent / "shared" / "reference"))
SAMPLE = REFERENCE / "focus-sample" / "aws_1_2_cost_and_usage_100.csv"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MARCH = Span(date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture(autouse=True)
def _media(settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def acme():
    return OrganizationFactory(name="Acme")


def written(export: Export, folder: Path) -> Path:
    path = folder / export.file_name
    path.write_bytes(b"".join(exports.pieces(export, NOW)))
    return path


def imported(path: Path, organization: Any) -> None:
    call_command(
        "import_focus", str(path), organization=organization.pk, connection="Files", stdout=StringIO()
    )


def read(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    with open_source(path) as source:
        return source.columns, [dict(each.values) for each in source.rows]


def checked(path: Path, export: Export) -> CheckReport:
    """The twelve checks over the file as it was read back from the disk."""
    with open_source(path) as source:
        return check_rows(
            source.columns,
            ((each.line, each.values) for each in source.rows),
            expected=rows.sums_of(export.organization, export.span, export.filters),
            is_text=source.format != "parquet",
        )


def faults(report: CheckReport) -> list[tuple[int, str, str, dict[str, Any]]]:
    return [(one.number, f.code, f.column, f.params) for one in report.results for f in one.findings]


def service_sums(path: Path) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for each in read(path)[1]:
        entry = sums[each["ServiceName"], each["BillingCurrency"]]
        entry[0] += Decimal(str(each["BilledCost"]))
        entry[1] += Decimal(str(each["EffectiveCost"]))
    return {key: (billed, effective) for key, (billed, effective) in sums.items()}


def own_clouds(organization: Any) -> None:
    """A hosting billed by rates, with context, and a cloud billed by lines."""
    beget = ConnectionFactory(organization=organization, provider_type="beget", account_id="123456")
    vps = ResourceFactory(
        connection=beget, resource_id="vps:1", name="магазин", native_type="vps", resource_type="server"
    )
    ResourceStateFactory(
        resource=vps, vcpus=Decimal(2), memory_mib=4096, storage_gib=Decimal(40), tags={"team": "web", "old": ""},
        opened_at=datetime(2026, 2, 1, tzinfo=UTC),
    )  # fmt: skip
    TagFactory(resource=vps, key="team", value="магазин", source="user")
    shop = CostDimensionsFactory(
        organization=organization, connection=beget, resource_type="server", service_name="VPS", region_id="ru1",
        business_unit="Shop", owner="Anna", provenance={"business_unit": "rule", "owner": "person"},
    )  # fmt: skip
    for day in (1, 2, 31):
        DailyCostFactory(
            resource=vps, date=date(2026, 3, day), dimensions=shop, billed_cost=Decimal("16.666667")
        )
    DailyCostFactory(resource=vps, date=date(2026, 3, 31), source="estimate", billed_cost=Decimal("5.5"))
    DailyCostFactory(resource=vps, date=date(2026, 4, 1))

    selectel = ConnectionFactory(organization=organization, provider_type="selectel", account_id="77")
    volume = ResourceFactory(
        connection=selectel, resource_id="disk-1", native_type="volume", resource_type="volume"
    )
    batch = ChargeBatchFactory(snapshot__connection=selectel)
    line = ChargeLineFactory(
        batch=batch, resource=volume, service_name="Cloud platform", region_id="ru-7", sub_account_id="p1",
        sku_id="volume_gigabytes_fast", charge_description="Быстрый диск", charge_frequency="Usage-Based",
        pricing_quantity=Decimal("720"), pricing_unit="GB-Hours", billed_cost=Decimal("0.01"), effective_cost=Decimal("0.01"),
        list_cost=Decimal("0.01"), contracted_cost=Decimal("0.01"),
        charge_period_start=datetime(2026, 2, 28, 21, tzinfo=UTC), charge_period_end=datetime(2026, 3, 1, 21, tzinfo=UTC),
    )  # fmt: skip
    DailyCostFactory(
        resource=volume,
        date=date(2026, 3, 1),
        source="billing",
        billed_cost=line.billed_cost,
        list_cost=line.list_cost,
    )
    # A part of the same disk on a line of its own
    ChargeLineFactory(
        batch=batch, resource=volume, service_name="Cloud platform", region_id="ru-7", sub_account_id="p1",
        sku_id="volume_gigabytes_fast", charge_description="Быстрый диск", charge_frequency="Usage-Based",
        pricing_quantity=Decimal("24"), pricing_unit="GB-Hours", billed_cost=Decimal("0"), effective_cost=Decimal("0"),
        list_cost=Decimal("0"), contracted_cost=Decimal("0"),
        charge_period_start=datetime(2026, 2, 28, 21, tzinfo=UTC), charge_period_end=datetime(2026, 3, 1, 21, tzinfo=UTC),
    )  # fmt: skip
    # A fee for two months, of which March is in the export, and a credit
    fee = ChargeLineFactory(
        batch=batch, resource=volume, service_name="Cloud platform", sku_id="fee", charge_frequency="Recurring",
        charge_category="Purchase",
        billed_cost=Decimal(59), effective_cost=Decimal(59), list_cost=Decimal(118), contracted_cost=Decimal(59),
        charge_period_start=datetime(2026, 1, 31, 21, tzinfo=UTC), charge_period_end=datetime(2026, 3, 31, 21, tzinfo=UTC),
    )  # fmt: skip
    for day in range(1, 32):
        DailyCostFactory(
            resource=volume, date=date(2026, 3, day), source="billing", charge_category="Purchase",
            billed_cost=fee.billed_cost / 59, list_cost=fee.list_cost / 59,
        )  # fmt: skip
    credit = ChargeLineFactory(
        batch=batch, resource=volume, service_name="Cloud platform", charge_category="Credit",
        billed_cost=Decimal("-3.5"), effective_cost=Decimal("-3.5"), list_cost=Decimal("-3.5"), contracted_cost=Decimal("-3.5"),
        charge_period_start=datetime(2026, 3, 5, tzinfo=UTC), charge_period_end=datetime(2026, 3, 5, tzinfo=UTC),
    )  # fmt: skip
    DailyCostFactory(
        resource=volume,
        date=date(2026, 3, 5),
        source="billing",
        charge_category="Credit",
        billed_cost=credit.billed_cost,
    )
    # A day whose lines are gone: the fact speaks for them
    DailyCostFactory(
        resource=volume,
        date=date(2026, 3, 9),
        source="billing",
        billed_cost=Decimal("7.25"),
        unconverted=True,
    )


@pytest.mark.parametrize("profile", ["1.2", "1.4"])
@pytest.mark.parametrize(
    "form", [{"format": "csv"}, {"format": "csv", "is_gzip": True, "is_ascii": True}, {"format": "parquet"}]
)
def test_own_clouds_pass_the_twelve_checks_and_sum_up_to_the_facts(acme, tmp_path, profile, form) -> None:
    own_clouds(acme)
    export = Export(organization=acme, span=MARCH, profile=profile, **form)

    path = written(export, tmp_path)

    report = checked(path, export)
    assert faults(report) == []
    assert (report.passed, report.row_count) == (True, 8)
    columns, _ = read(path)
    own = [name for name in columns if not name.startswith("x_")]
    assert own == [column.name for column in columns_of(profile)]
    assert exports.check(export).passed
    sums = rows.sums_of(acme, MARCH, Filters())
    assert sums["RUB"][0] == Decimal("83.010001")  # 3 × 16.666667 + 5.5 + 0.01 + 31 − 3.5


def test_a_row_says_what_is_known_of_the_charge(acme, tmp_path) -> None:
    own_clouds(acme)

    _, found = read(written(Export(organization=acme, span=MARCH, format="csv"), tmp_path))

    day, *_, estimate = [each for each in found if each["ResourceId"] == "vps:1"]
    assert {name: value for name, value in day.items() if value} == {
        "BilledCost": "16.666667",
        "BillingAccountId": "beget:123456",
        "BillingAccountName": day["BillingAccountName"],
        "BillingAccountType": "Billing Account",
        "BillingCurrency": "RUB",
        "BillingPeriodEnd": "2026-03-31T21:00:00Z",
        "BillingPeriodStart": "2026-02-28T21:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeDescription": "Beget VPS, 2 vCPU 4 GiB RAM 40 GiB",
        "ChargeFrequency": "Recurring",
        "ChargePeriodEnd": "2026-03-01T21:00:00Z",
        "ChargePeriodStart": "2026-02-28T21:00:00Z",
        "ConsumedQuantity": "1.0",
        "ConsumedUnit": "Days",
        "ContractedCost": "25.0",
        "ContractedUnitPrice": "25.0",
        "EffectiveCost": "16.666667",
        "InvoiceIssuerName": "Beget",
        "ListCost": "25.0",
        "ListUnitPrice": "25.0",
        "PricingCategory": "Standard",
        "PricingCurrency": "RUB",
        "PricingCurrencyContractedUnitPrice": "25.0",
        "PricingCurrencyEffectiveCost": "16.666667",
        "PricingCurrencyListUnitPrice": "25.0",
        "PricingQuantity": "1.0",
        "PricingUnit": "Days",
        "ProviderName": "Beget",
        "PublisherName": "Beget",
        "RegionId": "ru1",
        "RegionName": "ru1",
        "ResourceId": "vps:1",
        "ResourceName": "магазин",
        "ResourceType": "Server",
        "ServiceCategory": "Compute",
        "ServiceName": "Beget VPS",
        "ServiceSubcategory": "Virtual Machines",
        "SkuId": "beget:vps:2 vCPU 4 GiB RAM 40 GiB",
        "SkuMeter": "Server",
        "SkuPriceDetails": '{"CoreCount": 2.0, "MemorySize": 4.0, "DiskSpace": 40.0}',
        "SkuPriceId": "beget:vps:2 vCPU 4 GiB RAM 40 GiB",
        "Tags": '{"old": true, "team": "магазин"}',
        "x_BillingMonth": "2026-03",
        "x_ChargeDate": "2026-03-01",
        "x_BilledCostInRub": "16.666667",
        "x_EffectiveCostInRub": "16.666667",
        "x_ExchangeRate": "1.0",
        "x_CostSource": "price",
        "x_PriceSource": "derived",
        "x_ResourceType": "server",
        "x_BusinessUnit": "Shop",
        "x_Owner": "Anna",
        "x_ContextProvenance": '{"BusinessUnit": "rule", "Owner": "person"}',
        "x_ConnectionId": day["x_ConnectionId"],
    }
    assert (estimate["x_CostSource"], estimate["SkuPriceId"]) == ("estimate", f"{estimate['SkuId']}:list")
    volume = {each["ChargeCategory"] + each["ChargePeriodStart"][5:10]: each for each in found[4:]}
    disk, fee, credit = volume["Usage02-28"], volume["Purchase02-28"], volume["Credit03-04"]
    assert (disk["ServiceName"], disk["ServiceCategory"]) == (
        "Selectel Cloud platform: Block Storage",
        "Storage",
    )
    assert (disk["ListUnitPrice"], disk["PricingQuantity"]) == ("0.00001344086021505376", "744.0")
    assert (disk["SubAccountName"], disk["SkuMeter"]) == ("p1", "Быстрый диск")
    # Of 59 days, 31
    assert (fee["BilledCost"], fee["ListCost"], fee["ChargePeriodEnd"]) == (
        "31.0",
        "62.0",
        "2026-03-31T21:00:00Z",
    )
    assert (fee["PricingQuantity"], fee["ConsumedQuantity"]) == ("1.0", "")
    assert (credit["BilledCost"], credit["PricingQuantity"]) == ("-3.5", "")
    assert credit["ChargePeriodEnd"] == "2026-03-05T21:00:00Z"
    gone = volume["Usage03-08"]
    assert (gone["BilledCost"], gone["BillingCurrency"], gone["x_BilledCostInRub"]) == ("7.25", "USD", "")


def test_filters_and_days_choose_facts_and_their_lines_alone(acme, tmp_path) -> None:
    own_clouds(acme)
    own_clouds(OrganizationFactory(name="Stranger"))
    shop = Filters().adding("business_unit", "Shop")
    disks = Filters().adding(
        "resource", str(DailyCost.objects.of(acme).filter(source="billing")[0].resource_id)
    )

    of_shop = Export(organization=acme, span=MARCH, filters=shop, format="csv")
    of_one_day = Export(organization=acme, span=Span(MARCH.first, MARCH.first), filters=disks, format="csv")

    assert faults(checked(written(of_shop, tmp_path), of_shop)) == []
    assert {each["x_BusinessUnit"] for each in read(written(of_shop, tmp_path))[1]} == {"Shop"}
    assert faults(checked(written(of_one_day, tmp_path), of_one_day)) == []
    _, found = read(written(of_one_day, tmp_path))
    assert [(each["ChargeCategory"], each["BilledCost"]) for each in found] == [
        ("Purchase", "1.0"),
        ("Usage", "0.01"),
    ]


def test_ascii_keeps_the_originals_beside(acme, tmp_path) -> None:
    own_clouds(acme)
    export = Export(organization=acme, span=MARCH, format="csv", is_ascii=True)

    columns, found = read(written(export, tmp_path))

    assert (found[0]["ResourceName"], found[0]["x_ResourceNameOriginal"]) == ("magazin", "магазин")
    assert found[0]["x_ServiceNameOriginal"] == ""
    assert all(str(each[name]).isascii() for each in found for name in columns[:57] if name != "Tags")


def test_our_own_file_comes_back_with_the_same_sums(acme, tmp_path) -> None:
    """Export, import as a FOCUS file into another organization, export again: sums by service are equal."""
    own_clouds(acme)
    first = written(Export(organization=acme, span=MARCH), tmp_path)
    other = OrganizationFactory(name="Other")

    imported(first, other)
    # The days of a file are cut in UTC: those of Moscow begin on the evening before
    again = Export(organization=other, span=Span(date(2026, 2, 28), MARCH.last), format="csv")
    second = written(again, tmp_path)

    assert service_sums(second) == service_sums(first)
    assert faults(checked(second, again)) == []


@pytest.mark.skipif(
    not SAMPLE.is_file(), reason="the reference sample is not here; set INFRAZEN_REFERENCE_DIR"
)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_reference_sample_comes_out_as_it_went_in(acme, tmp_path, file_format) -> None:
    imported(SAMPLE, acme)
    export = Export(organization=acme, span=Span(date(2026, 5, 1), date(2026, 5, 31)), format=file_format)

    path = written(export, tmp_path)

    assert faults(checked(path, export)) == []
    _, found = read(path)
    _, source = read(SAMPLE)
    assert len(found) == len(source) == 100
    sums, wanted = service_sums(path), service_sums(SAMPLE)
    assert {key: tuple(round(cost, 8) for cost in costs) for key, costs in sums.items()} == {
        key: tuple(round(cost, 8) for cost in costs) for key, costs in wanted.items()
    }
    if file_format == "csv":  # texts can be compared as they stand
        texts = [column.name for column in columns_of("1.2") if column.kind in ("string", "json", "datetime")]
        assert sorted(tuple(each[name] for name in texts) for each in found) == sorted(
            tuple(each[name] for name in texts) for each in source
        )


def test_dirty_files_go_out_as_clean_as_can_be(acme, tmp_path) -> None:
    """What the specification demands and an old or poor file lacks is filled in."""
    poor = {
        "ProviderName": "Cloudy", "ServiceName": "Compute", "BilledCost": "-2.5", "BillingCurrency": "RUB",
        "BillingPeriodStart": "2026-03-01 00:00:00", "BillingPeriodEnd": "2026-04-01", "ChargePeriodStart": "2026-03-02",
        "ChargePeriodEnd": "2026-03-03", "Tags": "team: shop", "RegionId": "Unassigned", "CommitmentDiscountId": "plan",
        "Id": "7",
    }  # fmt: skip
    path = write_csv(tmp_path / "poor.csv", [poor, poor | {"ServiceName": "Disks", "BilledCost": "0"}])
    imported(path, acme)
    export = Export(organization=acme, span=MARCH, format="csv")

    report = checked(written(export, tmp_path), export)

    assert (faults(report), report.row_count) == ([], 2)


def test_an_empty_period_is_a_file_with_a_header(acme, tmp_path) -> None:
    for file_format in exports.FORMATS:
        path = written(Export(organization=acme, span=MARCH, format=file_format), tmp_path)

        columns, found = read(path)
        assert (columns[0], len(found)) == ("AvailabilityZone", 0)


@pytest.mark.parametrize("count", [1, 11])
def test_reading_costs_the_same_queries_for_any_number_of_rows(
    acme, count, django_assert_num_queries
) -> None:
    connection = ConnectionFactory(organization=acme)
    for _ in range(count):
        resource = ResourceFactory(connection=connection)
        for day in range(1, count + 1):
            DailyCostFactory(resource=resource, date=date(2026, 3, day))

    with django_assert_num_queries(7):
        found = list(rows.charges(acme, MARCH, Filters()))

    assert len(found) == count * count


def test_a_good_row_of_tests_is_good() -> None:
    """The rows that other tests start from."""
    assert check_rows(list(row()), [(2, row())]).passed
