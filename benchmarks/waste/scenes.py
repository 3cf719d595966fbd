"""Planted pieces of waste by rule, each with what makes a near miss of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from benchmarks.waste import sold
from benchmarks.waste.asking import findings
from benchmarks.waste.world import Chance, Place
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.registry import all_rules

Miss = Callable[[Chance], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is wasted together: one finding about any of them has found it."""

    members: Sequence[ResourceFacts]


@dataclass(frozen=True, slots=True)
class Plant:
    rule_id: str
    make: Callable[..., ResourceFacts | Scene]
    misses: Sequence[Miss]
    place: Mapping[str, Any] = field(default_factory=dict)


MODULES = ("planted_rest", "planted_servers", "planted_storage")
PLANTS: dict[str, Plant] = {}


def plant(rule_id: str, *misses: Miss, place: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Registers a function that plants waste for a rule; each of `misses` changes it into what is none."""

    def registered(make: Callable[..., ResourceFacts | Scene]) -> Callable[..., ResourceFacts | Scene]:
        PLANTS[rule_id] = Plant(rule_id, make, misses, place or {})
        return make

    return registered


@dataclass(slots=True)
class Score:
    """Of one rule: how many pieces were planted and found, near misses and how many were taken for waste."""

    planted: int = 0
    found: int = 0
    near: int = 0
    wrong: int = 0
    lost: list[str] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)

    def precision(self, healthy: int = 0) -> float | None:
        told = self.found + self.wrong + healthy
        return self.found / told if told else None

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None


def scored(rule_id: str, count: int, seed: int) -> Score:
    """`count` pieces of waste for the rule and as many near misses, each in a connection of its own."""
    one, score, chance = _plants()[rule_id], Score(), Chance(f"{rule_id}/{seed}")
    for number in range(count):
        score.planted += 1
        right, others = _told(chance, one, {})
        score.found += bool(right)
        score.wrong += others
        if not right:
            score.lost.append(f"{rule_id} #{number}")
    for number in range(count if one.misses else 0):
        kind = number % len(one.misses)
        score.near += 1
        right, others = _told(chance, one, one.misses[kind](chance))
        score.wrong += right + others
        if right + others:
            score.mistaken.append(f"{rule_id}: near miss {kind + 1}")
    return score


def _told(chance: Chance, one: Plant, changes: dict[str, Any]) -> tuple[int, int]:
    """How many findings of the rule name what is planted, and how many name something else."""
    place = Place(chance, sold.book(), **one.place)
    made = one.make(place, chance, **changes)
    scene = made if isinstance(made, Scene) else Scene([made])
    pks = {each.pk for each in scene.members}
    told = [set(each.finding.resource_pks) for each in findings(place.done(), [all_rules()[one.rule_id]])]
    return sum(1 for each in told if each & pks), sum(1 for each in told if not each & pks)


def rule_ids() -> list[str]:
    return sorted(_plants())


def _plants() -> Mapping[str, Plant]:
    for name in MODULES:
        import_module(f"benchmarks.waste.{name}")
    return PLANTS
