"""A managed database with more processor or memory than it needs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.assembly import MIB_IN_GIB, Quote
from recommendations.engine.calculations import confidence, needed, projected, round_up, scaled_saving
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
    Prices,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    number,
    percent,
    points_bucket,
)
from recommendations.engine.databases import (
    connection_limit,
    current_database_quote,
    database_quotes,
    host_count,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import paid, shown
from recommendations.engine.usage import MetricSummary

CPU, MEMORY, HITS, CONNECTIONS = "cpu_percent", "memory_percent", "cache_hit_percent", "connections"
ONE = Decimal(1)
FULL = Decimal(100)


class DatabaseRightsize(Rule):
    id = "database.rightsize"
    title = gettext_lazy("Database larger than needed")
    description = gettext_lazy(
        "Over %(days)s days 95 %% of the hours used at most %(cpu_limit)s %% of the processor, and on the smaller size 99 %% "
        "of the hours stay under %(projected_limit)s %%. Memory shrinks only where at least %(hit_limit)s %% of reads come "
        "from it now and what is used stays under %(memory_limit)s %% of the smaller size."
    )
    category = Category.RIGHTSIZING
    applies_to = frozenset({"database"})
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
            label=gettext_lazy("Highest processor use now (95th percentile)"),
            default=Decimal(40),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="projected_limit",
            label=gettext_lazy("Highest processor use afterwards (99th percentile)"),
            default=Decimal(70),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="hit_limit",
            label=gettext_lazy("Least share of reads from memory"),
            default=Decimal(99),
            unit="%",
            minimum=50,
            maximum=100,
        ),
        Option(
            name="memory_limit",
            label=gettext_lazy("Highest memory use afterwards"),
            default=Decimal(75),
            unit="%",
            minimum=10,
            maximum=100,
        ),
    )
    needs = (
        Age(days="days"),
        Cost(days=3),
        Metric(name=CPU, days="days"),
        Metric(name=MEMORY, days="days", is_optional=True),
        Metric(name=HITS, days="days", is_optional=True),
        Metric(name=CONNECTIONS, days="days", is_optional=True),
        Prices(),
    )
    base_confidence = Decimal("0.65")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        days = int(options["days"])
        cpu = facts.usage(CPU, days)
        if cpu is None or facts.vcpus is None or facts.memory_mib is None:
            return Skip(SkipReason.NO_METRICS if cpu is None else SkipReason.NO_EVIDENCE)
        if cpu.p95 > options["cpu_limit"]:
            return NotMatched(
                Text(
                    _("95 %% of the hours used up to %(use)s of the processor; at most %(limit)s is little."),
                    {"use": percent(cpu.p95), "limit": percent(options["cpu_limit"])},
                )
            )
        now, cost = current_database_quote(facts), paid(facts)
        if cost is None:
            return Skip(SkipReason.NO_COST)
        if now is None or now.currency != cost.currency:
            return Skip(SkipReason.NO_PRICE)
        hosts = host_count(facts) or 1
        vcpus = max(
            round_up(needed(facts.vcpus, cpu.p99, options["projected_limit"]), Decimal(hosts)), ONE * hosts
        )
        memory = _least_memory(facts, options, days, hosts)
        fitting = [
            quote
            for quote in _smaller(facts, min(vcpus, facts.vcpus), memory)
            if quote.monthly < now.monthly and _takes(quote, facts, days)
        ]
        if not fitting:
            return Skip(SkipReason.ALREADY_OPTIMAL)
        target = fitting[0]
        saving = scaled_saving(cost.monthly, list_current=now.monthly, list_target=target.monthly)
        size_now = steps.size_in_words(facts.vcpus, facts.memory_mib)
        size_then = steps.size_in_words(target.vcpus, target.memory_mib)
        return Finding(
            resource_pks=(facts.pk,),
            facts=_shown_facts(facts, cpu, target, days, size_now, size_then),
            current_monthly=cost.monthly,
            target_monthly=saving.target,
            saving_monthly=saving.saving,
            currency=cost.currency,
            formula=Text(
                _("%(current)s × (1 − %(target)s / %(list)s by list) = %(saving)s"),
                {
                    "current": shown(cost.monthly, cost.currency),
                    "target": shown(target.monthly, cost.currency),
                    "list": shown(now.monthly, cost.currency),
                    "saving": shown(saving.saving, cost.currency),
                },
            ),
            steps=(
                steps.ask_owner(facts),
                Text(_("Make a backup of “%(name)s”."), {"name": facts.name}),
                steps.agree_on_time(facts),
                steps.resize(facts, size_then),
                steps.watch(7),
            ),
            matters={
                "from": (facts.vcpus, facts.memory_mib),
                "to": (target.vcpus, target.memory_mib),
                "cpu": points_bucket(cpu.p95),
            },
            confidence=confidence(
                self.base_confidence,
                coverage=cpu.coverage,
                price_factor=saving.price_factor,
                observed_days=facts.age_days,
                lookback_days=days,
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Change “%(name)s” from %(now)s to %(then)s."),
                {"name": facts.name, "now": size_now, "then": size_then},
            ),
            notes=_notes(facts, target, days),
            alternatives=tuple(
                Text(
                    _("%(size)s for %(price)s a month by list"),
                    {
                        "size": steps.size_in_words(each.vcpus, each.memory_mib),
                        "price": shown(each.monthly, each.currency),
                    },
                )
                for each in fitting[1:4]
            ),
            metrics=tuple(name for name in (CPU, MEMORY, CONNECTIONS) if name in facts.series),
        )


def _least_memory(facts: ResourceFacts, options: Options, days: int, hosts: int) -> int:
    """What the working set needs, whole GiB a host; all that there is where it is not known to be less."""
    assert facts.memory_mib is not None
    used, hits = facts.usage(MEMORY, days), facts.usage(HITS, days)
    if used is None or hits is None or hits.average < options["hit_limit"]:
        return facts.memory_mib
    step = MIB_IN_GIB * hosts
    wanted = needed(Decimal(facts.memory_mib), used.maximum, options["memory_limit"])
    return min(facts.memory_mib, int(max(step, round_up(wanted, step))))


def _smaller(facts: ResourceFacts, vcpus: Decimal, memory_mib: int) -> Iterator[Quote]:
    return database_quotes(
        facts,
        facts.connection.provider_type,
        vcpus=vcpus,
        memory_mib=memory_mib,
        region_id=facts.region_id,
    )


def _takes(quote: Quote, facts: ResourceFacts, days: int) -> bool:
    """Whether the size takes as many connections as there were at once; True where either is not known."""
    limit, used = connection_limit(quote), facts.usage(CONNECTIONS, days)
    return limit is None or used is None or used.maximum <= limit


def _shown_facts(
    facts: ResourceFacts, cpu: MetricSummary, target: Quote, days: int, size_now: str, size_then: str
) -> dict[str, Value]:
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    shown_ones: dict[str, Value] = {
        _("Size now"): size_now,
        _("Size afterwards"): size_then,
        _("CPU, 95th percentile"): percent(cpu.p95),
        _("CPU, 99th percentile"): percent(cpu.p99),
        _("CPU afterwards, 99th percentile"): percent(projected(cpu.p99, facts.vcpus, target.vcpus)),
        _("Days looked at"): days,
        _("Measured"): percent(cpu.coverage * 100),
    }
    memory = facts.usage(MEMORY, days)
    if memory is not None:
        shown_ones[_("Memory, highest")] = percent(memory.maximum)
        shown_ones[_("Memory afterwards, highest")] = percent(
            projected(memory.maximum, Decimal(facts.memory_mib), Decimal(target.memory_mib))
        )
    used = facts.usage(CONNECTIONS, days)
    if used is not None:
        shown_ones[_("Most connections at once")] = number(used.maximum)
    return shown_ones


def _notes(facts: ResourceFacts, target: Quote, days: int) -> tuple[Text, ...]:
    notes = []
    if target.memory_mib == facts.memory_mib:
        notes.append(
            Text(
                _(
                    "Memory stays: what a database reserves is not what it uses, and how often it reads from memory "
                    "is not known or is too little."
                )
            )
        )
    if connection_limit(target) is None:
        notes.append(Text(_("How many connections the smaller size takes is not known; check it.")))
    return tuple(notes)
