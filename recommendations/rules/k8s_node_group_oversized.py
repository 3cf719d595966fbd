"""A Kubernetes node group with more nodes than its pods need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
from recommendations.engine.clusters import NODE_GROUP, SERVER, Group, groups_of, monthly_cost, with_parts
from recommendations.engine.contract import (
    Answer,
    Category,
    Effort,
    Finding,
    Metric,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    percent,
    points_bucket,
    term,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown

CPU, MEMORY = "cpu_percent", "memory_percent"
REQUESTED = {CPU: "cpu_requests_percent", MEMORY: "memory_requests_percent"}
WITHOUT_REQUESTS = Decimal("0.7")


class NodeGroupOversized(Rule):
    id = "k8s.node_group_oversized"
    title = gettext_lazy("Node group with too many nodes")
    description = gettext_lazy(
        "Over %(days)s days the pods of the group requested at most %(requests_limit)s %% of what its nodes have, or used at "
        "most %(use_limit)s %% (95th percentile). So many nodes are kept that %(target_limit)s %% of them would be taken, in "
        "production at least %(least_in_production)s."
    )
    category = Category.RIGHTSIZING
    applies_to = frozenset({NODE_GROUP, SERVER})
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days looked at"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
        Option(
            name="requests_limit",
            label=gettext_lazy("Highest share requested"),
            default=Decimal(50),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="use_limit",
            label=gettext_lazy("Highest share used (95th percentile)"),
            default=Decimal(40),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="target_limit",
            label=gettext_lazy("Share taken afterwards"),
            default=Decimal(75),
            unit="%",
            minimum=10,
            maximum=100,
        ),
        Option(
            name="least_in_production",
            label=gettext_lazy("Least nodes in production"),
            default=2,
            minimum=1,
            maximum=10,
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Least part of the hours measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
    )
    needs = tuple(
        Metric(name=name, days="days", is_optional=True) for name in (CPU, MEMORY, *REQUESTED.values())
    )
    base_confidence = Decimal("0.6")
    effort = Effort.HOURS
    risk = Risk.MEDIUM
    subject = "connection"
    guards_off = frozenset({"scope", "part", "change", "standby"})
    """Its nodes are parts of something by their nature; a stale group is told apart below."""

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        for group in groups_of(facts):
            yield f"resource:{group.facts.pk}", self._about(group, options)

    def _about(self, group: Group, options: Options) -> Answer:
        days = int(options["days"])
        nodes = group.nodes
        if group.facts.is_stale:
            return Skip(SkipReason.SCOPE_INCOMPLETE)
        if not group.is_whole:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Not all of its servers are known.")))
        if len(nodes) < 2:
            return NotMatched(
                Text(_("It has %(count)d nodes; at least two are needed."), {"count": len(nodes)})
            )
        if min(each.age_days for each in nodes) < days:
            return Skip(SkipReason.TOO_YOUNG, Text(_("Some of its nodes are too young.")))
        if len({(each.vcpus, each.memory_mib) for each in nodes}) != 1:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its nodes are not of one size.")))
        coverage = _coverage(nodes, days)
        if coverage is None or coverage < float(options["coverage"]):
            return Skip(SkipReason.NO_METRICS if coverage is None else SkipReason.TOO_FEW_SAMPLES)
        use = max(_share(nodes, name, days) for name in (CPU, MEMORY))
        requests = _requests(nodes, days)
        is_requested_little = requests is not None and requests <= options["requests_limit"]
        if use > options["use_limit"] and not is_requested_little:
            return NotMatched(
                Text(
                    _("Its nodes used %(use)s (95th percentile); at most %(limit)s is little."),
                    {"use": percent(use), "limit": percent(options["use_limit"])},
                )
            )
        is_production = group.facts.is_production or any(each.is_production for each in nodes)
        target = max(
            _nodes_for(nodes, days, options["target_limit"]),
            int(options["least_in_production"]) if is_production else 1,
        )
        if target >= len(nodes):
            return Skip(SkipReason.ALREADY_OPTIMAL)
        return self._finding(group, target, use, requests, coverage, days)

    def _finding(
        self, group: Group, target: int, use: float, requests: float | None, coverage: float, days: int
    ) -> Answer:
        nodes, facts = group.nodes, group.facts
        costs = [each.cost(days) for each in nodes]
        known = [each for each in costs if each is not None]
        if len(known) < len(nodes):
            return Skip(SkipReason.NO_COST)
        parts = {each.pk: each for node in nodes for each in with_parts(node)}
        currency = known[0].currency
        current = monthly_cost(parts.values(), days)
        extra = len(nodes) - target
        saving = current * extra / len(nodes)
        notes = [Text(_("Look for daemon sets, local volumes, spread of pods and disruption budgets first."))]
        if requests is None:
            notes.append(Text(_("What the pods request is not known; requests may need more than they use.")))
        return Finding(
            resource_pks=(facts.pk, *(each.pk for each in nodes)),
            facts={
                _("Nodes now"): len(nodes),
                _("Nodes needed"): target,
                _("Size of a node"): steps.size_in_words(nodes[0].vcpus, nodes[0].memory_mib),
                _("Used, 95th percentile"): percent(use),
                _("Requested"): term(_("not known")) if requests is None else percent(requests),
                _("Days looked at"): days,
                _("Measured"): percent(coverage * 100),
                _("Cost of all nodes a month"): shown(current, currency),
            },
            current_monthly=current,
            target_monthly=current - saving,
            saving_monthly=saving,
            currency=currency,
            formula=Text(
                _("%(current)s × %(extra)d of %(count)d nodes = %(saving)s"),
                {
                    "current": shown(current, currency),
                    "extra": extra,
                    "count": len(nodes),
                    "saving": shown(saving, currency),
                },
            ),
            steps=(
                steps.ask_owner(facts),
                Text(_("Compare requests with use: kubectl top pods --all-namespaces")),
                Text(
                    _(
                        "Drain one node at a time: kubectl drain <node> --ignore-daemonsets; all pods must find a place."
                    )
                ),
                Text(
                    _("Set the size of “%(name)s” to %(count)d nodes."), {"name": facts.name, "count": target}
                ),
                steps.watch(7),
            ),
            matters={
                "from": len(nodes),
                "to": target,
                "size": (nodes[0].vcpus, nodes[0].memory_mib),
                "use": points_bucket(use),
            },
            confidence=confidence(
                self.base_confidence,
                coverage=coverage,
                observed_days=min(each.age_days for each in nodes),
                lookback_days=days,
                cost_days=min(each.full_days for each in known),
                factor=WITHOUT_REQUESTS if requests is None else Decimal(1),
            ),
            summary=Text(
                _("Run “%(name)s” on %(target)d nodes instead of %(count)d."),
                {"name": facts.name, "target": target, "count": len(nodes)},
            ),
            notes=tuple(notes),
            covers=tuple(pk for pk in parts if pk not in {each.pk for each in nodes}),
        )


def _coverage(nodes: Sequence[ResourceFacts], days: int) -> float | None:
    """Of the worst measured series; None where one is not measured at all."""
    found = [node.usage(name, days) for node in nodes for name in (CPU, MEMORY)]
    known = [each.coverage for each in found if each is not None]
    return min(known) if len(known) == len(found) else None


def _share(nodes: Sequence[ResourceFacts], name: str, days: int) -> float:
    """What the group uses of one thing, per cent of all its nodes: the 95th percentiles together."""
    found = [node.usage(name, days) for node in nodes]
    return sum(each.p95 for each in found if each is not None) / len(nodes)


def _requests(nodes: Sequence[ResourceFacts], days: int) -> float | None:
    """The larger share that pods request, of processor or memory; None where it is not known of every node."""
    shares = []
    for name in REQUESTED.values():
        found = [node.usage(name, days) for node in nodes]
        known = [each.p95 for each in found if each is not None]
        if len(known) < len(nodes):
            return None
        shares.append(sum(known) / len(nodes))
    return max(shares)


def _nodes_for(nodes: Sequence[ResourceFacts], days: int, limit_percent: Decimal) -> int:
    """So many nodes that use or requests, whichever is more on each node, take the limit of them."""
    most = 0
    for name, requested in REQUESTED.items():
        demand = Decimal(0)
        for node in nodes:
            both = [each.p95 for each in (node.usage(name, days), node.usage(requested, days)) if each]
            demand += Decimal(str(max(both)))
        most = max(most, int((demand / limit_percent).to_integral_value(ROUND_CEILING)))
    return max(1, most)
