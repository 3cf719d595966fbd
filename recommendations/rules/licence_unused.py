"""A licence for a server that is off or gone."""

from __future__ import annotations

from datetime import datetime
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
    day,
    term,
)
from recommendations.engine.facts import ResourceFacts

SERVER_KEYS = ("server_id", "vps_id")
STOPPED, DELETED, ABSENT = _("switched off"), _("deleted and still billed"), _("gone")


class LicenceUnused(Rule):
    """Which server it is bound to is told by its parent, else by the server's id among its own facts."""

    id = "licence.unused"
    title = gettext_lazy("Licence for nothing that runs")
    description = gettext_lazy(
        "A licence whose server has been switched off, deleted or gone for at least %(days)d days."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"licence"})
    needs = (Cost(),)
    options = (
        Option(
            name="days",
            label=gettext_lazy("Without a server for"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
    )
    base_confidence = Decimal("0.8")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        refused = cleanup.not_there(facts)
        if refused is not None:
            return refused
        if facts.parent is not None and facts.parent.status not in ("stopped", "deleted", "deleted_billed"):
            return NotMatched(Text(_("Its server “%(name)s” is in use."), {"name": facts.parent.name}))
        bound = _unbound_since(facts)
        if bound is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Which server it is for is not known.")))
        word, since = bound
        days = facts.days_since(since)
        if days < options["days"]:
            return cleanup.too_short(days, options["days"])
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Cancel the licence “%(name)s”: nothing uses it."), {"name": facts.name}),
            shown={_("Its server is"): term(word), _("Since"): day(since), _("Days"): days},
            steps=(
                steps.ask_owner(facts),
                Text(_("Keep its key, if it may be needed again, and see when its paid period ends.")),
                Text(_("Cancel “%(name)s” at the provider."), {"name": facts.name}),
                steps.check_bill(),
            ),
            matters={"server": word},
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
        )


def _unbound_since(facts: ResourceFacts) -> tuple[str, datetime] | None:
    """What became of its server, and since when; None where no server of it is known."""
    parent = facts.parent
    if parent is not None:
        if parent.status == "stopped":
            return STOPPED, parent.status_since
        return DELETED, parent.absent_since or parent.status_since
    gone = facts.connection.dead_sources
    named = (str(facts.configuration.get(key) or "") for key in SERVER_KEYS)
    found = next((each for each in named if each in gone), "")
    if found:
        return ABSENT, gone[found]
    since = cleanup.unused_since(facts)
    return None if since is None else (ABSENT, since.moment)
