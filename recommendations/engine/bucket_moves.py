"""What a bucket would cost in another class of storage, and the finding that says so. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import buckets, cleanup, disks
from recommendations.engine.buckets import Use
from recommendations.engine.calculations import EXACT_PRICE, TARGET_PRICE_ONLY, confidence, kopecks
from recommendations.engine.contract import (
    Finding,
    NotMatched,
    Option,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    money,
    number,
)
from recommendations.engine.daily import too_young
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import (
    LIMIT_MINIMUM_DAYS,
    LIMIT_MINIMUM_KIB,
    LIMIT_RESTORE_HOURS,
    REQUESTS,
    RETRIEVAL_GIB,
    Offer,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a move of a bucket is judged by; `target` is the cheapest class that was looked for."""

    use: Use
    size_gib: Decimal
    now: Offer
    target: Offer


def basis(
    facts: ResourceFacts,
    *,
    days: int,
    coverage: Decimal,
    own_words: Sequence[str],
    target_words: Sequence[str],
) -> Basis | NotMatched | Skip:
    """Of a bucket whose class bears none of `own_words`, and a class of `target_words`; else what is missing."""
    if (refused := cleanup.not_there(facts) or too_young(facts, days)) is not None:
        return refused
    if buckets.is_of(buckets.class_of(facts), own_words):
        return Skip(SkipReason.ALREADY_OPTIMAL, Text(_("It is in such a class already.")))
    size = buckets.size_of(facts)
    if not size:
        return Skip(SkipReason.NO_EVIDENCE, Text(_("What it holds is not known.")))
    now = buckets.price_now(facts)
    if now is None:
        return Skip(SkipReason.NO_PRICE)
    targets = buckets.classes_like(facts, target_words, now)
    if not targets:
        return Skip(SkipReason.NO_TARGET, Text(_("No such class is sold there for less.")))
    use = buckets.use_of(facts, days, coverage)
    if isinstance(use, Skip):
        return use
    if use.read_gib is None:
        return Skip(SkipReason.NO_EVIDENCE, Text(_("How much is read from it is not known.")))
    return Basis(use=use, size_gib=size, now=now, target=targets[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A month in another class: what storing it saves, what reading it back and asking for it costs more."""

    size_gib: Decimal
    now: Offer
    target: Offer
    stored: Decimal
    retrieval: Decimal
    requests: Decimal
    price_factor: Decimal
    """How sure the prices are."""

    @property
    def saving(self) -> Decimal:
        return self.stored - self.retrieval - self.requests

    @property
    def saving_with_twice_the_reads(self) -> Decimal:
        return self.stored - 2 * self.retrieval - 2 * self.requests

    def formula(self, currency: str) -> Text:
        return Text(
            _(
                "%(size)s GiB × (%(now)s − %(target)s), at your price %(stored)s, − %(retrieval)s for reading − "
                "%(requests)s for requests = %(saving)s"
            ),
            {
                "size": number(self.size_gib),
                "now": money(kopecks(self.now.monthly), currency),
                "target": money(kopecks(self.target.monthly), currency),
                "stored": money(kopecks(self.stored), currency),
                "retrieval": money(kopecks(self.retrieval), currency),
                "requests": money(kopecks(self.requests), currency),
                "saving": money(kopecks(self.saving), currency),
            },
        )


def move(facts: ResourceFacts, use: Use, size_gib: Decimal, now: Offer, target: Offer) -> Move:
    """At the customer's own price of storage where the bill tells it; requests and reading back by list."""
    billed = disks.storage_monthly(facts)
    by_list = size_gib * now.monthly
    stored = (by_list if billed is None else billed) * (1 - target.monthly / now.monthly)
    retrieval = _price(facts, target, RETRIEVAL_GIB) * use.monthly(use.read_gib or Decimal(0))
    more = max(Decimal(0), _price(facts, target, REQUESTS) - _price(facts, now, REQUESTS))
    asked = (use.reads or Decimal(0)) + (use.writes or Decimal(0))
    return Move(
        size_gib=size_gib,
        now=now,
        target=target,
        stored=stored,
        retrieval=retrieval,
        requests=more * use.monthly(asked),
        price_factor=TARGET_PRICE_ONLY if billed is None else EXACT_PRICE,
    )


def _price(facts: ResourceFacts, offer: Offer, component: str) -> Decimal:
    """A price by use of a class; one that the list does not state is not charged."""
    found = facts.connection.prices.bucket_price(
        offer.provider_type, component, family=offer.family, region_id=facts.region_id or None
    )
    return Decimal(0) if found is None or found.currency != offer.currency else found.monthly


UNKNOWN_OBJECTS_FACTOR = Option(
    name="unknown_objects_factor",
    label=gettext_lazy("Weight where the size of objects is not known"),
    default=Decimal("0.7"),
    minimum=Decimal(0),
    maximum=Decimal(1),
)


def moved(
    rule: type[Rule],
    facts: ResourceFacts,
    use: Use,
    found: Move,
    *,
    object_kib: Decimal | None,
    unknown_objects_factor: Decimal,
    summary: Text,
    steps: tuple[Text, ...],
    notes: tuple[Text, ...] = (),
) -> Finding | NotMatched:
    """The finding of a move, unless it would cost more with twice the reads."""
    cost = facts.cost(cleanup.COST_DAYS)
    assert cost is not None
    if found.saving_with_twice_the_reads <= 0:
        return NotMatched(
            Text(
                _("With twice the reads the class %(family)s would cost more."),
                {"family": found.target.family},
            )
        )
    saving = min(found.saving, cost.monthly)
    limits = found.target.plan_limits
    shown: dict[str, Value] = {
        _("Size"): number(found.size_gib, _("GiB")),
        _("Class"): found.now.family,
        _("Cheaper class"): found.target.family,
        _("Days looked at"): use.days,
    }
    if use.reads is not None:
        shown[_("Reads a month")] = number(round(use.monthly(use.reads)))
    if use.read_gib is not None:
        shown[_("Read a month")] = number(use.monthly(use.read_gib), _("GiB"))
    if object_kib is not None:
        shown[_("Mean object")] = number(object_kib, _("KiB"))
    if LIMIT_RESTORE_HOURS in limits:
        shown[_("Restoring takes up to")] = number(limits[LIMIT_RESTORE_HOURS], _("hours"))
    more = list(notes)
    if object_kib is None:
        more.append(Text(_("How large its objects are is not known; small ones are charged as larger ones.")))
    if LIMIT_MINIMUM_DAYS in limits:
        more.append(
            Text(
                _("Objects of this class are charged for at least %(days)s days, also if deleted sooner."),
                {"days": number(limits[LIMIT_MINIMUM_DAYS])},
            )
        )
    return Finding(
        resource_pks=(facts.pk,),
        facts=shown,
        current_monthly=cost.monthly,
        target_monthly=cost.monthly - saving,
        saving_monthly=saving,
        currency=cost.currency,
        formula=found.formula(cost.currency),
        steps=steps,
        matters={"class": found.now.family, "target": found.target.family},
        confidence=confidence(
            rule.base_confidence,
            coverage=use.coverage,
            price_factor=found.price_factor,
            cost_days=cost.full_days,
            factor=Decimal(1) if object_kib is not None else unknown_objects_factor,
        ),
        summary=summary,
        notes=tuple(more),
        metrics=use.metrics,
    )


def too_small(object_kib: Decimal | None, least_kib: Decimal, target: Offer) -> Skip | None:
    """Many small objects are charged as larger ones."""
    least = max(least_kib, target.plan_limits.get(LIMIT_MINIMUM_KIB, Decimal(0)))
    if object_kib is None or object_kib >= least:
        return None
    return Skip(
        SkipReason.GUARDED,
        Text(
            _("Its objects are %(mean)s KiB on average; the class charges at least %(least)s."),
            {"mean": number(object_kib), "least": number(least)},
        ),
    )
