"""Third-party admins in the dress of ours.

Applications of sign-in providers come from the settings, tokens are not stored, and a second factor's data is a
secret: none of them is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account import admin as account_admin
from allauth.account.models import EmailAddress
from allauth.mfa import admin as mfa_admin
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as socialaccount_admin
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions import admin as usersessions_admin
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.forms import Widget
from django.http import HttpRequest
from django_celery_beat import models as beat
from django_celery_beat.admin import (
    ClockedScheduleAdmin,
    CrontabScheduleAdmin,
    PeriodicTaskAdmin,
    PeriodicTaskForm,
    TaskSelectWidget,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common.admin import ModelAdmin, ReadOnlyModelAdmin

# Named so that they are imported, and have registered theirs, before we take them off again.
_THIRD_PARTY_ADMINS = (account_admin, socialaccount_admin, mfa_admin, usersessions_admin)

for _model in (
    SocialApp,
    SocialToken,
    SocialAccount,
    EmailAddress,
    Authenticator,
    UserSession,
    beat.PeriodicTask,
    beat.IntervalSchedule,
    beat.CrontabSchedule,
    beat.SolarSchedule,
    beat.ClockedSchedule,
):
    admin.site.unregister(_model)


class SuperAdminOnly(ReadOnlyModelAdmin):
    """Sign-in data: a super admin may look and delete."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)


@admin.register(EmailAddress)
class EmailAddressAdmin(SuperAdminOnly):
    """Whose address is verified?"""

    list_display = ["email", "user", "primary", "verified"]
    list_filter = ["primary", "verified"]
    search_fields = ["email", "user__email"]
    list_select_related = ["user"]


@admin.register(SocialAccount)
class SocialAccountAdmin(SuperAdminOnly):
    """Who signs in through Google?"""

    list_display = ["user", "provider", "uid", "last_login", "date_joined"]
    list_filter = ["provider"]
    search_fields = ["uid", "user__email"]
    list_select_related = ["user"]
    exclude = ["extra_data"]


@admin.register(Authenticator)
class AuthenticatorAdmin(SuperAdminOnly):
    """Who has a second factor? Deleting one lets a person in who lost theirs."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__email"]
    list_select_related = ["user"]
    exclude = ["data"]


@admin.register(UserSession)
class UserSessionAdmin(SuperAdminOnly):
    """Where is somebody signed in? Deleting a row here does not end the session."""

    list_display = ["user", "ip", "created_at", "last_seen_at", "user_agent"]
    search_fields = ["user__email", "ip"]
    list_select_related = ["user"]
    exclude = ["session_key", "data"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UnfoldTaskSelectWidget(UnfoldAdminSelectWidget, TaskSelectWidget):  # type: ignore[misc]  # neither has types
    pass


class UnfoldPeriodicTaskForm(PeriodicTaskForm):  # type: ignore[misc]  # no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Mapping[str, Any] = self.fields
        widgets: dict[str, Widget] = {
            "task": UnfoldAdminTextInputWidget(),
            "regtask": UnfoldTaskSelectWidget(),
        }
        for name, widget in widgets.items():
            if name in fields:
                fields[name].widget = widget


class SchedulesOfSuperAdmins:
    """A periodic task may call anything: only who may do everything may change it; administrators may look."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def _may_change(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)


@admin.register(beat.PeriodicTask)
class OurPeriodicTaskAdmin(SchedulesOfSuperAdmins, PeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc]  # no types
    """What runs when?"""

    form = UnfoldPeriodicTaskForm
    list_select_related = ["interval", "crontab", "solar", "clocked"]


@admin.register(beat.IntervalSchedule)
class OurIntervalScheduleAdmin(SchedulesOfSuperAdmins, ModelAdmin):
    list_display = ["__str__", "every", "period"]


@admin.register(beat.CrontabSchedule)
class OurCrontabScheduleAdmin(SchedulesOfSuperAdmins, CrontabScheduleAdmin, ModelAdmin):  # type: ignore[misc]  # no types
    pass


@admin.register(beat.SolarSchedule)
class OurSolarScheduleAdmin(SchedulesOfSuperAdmins, ModelAdmin):
    list_display = ["event", "latitude", "longitude"]


@admin.register(beat.ClockedSchedule)
class OurClockedScheduleAdmin(SchedulesOfSuperAdmins, ClockedScheduleAdmin, ModelAdmin):  # type: ignore[misc]  # no types
    pass
