"""Forms of budgets and planned changes. A scope is chosen by its commonest dimensions; other conditions are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from costs.budgets.models import SCOPE_LENGTH, Budget, PeriodKind, PlannedChange
from costs.budgets.queries import scope_filters
from costs.explorer import names
from costs.explorer.dimensions import BY_KEY
from costs.explorer.filters import NONE_VALUE

CHOSEN = ("connection", "business_unit", "project", "environment", "type")
"""Dimensions that the form offers by itself."""
THRESHOLDS_LIMIT = 6
LARGEST_PERCENT = 1000


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ScopeForm(forms.Form):
    """Fields `scope_<dimension>` and a hidden `scope` with everything else that a link brought."""

    scope = forms.CharField(required=False, max_length=SCOPE_LENGTH, widget=forms.HiddenInput)

    def __init__(self, *args: Any, organization: Organization, scope: str = "", **kwargs: Any) -> None:
        filters = scope_filters(scope)
        initial = {f"scope_{key}": [value or NONE_VALUE for value in filters.values(key)] for key in CHOSEN}
        kept = [one for one in filters.conditions if one.key not in CHOSEN or one.is_excluded]
        rest = type(filters)(tuple(kept), filters.name)
        kwargs["initial"] = {**initial, "scope": urlencode(rest.params()), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.rest = rest
        offered = names.choices(organization, [BY_KEY[key] for key in CHOSEN])
        fields: dict[str, Any] = self.fields
        for key in CHOSEN:
            choices = [(value or NONE_VALUE, label) for value, label in offered[key]]
            for value in initial[f"scope_{key}"]:
                if value not in dict(choices):
                    choices.append((value, value))
            if choices:
                fields[f"scope_{key}"] = forms.MultipleChoiceField(
                    label=BY_KEY[key].label,
                    choices=choices,
                    required=False,
                    widget=forms.SelectMultiple(attrs={"size": min(6, max(3, len(choices)))}),
                )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        filters = scope_filters(cleaned.get("scope", ""))
        for key in CHOSEN:
            values = cleaned.get(f"scope_{key}", [])
            filters = filters.holding(key, ["" if value == NONE_VALUE else value for value in values])
        cleaned["scope"] = urlencode(filters.params())
        if len(cleaned["scope"]) > SCOPE_LENGTH:
            self.add_error(None, _("The scope has too many conditions."))
        return cleaned

    @property
    def scope_fields(self) -> list[forms.BoundField]:
        return [self[f"scope_{key}"] for key in CHOSEN if f"scope_{key}" in self.fields]


class ThresholdsField(forms.CharField):
    """`80, 100` as a list of whole per cent, ascending."""

    def clean(self, value: Any) -> list[int]:
        text = super().clean(value)
        parts = [part for part in re.split(r"[\s,;%]+", text) if part]
        if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= LARGEST_PERCENT for part in parts):
            raise forms.ValidationError(_("Whole per cent, separated by commas, for example: 80, 100."))
        if len(set(parts)) > THRESHOLDS_LIMIT:
            raise forms.ValidationError(_("At most %(count)d thresholds.") % {"count": THRESHOLDS_LIMIT})
        return sorted({int(part) for part in parts})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(part) for part in value) if isinstance(value, list) else value


class BudgetForm(ScopeForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    amount = forms.DecimalField(
        label=gettext_lazy("Amount, ₽"), min_value=1, max_digits=14, decimal_places=2, localize=True
    )
    period = forms.ChoiceField(label=gettext_lazy("For each"), choices=PeriodKind.choices)
    first_date = forms.DateField(
        label=gettext_lazy("From"),
        widget=DateInput,
        help_text=gettext_lazy("A month, quarter or year counts whole, from its first day."),
    )
    last_date = forms.DateField(
        label=gettext_lazy("Until"),
        widget=DateInput,
        required=False,
        help_text=gettext_lazy("Empty: without an end."),
    )
    rolls_over = forms.BooleanField(
        label=gettext_lazy("Unspent money is added to the next period"), required=False
    )
    actual_thresholds = ThresholdsField(
        label=gettext_lazy("Tell when so much was charged, %"), required=False
    )
    forecast_thresholds = ThresholdsField(
        label=gettext_lazy("Tell when the forecast reaches, %"), required=False
    )
    parent = forms.ModelChoiceField(
        label=gettext_lazy("Part of"), queryset=Budget.objects.none(), required=False
    )

    FIELDS = (
        "name",
        "amount",
        "period",
        "first_date",
        "last_date",
        "rolls_over",
        "actual_thresholds",
        "forecast_thresholds",
        "parent",
        "scope",
    )

    def __init__(self, *args: Any, organization: Organization, budget: Budget | None, **kwargs: Any) -> None:
        if budget is not None:
            kwargs["scope"] = budget.scope
            kwargs["initial"] = {name: getattr(budget, name) for name in self.FIELDS if name != "scope"}
        super().__init__(*args, organization=organization, **kwargs)
        others = Budget.objects.of(organization)
        if budget is not None:
            others = others.exclude(pk=budget.pk)
        parent: Any = self.fields["parent"]
        parent.queryset = others.order_by("name")
        parent.empty_label = _("of no other")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        first, last = cleaned.get("first_date"), cleaned.get("last_date")
        if cleaned.get("period") == PeriodKind.CUSTOM and last is None:
            self.add_error("last_date", _("A budget from day to day needs its last day."))
        if first and last and last < first:
            self.add_error("last_date", _("It ends before it begins."))
        return cleaned

    def values(self) -> Mapping[str, Any]:
        return {name: self.cleaned_data[name] for name in self.FIELDS}


class PlannedChangeForm(ScopeForm):
    name = forms.CharField(label=gettext_lazy("What changes"), max_length=200)
    amount = forms.DecimalField(
        label=gettext_lazy("Amount, ₽"),
        max_digits=14,
        decimal_places=2,
        localize=True,
        help_text=gettext_lazy("A day, or once; with a minus where it is saved."),
    )
    is_once = forms.BooleanField(label=gettext_lazy("Once, on the first day"), required=False)
    first_date = forms.DateField(label=gettext_lazy("From"), widget=DateInput)
    last_date = forms.DateField(
        label=gettext_lazy("Until"),
        widget=DateInput,
        required=False,
        help_text=gettext_lazy("Empty: for good."),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )

    FIELDS = ("name", "amount", "is_once", "first_date", "last_date", "note", "scope")

    def __init__(
        self, *args: Any, organization: Organization, change: PlannedChange | None, **kwargs: Any
    ) -> None:
        if change is not None:
            kwargs["scope"] = change.scope
            kwargs["initial"] = {name: getattr(change, name) for name in self.FIELDS if name != "scope"}
        super().__init__(*args, organization=organization, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        first, last = cleaned.get("first_date"), cleaned.get("last_date")
        if first and last and last < first:
            self.add_error("last_date", _("It ends before it begins."))
        return cleaned

    def values(self) -> Mapping[str, Any]:
        return {name: self.cleaned_data[name] for name in self.FIELDS}
