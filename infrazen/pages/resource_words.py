"""How a resource reads for people, in the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from common import formatting
from inventory.models import ResourceType
from syncs.models import ResourceState

ICONS = {
    ResourceType.SERVER: "server",
    ResourceType.DEDICATED_SERVER: "server",
    ResourceType.VOLUME: "disk",
    ResourceType.FILE_STORAGE: "folder",
    ResourceType.SNAPSHOT: "snapshot",
    ResourceType.IMAGE: "snapshot",
    ResourceType.BACKUP: "snapshot",
    ResourceType.S3_BUCKET: "bucket",
    ResourceType.DATABASE: "database",
    ResourceType.LOAD_BALANCER: "network",
    ResourceType.NETWORK: "network",
    ResourceType.ROUTER: "network",
    ResourceType.FLOATING_IP: "globe",
    ResourceType.DNS_ZONE: "globe",
    ResourceType.DOMAIN: "globe",
    ResourceType.WEBSITE: "globe",
    ResourceType.CDN: "globe",
    ResourceType.MAILBOX: "mail",
    ResourceType.FTP_ACCOUNT: "folder",
    ResourceType.ACCOUNT_PLAN: "file",
    ResourceType.LICENCE: "file",
    ResourceType.SUPPORT: "user",
    ResourceType.OTHER: "question",
}
STATUS_LEVELS = {
    ResourceState.Status.RUNNING: "success",
    ResourceState.Status.STOPPED: "off",
    ResourceState.Status.ERROR: "error",
    ResourceState.Status.PENDING: "progress",
    ResourceState.Status.DELETED: "off",
    ResourceState.Status.DELETED_BILLED: "error",
    ResourceState.Status.UNKNOWN: "none",
}


def icon_of(resource_type: str) -> str:
    return ICONS.get(ResourceType(resource_type), "cube")


def status_of(state: ResourceState) -> tuple[str, str]:
    """The level of the dot and the word beside it."""
    if state.is_orphan and state.status != ResourceState.Status.DELETED_BILLED:
        return "warning", _("Not in use")
    return STATUS_LEVELS[ResourceState.Status(state.status)], str(state.get_status_display())


def marks_of(state: ResourceState) -> list[str]:
    """The kinds of trouble, the worst first; the state carries the annotations of the list."""
    is_zombie = state.status == ResourceState.Status.DELETED_BILLED
    found = {
        "zombie": is_zombie,
        "orphan": state.is_orphan and not is_zombie,
        "unrecognized": getattr(state, "is_unrecognized", False),
        "stale": getattr(state, "is_stale", False),
        "provisional": state.is_provisional,
    }
    return [kind for kind, holds in found.items() if holds]


def specification(state: ResourceState) -> str:
    """`8 vCPU, 32 GB, 200 GB`, with engine and version before it; empty where nothing is known."""
    sizes = [
        f"{formatting.number_short(state.vcpus, 2)}\u00a0vCPU" if state.vcpus else "",
        formatting.memory_mib(state.memory_mib) if state.memory_mib else "",
        formatting.size_gib(state.storage_gib) if state.storage_gib else "",
    ]
    engine = f"{state.engine} {state.engine_version}".strip()
    return ", ".join(part for part in (engine, *sizes) if part)
