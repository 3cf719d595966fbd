"""Routes of a person's small doors; signing in and out is allauth's."""

from django.urls import path

from accounts import (
    invitation_pages,
    member_pages,
    organization_pages,
    settings_pages,
    sign_in_pages,
    views,
)

app_name = "accounts"

SIGN_IN = "settings/sign-in/"
ORGANIZATION = "settings/organization/"

urlpatterns = [
    path("accounts/organization/", views.organization_switch, name="organization_switch"),
    path("accounts/theme/", views.theme_set, name="theme_set"),
    path("accounts/language/", views.language_set, name="language_set"),
    path("accounts/demo/", views.demo_sign_in, name="demo_sign_in"),
    path("accounts/link/", sign_in_pages.link_confirm, name="link_confirm"),
    path("settings/profile/", settings_pages.settings_profile, name="settings_profile"),
    path(SIGN_IN, settings_pages.settings_sign_in, name="settings_sign_in"),
    path(f"{SIGN_IN}providers/<int:pk>/unlink/", settings_pages.provider_unlink, name="provider_unlink"),
    path(f"{SIGN_IN}sessions/<int:pk>/end/", settings_pages.session_end, name="session_end"),
    path(f"{SIGN_IN}sessions/end/", settings_pages.sessions_end_others, name="sessions_end_others"),
    path(ORGANIZATION, organization_pages.organization_settings, name="organization_settings"),
    path(f"{ORGANIZATION}leave/", organization_pages.organization_leave, name="organization_leave"),
    path(
        f"{ORGANIZATION}hand-over/", organization_pages.organization_hand_over, name="organization_hand_over"
    ),
    path(f"{ORGANIZATION}delete/", organization_pages.organization_delete, name="organization_delete"),
    path(f"{ORGANIZATION}keep/", organization_pages.organization_keep, name="organization_keep"),
    path(f"{ORGANIZATION}members/<int:pk>/role/", member_pages.member_role, name="member_role"),
    path(f"{ORGANIZATION}members/<int:pk>/remove/", member_pages.member_remove, name="member_remove"),
    path(f"{ORGANIZATION}invitations/", member_pages.invitation_send, name="invitation_send"),
    path(
        f"{ORGANIZATION}invitations/<int:pk>/resend/",
        member_pages.invitation_resend,
        name="invitation_resend",
    ),
    path(
        f"{ORGANIZATION}invitations/<int:pk>/revoke/",
        member_pages.invitation_revoke,
        name="invitation_revoke",
    ),
    path("accounts/organizations/", organization_pages.organization_list, name="organization_list"),
    path("accounts/organizations/new/", organization_pages.organization_create, name="organization_create"),
    path("accounts/invitation/", invitation_pages.invitation, name="invitation"),
    path("accounts/invitation/accept/", invitation_pages.invitation_accept, name="invitation_accept"),
    path("accounts/invitation/decline/", invitation_pages.invitation_decline, name="invitation_decline"),
    path("accounts/invitation/switch/", invitation_pages.invitation_switch, name="invitation_switch"),
]
