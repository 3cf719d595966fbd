"""What people decide about a recommendation, as forms."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from inventory.models import Resource
from recommendations.models import DismissReason
from recommendations.services import COMMENT_LENGTH

SNOOZE_DAYS = (7, 30, 90)
ACTIONS = ("approve", "snooze", "dismiss", "implement", "reopen", "assign", "comment")
BULK_ACTIONS = ("approve", "snooze", "dismiss", "implement", "reopen", "assign")


def members_of(organization: Organization) -> QuerySet[User]:
    return User.objects.filter(memberships__organization=organization, is_active=True).order_by(
        "full_name", "email", "pk"
    )


class DecisionForm(forms.Form):
    """One action and what it needs; fields that another action needs are not looked at."""

    action = forms.ChoiceField(choices=[(each, each) for each in ACTIONS])
    days = forms.TypedChoiceField(
        label=_("For how long"),
        choices=[(str(days), days) for days in SNOOZE_DAYS],
        coerce=int,
        empty_value=None,
        required=False,
    )
    until = forms.DateField(label=_("Until"), required=False)
    reason = forms.ChoiceField(
        label=_("Why not"), choices=[("", "—"), *DismissReason.choices], required=False
    )
    text = forms.CharField(
        label=_("Comment"), max_length=COMMENT_LENGTH, required=False, widget=forms.Textarea({"rows": 3})
    )
    to = forms.ModelChoiceField(
        label=_("Assigned to"), queryset=User.objects.none(), required=False, empty_label=_("nobody")
    )
    replaced_by = forms.ModelChoiceField(
        label=_("What took over its work"), queryset=Resource.objects.none(), required=False
    )

    def __init__(self, *args: Any, organization: Organization, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        fields: dict[str, Any] = self.fields
        fields["to"].queryset = members_of(organization)
        fields["replaced_by"].queryset = Resource.objects.of(organization)
        fields["replaced_by"].widget = forms.NumberInput()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        action = cleaned.get("action")
        if action == "snooze":
            if cleaned.get("days"):
                cleaned["until"] = self.today + timedelta(days=cleaned["days"])
            if not cleaned.get("until") and "until" not in self.errors:
                self.add_error("until", _("Choose a day to come."))
        if action == "dismiss" and "reason" not in self.errors:
            if not cleaned.get("reason"):
                self.add_error("reason", _("Say why, so that nobody has to ask again."))
            elif cleaned["reason"] == DismissReason.OTHER and not cleaned.get("text", "").strip():
                self.add_error("text", _("Say which other reason."))
        if action == "comment" and not cleaned.get("text", "").strip():
            self.add_error("text", _("Write something first."))
        return cleaned


class BulkForm(DecisionForm):
    """The same for several recommendations: `pk` is given once for each."""

    pk = forms.TypedMultipleChoiceField(coerce=int, required=True)
    LIMIT = 200

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["action"].choices = [(each, each) for each in BULK_ACTIONS]
        given = self.data.getlist("pk") if hasattr(self.data, "getlist") else []
        fields["pk"].choices = [(each, each) for each in given if each.isdigit()][: self.LIMIT]
        fields["pk"].error_messages["required"] = _("Choose at least one recommendation.")
