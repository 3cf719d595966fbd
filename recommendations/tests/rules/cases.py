"""What every rule's table of cases is asked about."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from recommendations.engine.contract import Answer, Finding, Rule, Skip, SkipReason, Text
from recommendations.engine.facts import ResourceFacts
from recommendations.tests.facts import NOW, ask, options_of

MATCHED = "matched"
NOT_MATCHED = "not_matched"


def texts(answer: Answer) -> list[Text]:
    if isinstance(answer, Finding):
        found = [answer.summary, answer.formula, *answer.steps, *answer.notes, *answer.alternatives]
        return [each for each in found if each is not None]
    return [] if answer.why is None else [answer.why]


def word(answer: Answer) -> str:
    """ "matched", "not_matched" or the reason of a skip; what it says can be put into words."""
    for text in texts(answer):
        assert text.message % text.params
    if isinstance(answer, Finding):
        return MATCHED
    return str(answer.reason) if isinstance(answer, Skip) else NOT_MATCHED


def found(answer: Answer) -> Finding:
    assert isinstance(answer, Finding), answer
    return answer


def ago(days: float) -> Any:
    return NOW - timedelta(days=days)


def check_description(rule: type[Rule], **others: Any) -> None:
    """Every option that the description names stands in it with its value, also with another one."""
    text = str(rule.description) % options_of(rule)
    assert "%(" not in text
    for name, value in others.items():
        changed = str(rule.description) % options_of(rule, **{name: value})
        assert str(value) in changed
        assert changed != text


def check_scope_and_cost(rule: type[Rule], facts: Any) -> None:
    """`facts(**changes)` makes facts on which the rule holds."""
    assert word(ask(rule, facts())) == MATCHED
    assert word(ask(rule, facts(is_stale=True))) == SkipReason.SCOPE_INCOMPLETE
    assert word(ask(rule, facts(cost_days_count=0))) == SkipReason.NO_COST
    assert word(ask(rule, facts(day_cost="0.01"))) == SkipReason.SAVING_TOO_SMALL


def check_whole_cost(rule: type[Rule], facts: Any) -> None:
    """All that it costs the customer is saved, whatever the list says; few days of cost weigh less."""
    answer, few = found(ask(rule, facts(day_cost="33.337"))), found(ask(rule, facts(cost_days_count=6)))
    assert (answer.current_monthly, answer.target_monthly, answer.saving_monthly) == (
        Decimal("1000.11"),
        Decimal("0.00"),
        Decimal("1000.11"),
    )
    assert few.confidence == (found(ask(rule, facts())).confidence * Decimal("0.7")).quantize(Decimal("0.01"))


def check_fingerprint(
    rule: type[Rule], same: ResourceFacts, again: ResourceFacts, changed: ResourceFacts
) -> None:
    prints = [found(ask(rule, each)).fingerprint(rule.id) for each in (same, again, changed)]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]
