"""What people give about unit metrics."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from costs.explorer.view import View, parse_view
from costs.unit_costs.models import UnitMetric, UnitValue

FILE_BYTES = 2 * 1024 * 1024


class UnitMetricForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("For example “Paying customers”."))
    unit = forms.CharField(label=_("One of them"), max_length=50, help_text=_("For example “customer”."))
    kind = forms.ChoiceField(label=_("How it counts"), choices=UnitMetric.Kind.choices)
    filters = forms.CharField(
        label=_("Costs"),
        required=False,
        max_length=4000,
        help_text=_(
            "Filters as in the address of the cost explorer, for example “environment=production”. Empty: all costs."
        ),
    )

    def clean_filters(self) -> str:
        """In canonical form; what cannot be read is refused rather than left out."""
        parsed = parse_view(self.cleaned_data["filters"].lstrip("?"), timezone.localdate())
        if parsed.problems:
            raise forms.ValidationError(list(parsed.problems))
        return View(filters=parsed.view.filters).query_string()


class UnitValueForm(forms.ModelForm):
    class Meta:
        model = UnitValue
        fields = ["date", "quantity"]
        widgets = {"date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["date"].label, self.fields["quantity"].label = _("Day"), _("Quantity")


class ImportForm(forms.Form):
    file = forms.FileField(label=_("CSV file"), help_text=_("With the columns “date” and “quantity”."))

    def clean_file(self) -> str:
        """The file's text."""
        uploaded = self.cleaned_data["file"]
        if uploaded.size > FILE_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB."))
        try:
            text: str = uploaded.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is not in UTF-8.")) from error
        return text
