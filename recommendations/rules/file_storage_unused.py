"""File storage that nobody mounts, reads or writes."""

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
    day,
    number,
)
from recommendations.engine.daily import Daily, daily
from recommendations.engine.facts import ResourceFacts

SIGNS = (
    ("connections", _("It had %(most)s mounts at once.")),
    ("disk_throughput", _("Up to %(most)s bytes a second were read and written.")),
    ("disk_iops", _("Up to %(most)s operations a second were counted.")),
    ("disk_used_gib", _("It holds up to %(most)s GiB.")),
)
"""Series of which one that is zero all the time shows that it is unused, the surest first."""


class FileStorageUnused(Rule):
    """The surest sign that is there decides; one that is not measured says nothing."""

    id = "file_storage.unused"
    title = gettext_lazy("File storage that nobody uses")
    description = gettext_lazy(
        "File storage that for %(days)d days nobody mounted, or nobody read or wrote, or that was empty all the time."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"file_storage"})
    needs = (
        Age(days="days"),
        Cost(),
        *(Metric(name=name, days="days", is_optional=True) for name, _words in SIGNS),
    )
    options = (
        Option(
            name="days", label=gettext_lazy("Unused for"), default=30, unit=gettext_lazy("days"), minimum=7
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Days of them that must be measured"),
            default=Decimal("0.9"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        cleanup.keep_tags("keep", "retain", "hold"),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.7")
    effort = Effort.HOURS
    risk = Risk.MEDIUM
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        refused = cleanup.not_there(facts) or cleanup.kept_by_tag(facts, options["keep_tags"])
        if refused is not None:
            return refused
        since = cleanup.unused_since(facts)
        if since is not None and since.days >= options["days"]:
            shown: dict[str, Value] = {_("Attached to nothing since"): day(since.moment.date())}
            return self._finding(facts, options, shown, None, "")
        found = _surest(facts, options)
        if isinstance(found, Skip):
            return found
        name, words, used = found
        if used.maximum > 0:
            return NotMatched(Text(words, {"most": number(used.maximum)}))
        return self._finding(facts, options, {_("Days without use"): len(used.means)}, used, name)

    def _finding(
        self, facts: ResourceFacts, options: Options, shown: dict[str, Value], used: Daily | None, name: str
    ) -> Answer:
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        if facts.storage_gib is not None:
            shown[_("Size")] = number(facts.storage_gib, _("GiB"))
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Delete the file storage “%(name)s”, which nobody uses."), {"name": facts.name}),
            shown=shown,
            steps=(
                steps.ask_owner(facts),
                Text(_("Copy what is on it to cheaper storage.")),
                *steps.after_a_copy(facts, options["waiting_days"]),
            ),
            matters={"size": facts.storage_gib},
            confidence=confidence(
                self.base_confidence,
                coverage=None if used is None else used.coverage,
                cost_days=cost.full_days,
            ),
            metrics=(name,) if name else (),
        )


def _surest(facts: ResourceFacts, options: Options) -> tuple[str, str, Daily] | Skip:
    """The first sign that is measured well enough; that one is decisive."""
    is_thin = False
    for name, words in SIGNS:
        used = daily(facts, name, options["days"])
        if used is not None and used.coverage >= float(options["coverage"]):
            return name, words, used
        is_thin = is_thin or used is not None
    if is_thin:
        return Skip(SkipReason.TOO_FEW_SAMPLES)
    return Skip(SkipReason.NO_METRICS, Text(_("Neither mounts nor reads nor writes are measured.")))
