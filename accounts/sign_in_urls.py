"""allauth's addresses, and before them those that lead to our own pages instead of its bare or silent ones."""

from django.urls import include, path
from django.views.generic import RedirectView

from accounts.second_factor_pages import PasskeyName, RecoveryCodes, RecoveryCodesFile
from accounts.settings_pages import EmailAddresses

_ways_in = RedirectView.as_view(pattern_name="accounts:settings_sign_in")

urlpatterns = [
    path("email/", EmailAddresses.as_view(), name="account_email"),
    path("2fa/recovery-codes/", RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/download/", RecoveryCodesFile.as_view(), name="mfa_download_recovery_codes"),
    path("2fa/webauthn/keys/<int:pk>/edit/", PasskeyName.as_view(), name="mfa_edit_webauthn"),
    path("2fa/", _ways_in, name="mfa_index"),
    path("3rdparty/", _ways_in, name="socialaccount_connections"),
    path("sessions/", _ways_in, name="usersessions_list"),
    path("", include("allauth.urls")),
]
