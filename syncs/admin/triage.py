"""Triage: what billing names and the taxonomy does not know yet, and the answers that administrators gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.access import acting_user
from common.admin import ModelAdmin, json_fact, object_link
from common.formatting import money_per_day
from inventory.models import ResourceType, TypeMapping
from providers import registry
from providers.admin import ProviderFilter
from providers.messages import provider_name
from syncs import services, triage
from syncs.admin.parts import MANAGE, daily_costs
from syncs.models import UnrecognizedResource

PREVIEWED_RESOURCES = 20
"""How many of the resources that a mapping re-types are shown before; all are counted."""

TYPE_PARAMETER = "type"
"""`type=beget:gpu` in the address of the mapping page, as often as there are types."""


class NotesForm(forms.Form):
    notes = forms.CharField(
        label=_("Notes"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Why it is so, for whoever comes next."),
    )


class MappingForm(NotesForm):
    resource_type = forms.ChoiceField(
        label=_("Type in the taxonomy"),
        choices=[("", "—"), *ResourceType.choices],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["resource_type", "notes"]


@admin.register(UnrecognizedResource)
class UnrecognizedResourceAdmin(ModelAdmin):
    """What does billing name that the taxonomy does not know, and how much money stands on it?"""

    manage_permission = MANAGE
    list_before_template = "admin/syncs/unrecognizedresource/open_types.html"
    list_display = [
        "resource_name",
        "native_type",
        "provider",
        "connection_link",
        "cost",
        "observed_at",
        "state",
    ]
    list_filter = [
        ("resolved_at", admin.EmptyFieldListFilter),
        ProviderFilter,
        "native_type",
        "snapshot__is_current",
        ("connection", AutocompleteSelectFilter),
        "observed_at",
    ]
    search_fields = ["resource_name", "resource_id", "native_type", "service_name", "notes"]
    list_select_related = ["connection"]
    ordering = ["-observed_at", "-pk"]
    actions = ["map_types", "resolve"]
    actions_row = ["map_one"]
    actions_detail = ["map_one"]
    connection_link = object_link("connection", _("connection"))
    snapshot_link = object_link("snapshot", _("sync snapshot"))
    resolved_by_link = object_link("resolved_by", _("resolved by"))
    raw = json_fact("billing_data", _("billing data"))
    facts = [
        "provider",
        "connection_link",
        "snapshot_link",
        "raw",
        "cost",
        "resolved_by_link",
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "resource_name",
                    "resource_id",
                    "native_type",
                    "provider",
                    "service_name",
                    "connection_link",
                    "snapshot_link",
                    "cost",
                    "observed_at",
                ]
            },
        ),
        (_("Billing data"), {"fields": ["raw"]}),
        (_("Answer"), {"fields": ["resolved_at", "resolved_by_link", "mapped_to", "notes"]}),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_manage(request)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.map_view)
        return [path("map/", page, name="syncs_unrecognizedresource_map"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        types = self._rows(triage.open_types())
        context = {"open_types": types, "may_map": self._may_manage(request), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def spent(self, types: Iterable[triage.NativeType]) -> Mapping[triage.NativeType, triage.TypeSpend]:
        """What each type has cost so far, as far as it is known here: apps above know more."""
        return {}

    def _rows(self, types: list[triage.OpenType]) -> list[dict[str, Any]]:
        """Types as the pages show them, the dearest now first, then those that have cost most."""
        spent = self.spent([one.key for one in types])
        sums = {key: sum(each.amounts.values(), Decimal(0)) for key, each in spent.items()}
        ordered = sorted(types, key=lambda one: (one.weight[0], sums.get(one.key, Decimal(0))), reverse=True)
        return [
            {
                "type": one,
                "provider": provider_name(one.provider_type),
                "cost": daily_costs(one.daily_costs) if one.resource_count else "",
                "spent": spent.get(one.key, ""),
                "url": _map_url([one.key]),
            }
            for one in ordered
        ]

    # Columns

    @admin.display(description=_("provider"), ordering="provider_type")
    def provider(self, record: UnrecognizedResource) -> str:
        return provider_name(record.provider_type)

    @admin.display(description=_("cost a day"), ordering="daily_cost")
    def cost(self, record: UnrecognizedResource) -> str:
        if record.daily_cost is None:
            return daily_costs({})
        return money_per_day(record.daily_cost, record.currency or "RUB")

    @display(
        description=_("status"), ordering="resolved_at", label={"open": "warning", "resolved": "success"}
    )
    def state(self, record: UnrecognizedResource) -> tuple[str, str]:
        if record.resolved_at is None:
            return "open", str(_("Not resolved"))
        return "resolved", str(record.get_mapped_to_display() if record.mapped_to else _("Resolved"))

    # Mapping a type

    @admin.action(description=_("Map the types of the selected records"), permissions=["manage"])
    def map_types(self, request: HttpRequest, queryset: QuerySet[UnrecognizedResource]) -> HttpResponse:
        types = queryset.order_by("provider_type", "native_type").values_list("provider_type", "native_type")
        return HttpResponseRedirect(_map_url(list(types.distinct())))

    @action(description=_("Map this type"), permissions=["manage"], url_path="map-type")
    def map_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        return HttpResponseRedirect(_map_url([(record.provider_type, record.native_type)]))

    def map_view(self, request: HttpRequest) -> HttpResponse:
        """What is about to be taught, with how many open records and how much money; then teaches it."""
        if not self._may_manage(request):
            raise PermissionDenied
        found = triage.open_types(_types(request))
        if not found:
            self.message_user(request, _("No open record has this type."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:syncs_unrecognizedresource_changelist"))
        form = MappingForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._map(request, found, form)
        resources = triage.resources([one.key for one in found])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Map to the taxonomy"),
            "opts": self.opts,
            "form": form,
            "types": self._rows(found),
            "resources": resources[:PREVIEWED_RESOURCES],
            "resource_count": resources.count(),
        }
        return TemplateResponse(request, "admin/syncs/unrecognizedresource/map.html", context)

    def _map(
        self, request: HttpRequest, found: list[triage.OpenType], form: MappingForm
    ) -> HttpResponseRedirect:
        count = 0
        for one in found:
            count += services.map_unrecognized_type(
                provider_type=one.provider_type,
                native_type=one.native_type,
                resource_type=form.cleaned_data["resource_type"],
                by=acting_user(request),
                at=timezone.now(),
                notes=form.cleaned_data["notes"],
            )
            mapping = TypeMapping.objects.get(provider_type=one.provider_type, native_type=one.native_type)
            self.log_change(request, mapping, f"→ {mapping.resource_type}. {mapping.notes}".strip())
        text = ngettext(
            "%(count)d record resolved. From the next sync on the type is known.",
            "%(count)d records resolved. From the next sync on the type is known.",
            count,
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:syncs_unrecognizedresource_changelist"))

    # Resolving without a mapping

    @admin.action(description=_("Resolve without a mapping"), permissions=["manage"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[UnrecognizedResource]) -> HttpResponse | None:
        form = NotesForm(request.POST if "confirmed" in request.POST else None)
        if form.is_valid():
            records = list(queryset.filter(resolved_at__isnull=True))
            count = services.resolve_unrecognized(
                resources=UnrecognizedResource.objects.filter(pk__in=[record.pk for record in records]),
                by=acting_user(request),
                at=timezone.now(),
                notes=form.cleaned_data["notes"],
            )
            LogEntry.objects.log_actions(
                user_id=acting_user(request).pk,
                queryset=records,
                action_flag=CHANGE,
                change_message=form.cleaned_data["notes"],
            )
            text = ngettext("%(count)d record resolved.", "%(count)d records resolved.", count)
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Resolve without a mapping"),
            "opts": self.opts,
            "form": form,
            "count": queryset.filter(resolved_at__isnull=True).count(),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/syncs/unrecognizedresource/resolve.html", context)


class TypeMappingForm(forms.ModelForm):
    class Meta:
        model = TypeMapping
        fields = ["provider_type", "native_type", "resource_type", "notes"]


@admin.register(TypeMapping)
class TypeMappingAdmin(ModelAdmin):
    """What did administrators teach? A mapping comes before the plugin's own knowledge."""

    form = TypeMappingForm
    manage_permission = MANAGE
    is_tenant_data = False
    list_display = ["native_type", "provider", "resource_type", "created_by_link", "changed"]
    list_filter = [ProviderFilter, "resource_type"]
    search_fields = ["native_type", "notes"]
    list_select_related = ["created_by"]
    ordering = ["provider_type", "native_type"]
    facts = ["created_by_link", "changed"]
    created_by_link = object_link("created_by", _("by whom"))

    @admin.display(description=_("provider"), ordering="provider_type")
    def provider(self, mapping: TypeMapping) -> str:
        return provider_name(mapping.provider_type)

    @admin.display(description=_("changed"), ordering="updated_at")
    def changed(self, mapping: TypeMapping) -> Any:
        return mapping.updated_at

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "provider_type":
            choices = [(key, provider_name(key)) for key in registry.plugins()]
            return forms.ChoiceField(label=_("provider"), choices=choices, widget=UnfoldAdminSelectWidget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "provider_type", "native_type"] if obj else fields

    def save_model(self, request: HttpRequest, obj: TypeMapping, form: Any, change: bool) -> None:
        """Through the service: present resources are re-typed and open records resolve."""
        services.map_unrecognized_type(
            provider_type=obj.provider_type,
            native_type=obj.native_type,
            resource_type=obj.resource_type,
            by=acting_user(request),
            at=timezone.now(),
            notes=obj.notes,
        )
        obj.pk = TypeMapping.objects.get(provider_type=obj.provider_type, native_type=obj.native_type).pk


def _types(request: HttpRequest) -> list[triage.NativeType]:
    given = [value.partition(":") for value in request.GET.getlist(TYPE_PARAMETER)]
    return [(provider_type, native_type) for provider_type, _colon, native_type in given]


def _map_url(types: list[triage.NativeType]) -> str:
    values = [f"{provider_type}:{native_type}" for provider_type, native_type in types]
    return reverse("admin:syncs_unrecognizedresource_map", query={TYPE_PARAMETER: values})
