"""What holds for every rule that there is."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import translation

from inventory.models import ResourceType
from recommendations.engine import registry
from recommendations.engine.contract import Category, Effort, Options, Risk, Rule
from recommendations.rulebook import describe, parse_option, stored

TESTED = [path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "rules").glob("test_*.py")]
ALL = registry.all_rules()
EVERY = pytest.mark.parametrize("rule", ALL.values(), ids=list(ALL))


def test_the_catalogue_is_there():
    assert len(ALL) >= 40


@EVERY
def test_rule_declares_all_of_itself(rule: type[Rule]):
    assert re.fullmatch(r"[a-z0-9_]+\.[a-z_]+", rule.id)
    assert rule.category in Category
    assert rule.applies_to
    assert rule.applies_to <= set(ResourceType.values)
    assert (rule.effort in Effort, rule.risk in Risk) == (True, True)
    assert Decimal(0) < rule.base_confidence <= 1
    assert rule.subject in ("resource", "connection")


@EVERY
def test_rule_stands_in_a_module_of_its_name_with_tests_of_its_own(rule: type[Rule]):
    module = rule.__module__.rsplit(".", 1)[1]

    assert module == rule.id.replace(".", "_")
    assert any(f"ask({rule.__name__}" in text or f"ask_together({rule.__name__}" in text for text in TESTED)


@EVERY
@pytest.mark.parametrize("language", ["en", "ru"])
def test_description_holds_its_thresholds_in_both_languages(rule: type[Rule], language: str):
    options = Options(rule.declared())

    with translation.override(language):
        text = describe(rule, options)

    placeholders = re.findall(r"%\((\w+)\)", str(rule.description))
    assert set(placeholders) <= set(options)
    assert "%(" not in text
    for name in placeholders:
        value = options[name]
        assert (", ".join(value) if isinstance(value, tuple) else str(value)) in text


@EVERY
def test_every_option_can_be_set_to_what_it_is(rule: type[Rule]):
    names = [option.name for option in rule.declared()]

    assert len(names) == len(set(names))
    for option in rule.declared():
        assert str(option.label)
        assert parse_option(option, stored(option.default)) == option.default


def test_two_rules_of_one_id_are_refused(monkeypatch: pytest.MonkeyPatch):
    first, second = list(ALL.values())[:2]
    twin = type("Twin", (second,), {"id": first.id})
    monkeypatch.setattr(registry, "_ours", lambda: iter([first, twin]))

    with pytest.raises(registry.DuplicateRule):
        registry.all_rules.__wrapped__()
