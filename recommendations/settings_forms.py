"""Forms of rules and exclusions; a rule's form follows from its options alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from costs.budgets.forms import DateInput, ScopeForm
from costs.budgets.queries import scope_filters
from recommendations.engine.contract import Option, Rule
from recommendations.engine.registry import all_rules
from recommendations.models import Exclusion, RuleSetting
from recommendations.rulebook import InvalidOption, parse_option

SWITCHES = [("", gettext_lazy("as set above")), ("1", gettext_lazy("on")), ("0", gettext_lazy("off"))]


def text_of(value: Any) -> str:
    """An option's value as a person would type it."""
    if isinstance(value, tuple | list):
        return ", ".join(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


class RuleForm(forms.Form):
    """One field for each option of `rule`, empty where the value from above holds; checked by the option itself."""

    is_enabled = forms.TypedChoiceField(
        label=gettext_lazy("The rule is"),
        choices=SWITCHES,
        required=False,
        coerce=lambda value: value == "1",
        empty_value=None,
    )

    def __init__(
        self,
        *args: Any,
        rule: type[Rule],
        above: Any,
        setting: RuleSetting | None,
        **kwargs: Any,
    ) -> None:
        switch = {None: "", True: "1", False: "0"}[setting.is_enabled if setting else None]
        given = setting.options if setting else {}
        initial = {"is_enabled": switch, **{name: text_of(value) for name, value in given.items()}}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        self.rule = rule
        fields: dict[str, Any] = self.fields
        for option in rule.declared():
            fields[option.name] = _field(option, above.get(option.name, option.default))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for option in self.rule.declared():
            raw = cleaned.get(option.name)
            if raw in (None, ""):
                cleaned.pop(option.name, None)
                continue
            try:
                cleaned[option.name] = parse_option(option, raw)
            except InvalidOption as error:
                self.add_error(option.name, str(error))
        return cleaned

    def options(self) -> dict[str, Any]:
        """What was filled in."""
        return {name: value for name, value in self.cleaned_data.items() if name != "is_enabled"}


class ExclusionForm(ScopeForm):
    """A filter, a reason, and for how long."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    name_contains = forms.CharField(
        label=gettext_lazy("Resource's name contains"), max_length=300, required=False
    )
    rule_id = forms.ChoiceField(label=gettext_lazy("Rule"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=1000, widget=forms.Textarea({"rows": 3})
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=DateInput(),
        help_text=gettext_lazy("The last day; empty: until somebody removes it."),
    )

    def __init__(
        self, *args: Any, organization: Organization, exclusion: Exclusion | None = None, **kwargs: Any
    ) -> None:
        self.organization, self.exclusion = organization, exclusion
        scope = kwargs.pop("scope", exclusion.scope if exclusion else "")
        filters = scope_filters(scope)
        initial = {"name_contains": filters.name}
        if exclusion is not None:
            names = ("name", "rule_id", "reason", "until")
            initial |= {name: getattr(exclusion, name) for name in names}
        super().__init__(*args, organization=organization, scope=scope, initial=initial, **kwargs)
        fields: dict[str, Any] = self.fields
        rules = sorted(((rule.id, str(rule.title)) for rule in all_rules().values()), key=lambda r: r[1])
        fields["rule_id"].choices = [("", _("every rule")), *rules]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        filters = scope_filters(cleaned.get("scope", ""))
        text = cleaned.get("name_contains", "").strip()
        filters = type(filters)(filters.conditions, text)
        if not filters:
            self.add_error(None, _("Choose what is to be left alone; everything cannot be."))
        elif not filters.has_run_rate:
            self.add_error(None, _("This filter asks for something that resources themselves do not have."))
        cleaned["scope"] = urlencode(filters.params())
        taken = Exclusion.objects.of(self.organization).filter(name=cleaned.get("name", ""))
        if self.exclusion is not None:
            taken = taken.exclude(pk=self.exclusion.pk)
        if taken.exists():
            self.add_error("name", _("There is one of this name already; choose another."))
        return cleaned


def _field(option: Option, above: Any) -> forms.Field:
    hint = _("now %(value)s") % {"value": text_of(above)}
    label = f"{option.label}, {option.unit}" if option.unit else str(option.label)
    if isinstance(option.default, bool):
        choices = [("", hint), ("true", _("yes")), ("false", _("no"))]
        return forms.ChoiceField(
            label=label, choices=choices, required=False, help_text=str(option.help_text)
        )
    return forms.CharField(
        label=label,
        required=False,
        max_length=2000,
        help_text=str(option.help_text),
        widget=forms.TextInput({"placeholder": hint}),
    )
