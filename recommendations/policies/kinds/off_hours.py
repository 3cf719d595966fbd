"""Machines that are off outside of working hours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from inventory.models import ResourceType
from recommendations.engine.calendar import Calendar
from recommendations.engine.contract import Option, Options, Text, day
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
from recommendations.schedules.office import hours_of

LOOKBACK_DAYS = 7


class OffHours(Kind):
    """Judged by what syncs saw, because nothing else is proof.

    A status says only what was so at the instant of a sync: between two of them a machine may have been off, and a
    measurement that is missing is not a machine that is off. So each sync of the last seven days whose instant lies in the
    off hours, and which read the resource, is one look; a machine that was running at so many of them breaks the policy.
    Without such a look (nobody syncs at night) nothing is known. Hours are the power schedule's where the policy has one,
    else Monday to Friday from `start` to `end`, in the organization's time zone.
    """

    id = "off_hours"
    title = gettext_lazy("Off outside of working hours")
    description = gettext_lazy(
        "Machines do not run at night, at weekends and on public holidays, as syncs see it."
    )
    applies_to = frozenset(
        each.value
        for each in (
            ResourceType.SERVER,
            ResourceType.DEDICATED_SERVER,
            ResourceType.DATABASE,
            ResourceType.KUBERNETES_NODE_GROUP,
        )
    )
    needs = frozenset({"sightings"})
    has_calendar = True
    options = (
        Option(
            name="start",
            label=gettext_lazy("Work begins at"),
            default=9,
            unit=gettext_lazy("o'clock"),
            minimum=0,
            maximum=23,
        ),
        Option(
            name="end",
            label=gettext_lazy("Work ends at"),
            default=18,
            unit=gettext_lazy("o'clock"),
            minimum=1,
            maximum=24,
        ),
        Option(name="rests_on_holidays", label=gettext_lazy("Off on Russian public holidays"), default=True),
        Option(
            name="sightings",
            label=gettext_lazy("Seen running in off hours at least"),
            default=2,
            unit=gettext_lazy("times in seven days"),
            minimum=1,
            maximum=100,
        ),
    )

    @classmethod
    def refuse(cls, options: Options) -> None:
        if options["start"] >= options["end"]:
            raise InvalidParameters(_("Work ends after it begins."))

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        calendar = moment.calendar or Calendar.office(options["start"], options["end"])
        rests = moment.rests_on_holidays if moment.calendar else options["rests_on_holidays"]
        seen = list(_off(subject.seen_running, calendar, moment, rests))
        if len(seen) >= options["sightings"]:
            values = {"count": len(seen), "last": day(max(seen).astimezone(moment.zone).date())}
            message = gettext_noop(
                "Ran outside of working hours at %(count)d looks of the last seven days, last on %(last)s."
            )
            return Broken(Text(message, values))
        looks = sum(1 for _look in _off(subject.looked_at, calendar, moment, rests))
        return Kept() if looks >= options["sightings"] else Unknown()


def _off(instants: Iterable[datetime], calendar: Calendar, moment: Moment, rests: bool) -> Iterable[datetime]:
    for at in instants:
        local = at.astimezone(moment.zone)
        if local.hour not in hours_of(calendar, local.date(), rests_on_holidays=rests):
            yield at
