"""The price list: what a server of any size costs, by configuration group and region.

The scenario's `[beget.prices.<group>]` gives roubles a month for a vCPU, a GB
of memory and a GB of disk; prices are the sum of the three.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.emulators.beget.account import money

REGIONS = (
    {
        "id": "ru1",
        "name": "Россия, Санкт-Петербург",
        "name_en": "Russia, Saint Petersburg",
        "country": "RU",
        "available": True,
        "priority": 1,
        "short_name": "SPB",
    },
    {
        "id": "ru2",
        "name": "Россия, Москва",
        "name_en": "Russia, Moscow",
        "country": "RU",
        "available": True,
        "priority": 2,
        "short_name": "MSK",
    },
    {
        "id": "kz1",
        "name": "Казахстан, Алматы",
        "name_en": "Kazakhstan, Almaty",
        "country": "KZ",
        "available": True,
        "priority": 3,
        "short_name": "ALA",
    },
)
REGION_FACTORS = {"kz1": Decimal("1.1")}
GROUPS = (
    {"name": "Стандартные", "group": "normal_cpu"},
    {"name": "Высокопроизводительные", "group": "high_cpu"},
)
DEFAULT_PRICES = {
    "normal_cpu": {"cpu": "500", "memory_gb": "250", "disk_gb": "25"},
    "high_cpu": {"cpu": "1500", "memory_gb": "500", "disk_gb": "25"},
}
TARIFFS = ((1, 1, 10), (2, 2, 30), (2, 4, 60), (4, 8, 100), (4, 16, 120), (8, 16, 200), (8, 32, 240))
MAX_CPU = 16
MAX_MEMORY_GB = 64
MAX_DISK_GB = 500
MB_IN_GB = 1024


class Prices:
    """Prices of one scenario."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._groups = {**DEFAULT_PRICES, **section.get("prices", {})}

    def per_month(self, *, cpu: int, memory_mb: int, disk_mb: int, group: str, region: str) -> Decimal:
        """Roubles a month; raises KeyError for an unknown group."""
        prices = self._groups[group]
        total = (
            cpu * money(prices["cpu"])
            + money(memory_mb) / MB_IN_GB * money(prices["memory_gb"])
            + money(disk_mb) / MB_IN_GB * money(prices["disk_gb"])
        )
        return (total * REGION_FACTORS.get(region, Decimal(1))).quantize(Decimal("0.01"))

    def settings(self) -> dict[str, Any]:
        """Sizes that can be chosen, the same everywhere."""
        return {
            "cpu_settings": _range(1, MAX_CPU, 1),
            "memory_settings": _range(MB_IN_GB, MAX_MEMORY_GB * MB_IN_GB, MB_IN_GB),
            "disk_settings": _range(10 * MB_IN_GB, MAX_DISK_GB * MB_IN_GB, MB_IN_GB),
        }


def _range(low: int, high: int, step: int) -> dict[str, Any]:
    bounds = {"min": low, "max": high}
    return {"range": bounds, "available_range": bounds, "step": step}
