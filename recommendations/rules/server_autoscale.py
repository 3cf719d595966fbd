"""Servers that are there for the busiest hours and stand idle in the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import inf
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup
from recommendations.engine.calculations import confidence, kopecks
from recommendations.engine.contract import (
    Age,
    Answer,
    Category,
    Cost,
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
    money,
    number,
    percent,
)
from recommendations.engine.demand import CPU, Demand, demand_of
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.twins import stem_of
from recommendations.engine.workload import holds_memory

BALANCER = "load_balancer"
LEAST_COVERAGE = 0.7
Group = tuple[str, str, str, Decimal | None, int | None]
Spot = tuple[str, str]
"""Project and region."""


class ServerAutoscale(Rule):
    """Like servers (names that differ in a number, one size) in whose project a balancer has as many targets, or one
    server that works in peaks.

    Of a group whole servers are counted, of a single one the part that a smaller size would save. A daily or weekly swing
    shows in the hours of the week; what does nothing at all for half of the time is `server.schedule`'s.
    """

    id = "server.autoscale"
    title = gettext_lazy("Servers for the busiest hours stand idle")
    description = gettext_lazy(
        "Servers behind a balancer that over %(days)d days work at %(cpu)s %% on average at most, with the busiest hour of "
        "the week %(swing)s times the quietest or more; or one server whose busy hours are %(burst)s times the usual ones. "
        "Counted is what would be spare if each worked at %(target)s %%."
    )
    category = Category.ARCHITECTURE
    applies_to: ClassVar[frozenset[str]] = frozenset({"server", BALANCER})
    needs = (Age(days="days"), Cost(), Metric(name=CPU, days="days", is_optional=True))
    options = (
        Option(
            name="days", label=gettext_lazy("Look back"), default=14, unit=gettext_lazy("days"), minimum=7
        ),
        Option(
            name="cpu",
            label=gettext_lazy("Mean CPU of the group at most"),
            default=Decimal(35),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="swing",
            label=gettext_lazy("Busiest hour of the week by the quietest at least"),
            default=Decimal(3),
            minimum=1,
        ),
        Option(
            name="burst",
            label=gettext_lazy("For one server: 95 of 100 hours by half of them at least"),
            default=Decimal(4),
            minimum=1,
        ),
        Option(
            name="target",
            label=gettext_lazy("CPU of a scaled server"),
            default=Decimal(65),
            unit="%",
            minimum=10,
            maximum=100,
        ),
        Option(
            name="minimum_in_production",
            label=gettext_lazy("Servers that stay in production"),
            default=2,
            minimum=1,
        ),
    )
    base_confidence = Decimal("0.45")
    effort = Effort.DAYS
    risk = Risk.MEDIUM
    subject = "connection"

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        balancers = _largest(each for each in facts if each.resource_type == BALANCER)
        groups: dict[Group, list[ResourceFacts]] = defaultdict(list)
        for each in facts:
            if each.resource_type != BALANCER:
                groups[_group_of(each)].append(each)
        for members in groups.values():
            yield from self._group(members, balancers, options)

    def _group(
        self, members: list[ResourceFacts], balancers: Mapping[Spot, float], options: Options
    ) -> Iterator[tuple[str, Answer]]:
        running = sorted((each for each in members if each.status == "running"), key=lambda each: each.name)
        yield from (
            (f"resource:{each.pk}", NotMatched(Text(_("It is not running."))))
            for each in members
            if each.status != "running"
        )
        if len(running) > 1 and balancers.get(_spot(running[0]), 0) >= len(running):
            lead = running[-1]
            key = f"group:{lead.sub_account_id}:{lead.region_id}:{stem_of(lead.name)}"[:150]
            yield key, self._about(running, options)
            return
        for each in running:
            yield f"resource:{each.pk}", self._about([each], options)

    def _about(self, servers: list[ResourceFacts], options: Options) -> Answer:
        engine = next(filter(None, map(holds_memory, servers)), "")
        if engine:
            return Skip(
                SkipReason.GUARDED,
                Text(_("It holds data (%(engine)s): such servers do not come and go."), {"engine": engine}),
            )
        is_production = any(each.is_production for each in servers)
        minimum = options["minimum_in_production"] if is_production else (1 if len(servers) > 1 else 0)
        if len(servers) <= minimum:
            return Skip(
                SkipReason.GUARDED,
                Text(
                    _("In production %(minimum)d servers stay; here there are %(count)d."),
                    {"minimum": minimum, "count": len(servers)},
                ),
            )
        demand = demand_of(servers, days=options["days"], coverage=LEAST_COVERAGE)
        if demand is None:
            return Skip(SkipReason.NO_METRICS, Text(_("Its CPU is not measured for long enough.")))
        refused = _steady(demand, options)
        return refused or _finding(self, servers, demand, minimum, options)


def _group_of(facts: ResourceFacts) -> Group:
    """Those that can do each other's work: one kind of name, place and size; a name without a number stands alone."""
    stem = stem_of(facts.name) or f"{facts.name}#{facts.pk}"
    return (facts.sub_account_id, facts.region_id, stem, facts.vcpus, facts.memory_mib)


def _spot(facts: ResourceFacts) -> Spot:
    return (facts.sub_account_id, facts.region_id)


def _largest(balancers: Iterable[ResourceFacts]) -> dict[Spot, float]:
    """{project and region: targets of the largest balancer there}; one whose targets are not known may have any."""
    found: dict[Spot, float] = {}
    for each in balancers:
        if each.status == "running":
            told = each.configuration.get("member_count")
            targets = told if isinstance(told, int) else inf
            found[_spot(each)] = max(targets, found.get(_spot(each), 0))
    return found


def _steady(demand: Demand, options: Options) -> NotMatched | None:
    if demand.share(50) <= 0:
        return NotMatched(Text(_("It does nothing for half of the time: a schedule fits better.")))
    if demand.average > options["cpu"]:
        return NotMatched(
            Text(
                _("It works at %(cpu)s on average; the limit is %(limit)s."),
                {"cpu": percent(demand.average), "limit": percent(options["cpu"])},
            )
        )
    if demand.servers > 1:
        swing, wanted = demand.swing, options["swing"]
    else:
        swing, wanted = demand.share(95) / demand.share(50), options["burst"]
    if swing is None or swing >= wanted:
        return None
    return NotMatched(
        Text(
            _("Its load swings by %(swing)s; the rule wants %(wanted)s."),
            {"swing": number(swing), "wanted": number(wanted)},
        )
    )


def _finding(
    rule: ServerAutoscale, servers: list[ResourceFacts], demand: Demand, minimum: int, options: Options
) -> Answer:
    costs = [facts.cost(cleanup.COST_DAYS) for facts in servers]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(servers) or len({cost.currency for cost in known}) > 1:
        return Skip(SkipReason.NO_COST, Text(_("What each of them costs is not known in one currency.")))
    current = sum((cost.monthly for cost in known), Decimal(0))
    spare = demand.spare(options["target"], minimum=minimum)
    each, currency = current / len(servers), known[0].currency
    saving = spare * each
    names = ", ".join(facts.name for facts in servers)
    by_load = servers[::-1]
    return Finding(
        resource_pks=tuple(facts.pk for facts in by_load),
        facts={
            _("Servers"): names,
            _("Mean CPU"): percent(demand.average),
            _("Busiest hour of the week"): percent(max(value for value in demand.week if value is not None)),
            _("Quietest hour of the week"): percent(min(value for value in demand.week if value is not None)),
            _("Servers to spare on average"): number(spare),
            _("Servers that stay"): minimum,
        },
        current_monthly=current,
        target_monthly=current - saving,
        saving_monthly=saving,
        currency=currency,
        formula=Text(
            _("%(spare)s to spare on average × %(each)s a server = %(saving)s"),
            {
                "spare": number(spare),
                "each": money(kopecks(each), currency),
                "saving": money(kopecks(saving), currency),
            },
        ),
        steps=(
            Text(_("See that a new server is ready within minutes and keeps nothing that the others lack.")),
            Text(_("Make an image that starts its service by itself and joins the balancer.")),
            Text(
                _("Start one at %(target)s CPU for some minutes and stop one at half of that."),
                {"target": percent(options["target"])},
            ),
            Text(_("Try it for a week with the busiest hours of the week in mind; then check the bill.")),
        ),
        matters={"servers": len(servers), "size": [servers[0].vcpus, servers[0].memory_mib]},
        confidence=confidence(
            rule.base_confidence,
            coverage=len(demand.hours) / (options["days"] * 24),
            observed_days=min(facts.observed_days for facts in servers),
            lookback_days=options["days"],
            cost_days=min(cost.full_days for cost in known),
        ),
        summary=Text(
            _("Let “%(name)s” come and go with the load.")
            if len(servers) > 1
            else _("Let “%(name)s” grow and shrink with its load."),
            {"name": by_load[0].name},
        ),
        notes=(
            Text(
                _("Which servers the balancer serves is told by names and numbers alone: look at its pool.")
            ),
        )
        if len(servers) > 1
        else (),
        metrics=(CPU,),
    )
