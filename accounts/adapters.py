"""Where allauth asks us: who may sign up and how people sign in, what a new person gets, how second factors are kept."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import addresses, linking, queries, services, ways_in
from accounts.audit.services import record
from accounts.identity import SSO_PROVIDER
from accounts.models import Invitation, User
from common.crypto import key_ring

REAUTHENTICATION = {
    "reauthenticate": _("Use the password"),
    "mfa_reauthenticate": _("Use a code"),
    "mfa_reauthenticate:webauthn": _("Use a key"),
}
"""allauth's ways to prove once more that it is you."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """With a password: open to all by setting, else to whoever was invited."""
        if settings.SSO_ONLY:
            return False
        return bool(settings.SIGNUP_OPEN or _invited_email(request))

    def may_sign_up(self, email: str) -> bool:
        """Whether this e-mail may make an account: where sign-up is closed, only the one that was invited."""
        return bool(settings.SIGNUP_OPEN or _invited_email(self.request) == email.lower())

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A person who signed up with a password gets an organization of their own."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=False)
            if commit:
                user.email = user.email.lower()
                user.save()
                self._drop_proof_of_another(request, user)
                services.ensure_personal_organization(user=user)
        return user

    def _drop_proof_of_another(self, request: HttpRequest, user: User) -> None:
        """Invited at one e-mail, registered with another: the one that was typed stays the login."""
        proven = self.unstash_verified_email(request)
        if proven and proven.lower() == user.email:
            self.stash_verified_email(request, proven)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Tells the trail when guessing is stopped: nothing else does."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            record("sign_in.limited", details={"email": credentials.get("email", "")}, request=request)
            raise

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures count by the e-mail alone.

        allauth adds the host that the request names, with its port: whoever guesses would only have to name another.
        """
        return str(credentials.get("email") or "").lower()

    def pre_login(self, request: HttpRequest, user: User, **login: Any) -> HttpResponse | None:
        """The last word on every way in, passwords, keys and providers alike."""
        if settings.SSO_ONLY and not user.is_superuser and not _came_through_sso(login):
            record("sign_in.refused", obj=user, details={"reason": "sso_only"}, request=request)
            messages.error(request, _("Sign in with %(name)s.") % {"name": settings.OPENID_SERVER.name})
            return HttpResponseRedirect(reverse("account_login"))
        response: HttpResponse | None = super().pre_login(request, user, **login)
        return response

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Where people come in through single sign-on alone, the letter says so instead."""
        if settings.SSO_ONLY and not user.is_superuser:
            self.send_mail("account/email/sso_only", email, {"name": settings.OPENID_SERVER.name})
        else:
            super().send_password_reset_mail(user, email, context)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """An e-mail that is another account's login, even an unconfirmed one, is not taken from it."""
        if addresses.is_login_of_another(email_address.email, user_id=email_address.user_id):
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False
        return bool(super().confirm_email(request, email_address))

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Words that fit on a phone's button."""
        methods = super().get_reauthentication_methods(user)
        return [{**method, "description": REAUTHENTICATION[method["id"]]} for method in methods]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:settings_sign_in")


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultSocialAccountAdapter.error_messages,
        "no_password": _("This is your only way in. Set a password first, then unlink it."),
        "disconnect_last": _("This is your only way in, so it stays linked."),
    }

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """A provider that this site has no keys for is not here."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Name, picture and language from the provider's profile; of the profile only what is used is kept."""
        user: User = super().populate_user(request, sociallogin, data)
        profile = linking.profile(sociallogin.account.extra_data or {})
        sociallogin.account.extra_data = profile
        for address in sociallogin.email_addresses:
            address.verified = linking.is_true(address.verified)
        names = (data.get("first_name"), data.get("last_name"))
        full_name = data.get("name") or " ".join(name for name in names if name)
        user.email = user.email.lower()
        user.full_name = str(full_name or profile.get("name") or "")[:150]
        picture = str(profile.get("picture") or "")
        user.picture_url = picture if picture.startswith("https://") and len(picture) <= 200 else ""
        user.language = _our_language(str(profile.get("locale") or ""))
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Applies the rule that `accounts.linking` tells; leaves by ImmediateHttpResponse where it is not met yet."""
        sociallogin.token = None  # nobody needs it any more, and a session that waits would keep it
        if sociallogin.account.pk:
            return
        email = linking.confirmed_email(sociallogin)
        if not email:
            raise ImmediateHttpResponse(_refusal(request, sociallogin))
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return  # somebody signed in adds it to their own account, and allauth asks for their password
        owner = addresses.owner_of(email)
        if owner is None:
            addresses.drop_unproven_claims(email)
        elif not owner.is_active:
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_inactive")))
        elif owner.has_usable_password():
            linking.remember(request, sociallogin, owner)
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("accounts:link_confirm")))
        else:
            linking.link(request, sociallogin, owner)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """The site's own single sign-on decides itself who gets an account; the others as with a password."""
        if sociallogin.account.provider == SSO_PROVIDER:
            return bool(settings.OIDC_SIGNUP)
        if settings.SSO_ONLY:
            return False
        return AccountAdapter(request).may_sign_up(linking.confirmed_email(sociallogin))

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """A person who came from the provider for the first time gets an organization of their own."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            services.ensure_personal_organization(user=user)
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        return reverse("accounts:settings_sign_in")

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        """Refuses the last way in: an account at a provider that this site has no keys for is none."""
        if settings.SSO_ONLY and account.provider == SSO_PROVIDER and not account.user.is_superuser:
            raise self.validation_error("disconnect_last")
        if account.user.has_usable_password():
            return
        offered = {provider.sub_id for provider in self.list_providers(self.request)}
        if not accounts.exclude(pk=account.pk).filter(provider__in=offered).exists():
            raise self.validation_error("no_password")


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors: their secrets are ciphertext in the database, as all secrets are."""

    def encrypt(self, text: str) -> str:
        return key_ring().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return key_ring().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "InfraZen"}


def _invited_email(request: HttpRequest) -> str | None:
    """Of the invitation whose link this browser followed, as long as it can be accepted; None without one."""
    token_hash = request.session.get(services.INVITATION_KEY)
    found = queries.invitation_by_token(token_hash) if token_hash else None
    return found.email if found and found.status(timezone.now()) == Invitation.Status.PENDING else None


def _refusal(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    """The same for a known and for an unknown e-mail: an unconfirmed one opens nothing."""
    name = ways_in.shown_name(sociallogin.provider)
    record("sign_in.refused", details={"reason": "unconfirmed_email", "provider": name}, request=request)
    return render(request, "socialaccount/unconfirmed_email.html", {"provider_name": name}, status=403)


def _came_through_sso(login: dict[str, Any]) -> bool:
    sociallogin = (login.get("signal_kwargs") or {}).get("sociallogin")
    return sociallogin is not None and sociallogin.account.provider == SSO_PROVIDER


def _our_language(locale: str) -> str:
    """The language of a locale like `ru-RU` where we speak it, else that of the page."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in dict(settings.LANGUAGES) else (get_language() or "")
