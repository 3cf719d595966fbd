"""A bucket that is rarely read, in a class for what is read often."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import bucket_moves, buckets, steps
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
    percent,
)
from recommendations.engine.facts import ResourceFacts

FULL = Decimal(100)


class BucketCold(Rule):
    """Reading back and requests are dearer in a cold class: the saving must survive twice the reads."""

    id = "bucket.cold"
    title = gettext_lazy("Rarely read bucket in the hot class")
    description = gettext_lazy(
        "A bucket of which in %(days)d days at most %(read_percent)s %% of what it holds was read a month, where a cold "
        "class is sold. Objects must be %(least_kib)s KiB on average, since smaller ones are charged as larger ones."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"s3_bucket"})
    needs = (Cost(), Prices(), *buckets.series("days"))
    options = (
        Option(name="days", label=gettext_lazy("Look at"), default=30, unit=gettext_lazy("days"), minimum=7),
        Option(
            name="coverage",
            label=gettext_lazy("Days of them that must be measured"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="read_percent",
            label=gettext_lazy("Read a month at most, of what it holds"),
            default=Decimal(10),
            unit="%",
            minimum=0,
        ),
        Option(
            name="least_kib",
            label=gettext_lazy("Objects on average at least"),
            default=Decimal(128),
            unit=gettext_lazy("KiB"),
            minimum=0,
        ),
        Option(
            name="cold_words",
            label=gettext_lazy("Words in names of cold classes"),
            default=buckets.COLD_WORDS,
        ),
        Option(
            name="archive_words",
            label=gettext_lazy("Words in names of archive classes"),
            default=buckets.ARCHIVE_WORDS,
        ),
        bucket_moves.UNKNOWN_OBJECTS_FACTOR,
    )
    base_confidence = Decimal("0.75")
    effort = Effort.MINUTES
    risk = Risk.LOW

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        found = bucket_moves.basis(
            facts,
            days=options["days"],
            coverage=options["coverage"],
            own_words=(*options["cold_words"], *options["archive_words"]),
            target_words=options["cold_words"],
        )
        if not isinstance(found, bucket_moves.Basis):
            return found
        use, size, target = found.use, found.size_gib, found.target
        share = use.monthly(use.read_gib or Decimal(0)) / size * FULL
        if share > options["read_percent"]:
            return NotMatched(
                Text(
                    _("%(share)s of what it holds is read a month; the limit is %(limit)s."),
                    {"share": percent(share), "limit": percent(options["read_percent"])},
                )
            )
        object_kib = buckets.mean_object_kib(facts, size)
        if (small := bucket_moves.too_small(object_kib, options["least_kib"], target)) is not None:
            return small
        return bucket_moves.moved(
            type(self),
            facts,
            use,
            bucket_moves.move(facts, use, size, found.now, target),
            object_kib=object_kib,
            unknown_objects_factor=options["unknown_objects_factor"],
            summary=Text(
                _("Move what is in “%(name)s” to the class %(family)s."),
                {"name": facts.name, "family": target.family},
            ),
            steps=(
                steps.ask_owner(facts),
                Text(_("See which prefixes are read: those stay where they are.")),
                Text(
                    _("Add a lifecycle rule that moves objects to the class %(family)s after %(days)d days."),
                    {"family": target.family, "days": options["days"]},
                ),
                Text(_("Watch reads and the bill for a month.")),
            ),
        )
