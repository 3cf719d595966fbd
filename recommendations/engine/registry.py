"""The rules that there are: every `Rule` in the modules of `recommendations.rules`, and those of other packages.

Another package ships a rule as an entry point of the group `infrazen.rules`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

from recommendations import rules
from recommendations.engine.contract import Rule

GROUP = "infrazen.rules"


class DuplicateRule(Exception):
    """Two rules bear one id."""


@cache
def all_rules() -> Mapping[str, type[Rule]]:
    """{id: rule} in alphabetical order; raises DuplicateRule."""
    found: dict[str, type[Rule]] = {}
    for rule in (*_ours(), *(each.load() for each in entry_points(group=GROUP))):
        if found.setdefault(rule.id, rule) is not rule:
            raise DuplicateRule(f"{rule.id} is the id of {found[rule.id]!r} and of {rule!r}")
    return dict(sorted(found.items()))


def rule_of(rule_id: str) -> type[Rule] | None:
    return all_rules().get(rule_id)


def _ours() -> Iterator[type[Rule]]:
    for module in pkgutil.iter_modules(rules.__path__):
        yield from _rules_in(importlib.import_module(f"{rules.__name__}.{module.name}"))


def _rules_in(module: ModuleType) -> Iterator[type[Rule]]:
    """Rules that the module defines itself and that are whole."""
    for _name, value in inspect.getmembers(module, inspect.isclass):
        if issubclass(value, Rule) and value.__module__ == module.__name__ and hasattr(value, "id"):
            yield value
