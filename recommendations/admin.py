"""Recommendations for operators: what was found, which rules are on for whom, and why nothing was found."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.access import acting_user
from common.admin import (
    ModelAdmin,
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    json_fact,
    object_link,
)
from common.formatting import money
from recommendations import settings_services, wording
from recommendations.engine.registry import all_rules, rule_of
from recommendations.models import (
    ConnectionEvaluation,
    Exclusion,
    Recommendation,
    RecommendationEvent,
    ResourceEvaluation,
    RuleSetting,
)
from recommendations.rulebook import InvalidOption, parse_option

MANAGE = "accounts.manage_resources"


class RecommendationEventInline(ReadOnlyTabularInline):
    manage_permission = MANAGE
    model = RecommendationEvent
    fields = ["at", "kind", "by", "text"]
    ordering = ["-at", "-pk"]


@admin.register(Recommendation)
class RecommendationAdmin(ReadOnlyModelAdmin):
    """What could be saved where, who decided what, and was it true?"""

    manage_permission = MANAGE
    list_display = [
        "what",
        "rule_id",
        "resource_link",
        "status",
        "saving",
        "confidence",
        "risk",
        "is_excluded",
        "detected_at",
    ]
    list_filter = [
        "status",
        "category",
        "rule_id",
        "risk",
        "is_excluded",
        ("stale_since", admin.EmptyFieldListFilter),
        ("connection", AutocompleteSelectFilter),
        ("organization", AutocompleteSelectFilter),
        "detected_at",
    ]
    search_fields = ["resource__name", "resource__resource_id", "rule_id"]
    list_select_related = ["resource", "connection"]
    ordering = ["-detected_at", "-pk"]
    inlines = [RecommendationEventInline]
    exclude = [
        "organization",
        "connection",
        "resource",
        "instead_of",
        "replaced_by",
        "resource_pks",
        "covered_pks",
        "summary",
        "facts",
        "formula",
        "steps",
        "notes",
        "alternatives",
        "metrics",
        "matters",
        "before",
        "proof",
    ]
    connection_link = object_link("connection", _("connection"))
    resource_link = object_link("resource", _("resource"))
    facts_json = json_fact("facts", _("Facts"))
    matters_json = json_fact("matters", _("What makes it another one"))
    before_json = json_fact("before", _("Before"))
    proof_json = json_fact("proof", _("Proof"))
    facts = [
        "what",
        "formula_text",
        "connection_link",
        "resource_link",
        "saving",
        "facts_json",
        "matters_json",
        "before_json",
        "proof_json",
    ]

    @admin.display(description=_("what to do"))
    def what(self, row: Recommendation) -> str:
        return wording.summary(row)

    @admin.display(description=_("formula"))
    def formula_text(self, row: Recommendation) -> str:
        return wording.text(row.formula)

    @admin.display(description=_("saves a month"), ordering="saving_monthly_rub")
    def saving(self, row: Recommendation) -> str:
        return money(row.saving_monthly, row.currency)


class RuleSettingForm(forms.ModelForm):
    """A setting of the platform; options are checked by the rule itself."""

    rule_id = forms.ChoiceField(label=_("rule"))

    class Meta:
        model = RuleSetting
        fields = ["rule_id", "organization", "is_enabled", "options"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        if "rule_id" in fields:
            fields["rule_id"].choices = [
                (rule.id, f"{rule.title} ({rule.id})") for rule in all_rules().values()
            ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        rule = rule_of(cleaned.get("rule_id", self.instance.rule_id))
        options = cleaned.get("options") or {}
        if rule is None or not isinstance(options, dict):
            return cleaned
        declared = {option.name: option for option in rule.declared()}
        for name, value in options.items():
            if name not in declared:
                self.add_error(
                    "options",
                    _("The rule has no option “%(name)s”; it has %(names)s.")
                    % {"name": str(name)[:80], "names": ", ".join(declared)},
                )
                continue
            try:
                parse_option(declared[name], value)
            except InvalidOption as error:
                self.add_error("options", str(error))
        return cleaned


@admin.register(RuleSetting)
class RuleSettingAdmin(ModelAdmin):
    """Which rules are on, with what thresholds, for everybody and for whom else?"""

    manage_permission = MANAGE
    form = RuleSettingForm
    list_display = ["title", "rule_id", "organization", "connection", "tag", "is_enabled", "options"]
    list_filter = ["rule_id", "is_enabled", ("organization", AutocompleteSelectFilter)]
    search_fields = ["rule_id", "organization__name", "tag_key"]
    list_select_related = ["organization", "connection"]
    autocomplete_fields = ["organization"]
    ordering = ["rule_id", "pk"]
    fields = ["rule_id", "organization", "is_enabled", "options"]

    @admin.display(description=_("rule"))
    def title(self, row: RuleSetting) -> str:
        return wording.rule_title(row.rule_id)

    @admin.display(description=_("tag"))
    def tag(self, row: RuleSetting) -> str:
        return f"{row.tag_key}={row.tag_value}" if row.tag_key else ""

    def get_readonly_fields(self, request: HttpRequest, obj: RuleSetting | None = None) -> list[str]:
        return ["rule_id", "organization"] if obj is not None else []

    def save_model(self, request: HttpRequest, obj: RuleSetting, form: Any, change: bool) -> None:
        """By the service, which keeps an audit trail; a second setting of the same scope changes the first."""
        rule = rule_of(obj.rule_id)
        if rule is None:
            return
        saved = settings_services.set_rule(
            rule=rule,
            organization=obj.organization,
            connection=obj.connection,
            tag_key=obj.tag_key,
            tag_value=obj.tag_value,
            is_enabled=obj.is_enabled,
            options=obj.options,
            by=acting_user(request),
        )
        if saved is not None:
            obj.pk = saved.pk


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyModelAdmin):
    """What is left alone, by whom, why and until when?"""

    manage_permission = MANAGE
    list_display = ["name", "organization", "rule_id", "scope", "until", "created_by"]
    list_filter = ["rule_id", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "reason"]
    list_select_related = ["organization", "created_by"]
    ordering = ["name", "pk"]


@admin.register(ConnectionEvaluation)
class ConnectionEvaluationAdmin(ReadOnlyModelAdmin):
    """When were the rules last asked about a connection, and which failed?"""

    manage_permission = MANAGE
    list_display = ["connection_link", "day", "evaluated_at", "resource_count", "failed"]
    list_filter = [("organization", AutocompleteSelectFilter), "day"]
    search_fields = ["connection__connection_name"]
    list_select_related = ["connection"]
    ordering = ["-evaluated_at", "-pk"]
    exclude = ["organization", "connection", "counts", "errors", "inputs_hash"]
    connection_link = object_link("connection", _("connection"))
    counts_json = json_fact("counts", _("Outcomes"))
    errors_json = json_fact("errors", _("Errors"))
    facts = ["connection_link", "counts_json", "errors_json"]

    @admin.display(description=_("failed rules"))
    def failed(self, row: ConnectionEvaluation) -> str:
        return ", ".join(sorted(row.errors))


@admin.register(ResourceEvaluation)
class ResourceEvaluationAdmin(ReadOnlyModelAdmin):
    """Why is there no recommendation on this resource?"""

    manage_permission = MANAGE
    list_display = ["resource_link", "connection_link"]
    list_filter = [("connection", AutocompleteSelectFilter), ("organization", AutocompleteSelectFilter)]
    search_fields = ["resource__name", "resource__resource_id"]
    list_select_related = ["resource", "connection"]
    ordering = ["-pk"]
    exclude = ["organization", "connection", "resource", "outcomes"]
    connection_link = object_link("connection", _("connection"))
    resource_link = object_link("resource", _("resource"))
    outcomes_json = json_fact("outcomes", _("Outcomes"))
    facts = ["resource_link", "connection_link", "outcomes_json"]
