"""The audit trail for operators: who did what to what, when, from where, and as whom. Read only.

Super admins see it, and who may manage users: its entries name people of every organization.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    TextFilter,
)

from accounts.audit import actions, export, queries
from accounts.audit.models import AuditEntry, AuditSeal
from common.admin import ReadOnlyModelAdmin, admin_link
from common.admin_filters import DayRangeFilter

SHOWN_CHANGES = 2
"""In a row of the list; the entry's page shows all."""


class ActionFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no types
    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(actions.ACTIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class KindFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no types
    """By what was changed. All models there are, rather than a look at every entry for those that occur."""

    title = _("kind of object")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = [(model._meta.label_lower, str(model._meta.verbose_name)) for model in apps.get_models()]
        return sorted(found, key=lambda choice: choice[1].casefold())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class ImpersonationFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no types
    title = _("acting as somebody else")
    parameter_name = "impersonated"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("yes")), ("no", _("no"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(impersonator_id__isnull=self.value() == "no")


class ActorFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    """The whole e-mail, or the number, of the actor or of who really sat there."""

    title = _("actor")
    parameter_name = "actor"

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        number = int(value) if value.isdecimal() and len(value) < 19 else None
        if number is not None:
            return queryset.filter(Q(actor_id=number) | Q(impersonator_id=number))
        return queryset.filter(Q(actor_email__iexact=value) | Q(impersonator_email__iexact=value))


class OrganizationFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    """A part of the name, or the number."""

    title = _("organization")
    parameter_name = "organization"

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        if value.isdecimal() and len(value) < 19:
            return queryset.filter(organization_id=int(value))
        return queryset.filter(organization_name__icontains=value)


class AddressFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    title = _("address")
    parameter_name = "ip"

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        value = (self.value() or "").strip()
        return queryset.filter(ip__startswith=value) if value else queryset


class AuditList(ChangeList):
    """Looks once for all rows of a page which people and organizations are still there to link to.

    The things themselves are of many kinds: they are looked for on an entry's own page alone.
    """

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: Any = list(self.result_list)
        living = queries.Living.of(rows)
        for row in rows:
            row.living, row.thing, row.seal = living, None, None
        self.result_list = rows


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyModelAdmin):
    """Who did what?"""

    manage_permission = "accounts.manage_users"
    is_tenant_data = False
    list_display = ["when", "what", "who", "organization", "what_to", "short_changes", "door", "ip"]
    list_filter: Any = [
        ActionFilter,
        ActorFilter,
        OrganizationFilter,
        KindFilter,
        ("at", DayRangeFilter),
        ("door", ChoicesDropdownFilter),
        AddressFilter,
        ImpersonationFilter,
    ]
    search_fields = ["actor_email", "impersonator_email", "organization_name", "object_name", "object_id"]
    search_help_text = _("E-mail, organization, name or number of the object")
    ordering = ["-pk"]
    sortable_by: Any = []
    list_fullwidth = True
    show_facets = admin.ShowFacets.NEVER  # a count for each of a hundred actions
    list_before_template = "admin/audit/auditentry/export.html"
    fieldsets = [
        (None, {"fields": ["when", "what", "who", "organization", "what_to", "door", "ip"]}),
        (_("What changed"), {"fields": ["all_changes", "all_details"]}),
        (_("Hash chain"), {"fields": ["chain"]}),
    ]
    facts = ["when", "what", "who", "organization", "what_to", "all_changes", "all_details", "chain"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AuditList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        entry: Any = super().get_object(request, object_id, from_field)
        if entry is not None:
            entry.living = queries.Living.of([entry])
            entry.thing = queries.living_object(entry)
            entry.seal = AuditSeal.objects.filter(entry_id=entry.pk).first()
        return entry

    def get_urls(self) -> list[URLPattern]:
        own = path("export/", self.admin_site.admin_view(self.export_view), name="audit_auditentry_export")
        return [own, *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list shows under the same filters, as JSON lines."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        changelist = self.get_changelist_instance(request)
        return export.download(changelist.get_queryset(request), request=request)

    @admin.display(description=_("time"))
    def when(self, entry: AuditEntry) -> SafeString:
        at = f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}"
        return format_html('<span class="whitespace-nowrap">{}</span>', at)

    @admin.display(description=_("action"))
    def what(self, entry: AuditEntry) -> str:
        return entry.action_label

    @admin.display(description=_("who"))
    def who(self, entry: Any) -> SafeString:
        people = entry.living.people
        actor = _link(people.get(entry.actor_id), entry.actor_email)
        if not entry.impersonator_email:
            return actor
        real = _link(people.get(entry.impersonator_id), entry.impersonator_email)
        return format_html("{} ({})", actor, format_html(str(_("really {}")), real))

    @admin.display(description=_("organization"))
    def organization(self, entry: Any) -> SafeString:
        return _link(entry.living.organizations.get(entry.organization_id), entry.organization_name)

    @admin.display(description=_("object"))
    def what_to(self, entry: Any) -> SafeString:
        if not entry.object_type:
            return SafeString("—")
        name = entry.object_name or entry.object_id
        return format_html("{} · {}", queries.kind(entry), _link(entry.thing, name))

    @admin.display(description=_("changes"))
    def short_changes(self, entry: AuditEntry) -> SafeString:
        found = queries.changes(entry)
        shown = format_html_join(
            SafeString("<br>"),
            "{}: {} → {}",
            ((change.name, _cut(change.before), _cut(change.after)) for change in found[:SHOWN_CHANGES]),
        )
        rest = len(found) - SHOWN_CHANGES
        return format_html("{}<br>+{}", shown, rest) if rest > 0 else shown or SafeString("—")

    @admin.display(description=_("before → after"))
    def all_changes(self, entry: AuditEntry) -> SafeString:
        rows = format_html_join(
            "",
            '<tr><th class="pr-6 py-1 text-left font-medium align-top">{}</th>'
            '<td class="pr-6 py-1 align-top break-words">{}</td><td class="py-1 align-top break-words">{}</td></tr>',
            ((change.name, change.before or "—", change.after or "—") for change in queries.changes(entry)),
        )
        return format_html("<table>{}</table>", rows) if rows else SafeString("—")

    @admin.display(description=_("details"))
    def all_details(self, entry: AuditEntry) -> SafeString:
        rows = format_html_join(SafeString("<br>"), "{}: {}", queries.details(entry))
        return rows or SafeString("—")

    @admin.display(description=_("place in the chain"))
    def chain(self, entry: Any) -> SafeString:
        if entry.seal is None:
            return format_html("{}", _("not sealed yet"))
        return format_html('{} · <code class="break-words">{}</code>', entry.seal.sequence, entry.seal.hash)


def _link(target: Model | None, name: str) -> SafeString:
    """A link under the name as it was then; the bare name where there is nothing to link to."""
    if target is None:
        return format_html("{}", name or "—")
    return admin_link(target, name)


def _cut(value: str) -> str:
    return (value if len(value) <= 60 else f"{value[:59]}…") or "—"
