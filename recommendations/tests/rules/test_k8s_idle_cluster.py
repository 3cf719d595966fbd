"""A cluster without nodes, or whose nodes do nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.k8s_idle_cluster import IdleCluster
from recommendations.tests.facts import NOW, ask_together, connection, hourly, options_of, resource, server


def cluster(
    cpus=(1, 1), *, node_changes=None, group_changes=None, with_group=True, listed=frozenset(), **changes
):
    """A control plane of 100 a day with one group; a node of each CPU for 100 a day, with a disk of 10 a day."""
    home = connection(listed_ids=listed)
    top = resource("kubernetes_cluster", connection=home, **changes)
    shown = [top]
    if not with_group:
        return shown
    nodes = []
    for number, cpu in enumerate(cpus):
        values = {
            "connection": home,
            "name": f"node-{number}",
            "resource_id": f"node-{number}",
            "series": {} if cpu is None else {"cpu_percent": hourly(cpu)},
        }
        node = server(**(values | (node_changes or {})))
        disk = resource("volume", connection=home, day_cost=10, parent=node)
        node.components.append(disk)
        nodes.append(node)
    values = {
        "connection": home,
        "parent": top,
        "day_cost": 0,
        "configuration": {"servers": [f"node-{number}" for number in range(len(cpus))]},
    }
    group = resource("kubernetes_node_group", **(values | (group_changes or {})))
    top.components.append(group)
    return [*shown, group, *nodes]


def about(shown, **options):
    answers = ask_together(IdleCluster, shown, **options)
    return answers[f"resource:{shown[0].pk}"]


def test_idle_cluster_is_paid_with_its_nodes_and_their_disks():
    shown = cluster()

    answer = about(shown)

    assert isinstance(answer, Finding)
    assert answer.saving_monthly == Decimal("9600.00")  # (100 + 2 x (100 + 10)) x 30
    assert (answer.confidence, answer.risk) == (Decimal("0.70"), Risk.HIGH)
    assert len(answer.covers) == 5
    assert answer.resource_pks == (shown[0].pk,)


def test_cluster_without_node_groups_costs_its_control_plane():
    answer = about(cluster(with_group=False))

    assert answer.saving_monthly == Decimal("3000.00")


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"cpus": (5, 5)}, {}, Finding),
        ({"cpus": (1, 5.1)}, {}, NotMatched),
        ({"cpus": (1, 5.1)}, {"cpu_limit": Decimal(6)}, Finding),
        ({"cpus": (1, None)}, {}, SkipReason.NO_METRICS),
        ({"node_changes": {"series": {"cpu_percent": hourly(1, days=9)}}}, {}, SkipReason.TOO_FEW_SAMPLES),
        ({"with_group": False, "listed": None}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"group_changes": {"configuration": {}}}, {}, SkipReason.NO_EVIDENCE),
        ({"group_changes": {"configuration": {"servers": ["node-0", "lost"]}}}, {}, SkipReason.NO_EVIDENCE),
        ({"group_changes": {"is_stale": True}}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"is_stale": True}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"provider_created_at": NOW - timedelta(days=13)}, {}, SkipReason.TOO_YOUNG),
        ({"provider_created_at": NOW - timedelta(days=14)}, {}, Finding),
        ({"cost_days_count": 0}, {}, SkipReason.NO_COST),
        ({"tags": {"finops:ignore": ""}}, {}, SkipReason.EXCLUDED_BY_USER),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = about(cluster(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_servers_of_their_own_say_nothing():
    assert ask_together(IdleCluster, [server()]) == {}


def test_fingerprint_moves_with_the_nodes_alone():
    same, dearer, larger = cluster(pk=5), cluster(pk=5, day_cost=101), cluster((1, 1, 1), pk=5)
    prints = [about(each).fingerprint(IdleCluster.id) for each in (same, dearer, larger)]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "at most 3 %" in describe(IdleCluster, options_of(IdleCluster, cpu_limit=Decimal(3)))
