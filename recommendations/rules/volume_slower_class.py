"""A fast disk class where a cheaper one would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, disks, sizes, steps
from recommendations.engine.calculations import confidence, kopecks, scaled_saving
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
    Prices,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    money,
    number,
    percent,
    series_name,
)
from recommendations.engine.facts import DAYS_IN_MONTH, ResourceFacts
from recommendations.engine.pricing import LIMIT_IOPS, LIMIT_THROUGHPUT, Offer
from recommendations.engine.usage import MetricSummary

IOPS, THROUGHPUT = "disk_iops", "disk_throughput"
BYTES_IN_MIB = 1024 * 1024
FULL = Decimal(100)


@dataclass(frozen=True, slots=True)
class Load:
    """What the disk does: operations and MiB a second, as hours that only one in a hundred exceeds."""

    iops: Decimal
    throughput_mib: Decimal
    coverage: float


class VolumeSlowerClass(Rule):
    """Disks of databases and of systems stay within SSD classes: on an HDD every random read waits for the head."""

    id = "volume.slower_class"
    title = gettext_lazy("A cheaper disk class is enough")
    description = gettext_lazy(
        "A volume that in %(days)d days used at most %(limit_percent)s %% of the operations and the throughput that a "
        "cheaper class allows; the busiest hundredth of the hours does not count. Disks of databases and boot disks stay "
        "on SSD. In development one class down is advised even without measurements."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"volume"})
    needs = (
        Age(days="days"),
        Cost(),
        Prices(),
        Metric(name=IOPS, days="days", is_optional=True),
        Metric(name=THROUGHPUT, days="days", is_optional=True),
    )
    options = (
        Option(name="days", label=gettext_lazy("Look at"), default=14, unit=gettext_lazy("days"), minimum=7),
        Option(
            name="coverage",
            label=gettext_lazy("Hours of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="limit_percent",
            label=gettext_lazy("Use of the cheaper class at most"),
            default=Decimal(70),
            unit="%",
            minimum=1,
            maximum=100,
        ),
        Option(
            name="unmeasured_confidence",
            label=gettext_lazy("Confidence without measurements, in development"),
            default=Decimal("0.35"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
    )
    base_confidence = Decimal("0.75")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if (refused := cleanup.not_there(facts)) is not None:
            return refused
        if not facts.storage_gib:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its size is not known.")))
        load = _load(facts, options)
        if isinstance(load, Skip) and not (load.reason is SkipReason.NO_METRICS and facts.is_development):
            return load
        now = _price_now(facts)
        if now is None:
            return Skip(SkipReason.NO_PRICE, Text(_("The price of its disk class is not known.")))
        cheaper = _cheaper(facts, now)
        if not cheaper:
            return Skip(SkipReason.ALREADY_OPTIMAL)
        if isinstance(load, Skip):
            return self._finding(facts, options, now, cheaper[-1], None)
        limited = [
            each
            for each in cheaper
            if LIMIT_IOPS in each.plan_limits and LIMIT_THROUGHPUT in each.plan_limits
        ]
        if not limited:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("What cheaper disk classes allow is not known.")))
        target = next((each for each in limited if _fits(load, each, options)), None)
        if target is None:
            return _too_busy(load, limited, options)
        return self._finding(facts, options, now, target, load)

    def _finding(
        self, facts: ResourceFacts, options: Options, now: Offer, target: Offer, load: Load | None
    ) -> Finding:
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        size = facts.storage_gib
        assert size is not None
        by_size = disks.storage_monthly(facts) or cost.monthly
        by_size = min(by_size, cost.monthly)
        operations = min(_paid_operations(facts), cost.monthly - by_size)
        saved = scaled_saving(by_size, list_current=now.monthly, list_target=target.monthly)
        saving = saved.saving + operations
        shown: dict[str, Value] = {
            _("Disk class"): now.family,
            _("Cheaper class"): target.family,
            _("Size"): number(size, _("GiB")),
        }
        if load is not None:
            shown |= {
                _("Operations a second in the busiest hours"): number(load.iops),
                _("… the cheaper class allows"): number(target.plan_limits[LIMIT_IOPS]),
                _("Throughput in the busiest hours"): number(load.throughput_mib, _("MiB/s")),
                _("… the cheaper class gives"): number(target.plan_limits[LIMIT_THROUGHPUT], _("MiB/s")),
            }
        return Finding(
            resource_pks=(facts.pk,),
            facts=shown,
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - saving,
            saving_monthly=saving,
            currency=cost.currency,
            formula=_formula(by_size, now, target, operations, saving, cost.currency),
            steps=(
                steps.ask_owner(facts),
                steps.snapshot_volume(facts),
                steps.retype_volume(facts, target.family),
                Text(
                    _("Watch waiting times of the disk for %(days)d days; go back if they grow."),
                    {"days": options["days"]},
                ),
            ),
            matters={"size": size, "class": now.family, "target": target.family},
            confidence=confidence(
                self.base_confidence if load is not None else options["unmeasured_confidence"],
                coverage=None if load is None else load.coverage,
                price_factor=saved.price_factor,
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Move “%(name)s” from %(now)s to the cheaper disk class %(target)s."),
                {"name": facts.name, "now": now.family, "target": target.family},
            ),
            notes=tuple(_notes(facts, load)),
            metrics=() if load is None else (IOPS, THROUGHPUT),
        )


def _load(facts: ResourceFacts, options: Options) -> Load | Skip:
    found: list[MetricSummary] = []
    for name in (IOPS, THROUGHPUT):
        summary = facts.usage(name, options["days"])
        if summary is None:
            return Skip(
                SkipReason.NO_METRICS,
                Text(_("There is no series “%(metric)s”."), {"metric": series_name(name)}),
            )
        if summary.coverage < float(options["coverage"]):
            return Skip(SkipReason.TOO_FEW_SAMPLES)
        found.append(summary)
    iops, throughput = found
    return Load(
        iops=Decimal(str(round(iops.p99, 1))),
        throughput_mib=Decimal(str(round(throughput.p99 / BYTES_IN_MIB, 2))),
        coverage=min(iops.coverage, throughput.coverage),
    )


def _price_now(facts: ResourceFacts) -> Offer | None:
    family = sizes.disk_family_of(facts)
    if family is None or facts.storage_gib is None:
        return None
    quote = sizes.volume_quote(
        facts.connection.prices,
        facts.connection.provider_type,
        region_id=facts.region_id or None,
        family=family,
        size_gib=facts.storage_gib,
        zone_id=sizes.zone_of(facts),
    )
    return None if quote is None else quote.offer


def _cheaper(facts: ResourceFacts, now: Offer) -> Sequence[Offer]:
    """Classes sold in the same place for less, the cheapest first; no HDD for what must not wait."""
    needs_ssd = disks.is_boot(facts) or disks.holds_database(facts)
    there = facts.connection.prices.disk_families(
        now.provider_type, region_id=facts.region_id or None, zone_id=sizes.zone_of(facts)
    )
    return [
        each
        for each in there
        if each.family != now.family
        and each.monthly < now.monthly
        and (each.currency, each.includes_tax) == (now.currency, now.includes_tax)
        and (disks.is_solid(each) or not needs_ssd)
    ]


def _fits(load: Load, offer: Offer, options: Options) -> bool:
    share = options["limit_percent"] / FULL
    return bool(
        load.iops <= offer.plan_limits[LIMIT_IOPS] * share
        and load.throughput_mib <= offer.plan_limits[LIMIT_THROUGHPUT] * share
    )


def _too_busy(load: Load, limited: Sequence[Offer], options: Options) -> NotMatched:
    most = max(limited, key=lambda each: each.plan_limits[LIMIT_IOPS])
    return NotMatched(
        Text(
            _(
                "It does %(iops)s operations and %(throughput)s MiB a second; of %(allowed)s and %(given)s of %(family)s "
                "%(share)s may be used."
            ),
            {
                "iops": number(load.iops),
                "throughput": number(load.throughput_mib),
                "allowed": number(most.plan_limits[LIMIT_IOPS]),
                "given": number(most.plan_limits[LIMIT_THROUGHPUT]),
                "family": most.family,
                "share": percent(options["limit_percent"]),
            },
        )
    )


def _paid_operations(facts: ResourceFacts) -> Decimal:
    """What is paid for operations beside the size, a month: it ends with the class."""
    return (
        sum((part.day_cost for part in facts.parts if "iops" in part.sku_id.casefold()), Decimal(0))
        * DAYS_IN_MONTH
    )


def _formula(
    by_size: Decimal, now: Offer, target: Offer, operations: Decimal, saving: Decimal, currency: str
) -> Text:
    params = {
        "cost": money(kopecks(by_size), currency),
        "target": money(kopecks(target.monthly), currency),
        "now": money(kopecks(now.monthly), currency),
        "saving": money(kopecks(saving), currency),
    }
    if not operations:
        return Text(_("%(cost)s × (1 − %(target)s / %(now)s a GiB by list) = %(saving)s"), params)
    return Text(
        _(
            "%(cost)s × (1 − %(target)s / %(now)s a GiB by list) + %(operations)s for paid operations = %(saving)s"
        ),
        {**params, "operations": money(kopecks(operations), currency)},
    )


def _notes(facts: ResourceFacts, load: Load | None) -> list[Text]:
    notes = []
    if load is None:
        notes.append(Text(_("It is not measured: this is advised because it is no production.")))
    if disks.holds_database(facts):
        notes.append(Text(_("It belongs to a database: only SSD classes were looked at.")))
    elif disks.is_boot(facts):
        notes.append(Text(_("A system starts from it: only SSD classes were looked at.")))
    return notes
