"""The price list: kopecks for one unit and hour, by metric and pool segment or pool.

`[[selectel.price]]`: `metric`, `group` (left out: everywhere), `value`, `unit`, and `changes` as every thing may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from providers.emulators.openstack.cloud import decimal
from providers.emulators.scenario import Scenario

UNITS = {
    "compute_ram": "MB",
    "dbaas_compute_ram": "MB",
    "exttraffic": "GB",
    "traffic-mb": "MB",
    "traffic-req": "request",
}
GIGABYTE_HOURS = "GB*H"


class Prices:
    def __init__(self, section: Mapping[str, Any], scenario: Scenario) -> None:
        self._scenario = scenario
        self._prices = [dict(price) for price in section.get("price", [])]
        self._known = {(price["metric"], price.get("group", "")): price for price in self._prices}

    def at(self, metric: str, region: str, at: datetime) -> Decimal:
        """Kopecks for a unit and hour; raises KeyError where the scenario has no price."""
        for group in (region, region.rstrip("abcdefgh"), ""):
            price = self._known.get((metric, group))
            current = price and self._scenario.thing(price, at)
            if current:
                return decimal(current["value"])
        raise KeyError(f"the scenario has no price for {metric} in {region}")

    def changes(self) -> Iterable[datetime]:
        """Instants at which some price changes."""
        return sorted(
            {
                self._scenario.changed_at(change)
                for price in self._prices
                for change in price.get("changes", ())
            }
        )

    def listed(self, at: datetime, *, is_dbaas: bool, groups: Iterable[str]) -> list[dict[str, Any]]:
        """The list as the API shows it; a price for everywhere is shown in each of the groups."""
        return [
            {
                "resource": price["metric"],
                "group": group,
                "unit": unit(price["metric"]),
                "value": decimal(price["value"]),
            }
            for price in self._scenario.standing(self._prices, at)
            if price["metric"].startswith("dbaas_") == is_dbaas and "-" not in price["metric"]
            for group in ([price["group"]] if "group" in price else groups)
        ]


@cache
def unit(metric: str) -> str:
    """The unit of a metric, as billing writes it."""
    if "gigabytes" in metric or metric == "volume-gb":
        return GIGABYTE_HOURS
    return next((value for prefix, value in UNITS.items() if metric.startswith(prefix)), "item")
