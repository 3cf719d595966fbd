"""A person's own settings: the profile, and how they sign in. The rest of the tabs are other modules' pages."""

from __future__ import annotations

from allauth.account import views as account_views
from allauth.socialaccount.forms import DisconnectForm
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import sessions, ways_in
from accounts.access import UserRequest
from accounts.audit.services import record
from accounts.forms_settings import ProfileForm
from accounts.services import DEMO_EMAIL, profile
from accounts.settings_tabs import settings_tabs


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_profile(request: UserRequest) -> HttpResponse:
    """Name, time zone, currency, language, theme."""
    posted = request.POST if request.method == "POST" else None  # an empty form is one with errors
    form = ProfileForm(posted, instance=request.user, now=timezone.now())
    if form.is_valid():
        profile.update_profile(user=form.instance, changed=form.changed_data)
        return _profile_saved(request)
    if form.is_bound:
        request.user.refresh_from_db()  # the frame around the form shows who one is, not what was typed
    context = {"tabs": settings_tabs(request), "form": form}
    return render(request, "accounts/settings/profile.html", context, status=422 if form.is_bound else 200)


@login_required
@require_safe
def settings_sign_in(request: UserRequest) -> HttpResponse:
    """Every way in, and where one is signed in."""
    user = request.user
    context = {
        "tabs": settings_tabs(request),
        "has_password": user.has_usable_password(),
        "is_password_offered": user.is_superuser or not settings.SSO_ONLY,
        "provider_rows": ways_in.provider_rows(request, user, next_url=reverse("accounts:settings_sign_in")),
        "email_addresses": ways_in.email_addresses(user),
        "factor": ways_in.second_factor(user),
        "is_factor_required": settings.ADMIN_MFA_REQUIRED and user.is_staff,
        "is_everybodys": user.email == DEMO_EMAIL,
        "places": sessions.signed_in_places(user, current_key=request.session.session_key),
    }
    return render(request, "accounts/settings/sign_in.html", context)


@login_required
@require_POST
def provider_unlink(request: UserRequest, pk: int) -> HttpResponse:
    """An account at a provider signs its person in no more; refused, and told, where it is the last way in."""
    form = DisconnectForm(request=request, data={"account": pk})
    if form.is_valid():
        form.save()  # asks for the password first, and then comes back here
    elif not form.accounts.filter(pk=pk).exists():
        raise Http404
    else:
        account = form.accounts.get(pk=pk)
        record("user.login_method_kept", obj=request.user, details={"provider": account.provider})
        for error in form.errors.get("__all__", form.errors.get("account", [])):
            messages.error(request, error)
    return HttpResponseRedirect(reverse("accounts:settings_sign_in"))


@login_required
@require_POST
def session_end(request: UserRequest, pk: int) -> HttpResponse:
    """Signs out in one other browser."""
    if not sessions.end_session(user=request.user, pk=pk):
        raise Http404
    messages.success(request, _("Signed out there."))
    return HttpResponseRedirect(reverse("accounts:settings_sign_in"))


@login_required
@require_POST
def sessions_end_others(request: UserRequest) -> HttpResponse:
    """Signs out everywhere but here."""
    count = sessions.end_other_sessions(user=request.user, current_key=request.session.session_key)
    messages.success(
        request,
        ngettext("Signed out in %(count)s other browser.", "Signed out in %(count)s other browsers.", count)
        % {"count": count},
    )
    return HttpResponseRedirect(reverse("accounts:settings_sign_in"))


class EmailAddresses(account_views.EmailView):  # type: ignore[misc]  # allauth has no types
    """allauth's page, but for an address that somebody else signs in with: that is said, and nothing breaks."""

    def _action_primary(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            with transaction.atomic():
                answer: HttpResponse = super()._action_primary(request, *args, **kwargs)
                return answer
        except IntegrityError:
            messages.error(request, _("Another account signs in with this e-mail."))
            return HttpResponseRedirect(reverse("account_email"))


def _profile_saved(request: UserRequest) -> HttpResponse:
    """The language in the browser's cookie goes before the profile's, so the new choice takes its place."""
    response = HttpResponseRedirect(reverse("accounts:settings_profile"))
    language = request.user.language
    if language:
        translation.activate(language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            path=settings.LANGUAGE_COOKIE_PATH,
            domain=settings.LANGUAGE_COOKIE_DOMAIN,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, path=settings.LANGUAGE_COOKIE_PATH)
    messages.success(request, _("Saved."))
    return response
