"""The settings of a person and of the organization they look at: one frame, one row of tabs.

A settings page's template extends `accounts/settings/base.html`, and its view passes `settings_tabs(request)` as `tabs`:

    return render(request, "accounts/settings/profile.html", {"tabs": settings_tabs(request), "form": form})
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """`around`: beginnings of further addresses whose pages belong under this tab; `for_owners`: of an organization."""

    url_name: str
    label: Any
    around: tuple[str, ...] = ()
    for_owners: bool = False


SIGN_IN_ADDRESSES = (
    "/accounts/email/",
    "/accounts/password/",
    "/accounts/2fa/",
    "/accounts/3rdparty/",
    "/accounts/reauthenticate/",
    "/accounts/sessions/",
)
"""allauth's pages of how one signs in; they stand in the frame of the settings."""

TABS = (
    Tab(url_name="accounts:settings_profile", label=_("Profile")),
    Tab(url_name="accounts:settings_sign_in", label=_("Sign-in and security"), around=SIGN_IN_ADDRESSES),
    Tab(url_name="accounts:organization_settings", label=_("Organization")),
    Tab(url_name="tokens:token_list", label=_("API tokens")),
    Tab(url_name="notifications:settings", label=_("Notifications")),
    Tab(url_name="audit:entry_list", label=_("Audit"), for_owners=True),
)


def settings_tabs(request: Any) -> list[dict[str, Any]]:
    """The tabs that have a page for this reader, each with `url`, `label` and `active`; the longest address around is active."""
    found: list[tuple[Tab, str]] = []
    is_owner = bool(request.membership) and request.membership.is_owner
    for tab in TABS:
        if tab.for_owners and not is_owner:
            continue
        with suppress(NoReverseMatch):
            found.append((tab, reverse(tab.url_name)))
    near = [
        (len(beginning), url)
        for tab, url in found
        for beginning in (url, *tab.around)
        if request.path.startswith(beginning)
    ]
    active = max(near, default=(0, ""))[1]
    return [{"url": url, "label": tab.label, "active": url == active} for tab, url in found]
