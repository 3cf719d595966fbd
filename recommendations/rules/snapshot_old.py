"""Old snapshots, of which newer ones exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, copies, guards, steps
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
    number,
)
from recommendations.engine.daily import age_days
from recommendations.engine.facts import ResourceFacts


class SnapshotOld(Rule):
    """The newest of a source always stays, with all that is as new; a chain of increments is never broken."""

    id = "snapshot.old"
    title = gettext_lazy("Old snapshot")
    description = gettext_lazy(
        "A snapshot of at least %(days)d days that is none of the newest %(keep_newest)d of its source, and that neither "
        "its name nor a tag keeps."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"snapshot"})
    needs = (Cost(),)
    subject = "connection"
    options = (
        Option(name="days", label=gettext_lazy("Age"), default=90, unit=gettext_lazy("days"), minimum=1),
        Option(
            name="keep_newest", label=gettext_lazy("Newest ones of a source that stay"), default=1, minimum=0
        ),
        Option(
            name="keep_words",
            label=gettext_lazy("Words in names of what is kept for long"),
            default=("monthly", "yearly", "annual", "keep", "retain", "golden"),
        ),
        cleanup.keep_tags("retain", "keep", "hold", "compliance", "legal-hold"),
        Option(
            name="incremental_factor",
            label=gettext_lazy("Weight where snapshots hold only what changed"),
            default=Decimal("0.6"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.8")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True
    guards_off = frozenset({"needs"})
    """What is too young to be asked about is the newest one all the same."""

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        for group in copies.by_source(facts).values():
            last_kept = group[: options["keep_newest"]][-1:]
            for each in group:
                newest = any(each.created_at >= kept.created_at for kept in last_kept)
                yield f"resource:{each.pk}", self._answer(each, group, options, is_newest=newest)

    def _answer(
        self, facts: ResourceFacts, group: Sequence[ResourceFacts], options: Options, *, is_newest: bool
    ) -> Answer:
        if (unmet := guards.unmet_need(type(self), facts, options)) is not None:
            return unmet
        if (gone := cleanup.not_there(facts)) is not None:
            return gone
        age = age_days(facts)
        if age < options["days"]:
            return NotMatched(
                Text(
                    _("It is %(age)d days old; the limit is %(limit)d."),
                    {"age": age, "limit": options["days"]},
                )
            )
        if not copies.source_of(facts):
            return Skip(SkipReason.NO_EVIDENCE, Text(_("What it was made from is not known.")))
        if is_newest:
            return NotMatched(Text(_("It is the newest one of its source.")))
        kept = (
            cleanup.kept_by_tag(facts, options["keep_tags"])
            or cleanup.kept_by_name(facts, options["keep_words"])
            or copies.in_use(facts)
        )
        if kept is not None:
            return kept
        if copies.chain_of(facts, group):
            return Skip(SkipReason.GUARDED, Text(_("Newer copies build on it.")))
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        partial = copies.is_incremental(facts)
        newer = [each for each in group if each.created_at > facts.created_at]
        shown: dict[str, Value] = {
            _("Age"): number(age, _("days")),
            _("Made from"): copies.source_name(facts),
            _("Newer ones of the same source"): len(newer),
        }
        if newer:
            shown[_("The newest one is of")] = day(group[0].created_at.date())
        if facts.storage_gib is not None:
            shown[_("Size")] = number(facts.storage_gib, _("GiB"))
        return cleanup.removal(
            facts,
            cost,
            summary=Text(
                _("Delete the snapshot “%(name)s”, which is %(age)d days old."),
                {"name": facts.name, "age": age},
            ),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("Look whether a newer copy can be restored.")),
                *steps.after_a_copy(facts, options["waiting_days"]),
            ),
            matters={"size": facts.storage_gib, "source": copies.source_of(facts)},
            confidence=confidence(
                self.base_confidence,
                factor=options["incremental_factor"] if partial else Decimal(1),
                cost_days=cost.full_days,
            ),
            notes=(Text(_("It holds only what changed: the saving is at most as much as is told.")),)
            if partial
            else (),
        )
