"""A server whose work may be interrupted, at the full price."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, rightsizing
from recommendations.engine.calculations import confidence, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    Finding,
    NotMatched,
    Option,
    Options,
    Prices,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    money,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.sizes import Quote, current_quote, quotes, zone_of
from recommendations.engine.twins import twin_of
from recommendations.engine.workload import ROLE_TAGS, holds_memory


class ServerPreemptible(Rule):
    """How often a server is made anew is not looked at: what lives for hours is gone before it could be advised on."""

    id = "server.preemptible"
    title = gettext_lazy("Interruptible price would do")
    description = gettext_lazy(
        "A server for development or testing, or one whose name or tag says %(words)s, at the regular price, where the "
        "provider sells the same size interruptible. Such servers live for %(hours)d hours at most."
    )
    category = Category.RATE
    applies_to: ClassVar[frozenset[str]] = frozenset({"server"})
    needs = (Cost(), Prices())
    options = (
        Option(
            name="words",
            label=gettext_lazy("Words in names and tags of what may be interrupted"),
            default=("ci", "runner", "batch", "worker", "spot"),
        ),
        Option(
            name="hours",
            label=gettext_lazy("Longest life of an interruptible server"),
            default=24,
            unit=gettext_lazy("hours"),
            minimum=1,
        ),
        Option(
            name="minimum_saving_percent",
            label=gettext_lazy("… and smallest part of the cost"),
            default=Decimal(10),
            unit="%",
            minimum=0,
            maximum=100,
        ),
    )
    base_confidence = Decimal("0.6")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        refused = _refused(facts, options)
        if refused is not None:
            return refused
        current = current_quote(facts)
        if current is None:
            return Skip(SkipReason.NO_PRICE, Text(_("What its size costs by list is not known.")))
        if current.is_preemptible or facts.configuration.get("is_preemptible"):
            return Skip(SkipReason.ALREADY_OPTIMAL, Text(_("It is interruptible already.")))
        target = _interruptible(facts, current)
        if target is None:
            return Skip(
                SkipReason.UNSUPPORTED_BY_PROVIDER,
                Text(_("The provider sells no interruptible server of its size there.")),
            )
        cost = rightsizing.cost_of_size(facts)
        if cost is None:
            return Skip(SkipReason.NO_COST, Text(_("Its size changed today.")))
        if cost.currency != target.currency:
            return Skip(
                SkipReason.NO_PRICE, Text(_("It is billed in another currency than it is listed in."))
            )
        saving = rightsizing.saving_of(cost, current, target)
        if saving.saving <= 0:
            return Skip(SkipReason.ALREADY_OPTIMAL, Text(_("The interruptible one is no cheaper.")))
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("List price now, a month"): money(kopecks(current.monthly), current.currency),
                _("Interruptible, a month"): money(kopecks(target.monthly), target.currency),
                _("Longest life, hours"): options["hours"],
            },
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - saving.saving,
            saving_monthly=saving.saving,
            currency=cost.currency,
            formula=Text(
                _("%(now)s × (1 − %(target)s / %(current)s) = %(saving)s"),
                {
                    "now": money(kopecks(saving.saving + saving.target), cost.currency),
                    "target": money(kopecks(target.monthly), target.currency),
                    "current": money(kopecks(current.monthly), current.currency),
                    "saving": money(kopecks(saving.saving), cost.currency),
                },
            ),
            steps=(
                Text(_("See that its work can be broken off at any moment and goes on elsewhere or later.")),
                Text(_("Have it made from an image, by a script or by the system that gives it work.")),
                Text(
                    _("Make an interruptible server of the same size beside it and let both work for a week.")
                ),
                Text(_("Then take the regular one away.")),
            ),
            matters={"size": [facts.vcpus, facts.memory_mib], "to": target.family},
            confidence=confidence(
                self.base_confidence, price_factor=saving.price_factor, cost_days=cost.full_days
            ),
            summary=Text(_("Run “%(name)s” as an interruptible server."), {"name": facts.name}),
            notes=_notes(facts, options),
        )


def _refused(facts: ResourceFacts, options: Options) -> NotMatched | Skip | None:
    if facts.status != "running":
        return NotMatched(Text(_("It is not running.")))
    said = " ".join((facts.name, *(facts.tags.get(key, "") for key in ROLE_TAGS)))
    if not facts.is_development and not cleanup.word_in(said, options["words"]):
        return NotMatched(Text(_("Nothing says that it may be interrupted.")))
    engine = holds_memory(facts)
    if engine:
        return Skip(
            SkipReason.GUARDED,
            Text(_("It holds data (%(engine)s) that must not be lost."), {"engine": engine}),
        )
    disks = [each.name for each in facts.components if _is_data(each)]
    if disks:
        return Skip(
            SkipReason.GUARDED,
            Text(_("It has a disk of its own for data: %(disk)s."), {"disk": disks[0]}),
        )
    if facts.is_production and twin_of(facts) is None:
        return Skip(SkipReason.GUARDED, Text(_("In production, and nobody would go on when it is taken.")))
    return None


def _is_data(part: ResourceFacts) -> bool:
    """A volume that it does not start from: its boot disk says so itself, where the provider tells."""
    return part.resource_type == "volume" and not part.configuration.get("is_bootable")


def _interruptible(facts: ResourceFacts, current: Quote) -> Quote | None:
    """The cheapest interruptible server of at least its size, where it stands."""
    return next(
        (
            each
            for each in quotes(
                facts.connection.prices,
                facts.connection.provider_type,
                vcpus=current.vcpus,
                memory_mib=current.memory_mib,
                storage_gib=current.storage_gib,
                region_id=facts.region_id or None,
                zone_id=zone_of(facts),
                least_cpu_share=current.cpu_share,
                with_preemptible=True,
            )
            if each.is_preemptible
        ),
        None,
    )


def _notes(facts: ResourceFacts, options: Options) -> tuple[Text, ...]:
    notes = [
        Text(
            _(
                "The provider takes it away after %(hours)d hours at the latest, and sooner when it needs the place."
            ),
            {"hours": options["hours"]},
        )
    ]
    if twin_of(facts) is None:
        notes.append(Text(_("There is one of it alone: while it is taken away, nothing does its work.")))
    return tuple(notes)
