"""A bucket that nobody reads, in a class for what is read."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import bucket_moves, buckets, cleanup, steps
from recommendations.engine.calculations import kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    NotMatched,
    Option,
    Options,
    Prices,
    Risk,
    Rule,
    Text,
    money,
    number,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import LIMIT_RESTORE_HOURS, RETRIEVAL_GIB


class BucketArchive(Rule):
    """Restoring from an archive takes hours and money: both are shown, and what must come back quickly is guarded."""

    id = "bucket.archive"
    title = gettext_lazy("Bucket that nobody reads")
    description = gettext_lazy(
        "A bucket from which nothing was read for %(days)d days, where an archive class is sold. Objects must be "
        "%(least_kib)s KiB on average."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"s3_bucket"})
    needs = (Cost(), Prices(), *buckets.series("days"))
    options = (
        Option(
            name="days", label=gettext_lazy("Not read for"), default=90, unit=gettext_lazy("days"), minimum=30
        ),
        Option(
            name="coverage",
            label=gettext_lazy("Days of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="least_kib",
            label=gettext_lazy("Objects on average at least"),
            default=Decimal(128),
            unit=gettext_lazy("KiB"),
            minimum=0,
        ),
        Option(
            name="archive_words",
            label=gettext_lazy("Words in names of archive classes"),
            default=buckets.ARCHIVE_WORDS,
        ),
        Option(
            name="quick_words",
            label=gettext_lazy("Words in names of what must come back quickly"),
            default=("backup", "dump", "velero", "restic"),
            help_text=gettext_lazy("Backup tools read and rewrite what they keep."),
        ),
        cleanup.keep_tags("legal-hold", "hold", "compliance", "backup"),
        bucket_moves.UNKNOWN_OBJECTS_FACTOR,
    )
    base_confidence = Decimal("0.65")
    effort = Effort.MINUTES
    risk = Risk.MEDIUM

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        basis = bucket_moves.basis(
            facts,
            days=options["days"],
            coverage=options["coverage"],
            own_words=options["archive_words"],
            target_words=options["archive_words"],
        )
        if not isinstance(basis, bucket_moves.Basis):
            return basis
        use, target = basis.use, basis.target
        if (use.reads or 0) > 0 or (use.read_gib or 0) > 0:
            return NotMatched(
                Text(
                    _("%(reads)s reads and %(read)s GiB in %(days)d days."),
                    {
                        "reads": number(round(use.reads or Decimal(0))),
                        "read": number(use.read_gib or Decimal(0)),
                        "days": options["days"],
                    },
                )
            )
        kept = cleanup.kept_by_tag(facts, options["keep_tags"]) or cleanup.kept_by_name(
            facts, options["quick_words"]
        )
        if kept is not None:
            return kept
        object_kib = buckets.mean_object_kib(facts, basis.size_gib)
        if (small := bucket_moves.too_small(object_kib, options["least_kib"], target)) is not None:
            return small
        found = bucket_moves.move(facts, use, basis.size_gib, basis.now, target)
        return bucket_moves.moved(
            type(self),
            facts,
            use,
            found,
            object_kib=object_kib,
            unknown_objects_factor=options["unknown_objects_factor"],
            summary=Text(
                _("Move “%(name)s” to the archive class %(family)s: nobody reads it."),
                {"name": facts.name, "family": target.family},
            ),
            notes=_restoring(facts, found),
            steps=(
                steps.ask_owner(facts),
                Text(
                    _("Ask how fast it must come back, and whether the law or a contract says where it lies.")
                ),
                Text(
                    _("Add a lifecycle rule that moves objects to the class %(family)s after %(days)d days."),
                    {"family": target.family, "days": options["days"]},
                ),
                Text(_("Restore one object, to see how long that takes.")),
            ),
        )


def _restoring(facts: ResourceFacts, found: bucket_moves.Move) -> tuple[Text, ...]:
    """What getting all of it back would take and cost, as far as the list says."""
    back = facts.connection.prices.bucket_price(
        found.target.provider_type,
        RETRIEVAL_GIB,
        family=found.target.family,
        region_id=facts.region_id or None,
    )
    notes = []
    if back is not None:
        notes.append(
            Text(
                _("Reading all of it back once would cost %(cost)s."),
                {"cost": money(kopecks(back.monthly * found.size_gib), back.currency)},
            )
        )
    if LIMIT_RESTORE_HOURS in found.target.plan_limits:
        notes.append(
            Text(
                _("Restoring takes up to %(hours)s hours."),
                {"hours": number(found.target.plan_limits[LIMIT_RESTORE_HOURS])},
            )
        )
    return tuple(notes)
