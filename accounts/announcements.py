"""What members are told about their organization itself; see `accounts.notifications`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.notifications import kinds
from accounts.notifications.services import notify


def _with_instant(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deletion_at": datetime.fromisoformat(data["deletion_at"])}


DELETION_REQUESTED = kinds.Kind(
    code="organization.deletion_requested",
    label=_("Deletion of the organization requested"),
    roles=kinds.WRITERS,
    enrich=_with_instant,
)
DELETION_CANCELLED = kinds.Kind(
    code="organization.deletion_cancelled",
    label=_("Deletion of the organization called off"),
    roles=kinds.WRITERS,
    enrich=_with_instant,
)
KINDS = (DELETION_REQUESTED, DELETION_CANCELLED)


def deletion_requested(*, organization: Organization, deletion_at: datetime, by: str) -> None:
    """`by` is the e-mail of who asked; "" where nobody did by themselves."""
    _tell(DELETION_REQUESTED, organization, deletion_at, by)


def deletion_cancelled(*, organization: Organization, deletion_at: datetime, by: str) -> None:
    """`deletion_at` is when it would have begun."""
    _tell(DELETION_CANCELLED, organization, deletion_at, by)


def _tell(kind: kinds.Kind, organization: Organization, deletion_at: datetime, by: str) -> None:
    notify(
        kind.code,
        organization=organization,
        key=deletion_at.isoformat(),  # each asking has its own end
        data={"deletion_at": deletion_at.isoformat(), "by": by},
        path=reverse("accounts:organization_settings"),
    )
