"""Load balancers without targets or without traffic."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, steps
from recommendations.engine.calculations import confidence
from recommendations.engine.contract import (
    Age,
    Answer,
    Category,
    Cost,
    Effort,
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
    number,
)
from recommendations.engine.daily import DAY_SECONDS
from recommendations.engine.facts import ResourceFacts

REQUESTS, RECEIVED, SENT = "request_rate", "network_rx", "network_tx"
SICK = frozenset({"error", "offline"})
KUBERNETES_NAME = "kube_service"
KUBERNETES_TAGS = ("kubernetes.io/service-name", "kubernetes.io/cluster")


class LbUnused(Rule):
    """What is not measured and has targets says nothing: such a balancer is not called unused."""

    id = "lb.unused"
    title = gettext_lazy("Load balancer that serves nothing")
    description = gettext_lazy(
        "A load balancer that for %(days)d days had no target, or none that is healthy, or at most "
        "%(requests_a_day)s requests and %(bytes_a_day)s bytes a day."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"load_balancer"})
    needs = (
        Age(days="days"),
        Cost(),
        *(Metric(name=name, days="days", is_optional=True) for name in (REQUESTS, RECEIVED, SENT)),
    )
    options = (
        Option(
            name="days",
            label=gettext_lazy("Serves nothing for"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=7,
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Hours of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="requests_a_day",
            label=gettext_lazy("Requests a day at most"),
            default=Decimal(10),
            minimum=0,
        ),
        Option(
            name="bytes_a_day",
            label=gettext_lazy("Bytes a day at most"),
            default=Decimal(100_000),
            minimum=0,
            help_text=gettext_lazy("Health checks and scanners are no use."),
        ),
        Option(
            name="twin_words",
            label=gettext_lazy("Words in names of what waits for its turn"),
            default=("blue", "green", "canary", "standby", "failover"),
        ),
        cleanup.keep_tags("keep", "standby", "failover", "reserved"),
    )
    base_confidence = Decimal("0.85")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if (gone := cleanup.not_there(facts)) is not None:
            return gone
        coverage = None
        shown = _targets(facts, options)
        if shown is None:
            traffic = _traffic(facts, options)
            if not isinstance(traffic, tuple):
                return traffic
            shown, coverage = traffic
        word = cleanup.word_in(facts.name, options["twin_words"])
        if word:
            return Skip(
                SkipReason.TWIN, Text(_("Its name says “%(word)s”: it waits for its turn."), {"word": word})
            )
        if (kept := cleanup.kept_by_tag(facts, options["keep_tags"])) is not None:
            return kept
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        return cleanup.removal(
            facts,
            cost,
            summary=Text(
                _("Delete the load balancer “%(name)s”, which serves nothing."), {"name": facts.name}
            ),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("Look whether a DNS record names its address.")),
                *(
                    (Text(_("A Kubernetes service owns it: delete the service, not the balancer.")),)
                    if _is_kubernetes(facts)
                    else (steps.what_disappears(facts), steps.delete(facts))
                ),
            ),
            matters={"signs": sorted(shown)},
            confidence=confidence(self.base_confidence, coverage=coverage, cost_days=cost.full_days),
            metrics=()
            if coverage is None
            else tuple(name for name in (REQUESTS, RECEIVED, SENT) if name in facts.series),
        )


def _targets(facts: ResourceFacts, options: Options) -> dict[str, Value] | None:
    """That there is no target, or none that is healthy, for long enough; None where that does not hold or is not known."""
    configuration = facts.configuration
    since = max(facts.changed_at or facts.first_seen_at, facts.first_seen_at)
    if facts.days_since(since) < options["days"]:
        return None
    members = configuration.get("member_count")
    if members == 0:
        return {_("Targets"): 0, _("Unchanged for"): number(facts.days_since(since), _("days"))}
    health = str(configuration.get("operating_status", "")).casefold()
    if members and health in SICK:
        return {
            _("Targets"): int(members),
            _("Healthy ones"): 0,
            _("Unchanged for"): number(facts.days_since(since), _("days")),
        }
    return None


def _traffic(facts: ResourceFacts, options: Options) -> tuple[dict[str, Value], float] | NotMatched | Skip:
    """Requests and bytes a day; requests alone show nothing where connections of other kinds are served."""
    wanted = (
        (
            REQUESTS,
            options["requests_a_day"],
            _("Requests a day"),
            _("%(seen)s requests a day; the limit is %(limit)s."),
        ),
        (
            RECEIVED,
            options["bytes_a_day"],
            _("Bytes received a day"),
            _("%(seen)s bytes a day received; the limit is %(limit)s."),
        ),
        (
            SENT,
            options["bytes_a_day"],
            _("Bytes sent a day"),
            _("%(seen)s bytes a day sent; the limit is %(limit)s."),
        ),
    )
    shown: dict[str, Value] = {}
    coverages = []
    is_thin = False
    for name, limit, label, busy in wanted:
        used = facts.usage(name, options["days"])
        if used is None:
            continue
        seen = round(used.average * DAY_SECONDS, 1)
        if seen > limit:
            return NotMatched(Text(busy, {"seen": number(seen), "limit": number(limit)}))
        is_thin = is_thin or used.coverage < float(options["coverage"])
        shown[label] = number(seen)
        coverages.append(used.coverage)
    if not coverages:
        return Skip(
            SkipReason.NO_METRICS, Text(_("It has targets or they are not known, and it is not measured."))
        )
    if is_thin:
        return Skip(SkipReason.TOO_FEW_SAMPLES)
    return shown, min(coverages)


def _is_kubernetes(facts: ResourceFacts) -> bool:
    return facts.name.casefold().startswith(KUBERNETES_NAME) or facts.has_tag(*KUBERNETES_TAGS)
