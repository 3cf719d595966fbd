"""Rows of FOCUS files for the tests, and writers of every format."""

import csv
import gzip
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from providers.contract.plugin import Period, PluginContext
from providers.contract.records import ChargeRecord, Finding, ScopeResult
from providers.focus_schema import columns_of
from providers.plugins.focus.provider import FocusProvider

NOW = datetime(2026, 11, 2, tzinfo=UTC)
YEAR = Period(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))

_VALUES = {
    "BilledCost": "10.25",
    "EffectiveCost": "9.5",
    "ListCost": "12",
    "ContractedCost": "11",
    "BillingCurrency": "USD",
    "BillingAccountId": "acc-1",
    "BillingAccountName": "Main",
    "BillingAccountType": "Account",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "A virtual machine",
    "ChargeFrequency": "Usage-Based",
    "InvoiceIssuerName": "Cloudy",
    "ProviderName": "Cloudy",
    "PublisherName": "Cloudy",
    "ServiceProviderName": "Cloudy",
    "RegionId": "eu-1",
    "RegionName": "Europe",
    "ResourceId": "vm-1",
    "ResourceName": "web",
    "ResourceType": "Virtual machine",
    "ServiceName": "Cloudy Compute",
    "ServiceCategory": "Compute",
    "ServiceSubcategory": "Virtual Machines",
    "SkuId": "sku-1",
    "SkuPriceId": "sku-1",
    "ListUnitPrice": "0.5",
    "ContractedUnitPrice": "0.458333333333333",
    "PricingCategory": "Standard",
    "PricingCurrency": "USD",
    "PricingCurrencyContractedUnitPrice": "0.458333333333333",
    "PricingCurrencyEffectiveCost": "9.5",
    "PricingCurrencyListUnitPrice": "0.5",
    "PricingQuantity": "24",
    "PricingUnit": "Hours",
    "ConsumedQuantity": "24",
    "ConsumedUnit": "Hours",
}


def row(version="1.2", **changes):
    """One good row with all columns of `version`; a change to None takes the column away, others may add one."""
    values = {column.name: _VALUES.get(column.name, "") for column in columns_of(version)} | changes
    return {name: value for name, value in values.items() if value is not None}


def write_csv(path, rows, **options):
    with path.open("w", newline="", encoding=options.pop("encoding", "utf-8")) as file:
        writer = csv.DictWriter(file, list(rows[0]), **options)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_gzip(path, rows):
    plain = write_csv(path.with_suffix(".plain"), rows)
    path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    return path


def write_parquet(path, rows, **types):
    """Texts as strings, "" as null; `types` gives other Arrow types to columns whose values then are of that type."""
    names = list(rows[0])
    arrays = [
        pa.array([None if r[name] == "" else r[name] for r in rows], types.get(name, pa.string()))
        for name in names
    ]
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), path)
    return path


def provider_of(path, **options):
    return FocusProvider(PluginContext(credentials={}, now=NOW, source=path, options=options))


def read(path, period=YEAR, **options):
    """Charges, scopes and findings of a file."""
    items = list(provider_of(path, **options).charges(period))
    return tuple(
        [item for item in items if isinstance(item, kind)] for kind in (ChargeRecord, ScopeResult, Finding)
    )
