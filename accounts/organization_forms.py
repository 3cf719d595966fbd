"""Forms of organizations and their people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization, Role
from common.time_zones import time_zone_choices

ROLE_HELP = _(
    "A viewer sees everything and changes nothing. A manager changes everything but people, roles and the "
    "organization's end. An owner may do all."
)


class OrganizationForm(forms.Form):
    """Name and time zone. `service_errors` brings in what the service refused, by field."""

    name = forms.CharField(
        label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_(
            "Periods on pages begin and end, and the nightly sync of all connections starts, by this clock. Costs do "
            "not change with it: their days are the provider's."
        ),
    )

    def __init__(
        self, *args: Any, now: datetime, organization: Organization | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        shown = organization or Organization()
        self.initial = {"name": shown.name, "time_zone": shown.time_zone}
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = time_zone_choices(now, with_name=shown.time_zone)

    def add_service_errors(self, error: ValidationError) -> None:
        for field, sentences in error.message_dict.items():
            self.add_error(field if field in self.fields else None, sentences)


class InvitationForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), help_text=ROLE_HELP, initial=Role.VIEWER)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = role_choices(organization)


class MemberField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        user = obj.user
        return f"{user.full_name} · {user.email}" if user.full_name else str(user.email)


class HandOverForm(forms.Form):
    """To whom; `receivers` are the other members."""

    receiver = MemberField(
        label=_("New owner"), queryset=Membership.objects.none(), empty_label=_("Choose a member")
    )

    def __init__(self, *args: Any, receivers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["receiver"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = receivers


class DeletionForm(forms.Form):
    """The organization's name, typed."""

    confirm_name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name = organization.name
        self.fields["confirm_name"].label = _("To confirm, type %(name)s") % {"name": organization.name}

    def clean_confirm_name(self) -> str:
        typed: str = self.cleaned_data["confirm_name"].strip()
        if typed != self._name:
            raise ValidationError(_("That is not the name of this organization."))
        return typed


def role_choices(organization: Organization) -> list[tuple[str, Any]]:
    """The roles that somebody may get there: a personal organization has one owner."""
    roles = [Role.VIEWER, Role.MANAGER, Role.OWNER]
    return [(role.value, role.label) for role in roles if role != Role.OWNER or not organization.is_personal]
