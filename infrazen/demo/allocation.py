"""Whose costs the demo's are: the plan's trees and rules, entered as a person would have done on the first day."""

from __future__ import annotations

from datetime import date
from typing import Any

from accounts.models import Organization
from costs.allocation.models import AllocationRule, ContextNode
from costs.allocation.services import Draft, save_node, save_rule
from infrazen.demo.plan import Plan


def allocate(organization: Organization, plan: Plan, *, since: date) -> None:
    """Make the trees and rules that are missing; a rule that somebody changed stays as it is."""
    for dimension, tree in plan.trees.items():
        for name, below in tree.items():
            parent = _node(organization, dimension, name, None)
            for child in below:
                _node(organization, dimension, child, parent)
    known = set(AllocationRule.objects.of(organization).values_list("name", flat=True))
    for wanted in plan.rules:
        if wanted["name"] not in known:
            save_rule(organization=organization, draft=_draft(wanted), since=since, by=None)


def _node(organization: Organization, dimension: str, name: str, parent: ContextNode | None) -> ContextNode:
    known = ContextNode.objects.of(organization).filter(dimension=dimension, name=name).first()
    return known or save_node(organization=organization, dimension=dimension, name=name, parent=parent)


def _draft(wanted: dict[str, Any]) -> Draft:
    shares = wanted.get("targets", {})
    targets = [{"name": name, "weight": weight} for name, weight in shares.items()]
    return Draft(**{**wanted, "targets": targets})
