"""A rented machine that runs and does nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, idle, steps
from recommendations.engine.calculations import confidence
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
    day,
)
from recommendations.engine.facts import ResourceFacts


class DedicatedIdle(Rule):
    """As `server.idle`; what is paid for ahead is not paid back, so the saving begins when that ends."""

    id = "dedicated.idle"
    title = gettext_lazy("Dedicated server does nothing")
    description = gettext_lazy(
        "Over %(days)d days the CPU of a dedicated server is at %(cpu_average)s %% on average and at %(cpu_p99)s %% in 99 "
        "of 100 hours at most, and the network carries at most %(network)s B/s. Where the network is not measured, the "
        "CPU may be at %(cpu_average_alone)s %% on average."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"dedicated_server"})
    needs = idle.NEEDS
    options = idle.OPTIONS
    base_confidence = Decimal("0.8")
    effort = Effort.HOURS
    risk = Risk.MEDIUM
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        quiet = idle.quiet(facts, options)
        if not isinstance(quiet, idle.Quiet):
            return quiet
        cost = facts.cost_with_components(cleanup.COST_DAYS)
        assert cost is not None
        shown: dict[str, Value] = dict(quiet.shown)
        if facts.paid_until is None:
            begins = Text(_("The saving begins when the paid period ends; its end is not known here."))
            end = Text(_("Give the server up before its paid period ends; what is paid is not paid back."))
        else:
            shown[_("Paid until")] = day(facts.paid_until)
            begins = Text(
                _("The saving begins on %(day)s, when the paid period ends."), {"day": day(facts.paid_until)}
            )
            end = Text(
                _("Give the server up before %(day)s; what is paid is not paid back."),
                {"day": day(facts.paid_until)},
            )
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
                Text(
                    _("Copy what is on its disks: they are erased, and the provider keeps no copy."),
                ),
                Text(_("Switch it off.")),
                steps.wait(options["waiting_days"]),
                steps.what_disappears(facts),
                end,
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
                _("Give up the rented server “%(name)s”, which does nothing."), {"name": facts.name}
            ),
            notes=(begins, *quiet.notes),
            metrics=quiet.metrics,
            covers=tuple(part.pk for part in facts.components),
        )
