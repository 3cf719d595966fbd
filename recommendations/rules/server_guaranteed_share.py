"""A server that pays for whole vCPUs and uses a share of them."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, rightsizing, steps
from recommendations.engine.calculations import confidence, kopecks
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
    money,
    percent,
    points_bucket,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.sizes import Quote, current_quote, quotes, zone_of
from recommendations.engine.usage import MetricSummary

CPU = "cpu_percent"
STEAL = "cpu_steal_percent"
WHOLE = Decimal(100)


class GuaranteedShare(Rule):
    """A share is what is guaranteed of each vCPU; whether neighbours leave more, stolen time tells."""

    id = "server.guaranteed_share"
    title = gettext_lazy("A share of each vCPU would do")
    description = gettext_lazy(
        "Over %(days)d days the CPU is in 95 of 100 hours at most %(limit)s %% of a smaller guaranteed share that the "
        "provider sells, and at most %(steal)s %% of the time is stolen by neighbours. Production goes down by one share."
    )
    category = Category.RIGHTSIZING
    applies_to: ClassVar[frozenset[str]] = frozenset({"server"})
    needs = (
        Age(days="days"),
        Cost(),
        Prices(),
        Metric(name=CPU, days="days"),
        Metric(name=STEAL, days="days", is_optional=True),
    )
    options = (
        Option(
            name="days",
            label=gettext_lazy("Look back"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
            maximum=90,
        ),
        Option(
            name="limit",
            label=gettext_lazy("Use of the smaller share at most"),
            default=Decimal(60),
            unit="%",
            minimum=10,
            maximum=100,
        ),
        Option(
            name="steal",
            label=gettext_lazy("Mean stolen time at most"),
            default=Decimal(2),
            unit="%",
            minimum=0,
            maximum=100,
        ),
        Option(
            name="latency_tags",
            label=gettext_lazy("Tags of what must answer at once"),
            default=("latency", "latency-sensitive", "realtime"),
        ),
    )
    base_confidence = Decimal("0.7")
    effort = Effort.HOURS
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status != "running":
            return NotMatched(Text(_("It is not running.")))
        refused = cleanup.kept_by_tag(facts, options["latency_tags"])
        if refused is not None:
            return refused
        current = current_quote(facts)
        if current is None:
            return Skip(SkipReason.NO_PRICE, Text(_("What its size costs by list is not known.")))
        smaller = _smaller_shares(facts, current)
        if not smaller:
            return Skip(
                SkipReason.UNSUPPORTED_BY_PROVIDER,
                Text(_("The provider sells no smaller share of a vCPU there.")),
            )
        steal = facts.usage(STEAL, options["days"])
        if steal is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("How much time neighbours steal is not measured.")))
        if steal.average > options["steal"]:
            return NotMatched(
                Text(
                    _("Neighbours steal %(steal)s of its time; the limit is %(limit)s."),
                    {"steal": percent(steal.average), "limit": percent(options["steal"])},
                )
            )
        cpu = facts.usage(CPU, options["days"])
        assert cpu is not None
        if facts.is_production:
            smaller = smaller[:1]
        fitting = [each for each in smaller if _use_of(cpu, each.cpu_share) <= options["limit"]]
        if not fitting:
            return NotMatched(
                Text(
                    _("It would use %(use)s of a share of %(share)s; the limit is %(limit)s."),
                    {
                        "use": percent(_use_of(cpu, smaller[0].cpu_share)),
                        "share": percent(smaller[0].cpu_share),
                        "limit": percent(options["limit"]),
                    },
                )
            )
        return self._finding(facts, options, current, fitting[-1], cpu)

    def _finding(
        self, facts: ResourceFacts, options: Options, current: Quote, target: Quote, cpu: MetricSummary
    ) -> Answer:
        cost = rightsizing.cost_of_size(facts)
        if cost is None or cost.currency != target.currency:
            return Skip(
                SkipReason.NO_PRICE, Text(_("It is billed in another currency than it is listed in."))
            )
        saving = rightsizing.saving_of(cost, current, target)
        if saving.saving <= 0:
            return Skip(SkipReason.ALREADY_OPTIMAL, Text(_("The smaller share is no cheaper.")))
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("Guaranteed share now"): percent(current.cpu_share),
                _("Share that is enough"): percent(target.cpu_share),
                _("CPU in 95 of 100 hours"): percent(cpu.p95),
                _("Of the smaller share"): percent(_use_of(cpu, target.cpu_share)),
                _("Days looked at"): options["days"],
            },
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - saving.saving,
            saving_monthly=saving.saving,
            currency=cost.currency,
            formula=Text(
                _("%(now)s − %(target)s with a share of %(share)s = %(saving)s"),
                {
                    "now": money(kopecks(saving.saving + saving.target), cost.currency),
                    "target": money(kopecks(saving.target), cost.currency),
                    "share": percent(target.cpu_share),
                    "saving": money(kopecks(saving.saving), cost.currency),
                },
            ),
            steps=(
                steps.agree_on_time(facts),
                steps.copy_server(facts),
                Text(
                    _("Change “%(name)s” to the line %(line)s, with a share of %(share)s."),
                    {"name": facts.name, "line": target.family, "share": percent(target.cpu_share)},
                ),
                steps.watch(7),
            ),
            matters={"from": current.cpu_share, "to": target.cpu_share, "cpu": points_bucket(cpu.p95)},
            confidence=confidence(
                self.base_confidence,
                coverage=cpu.coverage,
                price_factor=saving.price_factor,
                observed_days=facts.observed_days,
                lookback_days=options["days"],
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Give “%(name)s” a guaranteed share of %(share)s of each vCPU."),
                {"name": facts.name, "share": percent(target.cpu_share)},
            ),
            metrics=(CPU, STEAL),
        )


def _smaller_shares(facts: ResourceFacts, current: Quote) -> list[Quote]:
    """The cheapest of its size for each smaller share, the largest share first."""
    found: dict[int, Quote] = {}
    for each in quotes(
        facts.connection.prices,
        facts.connection.provider_type,
        vcpus=current.vcpus,
        memory_mib=current.memory_mib,
        storage_gib=current.storage_gib,
        region_id=facts.region_id or None,
        zone_id=zone_of(facts),
        least_cpu_share=1,
        with_preemptible=current.is_preemptible,
    ):
        is_same = (each.vcpus, each.memory_mib, each.currency) == (
            current.vcpus,
            current.memory_mib,
            current.currency,
        )
        if is_same and each.cpu_share < current.cpu_share and each.is_preemptible == current.is_preemptible:
            found.setdefault(each.cpu_share, each)
    return [found[share] for share in sorted(found, reverse=True)]


def _use_of(cpu: MetricSummary, share: int) -> Decimal:
    """Per cent of what the share guarantees."""
    return Decimal(str(cpu.p95)) * WHOLE / share
