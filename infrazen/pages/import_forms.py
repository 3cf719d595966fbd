"""The form that takes a billing file and says where it belongs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from providers.messages import sentence
from providers.models import ProviderConnection
from syncs.imports import file_plugins


class ImportForm(forms.Form):
    """A file for a connection of the organization that reads files, or for a new one with a name of its own."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "FOCUS 1.0 to 1.4 as CSV, gzipped CSV or Parquet. Several providers may be in one file."
        ),
    )
    connection = forms.ModelChoiceField(
        label=gettext_lazy("Connection"),
        queryset=ProviderConnection.objects.none(),
        required=False,
        empty_label=gettext_lazy("A new connection"),
        help_text=gettext_lazy(
            "A month of an account that is imported again replaces what this connection has of it."
        ),
    )
    connection_name = forms.CharField(
        label=gettext_lazy("Name of the new connection"), max_length=100, required=False
    )
    provider_type = forms.ChoiceField(label=gettext_lazy("Format"), required=False)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plugins = file_plugins()
        connections = ProviderConnection.objects.of(organization).filter(
            provider_type__in=[plugin.key for plugin in plugins], is_active=True
        )
        self.fields["connection"].queryset = connections.order_by("connection_name", "pk")  # type: ignore[attr-defined]
        self.fields["provider_type"].choices = [  # type: ignore[attr-defined]
            (plugin.key, sentence(plugin.display_name)) for plugin in plugins
        ]
        if len(plugins) == 1:
            self.fields["provider_type"].widget = forms.HiddenInput()
            self.fields["provider_type"].initial = plugins[0].key
        if not connections:
            del self.fields["connection"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("connection") and not data.get("connection_name", "").strip():
            self.add_error("connection_name", _("Name the connection, or choose one that exists."))
        return data
