"""Every address of the house. An app keeps its own routes in its `urls.py`, named `app:noun_verb`."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from infrazen.health import READY_PATH, ready

# Before `admin.site.urls` is read: the admin then signs in through allauth, with its rate limits and second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    # Its brothers answer above: `health.Probes`
    path(READY_PATH.removeprefix("/"), ready, name="health_ready"),
    path("admin/demo/", include("infrazen.demo.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.sign_in_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("infrazen.api.urls")),
    path("accounts/impersonation/", include("accounts.impersonation")),
    path("", include("accounts.urls")),
    path("settings/notifications/", include("accounts.notifications.urls")),
    path("settings/audit/", include("accounts.audit.urls")),
    path("settings/tokens/", include("accounts.tokens.urls")),
    path("anomalies/", include("costs.anomalies.urls")),
    path("budgets/", include("costs.budgets.urls")),
    path("exports/focus/", include("costs.focus.urls")),
    path("recommendations/policies/", include("recommendations.policies.urls")),
    path("recommendations/prices/", include("recommendations.prices.urls")),
    path("recommendations/schedules/", include("recommendations.schedules.urls")),
    path("recommendations/", include("recommendations.urls")),
    path("reports/", include("costs.reports.urls")),
    path("connections/", include("providers.urls")),
    path("analytics/", include("costs.explorer.urls")),
    path("context/", include("costs.allocation.urls")),
    path("analytics/units/", include("costs.unit_costs.urls")),
    path("resources/", include("infrazen.pages.resource_urls")),
    path("syncs/", include("infrazen.pages.sync_urls")),
    path("", include("infrazen.pages.urls")),
]

handler429 = "accounts.sign_in_pages.too_many_requests"
"""Read by allauth alone: Django has no such handler."""
