"""A Kubernetes cluster without nodes, or whose nodes do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
from recommendations.engine.clusters import (
    CLUSTER,
    NODE_GROUP,
    SERVER,
    Group,
    groups_in,
    groups_of,
    monthly_cost,
    with_parts,
)
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
    Value,
    percent,
    points_bucket,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown

CPU = "cpu_percent"
WAIT_DAYS = 14


class IdleCluster(Rule):
    id = "k8s.idle_cluster"
    title = gettext_lazy("Idle Kubernetes cluster")
    description = gettext_lazy(
        "The cluster has no nodes at all, or over %(days)s days its nodes used at most %(cpu_limit)s %% of their processors "
        "on average: no more than its own system pods use."
    )
    category = Category.CLEANUP
    applies_to = frozenset({CLUSTER, NODE_GROUP, SERVER})
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
            name="cpu_limit",
            label=gettext_lazy("Highest mean processor use of the nodes"),
            default=Decimal(5),
            unit="%",
            minimum=0,
            maximum=50,
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Least part of the hours measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
    )
    needs = (Metric(name=CPU, days="days", is_optional=True),)
    base_confidence = Decimal("0.7")
    effort = Effort.HOURS
    risk = Risk.HIGH
    subject = "connection"
    is_destructive = True
    guards_off = frozenset({"scope", "part", "change", "standby"})
    """Of the cluster, not of its servers: see `evaluate_connection`."""

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        groups = groups_of(facts)
        for cluster in facts:
            if cluster.resource_type == CLUSTER:
                mine = groups_in(cluster, groups)
                yield f"resource:{cluster.pk}", self._about(cluster, mine, options)

    def _about(self, cluster: ResourceFacts, groups: Sequence[Group], options: Options) -> Answer:
        days = int(options["days"])
        skip = _kept(cluster, groups, days)
        if skip is not None:
            return skip
        nodes = [node for group in groups for node in group.nodes]
        cost = cluster.cost(days)
        if cost is None:
            return Skip(SkipReason.NO_COST)
        if not nodes:
            return self._finding(cluster, groups, nodes, days, None, 1.0)
        used = [node.usage(CPU, days) for node in nodes]
        known = [each for each in used if each is not None]
        if len(known) < len(nodes):
            return Skip(SkipReason.NO_METRICS, Text(_("Not all of its nodes are measured.")))
        coverage = min(each.coverage for each in known)
        if coverage < float(options["coverage"]):
            return Skip(SkipReason.TOO_FEW_SAMPLES)
        busiest = max(each.average for each in known)
        if busiest > options["cpu_limit"]:
            return NotMatched(
                Text(
                    _("Its busiest node used %(use)s of the processor on average; %(limit)s counts as idle."),
                    {"use": percent(busiest), "limit": percent(options["cpu_limit"])},
                )
            )
        return self._finding(cluster, groups, nodes, days, busiest, coverage)

    def _finding(
        self,
        cluster: ResourceFacts,
        groups: Sequence[Group],
        nodes: Sequence[ResourceFacts],
        days: int,
        busiest: float | None,
        coverage: float,
    ) -> Finding:
        parts = {each.pk: each for top in (cluster, *nodes) for each in with_parts(top)}
        current = monthly_cost(parts.values(), days)
        cost = cluster.cost(days)
        assert cost is not None
        shown_facts: dict[str, Value] = {
            _("Node groups"): len(groups),
            _("Nodes"): len(nodes),
            _("Days looked at"): days,
            _("Cost a month of everything in it"): shown(current, cost.currency),
        }
        if busiest is not None:
            shown_facts[_("CPU of the busiest node, mean")] = percent(busiest)
        names = ", ".join(each.name for each in parts.values())
        return Finding(
            resource_pks=(cluster.pk,),
            facts=shown_facts,
            current_monthly=current,
            target_monthly=Decimal(0),
            saving_monthly=current,
            currency=cost.currency,
            formula=Text(
                _(
                    "control plane, %(nodes)d nodes and what hangs on them, %(count)d things in all = %(saving)s"
                ),
                {"nodes": len(nodes), "count": len(parts), "saving": shown(current, cost.currency)},
            ),
            steps=(
                steps.ask_owner(cluster),
                Text(
                    _("List what runs in “%(name)s”: kubectl get pods --all-namespaces"),
                    {"name": cluster.name},
                ),
                Text(
                    _(
                        "Keep manifests, secrets and the data of its volumes: snapshot each volume of “%(name)s”."
                    ),
                    {"name": cluster.name},
                ),
                Text(_("Scale the node groups of “%(name)s” to their least."), {"name": cluster.name}),
                steps.mark(cluster, WAIT_DAYS),
                steps.wait(WAIT_DAYS),
                Text(_("What will disappear: %(names)s."), {"names": names}),
                steps.delete(cluster),
            ),
            matters={"nodes": len(nodes), "cpu": points_bucket(busiest)},
            confidence=confidence(
                self.base_confidence,
                coverage=coverage,
                observed_days=cluster.age_days,
                lookback_days=days,
                cost_days=cost.full_days,
            ),
            summary=Text(_("Delete the cluster “%(name)s”: it does no work."), {"name": cluster.name}),
            covers=tuple(pk for pk in parts if pk != cluster.pk),
        )


def _kept(cluster: ResourceFacts, groups: Sequence[Group], days: int) -> Skip | None:
    """What keeps the rule from concluding anything of this cluster."""
    if cluster.is_stale or any(each.facts.is_stale for each in groups):
        return Skip(SkipReason.SCOPE_INCOMPLETE)
    if not groups and cluster.connection.listed_ids is None:
        return Skip(
            SkipReason.SCOPE_INCOMPLETE, Text(_("It shows no node groups, but some lists were not read."))
        )
    if any(not each.is_whole for each in groups):
        return Skip(SkipReason.NO_EVIDENCE, Text(_("Not all servers of its node groups are known.")))
    if cluster.age_days < days:
        return Skip(
            SkipReason.TOO_YOUNG,
            Text(
                _("It is %(age)d days old; the rule looks at %(wanted)d."),
                {"age": cluster.age_days, "wanted": days},
            ),
        )
    return None
