"""allauth's pages of second factors that tell nobody what happened on them: here the audit trail hears of it."""

from __future__ import annotations

from typing import Any

from allauth.mfa.recovery_codes.views import DownloadRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.webauthn.views import EditWebAuthnView
from django.http import HttpResponse

from accounts.audit.services import record


class RecoveryCodes(ViewRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        record("user.recovery_codes_viewed", obj=self.request.user, request=self.request)
        return context


class RecoveryCodesFile(DownloadRecoveryCodesView):  # type: ignore[misc]
    def render_to_response(self, context: dict[str, Any], **response: Any) -> HttpResponse:
        answer: HttpResponse = super().render_to_response(context, **response)
        record("user.recovery_codes_downloaded", obj=self.request.user, request=self.request)
        return answer


class PasskeyName(EditWebAuthnView):  # type: ignore[misc]
    def form_valid(self, form: Any) -> HttpResponse:
        before = self.object.wrap().name
        answer: HttpResponse = super().form_valid(form)
        after = form.cleaned_data["name"]
        if after != before:
            changes = {"name": [before, after]}
            record("user.factor_renamed", obj=self.request.user, changes=changes, request=self.request)
        return answer
