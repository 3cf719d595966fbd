"""Where allauth asks us: who may sign up, and what a new person gets."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts import services
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A person who signed up with a password gets an organization of their own."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=False)
            if commit:
                user.email = user.email.lower()
                user.save()
                services.ensure_personal_organization(user=user)
        return user


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        """Name, picture and language from the provider's profile; its token is never kept."""
        user: User = super().populate_user(request, sociallogin, data)
        profile = sociallogin.account.extra_data or {}
        names = (data.get("first_name"), data.get("last_name"))
        full_name = data.get("name") or " ".join(name for name in names if name)
        user.email = user.email.lower()
        user.full_name = str(full_name or profile.get("name") or "")[:150]
        picture = str(profile.get("picture") or "")
        user.picture_url = picture if picture.startswith("https://") and len(picture) <= 200 else ""
        user.language = _our_language(str(profile.get("locale") or ""))
        return user

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """A person who came from the provider for the first time gets an organization of their own."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            services.ensure_personal_organization(user=user)
        return user


def _our_language(locale: str) -> str:
    """The language of a locale like `ru-RU` where we speak it, else that of the page."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in dict(settings.LANGUAGES) else (get_language() or "")
