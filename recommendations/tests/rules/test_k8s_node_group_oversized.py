"""A node group with more nodes than its pods need."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.k8s_node_group_oversized import NodeGroupOversized
from recommendations.tests.facts import NOW, ask_together, connection, hourly, options_of, resource, server


def measured(cpu=30, memory=30, requests=None, days=35):
    found = {"cpu_percent": hourly(cpu, days=days), "memory_percent": hourly(memory, days=days)}
    if requests is not None:
        found["cpu_requests_percent"] = hourly(requests)
        found["memory_requests_percent"] = hourly(requests)
    return found


def group(count=4, *, group_changes=None, node_changes=None, **use):
    """Nodes of 100 a day, each with a disk of 10 a day."""
    home = connection()
    nodes = []
    for number in range(count):
        values = {
            "connection": home,
            "name": f"node-{number}",
            "resource_id": f"node-{number}",
            "series": measured(**use),
            "configuration": {"nodegroup_id": "g"},
        }
        node = server(**(values | (node_changes or {})))
        node.components.append(resource("volume", connection=home, day_cost=10, parent=node))
        nodes.append(node)
    values = {
        "connection": home,
        "configuration": {"servers": [each.resource_id for each in nodes]},
        "day_cost": 0,
    }
    return [resource("kubernetes_node_group", **(values | (group_changes or {}))), *nodes]


def about(shown, **options):
    return ask_together(NodeGroupOversized, shown, **options)[f"resource:{shown[0].pk}"]


def test_nodes_that_nobody_needs_are_found():
    shown = group(requests=30)

    answer = about(shown)

    assert isinstance(answer, Finding)
    # 4 nodes x 30 % / 75 % = 1.6, so 2 nodes; two of four cost (100 + 10) x 2 x 30
    assert answer.current_monthly == Decimal("13200.00")
    assert answer.saving_monthly == Decimal("6600.00")
    assert answer.facts["Nodes needed"] == 2
    assert answer.confidence == Decimal("0.60")
    assert answer.resource_pks == tuple(each.pk for each in shown)
    assert len(answer.covers) == 4


def test_without_requests_it_is_less_sure_and_says_so():
    answer = about(group())

    assert answer.confidence == Decimal("0.42")
    assert any("request" in note.message for note in answer.notes)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"cpu": 40}, {}, Finding),
        ({"cpu": 40.1}, {}, NotMatched),
        ({"memory": 40.1}, {}, NotMatched),
        ({"cpu": 40.1}, {"use_limit": Decimal(41)}, Finding),
        ({"cpu": 45, "requests": 50}, {}, Finding),
        ({"cpu": 45, "requests": 50.1}, {}, NotMatched),
        ({"cpu": 45, "requests": 50.1}, {"requests_limit": Decimal(51)}, Finding),
        ({"cpu": 10, "requests": 90}, {}, SkipReason.ALREADY_OPTIMAL),
        ({"count": 1}, {}, NotMatched),
        ({"count": 2}, {}, Finding),
        ({"node_changes": {"environment": "production"}, "count": 2}, {}, SkipReason.ALREADY_OPTIMAL),
        ({"node_changes": {"environment": "production"}, "count": 3, "cpu": 5, "memory": 5}, {}, Finding),
        (
            {"node_changes": {"environment": "production"}, "count": 3, "cpu": 5, "memory": 5},
            {"least_in_production": 3},
            SkipReason.ALREADY_OPTIMAL,
        ),
        ({"node_changes": {"series": {"cpu_percent": hourly(9)}}}, {}, SkipReason.NO_METRICS),
        ({"days": 9}, {}, SkipReason.TOO_FEW_SAMPLES),
        ({"group_changes": {"configuration": {"servers": ["node-0", "lost"]}}}, {}, SkipReason.NO_EVIDENCE),
        ({"group_changes": {"is_stale": True}}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"node_changes": {"provider_created_at": NOW - timedelta(days=13)}}, {}, SkipReason.TOO_YOUNG),
        ({"node_changes": {"cost_days_count": 0}}, {}, SkipReason.NO_COST),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = about(group(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_nodes_of_several_sizes_are_not_compared():
    shown = group()
    shown[1].vcpus = Decimal(16)

    assert about(shown).reason == SkipReason.NO_EVIDENCE


def test_group_in_production_is_riskier():
    answer = about(group(group_changes={"environment": "production"}, requests=30))

    assert (answer.risk, answer.confidence) == (Risk.HIGH, Decimal("0.54"))


def test_fingerprint_moves_with_the_count_alone():
    prints = []
    for shown in (group(requests=30), group(requests=31), group(5, requests=30)):
        shown[0].pk = 7
        for number, node in enumerate(shown[1:]):
            node.pk = 100 + number
        prints.append(about(shown).fingerprint(NodeGroupOversized.id))

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    text = describe(NodeGroupOversized, options_of(NodeGroupOversized, target_limit=Decimal(60)))
    assert "60 % of them" in text
