"""People: who is here, and what they may do."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db.models import Count, ManyToManyField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import addresses, impersonation, queries, services
from accounts.access import acting_user
from accounts.admin.organizations import MembershipInline
from accounts.audit.models import AuditEntry
from accounts.models import Membership, User
from common.admin import ModelAdmin, changelist_link

LAST_SUPER_ADMIN = _("This is the last super admin. Make somebody else one first.")
RANK_FIELDS: list[Any] = ["is_staff", "is_superuser", "groups", "user_permissions"]


class PlatformPermissionsField(ModelMultipleChoiceField):
    def label_from_instance(self, permission: Any) -> str:
        return gettext(permission.name)


class UserForm(ModelForm):
    """Everything but the password: its hash is nobody's to read (`UserAdmin.password_state`)."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_superuser"):
            cleaned["is_staff"] = True  # or they could not open the admin
        stays = cleaned.get("is_superuser", self.instance.is_superuser) and cleaned.get(
            "is_active", self.instance.is_active
        )
        if self.instance.pk and not stays and queries.is_last_super_admin(self.instance):
            raise ValidationError(LAST_SUPER_ADMIN)
        return cleaned


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Who is here, what may they do, and where do they belong?"""

    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    manage_permission = "accounts.manage_users"
    is_tenant_data = False
    list_display = [
        "email",
        "full_name",
        "rank",
        "organization_count",
        "is_active",
        "last_login",
        "date_joined",
    ]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups", "last_login", "date_joined"]
    search_fields = ["email", "full_name", "memberships__organization__name"]
    ordering = ["email"]
    filter_horizontal = ()  # Django's, of a page's width each; five permissions are five boxes
    facts = ["password_state", "audit_trail", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "password_state", "full_name", "is_active"]}),
        (_("Rank and permissions"), {"fields": RANK_FIELDS}),
        (_("Preferences"), {"fields": ["language", "time_zone", "currency", "theme"]}),
        (_("Activity"), {"fields": ["last_login", "date_joined", "audit_trail"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["email", "full_name", "usable_password", "password1", "password2"],
            },
        )
    ]
    inlines = [MembershipInline]
    list_after_template = "admin/accounts/user/impersonate_form.html"
    change_form_outer_before_template = "admin/accounts/user/impersonate.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people: QuerySet[User] = super().get_queryset(request)
        own = Membership.objects.filter(user=OuterRef("pk")).order_by().values("user")
        return people.annotate(
            _organization_count=Coalesce(Subquery(own.annotate(count=Count("pk")).values("count")), 0)
        )

    @admin.display(description=_("rank"), ordering="is_staff")
    def rank(self, user: User) -> str:
        if user.is_superuser:
            return str(_("super admin"))
        return str(_("administrator") if user.is_staff else _("user"))

    @admin.display(description=_("password"))
    def password_state(self, user: User) -> SafeString:
        """Whether there is one, and the way to another; Django would show the beginning of its hash."""
        word = gettext("set") if user.has_usable_password() else gettext("not set")
        return format_html(
            '{} · <a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            word,
            reverse("admin:auth_user_password_change", args=[user.pk]),
            gettext("Set another one"),
        )

    @admin.display(description=_("audit trail"))
    def audit_trail(self, user: User) -> SafeString:
        return changelist_link(AuditEntry, gettext("What they did"), actor=user.pk)

    @admin.display(description=_("organizations"), ordering="_organization_count")
    def organization_count(self, user: Any) -> int:
        count: int = user._organization_count
        return count

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """With a button for acting as somebody, for those who may act as anybody."""
        shown = list(super().get_list_display(request))
        return [*shown, _impersonate_button(request)] if _may_impersonate_somebody(request) else shown

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        person: User | None = kwargs.get("obj")
        context["may_impersonate"] = person is not None and _may_impersonate(request, person)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if acting_user(request).is_superuser else [*fields, *RANK_FIELDS]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may act as people has to find them."""
        return super().has_view_permission(request, obj) or _may_impersonate_somebody(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(super().has_change_permission(request, obj), request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(super().has_delete_permission(request, obj), request, obj)

    @staticmethod
    def _may(is_allowed: bool, request: HttpRequest, target: User | None) -> bool:
        """Equal and higher ranks are only looked at."""
        if not is_allowed or target is None:
            return is_allowed
        return queries.may_administer(actor=acting_user(request), target=target)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField | None:
        if db_field.name == "user_permissions":
            kwargs["form_class"] = PlatformPermissionsField
            kwargs["queryset"] = Permission.objects.filter(
                content_type__app_label="accounts", codename__in=queries.PLATFORM_PERMISSIONS
            )
        if db_field.name in {"groups", "user_permissions"}:
            kwargs |= {"widget": UnfoldAdminCheckboxSelectMultipleWidget, "help_text": ""}
        field: ModelMultipleChoiceField | None = super().formfield_for_manytomany(db_field, request, **kwargs)
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        before = User.objects.filter(pk=obj.pk).values_list("email", flat=True).first()
        services.update_user(user=obj)
        if not change:
            services.ensure_personal_organization(user=obj)
        elif before != obj.email:  # the old address must open the account no more
            EmailAddress.objects.filter(user=obj, email__iexact=before).delete()
            addresses.confirm(user=obj, email=obj.email)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.delete_users(users=[obj], now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        services.delete_users(users=queryset, now=timezone.now())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The page that asks for confirmation refuses the last super admin and people of equal or higher rank."""
        to_delete, model_count, perms_needed, protected = super().get_deleted_objects(objs, request)
        people: list[User] = list(objs)
        survivors = queries.super_admins().exclude(pk__in=[user.pk for user in people])
        if any(user.is_superuser for user in people) and not survivors.exists():
            protected = [*protected, str(LAST_SUPER_ADMIN)]
        protected = [
            *protected,
            *(
                gettext("“%(name)s” would have no owner left") % {"name": organization.name}
                for organization in queries.left_without_owner(people)
            ),
        ]
        actor = acting_user(request)
        protected = [
            *protected,
            *(str(user) for user in people if not queries.may_administer(actor=actor, target=user)),
        ]
        return to_delete, model_count, perms_needed, protected


def _may_impersonate_somebody(request: HttpRequest) -> bool:
    user = request.user
    return bool(user.is_active and user.is_staff and user.has_perm(impersonation.PERMISSION))


def _may_impersonate(request: Any, person: User) -> bool:
    return not request.impersonator and impersonation.may_impersonate(
        hijacker=acting_user(request), hijacked=person
    )


def _impersonate_button(request: HttpRequest) -> Any:
    """A column of the list for this reader."""

    @admin.display(description=_("Act as"))
    def impersonate(person: User) -> SafeString:
        if not _may_impersonate(request, person):
            return SafeString("—")
        return format_html(
            '<button type="submit" form="impersonate" name="user_pk" value="{}" '
            'class="cursor-pointer text-primary-600 dark:text-primary-500" aria-label="{}">{}</button>',
            person.pk,
            gettext("Act as %(person)s") % {"person": person.email},
            gettext("Act as"),
        )

    return impersonate
