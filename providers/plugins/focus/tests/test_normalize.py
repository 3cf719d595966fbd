import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import InvalidSource
from providers.contract.records import ChargeCategory
from providers.focus_schema import VERSIONS
from providers.plugins.focus.normalize import (
    billing_month,
    bounded,
    charge_of,
    decimal_of,
    header_findings,
    instant_of,
    scope_of,
    tags_of,
    text_of,
    unknown_columns,
)
from providers.plugins.focus.reader import SourceRow

from .files import row

START = datetime(2026, 10, 5, tzinfo=UTC)


def charge(**changes):
    return charge_of(SourceRow(7, row(**changes)))[0]


def findings(**changes):
    return [(f.code, f.column, f.line) for f in charge_of(SourceRow(7, row(**changes)))[1]]


def refusal(**changes) -> InvalidSource:
    with pytest.raises(InvalidSource) as caught:
        charge_of(SourceRow(7, row(**changes)))
    assert caught.value.line == 7
    return caught.value


@pytest.mark.parametrize("version", VERSIONS)
def test_row_of_each_version_becomes_the_same_charge(version):
    record, doubts = charge_of(SourceRow(2, row(version)))

    assert doubts == []
    assert record.resource_id == "cloudy|acc-1|vm-1"
    assert (record.resource_name, record.native_type) == ("web", "Virtual machine")
    assert (record.provider_name, record.service_name, record.service_category) == (
        "Cloudy",
        "Cloudy Compute",
        "Compute",
    )
    assert (record.billed_cost, record.effective_cost, record.list_cost, record.contracted_cost) == (
        Decimal("10.25"),
        Decimal("9.5"),
        Decimal(12),
        Decimal(11),
    )
    assert (record.charge_period_start, record.charge_period_end) == (START, START + timedelta(days=1))
    assert record.billing_currency == "USD"
    assert record.charge_category is ChargeCategory.USAGE
    assert (record.pricing_quantity, record.pricing_unit) == (Decimal(24), "Hours")
    assert (record.consumed_quantity, record.consumed_unit) == (Decimal(24), "Hours")
    assert record.scope is None
    assert record.raw["BilledCost"] == "10.25"
    assert "Tags" not in record.raw


def test_newer_name_of_the_provider_wins():
    assert charge(version="1.3", ServiceProviderName="New", ProviderName="Old").provider_name == "New"
    assert charge(version="1.3", ServiceProviderName="", ProviderName="Old").provider_name == "Old"


@pytest.mark.parametrize("null", ["", "  ", "NULL", "null", "\\N", None])
def test_every_spelling_of_null_is_unknown(null):
    values = row() | {"RegionId": null, "PricingQuantity": null, "Tags": null, "ChargeClass": null}

    record, doubts = charge_of(SourceRow(2, values))

    assert (record.region_id, record.pricing_quantity, record.tags, record.charge_class) == ("", None, {}, "")
    assert doubts == []


def test_placeholders_of_azure_are_null_only_where_null_is_allowed():
    record = charge(RegionId="Unassigned", SubAccountId="-2", ServiceName="Unassigned")

    assert (record.region_id, record.sub_account_id, record.service_name) == ("", "", "Unassigned")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("BilledCost", "", "The value is empty. Expected one in every row."),
        (
            "BilledCost",
            "12,50",
            "“12,50” is not a number. Expected digits with a decimal point, for example 12.50.",
        ),
        (
            "EffectiveCost",
            "$5",
            "“$5” is not a number. Expected digits with a decimal point, for example 12.50.",
        ),
        (
            "ListCost",
            "NaN",
            "“NaN” is not a finite number. Expected digits with a decimal point, for example 12.50.",
        ),
        (
            "ContractedCost",
            "-Infinity",
            "“-Infinity” is not a finite number. Expected digits with a decimal point, for example 12.50.",
        ),
        (
            "BilledCost",
            "1000000000000",
            "“1000000000000” has too many digits. Expected at most 12 before the decimal point.",
        ),
        (
            "PricingQuantity",
            "1E18",
            "“1E18” has too many digits. Expected at most 18 before the decimal point.",
        ),
        (
            "ChargePeriodStart",
            "yesterday",
            "“yesterday” is not a date with time. Expected UTC, for example 2026-10-01T00:00:00Z.",
        ),
        ("ChargePeriodStart", "", "The value is empty. Expected one in every row."),
        (
            "BillingPeriodEnd",
            "9999-12-31T23:59:59Z",
            "“9999-12-31T23:59:59Z” is out of range. Expected a year from 2000 to 2199.",
        ),
        (
            "ChargePeriodEnd",
            "2026-10-05T00:00:00Z",
            "The period ends at 2026-10-05 00:00:00+00:00, not after its start 2026-10-05 00:00:00+00:00. "
            "Expected an exclusive end after the start.",
        ),
        (
            "BillingCurrency",
            "₽",
            "“₽” is not a currency. Expected three letters of ISO 4217, for example RUB.",
        ),
        ("BillingCurrency", "", "The value is empty. Expected one in every row."),
        (
            "ChargeCategory",
            "Refund",
            "“Refund” is not a charge category. Expected one of: Usage, Purchase, Tax, Credit, Adjustment.",
        ),
        ("ServiceName", "NULL", "The value is empty. Expected one in every row."),
        ("ProviderName", "", "The value is empty. Expected one in every row."),
    ],
)
def test_what_must_not_be_wrong_is_refused_with_its_column(column, value, message):
    error = refusal(**{column: value})

    assert (error.column, str(error)) == (column, message)


def test_long_values_are_cut_in_messages():
    assert refusal(BilledCost="x" * 500).params["found"] == "x" * 59 + "…"


def test_missing_and_empty_costs_are_the_billed_cost():
    without = charge(EffectiveCost=None, ListCost="", ContractedCost="NULL")

    assert (without.effective_cost, without.list_cost, without.contracted_cost) == (Decimal("10.25"),) * 3
    assert findings(EffectiveCost=None, ListCost="", ContractedCost="NULL") == [
        ("empty_cost", "ListCost", 7),
        ("empty_cost", "ContractedCost", 7),
    ]
    assert [(f.code, f.column) for f in header_findings(list(row(EffectiveCost=None)))] == [
        ("missing_column", "EffectiveCost")
    ]


def test_cost_of_zero_is_zero():
    assert charge(EffectiveCost="0", ListCost="0.00").effective_cost == 0
    assert findings(EffectiveCost="0", ListCost="0.00") == []


@pytest.mark.parametrize("category", list(ChargeCategory))
def test_categories_are_kept(category):
    record = charge(ChargeCategory=category.value.upper(), BilledCost="-3.5", ChargeClass="Correction")

    assert (record.charge_category, record.billed_cost, record.charge_class) == (
        category,
        Decimal("-3.5"),
        "Correction",
    )


def test_commitments_are_kept():
    record = charge(
        CommitmentDiscountId="plan-1",
        CommitmentDiscountStatus="Used",
        PricingCategory="Committed",
        BilledCost="0",
    )

    assert (record.commitment_discount_id, record.commitment_discount_status) == ("plan-1", "Used")
    assert (record.pricing_category, record.billed_cost, record.effective_cost) == (
        "Committed",
        Decimal(0),
        Decimal("9.5"),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ChargeCategory": ""}, [("empty_charge_category", "ChargeCategory", 7)]),
        ({"BillingCurrency": "RUR"}, [("old_currency_code", "BillingCurrency", 7)]),
        ({"Tags": "no json"}, [("unreadable_tags", "Tags", 7)]),
        ({"ChargePeriodStart": "10/5/26"}, [("ambiguous_date", "ChargePeriodStart", 7)]),
    ],
)
def test_what_is_doubtful_is_told(changes, expected):
    assert findings(**changes) == expected


def test_old_code_of_the_rouble_is_the_new_one():
    assert charge(BillingCurrency="RUR").billing_currency == "RUB"
    assert charge(BillingCurrency="kzt").billing_currency == "KZT"


def test_same_resource_keeps_its_id_whatever_else_the_file_holds():
    assert charge(ProviderName="Cloudy ").resource_id == charge(ProviderName="CLOUDY").resource_id
    assert charge(BillingAccountId="a").resource_id != charge(BillingAccountId="b").resource_id
    assert charge(ProviderName="Other").resource_id != charge().resource_id
    assert charge(BillingAccountId="a|b", ResourceId="c").resource_id == "cloudy|a%7Cb|c"


def test_rows_without_a_resource_are_told_apart_by_all_that_they_charge_for():
    nameless = {"ResourceId": "", "ResourceName": "", "ResourceType": ""}
    base = charge(**nameless)
    others = [
        charge(**nameless, **{column: "other"})
        for column in (
            "ProviderName",
            "BillingAccountId",
            "ServiceName",
            "SkuId",
            "SubAccountId",
            "RegionId",
        )
    ]
    others.append(charge(**nameless, ChargeCategory="Tax"))

    assert base.resource_id == "cloudy|acc-1||Cloudy Compute|sku-1||eu-1|Usage"
    assert base.resource_name == "Cloudy Compute · sku-1 · eu-1"
    assert base.native_type == "service:Cloudy Compute"
    assert len({item.resource_id for item in [base, *others]}) == 8
    assert others[-1].native_type == "charge:Tax"
    assert others[-1].resource_name == "Cloudy Compute · Tax · sku-1 · eu-1"
    assert charge(**nameless, ChargePeriodStart="2026-10-04T00:00:00Z").resource_id == base.resource_id


def test_long_ids_are_cut_to_a_digest_and_stay_different():
    one, other = charge(ResourceId="x" * 400 + "1"), charge(ResourceId="x" * 400 + "2")

    assert len(one.resource_id) == len(other.resource_id) == 300
    assert one.resource_id != other.resource_id
    assert bounded("x" * 300) == "x" * 300


@pytest.mark.parametrize(
    ("start", "end", "month"),
    [
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-10"),
        ("2026-09-30T21:00:00Z", "2026-10-31T21:00:00Z", "2026-10"),
        ("2026-10-01T08:00:00Z", "2026-11-01T08:00:00Z", "2026-10"),
        ("2025-12-31T21:00:00Z", "2026-01-31T21:00:00Z", "2026-01"),
    ],
)
def test_billing_month_is_the_same_in_every_zone(start, end, month):
    record = charge(BillingPeriodStart=start, BillingPeriodEnd=end)

    assert billing_month(record) == month
    assert scope_of(record) == ("billing", "Cloudy", "acc-1", month)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-10-05T00:00:00Z", START),
        ("2026-10-05 00:00:00", START),
        ("2026-10-05T00:00Z", START),
        ("2026-10-05T00:00:00+00:00", START),
        ("2026-10-05 00:00:00 UTC", START),
        ("2026-10-05T03:00:00+03:00", START),
        ("2026-10-05T03:00:00+0300", START),
        ("2026-10-05", START),
        ("10/5/26", START),
        ("10/05/2026 00:00:00", START),
        ("2026-10-05T00:00:00.123456789Z", START.replace(microsecond=123456)),
        (datetime(2026, 10, 5), START),  # noqa: DTZ001  # a Parquet timestamp without a zone
        (datetime(2026, 10, 5, 3, tzinfo=timezone(timedelta(hours=3))), START),
        (date(2026, 10, 5), START),
        (None, None),
        ("NULL", None),
    ],
)
def test_instants_in_every_known_spelling(value, expected):
    instant = instant_of(value)

    assert instant == expected
    assert instant is None or instant.tzinfo is UTC


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2198, 12, 31)),  # noqa: DTZ001  # hypothesis adds the zone
    st.integers(-14 * 60, 14 * 60),
)
def test_any_instant_in_any_zone_is_read_back(naive, minutes):
    instant = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))

    assert instant_of(instant.isoformat()) == instant
    assert instant_of(instant) == instant


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**11), max_value=10**11))
def test_any_decimal_text_is_read_exactly(number):
    assert decimal_of(str(number)) == number
    assert decimal_of(format(number, "f")) == number
    assert decimal_of(number) == number


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e11, max_value=1e11))
def test_any_double_is_its_shortest_text(number):
    assert decimal_of(number) == Decimal(repr(number))


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_a_refusal_of_its_column(text):
    values = row() | {"BilledCost": text, "ChargePeriodStart": text}

    with pytest.raises(InvalidSource) as caught:
        charge_of(SourceRow(3, values))

    assert (caught.value.line, caught.value.column) == (3, "ChargePeriodStart")


@pytest.mark.parametrize(
    "text", ["1_000", "１２", "٣", "1e", "0x10", "1 000", "--1", "1.2.3", ".", "1e99999"]
)
def test_what_python_or_a_spreadsheet_would_read_is_no_number(text):
    assert refusal(BilledCost=text).column == "BilledCost"


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity"), True, b"1"]
)
def test_typed_values_that_are_no_numbers_are_refused(value):
    assert refusal(BilledCost=value).column == "BilledCost"


@pytest.mark.parametrize(
    "value",
    [
        '{"team": "shop", "on": true, "level": 1.50}',
        '"team": "shop", "on": true, "level": 1.50',
        '[{"key": "team", "value": "shop"}, {"key": "on", "value": true}, {"key": "level", "value": "1.50"}]',
        [("team", "shop"), ("on", "true"), ("level", "1.50")],
        [{"key": "team", "value": "shop"}, {"key": "on", "value": "true"}, {"key": "level", "value": "1.50"}],
        {"team": "shop", "on": "true", "level": "1.50"},
    ],
)
def test_tags_in_every_shape_are_the_same(value):
    assert charge(Tags=value).tags == {"team": "shop", "on": "true", "level": "1.50"}


def test_tags_keep_cyrillic_and_lose_what_a_database_cannot_hold():
    assert tags_of('{"команда": "магазин", "x": null, "deep": {"a": 1}, "": "b"}') == {
        "команда": "магазин",
        "x": "",
        "deep": '{"a": "1"}',
    }
    assert tags_of('{"a": "b\\u0000\\ud800"}') == {"a": "b�?"}


def test_tags_of_one_row_are_not_those_of_another():
    charge(Tags='{"a": "b"}').tags["c"] = "d"

    assert charge(Tags='{"a": "b"}').tags == {"a": "b"}


@pytest.mark.parametrize("value", ["shop", "{", "[1]", '["ab"]', '{"a": 1', "[" * 100_000])
def test_tags_that_cannot_be_read_cost_only_the_tags(value):
    record, doubts = charge_of(SourceRow(7, row(Tags=value)))

    assert (record.tags, [f.code for f in doubts]) == ({}, ["unreadable_tags"])
    assert record.billed_cost == Decimal("10.25")


def test_too_many_tags_are_told():
    many = {f"key {number}": "x" for number in range(201)}

    assert findings(Tags=json.dumps(many)) == [("unreadable_tags", "Tags", 7)]


def test_typed_cells_are_texts_where_text_is_expected():
    record = charge(BillingAccountId=100000000001, SubAccountId=42.0, InvoiceId=Decimal("7"), RegionName=None)

    assert (record.billing_account_id, record.sub_account_id, record.invoice_id) == (
        "100000000001",
        "42",
        "7",
    )
    assert record.raw["SubAccountId"] == "42"
    assert text_of("a\0b") == "a�b"
    assert all(isinstance(value, str) for value in record.raw.values())


def test_unknown_columns_are_those_without_prefix():
    assert unknown_columns(["BilledCost", "x_Team", "Id"]) == ("Id",)
