"""The inventory for operators: what is there, how is it tagged, what was measured? Syncs write it, people look.

The current status and cost of a resource are its open state's: `syncs.admin` adds them to the list.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import (
    ModelAdmin,
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    changelist_link,
    json_fact,
    object_link,
)
from inventory.models import (
    MetricPoint,
    Resource,
    ResourceNote,
    SoftwareComponent,
    Tag,
    TagCategory,
    UsageSummary,
)

MANAGE = "accounts.manage_resources"


class LinesField(forms.CharField):
    """A JSON list of texts, written one a line."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(self.prepare_value(initial)) != self.to_python(data))

    def validate(self, value: Any) -> None:
        if any(len(line) > 256 for line in value):
            raise ValidationError(_("A tag's value has at most 256 characters."))


class _Inline(ReadOnlyTabularInline):
    manage_permission = MANAGE
    tab = True


class TagInline(_Inline):
    model = Tag
    fields = ["key", "value", "source"]


class SoftwareInline(_Inline):
    model = SoftwareComponent
    fields = ["name", "version", "status"]


class NoteInline(_Inline):
    model = ResourceNote
    fields = ["author", "text", "written"]
    readonly_fields = ["written"]

    @admin.display(description=_("written"))
    def written(self, note: ResourceNote) -> Any:
        return note.created_at


@admin.register(Resource)
class ResourceAdmin(ReadOnlyModelAdmin):
    """What is there, whose is it, and how did it change?"""

    manage_permission = MANAGE
    list_display = ["name", "resource_type", "native_type", "connection_link", "first_seen_at"]
    list_filter: Any = [
        "resource_type",
        "connection__provider_type",
        ("connection", AutocompleteSelectFilter),
        ("organization", AutocompleteSelectFilter),
        "first_seen_at",
    ]
    search_fields = ["name", "resource_id", "native_type", "connection__connection_name"]
    list_select_related = ["connection"]
    ordering = ["name", "pk"]
    inlines = [TagInline, SoftwareInline, NoteInline]
    provenance = json_fact("context_provenance", _("where the business context comes from"))
    connection_link = object_link("connection", _("connection"))
    organization_link = object_link("organization", _("organization"))
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "resource_id",
                    "resource_type",
                    "native_type",
                    "connection_link",
                    "organization_link",
                    "measurements",
                ]
            },
        ),
        (
            _("Business context"),
            {
                "fields": [
                    "business_unit",
                    "project",
                    "feature",
                    "cost_center",
                    "environment",
                    "owner",
                    "provenance",
                ]
            },
        ),
        (_("Dates"), {"fields": ["provider_created_at", "first_seen_at"]}),
    ]
    facts = ["connection_link", "organization_link", "provenance", "measurements"]

    @admin.display(description=_("measurements"))
    def measurements(self, resource: Resource) -> Any:
        return changelist_link(UsageSummary, _("Show"), resource__id__exact=resource.pk)


@admin.register(TagCategory)
class TagCategoryAdmin(ModelAdmin):
    """Which keys did an organization agree on, and which values may they have?"""

    manage_permission = MANAGE
    list_display = ["key", "organization_link", "is_required", "values"]
    list_filter = ["is_required", ("organization", AutocompleteSelectFilter)]
    search_fields = ["key", "organization__name"]
    list_select_related = ["organization"]
    autocomplete_fields = ["organization"]
    ordering = ["organization__name", "key", "pk"]
    organization_link = object_link("organization", _("organization"))

    @admin.display(description=_("allowed values"))
    def values(self, category: TagCategory) -> str:
        return ", ".join(category.allowed_values) or "—"

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "allowed_values":
            return LinesField(
                label=_("allowed values"),
                help_text=_("One a line; empty allows every value."),
                required=False,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class _OfResourceAdmin(ReadOnlyModelAdmin):
    manage_permission = MANAGE
    list_select_related = ["resource"]
    ordering = ["-pk"]
    exclude = ["organization", "resource"]
    facts = ["resource_link"]
    resource_link = object_link("resource", _("resource"))


@admin.register(Tag)
class TagAdmin(_OfResourceAdmin):
    """Which tags are in use, and on what?"""

    list_display = ["key", "value", "source", "resource_link"]
    list_filter = ["source", ("organization", AutocompleteSelectFilter)]
    search_fields = ["key", "value", "resource__name"]


@admin.register(ResourceNote)
class ResourceNoteAdmin(_OfResourceAdmin):
    """What did people write?"""

    list_display = ["text", "author", "resource_link", "written"]
    list_filter = ["created_at", ("organization", AutocompleteSelectFilter)]
    search_fields = ["text", "author__email", "resource__name"]
    list_select_related = ["resource", "author"]

    @admin.display(description=_("written"), ordering="created_at")
    def written(self, note: ResourceNote) -> Any:
        return note.created_at


@admin.register(SoftwareComponent)
class SoftwareComponentAdmin(_OfResourceAdmin):
    """Where does which version run?"""

    list_display = ["name", "version", "status", "resource_link"]
    list_filter = ["name", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "version", "resource__name"]


@admin.register(UsageSummary)
class UsageSummaryAdmin(_OfResourceAdmin):
    """How much is a resource used?"""

    list_display = [
        "resource_link",
        "metric",
        "period_days",
        "average",
        "maximum",
        "minimum",
        "sample_count",
        "computed_at",
    ]
    list_display_links = ["metric"]
    list_filter = ["metric", "period_days"]
    search_fields = ["resource__name"]


@admin.register(MetricPoint)
class MetricPointAdmin(_OfResourceAdmin):
    """What was measured in which hour?"""

    list_display = ["resource_link", "metric", "observed_at", "value", "maximum"]
    list_display_links = ["metric"]
    list_filter = ["metric", "observed_at"]
    search_fields = ["resource__name"]
