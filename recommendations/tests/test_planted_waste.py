"""A small part of `python -m benchmarks recommendations_waste`: every rule finds what is planted for it, and nothing else."""

from __future__ import annotations

import pytest

from benchmarks.waste.asking import findings
from benchmarks.waste.healthy import estates
from benchmarks.waste.scenes import rule_ids, scored
from benchmarks.waste.world import Chance
from recommendations.engine.registry import all_rules

SEED = 1
PLANTED = 3
HEALTHY = 300


def test_waste_is_planted_for_every_rule():
    assert rule_ids() == sorted(all_rules())


@pytest.mark.parametrize("rule_id", sorted(all_rules()))
def test_planted_waste_is_found_and_near_misses_are_not(rule_id):
    score = scored(rule_id, PLANTED, SEED)

    assert (score.found, score.lost) == (PLANTED, [])
    assert (score.wrong, score.mistaken) == (0, [])


def test_nothing_is_found_in_a_healthy_estate():
    resources = [facts for estate in estates(Chance(SEED), HEALTHY, each=100) for facts in estate]
    told = [
        (each.rule_id, each.facts.name)
        for estate in estates(Chance(SEED), HEALTHY, each=100)
        for each in findings(estate)
    ]

    assert len(resources) >= HEALTHY
    assert len({facts.resource_type for facts in resources}) > 15
    assert told == []
