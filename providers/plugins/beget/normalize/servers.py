"""VPS and what hangs on them: licences, addresses, networks, snapshots, images, automatic copies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from providers.contract.records import (
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    Scope,
    SoftwareRecord,
    Specification,
)

from .values import (
    BYTES_IN_GIB,
    CURRENCY,
    cloud_instant,
    flag,
    gib,
    identifier,
    known_rate_of,
    money,
    nested,
    number,
    objects,
    present,
    rate_of,
    status_of,
    text,
    texts,
    whole,
)
from .words import (
    IMAGES,
    NETWORK,
    SNAPSHOTS,
    VPS,
)

VPS_STATUS: Mapping[str, ResourceStatus] = {
    "RUNNING": ResourceStatus.RUNNING,
    "RESTARTING": ResourceStatus.RUNNING,
    "STOPPED": ResourceStatus.STOPPED,
    "STOPPING": ResourceStatus.STOPPED,
    "CREATING": ResourceStatus.PENDING,
    "STARTING": ResourceStatus.PENDING,
    "RECONFIGURING": ResourceStatus.PENDING,
    "REINSTALLING": ResourceStatus.PENDING,
    "REMOVING": ResourceStatus.DELETED,
    "REMOVED": ResourceStatus.DELETED,
}
SNAPSHOT_STATUS: Mapping[str, ResourceStatus] = {
    "CREATING": ResourceStatus.PENDING,
    "DONE": ResourceStatus.RUNNING,
    "RESTORING": ResourceStatus.RUNNING,
    "DELETED": ResourceStatus.DELETED,
    "ERROR": ResourceStatus.ERROR,
}
IMAGE_STATUS: Mapping[str, ResourceStatus] = {
    "CREATED": ResourceStatus.RUNNING,
    "CREATING": ResourceStatus.PENDING,
    "CONVERTING": ResourceStatus.PENDING,
    "MIGRATING": ResourceStatus.PENDING,
    "ERROR": ResourceStatus.ERROR,
}

OPERATING_SYSTEMS = (
    "almalinux",
    "alt",
    "arch",
    "astra",
    "centos",
    "debian",
    "fedora",
    "freebsd",
    "opensuse",
    "oracle linux",
    "red os",
    "rocky",
    "ubuntu",
    "windows",
)


def vps_records(item: Mapping[str, Any], projects: Mapping[str, str]) -> Iterator[ResourceRecord]:
    """One VPS and its licences; nothing for one that is removed already.

    Source: GET /v1/vps/server/list. Memory and disk are MB as Beget says (2048 = 2 GB).
    """
    operation = "GET /v1/vps/server/list"
    vps_id = identifier(item, "id", operation)
    word = text(item.get("status")) or "UNKNOWN"
    if word == "REMOVED":
        return
    configuration = nested(item, "configuration")
    software = nested(item, "software")
    memory = whole(configuration.get("memory"), operation)
    project = text(item.get("project_id"))
    status, provider_status = _vps_status(item, word)
    yield ResourceRecord(
        resource_id=vps_id,
        native_type="vps",
        name=text(item.get("display_name")) or text(item.get("hostname")) or text(item.get("slug")) or vps_id,
        scope=VPS,
        status=status,
        provider_status=provider_status,
        service_name="VPS",
        region_id=text(item.get("region")),
        sub_account_id=project,
        sub_account_name=projects.get(project, ""),
        specification=Specification(
            vcpus=number(configuration.get("cpu_count"), operation),
            memory_mib=memory,
            storage_gib=gib(number(configuration.get("disk_size"), operation)),
            operating_system=_operating_system(software),
            ip_addresses=tuple(_vps_addresses(item, operation)),
        ),
        configuration=_vps_configuration(item, configuration, operation),
        rate=known_rate_of(configuration, operation),
        software=_software(software),
        created_at=cloud_instant(item.get("date_create")),
    )
    for licence in objects(software.get("license"), operation):
        yield _licence(licence, vps_id=vps_id, vps=item, projects=projects)


def _vps_status(item: Mapping[str, Any], word: str) -> tuple[ResourceStatus, str]:
    if flag(item.get("host_unavailable")):
        return ResourceStatus.UNKNOWN, f"{word}, host_unavailable"
    if flag(item.get("archived")):
        return ResourceStatus.STOPPED, f"{word}, archived"
    return status_of(word, VPS_STATUS), word


def _vps_addresses(item: Mapping[str, Any], operation: str) -> Iterator[str]:
    if item.get("ip_address"):
        yield text(item["ip_address"])
    yield from texts(item.get("additional_ip_address"))
    for network in objects(item.get("private_network"), operation):
        yield from texts(network.get("ip"))


def _vps_configuration(
    item: Mapping[str, Any], configuration: Mapping[str, Any], operation: str
) -> dict[str, Any]:
    software = nested(item, "software")
    return present(
        {
            "configuration_id": text(configuration.get("id")),
            "configuration_name": text(configuration.get("name")),
            "group": text(configuration.get("group")),
            "cpu_count": whole(configuration.get("cpu_count"), operation),
            "memory_mib": whole(configuration.get("memory"), operation),
            "disk_mib": whole(configuration.get("disk_size"), operation),
            "bandwidth_public": whole(configuration.get("bandwidth_public"), operation),
            "hostname": text(item.get("hostname")),
            "description": text(item.get("description")),
            "ip_address": text(item.get("ip_address")),
            "additional_ip_addresses": texts(item.get("additional_ip_address")),
            "private_networks": sorted(
                text(nested(network, "network").get("id"))
                for network in objects(item.get("private_network"), operation)
            ),
            "ssh_keys": sorted(text(key.get("name")) for key in objects(item.get("ssh_keys"), operation)),
            "software": " ".join(
                filter(None, (text(software.get("display_name")), text(software.get("version"))))
            ),
            "software_domain": text(item.get("software_domain")),
            "technical_domain": text(item.get("technical_domain")),
            "snapshot_id": text(item.get("snapshot_id")),
            "image_id": text(item.get("image_id")),
            "archived": flag(item.get("archived")) or None,
            "rescue_mode": flag(item.get("rescue_mode")) or None,
            "beget_ssh_access_allowed": flag(item.get("beget_ssh_access_allowed")) or None,
        }
    )


def _software(software: Mapping[str, Any]) -> tuple[SoftwareRecord, ...]:
    """What Beget installed; its `field_value`s (passwords, e-mails) go nowhere."""
    name = text(software.get("display_name")) or text(software.get("name"))
    if not name:
        return ()
    return (
        SoftwareRecord(
            name=name, version=text(software.get("version")), status=text(software.get("status")).lower()
        ),
    )


def _operating_system(software: Mapping[str, Any]) -> str:
    name = text(software.get("display_name")) or text(software.get("name"))
    if not name.lower().startswith(OPERATING_SYSTEMS):
        return ""
    version = text(software.get("version"))
    return name if not version or version in name else f"{name} {version}"


def _licence(
    licence: Mapping[str, Any], *, vps_id: str, vps: Mapping[str, Any], projects: Mapping[str, str]
) -> ResourceRecord:
    """A licence belongs to its VPS; only a daily one is part of the account's daily rate."""
    operation = "GET /v1/vps/server/list"
    project = text(vps.get("project_id"))
    licence_id = identifier(licence, "id", operation)
    billing = nested(licence, "billing")
    rate = rate_of(nested(billing, "daily"), operation)
    month = money(nested(billing, "monthly").get("price_month"), operation)
    if rate is None and month is not None:
        rate = Rate(amount=month, currency=CURRENCY, period=RatePeriod.MONTH)
    return ResourceRecord(
        resource_id=f"licence:{vps_id}:{licence_id}",
        native_type="licence",
        name=text(licence.get("display_name")) or text(licence.get("type")) or licence_id,
        scope=VPS,
        status=ResourceStatus.RUNNING,
        service_name="VPS",
        region_id=text(vps.get("region")),
        sub_account_id=project,
        sub_account_name=projects.get(project, ""),
        parent_id=vps_id,
        configuration=present({"type": text(licence.get("type")), "plan": text(licence.get("plan"))}),
        rate=rate,
    )


def additional_ip_record(item: Mapping[str, Any]) -> ResourceRecord:
    """An additional address. Beget names no price for it: its cost stands in the account's remainder.

    It is therefore marked free, lest it be shown as a cost that nobody knows.
    """
    address = identifier(item, "ip", "GET /v1/vps/network")
    vps_id = text(item.get("vps_id"))
    return ResourceRecord(
        resource_id=f"ip:{address}",
        native_type="additional_ip",
        name=address,
        scope=NETWORK,
        status=ResourceStatus.RUNNING,
        service_name="VPS",
        region_id=text(item.get("region")),
        parent_id=vps_id,
        specification=Specification(ip_addresses=(address,)),
        configuration=present({"vps_id": vps_id}),
        is_free=True,
        is_orphan=not vps_id,
    )


def private_network_record(item: Mapping[str, Any]) -> ResourceRecord:
    operation = "GET /v1/vps/network"
    network_id = identifier(item, "id", operation)
    subnet, mask = text(item.get("subnet")), text(item.get("mask"))
    return ResourceRecord(
        resource_id=f"network:{network_id}",
        native_type="private_network",
        name=f"{subnet}/{mask}" if subnet and mask else network_id,
        scope=NETWORK,
        status=ResourceStatus.RUNNING,
        service_name="VPS",
        region_id=text(item.get("region")),
        configuration=present({"subnet": subnet, "mask": whole(item.get("mask"), operation)}),
        is_free=True,
    )


def snapshot_record(item: Mapping[str, Any]) -> ResourceRecord | None:
    """A VPS snapshot, None for a deleted one. Size is bytes; orphan when its VPS is gone."""
    operation = "GET /v1/vps/snapshot"
    snapshot_id = identifier(item, "id", operation)
    word = text(item.get("status")) or "CREATING"
    if word == "DELETED":
        return None
    size = number(item.get("size"), operation)
    source = text(item.get("vps_name"))
    return ResourceRecord(
        resource_id=f"snapshot:{snapshot_id}",
        native_type="snapshot",
        name=text(item.get("description")) or source or snapshot_id,
        scope=SNAPSHOTS,
        status=status_of(word, SNAPSHOT_STATUS),
        provider_status=word,
        service_name="VPS",
        region_id=text(item.get("region")),
        specification=Specification(storage_gib=None if size is None else size / BYTES_IN_GIB),
        configuration=present(
            {
                "vps_id": text(item.get("vps_id")),
                "vps_name": source,
                "size_bytes": None if size is None else int(size),
                "disk_mib": whole(nested(item, "configuration").get("disk_size"), operation),
            }
        ),
        rate=rate_of(item, operation),
        is_orphan=not flag(item.get("vps_exists")),
        created_at=cloud_instant(item.get("date_create")),
    )


def image_record(item: Mapping[str, Any]) -> ResourceRecord:
    """An image of one's own. Beget states no period of `price`; it is taken as a day's, like all others."""
    operation = "GET /v1/image"
    image_id = identifier(item, "id", operation)
    word = text(item.get("status")) or "CREATED"
    price = money(item.get("price"), operation)
    size = number(item.get("size_bytes"), operation)
    disk = whole(item.get("disk_size_bytes"), operation)
    return ResourceRecord(
        resource_id=f"image:{image_id}",
        native_type="image",
        name=text(item.get("name")) or image_id,
        scope=IMAGES,
        status=status_of(word, IMAGE_STATUS),
        provider_status=word,
        service_name="VPS",
        region_id=text(item.get("region")),
        specification=Specification(storage_gib=None if size is None else size / BYTES_IN_GIB),
        configuration=present({"size_bytes": None if size is None else int(size), "disk_size_bytes": disk}),
        rate=None
        if price is None
        else Rate(amount=price, currency=CURRENCY, period=RatePeriod.DAY, in_account_total=True),
        created_at=cloud_instant(item.get("created_at")),
    )


def backup_record(
    item: Mapping[str, Any], *, kind: str, scope: Scope, parents: Collection[str] | None
) -> ResourceRecord:
    """An automatic copy of a VPS (`kind` vps) or of a managed database (mysql, postgresql); free.

    `parents` are the resources known to exist, for a copy outlives what it is of; None where they could not be listed:
    then its own word holds.
    """
    operation = "GET /v1/vps/backup" if kind == "vps" else f"GET /v1/cloud/{kind}/backup"
    copy_id = identifier(item, "id", operation)
    source_id = text(item.get("vps_id") or item.get("service_uuid"))
    source_name = text(item.get("vps_name") or item.get("service_name"))
    size = number(item.get("size"), operation)
    taken_at = cloud_instant(item.get("date"))
    return ResourceRecord(
        resource_id=f"backup:{kind}:{copy_id}",
        native_type=f"{kind}_backup",
        name=source_name or copy_id,
        scope=scope,
        status=ResourceStatus.RUNNING,
        service_name="VPS" if kind == "vps" else "Cloud databases",
        region_id=text(item.get("region")),
        parent_id=source_id if parents is None or source_id in parents else "",
        specification=Specification(
            storage_gib=None if size is None else size / BYTES_IN_GIB,
            engine="" if kind == "vps" else kind,
        ),
        configuration=present(
            {
                "source_id": source_id,
                "size_bytes": None if size is None else int(size),
                "taken_at": "" if taken_at is None else taken_at.isoformat(),
            }
        ),
        is_free=True,
        created_at=taken_at,
    )
