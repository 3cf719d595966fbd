"""OpenStack's JSON as records. Pure; only named fields are copied, since metadata and user data may hold secrets.

Sizes: a flavor's `ram` is MiB and its `disk` GiB, volumes, snapshots, backups and shares are GiB, images bytes.
Times without a zone are UTC. Statuses are compared without regard to case, and kept as they came.
Source: API references of Nova 2.69, Cinder 3.0, Neutron, Glance 2, Manila 2, Octavia 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from providers.contract.records import ResourceRecord, ResourceStatus, ResourceType, Scope, Specification

BYTES_IN_GIB = Decimal(1024**3)
NOTHING_KNOWN = Specification()

TYPE_MAP: Mapping[str, ResourceType] = {
    "server": ResourceType.SERVER,
    "volume": ResourceType.VOLUME,
    "snapshot": ResourceType.SNAPSHOT,
    "backup": ResourceType.BACKUP,
    "share": ResourceType.FILE_STORAGE,
    "floating_ip": ResourceType.FLOATING_IP,
    "load_balancer": ResourceType.LOAD_BALANCER,
    "router": ResourceType.ROUTER,
    "network": ResourceType.NETWORK,
    "image": ResourceType.IMAGE,
    "bucket": ResourceType.S3_BUCKET,
}

R, S, E, P, D = (
    ResourceStatus.RUNNING,
    ResourceStatus.STOPPED,
    ResourceStatus.ERROR,
    ResourceStatus.PENDING,
    ResourceStatus.DELETED,
)
SERVER_STATUSES: Mapping[str, ResourceStatus] = {
    "active": R,
    "password": R,
    "rescue": R,
    "shutoff": S,
    "stopped": S,
    "paused": S,
    "suspended": S,
    "shelved": S,
    "shelved_offloaded": S,
    "expired": S,
    "error": E,
    "build": P,
    "rebuild": P,
    "reboot": P,
    "hard_reboot": P,
    "migrating": P,
    "resize": P,
    "revert_resize": P,
    "verify_resize": P,
    "deleted": D,
    "soft_deleted": D,
}
STORAGE_STATUSES: Mapping[str, ResourceStatus] = {
    "available": R,
    "in-use": R,
    "active": R,
    "creating": P,
    "attaching": P,
    "detaching": P,
    "reserved": P,
    "maintenance": P,
    "downloading": P,
    "uploading": P,
    "retyping": P,
    "extending": P,
    "backing-up": P,
    "restoring-backup": P,
    "restoring": P,
    "awaiting-transfer": P,
    "deleting": P,
    "queued": P,
    "saving": P,
    "importing": P,
    "pending_delete": P,
    "deactivated": S,
    "killed": E,
    "deleted": D,
}
NETWORK_STATUSES: Mapping[str, ResourceStatus] = {
    "active": R,
    "down": S,
    "build": P,
    "alloc": P,
    "error": E,
}
BALANCER_STATUSES: Mapping[str, ResourceStatus] = {
    "active": R,
    "error": E,
    "pending_create": P,
    "pending_update": P,
    "pending_delete": P,
    "deleted": D,
}
MOVING_VOLUMES = frozenset({"attaching", "detaching", "reserved", "creating", "downloading", "maintenance"})
"""Statuses in which a volume without a server is no orphan yet."""


MEMBER_COUNT = "_member_count"
"""What the reader of balancers adds to each: members of all its pools; absent where pools could not be read."""


class Malformed(Exception):
    """An object that breaks what the API promises; the text names the field and holds no data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a list was read: one list of one project and region. `region_id` is the endpoint's."""

    scope: Scope
    project_id: str
    project_name: str
    region_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One record and what joining needs to know of it.

    `servers` are ids of servers that it says it hangs on, `volumes` ids of volumes that it says it holds; `port_id`
    is the port that an address is bound to, `is_moving` tells that it is being attached or detached. `gauges` is what
    the list tells of its use at this moment, by metric.
    """

    record: ResourceRecord
    gauges: Mapping[str, float] = field(default_factory=dict)
    servers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    port_id: str = ""
    is_moving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port: no resource, but what an address hangs on."""

    port_id: str
    device_id: str
    device_owner: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A server in a cell that does not answer: it exists, and nothing else is known."""

    server_id: str
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


def server(item: Mapping[str, Any], place: Place) -> Thing | Stub:
    word = text(item.get("status"))
    flavor = nested(item, "flavor")
    if word.lower() == "unknown" and not flavor:
        return Stub(server_id=identifier(item))
    if not flavor:
        raise Malformed("flavor is missing")
    disk = whole(flavor.get("disk"))
    tags = [text(tag) for tag in rows(item.get("tags"))]
    addresses = [
        text(address.get("addr"))
        for network in nested(item, "addresses").values()
        for address in rows(network)
        if isinstance(address, dict)
    ]
    return Thing(
        record=ResourceRecord(
            resource_id=identifier(item),
            native_type="server",
            name=text(item.get("name")) or identifier(item),
            scope=place.scope,
            status=SERVER_STATUSES.get(word.lower(), ResourceStatus.UNKNOWN),
            provider_status=word,
            specification=Specification(
                vcpus=number(flavor.get("vcpus")),
                memory_mib=whole(flavor.get("ram")),
                storage_gib=Decimal(disk) if disk else None,
                ip_addresses=tuple(sorted({address for address in addresses if address})),
            ),
            configuration=present(
                {
                    "flavor": text(flavor.get("original_name")),
                    "availability_zone": text(item.get("OS-EXT-AZ:availability_zone")),
                    "image_id": text(nested(item, "image").get("id")),
                    "is_preemptible": "preemptible" in tags or None,
                    "volumes": sorted(_volume_ids(item)),
                }
            ),
            tags={tag: "" for tag in sorted(tags) if tag},
            created_at=instant(item.get("created")),
            **_of(place, service="Compute"),
        ),
        volumes=tuple(_volume_ids(item)),
    )


def volume(item: Mapping[str, Any], place: Place) -> Thing:
    """The system that a boot volume was made from stays with the volume: a server's own answer does not name it."""
    word = text(item.get("status"))
    image = nested(item, "volume_image_metadata")
    kind = text(item.get("volume_type"))
    attachments = [each for each in rows(item.get("attachments")) if isinstance(each, dict)]
    return Thing(
        record=_storage(
            item,
            place,
            native_type="volume",
            operating_system=text(image.get("image_name")) or text(image.get("os_distro")),
            configuration={
                "volume_type": kind,
                "availability_zone": text(item.get("availability_zone")),
                "is_bootable": is_true(item.get("bootable")) or None,
                "is_encrypted": is_true(item.get("encrypted")) or None,
                "snapshot_id": text(item.get("snapshot_id")),
                "source_volume_id": text(item.get("source_volid")),
                "image_id": text(image.get("image_id")),
                "iops": _iops(item),
                "device": text(attachments[0].get("device")) if len(attachments) == 1 else "",
            },
        ),
        servers=tuple(text(each.get("server_id")) for each in attachments if each.get("server_id")),
        is_moving=word.lower() in MOVING_VOLUMES,
    )


def snapshot(item: Mapping[str, Any], place: Place) -> Thing:
    return Thing(
        record=_storage(
            item, place, native_type="snapshot", configuration={"volume_id": text(item.get("volume_id"))}
        ),
        volumes=(text(item.get("volume_id")),),
    )


def backup(item: Mapping[str, Any], place: Place) -> Thing:
    return Thing(
        record=_storage(
            item,
            place,
            native_type="backup",
            configuration={
                "volume_id": text(item.get("volume_id")),
                "is_incremental": is_true(item.get("is_incremental")) or None,
            },
        ),
        volumes=(text(item.get("volume_id")),),
    )


def share(item: Mapping[str, Any], place: Place) -> Thing:
    return Thing(
        record=_storage(
            item,
            place,
            native_type="share",
            service="Shared file systems",
            configuration={
                "protocol": text(item.get("share_proto")),
                "share_type": text(item.get("share_type_name")),
                "availability_zone": text(item.get("availability_zone")),
            },
        )
    )


def port(item: Mapping[str, Any], place: Place) -> Port | None:
    if _is_foreign(item, place):
        return None
    return Port(
        port_id=identifier(item),
        device_id=text(item.get("device_id")),
        device_owner=text(item.get("device_owner")),
        addresses=tuple(
            text(address.get("ip_address"))
            for address in rows(item.get("fixed_ips"))
            if isinstance(address, dict)
        ),
    )


def floating_ip(item: Mapping[str, Any], place: Place) -> Thing | None:
    if _is_foreign(item, place):
        return None
    address = text(item.get("floating_ip_address"))
    port_id = text(item.get("port_id"))
    return Thing(
        record=_network(
            item,
            place,
            native_type="floating_ip",
            name=address,
            specification=Specification(ip_addresses=(address,) if address else ()),
            configuration={"fixed_ip_address": text(item.get("fixed_ip_address")), "port_id": port_id},
            is_orphan=not port_id,
        ),
        port_id=port_id,
    )


def router(item: Mapping[str, Any], place: Place) -> Thing | None:
    if _is_foreign(item, place):
        return None
    gateway = nested(item, "external_gateway_info")
    return Thing(
        record=_network(
            item, place, native_type="router", configuration={"has_gateway": bool(gateway) or None}
        )
    )


def network(item: Mapping[str, Any], place: Place) -> Thing | None:
    """A network of this project: shared and external ones of others are listed as well."""
    if _is_foreign(item, place) or is_true(item.get("router:external")):
        return None
    return Thing(record=_network(item, place, native_type="network", configuration={}))


def load_balancer(item: Mapping[str, Any], place: Place) -> Thing | None:
    if _is_foreign(item, place):
        return None
    word = text(item.get("provisioning_status"))
    address = text(item.get("vip_address"))
    return Thing(
        record=ResourceRecord(
            resource_id=identifier(item),
            native_type="load_balancer",
            name=text(item.get("name")) or identifier(item),
            scope=place.scope,
            status=BALANCER_STATUSES.get(word.lower(), ResourceStatus.UNKNOWN),
            provider_status=word,
            specification=Specification(ip_addresses=(address,) if address else ()),
            configuration=present(
                {
                    "flavor_id": text(item.get("flavor_id")),
                    "operating_status": text(item.get("operating_status")),
                    "listener_count": len(rows(item.get("listeners"))),
                    "pool_count": len(rows(item.get("pools"))),
                    "member_count": item.get(MEMBER_COUNT),
                }
            ),
            created_at=instant(item.get("created_at")),
            **_of(place, service="Load balancers"),
        ),
        port_id=text(item.get("vip_port_id")),
    )


def image(item: Mapping[str, Any], place: Place) -> Thing | None:
    """A private image of this project; public ones are nobody's cost."""
    owner = text(item.get("owner"))
    if text(item.get("visibility")) == "public" or (owner and owner != place.project_id):
        return None
    size = number(item.get("size"))
    word = text(item.get("status"))
    return Thing(
        record=ResourceRecord(
            resource_id=identifier(item),
            native_type="image",
            name=text(item.get("name")) or identifier(item),
            scope=place.scope,
            status=STORAGE_STATUSES.get(word.lower(), ResourceStatus.UNKNOWN),
            provider_status=word,
            specification=Specification(
                storage_gib=None if size is None else (size / BYTES_IN_GIB).quantize(Decimal("0.001"))
            ),
            configuration=present(
                {
                    "is_snapshot": (text(item.get("image_type")) == "snapshot") or None,
                    "server_id": text(item.get("instance_uuid")),
                    "min_disk": whole(item.get("min_disk")),
                }
            ),
            created_at=instant(item.get("created_at")),
            **_of(place, service="Images"),
        )
    )


# ---- values ---------------------------------------------------------------------------------------------------


def identifier(item: Mapping[str, Any], key: str = "id") -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{key} is missing")
    return value


def text(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else ""
        if value is None or isinstance(value, dict | list)
        else str(value)
    )


def is_true(value: Any) -> bool:
    """A flag, or the word for it: Cinder's `bootable` is "true"."""
    return text(value).lower() == "true"


def number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | Decimal):
        raise Malformed("a number is missing")
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount < 10**18:
        raise Malformed("a number is out of range")
    return amount


def whole(value: Any) -> int | None:
    amount = number(value)
    return None if amount is None else int(amount)


def nested(item: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> Sequence[Any]:
    """A list; null and what is none are the empty one, since attachments and addresses may be null."""
    return value if isinstance(value, list) else ()


def instant(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what is not set, so that an absent field and its default are the same."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _of(place: Place, *, service: str) -> dict[str, Any]:
    return {
        "service_name": service,
        "region_id": place.region_id,
        "sub_account_id": place.project_id,
        "sub_account_name": place.project_name,
    }


def _is_foreign(item: Mapping[str, Any], place: Place) -> bool:
    owner = text(item.get("project_id")) or text(item.get("tenant_id"))
    return bool(owner) and owner != place.project_id


def _volume_ids(item: Mapping[str, Any]) -> list[str]:
    return [
        text(each.get("id"))
        for each in rows(item.get("os-extended-volumes:volumes_attached"))
        if isinstance(each, dict) and each.get("id")
    ]


def _iops(item: Mapping[str, Any]) -> int | None:
    """Operations a second that are paid for beside the size; Selectel writes them into the volume's metadata."""
    paid = text(nested(item, "metadata").get("total_iops_sec"))
    return int(paid) if paid.isdecimal() and len(paid) < 10 else None


def _storage(
    item: Mapping[str, Any],
    place: Place,
    *,
    native_type: str,
    configuration: Mapping[str, Any],
    service: str = "Block storage",
    operating_system: str = "",
) -> ResourceRecord:
    word = text(item.get("status"))
    known = STORAGE_STATUSES.get(word.lower())
    if known is None:
        known = ResourceStatus.ERROR if word.lower().startswith("error") else ResourceStatus.UNKNOWN
    return ResourceRecord(
        resource_id=identifier(item),
        native_type=native_type,
        name=text(item.get("name")) or identifier(item),
        scope=place.scope,
        status=known,
        provider_status=word,
        specification=Specification(
            storage_gib=number(item.get("size")), operating_system=operating_system[:120]
        ),
        configuration=present(configuration),
        created_at=instant(item.get("created_at")),
        **_of(place, service=service),
    )


def _network(
    item: Mapping[str, Any],
    place: Place,
    *,
    native_type: str,
    configuration: Mapping[str, Any],
    name: str = "",
    specification: Specification = NOTHING_KNOWN,
    is_orphan: bool = False,
) -> ResourceRecord:
    word = text(item.get("status"))
    return ResourceRecord(
        resource_id=identifier(item),
        native_type=native_type,
        name=name or text(item.get("name")) or identifier(item),
        scope=place.scope,
        status=NETWORK_STATUSES.get(word.lower(), ResourceStatus.UNKNOWN),
        provider_status=word,
        specification=specification,
        configuration=present(configuration),
        is_orphan=is_orphan,
        created_at=instant(item.get("created_at")),
        **_of(place, service="Network"),
    )
