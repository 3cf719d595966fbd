"""What people give about rules, trees and resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from costs.models import CostDimensions

from .conditions import FIELDS, TAG, Operator, field_label
from .models import AllocationRule, ContextNode, Dimension, Match, Measure, Method, RuleVersion
from .order import Place
from .services import Draft

EMPTY_ROWS = 3
LAST = "last"
"""The place after all other rules."""


def day_field(help_text: Any) -> forms.DateField:
    return forms.DateField(
        label=_("Holds from"),
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=help_text,
    )


class NodeForm(forms.Form):
    """A node of the dimension's tree; `parent` offers the others."""

    name = forms.CharField(label=_("Name"), max_length=100)
    parent = forms.ModelChoiceField(
        label=_("Belongs to"),
        queryset=ContextNode.objects.none(),
        required=False,
        empty_label=_("— the root —"),
    )
    code = forms.CharField(label=_("Code"), max_length=40, required=False)
    description = forms.CharField(label=_("Description"), max_length=300, required=False)

    def __init__(self, *args: Any, parents: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].queryset = parents  # type: ignore[attr-defined]


class FeedForm(forms.Form):
    keys = forms.CharField(
        label=_("Tags that fill this in"),
        max_length=2000,
        required=False,
        help_text=_(
            "Keys, parted by commas; the first one that a resource has counts. Capitals do not matter."
        ),
    )

    def clean_keys(self) -> list[str]:
        return [key.strip() for key in self.cleaned_data["keys"].split(",") if key.strip()]


class ConditionForm(forms.Form):
    """One condition; an empty field says nothing."""

    field = forms.ChoiceField(label=_("Field"), required=False)
    key = forms.CharField(label=_("Key of the tag"), max_length=128, required=False)
    operator = forms.ChoiceField(label=_("Comparison"), choices=Operator.choices, required=False)
    value = forms.CharField(label=_("Value"), max_length=4000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [*FIELDS, *CostDimensions.BUSINESS_FIELDS]
        choices = [("", "—"), *((name, field_label(name)) for name in names), ("tag", _("Tag"))]
        self.fields["field"].choices = choices  # type: ignore[attr-defined]

    def condition(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if not given.get("field"):
            return None
        field = f"{TAG}{given['key'].strip()}" if given["field"] == "tag" else given["field"]
        value: Any = given["value"]
        if given["operator"] == Operator.IN:
            value = [part.strip() for part in value.split(",") if part.strip()]
        return {"field": field, "operator": given["operator"], "value": value}


class RuleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    match = forms.ChoiceField(label=_("Applies where"), choices=Match.choices)
    place = forms.ChoiceField(
        label=_("Place in the order"),
        required=False,
        help_text=_("The first rule that gives a value decides it. A place holds from the same day on."),
    )
    method = forms.ChoiceField(label=_("Method"), choices=Method.choices)
    dimension = forms.ChoiceField(
        label=_("Share out in"), choices=[("", "—"), *Dimension.choices], required=False
    )
    targets = forms.CharField(
        label=_("Share out to"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "One name a line; for fixed parts with a number: “Client A = 60”; in proportion to unit metrics with "
            "the metric: “Client A = Orders of A”."
        ),
    )
    measure = forms.ChoiceField(
        label=_("In proportion to"), choices=[("", "—"), *Measure.choices], required=False
    )
    since = day_field(
        _("What it said before that day stays in reports; an earlier day restates the costs from there on.")
    )

    def __init__(
        self,
        *args: Any,
        names: Mapping[str, Sequence[str]],
        metrics: Mapping[int, str],
        others: Sequence[AllocationRule],
        **kwargs: Any,
    ) -> None:
        """`names` by dimension; `metrics` {pk: name}, the organization's unit metrics; `others`, rules in order."""
        super().__init__(*args, **kwargs)
        self._others = {str(rule.pk): rule for rule in others}
        before = [(pk, _("before “%(name)s”") % {"name": rule.name}) for pk, rule in self._others.items()]
        self.fields["place"].choices = [*before, (LAST, _("after all others"))]  # type: ignore[attr-defined]
        self.names = names
        self.metrics = metrics
        for dimension in Dimension:
            self.fields[f"value_{dimension}"] = forms.CharField(
                label=dimension.label,
                max_length=100,
                required=False,
                widget=forms.TextInput(attrs={"list": f"names-{dimension}"}),
            )

    @property
    def value_fields(self) -> list[Any]:
        return [self[f"value_{dimension}"] for dimension in Dimension]

    def clean_place(self) -> Place | None:
        """None where the form does not say."""
        chosen = self.cleaned_data["place"]
        return Place(self._others.get(chosen)) if chosen else None

    def clean_targets(self) -> list[dict[str, Any]]:
        return [
            self._target(line.strip()) for line in self.cleaned_data["targets"].splitlines() if line.strip()
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("method") == Method.PROPORTIONAL and given.get("measure") == Measure.UNITS:
            unknown = [each["weight"] for each in given.get("targets", ()) if each.get("metric") is None]
            if any(unknown):
                text = _("There is no unit metric “%(name)s”.") % {"name": next(filter(None, unknown))}
                self.add_error("targets", text)
        return given

    def _target(self, line: str) -> dict[str, Any]:
        """What stands behind the equals sign is a number or a unit metric; a name may have such a sign itself."""
        if "=" not in line:
            return {"name": line, "weight": "", "metric": None}
        known = {name.casefold(): pk for pk, name in self.metrics.items()}
        parts = line.split("=")
        splits = (("=".join(parts[:count]), "=".join(parts[count:])) for count in range(1, len(parts)))
        for name, rest in splits:
            if (pk := known.get(rest.strip().casefold())) is not None:
                return {"name": name.strip(), "weight": rest.strip(), "metric": pk}
        name, _equals, weight = line.rpartition("=")
        return {"name": name.strip(), "weight": weight.strip(), "metric": None}

    def draft(self, conditions: Sequence[Mapping[str, Any]]) -> Draft:
        given = self.cleaned_data
        return Draft(
            name=given["name"],
            conditions=conditions,
            match=given["match"],
            method=given["method"],
            values={str(dimension): given[f"value_{dimension}"] for dimension in Dimension},
            dimension=given["dimension"],
            targets=given["targets"],
            measure=given["measure"],
        )


ConditionFormSet = forms.formset_factory(ConditionForm, extra=EMPTY_ROWS, max_num=20, absolute_max=40)


def initial_of(
    version: RuleVersion, metrics: Mapping[int, str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Of the rule's form and of its conditions' forms; `metrics` {pk: name}."""
    lines = [
        " = ".join([each["name"], *filter(None, (each.get("weight"), metrics.get(each.get("metric", 0))))])
        for each in version.targets
    ]
    rule = {
        "name": version.rule.name,
        "match": version.match,
        "method": version.method,
        "dimension": version.dimension,
        "targets": "\n".join(lines),
        "measure": version.measure,
        **{f"value_{name}": value for name, value in version.values.items()},
    }
    conditions = []
    for condition in version.conditions:
        field, value = condition["field"], condition.get("value", "")
        conditions.append(
            {
                "field": "tag" if field.startswith(TAG) else field,
                "key": field.removeprefix(TAG) if field.startswith(TAG) else "",
                "operator": condition["operator"],
                "value": ", ".join(value) if isinstance(value, list) else value,
            }
        )
    return rule, conditions


class AssignForm(forms.Form):
    """`resource`s of the organization are checked by the view."""

    dimension = forms.ChoiceField(choices=Dimension.choices)
    value = forms.CharField(label=_("Move to"), max_length=100, required=False)
    since = day_field("")


class ContextForm(AssignForm):
    """What one resource is in one dimension, which the link to the form has chosen."""

    dimension = forms.ChoiceField(choices=Dimension.choices, widget=forms.HiddenInput)
    value = forms.CharField(
        label=_("Value"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"list": "context-names"}),
        help_text=_("Empty leaves it to rules and tags again."),
    )
