"""The one base of all our admins.

    class ResourceAdmin(ModelAdmin):
        manage_permission = "accounts.manage_resources"
        list_select_related = ["connection"]
        facts = ["resource_id", "configuration_json", "connection_link"]   # shown, never edited
        configuration_json = json_fact("configuration", _("Configuration"))
        connection_link = object_link("connection")

Who may do what: Django's own model permissions, or the platform permission that the admin names; with
`accounts.view_all_data` an administrator may look at everything of tenants. Whatever is changed here is told to the
audit trail (`common.admin_changes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import StackedInline as UnfoldStackedInline
from unfold.admin import TabularInline as UnfoldTabularInline

from common.admin_changes import RecordedChanges
from common.fields import EncryptedJSONField

JSON_DEPTH = 6
"""Deeper values are shown as «…»: no page of an operator grows without end."""

JSON_ITEMS = 200


class PlatformPermissions:
    """Permissions of an admin or inline by the platform's named permissions, besides Django's own.

    `manage_permission` opens everything; "" means super admins and Django's model permissions only.
    `is_tenant_data` lets holders of `accounts.view_all_data` look.
    """

    manage_permission: ClassVar[str] = ""
    is_tenant_data: ClassVar[bool] = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_see_all = self.is_tenant_data and _may(request, "accounts.view_all_data")
        return may_see_all or self._may_manage(request) or bool(super().has_view_permission(request, obj))  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        above: Any = super()
        args = (request, obj) if isinstance(self, admin.options.InlineModelAdmin) else (request,)
        return self._may_manage(request) or bool(above.has_add_permission(*args))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_manage(request) or bool(super().has_change_permission(request, obj))  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_manage(request) or bool(super().has_delete_permission(request, obj))  # type: ignore[misc]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def _may_manage(self, request: HttpRequest) -> bool:
        return bool(self.manage_permission) and _may(request, self.manage_permission)


class ReadOnlyPermissions(PlatformPermissions):
    """For facts that syncs write: to be looked at, not edited."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PageOfRows(Paginator):
    """First finds which rows a page has, then reads them with all that hangs on them.

    Else the database joins and sorts whole wide rows by the ten thousand to show fifty: a query less, and several times
    as long.
    """

    def _get_page(self, object_list: Any, *args: Any, **kwargs: Any) -> Page:
        every: Any = self.object_list
        if isinstance(object_list, QuerySet):
            object_list = every.filter(pk__in=list(object_list.values_list("pk", flat=True)))
        page: Page = super()._get_page(object_list, *args, **kwargs)  # type: ignore[misc]  # Django says that it may be overridden
        return page


class ModelAdmin(RecordedChanges, PlatformPermissions, UnfoldModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Base of all admins. `facts` are fields or methods that are shown and never edited."""

    facts: ClassVar[tuple[str, ...] | list[str]] = ()
    compressed_fields = True
    list_filter_submit = True
    list_per_page = 50
    paginator = PageOfRows
    show_full_result_count = False
    warn_unsaved_form = True

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        secrets = {field.name for field in model._meta.fields if isinstance(field, EncryptedJSONField)}
        shown = {*self.list_display, *self.readonly_fields, *self.facts, *(self.fields or ())}
        if secrets & shown:
            raise ImproperlyConfigured(f"{type(self).__name__} shows a secret: {', '.join(secrets & shown)}.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *self.facts]


class ReadOnlyModelAdmin(ReadOnlyPermissions, ModelAdmin):
    """An admin of facts: lists, filters, finds, and changes nothing but by actions."""


class TabularInline(PlatformPermissions, UnfoldTabularInline):  # type: ignore[misc]  # unfold has no types
    extra = 0


class StackedInline(PlatformPermissions, UnfoldStackedInline):  # type: ignore[misc]  # unfold has no types
    extra = 0


class ReadOnlyTabularInline(ReadOnlyPermissions, UnfoldTabularInline):  # type: ignore[misc]  # unfold has no types
    extra = 0


def json_fact(field_name: str, description: Any) -> Callable[[Any, Any], SafeString]:
    """An attribute of an admin class: a JSON field as nested lists that people can read."""

    @admin.display(description=description)
    def show(model_admin: Any, obj: Any) -> SafeString:
        return readable_json(getattr(obj, field_name))

    return show


def object_link(field_name: str, description: Any = None) -> Callable[[Any, Any], SafeString]:
    """An attribute of an admin class: a foreign key as a link to that object's admin page; sorts by it."""

    @admin.display(description=description or field_name.replace("_", " "), ordering=field_name)
    def show(model_admin: Any, obj: Any) -> SafeString:
        return admin_link(getattr(obj, field_name))

    return show


def admin_link(target: Model | None, name: str = "") -> SafeString:
    """A link to the object's admin page under its own or the given name, that alone where there is no such page."""
    if target is None:
        return SafeString("—")
    meta = target._meta
    try:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[target.pk])
    except NoReverseMatch:
        return format_html("{}", name or target)
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, name or target
    )


def changelist_link(model: type[Model], label: Any, **filters: Any) -> SafeString:
    """A link to the model's list under the given filters (`connection__id__exact=7`)."""
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist", query=filters)
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, label)


def readable_json(value: Any, depth: int = 0) -> SafeString:
    """Nested lists of labels and values; every text is escaped, large values are cut with «…»."""
    if value is None or value == "" or value == {} or value == []:
        return SafeString("—")
    if depth >= JSON_DEPTH:
        return SafeString("…")
    if isinstance(value, Mapping):
        rows = [(key, readable_json(item, depth + 1)) for key, item in list(value.items())[:JSON_ITEMS]]
        body = format_html_join("", "<li><strong>{}</strong>: {}</li>", rows)
    elif isinstance(value, list | tuple):
        body = format_html_join(
            "", "<li>{}</li>", ((readable_json(item, depth + 1),) for item in value[:JSON_ITEMS])
        )
    elif isinstance(value, bool):
        return format_html("{}", _("yes") if value else _("no"))
    else:
        return format_html("{}", value)
    rest = SafeString("<li>…</li>") if len(value) > JSON_ITEMS else SafeString("")
    return format_html('<ul class="{}">{}{}</ul>', "pl-4 list-disc" if depth else "", body, rest)


def _may(request: HttpRequest, permission: str) -> bool:
    user = request.user
    return bool(user.is_active and user.is_staff and user.has_perm(permission))
