"""What people give about reports."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.notifications.models import Channel
from costs.explorer.periods import RELATIVE
from costs.reports import queries
from costs.reports.models import MONTH_DAY_CHOICES, Report, Schedule, Weekday
from costs.reports.renderers import RENDERERS
from costs.reports.sections import section_kinds

DAY_HOURS = 24


class ChannelsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, channel: Channel) -> str:
        return f"{channel.user.display_name} · {channel}"


class ReportForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    period = forms.ChoiceField(label=_("Period"))
    formats = forms.MultipleChoiceField(label=_("Files"), widget=forms.CheckboxSelectMultiple)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    schedule = forms.ChoiceField(
        label=_("Schedule"),
        choices=Schedule.choices,
        help_text=_("A scheduled report is sent to its recipients as soon as it is made."),
    )
    weekday = forms.TypedChoiceField(
        label=_("Weekday"),
        coerce=int,
        choices=Weekday.choices,
        help_text=_("Of a report that is made every week."),
    )
    month_day = forms.TypedChoiceField(
        label=_("Day of the month"),
        coerce=int,
        choices=MONTH_DAY_CHOICES,
        help_text=_("Of a report that is made every month."),
    )
    hour = forms.TypedChoiceField(
        label=_("Hour"),
        coerce=int,
        choices=[(hour, f"{hour:02d}:00") for hour in range(DAY_HOURS)],
        help_text=_("On the organization's clock."),
    )
    channels = ChannelsField(
        label=_("Recipients"),
        queryset=Channel.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Members of the organization, through the channels that they have set up."),
    )
    retention_days = forms.IntegerField(
        label=_("Keep the files for so many days"), min_value=1, max_value=3660
    )

    def __init__(self, *args: Any, organization: Organization, report: Report, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        periods = {key: label for key, (label, _days) in RELATIVE.items()}
        periods.setdefault(report.period, report.period)
        fields["period"].choices = list(periods.items())
        fields["formats"].choices = [(key, one.label) for key, one in RENDERERS.items()]
        fields["channels"].queryset = queries.recipients(organization)


class SectionForm(forms.Form):
    kind = forms.ChoiceField(label=_("New section"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds: Any = self.fields["kind"]
        kinds.choices = [(key, kind.label) for key, kind in section_kinds().items()]


def initial_of(report: Report) -> dict[str, Any]:
    names = ("name", "period", "formats", "language", "retention_days")
    when = ("schedule", "weekday", "month_day", "hour")
    return {
        **{name: getattr(report, name) for name in (*names, *when)},
        "channels": list(report.channels.values_list("pk", flat=True)),
    }
