"""The form of a policy, which follows from its kind's options, and what people decide about a violation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization, User
from costs.budgets.forms import DateInput, ScopeForm
from costs.budgets.queries import scope_filters
from recommendations.engine.contract import Option
from recommendations.forms import members_of
from recommendations.policies import queries
from recommendations.policies.contract import InvalidParameters, Kind
from recommendations.policies.models import GRACE_LIMIT, Policy
from recommendations.rulebook import InvalidOption
from recommendations.schedules.models import PowerSchedule
from recommendations.settings_forms import text_of

PREFIX = "p_"
ACTIONS = ("except", "reopen", "assign")


class PolicyForm(ScopeForm):
    """`p_NAME` is a parameter; lists are one a line, so that a pattern may have a comma in it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    name_contains = forms.CharField(
        label=gettext_lazy("Resource's name contains"), max_length=300, required=False
    )
    grace_days = forms.IntegerField(
        label=gettext_lazy("Days to put it right"),
        min_value=0,
        max_value=GRACE_LIMIT,
        help_text=gettext_lazy("From the day on which a sync first sees the violation."),
    )
    is_enabled = forms.BooleanField(label=gettext_lazy("The policy is on"), required=False)
    notifies = forms.BooleanField(label=gettext_lazy("Tell of new violations"), required=False)

    def __init__(
        self,
        *args: Any,
        organization: Organization,
        kind: Kind,
        policy: Policy | None = None,
        scope: str = "",
        **kwargs: Any,
    ) -> None:
        scope = policy.scope if policy else scope
        self.kind, self.policy, self.organization = kind, policy, organization
        initial: dict[str, Any] = {
            "name": policy.name if policy else "",
            "name_contains": scope_filters(scope).name,
            "grace_days": policy.grace_days if policy else 7,
            "is_enabled": policy.is_enabled if policy else True,
            "notifies": policy.notifies if policy else True,
            "schedule": policy.schedule_id if policy else None,
        }
        given = policy.parameters if policy else _offered(kind, organization)
        choices = kind.choices()
        for option in kind.options:
            value = given.get(option.name, option.default)
            is_list = isinstance(option.default, tuple) and option.name not in choices
            if is_list:
                initial[PREFIX + option.name] = "\n".join(value)
            elif isinstance(option.default, bool | tuple):
                initial[PREFIX + option.name] = value
            else:
                initial[PREFIX + option.name] = text_of(value)
        super().__init__(*args, organization=organization, scope=scope, initial=initial, **kwargs)
        fields: dict[str, Any] = self.fields
        for option in kind.options:
            fields[PREFIX + option.name] = _field(option, choices.get(option.name))
        if kind.has_calendar:
            fields["schedule"] = forms.ModelChoiceField(
                label=_("Hours of a power schedule"),
                queryset=PowerSchedule.objects.of(organization).order_by("name", "pk"),
                required=False,
                empty_label=_("none: the hours below"),
            )
        if kind.id == "allowed_regions" and (known := queries.regions(organization)):
            fields[PREFIX + "regions"].help_text = _("One a line. In use now: %(regions)s.") % {
                "regions": ", ".join(known[:50])
            }

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        names = [*(["schedule"] if self.kind.has_calendar else []), *self._names()]
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        filters = scope_filters(cleaned.get("scope", ""))
        filters = type(filters)(filters.conditions, cleaned.get("name_contains", "").strip())
        if not filters.has_run_rate:
            self.add_error(None, _("This filter asks for something that resources themselves do not have."))
        cleaned["scope"] = urlencode(filters.params())
        taken = Policy.objects.of(self.organization).filter(name=cleaned.get("name", ""))
        if (taken.exclude(pk=self.policy.pk) if self.policy else taken).exists():
            self.add_error("name", _("There is one of this name already; choose another."))
        cleaned["parameters"] = {
            option.name: _lines(option, cleaned.get(PREFIX + option.name)) for option in self.kind.options
        }
        try:
            if not any(PREFIX + option.name in self.errors for option in self.kind.options):
                self.kind.read(cleaned["parameters"])
        except (InvalidOption, InvalidParameters) as error:
            self.add_error(None, str(error))
        return cleaned

    def values(self) -> dict[str, Any]:
        """What `services.save_policy` takes."""
        names = ("name", "scope", "parameters", "grace_days", "is_enabled", "notifies")
        return {name: self.cleaned_data[name] for name in names} | {
            "schedule": self.cleaned_data.get("schedule")
        }

    def _names(self) -> list[str]:
        return [PREFIX + option.name for option in self.kind.options]


class DecisionForm(forms.Form):
    """One action and what it needs."""

    action = forms.ChoiceField(choices=[(each, each) for each in ACTIONS])
    until = forms.DateField(label=gettext_lazy("Until"), required=False, widget=DateInput())
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, required=False)
    to = forms.ModelChoiceField(
        label=gettext_lazy("Assigned to"), queryset=User.objects.none(), required=False
    )

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["to"].queryset = members_of(organization)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("action") == "except":
            if not cleaned.get("until") and "until" not in self.errors:
                self.add_error("until", _("Say until when."))
            if not cleaned.get("reason", "").strip() and "reason" not in self.errors:
                self.add_error("reason", _("Say why, so that nobody has to ask again."))
        return cleaned

    @property
    def sentence(self) -> str:
        """What is wrong, for a message."""
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


def _offered(kind: Kind, organization: Organization) -> dict[str, Any]:
    """What a new policy begins with beside the defaults."""
    return {"tags": queries.agreed_tags(organization)} if kind.id == "required_tags" else {}


def _lines(option: Option, value: Any) -> Any:
    if isinstance(option.default, tuple) and isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return value if value is not None else ""


def _field(option: Option, choices: Any) -> forms.Field:
    label = f"{option.label}, {option.unit}" if option.unit else str(option.label)
    text = str(option.help_text)
    if isinstance(option.default, bool):
        return forms.BooleanField(label=label, required=False, help_text=text)
    if choices is not None:
        return forms.MultipleChoiceField(
            label=label,
            choices=list(choices),
            help_text=text,
            widget=forms.SelectMultiple({"size": 8}),
        )
    if isinstance(option.default, tuple):
        area = forms.Textarea({"rows": 4, "spellcheck": "false"})
        return forms.CharField(label=label, max_length=20_000, help_text=text, widget=area)
    return forms.CharField(label=label, max_length=40, help_text=text)
