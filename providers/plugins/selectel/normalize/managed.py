"""Managed services, registries, buckets, zones and dedicated servers as records. Pure.

Only named fields are copied: what a customer put into `config`, `userdata` or a kubeconfig stays there.
Source: API reference, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers.contract.records import ResourceRecord, ResourceStatus, Scope, Specification
from providers.openstack.normalize import (
    BYTES_IN_GIB,
    Place,
    Thing,
    identifier,
    instant,
    nested,
    number,
    present,
    rows,
    text,
    whole,
)

from .words import DEDICATED, bucket_id, bucket_name

STATUSES: Mapping[str, ResourceStatus] = {
    "active": ResourceStatus.RUNNING,
    "paid": ResourceStatus.RUNNING,
    "degraded": ResourceStatus.RUNNING,
    "expiring": ResourceStatus.RUNNING,
    "ending": ResourceStatus.RUNNING,
    "shutdown": ResourceStatus.STOPPED,
    "disk_full": ResourceStatus.ERROR,
    "down": ResourceStatus.ERROR,
    "error": ResourceStatus.ERROR,
    "resizing": ResourceStatus.PENDING,
    "pending": ResourceStatus.PENDING,
    "processing": ResourceStatus.PENDING,
    "deploy": ResourceStatus.PENDING,
    "maintenance": ResourceStatus.PENDING,
    "deleted": ResourceStatus.DELETED,
}


def status_of(word: str) -> ResourceStatus:
    lower = word.lower()
    if lower.startswith("pending_"):
        return ResourceStatus.PENDING
    return STATUSES.get(lower, ResourceStatus.UNKNOWN)


def database(item: Mapping[str, Any], place: Place) -> Thing:
    """A cluster of databases; cores and memory are those of all its nodes. `floating_ip` may be the word "None"."""
    flavor = nested(item, "flavor")
    nodes = whole(item.get("node_count")) or 1
    engine = nested(item, "_engine")
    addresses = {
        text(instance.get(key))
        for instance in rows(item.get("instances"))
        if isinstance(instance, dict)
        for key in ("ip", "floating_ip")
    } - {"", "None"}
    used = number(item.get("disk_used"))
    thing = _thing(
        item,
        place,
        native_type="database",
        service="Managed databases",
        status=text(item.get("status")),
        specification=Specification(
            vcpus=_times(number(flavor.get("vcpus")), nodes),
            memory_mib=_whole(_times(number(flavor.get("ram")), nodes)),
            storage_gib=_times(number(flavor.get("disk")), nodes),
            engine=text(engine.get("engine")),
            engine_version=text(engine.get("version")),
            ip_addresses=tuple(sorted(addresses)),
        ),
        configuration={
            "node_count": nodes,
            "disk_type": text(flavor.get("disk_type")),
            "backup_retention_days": whole(item.get("backup_retention_days")),
            "is_protected": bool(item.get("is_protected")) or None,
        },
        created=item.get("created_at"),
    )
    return thing if used is None else replace(thing, gauges={"disk_used_gib": float(used * nodes)})


def cluster(item: Mapping[str, Any], place: Place) -> Thing:
    """A Kubernetes control plane, or one of its node groups; the cost of nodes is on their servers."""
    if "_cluster_id" in item:
        return _node_group(item, place)
    return _thing(
        item,
        place,
        native_type="kubernetes_cluster",
        service="Managed Kubernetes",
        status=text(item.get("status")),
        specification=Specification(engine="kubernetes", engine_version=text(item.get("kube_version"))),
        configuration={
            "is_zonal": bool(item.get("zonal")) or None,
            "has_autorepair": bool(item.get("enable_autorepair")) or None,
        },
        created=item.get("created_at"),
    )


def registry(item: Mapping[str, Any], place: Place) -> Thing:
    limit = number(item.get("sizeLimit"))
    return _thing(
        item,
        place,
        native_type="registry",
        service="Container registry",
        status=text(item.get("status")),
        specification=Specification(
            storage_gib=None if limit is None else (limit / BYTES_IN_GIB).quantize(Decimal("0.001"))
        ),
        configuration={},
        created=item.get("createdAt"),
    )


def bucket(item: Mapping[str, Any], place: Place) -> Thing:
    """A container with its hidden segment containers; its size moves with use and is no configuration."""
    name = bucket_name(identifier(item, "name"))
    size, count = number(item.get("bytes")), number(item.get("count"))
    thing = _thing(
        {"id": bucket_id(place.project_id, place.region_id, name), "name": name},
        place,
        native_type="bucket",
        service="Object storage",
        status="active",
        specification=Specification(),
        configuration={},
        created=None,
    )
    gauges = {
        "disk_used_gib": None if size is None else float(size / BYTES_IN_GIB),
        "object_count": None if count is None else float(count),
    }
    return replace(thing, gauges=present(gauges))


def zone(item: Mapping[str, Any], place: Place) -> Thing:
    return _thing(
        {**item, "id": f"zone:{identifier(item)}", "name": text(item.get("name")).rstrip(".")},
        place,
        native_type="dns_zone",
        service="DNS",
        status="shutdown" if item.get("disabled") is True else "active",
        specification=Specification(),
        configuration={},
        created=item.get("created_at"),
        is_free=True,
    )


def dedicated_server(item: Mapping[str, Any]) -> ResourceRecord:
    """A rented server; its price is in no list and comes from payments."""
    place = Place(scope=DEDICATED, project_id="", project_name="", region_id=text(item.get("location_uuid")))
    plan = nested(nested(item, "billing"), "current_price_plan")
    return _thing(
        {"id": identifier(item, "uuid"), "name": text(item.get("user_desc"))},
        place,
        native_type="dedicated_server",
        service="Dedicated servers",
        status=text(item.get("state")),
        specification=Specification(),
        configuration={
            "service_type": text(item.get("service_type")),
            "price_plan": text(plan.get("name")),
        },
        created=None,
    ).record


def _node_group(item: Mapping[str, Any], place: Place) -> Thing:
    nodes = [node for node in rows(item.get("nodes")) if isinstance(node, dict)]
    return _thing(
        {"id": identifier(item), "name": text(item.get("name"))},
        place,
        native_type="kubernetes_node_group",
        service="Managed Kubernetes",
        status="active",
        specification=Specification(),
        configuration={
            "flavor_id": text(item.get("flavor_id")),
            "volume_gib": whole(item.get("volume_gb")),
            "volume_type": text(item.get("volume_type")),
            "availability_zone": text(item.get("availability_zone")),
            "is_preemptible": bool(item.get("preemptible")) or None,
            "servers": sorted(text(node.get("os_server_id")) for node in nodes if node.get("os_server_id")),
        },
        created=None,
        parent_id=text(item.get("_cluster_id")),
        is_free=True,
    )


def _thing(
    item: Mapping[str, Any],
    place: Place,
    *,
    native_type: str,
    service: str,
    status: str,
    specification: Specification,
    configuration: Mapping[str, Any],
    created: Any,
    parent_id: str = "",
    is_free: bool = False,
) -> Thing:
    scope: Scope = place.scope
    return Thing(
        record=ResourceRecord(
            resource_id=identifier(item),
            native_type=native_type,
            name=text(item.get("name")) or identifier(item),
            scope=scope,
            status=status_of(status),
            provider_status=status,
            service_name=service,
            region_id=place.region_id,
            sub_account_id=place.project_id,
            sub_account_name=place.project_name,
            parent_id=parent_id,
            specification=specification,
            configuration=present(configuration),
            is_free=is_free,
            created_at=instant(created),
        )
    )


def _times(value: Decimal | None, count: int) -> Decimal | None:
    return None if value is None else value * count


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value)
