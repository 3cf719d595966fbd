"""A managed database to which nobody connects."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
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
    number,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown

CONNECTIONS = "connections"


class DatabaseIdle(Rule):
    id = "database.idle"
    title = gettext_lazy("Database without connections")
    description = gettext_lazy(
        "In %(days)s days nobody connected to it: never more than %(monitoring_connections)s connections, which are those "
        "of the provider's own monitoring. It is dumped, stopped and, after %(wait_days)s more days, deleted."
    )
    category = Category.CLEANUP
    applies_to = frozenset({"database"})
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days without a connection"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
        Option(
            name="monitoring_connections",
            label=gettext_lazy("Connections that monitoring keeps open"),
            default=0,
            minimum=0,
            maximum=20,
            help_text=gettext_lazy("A database with no more than these counts as one without connections."),
        ),
        Option(
            name="wait_days",
            label=gettext_lazy("Days between stopping and deleting"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
    )
    needs = (Age(days="days"), Cost(days=3), Metric(name=CONNECTIONS, days="days"))
    base_confidence = Decimal("0.85")
    effort = Effort.MINUTES
    risk = Risk.HIGH
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        days = int(options["days"])
        open_ones = facts.usage(CONNECTIONS, days, since_resize=False)
        cost = facts.cost_with_components(days)
        if open_ones is None or cost is None:
            return Skip(SkipReason.NO_METRICS if open_ones is None else SkipReason.NO_COST)
        if open_ones.maximum > options["monitoring_connections"]:
            return NotMatched(
                Text(
                    _("Up to %(count)s connections were open; at most %(limit)d count as none."),
                    {
                        "count": number(open_ones.maximum),
                        "limit": int(options["monitoring_connections"]),
                    },
                )
            )
        monthly = cost.monthly
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("Most connections at once"): number(open_ones.maximum),
                _("Days looked at"): days,
                _("Hours measured"): open_ones.count,
                _("Engine"): " ".join(filter(None, (facts.engine, facts.engine_version))),
                _("Size"): steps.size_in_words(facts.vcpus, facts.memory_mib, facts.storage_gib),
                _("Cost a month"): shown(monthly, cost.currency),
            },
            current_monthly=monthly,
            target_monthly=Decimal(0),
            saving_monthly=monthly,
            currency=cost.currency,
            formula=Text(
                _("%(day)s a day × 30 = %(saving)s"),
                {"day": shown(cost.day_cost, cost.currency), "saving": shown(monthly, cost.currency)},
            ),
            steps=(
                steps.ask_owner(facts),
                Text(_("Tell its users that “%(name)s” will be stopped."), {"name": facts.name}),
                Text(
                    _("Dump all of “%(name)s” and see that the dump can be read back."), {"name": facts.name}
                ),
                Text(_("Stop “%(name)s”, or forbid all connections to it."), {"name": facts.name}),
                *steps.after_a_copy(facts, int(options["wait_days"])),
            ),
            matters={"size": (facts.vcpus, facts.memory_mib, facts.storage_gib), "engine": facts.engine},
            confidence=confidence(
                self.base_confidence,
                coverage=open_ones.coverage,
                observed_days=facts.age_days,
                lookback_days=days,
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Dump “%(name)s”, stop it and delete it: nobody connected in %(days)d days."),
                {"name": facts.name, "days": days},
            ),
            metrics=tuple(name for name in (CONNECTIONS, "cpu_percent") if name in facts.series),
            covers=tuple(each.pk for each in facts.components),
        )
