"""Many small volumes on one server, where one would be cheaper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, disks, sizes, steps
from recommendations.engine.calculations import confidence, kopecks, round_up, scaled_saving
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
    Prices,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    money,
    number,
)
from recommendations.engine.daily import daily
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import Offer

USED = "disk_used_gib"
FULL = Decimal(100)
LIMIT_FEE = "fee_per_volume"
LIMIT_MINIMUM = "minimum_gib"
LIMIT_STEP = "step_gib"
"""Names in `Offer.plan_limits` of what a volume costs beside its size, and of the sizes that are sold."""


class VolumeMerge(Rule):
    """Only where the provider asks something for each volume: a fee, a smallest size, a step of sizes."""

    id = "volume.merge"
    title = gettext_lazy("Many small volumes on one server")
    description = gettext_lazy(
        "At least %(count)d volumes of one class on one server, each smaller than %(small_gib)s GiB or used to less than "
        "%(used_percent)s %%, where one volume for all that is used and %(overhead_percent)s %% more is cheaper, because "
        "the provider asks a fee, a smallest size or whole steps for each. Nothing is advised where a name says that a "
        "volume stands apart for a reason."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"volume"})
    needs = (Cost(), Prices(), Metric(name=USED, days="days", is_optional=True))
    subject = "connection"
    options = (
        Option(name="count", label=gettext_lazy("Volumes at least"), default=3, minimum=2),
        Option(
            name="small_gib",
            label=gettext_lazy("Small is less than"),
            default=Decimal(20),
            unit=gettext_lazy("GiB"),
            minimum=1,
        ),
        Option(
            name="used_percent",
            label=gettext_lazy("… or used to less than"),
            default=Decimal(50),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="overhead_percent",
            label=gettext_lazy("Kept free on top of what is used"),
            default=Decimal(30),
            unit="%",
            minimum=0,
        ),
        Option(
            name="days",
            label=gettext_lazy("Look at the use of"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="separate_words",
            label=gettext_lazy("Words in names of what stands apart for a reason"),
            default=("log", "wal", "redo", "data", "raid", "lvm", "quota", "swap"),
        ),
    )
    base_confidence = Decimal("0.5")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        groups: dict[str, list[ResourceFacts]] = defaultdict(list)
        for each in facts:
            family = sizes.disk_family_of(each)
            if each.parent is not None and family and each.storage_gib and not disks.is_boot(each):
                sealed = "/encrypted" if each.configuration.get("is_encrypted") else ""
                groups[f"server:{each.parent.pk}/{family}{sealed}"].append(each)
        for subject, volumes in groups.items():
            if len(volumes) > 1:
                yield subject, self._answer(sorted(volumes, key=lambda each: each.pk), options)

    def _answer(self, volumes: Sequence[ResourceFacts], options: Options) -> Answer:
        small = [each for each in volumes if _is_small(each, options)]
        if len(small) < options["count"]:
            return NotMatched(
                Text(
                    _("%(small)d of its volumes of that class are small; %(wanted)d are asked for."),
                    {"small": len(small), "wanted": options["count"]},
                )
            )
        for each in small:
            apart = cleanup.kept_by_name(each, options["separate_words"])
            if apart is not None:
                return apart
        offer = _offer(small[0])
        if offer is None:
            return Skip(SkipReason.NO_PRICE)
        if not {LIMIT_FEE, LIMIT_MINIMUM, LIMIT_STEP} & set(offer.plan_limits):
            return Skip(
                SkipReason.ALREADY_OPTIMAL,
                Text(_("The provider asks for the size alone, however it is split.")),
            )
        return self._finding(small, offer, options)

    def _finding(self, small: Sequence[ResourceFacts], offer: Offer, options: Options) -> Answer:
        costs = [cost for each in small if (cost := each.cost(cleanup.COST_DAYS)) is not None]
        current = sum((cost.monthly for cost in costs), Decimal(0))
        room = sum((_used(each, options) for each in small), Decimal(0))
        size = sum((each.storage_gib or Decimal(0) for each in small), Decimal(0))
        target = min(room * (FULL + options["overhead_percent"]) / FULL, size)
        sold = max(
            round_up(target, offer.plan_limits.get(LIMIT_STEP, Decimal(1))),
            offer.plan_limits.get(LIMIT_MINIMUM, Decimal(1)),
        )
        by_list = sum((_list_price(offer, each.storage_gib or Decimal(0)) for each in small), Decimal(0))
        saved = scaled_saving(current, list_current=by_list, list_target=_list_price(offer, sold))
        server = small[0].parent
        assert server is not None
        names = ", ".join(each.name for each in small)
        return Finding(
            resource_pks=tuple(each.pk for each in small),
            facts={
                _("Server"): server.name,
                _("Volumes"): len(small),
                _("Together"): number(size, _("GiB")),
                _("Of it used, or not known to be free"): number(room, _("GiB")),
                _("One volume of"): number(sold, _("GiB")),
            },
            current_monthly=current,
            target_monthly=saved.target,
            saving_monthly=saved.saving,
            currency=costs[0].currency,
            formula=Text(
                _("%(cost)s − %(target)s for one of %(size)s GiB = %(saving)s"),
                {
                    "cost": money(kopecks(current), costs[0].currency),
                    "target": money(kopecks(saved.target), costs[0].currency),
                    "size": number(sold),
                    "saving": money(kopecks(saved.saving), costs[0].currency),
                },
            ),
            steps=(
                Text(_("See why the volumes are apart: %(names)s."), {"names": names}),
                *(steps.snapshot_volume(each) for each in small),
                Text(_("Make one volume of %(size)s."), {"size": number(sold, _("GiB"))}),
                Text(_("Copy the data of each, change the mounts, and watch the server for a week.")),
                Text(_("Then delete the old volumes: %(names)s."), {"names": names}),
            ),
            matters={"volumes": sorted(each.resource_id for each in small), "size": size, "target": sold},
            confidence=confidence(
                self.base_confidence,
                price_factor=saved.price_factor,
                cost_days=min(cost.full_days for cost in costs),
            ),
            summary=Text(
                _("Put %(count)d small volumes of “%(server)s” together."),
                {"count": len(small), "server": server.name},
            ),
            metrics=(USED,),
        )


def _used(facts: ResourceFacts, options: Options) -> Decimal:
    """What is used at most; all of it where nobody measures."""
    used = daily(facts, USED, options["days"])
    size = facts.storage_gib or Decimal(0)
    return size if used is None else min(size, Decimal(str(round(used.maximum, 3))))


def _is_small(facts: ResourceFacts, options: Options) -> bool:
    size = facts.storage_gib or Decimal(0)
    return bool(size < options["small_gib"] or _used(facts, options) < size * options["used_percent"] / FULL)


def _offer(facts: ResourceFacts) -> Offer | None:
    quote = sizes.volume_quote(
        facts.connection.prices,
        facts.connection.provider_type,
        region_id=facts.region_id or None,
        family=sizes.disk_family_of(facts) or "",
        size_gib=facts.storage_gib or Decimal(0),
        zone_id=sizes.zone_of(facts),
    )
    return None if quote is None else quote.offer


def _list_price(offer: Offer, size: Decimal) -> Decimal:
    limits = offer.plan_limits
    sold = max(round_up(size, limits.get(LIMIT_STEP, Decimal(1))), limits.get(LIMIT_MINIMUM, Decimal(1)))
    return limits.get(LIMIT_FEE, Decimal(0)) + sold * offer.monthly
