"""Regions in which resources may be."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from recommendations.engine.contract import Option, Options, Text
from recommendations.policies.contract import (
    Answer,
    Broken,
    InvalidParameters,
    Kept,
    Kind,
    Moment,
    Subject,
    Unknown,
)


class AllowedRegions(Kind):
    """What has no region (a domain, an account's plan) or of which none is told proves nothing."""

    id = "allowed_regions"
    title = gettext_lazy("Allowed regions")
    description = gettext_lazy("Resources are in these regions and in no other.")
    options = (
        Option(
            name="regions",
            label=gettext_lazy("Regions"),
            default=(),
            help_text=gettext_lazy("One a line, as the provider calls them."),
        ),
    )

    @classmethod
    def refuse(cls, options: Options) -> None:
        if not options["regions"]:
            raise InvalidParameters(_("Name at least one region."))

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        if not subject.region_id:
            return Unknown()
        if subject.region_id.casefold() in {each.casefold() for each in options["regions"]}:
            return Kept()
        return Broken(Text(gettext_noop("It is in the region %(region)s."), {"region": subject.region_id}))
