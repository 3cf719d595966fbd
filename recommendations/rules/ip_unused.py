"""Public addresses that belong to nothing, or to a server that is off for long."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, steps
from recommendations.engine.calculations import confidence
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    day,
)
from recommendations.engine.facts import ResourceFacts

STOPPED = "stopped"


class IpUnused(Rule):
    """The time without a use decides, not the age of the address."""

    id = "ip.unused"
    title = gettext_lazy("Public address that nothing uses")
    description = gettext_lazy(
        "A public address that has belonged to nothing for at least %(days)d days, or to a server that has been off for "
        "more than %(stopped_days)d days. A released address does not come back."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"floating_ip"})
    needs = (Cost(),)
    options = (
        Option(
            name="days",
            label=gettext_lazy("Belongs to nothing for"),
            default=7,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="stopped_days",
            label=gettext_lazy("… or its server is off for more than"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        cleanup.keep_tags("keep", "reserved", "failover", "allowlist", "whitelist", "allow-listed"),
        Option(
            name="keep_words",
            label=gettext_lazy("Words in names of what is reserved"),
            default=("failover", "reserved", "vip", "keep"),
        ),
    )
    base_confidence = Decimal("0.95")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status in cleanup.GONE:
            return NotMatched(Text(_("It is not listed any more.")))
        shown = _without_use(facts, options)
        if not isinstance(shown, dict):
            return shown
        kept = (
            cleanup.kept_by_tag(facts, options["keep_tags"])
            or cleanup.kept_by_name(facts, options["keep_words"])
            or _named(facts)
        )
        if kept is not None:
            return kept
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        if facts.ip_addresses:
            shown = {_("Address"): ", ".join(facts.ip_addresses), **shown}
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Release the public address “%(name)s”."), {"name": facts.name}),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("Look whether a DNS record or the allow list of a partner names it.")),
                steps.release_ip(facts),
            ),
            matters={
                "address": sorted(facts.ip_addresses),
                "server": facts.parent and facts.parent.resource_id,
            },
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
        )


def _without_use(facts: ResourceFacts, options: Options) -> dict[str, Value] | NotMatched | Skip:
    """Since when it serves nothing, or the answer."""
    server = facts.parent
    if server is not None:
        if server.resource_type != "server" or server.status != STOPPED:
            return NotMatched(Text(_("It belongs to “%(name)s”."), {"name": server.name}))
        off = facts.days_since(server.status_since)
        if off <= options["stopped_days"]:
            return NotMatched(
                Text(
                    _("Its server “%(name)s” has been off for %(days)d days; the limit is %(limit)d."),
                    {"name": server.name, "days": off, "limit": options["stopped_days"]},
                )
            )
        return {_("Its server"): server.name, _("Off since"): day(server.status_since.date())}
    since = cleanup.unused_since(facts)
    if since is None:
        return Skip(SkipReason.NO_EVIDENCE, Text(_("Nobody could tell what it belongs to.")))
    if since.days < options["days"]:
        return cleanup.too_short(since.days, options["days"])
    return {_("Belongs to nothing since"): day(since.moment.date()), _("Days"): since.days}


def _named(facts: ResourceFacts) -> Skip | None:
    address = next((each for each in facts.ip_addresses if each in facts.connection.named_addresses), None)
    if address is None:
        return None
    return Skip(SkipReason.GUARDED, Text(_("A DNS record points at %(address)s."), {"address": address}))
