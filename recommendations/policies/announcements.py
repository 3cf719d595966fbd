"""What people are told about policies; see `accounts.notifications`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.notifications import kinds
from accounts.notifications.services import notify
from syncs.models import SyncSnapshot

if TYPE_CHECKING:  # models are loaded after the app that registers the kind
    from recommendations.policies.models import Policy

POLICY_VIOLATED = kinds.Kind(code="policy.violated", label=_("A policy has new violations"))


def policy_violated(
    *, organization: Organization, policy: Policy, snapshot: SyncSnapshot, count: int, now: datetime
) -> None:
    """Said once for each policy and sync."""
    notify(
        POLICY_VIOLATED.code,
        organization=organization,
        key=f"{policy.pk}-{snapshot.pk}",
        data={"policy": policy.name, "count": count, "connection": snapshot.connection.connection_name},
        path=reverse("policies:policy_detail", args=[policy.pk]),
        now=now,
    )
