"""A server that nobody uses at night and at weekends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine import cleanup, idle
from recommendations.engine.calculations import INTERPOLATED_PRICE, confidence, kopecks
from recommendations.engine.calendar import Calendar
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
    weekly,
)
from recommendations.engine.facts import CostSummary, ResourceFacts
from recommendations.engine.stopping import (
    HOURS_OF_MONTH,
    CalendarSaving,
    how,
    saved_by,
    stop_of,
    switch_off_steps,
)
from recommendations.engine.usage import HOURS_OF_DAY, HOURS_OF_WEEK, week_of, windows

RECREATED = Decimal("0.7")
"""Weight of what must be deleted and made again: it is rarely done as it was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A calendar to propose and how sure it is; one that was not measured is suggested."""

    calendar: Calendar
    is_suggested: bool
    sure: Decimal


class ServerSchedule(Rule):
    """Hours of the week that were quiet in every week seen; what is saved follows the provider's own rules.

    Where it is not enough to switch a server off (`StopSaves`), the advice says what is: shelving it (OpenStack, Selectel,
    by the hour), or deleting it and making it again from an image (Beget, by the day: then only whole days count, and
    the image's price is taken off).
    """

    id = "server.schedule"
    title = gettext_lazy("Nights and weekends off")
    description = gettext_lazy(
        "Hours of the week in which over %(days)d days the CPU never rose above %(cpu)s %% and the network above "
        "%(network)s B/s: at least %(window_hours)d in a row, and %(quiet_hours)d in a week. Without measurements, for what "
        "is not production and costs %(suggest_from)s ₽ a month or more, working hours are suggested."
    )
    category = Category.SCHEDULE
    applies_to: ClassVar[frozenset[str]] = frozenset({"server", "kubernetes_node_group", "database"})
    needs = (
        Age(days="minimum_days"),
        Cost(),
        Metric(name=idle.CPU, days="days", is_optional=True),
        *(Metric(name=name, days="days", is_optional=True) for name in idle.NETWORK),
    )
    options = (
        Option(
            name="days",
            label=gettext_lazy("Look back"),
            default=28,
            unit=gettext_lazy("days"),
            minimum=14,
            maximum=90,
        ),
        Option(
            name="minimum_days",
            label=gettext_lazy("… and at least"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=14,
        ),
        Option(
            name="cpu",
            label=gettext_lazy("CPU of a quiet hour at most"),
            default=Decimal(5),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="network",
            label=gettext_lazy("Network of a quiet hour, both ways together, at most"),
            default=Decimal(1000),
            unit=gettext_lazy("B/s"),
            minimum=0,
        ),
        Option(
            name="weeks",
            label=gettext_lazy("Weeks in which an hour must be seen"),
            default=2,
            minimum=1,
        ),
        Option(
            name="window_hours",
            label=gettext_lazy("Off for at least"),
            default=4,
            unit=gettext_lazy("hours"),
            minimum=1,
        ),
        Option(
            name="quiet_hours",
            label=gettext_lazy("Quiet for at least"),
            default=40,
            unit=gettext_lazy("hours a week"),
            minimum=1,
            maximum=HOURS_OF_WEEK,
        ),
        Option(
            name="suggest_from",
            label=gettext_lazy("Without measurements from a cost of"),
            default=Decimal(1000),
            unit=gettext_lazy("₽ a month"),
            minimum=0,
        ),
        Option(
            name="suggested_confidence",
            label=gettext_lazy("Confidence without measurements"),
            default=Decimal("0.35"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(name="office_start", label=gettext_lazy("Working hours begin"), default=8, maximum=23),
        Option(name="office_end", label=gettext_lazy("Working hours end"), default=20, maximum=24),
    )
    base_confidence = Decimal("0.75")
    effort = Effort.HOURS
    risk = Risk.LOW

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status != "running":
            return NotMatched(Text(_("It is not running.")))
        if any(tag.startswith("schedule") for tag in facts.tags):
            return NotMatched(Text(_("Its tag says that it has a schedule.")))
        stop = stop_of(facts)
        if stop is None:
            return Skip(
                SkipReason.UNSUPPORTED_BY_PROVIDER,
                Text(_("The provider charges it the same, whether it runs or not.")),
            )
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        plan = self._plan(facts, options, stop, cost)
        if not isinstance(plan, Plan):
            return plan
        return _finding(facts, cost, stop, plan)

    def _plan(
        self, facts: ResourceFacts, options: Options, stop: StopSaves, cost: CostSummary
    ) -> Plan | Skip | NotMatched:
        cpu = facts.usage(idle.CPU, options["minimum_days"], since_resize=False)
        if cpu is None or cpu.coverage < idle.LEAST_COVERAGE:
            return _suggested(facts, options, stop, cost)
        runs = windows(_quiet(facts, options), shortest=options["window_hours"])
        off = {(first + n) % HOURS_OF_WEEK for first, length in runs for n in range(length)}
        if len(off) < options["quiet_hours"]:
            return NotMatched(
                Text(
                    _("It is quiet for %(hours)d hours a week; the rule wants %(wanted)d."),
                    {"hours": len(off), "wanted": options["quiet_hours"]},
                )
            )
        if len(off) == HOURS_OF_WEEK:
            return NotMatched(Text(_("It is quiet all week: whether it is idle is another rule's question.")))
        sure = confidence(
            self.base_confidence,
            coverage=cpu.coverage,
            observed_days=facts.observed_days,
            lookback_days=options["minimum_days"],
            cost_days=cost.full_days,
            factor=RECREATED if stop.by is StopBy.RECREATE else Decimal(1),
        )
        return Plan(
            calendar=Calendar.of_hours(set(range(HOURS_OF_WEEK)) - off), is_suggested=False, sure=sure
        )


def _quiet(facts: ResourceFacts, options: Options) -> frozenset[int]:
    """Hours of the week that were quiet in every week seen; a network that is not measured is not asked."""
    zone, start = facts.connection.zone, facts.connection.now - timedelta(days=options["days"])
    found = [(week_of(facts.series[idle.CPU].since(start).points, zone), float(options["cpu"]))]
    if idle.network_average(facts, options["minimum_days"]) is not None:
        received, sent = (facts.series[name].since(start).points for name in idle.NETWORK)
        total: dict[datetime, float] = {}
        for at, average, _highest in (*received, *sent):
            total[at] = total.get(at, 0.0) + average
        both = [(at, value, value) for at, value in sorted(total.items())]
        found.append((week_of(both, zone), float(options["network"])))
    return frozenset(
        hour
        for hour in range(HOURS_OF_WEEK)
        if all(week.is_quiet(hour, limit, weeks=options["weeks"]) for week, limit in found)
    )


def _suggested(
    facts: ResourceFacts, options: Options, stop: StopSaves, cost: CostSummary
) -> Plan | Skip | NotMatched:
    """Working hours, for what is not production and not measured."""
    if not facts.is_development:
        return Skip(
            SkipReason.NO_METRICS,
            Text(_("When it works is not measured, and it is not known to be for development.")),
        )
    least = options["suggest_from"]
    if cost.currency == "RUB" and cost.monthly < least:
        return NotMatched(
            Text(
                _("It is not measured and costs %(cost)s a month; the rule suggests from %(least)s."),
                {"cost": money(kopecks(cost.monthly)), "least": money(least)},
            )
        )
    calendar = Calendar.office(options["office_start"], options["office_end"])
    sure = options["suggested_confidence"]
    return Plan(calendar=calendar, is_suggested=True, sure=sure)


def _finding(facts: ResourceFacts, cost: CostSummary, stop: StopSaves, plan: Plan) -> Answer:
    saved = saved_by(plan.calendar, facts, stop, cost.monthly)
    if not saved.free_hours:
        return Skip(
            SkipReason.UNSUPPORTED_BY_PROVIDER,
            Text(_("The provider charges whole days, and no day of the week is quiet.")),
        )
    sure = plan.sure * (INTERPOLATED_PRICE if saved.copy is None else 1)
    return Finding(
        resource_pks=(facts.pk,),
        facts=_shown(plan, saved),
        current_monthly=cost.monthly,
        target_monthly=cost.monthly - saved.monthly,
        saving_monthly=saved.monthly,
        currency=cost.currency,
        formula=_formula(cost, saved),
        steps=_steps(facts, stop),
        matters={"calendar": plan.calendar.as_data(), "by": stop.by.value},
        confidence=sure.quantize(Decimal("0.01")),
        summary=Text(
            _("Let “%(name)s” run only in these hours: %(hours)s."),
            {"name": facts.name, "hours": weekly(plan.calendar)},
        ),
        effort=Effort.DAYS if stop.by is StopBy.RECREATE else Effort.HOURS,
        risk=Risk.LOW if facts.is_development and stop.by is not StopBy.RECREATE else Risk.MEDIUM,
        notes=_notes(stop, plan, saved),
        metrics=() if plan.is_suggested else (idle.CPU, *idle.NETWORK),
    )


def _shown(plan: Plan, saved: CalendarSaving) -> dict[str, Value]:
    return {
        _("Runs"): weekly(plan.calendar),
        _("Off, hours a week"): len(plan.calendar.off_hours),
        _("Of them not charged"): saved.free_hours,
        _("Part of its price that is not charged then"): percent(saved.share * 100),
    }


def _formula(cost: CostSummary, saved: CalendarSaving) -> Text:
    values = {
        "hour": money((cost.monthly / HOURS_OF_MONTH).quantize(Decimal("0.0001")), cost.currency),
        "share": percent(saved.share * 100),
        "free": saved.free_hours,
        "saving": money(kopecks(saved.monthly), cost.currency),
    }
    if saved.copy:
        return Text(
            _("%(hour)s an hour × %(share)s × %(free)d hours × 30 / 7 − %(copy)s for its image = %(saving)s"),
            {**values, "copy": money(kopecks(saved.copy), cost.currency)},
        )
    return Text(_("%(hour)s an hour × %(share)s × %(free)d hours × 30 / 7 = %(saving)s"), values)


def _steps(facts: ResourceFacts, stop: StopSaves) -> tuple[Text, ...]:
    return (
        Text(_("Agree on the calendar with those who use it: who starts it outside of it, and on holidays.")),
        Text(_("See that nothing else needs it at night: backups, timed jobs, jobs of other servers.")),
        *switch_off_steps(facts, stop),
        Text(_("Make the calendar a power schedule, or start and stop it by a timed job.")),
        Text(_("Check the bill after a week.")),
    )


def _notes(stop: StopSaves, plan: Plan, saved: CalendarSaving) -> tuple[Text, ...]:
    notes = [how(stop)]
    if stop.least_hours >= HOURS_OF_DAY:
        notes.append(Text(_("The provider charges by the day: nights save nothing, whole days do.")))
    if plan.is_suggested:
        notes.append(Text(_("When it works is not measured: these are usual working hours.")))
    if saved.copy is None:
        notes.append(Text(_("What keeping its image costs is not known here, and not taken off.")))
    return tuple(notes)
