"""Steady use that would cost less if it were paid ahead.

The base is what was there on nine of ten days, and no more than on the quietest of the last seven: what was switched off or
made smaller in the last week is not paid ahead for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine.calculations import confidence
from recommendations.engine.commitments import Load, Term, loads, member_of, pays_ahead_already, terms_of
from recommendations.engine.contract import (
    Age,
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
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown
from recommendations.engine.steps import plain

PERCENT = Decimal(100)
TREND_DAYS = 30


class Commitment(Rule):
    id = "rate.commitment"
    title = gettext_lazy("Steady use, paid on demand")
    description = gettext_lazy(
        "For %(days)s days (of at least %(least_days)s the cost is known) so much was always there that paying ahead costs "
        "less. The shortest term is named that saves at least %(enough_percent)s %% of what the best one does. Not where use "
        "fell below %(trend_percent)s %% of what it was before."
    )
    category = Category.RATE
    applies_to = frozenset({"server", "database", "account_plan"})
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days of steady use"),
            default=90,
            unit=gettext_lazy("days"),
            minimum=30,
            maximum=365,
        ),
        Option(
            name="least_days",
            label=gettext_lazy("Full days whose cost must be known"),
            default=85,
            unit=gettext_lazy("days"),
            minimum=30,
            maximum=365,
            help_text=gettext_lazy("The first and the last day of a history are known in part only."),
        ),
        Option(
            name="trend_percent",
            label=gettext_lazy("Least cost of the last 30 days, of the days before"),
            default=Decimal(85),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="enough_percent",
            label=gettext_lazy("Part of the best saving that a shorter term must reach"),
            default=Decimal(70),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="fall_percent",
            label=gettext_lazy("Fall of use in the worst case that is shown"),
            default=Decimal(30),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="other_findings",
            label=gettext_lazy("Advice that comes first"),
            default=(Category.CLEANUP.value, Category.SCHEDULE.value, Category.RIGHTSIZING.value),
            help_text=gettext_lazy(
                "What is to be deleted, switched off or made smaller is not paid ahead for."
            ),
        ),
        Option(
            name="migration_tags",
            label=gettext_lazy("Tags of what is to be moved"),
            default=("migration", "migrate", "decommission"),
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
    needs = (Age(days="days"), Cost(days="least_days"), Prices())
    base_confidence = Decimal("0.7")
    effort = Effort.MINUTES
    risk = Risk.MEDIUM
    subject = "connection"

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        book, provider = facts[0].connection.prices, facts[0].connection.provider_type
        if not any(offer.term_months for offer in book if offer.provider_type == provider):
            for each in facts:
                yield f"resource:{each.pk}", Skip(SkipReason.UNSUPPORTED_BY_PROVIDER)
            return
        members = []
        for each in facts:
            member = member_of(each)
            kept = _kept(each, options)
            if kept is not None:
                yield f"resource:{each.pk}", kept
            elif member is None:
                yield (
                    f"resource:{each.pk}",
                    Skip(SkipReason.NO_PRICE, Text(_("The list does not have exactly this."))),
                )
            elif pays_ahead_already(member):
                yield (
                    f"resource:{each.pk}",
                    NotMatched(Text(_("It is paid ahead already, or costs no more."))),
                )
            else:
                members.append(member)
        for load in loads(members):
            yield load.key, self._about(load, options)

    def _about(self, load: Load, options: Options) -> Answer:
        zone = load.members[0].facts.connection.zone
        days = load.days(int(options["days"]))
        if len(days) < options["least_days"]:
            return Skip(SkipReason.NO_COST)
        trend = load.trend(days)
        if trend is not None and trend * PERCENT < options["trend_percent"]:
            return NotMatched(
                Text(
                    _("Its cost fell to %(trend)s of what it was; at least %(limit)s is steady."),
                    {"trend": percent(trend * PERCENT), "limit": percent(options["trend_percent"])},
                )
            )
        base = load.base(days, zone)
        if not any(base.values()):
            return NotMatched(Text(_("Nothing of it was always there.")))
        terms = [term for term in terms_of(load, base) if term.ahead < term.on_demand]
        if not terms:
            return Skip(SkipReason.NO_TARGET, Text(_("Nothing cheaper is sold for paying ahead.")))
        best = max(term.on_demand - term.ahead for term in terms)
        chosen = next(
            term
            for term in terms
            if (term.on_demand - term.ahead) * PERCENT >= best * options["enough_percent"]
        )
        return self._finding(load, base, chosen, terms, len(days), options)

    def _finding(
        self,
        load: Load,
        base: dict[str, Decimal],
        term: Term,
        terms: Sequence[Term],
        days: int,
        options: Options,
    ) -> Finding:
        lead = load.members[0].facts
        currency = lead.currency
        on_demand, ahead = term.on_demand * load.own_price, term.ahead * load.own_price
        saving = on_demand - ahead
        upfront = ahead * term.months
        left = 1 - options["fall_percent"] / PERCENT
        break_even = int((upfront / on_demand).to_integral_value(ROUND_CEILING))
        names = ", ".join(member.facts.name for member in load.members)
        amount = ", ".join(_in_words(name, base[name]) for name in term.offers)
        return Finding(
            resource_pks=tuple(member.facts.pk for member in load.members),
            facts={
                _("What is steady"): f"{load.name}: {amount}",
                _("Resources"): names,
                _("Days looked at"): days,
                _("Term, months"): term.months,
                _("On demand a month"): shown(on_demand, currency),
                _("Paid ahead, a month"): shown(ahead, currency),
                _("To pay at once"): shown(upfront, currency),
                _("Pays back in month"): break_even,
                _("Fall of use in the worst case"): percent(options["fall_percent"]),
                _("Gain a month in the worst case"): shown(on_demand * left - ahead, currency),
            },
            current_monthly=on_demand,
            target_monthly=ahead,
            saving_monthly=saving,
            currency=currency,
            formula=Text(
                _("%(on_demand)s − %(ahead)s a month for %(months)d months = %(saving)s"),
                {
                    "on_demand": shown(on_demand, currency),
                    "ahead": shown(ahead, currency),
                    "months": term.months,
                    "saving": shown(saving, currency),
                },
            ),
            steps=(
                Text(
                    _("Ask the owners of %(names)s whether they stay for the whole term."), {"names": names}
                ),
                Text(
                    _("Carry out other advice on them first: what is paid ahead cannot be made smaller."),
                ),
                Text(
                    _(
                        "Read the terms: what is given back when it is deleted, moved or resized before the end."
                    ),
                ),
                Text(
                    _("Pay %(provider)s for %(months)d months ahead: %(amount)s."),
                    {
                        "provider": lead.connection.provider_name,
                        "months": term.months,
                        "amount": shown(upfront, currency),
                    },
                ),
                Text(_("Note the end of the term in the calendar, a month ahead.")),
            ),
            matters={"base": sorted(base.items()), "term": term.months},
            confidence=confidence(self.base_confidence),
            summary=Text(
                _("Pay %(months)d months ahead for %(names)s: it has been steady for %(days)d days."),
                {"months": term.months, "names": names, "days": days},
            ),
            notes=(Text(_("Whether you plan to move it elsewhere is not known.")),),
            alternatives=tuple(
                Text(
                    _("%(months)d months: %(saving)s less a month"),
                    {
                        "months": each.months,
                        "saving": shown((each.on_demand - each.ahead) * load.own_price, currency),
                    },
                )
                for each in terms
                if each is not term
            )[:3],
        )


def _kept(facts: ResourceFacts, options: Options) -> Answer | None:
    """Why nothing should be promised for it yet."""
    if facts.status != "running":
        return NotMatched(Text(_("It does not run.")))
    if facts.open_categories & set(options["other_findings"]):
        return Skip(SkipReason.GUARDED, Text(_("Other advice on it comes first.")))
    if facts.has_tag(*(tag.casefold() for tag in options["migration_tags"])):
        return Skip(SkipReason.GUARDED, Text(_("A tag says that it is to be moved.")))
    return None


def _in_words(component: str, amount: Decimal) -> str:
    unit = {"vcpu": " vCPU", "memory_gib": " GiB", "storage_gib": " GiB"}.get(component, " ×")
    return f"{plain(amount)}{unit}"
