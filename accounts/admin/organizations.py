"""Tenants, and who belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import queries, services
from accounts.access import acting_user
from accounts.models import Membership, Organization, Role, User
from common.admin import ModelAdmin, TabularInline, object_link

LISTS = (
    ("admin:providers_providerconnection_changelist", _("connections")),
    ("admin:inventory_resource_changelist", _("resources")),
    ("admin:syncs_syncsnapshot_changelist", _("syncs")),
    ("admin:accounts_invitation_changelist", _("invitations")),
)


class MembershipFormSet(BaseInlineFormSet):
    """Adding and changing is minded by whom one may choose; removing by this."""

    acting: User

    def clean(self) -> None:
        super().clean()
        _refuse_to_orphan(self._demoted())
        for form in self.deleted_forms:
            if not _may_decide_about(self.acting, form.instance.user):
                raise ValidationError(
                    gettext("%(person)s has your rank or a higher one: leave this membership as it is.")
                    % {"person": form.instance.user}
                )

    def _demoted(self) -> list[Membership]:
        """Owners who would be none any more, unless somebody else of the same form becomes one."""
        staying = [form for form in self.forms if form.has_changed() and form not in self.deleted_forms]
        promoted = {
            form.instance.organization_id
            for form in staying
            if form.cleaned_data.get("role") == Role.OWNER and "role" in form.changed_data
        }
        leaving = [*self.deleted_forms, *(form for form in staying if form.instance.role != Role.OWNER)]
        return [
            form.instance
            for form in leaving
            if form.instance.pk
            and form.initial.get("role") == Role.OWNER
            and form.instance.organization_id not in promoted
        ]


class MembershipForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and "role" in self.changed_data:
            _refuse_to_orphan([self.instance])
        return cleaned


class MembershipInline(TabularInline):
    """Who belongs to what; an administrator lets neither themselves in, nor decides about equals and betters."""

    model = Membership
    formset = MembershipFormSet
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
            kwargs["queryset"] = people_to_choose(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        return type(formset.__name__, (formset,), {"acting": acting_user(request)})

    @staticmethod
    def _is_of_another(request: HttpRequest, obj: Any) -> bool:
        return not isinstance(obj, User) or _may_decide_about(acting_user(request), obj)


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    """Which tenants are there, who belongs to them, and which of them are about to go?"""

    manage_permission = "accounts.manage_users"
    list_display = ["name", "is_personal", "member_count", "deletion_at", "created_at", "links"]
    list_filter = [("deletion_at", admin.EmptyFieldListFilter), "is_personal", "is_demo", "created_at"]
    search_fields = ["name", "memberships__user__email"]
    ordering = ["name", "pk"]
    fields = [
        "name",
        "time_zone",
        "is_personal",
        "is_demo",
        "deletion_at",
        "deletion_started_at",
        "links",
        "created_at",
        "updated_at",
    ]
    facts = [
        "is_personal",
        "is_demo",
        "deletion_at",
        "deletion_started_at",
        "links",
        "created_at",
        "updated_at",
    ]
    inlines = [MembershipInline]
    actions = ["keep", "delete_later"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        organizations: QuerySet[Organization] = super().get_queryset(request)
        members = Membership.objects.filter(organization=OuterRef("pk")).order_by().values("organization")
        return organizations.annotate(
            _member_count=Coalesce(Subquery(members.annotate(count=Count("pk")).values("count")), 0)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Organization], search_term: str
    ) -> tuple[QuerySet[Organization], bool]:
        """By name, or by who belongs to it; Django's own joins the people and then sorts out the doubles."""
        if not search_term:
            return queryset, False
        by_person = Membership.objects.filter(user__email__icontains=search_term).values("organization")
        return queryset.filter(Q(name__icontains=search_term) | Q(pk__in=by_person)), False

    @admin.display(description=_("members"), ordering="_member_count")
    def member_count(self, organization: Any) -> int:
        count: int = organization._member_count
        return count

    @admin.display(description=_("what it has"))
    def links(self, organization: Organization) -> SafeString:
        """Lists of other apps, filtered; by the names of their addresses, as those apps stand above this one."""
        return format_html_join(
            " · ",
            '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            (
                (reverse(name, query={"organization__id__exact": organization.pk}), label)
                for name, label in LISTS
            ),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A tenant goes after its grace, never at once."""
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may_manage(request) or bool(getattr(request.user, "is_superuser", False))

    def has_super_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    @admin.action(description=_("Keep: call the deletion off"), permissions=["manage"])
    def keep(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        leaving = queryset.filter(deletion_at__isnull=False)
        kept = self._each(request, leaving, lambda one: services.cancel_deletion(organization=one))
        text = ngettext("%d organization is kept.", "%d organizations are kept.", kept) % kept
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Delete after thirty days"), permissions=["super"])
    def delete_later(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        """A super admin's decision; personal organizations go with their person, or when nobody is left in them."""
        asked = self._each(request, queryset.filter(deletion_at__isnull=True), _begin_grace)
        text = (
            ngettext("%d organization will be deleted.", "%d organizations will be deleted.", asked) % asked
        )
        self.message_user(request, text, messages.SUCCESS)

    def _each(
        self, request: HttpRequest, organizations: QuerySet[Organization], do: Callable[[Organization], Any]
    ) -> int:
        """Does it to each and tells each refusal; returns how many were done."""
        done = 0
        for organization in organizations:
            try:
                do(organization)
            except services.Refused as refusal:
                self.message_user(request, f"{organization}: {refusal}", messages.ERROR)
            else:
                done += 1
        return done


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Who may do what in which organization?"""

    form = MembershipForm
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
            kwargs["queryset"] = people_to_choose(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The page that asks for confirmation refuses memberships of equals and betters, and of all owners of a tenant."""
        to_delete, model_count, perms_needed, protected = super().get_deleted_objects(objs, request)
        actor = acting_user(request)
        kept = [str(own) for own in objs if not _may_decide_about(actor, own.user)]
        orphaned = [
            gettext("“%(name)s” would have no owner left") % {"name": organization.name}
            for organization in queries.needing_owner(objs)
        ]
        return to_delete, model_count, perms_needed, [*protected, *kept, *orphaned]

    @staticmethod
    def _is_of_another(request: HttpRequest, obj: Membership | None) -> bool:
        return obj is None or _may_decide_about(acting_user(request), obj.user)


def people_to_choose(request: HttpRequest) -> QuerySet[User]:
    """Whom an administrator may put into organizations: people below their rank; super admins anybody."""
    user = acting_user(request)
    people = User.objects.all()
    return people if user.is_superuser else people.filter(is_staff=False, is_superuser=False)


def _may_decide_about(actor: User, person: User) -> bool:
    """Whether where `person` belongs is `actor`'s to decide; nobody but a super admin decides about themselves."""
    return queries.may_administer(actor=actor, target=person)


def _refuse_to_orphan(demoted: list[Membership]) -> None:
    organization = queries.needing_owner(demoted).first()
    if organization is not None:
        raise ValidationError(
            gettext("“%(name)s” needs an owner: make somebody else one first.") % {"name": organization.name}
        )


def _begin_grace(organization: Organization) -> None:
    now = timezone.now()
    if organization.memberships.exists():
        services.request_deletion(organization=organization, now=now)
    else:
        services.start_grace(organization=organization, now=now)
