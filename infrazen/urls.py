"""Every address of the house. An app keeps its own routes in its `urls.py`, named `app:noun_verb`."""

from importlib.util import find_spec

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from infrazen.health import READY_PATH, ready

# Before `admin.site.urls` is read: the admin then signs in through allauth, with its rate limits and second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


def _app(prefix: str, module: str) -> list[URLPattern | URLResolver]:
    try:
        return [path(prefix, include(module))] if find_spec(module) else []
    except ModuleNotFoundError:  # the package that would hold it
        return []


urlpatterns = [
    # Its brothers answer above: `health.Probes`
    path(READY_PATH.removeprefix("/"), ready, name="health_ready"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *_app("api/", "infrazen.api.urls"),
    *_app("accounts/", "accounts.urls"),
    *_app("connections/", "providers.urls"),
    *_app("resources/", "infrazen.pages.resource_urls"),
    *_app("syncs/", "infrazen.pages.sync_urls"),
    *_app("costs/", "costs.urls"),
    *_app("", "infrazen.pages.urls"),
]
