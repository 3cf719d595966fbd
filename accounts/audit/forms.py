"""How an owner narrows their organization's part of the trail down."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit import actions
from accounts.audit.models import AuditEntry

OF_ORGANIZATIONS = {
    **actions.ORGANIZATIONS,
    **actions.TOKENS,
    **actions.CHANNELS,
    **actions.CONNECTIONS,
    **actions.DATA,
    **actions.ADMIN,
    "audit.exported": actions.ACTIONS["audit.exported"],
}
"""The actions that name an organization."""


class EntryFilter(forms.Form):
    """All optional; what makes no sense finds nothing wrong and is told beside its field."""

    action = forms.ChoiceField(
        label=_("Action"), required=False, choices=[("", _("All")), *OF_ORGANIZATIONS.items()]
    )
    actor = forms.CharField(label=_("E-mail of who did it"), required=False, max_length=254)
    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day is before the first."))
        return cleaned

    def narrow(self, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """The entries that the valid fields leave; days are whole, in the reader's time zone."""
        wanted = self.cleaned_data
        if wanted.get("action"):
            entries = entries.filter(action=wanted["action"])
        if wanted.get("actor"):
            email = wanted["actor"].strip()
            entries = entries.filter(Q(actor_email__icontains=email) | Q(impersonator_email__icontains=email))
        if wanted.get("first"):
            entries = entries.filter(at__gte=_midnight(wanted["first"]))
        if wanted.get("last") and wanted["last"] < date.max:
            entries = entries.filter(at__lt=_midnight(wanted["last"] + timedelta(days=1)))
        return entries


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
