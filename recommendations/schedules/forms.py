"""The form of a power schedule: hours for each weekday, and for what."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from costs.budgets.forms import ScopeForm
from costs.budgets.queries import scope_filters
from recommendations.engine.usage import HOURS_OF_DAY
from recommendations.schedules.models import PowerSchedule

HOURS = [(hour, f"{hour:02d}:00") for hour in range(HOURS_OF_DAY + 1)]
OFFICE = dict.fromkeys(range(5), (9, 18))
"""What a new schedule begins with."""


class ScheduleForm(ScopeForm):
    """`from_N` and `to_N` are hours of weekday N (0 is Monday); both empty: off all day."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    name_contains = forms.CharField(
        label=gettext_lazy("Resource's name contains"), max_length=300, required=False
    )
    rests_on_holidays = forms.BooleanField(
        label=gettext_lazy("Off on Russian public holidays"), required=False
    )
    note = forms.CharField(
        label=gettext_lazy("For the team"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        organization: Organization,
        schedule: PowerSchedule | None = None,
        scope: str = "",
        **kwargs: Any,
    ) -> None:
        scope = schedule.scope if schedule else scope
        hours = (
            {each.weekday: (each.start, each.end) for each in schedule.calendar.windows}
            if schedule
            else OFFICE
        )
        initial: dict[str, Any] = {
            "name_contains": scope_filters(scope).name,
            "rests_on_holidays": schedule.rests_on_holidays if schedule else True,
            "name": schedule.name if schedule else "",
            "note": schedule.note if schedule else "",
        }
        for day, (start, end) in hours.items():
            initial |= {f"from_{day}": start, f"to_{day}": end}
        super().__init__(*args, organization=organization, scope=scope, initial=initial, **kwargs)
        fields: dict[str, Any] = self.fields
        for day, label in WEEKDAYS.items():
            for side, words in (("from", _("%(day)s, from")), ("to", _("%(day)s, until"))):
                fields[f"{side}_{day}"] = forms.TypedChoiceField(
                    label=words % {"day": label},
                    choices=[("", _("off")), *HOURS],
                    coerce=int,
                    empty_value=None,
                    required=False,
                )

    @property
    def days(self) -> list[dict[str, Any]]:
        """The rows of the week."""
        return [
            {"label": label, "start": self[f"from_{day}"], "end": self[f"to_{day}"]}
            for day, label in WEEKDAYS.items()
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        windows = []
        for number, label in WEEKDAYS.items():
            start, end = cleaned.get(f"from_{number}"), cleaned.get(f"to_{number}")
            if (start is None) != (end is None) or (start is not None and end is not None and start >= end):
                self.add_error(
                    f"to_{number}", _("%(day)s: the end comes after the beginning.") % {"day": label}
                )
            elif start is not None:
                windows.append([number, start, end])
        if not windows and not self.errors:
            self.add_error(None, _("Choose hours of at least one day; else it would never run."))
        filters = scope_filters(cleaned.get("scope", ""))
        filters = type(filters)(filters.conditions, cleaned.get("name_contains", "").strip())
        if not filters:
            self.add_error(None, _("Choose what the schedule is for; it cannot be for everything."))
        elif not filters.has_run_rate:
            self.add_error(None, _("This filter asks for something that resources themselves do not have."))
        return {**cleaned, "windows": windows, "scope": urlencode(filters.params())}
