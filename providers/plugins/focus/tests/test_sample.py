"""A file that none of us wrote, against sums computed straight from its text."""

import csv
import os
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from providers.contract.plugin import PluginContext
from providers.contract.records import ChargeRecord
from providers.plugins.focus.provider import FocusProvider

REPOSITORY = Path(__file__).resolve().parents[4]
REFERENCE = Path(os.environ.get("INFRAZEN_REFERENCE_DIR", REPOSITORY.parent / "shared" / "reference"))
SAMPLE = REFERENCE / "focus-sample" / "aws_1_2_cost_and_usage_100.csv"

pytestmark = pytest.mark.skipif(
    not SAMPLE.is_file(), reason=f"the reference sample {SAMPLE.name} is not here; set INFRAZEN_REFERENCE_DIR"
)


@pytest.fixture
def provider():
    return FocusProvider(PluginContext(credentials={}, now=datetime(2026, 6, 2, tzinfo=UTC), source=SAMPLE))


@pytest.fixture
def sums_of_the_text():
    sums = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            entry = sums[row["ServiceName"]]
            entry[0] += 1
            entry[1] += Decimal(row["BilledCost"])
            entry[2] += Decimal(row["EffectiveCost"])
    return {service: tuple(entry) for service, entry in sums.items()}


def test_sample_report_has_the_sums_of_the_text_by_service(provider, sums_of_the_text):
    report = provider.inspect()

    assert {s.service_name: (s.row_count, s.billed_cost, s.effective_cost) for s in report.service_sums} == (
        sums_of_the_text
    )
    assert (report.version, report.row_count, report.bad_row_count, report.findings) == ("1.2", 100, 0, ())
    assert report.billing_currencies == ("USD",)


def test_sample_charges_have_the_sums_of_the_text_by_service(provider, sums_of_the_text):
    sums = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    for charge in provider.charges(provider.inspect().period):
        if isinstance(charge, ChargeRecord):
            entry = sums[charge.service_name]
            entry[0] += 1
            entry[1] += charge.billed_cost
            entry[2] += charge.effective_cost

    assert {service: tuple(entry) for service, entry in sums.items()} == sums_of_the_text


def test_sample_types_are_all_known(provider):
    unknown = {
        charge.native_type
        for charge in provider.charges(provider.inspect().period)
        if isinstance(charge, ChargeRecord)
        and provider.resource_type_of(
            charge.native_type, charge.service_category, charge.service_name, charge.service_subcategory
        )
        is None
    }

    assert unknown == set()
