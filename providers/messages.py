"""Errors of providers in the reader's language.

Plugins raise English sentences with named places; the database keeps {code, message, params}; here they become
a title, a sentence and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers import registry
from providers.contract.errors import ProviderError, UnknownProvider

TITLES = {
    "authentication_failed": _("%(provider)s rejected the credentials."),
    "permission_denied": _("A right is missing at %(provider)s."),
    "rate_limited": _("%(provider)s asks us to slow down."),
    "provider_unavailable": _("%(provider)s is not responding."),
    "unexpected_response": _("The answer of %(provider)s could not be read."),
    "request_refused": _("The answer of %(provider)s could not be read."),
    "invalid_source": _("The file could not be read."),
    "deadline_exceeded": _("%(provider)s took too long to read."),
    "unknown_provider": _("The plugin of this provider is not installed."),
}
OTHER_TITLE = _("%(provider)s could not be read.")

EDIT, RETRY, UPLOAD = "edit", "retry", "upload"
ACTIONS = {
    "authentication_failed": (EDIT, _("Replace the credentials")),
    "permission_denied": (EDIT, _("Replace the credentials")),
    "rate_limited": (RETRY, _("Try again")),
    "provider_unavailable": (RETRY, _("Try again")),
    "deadline_exceeded": (RETRY, _("Try again")),
    "invalid_source": (UPLOAD, _("Upload another file")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a reader is told, in their language.

    `action` is "edit" (the connection), "retry", "upload" (a file) or "" where nothing can be done;
    `action_label` is its button. The page knows the address.
    """

    code: str
    title: str
    text: str
    action: str
    action_label: str

    def __str__(self) -> str:
        return f"{self.title} {self.text}".strip()


def stored(error: ProviderError) -> dict[str, Any]:
    """The error as the database keeps it; `explain` reads it back."""
    return {"code": error.code, "message": error.message, "params": dict(error.params)}


def explain(error: Mapping[str, Any] | ProviderError | None, *, provider_type: str) -> Explanation | None:
    """An error, fresh or stored, in the language that is active now; None for none."""
    kept = stored(error) if isinstance(error, ProviderError) else error
    if not kept:
        return None
    code = str(kept.get("code", ""))
    action, label = ACTIONS.get(code, ("", ""))
    return Explanation(
        code=code,
        title=sentence(TITLES.get(code, OTHER_TITLE), {"provider": provider_name(provider_type)}),
        text=sentence(str(kept.get("message", "")), kept.get("params") or {}),
        action=action,
        action_label=gettext(label) if label else "",
    )


def sentence(message: str, params: Mapping[str, Any] | None = None) -> str:
    """An English msgid in the reader's language with its places filled; the bare sentence where one is missing."""
    if not message:
        return ""
    translated = gettext(message)
    if not params:
        return translated
    try:
        return translated % params
    except (KeyError, TypeError, ValueError):
        return translated


def provider_name(provider_type: str) -> str:
    """The plugin's name for people; the key where the plugin is gone."""
    try:
        return gettext(registry.plugin_class(provider_type).display_name)
    except UnknownProvider:
        return provider_type
