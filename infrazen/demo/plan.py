"""What the demo is made of: `infrazen/demo.toml`, read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

PLAN = Path(__file__).parents[1] / "demo.toml"
ZONE = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True, slots=True)
class Plan:
    """`connections` are tables of `name`, `provider_type`, `credentials` and, for some, `every_days`.

    `trees` are {dimension: {name: names below it}}, `rules` tables of the words of `costs.allocation.services.Draft`.
    `budgets` are tables of `name`, `amount` and, for some, `connections` and `parent`. `advice` says of rules of
    `recommendations` by their ids whether they are on (`is_enabled`), and what their options are.
    """

    organization: str
    person: str
    scenario: str
    history_days: int
    sync_time: time
    connections: tuple[dict[str, Any], ...]
    tags: dict[str, dict[str, str]]
    trees: dict[str, dict[str, list[str]]]
    rules: tuple[dict[str, Any], ...]
    budgets: tuple[dict[str, Any], ...]
    advice: dict[str, dict[str, Any]]

    @classmethod
    def load(cls) -> Plan:
        values = tomllib.loads(PLAN.read_text(encoding="utf-8"))
        return cls(
            organization=values["organization"],
            person=values["person"],
            scenario=values["scenario"],
            history_days=values["history_days"],
            sync_time=time.fromisoformat(values["sync_time"]),
            connections=tuple(values["connections"]),
            tags=values["tags"],
            trees=values["trees"],
            rules=tuple(values["rules"]),
            budgets=tuple(values["budgets"]),
            advice=values["advice"],
        )


def today() -> date:
    """The product's date where the demo plays."""
    return timezone.now().astimezone(ZONE).date()
