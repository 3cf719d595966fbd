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

ORGANIZATION = "settings/organization/"

urlpatterns = [
    path("organization/", views.organization_switch, name="organization_switch"),
    path("theme/", views.theme_set, name="theme_set"),
    path("language/", views.language_set, name="language_set"),
    path("demo/", views.demo_sign_in, name="demo_sign_in"),
    path("link/", sign_in_pages.link_confirm, name="link_confirm"),
    path("settings/profile/", settings_pages.settings_profile, name="settings_profile"),
    path("settings/sign-in/", settings_pages.settings_sign_in, name="settings_sign_in"),
    path(
        "settings/sign-in/providers/<int:pk>/unlink/", settings_pages.provider_unlink, name="provider_unlink"
    ),
    path("settings/sign-in/sessions/<int:pk>/end/", settings_pages.session_end, name="session_end"),
    path("settings/sign-in/sessions/end/", settings_pages.sessions_end_others, name="sessions_end_others"),
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
    path("organizations/", organization_pages.organization_list, name="organization_list"),
    path("organizations/new/", organization_pages.organization_create, name="organization_create"),
    path("invitation/", invitation_pages.invitation, name="invitation"),
    path("invitation/accept/", invitation_pages.invitation_accept, name="invitation_accept"),
    path("invitation/decline/", invitation_pages.invitation_decline, name="invitation_decline"),
    path("invitation/switch/", invitation_pages.invitation_switch, name="invitation_switch"),
]
