"""The form that makes an API token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.models import Membership
from accounts.tokens import services
from accounts.tokens.models import Scope

LIFETIMES = (7, 30, 90, 365)
"""Days to choose from; "" is a token without an end."""


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What will use it, for example “nightly export”.")
    )
    scope = forms.ChoiceField(label=_("Scope"))
    lifetime = forms.ChoiceField(label=_("Valid for"), required=False, initial="90")

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["scope"].choices = [(scope.value, scope.label) for scope in services.scopes_for(membership)]
        fields["lifetime"].choices = [
            *((str(days), ngettext_lazy("%d day", "%d days", days) % days) for days in LIFETIMES),
            ("", _("without an end")),
        ]

    @property
    def chosen_scope(self) -> Scope:
        return Scope(self.cleaned_data["scope"])

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None
