"""Snapshots of what no longer exists."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, copies, steps
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
    Text,
    Value,
    day,
    number,
)
from recommendations.engine.facts import ResourceFacts


class SnapshotOrphan(Rule):
    """It may be the last copy of something: a person looks at each of them."""

    id = "snapshot.orphan"
    title = gettext_lazy("Snapshot without its source")
    description = gettext_lazy(
        "A snapshot whose volume or server has not been there for at least %(days)d days."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"snapshot"})
    needs = (Cost(),)
    options = (
        Option(
            name="days",
            label=gettext_lazy("Without its source for"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="incremental_factor",
            label=gettext_lazy("Weight where snapshots hold only what changed"),
            default=Decimal("0.6"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        cleanup.keep_tags("retain", "keep", "hold", "compliance", "legal-hold"),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.7")
    effort = Effort.MINUTES
    risk = Risk.MEDIUM
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if (gone := cleanup.not_there(facts)) is not None:
            return gone
        since = cleanup.unused_since(facts)
        if since is None:
            return NotMatched(Text(_("Its source is there, or nobody could look.")))
        if since.days < options["days"]:
            return cleanup.too_short(since.days, options["days"])
        kept = cleanup.kept_by_tag(facts, options["keep_tags"]) or copies.in_use(facts)
        if kept is not None:
            return kept
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        partial = copies.is_incremental(facts)
        shown: dict[str, Value] = {
            _("Without its source since"): day(since.moment.date()),
            _("Days"): since.days,
            _("Made from"): copies.source_name(facts),
            _("Age"): number(facts.age_days, _("days")),
        }
        if facts.storage_gib is not None:
            shown[_("Size")] = number(facts.storage_gib, _("GiB"))
        notes = [Text(_("It may be the last copy of what was on it."))]
        if since.is_cut:
            notes.append(Text(_("Its source was gone when it was first seen; for how long is not known.")))
        if partial:
            notes.append(Text(_("It holds only what changed: the saving is at most as much as is told.")))
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Delete the snapshot “%(name)s”, whose source is gone."), {"name": facts.name}),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("If its data may be needed, copy it to cheaper storage first.")),
                *steps.after_a_copy(facts, options["waiting_days"]),
            ),
            matters={"size": facts.storage_gib, "source": copies.source_of(facts)},
            confidence=confidence(
                self.base_confidence,
                factor=options["incremental_factor"] if partial else Decimal(1),
                cost_days=cost.full_days,
            ),
            notes=tuple(notes),
        )
