import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from providers.contract.errors import DeadlineExceeded, InvalidSource
from providers.contract.plugin import Period, PluginContext
from providers.contract.records import ChargeCategory, ScopeStatus
from providers.plugins.focus import report as report_module
from providers.plugins.focus.provider import FocusProvider

from .files import NOW, YEAR, provider_of, read, row, write_csv, write_gzip, write_parquet

MIXED = [
    row("1.3", ProviderName="Cloudy", ServiceProviderName="Cloudy", ResourceId="one", BilledCost="1.10"),
    row("1.3", ServiceProviderName="Stormy", ResourceId="one", BilledCost="2.20", BillingCurrency="RUB"),
    row("1.3", ServiceProviderName="Stormy", ResourceId="two", BilledCost="-0.20", ChargeCategory="Credit"),
]


@pytest.mark.parametrize("write", [write_csv, write_gzip, write_parquet])
def test_mixed_file_keeps_providers_currencies_and_categories_apart(tmp_path, write):
    charges, scopes, findings = read(write(tmp_path / "file", MIXED))

    assert [(c.resource_id, c.billed_cost, c.billing_currency, c.charge_category) for c in charges] == [
        ("cloudy|acc-1|one", Decimal("1.10"), "USD", ChargeCategory.USAGE),
        ("stormy|acc-1|one", Decimal("2.20"), "RUB", ChargeCategory.USAGE),
        ("stormy|acc-1|two", Decimal("-0.20"), "USD", ChargeCategory.CREDIT),
    ]
    assert [(s.scope, s.status) for s in scopes] == [
        (("billing", "Cloudy", "acc-1", "2026-10"), ScopeStatus.COMPLETE),
        (("billing", "Stormy", "acc-1", "2026-10"), ScopeStatus.COMPLETE),
    ]
    assert findings == []


def test_parquet_types_give_the_same_charge_as_csv(tmp_path):
    texts = row(Tags='{"team": "магазин"}', BilledCost="0.1", PricingQuantity="24.0000000000")
    typed = texts | {
        "BilledCost": 0.1,
        "EffectiveCost": Decimal("9.5"),
        "ListCost": 12.0,
        "PricingQuantity": Decimal("24"),
        "ChargePeriodStart": datetime(2026, 10, 5),  # noqa: DTZ001  # a Parquet timestamp without a zone
        "ChargePeriodEnd": datetime(2026, 10, 6, tzinfo=UTC),
        "Tags": [("team", "магазин")],
    }
    types = {
        "BilledCost": pa.float64(),
        "EffectiveCost": pa.decimal128(28, 10),
        "ListCost": pa.float32(),
        "PricingQuantity": pa.decimal128(28, 10),
        "ChargePeriodStart": pa.timestamp("ns"),
        "ChargePeriodEnd": pa.timestamp("ms", tz="Europe/Moscow"),
        "Tags": pa.map_(pa.string(), pa.string()),
    }

    (from_csv,), _, _ = read(write_csv(tmp_path / "a.csv", [texts]))
    (from_parquet,), _, _ = read(write_parquet(tmp_path / "a.parquet", [typed], **types))

    fields = set(from_csv.__slots__) - {"raw"}
    assert {name: getattr(from_parquet, name) for name in fields} == {
        name: getattr(from_csv, name) for name in fields
    }
    assert from_parquet.billed_cost == Decimal("0.1")
    assert from_parquet.tags == {"team": "магазин"}
    assert json.loads(json.dumps(dict(from_parquet.raw)))["ListCost"] == "12"


def test_parquet_column_of_nulls_is_told_like_an_empty_one(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [row(EffectiveCost="")] * 2)

    charges, _, findings = read(path)

    assert [c.effective_cost for c in charges] == [Decimal("10.25")] * 2
    assert [(f.code, f.column, f.line) for f in findings] == [
        ("empty_cost", "EffectiveCost", 2),
        ("empty_cost", "EffectiveCost", 3),
    ]


def test_parquet_provider_of_nulls_is_a_bad_row(tmp_path):
    report = provider_of(write_parquet(tmp_path / "a.parquet", [row(ProviderName="")])).inspect()

    assert [(bad.line, bad.column) for bad in report.bad_rows] == [(2, "ProviderName")]


def test_equal_rows_are_all_charged(tmp_path):
    charges, _, _ = read(write_csv(tmp_path / "a.csv", [row(), row()]))

    assert sum(c.billed_cost for c in charges) == Decimal("20.50")


BAD = [row(), row(BilledCost="x"), row(SkuId="a\nb"), row(ChargePeriodEnd="soon"), row()]


def test_first_bad_row_stops_the_charges(tmp_path):
    charges = provider_of(write_csv(tmp_path / "a.csv", BAD)).charges(YEAR)

    assert next(charges).billed_cost == Decimal("10.25")
    with pytest.raises(InvalidSource) as caught:
        next(charges)
    assert (caught.value.line, caught.value.column) == (3, "BilledCost")


def test_skipped_rows_are_findings(tmp_path):
    charges, scopes, findings = read(write_csv(tmp_path / "a.csv", BAD), skip_bad_rows="1")

    assert [c.billed_cost for c in charges] == [Decimal("10.25")] * 3
    assert [(f.code, f.line, f.column) for f in findings] == [
        ("invalid_source", 3, "BilledCost"),
        ("invalid_source", 6, "ChargePeriodEnd"),
    ]
    assert [s.scope for s in scopes] == [("billing", "Cloudy", "acc-1", "2026-10")]


def test_faults_of_the_file_are_raised_although_bad_rows_are_skipped(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(ServiceName=None)])

    with pytest.raises(InvalidSource, match="Required columns are missing: ServiceName"):
        read(path, skip_bad_rows="1")


def test_file_is_read_whole_whatever_the_period(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(), row(ChargePeriodStart="2026-10-01T00:00:00Z")])
    period = Period(start=datetime(2026, 10, 4, tzinfo=UTC), end=NOW)

    charges, scopes, _ = read(path, period)

    assert (len(charges), len(scopes)) == (2, 1)


def test_report_says_what_the_file_holds(tmp_path):
    rows = [
        *MIXED,
        row("1.3", BilledCost="x"),
        row("1.3", ServiceName="Облако", ServiceCategory="Storage", Id="7", BillingPeriodStart="2026-10-02"),
        row("1.3", ServiceName="Облако", EffectiveCost="", ChargePeriodEnd="2026-10-07T00:00:00Z"),
    ]
    rows = [{"Id": "", **item} for item in rows]

    report = provider_of(write_csv(tmp_path / "a.csv", rows)).inspect()

    assert (report.format, report.version, report.unknown_columns) == ("csv", "1.3", ("Id",))
    assert (report.row_count, report.good_row_count, report.bad_row_count) == (6, 5, 1)
    assert [(b.line, b.column, b.params) for b in report.bad_rows] == [(5, "BilledCost", {"found": "x"})]
    assert report.period == Period(
        start=datetime(2026, 10, 5, tzinfo=UTC), end=datetime(2026, 10, 7, tzinfo=UTC)
    )
    assert [
        (
            s.provider_name,
            s.billing_account_id,
            s.billing_period,
            s.billing_currency,
            s.row_count,
            s.billed_cost,
        )
        for s in report.period_sums
    ] == [
        ("Cloudy", "acc-1", "2026-10", "USD", 3, Decimal("21.60")),
        ("Stormy", "acc-1", "2026-10", "RUB", 1, Decimal("2.20")),
        ("Stormy", "acc-1", "2026-10", "USD", 1, Decimal("-0.20")),
    ]
    assert [
        (s.provider_name, s.service_name, s.billing_currency, s.billed_cost) for s in report.service_sums
    ] == [
        ("Cloudy", "Cloudy Compute", "USD", Decimal("1.10")),
        ("Cloudy", "Облако", "USD", Decimal("20.50")),
        ("Stormy", "Cloudy Compute", "RUB", Decimal("2.20")),
        ("Stormy", "Cloudy Compute", "USD", Decimal("-0.20")),
    ]
    assert report.service_sums[1].effective_cost == Decimal("19.75")
    assert (report.provider_names, report.billing_currencies) == (("Cloudy", "Stormy"), ("RUB", "USD"))
    assert report.charge_categories == {"Credit": 1, "Usage": 4}
    told = [(f.code, f.column, f.line) for f in report.findings]
    assert told[:2] == [("unknown_column", "Id", 1), ("column_order", "AllocatedMethodDetails", 1)]
    assert ("not_utc", "BillingPeriodStart", 6) in told
    assert told[-2:] == [
        ("empty_cost", "EffectiveCost", 7),
        ("service_in_two_categories", "ServiceCategory", 7),
    ]


def test_report_is_json(tmp_path):
    report = provider_of(write_csv(tmp_path / "a.csv", [row(Tags="x"), row(BilledCost="")])).inspect()

    data = json.loads(json.dumps(report.as_json()))

    assert data["charge_period_start"] == "2026-10-05T00:00:00+00:00"
    assert data["period_sums"][0]["billed_cost"] == "10.25"
    assert data["bad_rows"] == [
        {
            "line": 3,
            "column": "BilledCost",
            "message": "The value is empty. Expected one in every row.",
            "params": {},
        }
    ]
    assert data["finding_counts"] == [{"code": "unreadable_tags", "column": "Tags", "count": 1}]
    assert data["findings"][0]["params"] == {"found": "x"}
    assert (data["good_row_count"], data["provider_names"], data["billing_currencies"]) == (
        1,
        ["Cloudy"],
        ["USD"],
    )


def test_findings_of_one_kind_are_told_a_hundred_times_and_counted(tmp_path):
    rows = [row(EffectiveCost="")] * 250 + [row(Tags="x")]
    path = write_csv(tmp_path / "a.csv", rows)

    _, _, findings = read(path)
    report = provider_of(path).inspect()

    assert len(findings) == 102
    assert (findings[-1].code, findings[-1].column, findings[-1].params) == (
        "empty_cost",
        "EffectiveCost",
        {"count": 250, "told": 100},
    )
    assert len(report.findings) == 201
    assert [(c.code, c.count) for c in report.finding_counts] == [
        ("empty_cost", 250),
        ("row_twice", 250),
        ("unreadable_tags", 1),
    ]


def test_bad_rows_are_listed_a_hundred_times_and_counted(tmp_path):
    report = provider_of(write_csv(tmp_path / "a.csv", [row(BilledCost="")] * 150)).inspect()

    assert (report.row_count, report.bad_row_count, len(report.bad_rows)) == (150, 150, 100)
    assert (report.period, report.period_sums) == (None, ())


def test_sums_of_long_fractions_are_exact(tmp_path):
    rows = [
        row(BilledCost="99999999999.000000000000000001"),
        row(BilledCost="0.0000000000000000000000000001"),
    ]

    report = provider_of(write_csv(tmp_path / "a.csv", rows)).inspect()

    assert report.service_sums[0].billed_cost == Decimal("99999999999.0000000000000000010000000001")


def test_header_without_rows_is_an_empty_report(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row()])
    path.write_text(path.read_text().splitlines()[0])

    assert read(path) == ([], [], [])
    assert provider_of(path).inspect().row_count == 0


def test_header_that_lacks_useful_columns_is_told_once(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(ListCost=None, ResourceId=None, BillingAccountId=None)] * 2)

    charges, scopes, findings = read(path)

    assert [(f.code, f.line, f.column) for f in findings] == [
        ("missing_column", 1, "BillingAccountId"),
        ("missing_column", 1, "ListCost"),
        ("missing_column", 1, "ResourceId"),
    ]
    assert charges[0].list_cost == Decimal("10.25")
    assert charges[0].resource_id == "cloudy|||Cloudy Compute|sku-1||eu-1|Usage"
    assert scopes[0].scope == ("billing", "Cloudy", "", "2026-10")


def test_file_with_endless_names_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(report_module, "MAX_GROUPS", 10)
    path = write_csv(tmp_path / "a.csv", [row(ServiceName=f"service {number}") for number in range(20)])

    with pytest.raises(InvalidSource) as caught:
        provider_of(path).inspect()

    assert caught.value.line == 12


def test_reading_ends_at_its_deadline(tmp_path):
    context = PluginContext(
        credentials={}, now=NOW, source=write_csv(tmp_path / "a.csv", [row()]), deadline_seconds=-1
    )

    with pytest.raises(DeadlineExceeded):
        FocusProvider(context).inspect()


def test_plugin_without_a_file_says_so():
    provider = FocusProvider(PluginContext(credentials={}, now=NOW))

    assert provider.test_connection().account_id == "files"
    assert list(provider.account()) == list(provider.resources()) == []
    with pytest.raises(InvalidSource, match="No file was given"):
        list(provider.charges(YEAR))
