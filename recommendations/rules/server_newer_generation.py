"""A server of a line that has a successor for the same price or less."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import rightsizing, steps
from recommendations.engine.calculations import Saving, confidence, kopecks
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
from recommendations.engine.databases import database_quotes
from recommendations.engine.facts import CostSummary, ResourceFacts
from recommendations.engine.sizes import Quote, current_quote, quotes, zone_of

ARM = re.compile(r"(^|[^a-z])(arm|aarch|graviton|ampere|altra|kunpeng)", re.IGNORECASE)
SPECIAL_KEYS = ("gpu", "gpu_count", "nested_virtualization")
TARIFF_KEYS = ("configuration_id", "flavor_id", "flavor")
GPU = re.compile(r"gpu", re.IGNORECASE)


class NewerGeneration(Rule):
    """Which line follows which, the catalogue says (`Offer.successor_of`). Without a saving it is still faster."""

    id = "server.newer_generation"
    title = gettext_lazy("Newer generation for no more money")
    description = gettext_lazy(
        "The provider sells a successor of its line with the same vCPUs and memory for at most the same list price. A "
        "successor of another processor architecture is told with a confidence of %(other_architecture)s."
    )
    category = Category.RATE
    applies_to: ClassVar[frozenset[str]] = frozenset({"server", "database"})
    needs = (Cost(), Prices())
    options = (
        Option(
            name="other_architecture",
            label=gettext_lazy("Confidence where the processor architecture changes"),
            default=Decimal("0.4"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="minimum_saving_percent",
            label=gettext_lazy("… and smallest part of the cost"),
            default=Decimal(10),
            unit="%",
            minimum=0,
            maximum=100,
            help_text=gettext_lazy("A smaller saving is told as better performance."),
        ),
    )
    base_confidence = Decimal("0.7")
    effort = Effort.HOURS
    risk = Risk.LOW

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if GPU.search(str(facts.configuration.get("flavor") or "")) or any(
            facts.configuration.get(key) for key in SPECIAL_KEYS
        ):
            return Skip(SkipReason.GUARDED, Text(_("It has hardware that a newer line may lack.")))
        current = _current(facts)
        if current is None:
            return Skip(SkipReason.NO_PRICE, Text(_("What its size costs by list is not known.")))
        target = _successor(facts, current)
        if target is None:
            return NotMatched(Text(_("The list names no successor of its line for as much or less.")))
        cost = rightsizing.cost_of_size(facts)
        if cost is None:
            return Skip(SkipReason.NO_COST, Text(_("Its size changed today.")))
        if cost.currency != target.currency:
            return Skip(
                SkipReason.NO_PRICE, Text(_("It is billed in another currency than it is listed in."))
            )
        return _finding(self, facts, options, current, target, cost)


def _finding(
    rule: NewerGeneration,
    facts: ResourceFacts,
    options: Options,
    current: Quote,
    target: Quote,
    cost: CostSummary,
) -> Finding:
    saving = rightsizing.saving_of(cost, current, target)
    is_other = _is_arm(target) != _is_arm(current)
    sure = confidence(
        options["other_architecture"] if is_other else rule.base_confidence,
        price_factor=saving.price_factor,
        cost_days=cost.full_days,
    )
    least = max(cost.monthly * options["minimum_saving_percent"] / 100, options["minimum_saving"])
    notes = [Text(_("A newer generation usually does more in the same time."))]
    if is_other:
        notes.append(Text(_("Its processor is of another architecture: programs must be built for it.")))
    return Finding(
        resource_pks=(facts.pk,),
        facts={_("Line now"): current.family or current.name, _("Newer line"): target.family or target.name},
        current_monthly=cost.monthly,
        target_monthly=cost.monthly - saving.saving,
        saving_monthly=saving.saving,
        currency=cost.currency,
        formula=_formula(saving, cost, target),
        steps=(
            steps.agree_on_time(facts),
            steps.copy_server(facts),
            steps.resize(facts, target.name),
            steps.watch(7),
        ),
        matters={"from": current.family, "to": target.family, "name": target.name},
        confidence=sure,
        summary=Text(
            _("Move “%(name)s” to the newer line %(line)s."),
            {"name": facts.name, "line": target.family or target.name},
        ),
        notes=tuple(notes),
        variant="architecture" if is_other else "",
        category=Category.RATE if saving.saving >= least else Category.PERFORMANCE,
    )


def _current(facts: ResourceFacts) -> Quote | None:
    return _database_now(facts) if facts.resource_type == "database" else current_quote(facts)


def _database_now(facts: ResourceFacts) -> Quote | None:
    """The tariff that its bill or its configuration names; without a name the only one of its size."""
    if facts.vcpus is None or facts.memory_mib is None:
        return None
    size = (facts.vcpus, facts.memory_mib, facts.storage_gib)
    same = [
        each
        for each in _databases(facts, facts.vcpus, facts.memory_mib)
        if (each.vcpus, each.memory_mib, each.storage_gib) == size
    ]
    named = {part.sku_id for part in facts.parts} | {
        str(facts.configuration.get(key) or "") for key in TARIFF_KEYS
    }
    found = [each for each in same if all(offer.billing_sku_id in named - {""} for offer in each.offers)]
    if found:
        return found[0]
    return same[0] if len(same) == 1 else None


def _databases(facts: ResourceFacts, vcpus: Decimal, memory_mib: int) -> list[Quote]:
    provider, region_id = facts.connection.provider_type, facts.region_id or None
    return list(database_quotes(facts, provider, vcpus=vcpus, memory_mib=memory_mib, region_id=region_id))


def _successor(facts: ResourceFacts, current: Quote) -> Quote | None:
    """The cheapest of the same size that an offer calls the successor, at the current list price at most."""
    replaced = {each.sku_id for each in current.offers} | {each.family for each in current.offers} - {""}
    for each in _same_size(facts, current):
        if (
            any(offer.successor_of and offer.successor_of in replaced for offer in each.offers)
            and (each.vcpus, each.memory_mib) == (current.vcpus, current.memory_mib)
            and each.currency == current.currency
            and each.is_preemptible == current.is_preemptible
        ):
            return each if each.monthly <= current.monthly else None
    return None


def _same_size(facts: ResourceFacts, current: Quote) -> list[Quote]:
    book, provider = facts.connection.prices, facts.connection.provider_type
    if facts.resource_type == "database":
        return _databases(facts, current.vcpus, current.memory_mib)
    return list(
        quotes(
            book,
            provider,
            vcpus=current.vcpus,
            memory_mib=current.memory_mib,
            storage_gib=current.storage_gib,
            region_id=facts.region_id or None,
            zone_id=zone_of(facts),
            least_cpu_share=current.cpu_share,
            with_preemptible=current.is_preemptible,
        )
    )


def _is_arm(quote: Quote) -> bool:
    return any(ARM.search(f"{each.family} {each.name}") for each in quote.offers)


def _formula(saving: Saving, cost: CostSummary, target: Quote) -> Text:
    return Text(
        _("%(now)s − %(target)s for %(line)s = %(saving)s"),
        {
            "now": money(kopecks(saving.saving + saving.target), cost.currency),
            "target": money(kopecks(saving.target), cost.currency),
            "line": target.family or target.name,
            "saving": money(kopecks(saving.saving), cost.currency),
        },
    )
