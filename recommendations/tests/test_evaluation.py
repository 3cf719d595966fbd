"""The engine around the rules: guards, rounding, production, failures."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import (
    Age,
    Category,
    Cost,
    Effort,
    Finding,
    Metric,
    NotMatched,
    Option,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    money,
)
from recommendations.engine.evaluation import evaluate_resources
from recommendations.tests.facts import NOW, ask, ask_together, hourly, options_of, resource, server


class Quiet(Rule):
    """Holds where the mean CPU is at most a limit; saves half."""

    id = "test.quiet"
    title = "Quiet"
    description = "CPU at most %(limit)s"
    category = Category.CLEANUP
    applies_to = frozenset({"server"})
    needs = (Age(days="days"), Cost(days=7), Metric(name="cpu_percent", days="days"))
    options = (
        Option(name="days", label="days", default=14),
        Option(name="limit", label="limit", default=Decimal(5)),
    )
    base_confidence = Decimal("0.8")
    effort = Effort.MINUTES
    risk = Risk.MEDIUM

    def evaluate(self, facts, options):
        cpu = facts.usage("cpu_percent", options["days"])
        if cpu.average > options["limit"]:
            return NotMatched(Text("CPU is busy", {}))
        current = facts.cost(14).monthly
        return Finding(
            resource_pks=(facts.pk,),
            facts={"CPU": "low"},
            current_monthly=current,
            target_monthly=current / 3,
            saving_monthly=current / 3,
            currency="RUB",
            formula=Text("a third of %(cost)s", {"cost": money(current)}),
            steps=(),
            matters={"size": facts.vcpus},
            confidence=self.base_confidence,
            summary=Text("Delete it"),
        )


class Broken(Quiet):
    id = "test.broken"

    def evaluate(self, facts, options):
        raise ZeroDivisionError


class Together(Quiet):
    id = "test.together"
    subject = "connection"

    def evaluate_connection(self, facts, options):
        yield "all", Quiet.evaluate(self, facts[0], options)


def quiet(**changes):
    return server(**({"series": {"cpu_percent": hourly(1.0)}} | changes))


def test_finding_is_rounded_and_bears_the_rule_s_effort_and_risk():
    answer = ask(Quiet, quiet(day_cost="33.335"))

    assert isinstance(answer, Finding)
    assert answer.saving_monthly == Decimal("333.35")
    assert (answer.effort, answer.risk, answer.category) == (Effort.MINUTES, Risk.MEDIUM, Category.CLEANUP)
    assert answer.confidence == Decimal("0.8")


def test_finding_in_production_is_riskier_and_less_sure():
    answer = ask(Quiet, quiet(environment="production"))

    assert (answer.risk, answer.confidence) == (Risk.HIGH, Decimal("0.72"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        ({"first_seen_at": NOW - timedelta(days=13)}, SkipReason.TOO_YOUNG),
        ({"cost_days_count": 6}, SkipReason.NO_COST),
        ({"cost_days_count": 0}, SkipReason.NO_COST),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": {"cpu_percent": hourly(1.0, days=9)}}, SkipReason.TOO_FEW_SAMPLES),
        ({"changed_at": NOW - timedelta(days=2)}, SkipReason.CHANGED_LATELY),
        ({"name": "pg-replica-2"}, SkipReason.TWIN),
        ({"configuration": {"nodegroup_id": "g1"}}, SkipReason.PART_OF_SOMETHING),
        ({"day_cost": "1.9"}, SkipReason.SAVING_TOO_SMALL),
    ],
)
def test_what_keeps_a_rule_from_being_asked_is_told(changes, reason):
    answer = ask(Quiet, quiet(**changes))

    assert isinstance(answer, Skip)
    assert answer.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"first_seen_at": NOW - timedelta(days=14)},
        {"cost_days_count": 7},
        {"series": {"cpu_percent": hourly(1.0, days=10)}},
        {"changed_at": NOW - timedelta(days=3)},
        {"day_cost": "5.01"},
    ],
)
def test_just_enough_lets_the_rule_be_asked(changes):
    assert isinstance(ask(Quiet, quiet(**changes)), Finding)


def test_threshold_stands_in_the_option_alone():
    busy = quiet(series={"cpu_percent": hourly(6.0)})

    assert isinstance(ask(Quiet, busy), NotMatched)
    assert isinstance(ask(Quiet, busy, limit=Decimal(6)), Finding)


@pytest.mark.parametrize("tag", ["", "true", "test.quiet", "server.idle, test.quiet"])
def test_ignored_by_tag_is_found_and_marked(tag):
    facts = quiet(tags={"finops:ignore": tag})

    (outcome,) = evaluate_resources([Quiet], [facts], lambda rule, _f: options_of(rule), lambda _r, _f: False)

    assert outcome.finding is not None
    assert outcome.is_excluded


def test_ignored_for_another_rule_counts():
    facts = quiet(tags={"finops:ignore": "server.idle"})

    (outcome,) = evaluate_resources([Quiet], [facts], lambda rule, _f: options_of(rule), lambda _r, _f: False)

    assert not outcome.is_excluded


def test_failing_rule_does_not_hide_the_others():
    outcomes = list(
        evaluate_resources(
            [Broken, Quiet], [quiet()], lambda rule, _f: options_of(rule), lambda _r, _f: False
        )
    )

    assert [getattr(each.answer, "reason", "found") for each in outcomes] == [SkipReason.RULE_FAILED, "found"]


def test_rule_that_is_off_says_nothing():
    assert not list(evaluate_resources([Quiet], [quiet()], lambda _r, _f: None, lambda _r, _f: False))


def test_rule_of_a_connection_is_not_shown_what_a_guard_keeps():
    kept, shown = quiet(is_stale=True), quiet()

    answers = ask_together(Together, [kept, shown, resource("volume")])

    assert answers[f"resource:{kept.pk}"] == Skip(SkipReason.SCOPE_INCOMPLETE)
    assert answers["all"].resource_pks == (shown.pk,)
    assert len(answers) == 2


def test_fingerprint_moves_with_what_matters_alone():
    same, noisy, larger = quiet(pk=7), quiet(pk=7, day_cost=101), quiet(pk=7, vcpus=Decimal(8))
    prints = [ask(Quiet, facts).fingerprint(Quiet.id) for facts in (same, noisy, larger)]

    assert prints[0] == prints[1]
    assert prints[0] != prints[2]
