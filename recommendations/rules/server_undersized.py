"""A server or database that works at its limit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, rightsizing, steps
from recommendations.engine.assembly import Quote
from recommendations.engine.calculations import confidence, kopecks, needed, round_up
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
    Value,
    money,
    percent,
)
from recommendations.engine.databases import current_database_quote, database_quotes
from recommendations.engine.facts import CostSummary, ResourceFacts
from recommendations.engine.sizes import current_quote, quotes, zone_of
from recommendations.engine.usage import percentile

CPU = "cpu_percent"
MEMORY = "memory_percent"
SWAP = "swap_in"
MIB_IN_GIB = 1024
BUSY_PART = 95


class ServerUndersized(Rule):
    """What it costs more is shown as a negative saving, and never summed."""

    id = "server.undersized"
    title = gettext_lazy("Works at its limit")
    description = gettext_lazy(
        "On %(busy_days)d of the last %(days)d days the CPU was at %(cpu)s %% or more in the busiest twentieth of hours, or "
        "the memory at %(memory)s %% or more, or memory was swapped in for half of the day."
    )
    category = Category.PERFORMANCE
    applies_to: ClassVar[frozenset[str]] = frozenset({"server", "database"})
    needs = (
        Age(days="days"),
        Cost(),
        *(Metric(name=name, days="days", is_optional=True) for name in (CPU, MEMORY, SWAP)),
    )
    options = (
        Option(
            name="days",
            label=gettext_lazy("Look back"),
            default=7,
            unit=gettext_lazy("days"),
            minimum=3,
            maximum=30,
        ),
        Option(
            name="busy_days",
            label=gettext_lazy("Busy on at least"),
            default=3,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="cpu",
            label=gettext_lazy("CPU at least"),
            default=Decimal(90),
            unit="%",
            minimum=50,
            maximum=100,
        ),
        Option(
            name="memory",
            label=gettext_lazy("Memory at least"),
            default=Decimal(92),
            unit="%",
            minimum=50,
            maximum=100,
        ),
        Option(
            name="target",
            label=gettext_lazy("CPU and memory of the new size at most"),
            default=Decimal(80),
            unit="%",
            minimum=10,
            maximum=100,
        ),
    )
    base_confidence = Decimal("0.7")
    effort = Effort.HOURS
    risk = Risk.LOW
    saves = False

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status != "running":
            return NotMatched(Text(_("It is not running.")))
        if not any(facts.usage(name, options["days"]) for name in (CPU, MEMORY)):
            return Skip(SkipReason.NO_METRICS, Text(_("Neither its CPU nor its memory is measured.")))
        busy = _busy(facts, options)
        most = max(busy.values(), default=0)
        if most < options["busy_days"]:
            return NotMatched(
                Text(
                    _("It was at its limit on %(days)d days; the rule wants %(wanted)d."),
                    {"days": most, "wanted": options["busy_days"]},
                )
            )
        over = {name: days for name, days in busy.items() if days >= options["busy_days"]}
        cost = rightsizing.cost_of_size(facts) or facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        target = _target(facts, options, over)
        return _finding(self, facts, options, over, cost, target)


def _busy(facts: ResourceFacts, options: Options) -> Mapping[str, int]:
    """{series: on how many days it was at its limit}."""
    limits = {CPU: float(options["cpu"]), MEMORY: float(options["memory"])}
    found = {}
    for name in (CPU, MEMORY, SWAP):
        series = facts.series.get(name)
        if series is None:
            continue
        if facts.resized_at is not None:
            series = series.since(facts.resized_at)
        days = series.by_day(facts.connection.zone, days=options["days"]).values()
        if name == SWAP:
            found[name] = sum(1 for values in days if percentile(sorted(values), 50) > 0)
        else:
            found[name] = sum(1 for values in days if percentile(sorted(values), BUSY_PART) >= limits[name])
    return found


def _target(facts: ResourceFacts, options: Options, over: Mapping[str, int]) -> tuple[Quote, Quote] | None:
    """(now, the cheapest larger size of its line); None where its size or a price is not known."""
    if facts.vcpus is None or facts.memory_mib is None:
        return None
    is_database = facts.resource_type == "database"
    current = current_database_quote(facts) if is_database else current_quote(facts)
    if current is None:
        return None
    vcpus, mib = facts.vcpus, Decimal(facts.memory_mib)
    cpu, memory = (facts.usage(name, options["days"]) for name in (CPU, MEMORY))
    if CPU in over and cpu is not None:
        wanted = needed(vcpus, cpu.p99, options["target"]).to_integral_value(ROUND_CEILING)
        vcpus = max(vcpus + 1, wanted)
        vcpus = round_up(vcpus, Decimal(2)) if vcpus > 1 else vcpus
    if MEMORY in over and memory is not None:
        mib = max(mib + MIB_IN_GIB, round_up(needed(mib, memory.p99, options["target"]), Decimal(MIB_IN_GIB)))
    elif SWAP in over:
        mib *= 2
    book, provider, region = facts.connection.prices, facts.connection.provider_type, facts.region_id or None
    larger = (
        database_quotes(facts, provider, vcpus=vcpus, memory_mib=int(mib), region_id=region)
        if is_database
        else quotes(
            book,
            provider,
            vcpus=vcpus,
            memory_mib=int(mib),
            storage_gib=current.storage_gib,
            region_id=region,
            zone_id=zone_of(facts),
            family=current.family,
        )
    )
    target = next((each for each in larger if each.currency == current.currency), None)
    return None if target is None else (current, target)


def _finding(
    rule: ServerUndersized,
    facts: ResourceFacts,
    options: Options,
    over: Mapping[str, int],
    cost: CostSummary,
    found: tuple[Quote, Quote] | None,
) -> Finding:
    size, extra, formula = "", None, Text(_("What the next size costs is not known here."))
    price_factor = Decimal(1)
    if found is not None and found[1].currency == cost.currency:
        current, target = found
        saving = rightsizing.saving_of(cost, current, target)
        size = steps.size_in_words(target.vcpus, target.memory_mib)
        extra, price_factor = -saving.saving, saving.price_factor
        formula = Text(
            _("%(target)s for %(size)s − %(now)s = %(extra)s more"),
            {
                "target": money(kopecks(saving.target), cost.currency),
                "size": size,
                "now": money(kopecks(saving.saving + saving.target), cost.currency),
                "extra": money(kopecks(extra), cost.currency),
            },
        )
    return Finding(
        resource_pks=(facts.pk,),
        facts=_shown(facts, options, over),
        current_monthly=cost.monthly,
        target_monthly=None if extra is None else cost.monthly + extra,
        saving_monthly=None if extra is None else -extra,
        currency=cost.currency,
        formula=formula,
        steps=(
            Text(_("See what works so hard, and whether it should: a query, a job, an attack.")),
            steps.agree_on_time(facts),
            steps.resize(facts, size)
            if size
            else Text(_("Give “%(name)s” the next larger size."), {"name": facts.name}),
            steps.watch(7),
        ),
        matters={"over": sorted(over), "size": [facts.vcpus, facts.memory_mib]},
        confidence=confidence(rule.base_confidence, price_factor=price_factor, cost_days=cost.full_days),
        summary=Text(
            _("“%(name)s” works at its limit: give it %(size)s.")
            if size
            else _("“%(name)s” works at its limit: give it a larger size."),
            {"name": facts.name, "size": size} if size else {"name": facts.name},
        ),
        metrics=tuple(over),
    )


def _shown(facts: ResourceFacts, options: Options, over: Mapping[str, int]) -> dict[str, Value]:
    shown: dict[str, Value] = {}
    words = {
        CPU: (_("Days with the CPU at its limit"), _("CPU in 95 of 100 hours")),
        MEMORY: (_("Days with the memory at its limit"), _("Memory in 95 of 100 hours")),
        SWAP: (_("Days on which memory was swapped in"), ""),
    }
    for name, days in over.items():
        label, used = words[name]
        shown[label] = days
        summary = facts.usage(name, options["days"])
        if used and summary is not None:
            shown[used] = percent(summary.p95)
    shown[_("Days looked at")] = options["days"]
    return shown
