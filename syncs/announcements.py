"""What people are told about syncs; see `accounts.notifications`.

Nobody is told what they watch: a sync that a person began tells them on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.notifications import kinds
from accounts.notifications.models import Mode
from accounts.notifications.services import notify
from providers.messages import explain
from syncs.models import CompleteSync, SyncSnapshot, SyncStatus, SyncTrigger, UnrecognizedResource

WATCHED = (SyncTrigger.MANUAL, SyncTrigger.API)


def _explained(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"problem": explain(data["error"], provider_type=data["provider_type"])}


SYNC_FAILED = kinds.Kind(
    code="sync.failed",
    label=_("A connection could not be read"),
    default=Mode.DAILY,
    roles=kinds.WRITERS,
    enrich=_explained,
)
CONNECTION_STOPPED = kinds.Kind(
    code="connection.stopped",
    label=_("A connection is not tried any more"),
    roles=kinds.WRITERS,
    enrich=_explained,
)
UNRECOGNIZED_FOUND = kinds.Kind(
    code="unrecognized.found", label=_("Something billed was not recognised"), default=Mode.DAILY
)
COMPLETE_INCOMPLETE = kinds.Kind(
    code="complete_sync.incomplete",
    label=_("A complete sync did not read everything"),
    default=Mode.DAILY,
    roles=kinds.WRITERS,
)
KINDS = (SYNC_FAILED, CONNECTION_STOPPED, UNRECOGNIZED_FOUND, COMPLETE_INCOMPLETE)


def sync_failed(*, snapshot: SyncSnapshot, error: Mapping[str, Any], now: datetime) -> None:
    """The first failure of a row, and the one that stops the automatic syncs; `snapshot.connection` is up to date."""
    connection = snapshot.connection
    data = {
        "connection": connection.connection_name,
        "provider_type": connection.provider_type,
        "error": {name: error.get(name) for name in ("code", "message", "params")},
        "failures": connection.consecutive_failures,
    }
    if connection.is_given_up:
        kind = CONNECTION_STOPPED
    elif connection.consecutive_failures == 1 and snapshot.trigger not in WATCHED:
        kind = SYNC_FAILED
    else:
        return
    notify(
        kind.code,
        organization=connection.organization,
        key=f"snapshot-{snapshot.pk}",
        data=data,
        path=reverse("syncs:snapshot_detail", args=[snapshot.pk]),
        now=now,
    )


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """A hook of `settings.AFTER_SYNC`: billed types that are new to the organization and map to nothing."""
    seen = UnrecognizedResource.objects.of(snapshot.organization)
    for provider_type in sorted(
        set(seen.filter(snapshot=snapshot).values_list("native_type", flat=True))
        - set(seen.exclude(snapshot=snapshot).values_list("native_type", flat=True))
    ):
        notify(
            UNRECOGNIZED_FOUND.code,
            organization=snapshot.organization,
            key=f"{snapshot.connection.provider_type}-{provider_type}"[:200],
            data={"connection": snapshot.connection.connection_name, "type": provider_type},
            path=reverse("syncs:snapshot_detail", args=[snapshot.pk]),
            now=now,
        )


def after_complete_sync(*, complete_sync: CompleteSync, now: datetime) -> None:
    """A hook of `settings.AFTER_COMPLETE_SYNC`."""
    if complete_sync.status == SyncStatus.SUCCESS or complete_sync.trigger in WATCHED:
        return
    failed = complete_sync.references.filter(status=SyncStatus.ERROR)
    notify(
        COMPLETE_INCOMPLETE.code,
        organization=complete_sync.organization,
        key=f"complete-{complete_sync.pk}",
        data={
            "connections": list(failed.values_list("connection__connection_name", flat=True)),
            "is_partial": complete_sync.status == SyncStatus.PARTIAL,
        },
        path=reverse("syncs:complete_detail", args=[complete_sync.pk]),
        now=now,
    )
