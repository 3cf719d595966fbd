"""The demo's list prices: read from the emulated providers, and what no API of theirs tells from a file.

The file is imported as an administrator would do it: storage classes, limits of plans and disks, terms, traffic.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from accounts.models import Organization
from recommendations.prices.csv_file import parse
from recommendations.prices.reading import due_readings, read_prices
from recommendations.prices.services import upload

PRICES = Path(__file__).with_name("prices.csv")


def list_prices(organization: Organization, *, now: datetime) -> None:
    """Import the file, and read the lists whose week is over; the emulators' clock must stand at `now`."""
    upload(prices=parse(PRICES.read_text(encoding="utf-8")), replaces=False, now=now, by=None)
    for organization_id, provider_type in list(due_readings(now)):
        if organization_id == organization.pk:
            read_prices(organization_id=organization_id, provider_type=provider_type, now=now)
