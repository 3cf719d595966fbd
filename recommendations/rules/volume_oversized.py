"""Much space, little of it used."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, disks, steps
from recommendations.engine.calculations import EXACT_PRICE, confidence, kopecks, round_up
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
    money,
    number,
    percent,
    points_bucket,
)
from recommendations.engine.daily import measured
from recommendations.engine.facts import ResourceFacts

USED = "disk_used_gib"
FULL = Decimal(100)


class VolumeOversized(Rule):
    """What was used at most decides, with the growth of the next months; a mean would fill the disk."""

    id = "volume.oversized"
    title = gettext_lazy("Much space, little used")
    description = gettext_lazy(
        "A disk of which at most %(used_percent)s %% were used in %(days)d days and at least %(free_gib)s GiB are free. "
        "It is advised to hold what was used at most and %(overhead_percent)s %% more (%(overhead_development)s %% in "
        "development, %(overhead_available)s %% for high availability), or the growth of %(growth_days)d days."
    )
    category = Category.RIGHTSIZING
    applies_to: ClassVar[frozenset[str]] = frozenset({"volume", "file_storage", "database"})
    needs = (Age(days="days"), Cost(), Metric(name=USED, days="days", is_optional=True))
    options = (
        Option(name="days", label=gettext_lazy("Look at"), default=30, unit=gettext_lazy("days"), minimum=7),
        Option(
            name="coverage",
            label=gettext_lazy("Days of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="used_percent",
            label=gettext_lazy("Used at most"),
            default=Decimal(40),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="free_gib",
            label=gettext_lazy("Free at least"),
            default=Decimal(20),
            unit=gettext_lazy("GiB"),
            minimum=0,
        ),
        Option(
            name="overhead_percent",
            label=gettext_lazy("Kept free on top of what is used"),
            default=Decimal(50),
            unit="%",
            minimum=0,
        ),
        Option(
            name="overhead_development",
            label=gettext_lazy("… in development"),
            default=Decimal(25),
            unit="%",
            minimum=0,
        ),
        Option(
            name="overhead_available",
            label=gettext_lazy("… for high availability"),
            default=Decimal(100),
            unit="%",
            minimum=0,
        ),
        Option(
            name="growth_days",
            label=gettext_lazy("Growth to leave room for"),
            default=90,
            unit=gettext_lazy("days"),
            minimum=0,
        ),
        Option(
            name="step_gib",
            label=gettext_lazy("Sizes come in steps of"),
            default=Decimal(10),
            unit=gettext_lazy("GiB"),
            minimum=1,
        ),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.7")
    effort = Effort.DAYS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if (refused := cleanup.not_there(facts)) is not None:
            return refused
        size = facts.storage_gib
        if not size:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its size is not known.")))
        used = measured(facts, USED, days=options["days"], coverage=options["coverage"])
        if isinstance(used, Skip):
            return used
        if facts.resized_at is not None and facts.days_since(facts.resized_at) < options["days"]:
            return cleanup.too_short(facts.days_since(facts.resized_at), options["days"])
        highest = Decimal(str(round(used.maximum, 3)))
        used_percent = highest / size * FULL
        if used_percent > options["used_percent"]:
            return NotMatched(
                Text(
                    _("%(used)s of it were used at most; the limit is %(limit)s."),
                    {"used": percent(used_percent), "limit": percent(options["used_percent"])},
                )
            )
        if size - highest < options["free_gib"]:
            return NotMatched(
                Text(
                    _("%(free)s are free; the limit is %(limit)s."),
                    {
                        "free": number(size - highest, _("GiB")),
                        "limit": number(options["free_gib"], _("GiB")),
                    },
                )
            )
        overhead = _overhead(facts, options)
        growth = Decimal(str(round(used.growth(), 3)))
        room = max(highest * (FULL + overhead) / FULL, highest + growth * options["growth_days"])
        target = round_up(max(room, Decimal(1)), options["step_gib"])
        if target >= size:
            return Skip(SkipReason.ALREADY_OPTIMAL)
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        price = disks.gib_price(facts, cost, size)
        saving = None if price is None else (size - target) * price.monthly
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("Size"): number(size, _("GiB")),
                _("Used at most"): number(highest, _("GiB")),
                _("Used at most, of the size"): percent(used_percent),
                _("Grows a day"): number(growth, _("GiB")),
                _("Enough would be"): number(target, _("GiB")),
            },
            current_monthly=cost.monthly,
            target_monthly=None if saving is None else cost.monthly - saving,
            saving_monthly=saving,
            currency=cost.currency,
            formula=_formula(size, target, price, saving, cost.currency),
            steps=_steps(facts, target, options),
            matters={"size": size, "target": target, "used": points_bucket(used_percent)},
            confidence=confidence(
                self.base_confidence,
                coverage=used.coverage,
                price_factor=EXACT_PRICE if price is None else price.factor,
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Make “%(name)s” smaller: %(target)s instead of %(size)s."),
                {
                    "name": facts.name,
                    "target": number(target, _("GiB")),
                    "size": number(size, _("GiB")),
                },
            ),
            notes=(
                Text(
                    _(
                        "Measured from outside, a disk counts as used what was once written and not given back: the files "
                        "may take less."
                    )
                ),
            ),
            metrics=(USED,),
        )


def _overhead(facts: ResourceFacts, options: Options) -> Decimal:
    if disks.is_highly_available(facts):
        name = "overhead_available"
    else:
        name = "overhead_development" if facts.is_development else "overhead_percent"
    overhead: Decimal = options[name]
    return overhead


def _formula(
    size: Decimal, target: Decimal, price: disks.GibPrice | None, saving: Decimal | None, currency: str
) -> Text:
    params = {"size": number(size), "target": number(target)}
    if price is None or saving is None:
        return Text(_("(%(size)s − %(target)s) GiB × the price of a GiB, which is not known"), params)
    return Text(
        _("(%(size)s − %(target)s) GiB × %(price)s = %(saving)s"),
        {
            **params,
            "price": money(kopecks(price.monthly), currency),
            "saving": money(kopecks(saving), currency),
        },
    )


def _steps(facts: ResourceFacts, target: Decimal, options: Options) -> tuple[Text, ...]:
    smaller = number(target, _("GiB"))
    if facts.resource_type == "database":
        return (
            steps.ask_owner(facts),
            Text(_("Make a backup and see that it can be restored.")),
            Text(_("Restore it into a database with a disk of %(size)s and move to it."), {"size": smaller}),
            Text(_("Keep the old one for some days, then delete it.")),
        )
    copy = (steps.snapshot_volume(facts),) if facts.resource_type == "volume" else ()
    return (
        Text(_("Look inside: which file systems lie on it, and what fills them?")),
        *copy,
        Text(_("Most clouds cannot shrink a disk: make a new one of %(size)s."), {"size": smaller}),
        Text(_("Copy the data, switch over in a quiet hour, and keep the old one for some days.")),
        *steps.after_a_copy(facts, options["waiting_days"]),
    )
