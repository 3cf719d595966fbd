"""allauth's addresses, and before them those that lead to our own pages instead of its bare ones."""

from django.urls import include, path
from django.views.generic import RedirectView

from accounts.settings_pages import EmailAddresses

_ways_in = RedirectView.as_view(pattern_name="accounts:settings_sign_in")

urlpatterns = [
    path("email/", EmailAddresses.as_view(), name="account_email"),
    path("2fa/", _ways_in, name="mfa_index"),
    path("3rdparty/", _ways_in, name="socialaccount_connections"),
    path("sessions/", _ways_in, name="usersessions_list"),
    path("", include("allauth.urls")),
]
