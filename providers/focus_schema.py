"""Columns of the FOCUS dataset Cost and Usage, versions 1.0 to 1.4: one table for import, checks and export.

Source: FOCUS_Spec, `specification/columns/*.md` at the tags v1.0 to v1.4. Free of Django.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")


class Kind(enum.StrEnum):
    STRING = "string"
    DECIMAL = "decimal"
    DATETIME = "datetime"
    JSON = "json"


class Level(enum.StrEnum):
    MANDATORY = "mandatory"
    CONDITIONAL = "conditional"
    RECOMMENDED = "recommended"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `since` is the first version that has it, `removed` the first that has it no more ("" = none).

    `allowed` are the only values of a column that has such a list; null comes on top where `is_nullable`.
    `level` is that of version 1.2, for later columns that of their first version.
    """

    name: str
    kind: Kind
    level: Level
    is_nullable: bool
    since: str = "1.0"
    removed: str = ""
    allowed: tuple[str, ...] = ()

    def is_in(self, version: str) -> bool:
        """Whether `version` (one of `VERSIONS`) has the column."""
        at = VERSIONS.index(version)
        return VERSIONS.index(self.since) <= at and (not self.removed or at < VERSIONS.index(self.removed))


SERVICE_SUBCATEGORIES: Mapping[str, tuple[str, ...]] = {
    "AI and Machine Learning": (
        "AI Platforms",
        "Bots",
        "Generative AI",
        "Machine Learning",
        "Natural Language Processing",
        "Other (AI and Machine Learning)",
    ),
    "Analytics": (
        "Analytics Platforms",
        "Business Intelligence",
        "Data Processing",
        "Search",
        "Streaming Analytics",
        "Other (Analytics)",
    ),
    "Business Applications": ("Productivity and Collaboration", "Other (Business Applications)"),
    "Compute": (
        "Containers",
        "End User Computing",
        "Quantum Compute",
        "Serverless Compute",
        "Virtual Machines",
        "Other (Compute)",
    ),
    "Databases": (
        "Caching",
        "Data Warehouses",
        "Ledger Databases",
        "NoSQL Databases",
        "Relational Databases",
        "Time Series Databases",
        "Other (Databases)",
    ),
    "Developer Tools": (
        "Developer Platforms",
        "Continuous Integration and Deployment",
        "Development Environments",
        "Source Code Management",
        "Quality Assurance",
        "Other (Developer Tools)",
    ),
    "Identity": ("Identity and Access Management", "Other (Identity)"),
    "Integration": ("API Management", "Messaging", "Workflow Orchestration", "Other (Integration)"),
    "Internet of Things": ("IoT Analytics", "IoT Platforms", "Other (Internet of Things)"),
    "Management and Governance": (
        "Architecture",
        "Compliance",
        "Cost Management",
        "Data Governance",
        "Disaster Recovery",
        "Endpoint Management",
        "Observability",
        "Support",
        "Other (Management and Governance)",
    ),
    "Media": ("Content Creation", "Gaming", "Media Streaming", "Mixed Reality", "Other (Media)"),
    "Migration": ("Data Migration", "Resource Migration", "Other (Migration)"),
    "Mobile": ("Other (Mobile)",),
    "Multicloud": ("Multicloud Integration", "Other (Multicloud)"),
    "Networking": (
        "Application Networking",
        "Content Delivery",
        "Network Connectivity",
        "Network Infrastructure",
        "Network Routing",
        "Network Security",
        "Other (Networking)",
    ),
    "Security": (
        "Secret Management",
        "Security Posture Management",
        "Threat Detection and Response",
        "Other (Security)",
    ),
    "Storage": (
        "Backup Storage",
        "Block Storage",
        "File Storage",
        "Object Storage",
        "Storage Platforms",
        "Other (Storage)",
    ),
    "Web": ("Application Platforms", "Other (Web)"),
    "Other": ("Other (Other)",),
}
"""ServiceCategory -> its values of ServiceSubcategory."""

CHARGE_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")

_M, _C, _R = Level.MANDATORY, Level.CONDITIONAL, Level.RECOMMENDED
_TEXT, _NUMBER, _TIME, _JSON = Kind.STRING, Kind.DECIMAL, Kind.DATETIME, Kind.JSON

COLUMNS: tuple[Column, ...] = (
    Column("AllocatedMethodDetails", _JSON, _R, True, since="1.3"),
    Column("AllocatedMethodId", _TEXT, _C, True, since="1.3"),
    Column("AllocatedResourceId", _TEXT, _C, True, since="1.3"),
    Column("AllocatedResourceName", _TEXT, _C, True, since="1.3"),
    Column("AllocatedTags", _JSON, _C, True, since="1.3"),
    Column("AvailabilityZone", _TEXT, _R, True),
    Column("BilledCost", _NUMBER, _M, False),
    Column("BillingAccountId", _TEXT, _M, False),
    Column("BillingAccountName", _TEXT, _M, True),
    Column("BillingAccountType", _TEXT, _C, False, since="1.2"),
    Column("BillingCurrency", _TEXT, _M, False),
    Column("BillingPeriodEnd", _TIME, _M, False),
    Column("BillingPeriodStart", _TIME, _M, False),
    Column("CapacityReservationId", _TEXT, _C, True, since="1.1"),
    Column("CapacityReservationStatus", _TEXT, _C, True, since="1.1", allowed=("Used", "Unused")),
    Column("ChargeCategory", _TEXT, _M, False, allowed=CHARGE_CATEGORIES),
    Column("ChargeClass", _TEXT, _M, True, allowed=("Correction",)),
    Column("ChargeDescription", _TEXT, _M, True),
    Column("ChargeFrequency", _TEXT, _R, False, allowed=("One-Time", "Recurring", "Usage-Based")),
    Column("ChargePeriodEnd", _TIME, _M, False),
    Column("ChargePeriodStart", _TIME, _M, False),
    Column("CommitmentDiscountCategory", _TEXT, _C, True, allowed=("Spend", "Usage")),
    Column("CommitmentDiscountId", _TEXT, _C, True),
    Column("CommitmentDiscountName", _TEXT, _C, True),
    Column("CommitmentDiscountQuantity", _NUMBER, _C, True, since="1.1"),
    Column("CommitmentDiscountStatus", _TEXT, _C, True, allowed=("Used", "Unused")),
    Column("CommitmentDiscountType", _TEXT, _C, True),
    Column("CommitmentDiscountUnit", _TEXT, _C, True, since="1.1"),
    Column("CommitmentProgramEligibilityDetails", _JSON, _C, True, since="1.4"),
    Column("ConsumedQuantity", _NUMBER, _C, True),
    Column("ConsumedUnit", _TEXT, _C, True),
    Column("ContractApplied", _JSON, _C, True, since="1.3"),
    Column("ContractedCost", _NUMBER, _M, False),
    Column("ContractedUnitPrice", _NUMBER, _C, True),
    Column("EffectiveCost", _NUMBER, _M, False),
    Column("HostProviderName", _TEXT, _M, True, since="1.3"),
    Column("InvoiceDetailId", _TEXT, _C, True, since="1.4"),
    Column("InvoiceId", _TEXT, _R, True, since="1.2"),
    Column("InvoiceIssuerName", _TEXT, _M, False),
    Column("ListCost", _NUMBER, _M, False),
    Column("ListUnitPrice", _NUMBER, _C, True),
    Column("PricingCategory", _TEXT, _C, True, allowed=("Standard", "Dynamic", "Committed", "Other")),
    Column("PricingCurrency", _TEXT, _C, True, since="1.2"),
    Column("PricingCurrencyContractedUnitPrice", _NUMBER, _C, True, since="1.2"),
    Column("PricingCurrencyEffectiveCost", _NUMBER, _C, True, since="1.2"),
    Column("PricingCurrencyListUnitPrice", _NUMBER, _C, True, since="1.2"),
    Column("PricingQuantity", _NUMBER, _M, True),
    Column("PricingUnit", _TEXT, _M, True),
    Column("ProviderName", _TEXT, _M, False, removed="1.4"),
    Column("PublisherName", _TEXT, _M, False, removed="1.4"),
    Column("RegionId", _TEXT, _C, True),
    Column("RegionName", _TEXT, _C, True),
    Column("ResourceId", _TEXT, _C, True),
    Column("ResourceName", _TEXT, _C, True),
    Column("ResourceType", _TEXT, _C, True),
    Column("ServiceCategory", _TEXT, _M, False, allowed=tuple(SERVICE_SUBCATEGORIES)),
    Column("ServiceName", _TEXT, _M, False),
    Column("ServiceProviderName", _TEXT, _M, False, since="1.3"),
    Column("ServiceSubcategory", _TEXT, _R, False, since="1.1"),
    Column("SkuId", _TEXT, _C, True),
    Column("SkuMeter", _TEXT, _C, True, since="1.1"),
    Column("SkuPriceDetails", _JSON, _C, True, since="1.1"),
    Column("SkuPriceId", _TEXT, _C, True),
    Column("SubAccountId", _TEXT, _C, True),
    Column("SubAccountName", _TEXT, _C, True),
    Column("SubAccountType", _TEXT, _C, True, since="1.2"),
    Column("Tags", _JSON, _C, True),
)

COLUMN: Mapping[str, Column] = {column.name: column for column in COLUMNS}


def columns_of(version: str) -> tuple[Column, ...]:
    """The columns of one version, by name: 43, 50, 57, 65 and 65 from 1.0 to 1.4."""
    return tuple(column for column in COLUMNS if column.is_in(version))
