"""allauth's forms in our words: labels over the fields, nothing inside them, and no hint whether an e-mail is known."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.fields import PasswordField
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User

EMAIL = pgettext_lazy("sign-in", "E-mail")


class PlainFields(forms.Form):
    """Takes allauth's placeholders away; `labels` renames fields."""

    labels: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)


class LoginForm(PlainFields, allauth.LoginForm):  # type: ignore[misc]  # allauth has no types
    labels = {"login": EMAIL, "password": _("Password")}

    def clean(self) -> dict[str, Any]:
        """Where people come in through single sign-on alone, a right password is as good as a wrong one."""
        adapter = get_adapter()
        try:
            cleaned: dict[str, Any] = super().clean() or {}
            if settings.SSO_ONLY and self.user and not self.user.is_superuser:
                raise adapter.validation_error("email_password_mismatch")
        except forms.ValidationError as error:
            if error.code != "email_password_mismatch":
                raise
            self.add_error("password", _mismatch())
            return self.cleaned_data
        return cleaned


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    labels = {"email": EMAIL, "password1": _("Password"), "password2": _("Password again")}

    def clean_email(self) -> str:
        """Where sign-up is closed, an invitation opens it for the mailbox that it went to, and for no other."""
        email: str = super().clean_email()
        if not get_adapter().may_sign_up(email):
            raise forms.ValidationError(_("The invitation is for another e-mail. Register with that one."))
        return email

    def try_save(self, request: HttpRequest) -> tuple[User | None, Any]:
        """Both answers take as long: hashing the password is what a known e-mail would be noticed by."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        saved: tuple[User | None, Any] = super().try_save(request)
        return saved


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    labels = {"email": EMAIL}


class ResetPasswordKeyForm(PlainFields, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    labels = {"password1": _("New password"), "password2": _("New password again")}


class ChangePasswordForm(PlainFields, allauth.ChangePasswordForm):  # type: ignore[misc]
    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }


class SetPasswordForm(PlainFields, allauth.SetPasswordForm):  # type: ignore[misc]
    labels = {"password1": _("Password"), "password2": _("Password again")}


class AddEmailForm(PlainFields, allauth.AddEmailForm):  # type: ignore[misc]
    labels = {"email": _("Another e-mail")}


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    labels = {"password": _("Password")}


class LinkForm(PlainFields):
    """The password of the account that a provider's account is to be linked with; wrong ones count as failed sign-ins."""

    password = PasswordField(label=_("Password"), autocomplete="current-password")

    def __init__(self, *args: Any, request: HttpRequest, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        self._owner = owner

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        adapter = get_adapter()
        found = adapter.authenticate(self._request, email=self._owner.email, password=password)
        if found is None or found.pk != self._owner.pk:
            raise adapter.validation_error("incorrect_password")
        return password


def _mismatch() -> str:
    """Said at the password: the e-mail may be a stranger's all the same."""
    if settings.SSO_ONLY:
        return str(_("The e-mail or the password is not right. Check the keyboard layout."))
    return format_html(
        gettext("The e-mail or the password is not right. Check the keyboard layout or {link}."),
        link=format_html(
            '<a href="{}">{}</a>', reverse("account_reset_password"), gettext("set a new password")
        ),
    )
