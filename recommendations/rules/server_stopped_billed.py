"""A server that is off and still paid for."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from providers.contract.stopping import StopBy
from recommendations.engine import cleanup, steps
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
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    day,
    money,
)
from recommendations.engine.facts import CostSummary, ResourceFacts
from recommendations.engine.stopping import copy_monthly, how, share_off, stop_of

SHELVED = "shelved"
RESERVED_TAGS = ("reserved", "keep")


class ServerStoppedBilled(Rule):
    """Off for some weeks it is shelved, where that is free; after the longer time a copy of its disks is enough."""

    id = "server.stopped_billed"
    title = gettext_lazy("Switched off and still paid for")
    description = gettext_lazy(
        "A server that has been off for at least %(days)d days and still costs something: shelve it, where the provider "
        "does not charge for that. After %(long_days)d days, or where it does, copy its disks and delete it."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"server"})
    needs = (Cost(),)
    options = (
        Option(name="days", label=gettext_lazy("Off for"), default=14, unit=gettext_lazy("days"), minimum=1),
        Option(
            name="long_days",
            label=gettext_lazy("Copied and deleted after"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="waiting_days",
            label=gettext_lazy("Wait before deleting"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=30,
        ),
    )
    base_confidence = Decimal("0.9")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status != "stopped":
            return NotMatched(Text(_("It is not switched off.")))
        refused = _kept(facts)
        if refused is not None:
            return refused
        off_days = facts.days_since(facts.status_since)
        if off_days < options["days"]:
            return cleanup.too_short(off_days, options["days"])
        cost, own = facts.cost_with_components(cleanup.COST_DAYS), facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        assert own is not None
        if cost.day_cost <= 0:
            return NotMatched(Text(_("It costs nothing while it is off.")))
        shelved = _shelving_saves(facts, own) if off_days < options["long_days"] else None
        copy = _copies_monthly(facts)
        if shelved is not None:
            target: Decimal | None = cost.monthly - shelved
        else:
            target = copy
        saving = None if target is None else cost.monthly - target
        return Finding(
            resource_pks=(facts.pk,),
            facts=_shown(facts, cost, own, off_days),
            current_monthly=cost.monthly,
            target_monthly=target,
            saving_monthly=saving,
            currency=cost.currency,
            formula=_formula(cost, target, is_shelved=shelved is not None),
            steps=_shelve_steps(facts) if shelved is not None else _delete_steps(facts, options),
            matters={
                "advice": "shelve" if shelved is not None else "delete",
                "since": facts.status_since.date(),
            },
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
            summary=Text(
                _("Shelve “%(name)s”, which is off and paid for.")
                if shelved is not None
                else _("Copy the disks of “%(name)s”, which is off and paid for, and delete it."),
                {"name": facts.name},
            ),
            notes=_notes(facts, copy),
            covers=() if shelved is not None else tuple(part.pk for part in facts.components),
        )


def _kept(facts: ResourceFacts) -> Skip | None:
    if any(tag.startswith("schedule") for tag in facts.tags):
        return Skip(SkipReason.GUARDED, Text(_("Its tag says that it is switched off by a schedule.")))
    return cleanup.kept_by_tag(facts, RESERVED_TAGS)


def _shelving_saves(facts: ResourceFacts, own: CostSummary) -> Decimal | None:
    """What shelving it saves a month; None where nothing can be shelved, or where that is done."""
    stop = stop_of(facts)
    if stop is None or stop.by is not StopBy.SHELVE or facts.provider_status.casefold().startswith(SHELVED):
        return None
    saved = own.monthly * share_off(facts, stop)
    return saved if saved > 0 else None


def _copies_monthly(facts: ResourceFacts) -> Decimal | None:
    """What snapshots of all its disks cost; None where the price of one of them is not known."""
    disks = [each for each in facts.components if each.resource_type == "volume"]
    if facts.storage_gib is not None:
        disks.append(facts)
    prices = [copy_monthly(each) for each in disks]
    if not disks or None in prices:
        return None
    return sum((price for price in prices if price is not None), Decimal(0))


def _shown(facts: ResourceFacts, cost: CostSummary, own: CostSummary, off_days: int) -> dict[str, Value]:
    return {
        _("Off since"): day(facts.status_since),
        _("Days off"): off_days,
        _("Charged for the server itself, a month"): money(kopecks(own.monthly), cost.currency),
        _("Charged for its disks and addresses, a month"): money(
            kopecks(cost.monthly - own.monthly), cost.currency
        ),
    }


def _formula(cost: CostSummary, target: Decimal | None, *, is_shelved: bool) -> Text:
    if target is None:
        return Text(
            _("%(cost)s less what a copy of its disks costs, which no list tells"),
            {"cost": money(kopecks(cost.monthly), cost.currency)},
        )
    values = {
        "cost": money(kopecks(cost.monthly), cost.currency),
        "target": money(kopecks(target), cost.currency),
        "saving": money(kopecks(cost.monthly - target), cost.currency),
    }
    if is_shelved:
        return Text(_("%(cost)s − %(target)s for what stays charged = %(saving)s"), values)
    return Text(_("%(cost)s − %(target)s for a copy of its disks = %(saving)s"), values)


def _shelve_steps(facts: ResourceFacts) -> tuple[Text, ...]:
    return (steps.ask_owner(facts), steps.shelve_server(facts), steps.check_bill())


def _delete_steps(facts: ResourceFacts, options: Options) -> tuple[Text, ...]:
    volumes = [each for each in facts.components if each.resource_type == "volume"]
    return (
        steps.ask_owner(facts),
        *([steps.copy_server(facts)] if facts.storage_gib is not None or not volumes else []),
        *(steps.snapshot_volume(each) for each in volumes),
        *steps.after_a_copy(facts, options["waiting_days"]),
    )


def _notes(facts: ResourceFacts, copy: Decimal | None) -> tuple[Text, ...]:
    notes = []
    stop = stop_of(facts)
    if stop is not None:
        notes.append(how(stop))
    if facts.status_since <= facts.first_seen_at:
        notes.append(Text(_("It was off when it was first seen; for how long is not known.")))
    if copy is None:
        notes.append(Text(_("What a copy of its disks costs is not known here.")))
    return tuple(notes)
