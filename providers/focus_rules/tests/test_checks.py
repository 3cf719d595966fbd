"""Every check meets rows that break it and rows that do not."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from providers.focus_rules import CHECKS, RowChecks, check_rows
from providers.plugins.focus.tests.files import row


def broken(*rows, columns=None, **options):
    """(check, code, column) of everything that is found."""
    report = check_rows(columns or list(rows[0]), enumerate(rows, 2), **options)
    assert report.row_count == len(rows)
    return [(one.number, f.code, f.column) for one in report.results for f in one.findings]


TAX = {
    "ChargeCategory": "Tax",
    **dict.fromkeys(
        [
            "SkuId",
            "SkuPriceId",
            "ListUnitPrice",
            "ContractedUnitPrice",
            "PricingCategory",
            "PricingQuantity",
            "PricingUnit",
            "ConsumedQuantity",
            "ConsumedUnit",
            "PricingCurrencyListUnitPrice",
            "PricingCurrencyContractedUnitPrice",
        ],
        "",
    ),
}
COMMITTED = {
    "CommitmentDiscountId": "plan-1",
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountType": "Plan",
    "CommitmentDiscountStatus": "Used",
    "CommitmentDiscountQuantity": "24",
    "CommitmentDiscountUnit": "Hours",
    "PricingCategory": "Committed",
    "BilledCost": "0",
}
BOUGHT = COMMITTED | {
    "ChargeCategory": "Purchase",
    "ChargeFrequency": "Recurring",
    "CommitmentDiscountStatus": "",
    "ResourceId": "plan-1",
    "PricingCategory": "Standard",
    "ConsumedQuantity": "",
    "ConsumedUnit": "",
    "BilledCost": "9.5",
    "EffectiveCost": "0",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        TAX,
        COMMITTED,
        BOUGHT,
        {
            "ChargeClass": "Correction",
            "BilledCost": "-10.25",
            "ListUnitPrice": "",
            "SkuId": "",
            "SkuPriceId": "",
        },
        {"BilledCost": "1.5E-7", "Tags": '{"team": "shop", "critical": true, "level": 1.5, "old": null}'},
    ],
)
def test_good_rows_pass(changes):
    assert broken(row(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ServiceCategory": "Komputer"}, [(1, "unknown_service_category", "ServiceCategory")]),
        ({"ChargeFrequency": "usage-based"}, [(1, "unknown_value", "ChargeFrequency")]),
        ({"BillingCurrency": "₽"}, [(1, "unknown_value", "BillingCurrency")]),
        (BOUGHT | {"ChargeFrequency": "Usage-Based"}, [(1, "usage_based_purchase", "ChargeFrequency")]),
        ({"ServiceSubcategory": "Block Storage"}, [(2, "wrong_subcategory", "ServiceSubcategory")]),
        ({"ListCost": "12.0000001"}, [(3, "price_identity", "ListCost")]),
        ({"ContractedCost": "11.1"}, [(3, "price_identity", "ContractedCost")]),
        ({"BilledCost": "10,25"}, [(3, "not_a_number", "BilledCost")]),
        ({"PricingCurrencyListUnitPrice": "-1"}, [(3, "negative_price", "PricingCurrencyListUnitPrice")]),
        ({"ServiceName": ""}, [(4, "null_not_allowed", "ServiceName")]),
        ({"PricingCurrency": ""}, [(4, "null_not_allowed", "PricingCurrency")]),
        ({"RegionName": ""}, [(4, "half_of_a_pair", "RegionName")]),
        ({"ResourceId": "", "ResourceType": ""}, [(4, "null_expected", "ResourceName")]),
        ({"PricingCategory": ""}, [(4, "value_expected", "PricingCategory")]),
        (TAX | {"PricingCategory": "Standard"}, [(4, "null_expected", "PricingCategory")]),
        ({"ConsumedQuantity": "", "ConsumedUnit": ""}, [(4, "value_expected", "ConsumedQuantity")]),
        (COMMITTED | {"CommitmentDiscountStatus": "Unused"}, [(4, "null_expected", "ConsumedQuantity")]),
        (COMMITTED | {"CommitmentDiscountStatus": ""}, [(4, "value_expected", "CommitmentDiscountStatus")]),
        (
            {"ChargePeriodStart": "2026-10-05T03:00:00+03:00"},
            [(5, "not_utc", "ChargePeriodStart")],
        ),
        ({"ChargePeriodEnd": "2026-10-05T00:00:00Z"}, [(5, "period_order", "ChargePeriodEnd")]),
        (
            {"ChargePeriodStart": "2026-09-05T00:00:00Z"},
            [(5, "charge_outside_billing_period", "ChargePeriodStart")],
        ),
        ({"ChargePeriodStart": "2026-09-05T00:00:00Z", "ChargeClass": "Correction"}, []),
        ({"Tags": '{"team": {"name": "shop"}}'}, [(6, "not_flat_json", "Tags")]),
        ({"Tags": '[["team", "shop"]]'}, [(6, "not_flat_json", "Tags")]),
        ({"SkuPriceDetails": '{"CoreCount": 1, "CoreCount": 2}'}, [(6, "not_flat_json", "SkuPriceDetails")]),
        ({"ResourceName": "  "}, [(8, "empty_text", "ResourceName")]),
        ({"AvailabilityZone": "N/A"}, [(8, "placeholder", "AvailabilityZone")]),
        ({"Cost": "1"}, [(9, "unknown_column", "Cost")]),
    ],
)
def test_bad_cells_are_told(changes, expected):
    assert broken(row(**changes)) == expected


def test_rows_are_compared_with_each_other():
    other = {"ResourceId": "vm-2"}

    assert broken(row(), row(**other, ServiceCategory="Storage", ServiceSubcategory="Block Storage")) == [
        (7, "service_in_two_categories", "ServiceCategory")
    ]
    assert broken(row(), row(**other, SkuId="sku-2")) == [(7, "price_of_two_skus", "SkuPriceId")]
    assert broken(row(), row(**other), row()) == [(12, "row_twice", "")]
    assert broken({"x_Own": "1", **row()}) == [(9, "column_order", "AvailabilityZone")]


def test_sums_are_compared_to_the_kopeck():
    costs = {"USD": (Decimal("10.2549"), Decimal("9.5"))}

    assert broken(row(), expected=costs) == []
    assert broken(row(), expected={"USD": (Decimal("10.26"), Decimal("9.5"))}) == [
        (10, "sum_differs", "BilledCost")
    ]
    assert broken(row(), expected={}) == [
        (10, "sum_differs", "BilledCost"),
        (10, "sum_differs", "EffectiveCost"),
    ]


def test_commitments_are_compared_over_the_whole_of_their_time():
    assert broken(row(**BOUGHT), row(**COMMITTED)) == []
    assert broken(row(**BOUGHT), row(**COMMITTED | {"EffectiveCost": "9"})) == [
        (11, "commitment_sum", "CommitmentDiscountId")
    ]
    half = COMMITTED | {"EffectiveCost": "4", "ChargePeriodEnd": "2026-10-05T12:00:00Z"}
    assert broken(row(**BOUGHT), row(**half)) == []


def test_typed_values_are_held_to_the_same_rules():
    """As they come from Parquet: null is None, and an empty text is a fault of its own."""
    start, end = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)
    typed = {name: value or None for name, value in row().items()} | {
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "BilledCost": Decimal("10.25"),
        "ListCost": 12.0,
    }

    assert broken(typed, is_text=False) == []
    moscow = start.astimezone(timezone(timedelta(hours=3)))
    assert broken(typed | {"RegionName": "", "ChargePeriodStart": moscow}, is_text=False) == [
        (4, "half_of_a_pair", "RegionName"),
        (5, "not_utc", "ChargePeriodStart"),
        (8, "empty_text", "RegionName"),
    ]


def test_of_the_first_rows_sums_are_not_asked():
    report = check_rows(list(row()), [(2, row()), (3, row(ResourceId="vm-2"))], expected={}, limit=1)

    assert (report.row_count, report.is_whole, report.passed) == (1, False, True)


def test_every_code_belongs_to_one_of_twelve_checks():
    assert set(CHECKS.values()) == set(range(1, 13))


def test_repeated_rows_are_remembered_up_to_a_limit():
    checks = RowChecks(list(row()), remembered_rows=1)
    found = [checks.row(line, row(ResourceId=name)) for line, name in enumerate(["a", "b", "b", "a"], 2)]

    assert [[one.code for one in each] for each in found] == [[], [], [], ["row_twice"]]
