"""Conditions, the order of rules, provenance, and sharing out. No database."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from costs.allocation.conditions import InvalidCondition, parse
from costs.allocation.evaluation import TAG_KEYS, Rule, Subject, evaluate
from costs.allocation.sharing import share_out, weights_of

SERVER = Subject(
    fields={"name": "api-Prod-01", "provider_type": "selectel", "region_id": "ru-1", "status": "running"},
    tags={"Team": "platform", "env": "prd"},
)


def holds(field: str, operator: str, value: object = "") -> bool:
    (condition,) = parse([{"field": field, "operator": operator, "value": value}])
    return condition.holds(SERVER.text(field))


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("name", "equals", "API-prod-01", True),
        ("name", "equals", "api", False),
        ("name", "in", ["x", "API-PROD-01"], True),
        ("name", "contains", "PROD", True),
        ("name", "starts", "api-", True),
        ("name", "ends", "-02", False),
        ("name", "glob", "*-prod-??", True),
        ("name", "glob", "prod", False),
        ("name", "regex", r"-(prod|stage)-\d+$", True),
        ("tag:Team", "exists", "", True),
        ("tag:team2", "exists", "", False),
        ("tag:team2", "missing", "", True),
        ("tag:team2", "equals", "x", False),
        ("region_id", "missing", "", False),
    ],
)
def test_conditions_compare_without_regard_to_case(field, operator, value, expected) -> None:
    assert holds(field, operator, value) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {},
        "name",
        {"field": "password", "operator": "equals", "value": "x"},
        {"field": "tag:", "operator": "exists", "value": ""},
        {"field": ["name"], "operator": "equals", "value": "x"},
        {"field": "name", "operator": "like", "value": "x"},
        {"field": "name", "operator": "equals", "value": " "},
        {"field": "name", "operator": "equals", "value": 5},
        {"field": "name", "operator": "in", "value": "x"},
        {"field": "name", "operator": "regex", "value": "(("},
        {"field": "name", "operator": "contains", "value": "x" * 501},
    ],
)
def test_what_cannot_be_asked_is_refused(condition) -> None:
    with pytest.raises(InvalidCondition):
        parse([condition])


def test_a_pattern_that_runs_wild_is_stopped_and_does_not_match() -> None:
    (condition,) = parse([{"field": "name", "operator": "regex", "value": "(a+a+)+$"}])
    start = time.monotonic()

    assert condition.holds("a" * 5000 + "b") is False
    assert time.monotonic() - start < 5


def rule(pk: int, *conditions: dict, **fields) -> Rule:
    values = {"match": "all", "method": "direct", "values": {}, "dimension": "", "targets": (), "measure": ""}
    return Rule(pk=pk, **{**values, "conditions": parse(conditions), **fields})


PROD = {"field": "name", "operator": "contains", "value": "prod"}


def told(**given):
    context = evaluate(SERVER, **{"persons": {}, "rules": [], "feeds": TAG_KEYS, **given})
    return {name: (each.value, str(each.provenance), each.rule_pk) for name, each in context.values.items()}


def test_person_beats_rule_beats_tag_beats_guess() -> None:
    named = Subject(fields={"name": "shop-dev"})

    assert told() == {
        "environment": ("production", "provider", None),
        "owner": ("platform", "provider", None),
    }
    rules = [rule(7, PROD, values={"owner": "ops", "environment": "live"})]
    assert told(rules=rules)["owner"] == ("ops", "rule", 7)
    assert told(rules=rules, persons={"owner": "Anna"})["owner"] == ("Anna", "person", None)
    assert told(rules=rules, persons={"owner": "Anna"})["environment"] == ("live", "rule", 7)
    guessed = evaluate(named, persons={}, rules=[], feeds={})
    assert (guessed.values["environment"].value, guessed.values["environment"].provenance) == (
        "development",
        "guess",
    )
    assert evaluate(Subject(fields={"name": "dev-prod"}), persons={}, rules=[], feeds={}).values == {}


def test_the_first_rule_decides_and_later_ones_see_it() -> None:
    rules = [
        rule(1, PROD, values={"project": "shop"}),
        rule(2, PROD, values={"project": "blog", "feature": "cart"}),
        rule(3, {"field": "project", "operator": "equals", "value": "SHOP"}, values={"cost_center": "C1"}),
        rule(4, PROD, {"field": "project", "operator": "missing"}, values={"business_unit": "no"}),
        rule(
            5,
            {"field": "name", "operator": "equals", "value": "nobody"},
            PROD,
            match="any",
            values={"business_unit": "yes"},
        ),
    ]

    found = told(rules=rules)

    assert {name: found[name][0] for name in ("project", "feature", "cost_center", "business_unit")} == {
        "project": "shop",
        "feature": "cart",
        "cost_center": "C1",
        "business_unit": "yes",
    }


def test_a_cost_is_split_once_and_not_where_something_is_decided() -> None:
    halves = {"method": "even", "targets": (("A", Decimal(0)), ("B", Decimal(0)))}
    rules = [rule(1, PROD, dimension="project", **halves), rule(2, PROD, dimension="feature", **halves)]

    split = evaluate(SERVER, persons={}, rules=rules, feeds={"project": ["team"]})
    decided = evaluate(SERVER, persons={"project": "mine"}, rules=rules[:1], feeds={})

    assert (split.split.pk, "project" in split.values) == (1, False)
    assert (decided.split, decided.values["project"].value) == (None, "mine")


@pytest.mark.parametrize("amount", ["100", "0.000001", "-0.000005", "0", "33.333333", "-7.1"])
def test_parts_add_up_exactly(amount) -> None:
    weights = weights_of([Decimal(1), Decimal(1), Decimal(1), Decimal("0.5")])

    parts = share_out(Decimal(amount), weights)

    assert sum(parts) == Decimal(amount)
    assert max(parts[:3]) - min(parts[:3]) <= Decimal("0.000001")
    assert all(part == round(part, 6) for part in parts)
    assert weights_of([Decimal(0), Decimal(0)]) == [0, 0]
