"""All rules, with their defaults, over the facts of one connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from recommendations.engine.contract import Finding, Options, Rule
from recommendations.engine.evaluation import Outcome, evaluate_connection, evaluate_resources
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.registry import all_rules


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the resource that leads it."""

    rule_id: str
    facts: ResourceFacts
    finding: Finding


def findings(resources: Sequence[ResourceFacts], rules: Sequence[type[Rule]] | None = None) -> list[Found]:
    """As an evaluation makes them: rules about a whole connection see what the others found."""
    asked = list(all_rules().values()) if rules is None else list(rules)
    by_pk = {facts.pk: facts for facts in resources}
    outcomes = list(evaluate_resources(asked, resources, _options, _nobody))
    for outcome in outcomes:
        if outcome.finding is not None:
            facts = by_pk[outcome.resource_pk]
            facts.open_categories |= {str(outcome.finding.category)}
    outcomes += evaluate_connection(asked, resources, _options, _nobody)
    return [_found(outcome, by_pk) for outcome in outcomes if outcome.finding is not None]


def _found(outcome: Outcome, by_pk: dict[int, ResourceFacts]) -> Found:
    assert outcome.finding is not None
    return Found(outcome.rule.id, by_pk[outcome.resource_pk], outcome.finding)


@cache
def _defaults(rule: type[Rule]) -> Options:
    return Options(rule.declared())


def _options(rule: type[Rule], _facts: ResourceFacts) -> Options:
    return _defaults(rule)


def _nobody(_rule: type[Rule], _facts: ResourceFacts) -> bool:
    return False
