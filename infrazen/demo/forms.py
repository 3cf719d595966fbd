"""What the demo's page in the admin asks for."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from infrazen.demo.forward import MOST_DAYS


class ForwardForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=MOST_DAYS,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("A day takes some ten seconds: whatever is due meanwhile is synced."),
    )


class SwitchForm(forms.Form):
    """Which fault of which connection; it comes with the link, nobody types it."""

    fault = forms.CharField(widget=forms.HiddenInput)
    connection = forms.CharField(widget=forms.HiddenInput)
