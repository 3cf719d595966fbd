"""What allauth's pages need and its views do not pass: `{% load sign_in %}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from django import template
from django.conf import settings

from accounts import settings_tabs, ways_in

register = template.Library()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Which doors the sign-in page has."""

    providers: list[ways_in.OfferedProvider]
    is_sso_only: bool
    is_signup_open: bool


@register.simple_tag(takes_context=True)
def entrance(context: dict[str, Any]) -> Entrance:
    request = context["request"]
    way_back = get_next_redirect_url(request)
    return Entrance(
        providers=ways_in.offered_providers(request, **({"next": way_back} if way_back else {})),
        is_sso_only=settings.SSO_ONLY,
        is_signup_open=get_adapter(request).is_open_for_signup(request),
    )


@register.simple_tag(name="settings_tabs", takes_context=True)
def tabs(context: dict[str, Any]) -> list[dict[str, Any]]:
    return settings_tabs.settings_tabs(context["request"])
