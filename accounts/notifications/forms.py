"""Forms of the settings page of notifications."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common import outbound


class WebhookForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For example “Incidents in Mattermost”.")
    )
    url = forms.CharField(
        label=_("URL"),
        max_length=2000,
        help_text=_("A public address; InfraZen sends it signed JSON by POST."),
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            outbound.check(url)
        except outbound.AddressRefused:
            raise ValidationError(
                _("Enter a whole web address without a password in it, for example https://example.com/hook.")
            ) from None
        return url
