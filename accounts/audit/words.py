"""What stands in entries, in the reader's words: names and values of details, actions of the admin, instants.

Entries keep the names of the day they were written; what is not named here is shown as it stands.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import formatting
from common.logs import MASK

NAMES: dict[str, Any] = {
    "account": gettext_lazy("account"),
    "action": gettext_lazy("action"),
    "address": gettext_lazy("address"),
    "bytes": gettext_lazy("bytes"),
    "connection": gettext_lazy("connection"),
    "connections": gettext_lazy("connections"),
    "count": gettext_lazy("count"),
    "days": gettext_lazy("days"),
    "email": gettext_lazy("e-mail"),
    "entries": gettext_lazy("entries"),
    "expires": gettext_lazy("ends"),
    "fault": gettext_lazy("fault"),
    "fields": gettext_lazy("fields"),
    "file": gettext_lazy("file"),
    "filters": gettext_lazy("filters"),
    "first": gettext_lazy("first day"),
    "head": gettext_lazy("end of the chain"),
    "is_new_member": gettext_lazy("new member"),
    "kind": gettext_lazy("kind"),
    "last": gettext_lazy("last day"),
    "model": gettext_lazy("list"),
    "notes": gettext_lazy("notes"),
    "older_than": gettext_lazy("older than"),
    "owner": gettext_lazy("owner"),
    "page": gettext_lazy("page"),
    "place": gettext_lazy("place"),
    "provider": gettext_lazy("provider"),
    "purpose": gettext_lazy("purpose"),
    "reason": gettext_lazy("reason"),
    "resolved": gettext_lazy("resolved"),
    "role": gettext_lazy("role"),
    "scope": gettext_lazy("scope"),
    "selected": gettext_lazy("selected"),
    "sessions": gettext_lazy("sessions"),
    "sync": gettext_lazy("sync"),
    "what": gettext_lazy("what"),
}
"""Names of details, and of changes that are no field of a model."""

VALUES: dict[tuple[str, str], Any] = {
    ("action", "delete_selected"): gettext_lazy("Delete selected"),
    ("action", "forward_demo"): gettext_lazy("Move the demo's clock on"),
    ("action", "reset_demo"): gettext_lazy("Reset the demo"),
    ("action", "switch_off"): gettext_lazy("Switch a fault of the demo off"),
    ("action", "switch_on"): gettext_lazy("Switch a fault of the demo on"),
    ("kind", "email"): gettext_lazy("e-mail"),
    ("kind", "recovery_codes"): gettext_lazy("recovery codes"),
    ("kind", "telegram"): gettext_lazy("Telegram"),
    ("kind", "totp"): gettext_lazy("code from an app"),
    ("kind", "webauthn"): gettext_lazy("passkey or security key"),
    ("kind", "webhook"): gettext_lazy("webhook"),
    ("purpose", "test"): gettext_lazy("connection test"),
    ("reason", "sso_only"): gettext_lazy("only single sign-on is allowed"),
    ("reason", "the right to it has gone"): gettext_lazy("the right to it has gone"),
    ("reason", "unconfirmed_email"): gettext_lazy("the provider has not confirmed the e-mail"),
    ("role", "manager"): gettext_lazy("Manager"),
    ("role", "owner"): gettext_lazy("Owner"),
    ("role", "viewer"): gettext_lazy("Viewer"),
    ("scope", "read"): gettext_lazy("read"),
    ("scope", "sync"): gettext_lazy("sync"),
    ("scope", "write"): gettext_lazy("write"),
    ("selected", "all"): gettext_lazy("all"),
}
"""(name, value) of details that are words of ours and not of people."""

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def detail(name: str, value: Any, details: dict[str, Any]) -> tuple[str, str]:
    """A detail's name and value; `details` are all of the entry's."""
    known = _admin_action(str(value), details.get("model")) if name == "action" else None
    if known is None and isinstance(value, str):
        known = VALUES.get((name, value))
    if name == "model":
        model = model_of(str(value))
        known = capfirst(str(model._meta.verbose_name_plural)) if model else None
    return str(NAMES.get(name, name.replace("_", " "))), str(known) if known is not None else words(value)


def field_name(model: type[Model] | None, name: str) -> str:
    field = _field(model, name)
    return str(field.verbose_name if field else NAMES.get(name, name.replace("_", " ")))


def field_words(model: type[Model] | None, name: str, value: Any) -> str:
    """A field's value before or after; of a choice its words."""
    field = _field(model, name)
    chosen = dict(field.flatchoices).get(value) if field and isinstance(value, str) else None
    return str(chosen) if chosen is not None else words(value)


def words(value: Any) -> str:
    """A value for people, instants in the reader's zone; a masked secret is only said to be one."""
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if value is True:
        return _("yes")
    if value is False:
        return _("no")
    if value == MASK:
        return _("secret")
    if isinstance(value, list):
        return ", ".join(words(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {words(item)}" for name, item in value.items())
    return _instant(str(value))


def model_of(label: str) -> type[Model] | None:
    """The model of an entry's `object_type`; None where it is not there any more."""
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


def _instant(text: str) -> str:
    today = timezone.localdate()
    try:
        if INSTANT.fullmatch(text):
            return formatting.moment(timezone.localtime(datetime.fromisoformat(text)), today=today)
        if DAY.fullmatch(text):
            return formatting.long_date(date.fromisoformat(text), today=today)
    except ValueError:  # a text that only looks like one
        pass
    return text


def _admin_action(name: str, label: Any) -> Any:
    """What the button of an admin's list says; None where there is no such action."""
    model = model_of(str(label)) if label else None
    model_admin = admin.site._registry.get(model) if model else None
    return getattr(getattr(model_admin, name, None), "short_description", None)


def _field(model: type[Model] | None, name: str) -> Any:
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return None
    return field if hasattr(field, "flatchoices") else None
