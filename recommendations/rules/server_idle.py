"""A server that runs and does nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, idle, steps
from recommendations.engine.calculations import confidence, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Effort,
    Finding,
    Options,
    Risk,
    Rule,
    Text,
    Value,
    money,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.stopping import how, share_off, stop_of


class ServerIdle(Rule):
    """Deleting it saves its disks and addresses too; what merely switching it off saves stands beside it."""

    id = "server.idle"
    title = gettext_lazy("Runs and does nothing")
    description = gettext_lazy(
        "Over %(days)d days the CPU is at %(cpu_average)s %% on average and at %(cpu_p99)s %% in 99 of 100 hours at "
        "most, and the network carries at most %(network)s B/s. Where the network is not measured, the CPU may be at "
        "%(cpu_average_alone)s %% on average."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"server"})
    needs = idle.NEEDS
    options = idle.OPTIONS
    base_confidence = Decimal("0.8")
    effort = Effort.MINUTES
    risk = Risk.MEDIUM
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        quiet = idle.quiet(facts, options)
        if not isinstance(quiet, idle.Quiet):
            return quiet
        cost = facts.cost_with_components(cleanup.COST_DAYS)
        own = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        assert own is not None
        shown: dict[str, Value] = dict(quiet.shown)
        notes = quiet.notes
        stop = stop_of(facts)
        if stop is not None:
            saved = kopecks(own.monthly * share_off(facts, stop))
            shown[_("Saved if it is only switched off")] = money(saved, cost.currency)
            notes = (*notes, how(stop))
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown,
            current_monthly=cost.monthly,
            target_monthly=Decimal(0),
            saving_monthly=cost.monthly,
            currency=cost.currency,
            formula=cleanup.whole_cost_formula(cost),
            steps=(
                steps.ask_owner(facts),
                steps.stop_server(facts),
                steps.copy_server(facts),
                *steps.after_a_copy(facts, options["waiting_days"]),
            ),
            matters=quiet.matters,
            confidence=confidence(
                self.base_confidence,
                coverage=quiet.coverage,
                observed_days=facts.observed_days,
                lookback_days=options["days"],
                cost_days=cost.full_days,
                factor=quiet.factor,
            ),
            summary=Text(
                _("Stop “%(name)s”, which does nothing, and delete it later."), {"name": facts.name}
            ),
            notes=notes,
            metrics=quiet.metrics,
            covers=tuple(part.pk for part in facts.components),
        )
