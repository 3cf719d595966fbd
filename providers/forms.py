"""The connection form: the same for every provider, because it follows from what the plugin declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from providers.contract.plugin import CredentialField, ProviderPlugin
from providers.messages import sentence
from providers.models import ProviderConnection

CREDENTIAL_PREFIX = "credentials_"
"""In the form's field names, so that a plugin's field cannot take the place of one of ours."""

INTERVALS = (60, 180, 360, 720, 1440)
"""Minutes between syncs to choose from; another value that is set already stays a choice."""


class CredentialFieldsMixin(forms.BaseForm):
    """Form fields out of declared credential fields. A secret is never put into the page again."""

    def add_credential_fields(
        self, plugin: type[ProviderPlugin], connection: ProviderConnection | None
    ) -> None:
        kept: Mapping[str, Any] = (connection.credentials or {}) if connection else {}
        for declared in plugin.credential_fields:
            is_set = bool(kept.get(declared.name))
            field = credential_form_field(
                declared, is_set=is_set, set_at=connection and connection.credentials_changed_at
            )
            if is_set and not declared.is_secret:
                field.initial = kept[declared.name]
            self.fields[CREDENTIAL_PREFIX + declared.name] = field

    def credentials(self) -> dict[str, str]:
        """What was typed, by declared name."""
        return {
            name.removeprefix(CREDENTIAL_PREFIX): value
            for name, value in self.cleaned_data.items()
            if name.startswith(CREDENTIAL_PREFIX)
        }

    def add_service_errors(self, error: ValidationError) -> None:
        """Puts the errors of a service beside the fields that they are about."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, errors in error.error_dict.items():
            self.add_error(name if name in self.fields else None, errors)


def credential_form_field(declared: CredentialField, *, is_set: bool, set_at: Any = None) -> forms.CharField:
    help_text = sentence(declared.help_text)
    if declared.is_secret and is_set:
        help_text = f"{_set_note(set_at)} {help_text}".strip()
    if declared.decides_destination and is_set:
        note = gettext("When it changes, enter the secrets anew: it decides where they are sent.")
        help_text = f"{help_text} {note}".strip()
    widget: forms.Widget = (
        forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false"})
        if declared.is_secret
        else forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    return forms.CharField(
        label=sentence(declared.label),
        help_text=help_text,
        required=declared.is_required and not (declared.is_secret and is_set),
        max_length=10_000,
        strip=not declared.is_secret,
        widget=widget,
    )


def interval_choices(current: int) -> list[tuple[int, str]]:
    return [(minutes, interval_label(minutes)) for minutes in sorted({*INTERVALS, current})]


def interval_label(minutes: int) -> str:
    if minutes % 60:
        return ngettext("every %(count)d minute", "every %(count)d minutes", minutes) % {"count": minutes}
    hours = minutes // 60
    return ngettext("every %(count)d hour", "every %(count)d hours", hours) % {"count": hours}


class ConnectionForm(CredentialFieldsMixin, forms.Form):
    """A new connection, which begins with `interval` minutes between syncs, or with `connection` a change of one."""

    connection_name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("How you will recognise it in lists and charts.")
    )

    def __init__(
        self,
        *args: Any,
        plugin: type[ProviderPlugin],
        connection: ProviderConnection | None = None,
        interval: int = 360,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.plugin = plugin
        self.connection = connection
        self.fields["connection_name"].widget.attrs["autocomplete"] = "off"
        self.fields["connection_name"].initial = (
            connection.connection_name if connection else sentence(plugin.display_name)
        )
        self.add_credential_fields(plugin, connection)
        if not plugin.capabilities.reads_files:
            interval = connection.sync_interval_minutes if connection else interval
            self.fields["auto_sync"] = forms.BooleanField(
                label=_("Sync automatically"),
                required=False,
                initial=connection.auto_sync if connection else True,
            )
            self.fields["sync_interval_minutes"] = forms.TypedChoiceField(
                label=_("How often"), choices=interval_choices(interval), coerce=int, initial=interval
            )
        if connection:
            self.fields["is_active"] = forms.BooleanField(
                label=_("Active"),
                required=False,
                initial=connection.is_active,
                help_text=_("A connection that is off is not read; what was read stays."),
            )

    def credential_bound_fields(self) -> Iterator[BoundField]:
        return (self[name] for name in self.fields if name.startswith(CREDENTIAL_PREFIX))

    def schedule_bound_fields(self) -> Iterator[BoundField]:
        return (
            self[name] for name in ("auto_sync", "sync_interval_minutes", "is_active") if name in self.fields
        )

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the services, without the credentials."""
        names = ("connection_name", "auto_sync", "sync_interval_minutes", "is_active")
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


def _set_note(set_at: Any) -> str:
    if not set_at:
        return gettext("Set; leave empty to keep it.")
    day = date_format(timezone.localtime(set_at), "DATE_FORMAT")
    return gettext("Set on %(date)s; leave empty to keep it.") % {"date": day}
