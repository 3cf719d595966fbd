"""Space in buckets that a lifecycle rule would free by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import buckets, cleanup, disks
from recommendations.engine.calculations import EXACT_PRICE, TARGET_PRICE_ONLY, confidence, kopecks
from recommendations.engine.contract import (
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
    Value,
    money,
    number,
)
from recommendations.engine.daily import daily
from recommendations.engine.facts import ResourceFacts

PARTS = (
    ("multipart_gib", "multipart_days", _("Incomplete uploads")),
    ("noncurrent_gib", "noncurrent_days", _("Old versions")),
    ("expired_gib", "expired_days", _("Logs past their time")),
)
"""Series, the option that says for how many days it must have been there, and what it is."""
STEPS = {
    "multipart_gib": _("Add a lifecycle rule: abort incomplete multipart uploads after %(days)d days."),
    "noncurrent_gib": _("Add a lifecycle rule: delete versions %(days)d days after they were replaced."),
    "expired_gib": _("Add a lifecycle rule: delete objects of log prefixes that are past their time."),
}


class BucketLifecycle(Rule):
    """What was there on every one of the days counts: the least that was measured."""

    id = "bucket.lifecycle"
    title = gettext_lazy("Bucket without rules for what is left over")
    description = gettext_lazy(
        "A bucket that for %(multipart_days)d days kept incomplete multipart uploads, for %(noncurrent_days)d days versions "
        "that were replaced, or for %(expired_days)d days logs that are past their time."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"s3_bucket"})
    needs = (Cost(), *(Metric(name=name, days=option, is_optional=True) for name, option, _label in PARTS))
    options = (
        Option(
            name="multipart_days",
            label=gettext_lazy("Incomplete uploads older than"),
            default=7,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="noncurrent_days",
            label=gettext_lazy("Replaced versions older than"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="expired_days",
            label=gettext_lazy("Logs past their time for"),
            default=7,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Days of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        cleanup.keep_tags("legal-hold", "compliance", "retain", "hold"),
    )
    base_confidence = Decimal("0.85")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        refused = cleanup.not_there(facts) or cleanup.kept_by_tag(facts, options["keep_tags"])
        if refused is not None:
            return refused
        left, coverage = _left_over(facts, options)
        if not left:
            return Skip(SkipReason.NO_METRICS, Text(_("What lifecycle rules would free is not measured.")))
        size = sum(left.values(), Decimal(0))
        if not size:
            return NotMatched(Text(_("Nothing is left over in it.")))
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        price, factor = _gib_price(facts)
        saving = None if price is None else min(size * price, cost.monthly)
        shown: dict[str, Value] = {
            label: number(left[name], _("GiB")) for name, _option, label in PARTS if left.get(name)
        }
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown,
            current_monthly=cost.monthly,
            target_monthly=None if saving is None else cost.monthly - saving,
            saving_monthly=saving,
            currency=cost.currency,
            formula=Text(_("%(size)s GiB × the price of a GiB, which is not known"), {"size": number(size)})
            if price is None or saving is None
            else Text(
                _("%(size)s GiB × %(price)s = %(saving)s"),
                {
                    "size": number(size),
                    "price": money(kopecks(price), cost.currency),
                    "saving": money(kopecks(saving), cost.currency),
                },
            ),
            steps=(
                Text(_("Check whether versions or logs must be kept by law or contract.")),
                *(
                    Text(
                        STEPS[name],
                        {"days": options[option]} if "%(days)d" in STEPS[name] else {},
                    )
                    for name, option, _label in PARTS
                    if left.get(name)
                ),
                Text(_("Look at the size of the bucket two days later.")),
            ),
            matters={"parts": sorted(name for name, value in left.items() if value)},
            confidence=confidence(
                self.base_confidence, coverage=coverage, price_factor=factor, cost_days=cost.full_days
            ),
            summary=Text(
                _("Give “%(name)s” lifecycle rules: %(size)s are left over."),
                {"name": facts.name, "size": number(size, _("GiB"))},
            ),
            metrics=tuple(left),
        )


def _left_over(facts: ResourceFacts, options: Options) -> tuple[dict[str, Decimal], float]:
    """{series: GiB that were there on each of the days} of those that are measured well enough."""
    found: dict[str, Decimal] = {}
    coverages = [1.0]
    for name, option, _label in PARTS:
        held = daily(facts, name, options[option])
        if held is not None and held.coverage >= float(options["coverage"]):
            found[name] = Decimal(str(round(min(value for _day, value in held.means), 3)))
            coverages.append(held.coverage)
    return found, min(coverages)


def _gib_price(facts: ResourceFacts) -> tuple[Decimal | None, Decimal]:
    """At the customer's own price where the bill tells it, else by list."""
    billed, size = disks.storage_monthly(facts), buckets.size_of(facts)
    if billed is not None and size:
        return billed / size, EXACT_PRICE
    offer = buckets.price_now(facts)
    if offer is None or offer.currency != facts.currency:
        return None, EXACT_PRICE
    return offer.monthly, TARGET_PRICE_ONLY
