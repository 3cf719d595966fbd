"""The columns of an export: those of FOCUS for a version, then ours with `x_`. One table for every profile.

`source` names the value of a charge (`charges`) that stands in the column: mostly the column's own name, because a
charge speaks FOCUS; another where versions call one thing by several names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.focus_schema import COLUMNS, Column, Kind, columns_of

BEFORE = "before transliteration"
PROFILES = ("1.2", "1.4")
DEFAULT_PROFILE = "1.2"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of a file; `is_price`: with more decimals than a cost, so that price × quantity is the cost."""

    name: str
    kind: Kind
    source: str
    meaning: str
    is_price: bool = False


_SOURCES: Mapping[str, str] = {
    "ServiceProviderName": "ProviderName",
    "HostProviderName": "ProviderName",
}
"""Later names of what a charge knows under another."""

MEANINGS: Mapping[str, str] = {
    "AllocatedMethodDetails": "the part of the charge, and the dimension it is booked in, as JSON",
    "AllocatedMethodId": "of what an allocation rule shares out",
    "AllocatedResourceId": "dimension:name that the part is booked to",
    "AllocatedResourceName": "the name that the part is booked to",
    "AvailabilityZone": "the resource's zone, from its configuration",
    "BilledCost": "what the provider charges for that period",
    "BillingAccountId": "provider:account, so that it is text and the provider's alone",
    "BillingAccountName": "the connection's name",
    "BillingPeriodStart": "month in the provider's zone, as UTC",
    "ChargeCategory": "as billed; days by price are Usage",
    "ChargeFrequency": "as billed; days by price are Recurring",
    "ChargePeriodStart": "day or line, in the provider's zone, as UTC",
    "CommitmentDiscountId": "as billed",
    "ContractedCost": "as billed; without an account's discount the list cost",
    "EffectiveCost": "amortised cost of that period",
    "InvoiceId": "as billed",
    "ListCost": "price list × quantity",
    "ListUnitPrice": "as billed, else cost ÷ quantity (x_PriceSource says which)",
    "PricingQuantity": "as billed; days by price are 1 Days",
    "ProviderName": "the provider's name; publisher and invoice issuer are the same where nobody says otherwise",
    "RegionId": "as billed or listed",
    "ResourceId": "the provider's id",
    "ResourceType": "as billed, else our type's English name",
    "ServiceCategory": "as billed, else by our type",
    "ServiceName": "the provider's product; the part after a colon keeps one category to a name",
    "SkuId": "as billed, else provider:type:specification",
    "SkuPriceDetails": "vCPU, memory, disk and system of the resource",
    "SubAccountId": "the provider's project",
    "Tags": "the provider's tags at the time, people's tags on top",
}

CUSTOM: tuple[ExportColumn, ...] = (
    ExportColumn("x_BillingMonth", Kind.STRING, "x_BillingMonth", "month of the billing period, 2026-10"),
    ExportColumn(
        "x_ChargeDate", Kind.STRING, "x_ChargeDate", "first day of the charge in the provider's zone"
    ),
    ExportColumn(
        "x_BilledCostInRub", Kind.DECIMAL, "x_BilledCostInRub", "billed cost at the day's rate, null without"
    ),
    ExportColumn(
        "x_EffectiveCostInRub",
        Kind.DECIMAL,
        "x_EffectiveCostInRub",
        "effective cost at the day's rate, null without",
    ),
    ExportColumn(
        "x_ExchangeRate", Kind.DECIMAL, "x_ExchangeRate", "roubles for one unit; null where days differ"
    ),
    ExportColumn("x_CostSource", Kind.STRING, "x_CostSource", "billing, price or estimate"),
    ExportColumn("x_PriceSource", Kind.STRING, "x_PriceSource", "provider, or derived: cost ÷ quantity"),
    ExportColumn("x_ResourceType", Kind.STRING, "x_ResourceType", "our taxonomy's word"),
    ExportColumn("x_BusinessUnit", Kind.STRING, "x_BusinessUnit", "business unit, as it held on the day"),
    ExportColumn("x_Project", Kind.STRING, "x_Project", "project, as it held on the day"),
    ExportColumn("x_Feature", Kind.STRING, "x_Feature", "feature, as it held on the day"),
    ExportColumn("x_CostCenter", Kind.STRING, "x_CostCenter", "cost centre, as it held on the day"),
    ExportColumn("x_Environment", Kind.STRING, "x_Environment", "environment, as it held on the day"),
    ExportColumn("x_Owner", Kind.STRING, "x_Owner", "owner, as it held on the day"),
    ExportColumn(
        "x_ContextProvenance", Kind.JSON, "x_ContextProvenance", "where each of the six comes from, as JSON"
    ),
    ExportColumn(
        "x_PricingUnitOriginal",
        Kind.STRING,
        "x_PricingUnitOriginal",
        "the provider's unit, where ours differs",
    ),
    ExportColumn("x_ConnectionId", Kind.STRING, "x_ConnectionId", "the connection's number"),
)

CONTEXT: Mapping[str, str] = {
    "business_unit": "BusinessUnit",
    "project": "Project",
    "feature": "Feature",
    "cost_center": "CostCenter",
    "environment": "Environment",
    "owner": "Owner",
}
"""Our field -> its column without `x_`."""

ASCII_COLUMNS = frozenset(
    column.name for column in COLUMNS if column.kind is Kind.STRING and not column.allowed
)
"""Columns in which the published validator takes ASCII alone; `Tags` and `x_` are not among them."""


def export_columns(profile: str, *, ascii_only: bool = False) -> tuple[ExportColumn, ...]:
    """The columns of a profile (one of `PROFILES`) in the order of the file.

    `ascii_only` adds, for each column that is transliterated, `x_<Column>Original` with what stood there.
    """
    own = tuple(_of_focus(column) for column in columns_of(profile))
    there = {column.name for column in CUSTOM}
    originals = (
        ExportColumn(original_name(column.name), Kind.STRING, column.source, BEFORE)
        for column in own
        if ascii_only and column.name in ASCII_COLUMNS and original_name(column.name) not in there
    )
    return (*own, *CUSTOM, *originals)


def original_name(name: str) -> str:
    """The column that keeps what stood in a column that was changed."""
    return f"x_{name}Original"


def _of_focus(column: Column) -> ExportColumn:
    return ExportColumn(
        name=column.name,
        kind=column.kind,
        source=_SOURCES.get(column.name, column.name),
        meaning=MEANINGS.get(column.name, ""),
        is_price=column.name.endswith("UnitPrice"),
    )
