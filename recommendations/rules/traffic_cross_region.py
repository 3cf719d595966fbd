"""Traffic between regions that is paid for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup
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
    money,
    percent,
    points_bucket,
)
from recommendations.engine.facts import DAYS_IN_MONTH, ResourceFacts

FULL = Decimal(100)


@dataclass(frozen=True, slots=True)
class Talk:
    """A resource, what it costs a month, and what of that is for traffic between regions."""

    facts: ResourceFacts
    monthly: Decimal
    traffic: Decimal
    days: int


class TrafficCrossRegion(Rule):
    """Bills name one end of the traffic. The other end is the dearest of another region in the same project."""

    id = "traffic.cross_region"
    title = gettext_lazy("Paid traffic between regions")
    description = gettext_lazy(
        "Two resources of one project in different regions whose traffic between regions costs at least "
        "%(share_percent)s %% of what both cost. Side by side they would save about %(saved_percent)s %% of it."
    )
    category = Category.ARCHITECTURE
    applies_to: ClassVar[frozenset[str]] = frozenset(
        {"server", "database", "load_balancer", "s3_bucket", "kubernetes_node_group", "dedicated_server"}
    )
    needs = (Cost(),)
    subject = "connection"
    options = (
        Option(
            name="share_percent",
            label=gettext_lazy("Traffic between regions, of the cost, at least"),
            default=Decimal(10),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="saved_percent",
            label=gettext_lazy("Of the traffic that a move saves"),
            default=Decimal(80),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="sku_words",
            label=gettext_lazy("What billed lines call it"),
            default=(
                "interregion",
                "inter-region",
                "inter_region",
                "cross-region",
                "cross_region",
                "crossregion",
            ),
        ),
    )
    base_confidence = Decimal("0.4")
    effort = Effort.DAYS
    risk = Risk.MEDIUM

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        projects: dict[str, list[Talk]] = defaultdict(list)
        for each in facts:
            talk = _talk(each, options)
            if talk is not None:
                projects[each.sub_account_id].append(talk)
        for talks in projects.values():
            talks.sort(key=lambda each: (-each.traffic, each.facts.pk))
            others = _dearest_elsewhere(talks)
            for place, talk in enumerate(talks):
                found = others.get(talk.facts.region_id)
                yield f"resource:{talk.facts.pk}", self._answer(talk, place, found, talks, options)

    def _answer(
        self, talk: Talk, place: int, found: int | None, talks: Sequence[Talk], options: Options
    ) -> Answer:
        """`found` is where among the talks, the dearest first, its other end stands."""
        region = talk.facts.region_id
        if found is None or not region:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Where its traffic goes to is not known.")))
        other = talks[found]
        if found < place:
            return NotMatched(Text(_("It is told with “%(name)s”."), {"name": other.facts.name}))
        traffic, both = talk.traffic + other.traffic, talk.monthly + other.monthly
        share = traffic / both * FULL
        if share < options["share_percent"]:
            return NotMatched(
                Text(
                    _("Traffic between regions is %(share)s of the cost of both; the limit is %(limit)s."),
                    {"share": percent(share), "limit": percent(options["share_percent"])},
                )
            )
        saving = traffic * options["saved_percent"] / FULL
        currency = talk.facts.currency
        return Finding(
            resource_pks=(talk.facts.pk, other.facts.pk),
            facts={
                _("Between"): f"{talk.facts.name} ({region})",
                _("… and"): f"{other.facts.name} ({other.facts.region_id})",
                _("Traffic between regions a month"): money(kopecks(traffic), currency),
                _("Of the cost of both"): percent(share),
            },
            current_monthly=both,
            target_monthly=both - saving,
            saving_monthly=saving,
            currency=currency,
            formula=Text(
                _("%(traffic)s × %(part)s = %(saving)s"),
                {
                    "traffic": money(kopecks(traffic), currency),
                    "part": percent(options["saved_percent"]),
                    "saving": money(kopecks(saving), currency),
                },
            ),
            steps=(
                Text(
                    _(
                        "See what the two say to each other, and whether it can be less: cache, compress, batch."
                    )
                ),
                Text(_("Check whether data may leave its region at all.")),
                Text(_("Move the smaller one to the region of the other, or keep a copy of the data there.")),
                Text(_("Compare the traffic lines of the bill before and after.")),
            ),
            matters={"regions": sorted((region, other.facts.region_id)), "share": points_bucket(share)},
            confidence=confidence(self.base_confidence, cost_days=min(talk.days, other.days)),
            summary=Text(
                _("Bring “%(one)s” and “%(other)s” into one region."),
                {"one": talk.facts.name, "other": other.facts.name},
            ),
            notes=(Text(_("The bill names no other end: that the two talk to each other is a guess.")),),
        )


def _dearest_elsewhere(talks: Sequence[Talk]) -> dict[str, int]:
    """{region: where the first of another one stands}."""
    first: dict[str, int] = {}
    for place, talk in enumerate(talks):
        first.setdefault(talk.facts.region_id, place)
    known = sorted(place for region, place in first.items() if region)[:2]
    return {
        region: next(place for place in known if talks[place].facts.region_id != region)
        for region in first
        if any(talks[place].facts.region_id != region for place in known)
    }


def _talk(facts: ResourceFacts, options: Options) -> Talk | None:
    """None for what has no such line in its bill."""
    cost = facts.cost(cleanup.COST_DAYS)
    day_cost = sum(
        (
            part.day_cost
            for part in facts.parts
            if any(word in part.sku_id.casefold() for word in options["sku_words"])
        ),
        Decimal(0),
    )
    if cost is None or day_cost <= 0:
        return None
    return Talk(facts, max(cost.monthly, day_cost * DAYS_IN_MONTH), day_cost * DAYS_IN_MONTH, cost.full_days)
