"""The same server, disk or database for less in another region of the same provider.

What shares a private network with it moves together with it or not at all; a server whose network mates are known is
therefore left alone. Where the provider does not tell who shares a network, a note says so.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence, scaled_saving
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
    percent,
)
from recommendations.engine.databases import host_count
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown
from recommendations.engine.regions import Listed, Standing, elsewhere, other_regions, standing
from recommendations.engine.residency import RESIDENCY_OPTIONS, may_be_there
from recommendations.engine.twins import twin_of

PERCENT = Decimal(100)
WAIT_DAYS = 7


class CheaperRegion(Rule):
    id = "server.cheaper_region"
    title = gettext_lazy("Cheaper in another region")
    description = gettext_lazy(
        "The same size of the same line costs at least %(minimum_difference)s %% less by list in another region of the "
        "provider that the account can use. Data tagged %(residency_tags)s stays in %(residency_countries)s; production "
        "moves only where a replica goes on working."
    )
    category = Category.RATE
    applies_to = frozenset({"server", "volume", "database"})
    options = (
        Option(
            name="minimum_difference",
            label=gettext_lazy("Least difference of list prices"),
            default=Decimal(10),
            unit="%",
            minimum=1,
            maximum=90,
        ),
        *RESIDENCY_OPTIONS,
        Option(
            name="minimum_saving_percent",
            label=gettext_lazy("… and smallest part of the cost"),
            default=Decimal(10),
            unit="%",
            minimum=0,
            maximum=100,
        ),
    )
    needs = (Cost(days=3), Prices())
    base_confidence = Decimal("0.5")
    effort = Effort.DAYS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        kept = _kept(facts)
        if kept is not None:
            return kept
        if not other_regions(facts):
            return Skip(SkipReason.NO_TARGET, Text(_("The account can use no other region with prices.")))
        now = standing(facts)
        if now is None:
            return Skip(SkipReason.NO_PRICE, Text(_("The list does not have exactly this here.")))
        there = elsewhere(facts, now)
        if not there:
            return Skip(SkipReason.NO_TARGET)
        allowed = [each for each in there if may_be_there(each.offers, facts, options)]
        if not allowed:
            return Skip(SkipReason.GUARDED, Text(_("Its data must not leave the country.")))
        best = allowed[0]
        difference = (now.listed.monthly - best.monthly) * PERCENT / now.listed.monthly
        if difference < options["minimum_difference"]:
            return NotMatched(
                Text(
                    _(
                        "The cheapest other region, %(region)s, differs by %(difference)s; %(limit)s is asked for."
                    ),
                    {
                        "region": best.region_id,
                        "difference": percent(difference),
                        "limit": percent(options["minimum_difference"]),
                    },
                )
            )
        return self._finding(facts, now, best, allowed[1:4])

    def _finding(self, facts: ResourceFacts, now: Standing, best: Listed, others: list[Listed]) -> Finding:
        current, currency = now.paid.monthly, now.paid.currency
        saving = scaled_saving(
            current,
            list_current=now.listed.monthly,
            list_target=best.monthly,
            is_interpolated=now.listed.is_interpolated or best.is_interpolated,
        )
        place = best.zone_id or best.region_id
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("Region now"): now.listed.zone_id or facts.region_id,
                _("Cheaper region"): place,
                _("Size"): steps.size_in_words(facts.vcpus, facts.memory_mib, facts.storage_gib),
                _("Disks that move with it"): len(now.disks),
                _("List price now"): shown(now.listed.monthly, currency),
                _("List price there"): shown(best.monthly, currency),
                _("Cost a month"): shown(current, currency),
            },
            current_monthly=current,
            target_monthly=saving.target,
            saving_monthly=saving.saving,
            currency=currency,
            formula=Text(
                _("%(current)s × (1 − %(target)s / %(list)s by list) = %(saving)s"),
                {
                    "current": shown(current, currency),
                    "target": shown(best.monthly, currency),
                    "list": shown(now.listed.monthly, currency),
                    "saving": shown(saving.saving, currency),
                },
            ),
            steps=(
                Text(
                    _("List what “%(name)s” talks to, and measure the delay from %(region)s to it."),
                    {"name": facts.name, "region": place},
                ),
                Text(_("Ask for enough quota in %(region)s."), {"region": best.region_id}),
                steps.copy_server(facts)
                if facts.resource_type == "server"
                else Text(_("Make a backup of “%(name)s”."), {"name": facts.name}),
                Text(
                    _("Create the same in %(region)s from the copy, and move the load over."),
                    {"region": place},
                ),
                *steps.after_a_copy(facts, WAIT_DAYS),
            ),
            matters={"from": facts.region_id, "to": best.region_id, "size": (facts.vcpus, facts.memory_mib)},
            confidence=confidence(
                self.base_confidence, price_factor=saving.price_factor, cost_days=now.paid.full_days
            ),
            summary=Text(_("Move “%(name)s” to %(region)s."), {"name": facts.name, "region": place}),
            notes=_notes(facts),
            alternatives=tuple(
                Text(
                    _("%(region)s: %(price)s a month by list"),
                    {"region": each.zone_id or each.region_id, "price": shown(each.monthly, currency)},
                )
                for each in others
            ),
            covers=tuple(each.pk for each in now.disks),
        )


def _kept(facts: ResourceFacts) -> Skip | None:
    if facts.parent is not None and facts.resource_type == "volume":
        return Skip(SkipReason.PART_OF_SOMETHING, Text(_("It moves with its server.")))
    if facts.is_production and not _has_replica(facts):
        return Skip(
            SkipReason.GUARDED, Text(_("It is production and has no replica that would go on working."))
        )
    if facts.connection.shares_network(facts.pk):
        return Skip(
            SkipReason.GUARDED,
            Text(_("It shares private networks with other servers: they move together or not at all.")),
        )
    return None


def _has_replica(facts: ResourceFacts) -> bool:
    return twin_of(facts) is not None or (host_count(facts) or 1) > 1


def _notes(facts: ResourceFacts) -> tuple[Text, ...]:
    notes = [
        Text(_("Traffic between the regions is not counted: how much there would be is not known.")),
    ]
    if not facts.connection.network_members:
        notes.append(
            Text(
                _(
                    "Which servers share a private network with it is not known; those that do move together with it."
                )
            )
        )
    return tuple(notes)
