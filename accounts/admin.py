"""People and tenants for administrators. Nobody raises themselves: ranks and permissions are a super admin's to give."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import Count, ManyToManyField, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import queries, services
from accounts.access import acting_user
from accounts.models import Membership, Organization, User
from common.admin import ModelAdmin, TabularInline, object_link

LAST_SUPER_ADMIN = _("This is the last super admin. Make somebody else one first.")
RANK_FIELDS: list[Any] = ["is_staff", "is_superuser", "groups", "user_permissions"]


class PlatformPermissionsField(ModelMultipleChoiceField):
    def label_from_instance(self, permission: Any) -> str:
        return gettext(permission.name)


class UserForm(UserChangeForm):  # type: ignore[misc]  # unfold has no types
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        stays = cleaned.get("is_superuser", self.instance.is_superuser) and cleaned.get(
            "is_active", self.instance.is_active
        )
        if self.instance.pk and not stays and queries.is_last_super_admin(self.instance):
            raise ValidationError(LAST_SUPER_ADMIN)
        return cleaned


class MembershipInline(TabularInline):
    """Who belongs to what; an administrator does not let themselves in."""

    model = Membership
    manage_permission = "accounts.manage_users"
    fields = ["user", "organization", "role"]
    autocomplete_fields = ["user", "organization"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and self._is_of_another(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_of_another(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_of_another(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = _people_to_choose(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @staticmethod
    def _is_of_another(request: HttpRequest, obj: Any) -> bool:
        user = acting_user(request)
        return user.is_superuser or not (isinstance(obj, User) and obj.pk == user.pk)


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
    facts = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "password", "full_name", "is_active"]}),
        (_("Rank and permissions"), {"fields": RANK_FIELDS}),
        (_("Preferences"), {"fields": ["language", "time_zone", "currency", "theme"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(_organization_count=Count("memberships"))

    @admin.display(description=_("rank"), ordering="is_staff")
    def rank(self, user: User) -> str:
        if user.is_superuser:
            return str(_("super admin"))
        return str(_("administrator") if user.is_staff else _("user"))

    @admin.display(description=_("organizations"), ordering="_organization_count")
    def organization_count(self, user: Any) -> int:
        count: int = user._organization_count
        return count

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if acting_user(request).is_superuser else [*fields, *RANK_FIELDS]

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
        services.update_user(user=obj)
        if not change:
            services.ensure_personal_organization(user=obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.delete_users(users=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        services.delete_users(users=queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The page that asks for confirmation refuses the last super admin and people of equal or higher rank."""
        to_delete, model_count, perms_needed, protected = super().get_deleted_objects(objs, request)
        people: list[User] = list(objs)
        survivors = queries.super_admins().exclude(pk__in=[user.pk for user in people])
        if any(user.is_superuser for user in people) and not survivors.exists():
            protected = [*protected, str(LAST_SUPER_ADMIN)]
        actor = acting_user(request)
        protected = [
            *protected,
            *(str(user) for user in people if not queries.may_administer(actor=actor, target=user)),
        ]
        return to_delete, model_count, perms_needed, protected


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    """Which tenants are there, and who belongs to them?"""

    manage_permission = "accounts.manage_users"
    list_display = ["name", "is_personal", "is_demo", "member_count", "time_zone", "created_at"]
    list_filter = ["is_personal", "is_demo", "created_at"]
    search_fields = ["name", "memberships__user__email"]
    ordering = ["name", "pk"]
    facts = ["is_demo", "created_at", "updated_at"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        organizations: QuerySet[Organization] = super().get_queryset(request)
        return organizations.annotate(_member_count=Count("memberships"))

    @admin.display(description=_("members"), ordering="_member_count")
    def member_count(self, organization: Any) -> int:
        count: int = organization._member_count
        return count

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A tenant goes with all its data: a super admin's decision."""
        return acting_user(request).is_superuser


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Who may do what in which organization?"""

    manage_permission = "accounts.manage_users"
    list_display = ["user_link", "organization_link", "role", "created_at"]
    list_display_links = ["role"]
    list_filter = ["role", "organization__is_personal"]
    search_fields = ["user__email", "organization__name"]
    ordering = ["organization__name", "pk"]
    autocomplete_fields = ["user", "organization"]
    list_select_related = ["user", "organization"]
    facts = ["created_at", "updated_at"]
    user_link = object_link("user", _("user"))
    organization_link = object_link("organization", _("organization"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_of_another(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_of_another(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = _people_to_choose(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @staticmethod
    def _is_of_another(request: HttpRequest, obj: Membership | None) -> bool:
        user = acting_user(request)
        return user.is_superuser or obj is None or obj.user_id != user.pk


def _people_to_choose(request: HttpRequest) -> QuerySet[User]:
    """Administrators do not let themselves into organizations; super admins may."""
    user = acting_user(request)
    return User.objects.all() if user.is_superuser else User.objects.exclude(pk=user.pk)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Named sets of permissions. Giving permissions is a super admin's right alone."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting_user(request).is_superuser

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting_user(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting_user(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting_user(request).is_superuser
