"""How long volumes and public addresses may be attached to nothing."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, gettext_noop

from inventory.models import ResourceType
from recommendations.engine.contract import Option, Options, Text, day
from recommendations.policies.contract import Answer, Broken, Kept, Kind, Moment, Subject, Unknown


class UnattachedAge(Kind):
    """Counted from the sync that first saw it unattached: what was before we looked is not known, and not counted."""

    id = "unattached_age"
    title = gettext_lazy("Unattached for too long")
    description = gettext_lazy("Volumes and public IPs are attached to nothing for so many days at most.")
    applies_to = frozenset({ResourceType.VOLUME.value, ResourceType.FLOATING_IP.value})
    needs = frozenset({"orphans"})
    options = (
        Option(
            name="days",
            label=gettext_lazy("At most"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=0,
            maximum=3650,
        ),
    )

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        if not subject.is_orphan:
            return Kept()
        if subject.orphan_since is None:
            return Unknown()
        if (moment.now - subject.orphan_since).days <= options["days"]:
            return Kept()
        since = subject.orphan_since.astimezone(moment.zone).date()
        return Broken(Text(gettext_noop("Attached to nothing since %(since)s."), {"since": day(since)}))
