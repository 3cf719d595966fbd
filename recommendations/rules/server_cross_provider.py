"""The same server, database or bucket for less at another provider."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
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
    number,
    percent,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.market import Candidate, Wanted, candidates, wanted
from recommendations.engine.rates import shown
from recommendations.engine.regions import Standing, elsewhere, standing
from recommendations.engine.residency import RESIDENCY_OPTIONS, may_be_there

PERCENT = Decimal(100)
UNKNOWN_SPECIFICATION = Decimal("0.4")
TOP = 3
WAIT_DAYS = 14


class CrossProvider(Rule):
    id = "server.cross_provider"
    title = gettext_lazy("Cheaper at another provider")
    description = gettext_lazy(
        "The same size is sold elsewhere for at least %(minimum_percent)s %% and %(minimum_saving)s ₽ a month less, and moving "
        "pays back within %(payback_months)s months. Prices older than %(price_days)s days do not count. Data tagged "
        "%(residency_tags)s stays in %(residency_countries)s."
    )
    category = Category.RATE
    applies_to = frozenset({"server", "database", "s3_bucket"})
    options = (
        Option(
            name="minimum_percent",
            label=gettext_lazy("Least difference to what is paid now"),
            default=Decimal(20),
            unit="%",
            minimum=1,
            maximum=90,
        ),
        Option(
            name="minimum_saving",
            label=gettext_lazy("Smallest saving worth telling"),
            default=Decimal(500),
            unit=gettext_lazy("₽ a month"),
            minimum=0,
        ),
        Option(
            name="minimum_score",
            label=gettext_lazy("Least match, 0 to 1"),
            default=Decimal("0.8"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="payback_months",
            label=gettext_lazy("Longest payback"),
            default=Decimal(12),
            unit=gettext_lazy("months"),
            minimum=1,
            maximum=60,
        ),
        Option(
            name="effort_hours",
            label=gettext_lazy("Hours that moving takes"),
            default=Decimal(8),
            unit=gettext_lazy("hours"),
            minimum=0,
            maximum=1000,
        ),
        Option(
            name="hourly_rate",
            label=gettext_lazy("What an hour of an engineer costs"),
            default=Decimal(2000),
            unit="₽",
            minimum=0,
        ),
        Option(
            name="price_days",
            label=gettext_lazy("Days after which a price is too old"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=1,
            maximum=90,
        ),
        Option(
            name="tax_percent",
            label=gettext_lazy("Tax added to prices without it"),
            default=Decimal(22),
            unit="%",
            minimum=0,
            maximum=50,
        ),
        Option(
            name="allowed_providers",
            label=gettext_lazy("Providers that may be named"),
            default=(),
            help_text=gettext_lazy("Empty: all whose prices are in the catalogue."),
        ),
        *RESIDENCY_OPTIONS,
        Option(
            name="minimum_confidence",
            label=gettext_lazy("Least confidence"),
            default=Decimal("0.45"),
            minimum=Decimal(0),
            maximum=Decimal(1),
            help_text=gettext_lazy(
                "At 0.4 and less, things whose specification is not wholly known are compared too."
            ),
        ),
    )
    needs = (Cost(days=3),)
    base_confidence = Decimal("0.6")
    effort = Effort.DAYS
    risk = Risk.HIGH

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        connection = facts.connection
        if connection.shares_network(facts.pk):
            return Skip(
                SkipReason.GUARDED,
                Text(_("It shares private networks with other servers: they move together or not at all.")),
            )
        allowed = set(options["allowed_providers"]) or connection.prices.provider_types()
        others = sorted((connection.prices.provider_types() & allowed) - {connection.provider_type})
        if not others:
            return Skip(SkipReason.NO_PRICE, Text(_("No prices of another provider are known.")))
        now = standing(facts) if facts.resource_type != "s3_bucket" else None
        want = wanted(facts, now)
        if want is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its size or its cost is not wholly known.")))
        found = candidates(facts, want, others, tax_percent=options["tax_percent"])
        fitting = _fitting(facts, want, found, options)
        if isinstance(fitting, Skip):
            return fitting
        best, current = fitting[0], want.cost.monthly
        cheapest_here = _cheapest_here(facts, now, current, options)
        difference = (cheapest_here - best.monthly) * PERCENT / cheapest_here if cheapest_here else Decimal(0)
        if difference < options["minimum_percent"]:
            return NotMatched(
                Text(
                    _(
                        "The cheapest of the others, %(provider)s, costs %(difference)s less than the cheapest region here; "
                        "%(limit)s is asked for."
                    ),
                    {
                        "provider": best.provider_type,
                        "difference": percent(difference),
                        "limit": percent(options["minimum_percent"]),
                    },
                )
            )
        once, egress = _one_off(facts, want, options)
        payback = once / (current - best.monthly)
        if payback > options["payback_months"]:
            return Skip(
                SkipReason.SAVING_TOO_SMALL,
                Text(
                    _("Moving would pay back in %(months)s months; %(limit)s are allowed."),
                    {"months": number(round(payback, 1)), "limit": number(options["payback_months"])},
                ),
            )
        return self._finding(facts, want, fitting[:TOP], once, payback, is_egress_known=egress)

    def _finding(
        self,
        facts: ResourceFacts,
        want: Wanted,
        top: list[Candidate],
        once: Decimal,
        payback: Decimal,
        *,
        is_egress_known: bool,
    ) -> Finding:
        best, current, currency = top[0], want.cost.monthly, want.cost.currency
        saving = current - best.monthly
        sure = confidence(self.base_confidence, cost_days=want.cost.full_days, factor=best.score)
        shown_facts: dict[str, Value] = {
            _("Provider now"): facts.connection.provider_name,
            _("Other provider"): best.provider_type,
            _("What is sold there"): _in_words(best),
            _("Size"): steps.size_in_words(facts.vcpus, facts.memory_mib, want.storage_gib),
            _("Cost a month"): shown(current, currency),
            _("Price there a month"): shown(best.monthly, currency),
            _("Match"): percent(best.score * PERCENT),
            _("One-off cost of moving"): shown(once, currency),
            _("Pays back in months"): number(round(payback, 1)),
        }
        if want.disk_class and best.disk_class:
            shown_facts[_("Disk class now and there")] = f"{want.disk_class} / {best.disk_class}"
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown_facts,
            current_monthly=current,
            target_monthly=best.monthly,
            saving_monthly=saving,
            currency=currency,
            formula=Text(
                _("%(current)s − %(target)s by list = %(saving)s"),
                {
                    "current": shown(current, currency),
                    "target": shown(best.monthly, currency),
                    "saving": shown(saving, currency),
                },
            ),
            steps=(
                Text(
                    _("Order the smallest test of %(what)s for a week and measure it with the real load."),
                    {"what": _in_words(best)},
                ),
                Text(
                    _("List what “%(name)s” talks to: addresses, names, allow-lists, backups."),
                    {"name": facts.name},
                ),
                Text(
                    _("Copy “%(name)s” over while it works on, and rehearse the switch."),
                    {"name": facts.name},
                ),
                Text(
                    _("Agree on a time, stop writing to “%(name)s”, copy the rest, switch the names."),
                    {"name": facts.name},
                ),
                *steps.after_a_copy(facts, WAIT_DAYS),
            ),
            matters={
                "to": (best.provider_type, best.region_id, best.name),
                "size": (facts.vcpus, facts.memory_mib),
            },
            confidence=sure if want.is_known else min(sure, UNKNOWN_SPECIFICATION),
            summary=Text(
                _("Move “%(name)s” to %(provider)s: %(what)s costs less."),
                {"name": facts.name, "provider": best.provider_type, "what": _in_words(best)},
            ),
            notes=_notes(want, best, is_egress_known=is_egress_known),
            alternatives=tuple(
                Text(
                    _("%(provider)s, %(what)s: %(price)s a month"),
                    {
                        "provider": each.provider_type,
                        "what": _in_words(each),
                        "price": shown(each.monthly, currency),
                    },
                )
                for each in top[1:]
            ),
            covers=tuple(
                each.pk for each in facts.components if each.resource_type in ("volume", "floating_ip")
            ),
            variant=best.provider_type,
            one_off_cost=once.quantize(Decimal("0.01")),
        )


def _fitting(
    facts: ResourceFacts, want: Wanted, found: list[Candidate], options: Options
) -> list[Candidate] | Skip:
    """Of the candidates those that may be named, at least one; else why there is none."""
    kept = [each for each in found if each.currency == want.cost.currency]
    if not kept:
        return Skip(SkipReason.NO_TARGET if not found else SkipReason.NO_PRICE)
    oldest = facts.connection.now - timedelta(days=int(options["price_days"]))
    kept = [each for each in kept if min(offer.read_at for offer in each.offers) >= oldest]
    if not kept:
        return Skip(
            SkipReason.STALE,
            Text(
                _("The prices of the others are older than %(days)d days."),
                {"days": int(options["price_days"])},
            ),
        )
    kept = [each for each in kept if may_be_there(each.offers, facts, options)]
    if not kept:
        return Skip(SkipReason.GUARDED, Text(_("Its data must not leave the country.")))
    kept = [each for each in kept if each.score >= options["minimum_score"]]
    return kept or Skip(SkipReason.NO_TARGET)


def _cheapest_here(facts: ResourceFacts, now: Standing | None, current: Decimal, options: Options) -> Decimal:
    """What is paid now, or would be for the same in the provider's cheapest region: that move comes first."""
    if now is None:
        return current
    regions = (each for each in elsewhere(facts, now) if may_be_there(each.offers, facts, options))
    return min([current, *(current * each.monthly / now.listed.monthly for each in regions)])


def _one_off(facts: ResourceFacts, want: Wanted, options: Options) -> tuple[Decimal, bool]:
    """Work and traffic of moving all data out; whether the traffic has a known price."""
    work = Decimal(options["effort_hours"] * options["hourly_rate"])
    price = facts.connection.prices.traffic_price(
        facts.connection.provider_type, region_id=facts.region_id or None
    )
    if price is None or price.currency != want.cost.currency:
        return work, False
    return work + want.storage_gib * price.monthly, True


def _in_words(each: Candidate) -> str:
    place = each.zone_id or each.region_id
    return f"{each.name} ({place})" if place else each.name


def _notes(want: Wanted, best: Candidate, *, is_egress_known: bool) -> tuple[Text, ...]:
    notes = [Text(_("Discounts that you may get there are not known."))]
    if not best.disk_class:
        notes.append(Text(_("The class of its disk is not told there.")))
    elif best.disk_class != want.disk_class:
        notes.append(Text(_("The disk there is of another class: compare what both can do.")))
    if not best.is_address_priced:
        notes.append(Text(_("What a public address costs there is not known; it counts as here.")))
    if want.traffic_gib is None:
        notes.append(Text(_("How much traffic it has is not known.")))
    if not is_egress_known:
        notes.append(Text(_("What copying the data out costs is not known.")))
    return tuple(notes)
