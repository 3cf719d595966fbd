"""Images of one's own that nothing is made from any more."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, copies, guards, steps
from recommendations.engine.calculations import confidence
from recommendations.engine.contract import (
    Age,
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
from recommendations.engine.facts import ResourceFacts


class ImageUnused(Rule):
    """Whether something was made from an image is seen only as far back as the history reaches."""

    id = "image.unused"
    title = gettext_lazy("Image that nothing is made from")
    description = gettext_lazy(
        "An image of one's own from which no server and no volume has been there for at least %(days)d days, and that is "
        "not the newest of its family: of names that differ only in numbers."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"image"})
    needs = (Age(days="days"), Cost())
    subject = "connection"
    options = (
        Option(
            name="days", label=gettext_lazy("Unused for"), default=60, unit=gettext_lazy("days"), minimum=1
        ),
        cleanup.keep_tags("golden", "template", "ci", "keep", "retain"),
        Option(
            name="keep_words",
            label=gettext_lazy("Words in names of what is kept"),
            default=("golden", "template", "base", "packer", "ci"),
        ),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.75")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True
    guards_off = frozenset({"needs"})
    """What is too young to be asked about is the newest one all the same."""

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        families: dict[str, list[ResourceFacts]] = defaultdict(list)
        for each in facts:
            families[family_of(each.name)].append(each)
        for family in families.values():
            newest = max(family, key=lambda each: (each.created_at, each.pk))
            for each in family:
                yield f"resource:{each.pk}", self._answer(each, options, is_newest=each is newest)

    def _answer(self, facts: ResourceFacts, options: Options, *, is_newest: bool) -> Answer:
        if (unmet := guards.unmet_need(type(self), facts, options)) is not None:
            return unmet
        if (gone := cleanup.not_there(facts)) is not None:
            return gone
        if facts.connection.made_from is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("What is made from images is not known.")))
        if facts.days_since(facts.history_since) < options["days"]:
            return Skip(
                SkipReason.NO_EVIDENCE,
                Text(
                    _("The history reaches %(known)d days back; %(wanted)d are asked for."),
                    {"known": facts.days_since(facts.history_since), "wanted": options["days"]},
                ),
            )
        used_at = copies.last_use(facts)
        if used_at is not None and facts.days_since(used_at) < options["days"]:
            return cleanup.too_short(facts.days_since(used_at), options["days"])
        if is_newest:
            return NotMatched(Text(_("It is the newest one of its family.")))
        kept = cleanup.kept_by_tag(facts, options["keep_tags"]) or cleanup.kept_by_name(
            facts, options["keep_words"]
        )
        if kept is not None:
            return kept
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        shown: dict[str, Value] = {_("Age"): number(facts.age_days, _("days"))}
        if used_at is None:
            shown[_("Nothing made from it seen since")] = day(facts.history_since.date())
        else:
            shown[_("Something made from it was last there on")] = day(used_at.date())
        if facts.storage_gib is not None:
            shown[_("Size")] = number(facts.storage_gib, _("GiB"))
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Delete the image “%(name)s”: nothing is made from it."), {"name": facts.name}),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("Look whether a template, a scaling group or a pipeline names it.")),
                *steps.after_a_copy(facts, options["waiting_days"]),
            ),
            matters={"size": facts.storage_gib},
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
        )


def family_of(name: str) -> str:
    """The name without dates, versions and numbers."""
    return re.sub(r"[\W_\d]+", "-", name.casefold()).strip("-")
