"""Kubernetes clusters put together from what a connection lists: control plane, node groups, the servers that are nodes. Pure.

A node group names its servers by the provider's ids; their cost is their own, not the group's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.facts import ResourceFacts

CLUSTER = "kubernetes_cluster"
NODE_GROUP = "kubernetes_node_group"
SERVER = "server"
NODE_KEYS = ("servers", "nodes")
MEMBER_KEYS = ("node_group_id", "nodegroup_id", "cluster_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A node group with its servers; `named` is how many it says that it has, None where it says nothing."""

    facts: ResourceFacts
    nodes: Sequence[ResourceFacts]
    named: int | None

    @property
    def is_whole(self) -> bool:
        """Whether every node that it names is known."""
        return self.named is not None and len(self.nodes) == self.named


def groups_of(shown: Iterable[ResourceFacts]) -> list[Group]:
    """Every node group among the resources of one connection."""
    resources = list(shown)
    servers = {each.resource_id: each for each in resources if each.resource_type == SERVER}
    members: dict[str, list[ResourceFacts]] = {}
    for server in servers.values():
        for key in MEMBER_KEYS:
            owner = server.configuration.get(key)
            if owner:
                members.setdefault(str(owner), []).append(server)
                break
    return [
        _group(each, servers, members.get(each.resource_id, []))
        for each in resources
        if each.resource_type == NODE_GROUP
    ]


def groups_in(cluster: ResourceFacts, groups: Iterable[Group]) -> list[Group]:
    return [group for group in groups if group.facts.parent is cluster]


def with_parts(facts: ResourceFacts) -> Iterator[ResourceFacts]:
    """It and everything under it, at any depth."""
    yield facts
    for component in facts.components:
        yield from with_parts(component)


def monthly_cost(facts: Iterable[ResourceFacts], days: int) -> Decimal:
    """What they cost together by the last days; what has no known cost adds nothing."""
    costs = (each.cost(days) for each in facts)
    return sum((each.monthly for each in costs if each is not None), Decimal(0))


def _group(
    facts: ResourceFacts, servers: dict[str, ResourceFacts], members: Sequence[ResourceFacts]
) -> Group:
    named = next(
        (
            facts.configuration[key]
            for key in NODE_KEYS
            if isinstance(facts.configuration.get(key), list | tuple)
        ),
        None,
    )
    if named is not None:
        nodes = [servers[str(each)] for each in named if str(each) in servers]
        return Group(facts=facts, nodes=nodes, named=len(named))
    own = [each for each in facts.components if each.resource_type == SERVER] or list(members)
    return Group(facts=facts, nodes=own, named=len(own) if own else None)
