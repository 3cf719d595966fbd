"""What people give about saved views and chart notes."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

QUERY_LENGTH = 20_000


class SavedViewForm(forms.Form):
    """`query` is given where a view is saved, not where it is renamed."""

    name = forms.CharField(label=_("Name"), max_length=120)
    is_shared = forms.BooleanField(label=_("Shared with the organization"), required=False)
    query = forms.CharField(required=False, max_length=QUERY_LENGTH, widget=forms.HiddenInput)


class ChartNoteForm(forms.Form):
    date = forms.DateField(label=_("Day"))
    text = forms.CharField(label=_("What happened"), max_length=140)
    query = forms.CharField(required=False, max_length=QUERY_LENGTH, widget=forms.HiddenInput)
