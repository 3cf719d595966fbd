"""Routers, NAT and VPN gateways with a fee that nothing goes through."""

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

RECEIVED, SENT = "network_rx", "network_tx"
BYTES_IN_MB = 1_000_000


class GatewayIdle(Rule):
    """Both directions must be measured: a gateway that only receives is still asked for."""

    id = "gateway.idle"
    title = gettext_lazy("Gateway that nothing goes through")
    description = gettext_lazy(
        "A router, NAT or VPN gateway with a fee that for %(days)d days had no port, or through which less than "
        "%(megabytes_a_day)s MB a day went."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"router", "network"})
    needs = (
        Cost(),
        Age(days="days"),
        Metric(name=RECEIVED, days="days", is_optional=True),
        Metric(name=SENT, days="days", is_optional=True),
    )
    options = (
        Option(name="days", label=gettext_lazy("Idle for"), default=30, unit=gettext_lazy("days"), minimum=7),
        Option(
            name="coverage",
            label=gettext_lazy("Hours of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="megabytes_a_day",
            label=gettext_lazy("Traffic a day less than"),
            default=Decimal(1),
            unit=gettext_lazy("MB"),
            minimum=0,
        ),
        Option(
            name="gateway_words",
            label=gettext_lazy("Words in the types of networks that are gateways"),
            default=("nat", "vpn", "gateway", "router"),
        ),
        cleanup.keep_tags("keep", "standby", "failover", "reserved"),
    )
    base_confidence = Decimal("0.7")
    effort = Effort.HOURS
    risk = Risk.MEDIUM
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if (gone := cleanup.not_there(facts)) is not None:
            return gone
        if facts.resource_type == "network" and not cleanup.word_in(
            facts.native_type, options["gateway_words"]
        ):
            return NotMatched(Text(_("It is no gateway.")))
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        if not cost.day_cost:
            return NotMatched(Text(_("It has no fee.")))
        if (kept := cleanup.kept_by_tag(facts, options["keep_tags"])) is not None:
            return kept
        coverage = None
        shown = _portless(facts, options)
        if shown is None:
            traffic = _traffic(facts, options)
            if not isinstance(traffic, tuple):
                return traffic
            shown, coverage = traffic
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Delete the gateway “%(name)s”: nothing goes through it."), {"name": facts.name}),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("Look which networks and routes name it, and who is to reach them.")),
                Text(_("Take its routes away first and wait some days: nobody should miss it.")),
                steps.what_disappears(facts),
                steps.delete(facts),
            ),
            matters={"signs": sorted(shown)},
            confidence=confidence(self.base_confidence, coverage=coverage, cost_days=cost.full_days),
            metrics=() if coverage is None else (RECEIVED, SENT),
        )


def _portless(facts: ResourceFacts, options: Options) -> dict[str, Value] | None:
    """That it has no port for long enough; None where it has some, or where that is not known."""
    since = max(facts.changed_at or facts.first_seen_at, facts.first_seen_at)
    if facts.configuration.get("port_count") != 0 or facts.days_since(since) < options["days"]:
        return None
    return {_("Ports"): 0, _("Unchanged for"): number(facts.days_since(since), _("days"))}


def _traffic(facts: ResourceFacts, options: Options) -> tuple[dict[str, Value], float] | NotMatched | Skip:
    found = [facts.usage(name, options["days"]) for name in (RECEIVED, SENT)]
    both = [each for each in found if each is not None]
    if len(both) < len(found):
        return Skip(SkipReason.NO_METRICS, Text(_("What goes through it is not measured.")))
    if any(each.coverage < float(options["coverage"]) for each in both):
        return Skip(SkipReason.TOO_FEW_SAMPLES)
    seen = round(sum(each.average for each in both) * DAY_SECONDS / BYTES_IN_MB, 3)
    if seen >= options["megabytes_a_day"]:
        return NotMatched(
            Text(
                _("%(seen)s MB a day go through it; the limit is %(limit)s."),
                {"seen": number(seen), "limit": number(options["megabytes_a_day"])},
            )
        )
    return {_("Traffic a day"): number(seen, _("MB"))}, min(each.coverage for each in both)
