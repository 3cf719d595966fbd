"""A bucket that nobody reads or writes."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import buckets, cleanup, steps
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
    number,
)
from recommendations.engine.daily import too_young
from recommendations.engine.facts import ResourceFacts


class BucketAbandoned(Rule):
    """Archives and backups are quiet by nature: names that say so keep a bucket out of this rule."""

    id = "bucket.abandoned"
    title = gettext_lazy("Abandoned bucket")
    description = gettext_lazy(
        "A bucket that holds something, and that in %(days)d days saw at most %(requests)s reads and %(requests)s writes. "
        "Its owner must answer before anything is done."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"s3_bucket"})
    needs = (Cost(), *buckets.series("days"))
    options = (
        Option(
            name="days", label=gettext_lazy("Quiet for"), default=90, unit=gettext_lazy("days"), minimum=30
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Days of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="requests", label=gettext_lazy("Reads and writes at most"), default=Decimal(100), minimum=0
        ),
        Option(
            name="quiet_words",
            label=gettext_lazy("Words in names of what is quiet by nature"),
            default=("archive", "backup", "cold", "legal", "dump", "log"),
        ),
        cleanup.keep_tags("keep", "retain", "hold", "legal-hold", "compliance", "archive", "backup"),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.5")
    effort = Effort.HOURS
    risk = Risk.HIGH
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if (refused := cleanup.not_there(facts) or too_young(facts, options["days"])) is not None:
            return refused
        size = buckets.size_of(facts)
        if size is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("What it holds is not known.")))
        if not size:
            return NotMatched(Text(_("It is empty.")))
        use = buckets.use_of(facts, options["days"], options["coverage"])
        if isinstance(use, Skip):
            return use
        if use.reads is None or use.writes is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its reads and writes are not told apart.")))
        if use.reads > options["requests"] or use.writes > options["requests"]:
            return NotMatched(
                Text(
                    _("%(reads)s reads and %(writes)s writes; the limit is %(limit)s of each."),
                    {
                        "reads": number(round(use.reads)),
                        "writes": number(round(use.writes)),
                        "limit": number(options["requests"]),
                    },
                )
            )
        kept = cleanup.kept_by_tag(facts, options["keep_tags"]) or cleanup.kept_by_name(
            facts, options["quiet_words"]
        )
        if kept is not None:
            return kept
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        return cleanup.removal(
            facts,
            cost,
            summary=Text(_("Ask whose the bucket “%(name)s” is: nobody uses it."), {"name": facts.name}),
            shown={
                _("Size"): number(size, _("GiB")),
                _("Days looked at"): use.days,
                _("Reads"): number(round(use.reads)),
                _("Writes"): number(round(use.writes)),
            },
            steps=(
                steps.ask_owner(facts),
                Text(_("Do nothing before its owner has answered.")),
                Text(_("Copy it to an archive class or another place, and count the objects of both.")),
                *steps.after_a_copy(facts, options["waiting_days"]),
            ),
            matters={"class": buckets.class_of(facts)},
            confidence=confidence(self.base_confidence, coverage=use.coverage, cost_days=cost.full_days),
            metrics=use.metrics,
        )
