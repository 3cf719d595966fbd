"""What is billed although it is gone."""

from __future__ import annotations

from datetime import timedelta
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

ZOMBIE = "deleted_billed"
ONE_HOUR = timedelta(hours=1)


class ServerZombie(Rule):
    """The inventory calls a thing so only after a second snapshot billed an hour that began after the first missed it."""

    id = "server.zombie"
    title = gettext_lazy("Billed but gone")
    description = gettext_lazy(
        "Something is billed for at least %(hours)d hours after it vanished from a completely read list. Bills that come "
        "late do not count: the last charge is at most %(billing_delay_hours)d hours old."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset(
        {
            "server",
            "dedicated_server",
            "database",
            "volume",
            "file_storage",
            "snapshot",
            "image",
            "backup",
            "s3_bucket",
            "floating_ip",
            "load_balancer",
            "network",
            "router",
            "kubernetes_cluster",
            "kubernetes_node_group",
            "container_registry",
            "licence",
            "cdn",
        }
    )
    needs = (Cost(days=1),)
    options = (
        Option(
            name="hours", label=gettext_lazy("Gone for"), default=24, unit=gettext_lazy("hours"), minimum=1
        ),
        Option(
            name="billing_delay_hours",
            label=gettext_lazy("The provider's bills come at most so late"),
            default=48,
            unit=gettext_lazy("hours"),
            minimum=1,
        ),
    )
    base_confidence = Decimal("0.9")
    effort = Effort.MINUTES
    risk = Risk.LOW
    guards_off: ClassVar[frozenset[str]] = frozenset({"part", "change", "standby"})

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.status != ZOMBIE:
            return NotMatched(Text(_("It is still listed.")))
        if facts.is_provisional or facts.absent_since is None:
            return Skip(
                SkipReason.NO_EVIDENCE,
                Text(_("So far only one reading missed it: the bill may be older than its end.")),
            )
        now = facts.connection.now
        hours = (now - facts.absent_since) // ONE_HOUR
        if hours < options["hours"]:
            return NotMatched(
                Text(
                    _("It has been gone for %(hours)d hours; the rule waits for %(wanted)d."),
                    {"hours": hours, "wanted": options["hours"]},
                )
            )
        if facts.last_charge_at is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("No billed line of the last days names it.")))
        late = (now - facts.last_charge_at) // ONE_HOUR
        if late > options["billing_delay_hours"]:
            return NotMatched(
                Text(
                    _("It was last charged %(hours)d hours ago; up to %(wanted)d may be the bill's delay."),
                    {"hours": late, "wanted": options["billing_delay_hours"]},
                )
            )
        cost = facts.cost(max(1, min(cleanup.COST_DAYS, hours // 24)))
        assert cost is not None
        shown: dict[str, Value] = {
            _("Gone since"): day(facts.absent_since),
            _("Hours billed since"): hours,
            _("Last charged"): day(facts.last_charge_at),
            _("Project"): facts.sub_account_name or facts.sub_account_id or "—",
        }
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Have the billing of “%(name)s” ended: it is gone."), {"name": facts.name}),
            shown=shown,
            steps=(
                Text(
                    _(
                        "Look for it in the provider's panel: in the recycle bin, in other projects and regions."
                    ),
                ),
                steps.ask_provider(facts),
                steps.check_bill(),
            ),
            matters={"type": facts.native_type, "gone": facts.absent_since.date()},
            confidence=confidence(self.base_confidence),
            notes=(
                Text(
                    _("A provider may charge for what it keeps after a deletion, so that it can be undone.")
                ),
                Text(_("If not all projects can be read, it may have been moved to one of those.")),
            ),
        )
