"""Connections for operators: which one is in trouble, whose is it, and does it answer now?"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from common.admin import ModelAdmin, changelist_link, object_link, readable_json
from providers import catalogue, queries, registry, scheduling, services, tasks
from providers.account_words import account_summary
from providers.contract.errors import ProviderError, UnknownProvider
from providers.forms import CREDENTIAL_PREFIX, CredentialFieldsMixin
from providers.messages import explain, provider_name, sentence
from providers.models import ProviderConnection, ProviderType
from providers.registry import plugin_class

PROVIDER_PARAMETER = "provider_type"

LABELS = {"success": "success", "warning": "warning", "error": "danger", "none": "info"}
"""Unfold's colours of the status levels; a connection that is off has none."""


class ConnectionAdminForm(CredentialFieldsMixin, forms.ModelForm):
    """The settings of a connection, and its declared credentials as fields that are only written.

    Credentials that change are tested here, so that a refusal stands beside the form.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connection = self.instance if self.instance.pk else None
        try:
            plugin = plugin_class(self.instance.provider_type)
        except UnknownProvider:
            return
        self.add_credential_fields(plugin, connection)
        for declared in plugin.credential_fields:
            field = self.fields[CREDENTIAL_PREFIX + declared.name]
            widget = UnfoldAdminPasswordWidget if declared.is_secret else UnfoldAdminTextInputWidget
            field.widget = widget(attrs={"autocomplete": "new-password" if declared.is_secret else "off"})
            field.widget.is_required = field.required

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = self.credentials()
        connection = self.instance
        self.verified_account_id = connection.account_id
        try:
            if not connection.pk:
                catalogue.refuse_disabled(connection.provider_type)
            changed = services.merged_credentials(connection, given) != (connection.credentials or {})
            if self.errors or not changed:
                return cleaned
            test = services.test_saved_connection(connection=connection, changes=given, now=timezone.now())
            self.verified_account_id = services.same_account(connection, test)
        except ValidationError as error:
            self.add_error(None, error.messages)
        except ProviderError as error:
            self.add_error(None, str(explain(error, provider_type=connection.provider_type)))
        return cleaned


class ProviderFilter(admin.SimpleListFilter):
    title = _("provider")
    parameter_name = PROVIDER_PARAMETER

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, sentence(plugin.display_name)) for key, plugin in registry.plugins().items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProviderConnection]
    ) -> QuerySet[ProviderConnection]:
        value = self.value()
        return queryset.filter(provider_type=value) if value else queryset


@admin.register(ProviderConnection)
class ProviderConnectionAdmin(ModelAdmin):
    """Operators find what fails, test it, switch it off and on; credentials go in and never come out."""

    form = ConnectionAdminForm
    manage_permission = "accounts.manage_providers"
    list_display = [
        "connection_name",
        "organization_link",
        "provider",
        "status",
        "last_sync_at",
        "next_sync_at",
        "consecutive_failures",
        "is_active",
    ]
    list_filter = [ProviderFilter, "last_sync_status", "is_active", "auto_sync", "last_sync_at"]
    search_fields = ["connection_name", "account_id", "organization__name"]
    list_select_related = ["organization"]
    ordering = ["-consecutive_failures", "organization__name", "connection_name", "pk"]
    autocomplete_fields = ["organization"]
    actions = ["test", "try_again", "enable", "disable"]
    facts = [
        "provider",
        "account_id",
        "set_credentials",
        "credentials_changed_at",
        "series_number",
        "last_result",
        "last_sync_at",
        "consecutive_failures",
        "given_up_at",
        "last_error",
        "balance",
        "balance_currency",
        "charge_days_left",
        "account_facts",
        "account_read_at",
        "created_at",
        "updated_at",
    ]
    organization_link = object_link("organization", _("organization"))

    # Lists and facts

    @admin.display(description=_("provider"), ordering="provider_type")
    def provider(self, connection: ProviderConnection) -> SafeString:
        """Leads to the catalogue, where whole types are switched."""
        return changelist_link(
            ProviderType, provider_name(connection.provider_type), key=connection.provider_type
        )

    @display(description=_("last result"), ordering="last_sync_status", label=LABELS)
    def status(self, connection: ProviderConnection) -> tuple[str, str]:
        return queries.status_level(connection), self.last_result(connection)

    @admin.display(description=_("last result"))
    def last_result(self, connection: ProviderConnection) -> str:
        if not connection.is_active:
            return str(_("Off"))
        if connection.is_given_up:
            text = ngettext(
                "Not tried any more after %(count)d failure",
                "Not tried any more after %(count)d failures",
                connection.consecutive_failures,
            )
            return text % {"count": connection.consecutive_failures}
        return connection.get_last_sync_status_display()

    @admin.display(description=_("last error"))
    def last_error(self, connection: ProviderConnection) -> str:
        explanation = explain(connection.last_sync_error, provider_type=connection.provider_type)
        return str(explanation) if explanation else "—"

    @admin.display(description=_("account information"))
    def account_facts(self, connection: ProviderConnection) -> SafeString:
        return readable_json(account_summary(connection.provider_metadata or {}))

    @admin.display(description=_("credentials"))
    def set_credentials(self, connection: ProviderConnection) -> SafeString:
        """Which are set; a secret is only said to be."""
        rows = [
            (sentence(found.field.label), _value_or_word(found))
            for found in queries.set_credentials(connection)
        ]
        return (
            format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))
            if rows
            else SafeString("—")
        )

    # The form

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form follows from the provider, so the address names it; without one, the first offered."""
        if request.GET.get(PROVIDER_PARAMETER) in registry.plugins():
            response: HttpResponse = super().add_view(request, form_url, extra_context)
            return response
        if not self.has_add_permission(request):
            raise PermissionDenied
        offered = catalogue.offered_plugins()
        if not offered:
            self.message_user(request, _("No provider is offered."), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:providers_providerconnection_changelist"))
        query = {PROVIDER_PARAMETER: offered[0].key}
        return HttpResponseRedirect(reverse("admin:providers_providerconnection_add", query=query))

    def get_fieldsets(self, request: HttpRequest, obj: ProviderConnection | None = None) -> list[Any]:
        provider_type = obj.provider_type if obj else str(request.GET.get(PROVIDER_PARAMETER))
        declared = queries.credential_fields(provider_type)
        credentials = [CREDENTIAL_PREFIX + field.name for field in declared]
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        settings = ["auto_sync", "sync_interval_minutes"]
        if obj is None:
            return [
                (
                    None,
                    {
                        "fields": ["organization", "connection_name"],
                        "description": self._choice(provider_type),
                    },
                ),
                (_("Credentials"), {"fields": credentials}),
                (_("Schedule"), {"fields": settings}),
            ]
        secret_facts = ["set_credentials", "credentials_changed_at"]
        return [
            (
                None,
                {
                    "fields": [
                        "organization",
                        "provider",
                        "connection_name",
                        "is_active",
                        "account_id",
                        "series_number",
                    ]
                },
            ),
            (_("Credentials"), {"fields": [*secret_facts, *(credentials if may_write else [])]}),
            (_("Schedule"), {"fields": [*settings, "next_sync_at"]}),
            (
                _("Last sync"),
                {
                    "fields": [
                        "last_result",
                        "last_sync_at",
                        "consecutive_failures",
                        "given_up_at",
                        "last_error",
                    ]
                },
            ),
            (
                _("Account"),
                {
                    "fields": [
                        "balance",
                        "balance_currency",
                        "charge_days_left",
                        "account_facts",
                        "account_read_at",
                    ]
                },
            ),
            (_("Dates"), {"fields": ["created_at", "updated_at"]}),
        ]

    def get_form(
        self, request: HttpRequest, obj: ProviderConnection | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        """The form's class of this provider: the admin wants every field named before there is an instance."""
        provider_type = obj.provider_type if obj else str(request.GET.get(PROVIDER_PARAMETER))
        declared = queries.credential_fields(provider_type)
        names = [CREDENTIAL_PREFIX + field.name for field in declared]

        def init(form: ConnectionAdminForm, *args: Any, **arguments: Any) -> None:
            arguments["instance"] = arguments.get("instance") or ProviderConnection(
                provider_type=provider_type
            )
            ConnectionAdminForm.__init__(form, *args, **arguments)

        placeholders = {name: forms.CharField(required=False) for name in names}
        form = type("ProviderConnectionForm", (ConnectionAdminForm,), {**placeholders, "__init__": init})
        return super().get_form(request, obj, change, **{**kwargs, "form": form})  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "organization", "next_sync_at"] if obj else fields

    def save_model(
        self, request: HttpRequest, obj: ProviderConnection, form: ConnectionAdminForm, change: bool
    ) -> None:
        """Through the services, without another test: the form has made it."""
        settings = {
            name: form.cleaned_data[name]
            for name in ("connection_name", "is_active", "auto_sync", "sync_interval_minutes")
            if name in form.cleaned_data
        }
        if change:
            before = ProviderConnection.objects.get(pk=obj.pk)
            services.update_connection(
                connection=before,
                credentials=form.credentials(),
                now=timezone.now(),
                verify=False,
                **settings,
            )
            return
        made = services.create_connection(
            organization=form.cleaned_data["organization"],
            provider_type=obj.provider_type,
            credentials=form.credentials(),
            account_id=form.verified_account_id,
            now=timezone.now(),
            verify=False,
            **settings,
        )
        obj.pk = made.pk

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counts instead of a tree: a year of costs has more rows than a page or a process can hold."""
        counts: Counter[str] = Counter()
        for connection in objs:
            counts.update({loss.label: loss.count for loss in queries.losses(connection)})
        perms_needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(connection) for connection in objs], dict(counts), perms_needed, []

    def delete_model(self, request: HttpRequest, obj: ProviderConnection) -> None:
        """After the page's transaction, which would make one of the many small ones."""
        transaction.on_commit(partial(_delete, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProviderConnection]) -> None:
        for connection in queryset:
            self.delete_model(request, connection)

    @staticmethod
    def _choice(provider_type: str) -> SafeString:
        """Links to the forms of the other providers."""
        links = [
            (
                reverse("admin:providers_providerconnection_add", query={PROVIDER_PARAMETER: plugin.key}),
                sentence(plugin.display_name),
            )
            for plugin in catalogue.offered_plugins()
            if plugin.key != provider_type
        ]
        others = format_html_join(" · ", '<a class="text-primary-600" href="{}">{}</a>', links)
        return format_html("<strong>{}</strong> {}", provider_name(provider_type), others)

    # Actions

    @admin.action(description=_("Test the connection"), permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[ProviderConnection]) -> None:
        for connection in queryset:
            name = connection.connection_name
            try:
                answer = services.test_saved_connection(connection=connection, now=timezone.now())
            except ProviderError as error:
                text = str(explain(error, provider_type=connection.provider_type))
                self.message_user(request, f"{name}: {text}", messages.ERROR)
            except ValidationError as error:
                self.message_user(request, f"{name}: {' '.join(error.messages)}", messages.ERROR)
            else:
                text = _("%(name)s: connected to the account %(account)s.") % {
                    "name": name,
                    "account": answer.account_id,
                }
                self.message_user(request, text, messages.SUCCESS if answer.is_complete else messages.WARNING)

    @admin.action(description=_("Try again after too many failures"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[ProviderConnection]) -> None:
        now = timezone.now()
        count = sum(scheduling.try_again(connection=connection, now=now) for connection in queryset)
        text = ngettext(
            "%(count)d connection is tried again.", "%(count)d connections are tried again.", count
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    @admin.action(description=_("Switch on"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ProviderConnection]) -> None:
        count = services.set_active(connections=queryset, is_active=True, now=timezone.now())
        text = ngettext("%(count)d connection switched on.", "%(count)d connections switched on.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ProviderConnection]) -> None:
        count = services.set_active(connections=queryset, is_active=False, now=timezone.now())
        text = ngettext("%(count)d connection switched off.", "%(count)d connections switched off.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)


def _value_or_word(found: queries.SetCredential) -> str:
    if not found.is_set:
        return str(_("not set"))
    return str(_("set")) if found.field.is_secret else found.value


def _delete(connection: ProviderConnection) -> None:
    pk = connection.pk
    if not services.delete_connection(connection=connection):
        tasks.hand_out_deletion(pk)
