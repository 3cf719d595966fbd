"""Forms of the second factor in our words, and proof against answers that no browser gives."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms_sign_in import PlainFields

_CODE_ATTRIBUTES = {"inputmode": "numeric", "autocapitalize": "off", "spellcheck": "false"}


class AuthenticateForm(PlainFields, base.AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    labels = {"code": _("Code from the app, or a recovery code")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(_CODE_ATTRIBUTES, autofocus=True)


class ReauthenticateForm(PlainFields, base.ReauthenticateForm):  # type: ignore[misc]
    labels = {"code": _("Code from the app, or a recovery code")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(_CODE_ATTRIBUTES, autofocus=True)


class ActivateTOTPForm(PlainFields, totp.ActivateTOTPForm):  # type: ignore[misc]
    labels = {"code": _("Six digits that the app shows now")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(_CODE_ATTRIBUTES)


MALFORMED = (ValueError, KeyError)
"""What reading a made-up credential raises beside what allauth expects."""


class AddPasskeyForm(PlainFields, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A passkey signs in by itself; a plain key is a second factor beside the password."""

    labels = {"name": _("Name"), "passwordless": _("Sign in with this key alone, without the password")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("Something to tell it from your other keys by: “Work laptop”.")
        self.fields["name"].widget.attrs["maxlength"] = "100"
        self.fields["name"].validators.append(MaxLengthValidator(100))
        self.fields["passwordless"].initial = True
        self.fields["passwordless"].help_text = _("The key then asks for your fingerprint, face or PIN.")

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean() or {}
        except MALFORMED as error:
            raise get_adapter().validation_error("incorrect_code") from error
        return cleaned


class _KeyAnswer(webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """What a key has signed."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()
        except MALFORMED as error:
            raise get_adapter().validation_error("incorrect_code") from error


class AuthenticateKeyForm(_KeyAnswer):
    """Beside the password."""


class LoginKeyForm(_KeyAnswer, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Instead of the password."""


class ReauthenticateKeyForm(_KeyAnswer, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Before something that changes how one signs in."""


class EditPasskeyForm(PlainFields, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    labels = {"name": _("Name")}
