"""The only writer of the audit trail.

    record("organization.renamed", obj=organization, organization=organization, changes={"name": ["Acme", "Acme Ltd"]})

Call it inside the transaction that does what it tells about: neither is kept without the other. Who acts, as whom, from
where and through which door is taken from the request that this thread answers, unless it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest

from accounts.audit.actions import ACTIONS
from accounts.audit.errors import UnknownAction
from accounts.audit.models import AuditEntry, Door
from accounts.audit.values import changes_as_json, details_as_json, text
from common.logs import current_request

ADMIN_PREFIX = "/admin/"
API_PREFIX = "/api/"
ORGANIZATION = "accounts.organization"


def record(
    action: str,
    *,
    obj: Model | None = None,
    organization: Any = None,
    actor: Any = None,
    changes: Mapping[str, Sequence[Any]] | None = None,
    details: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> AuditEntry:
    """Appends one event; `action` is a key of `actions.ACTIONS`, else UnknownAction.

    `organization` is the object's own where it is not given. Secrets are masked, by the names of fields and by value;
    long texts and lists are cut.
    """
    if action not in ACTIONS:
        raise UnknownAction(action)
    request = request or current_request.get()
    user = getattr(request, "user", None)
    if actor is None and user is not None and user.is_authenticated:
        actor = user
    impersonator = getattr(request, "impersonator", None)
    if impersonator is not None and impersonator == actor:  # who begins or ends it acts as themselves
        impersonator = None
    organization = organization or _organization_of(obj, request)
    return AuditEntry.objects.create(
        action=action,
        actor_id=getattr(actor, "pk", None),
        actor_email=_column("actor_email", getattr(actor, "email", "")),
        impersonator_id=getattr(impersonator, "pk", None),
        impersonator_email=_column("impersonator_email", getattr(impersonator, "email", "")),
        organization_id=getattr(organization, "pk", None),
        organization_name=_column("organization_name", getattr(organization, "name", "")),
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=_column("object_id", obj.pk) if obj is not None else "",
        object_name=_column("object_name", obj) if obj is not None else "",
        changes=changes_as_json(changes or {}),
        details=details_as_json(details or {}),
        door=_door(request),
        ip=address_of(request),
    )


def record_admin_change(
    *,
    request: HttpRequest,
    verb: str,
    obj: Model | None = None,
    changes: Mapping[str, Sequence[Any]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Told by the admin (`settings.AFTER_ADMIN_CHANGE`); `verb` is added, changed, deleted or action_run."""
    record(f"admin.{verb}", obj=obj, changes=changes, details=details, request=request)


def _organization_of(obj: Any, request: Any) -> Any:
    """The organization that the object is or belongs to, directly or through its connection; None without one."""
    if obj is None or obj._meta.label_lower == ORGANIZATION:
        return obj
    if _door(request) in (Door.PAGE, Door.API):
        current = getattr(request, "organization", None)  # known by now, and mostly the object's own
        if current and current.pk == getattr(obj, "organization_id", None):
            return current
    return getattr(obj, "organization", None) or getattr(
        getattr(obj, "connection", None), "organization", None
    )


def _door(request: HttpRequest | None) -> Door:
    if request is None:
        return Door.COMMAND
    if request.path_info.startswith(ADMIN_PREFIX):
        return Door.ADMIN
    return Door.API if request.path_info.startswith(API_PREFIX) else Door.PAGE


def address_of(request: HttpRequest | None) -> str | None:
    """The visitor's address, where a trusted proxy stands in front the one it names (ALLAUTH_TRUSTED_PROXY_COUNT).

    A header that anybody may send counts for nothing without such a proxy.
    """
    if request is None:
        return None
    try:
        return str(get_adapter().get_client_ip(request))
    except (
        ImproperlyConfigured,
        PermissionDenied,
    ):  # a proxy that is not as the settings say must not stop the deed
        return None


def _column(name: str, value: Any) -> str:
    """The value cut to the column's width; longer than that PostgreSQL refuses it."""
    field: Any = AuditEntry._meta.get_field(name)
    return text(value, longest=field.max_length)
