"""A server with more vCPUs or memory than it uses."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import rightsizing, steps
from recommendations.engine.calculations import confidence, kopecks, projected
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
    money,
    percent,
    series_name,
)
from recommendations.engine.facts import CostSummary, ResourceFacts
from recommendations.engine.rightsizing import Fit, Need
from recommendations.engine.usage import MetricSummary
from recommendations.engine.workload import holds_memory

CPU = "cpu_percent"
MEMORY = "memory_percent"
MONTH_WITH_ITS_END = 35
NEARLY_ALL = 0.95
MOST_ALTERNATIVES = 3


class ServerRightsize(Rule):
    """One finding for both: the cheapest size of the server's line that holds what processor and memory need.

    Percentiles are of hourly means; besides, the highest value of any minute must fit into the new size whole.
    """

    id = "server.rightsize"
    title = gettext_lazy("More vCPUs or memory than it uses")
    description = gettext_lazy(
        "Looks at %(days)d days: in 99 of 100 hours the CPU of a smaller size would stay under %(cpu_limit)s %% and its "
        "memory under %(memory_limit)s %%, and the highest value would fit. Where memory is not measured it stays as it is."
    )
    category = Category.RIGHTSIZING
    applies_to: ClassVar[frozenset[str]] = frozenset({"server"})
    needs = (
        Age(days="minimum_days"),
        Cost(),
        Prices(),
        Metric(name=CPU, days="days", coverage="coverage"),
        Metric(name=MEMORY, days="days", coverage="coverage", is_optional=True),
        Metric(name=CPU, days=MONTH_WITH_ITS_END, is_optional=True),
    )
    options = (
        Option(
            name="days",
            label=gettext_lazy("Look back"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
        Option(
            name="minimum_days",
            label=gettext_lazy("… and at least"),
            default=7,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Part of the hours that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="cpu_limit",
            label=gettext_lazy("CPU of the new size at most"),
            default=Decimal(80),
            unit="%",
            minimum=10,
            maximum=100,
        ),
        Option(
            name="memory_limit",
            label=gettext_lazy("Memory of the new size at most"),
            default=Decimal(85),
            unit="%",
            minimum=10,
            maximum=100,
        ),
        Option(
            name="busy_limit",
            label=gettext_lazy("Left alone if an hour was at"),
            default=Decimal(95),
            unit="%",
            minimum=50,
            maximum=100,
        ),
        Option(name="even_vcpus", label=gettext_lazy("Only one vCPU or even numbers"), default=True),
        Option(
            name="memory_step",
            label=gettext_lazy("Memory in steps of"),
            default=Decimal(1),
            unit=gettext_lazy("GiB"),
            minimum=Decimal("0.5"),
        ),
        Option(
            name="memory_per_vcpu",
            label=gettext_lazy("Memory per vCPU at most"),
            default=Decimal(16),
            unit=gettext_lazy("GiB"),
            minimum=1,
        ),
        Option(
            name="database_confidence",
            label=gettext_lazy("Confidence at most where a database would lose memory"),
            default=Decimal("0.5"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="cpu_only_confidence",
            label=gettext_lazy("Confidence at most where memory is not measured"),
            default=Decimal("0.6"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
    )
    base_confidence = Decimal("0.85")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.vcpus is None or facts.memory_mib is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its size is not known.")))
        if facts.status != "running":
            return NotMatched(Text(_("It is not running.")))
        cpu = facts.usage(CPU, options["days"])
        assert cpu is not None
        memory = facts.usage(MEMORY, options["days"])
        if memory is not None and memory.coverage < options["coverage"]:
            memory = None
        refused = _too_short(cpu, options) or _too_busy(facts, options)
        if refused is not None:
            return refused
        need = rightsizing.need_of(facts, cpu, memory, options)
        cost = rightsizing.cost_of_size(facts)
        assert cost is not None
        found = rightsizing.fits(facts, cost, need)
        if isinstance(found, Skip):
            return found
        best, others = found[0], found[1 : MOST_ALTERNATIVES + 1]
        return Finding(
            resource_pks=(facts.pk,),
            facts=_shown(facts, best, cpu, memory),
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - best.saving.saving,
            saving_monthly=best.saving.saving,
            currency=cost.currency,
            formula=_formula(cost, best),
            steps=(
                steps.agree_on_time(facts),
                steps.copy_server(facts),
                steps.resize(facts, _size(best)),
                steps.watch(7),
            ),
            matters={"from": _now(facts), "to": _size(best)},
            confidence=self._confidence(facts, options, best, cpu, memory, cost),
            summary=Text(
                _("Change “%(name)s” from %(now)s to %(size)s."),
                {"name": facts.name, "now": _now(facts), "size": _size(best)},
            ),
            notes=_notes(facts, need, memory),
            alternatives=tuple(_alternative(each, cost) for each in others),
            metrics=(CPU, *((MEMORY,) if memory is not None else ())),
        )

    def _confidence(
        self,
        facts: ResourceFacts,
        options: Options,
        best: Fit,
        cpu: MetricSummary,
        memory: MetricSummary | None,
        cost: CostSummary,
    ) -> Decimal:
        value = confidence(
            self.base_confidence,
            coverage=min(cpu.coverage, memory.coverage) if memory is not None else cpu.coverage,
            price_factor=best.saving.price_factor,
            observed_days=_days(cpu),
            lookback_days=options["days"],
            cost_days=cost.full_days,
        )
        if memory is None:
            value = min(value, options["cpu_only_confidence"])
        if best.quote.memory_mib < (facts.memory_mib or 0) and holds_memory(facts):
            value = min(value, options["database_confidence"])
        return value


def _too_short(cpu: MetricSummary, options: Options) -> Skip | None:
    """Its size is so new that what was measured of it says little."""
    days = _days(cpu)
    if days >= options["minimum_days"]:
        return None
    return Skip(
        SkipReason.TOO_FEW_SAMPLES,
        Text(
            _("It has had its size for %(days)d days; %(wanted)d are needed."),
            {"days": days, "wanted": options["minimum_days"]},
        ),
    )


def _days(summary: MetricSummary) -> int:
    """Over how many days it was looked, the first one counted whole."""
    return (summary.expected + 23) // 24


def _too_busy(facts: ResourceFacts, options: Options) -> Skip | None:
    for name in (CPU, MEMORY):
        series = facts.series.get(name)
        limit = options["busy_limit"]
        if series is not None and series.hours_at_least(float(limit), days=options["days"]):
            return Skip(
                SkipReason.GUARDED,
                Text(
                    _("“%(metric)s” was at %(limit)s or more for an hour."),
                    {"metric": series_name(name), "limit": percent(limit)},
                ),
            )
    return None


def _now(facts: ResourceFacts) -> str:
    return steps.size_in_words(facts.vcpus, facts.memory_mib)


def _size(fit: Fit) -> str:
    return steps.size_in_words(fit.quote.vcpus, fit.quote.memory_mib)


def _shown(
    facts: ResourceFacts, best: Fit, cpu: MetricSummary, memory: MetricSummary | None
) -> dict[str, Value]:
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    shown: dict[str, Value] = {
        _("Size now"): _now(facts),
        _("Size that is enough"): _size(best),
        _("CPU in 99 of 100 hours"): percent(cpu.p99),
        _("… of the new size"): percent(projected(cpu.p99, facts.vcpus, best.quote.vcpus)),
        _("Highest CPU"): percent(cpu.maximum),
        _("Highest CPU of the new size"): percent(projected(cpu.maximum, facts.vcpus, best.quote.vcpus)),
    }
    if memory is not None:
        now, then = Decimal(facts.memory_mib), Decimal(best.quote.memory_mib)
        shown[_("Memory in 99 of 100 hours")] = percent(memory.p99)
        shown[_("Memory of the new size in 99 of 100 hours")] = percent(projected(memory.p99, now, then))
        shown[_("Highest memory")] = percent(memory.maximum)
        shown[_("Highest memory of the new size")] = percent(projected(memory.maximum, now, then))
    shown[_("Days looked at")] = _days(cpu)
    return shown


def _formula(cost: CostSummary, best: Fit) -> Text:
    saving = best.saving
    return Text(
        _("%(now)s − %(target)s for %(size)s = %(saving)s"),
        {
            "now": money(kopecks(saving.saving + saving.target), cost.currency),
            "target": money(kopecks(saving.target), cost.currency),
            "size": _size(best),
            "saving": money(kopecks(saving.saving), cost.currency),
        },
    )


def _alternative(fit: Fit, cost: CostSummary) -> Text:
    return Text(
        _("%(size)s would save %(saving)s a month."),
        {"size": _size(fit), "saving": money(kopecks(fit.saving.saving), cost.currency)},
    )


def _notes(facts: ResourceFacts, need: Need, memory: MetricSummary | None) -> tuple[Text, ...]:
    notes = []
    engine = holds_memory(facts)
    if engine:
        notes.append(
            Text(
                _(
                    "A database or queue (%(engine)s) keeps memory it does not show as used: look at its caches."
                ),
                {"engine": engine},
            )
        )
    if memory is None:
        notes.append(Text(_("Its memory is not measured, so it stays as it is.")))
    if need.is_bursty:
        notes.append(Text(_("Its load comes in bursts: one step down, not more.")))
    if need.by_twin:
        notes.append(
            Text(_("A busier server of that name set the size: this one must be able to take its work."))
        )
    longest = facts.usage(CPU, MONTH_WITH_ITS_END)
    if longest is None or longest.count < MONTH_WITH_ITS_END * 24 * NEARLY_ALL:
        notes.append(Text(_("No whole month was seen: its end may need more.")))
    if any(part.resource_type == "licence" for part in facts.components):
        notes.append(
            Text(_("A licence belongs to it: see whether its price depends on the number of vCPUs."))
        )
    return tuple(notes)
