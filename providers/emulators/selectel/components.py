"""What is charged for each kind of thing: quantities by metric, as they are at an instant.

Beside the fields that OpenStack shows: a server's `line`, `has_null_parent` (null instead of ""); a volume's `type` and `iops`; a balancer's `plan`; a bucket's
`traffic_mb`, `requests_put`, `requests_get` (per hour) with `traffic_noise` (a share of it that varies by day);
`traffic`: `gb_per_hour`, `server` (none: the charge has no object); `database`: vcpus, ram_mb, disk_gb, nodes;
`cluster`: `plan`; `registry`: `size_gb`; `subnet`: `mask`; `licence`: `type`; `charge`: anything else, with
`metric`, `type`, `provider_key`, `quantity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.emulators.openstack.cloud import Cloud, decimal, segment
from providers.emulators.openstack.objects import SETTLED_DAY, grown
from providers.emulators.openstack.usage import noise

UNBILLED_STATUSES = frozenset({"EXPIRED", "SHELVED_OFFLOADED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """So much of one metric for one object during an hour; `object_id` None is a charge of the whole project."""

    provider_key: str
    project_id: str
    object_id: str | None
    object_name: str
    object_type: str
    parent_id: str | None
    parent_name: str
    metric: str
    region: str
    quantity: Decimal
    kind: str


def components(cloud: Cloud, kind: str, thing: Mapping[str, Any], at: datetime) -> Iterator[Component]:
    """What one hour that begins at an instant is charged for a thing as it is then."""
    for part in PARTS[kind](cloud, thing, at):
        values = {
            "provider_key": "vpc",
            "project_id": thing["project_id"],
            "object_id": thing["id"],
            "object_name": thing["name"],
            "object_type": part["metric"],
            "parent_id": thing["project_id"],
            "parent_name": "",
            "region": segment(thing),
            "kind": kind,
            **part,
        }
        yield Component(**{**values, "quantity": decimal(values["quantity"])})


def _server(cloud: Cloud, server: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    if server.get("status") in UNBILLED_STATUSES:
        return
    line = f"_{server['line']}" if server.get("line") else ""
    parent = None if server.get("has_null_parent") else ""
    own = {"object_type": "cloud_vm", "parent_id": parent, "parent_name": ""}
    yield {**own, "metric": f"compute_cores{line}", "quantity": server["vcpus"]}
    yield {**own, "metric": f"compute_ram{line}", "quantity": server["ram_mb"]}
    if server.get("disk_gb"):
        yield {**own, "metric": "volume_gigabytes_local", "quantity": server["disk_gb"]}


def _volume(cloud: Cloud, volume: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    parent = _server_of(cloud, volume, at)
    yield {**parent, "metric": f"volume_gigabytes_{volume['type']}", "quantity": volume["size_gb"]}
    if "iops" in volume:
        yield {**parent, "metric": f"volume_totaliops_{volume['type']}", "quantity": volume["iops"]}


def _server_of(cloud: Cloud, thing: Mapping[str, Any], at: datetime) -> dict[str, str]:
    """The server as parent, also one that ended together with the thing; nothing leaves the project as parent."""
    name = thing.get("server")
    for server in cloud.described_as("server", name) if name else ():
        if (server["project_id"], server["region"]) == (thing["project_id"], thing["region"]):
            is_gone = cloud.scenario.thing(server, at) is None
            if not is_gone or thing.get("is_zombie"):
                return {"parent_id": server["id"], "parent_name": server["name"]}
    return {}


def _snapshot(cloud: Cloud, snapshot: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {"metric": f"snapshot_gigabytes_{snapshot['type']}", "quantity": snapshot["size_gb"]}


def _backup(cloud: Cloud, backup: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {
        "metric": "volume_backups_gigabytes",
        "quantity": backup["size_gb"],
        "region": backup["region"],
    }


def _image(cloud: Cloud, image: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {"metric": "image_gigabytes", "quantity": image["size_gb"], "region": image["region"]}


def _share(cloud: Cloud, share: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {"metric": f"share_gigabytes_{share.get('type', 'basic')}", "quantity": share["size_gb"]}


def _floating_ip(cloud: Cloud, address: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    parent = _server_of(cloud, address, at)
    yield {**parent, "metric": "network_floatingips", "quantity": 1, "region": address["region"]}


def _load_balancer(cloud: Cloud, balancer: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {"metric": f"load_balancers_{balancer['plan']}", "quantity": 1}


def _router(cloud: Cloud, router: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    if router.get("is_billed"):
        yield {"metric": "network_routers", "quantity": 1, "region": router["region"]}


def _subnet(cloud: Cloud, subnet: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {
        "metric": f"network_subnets_{subnet['mask']}",
        "quantity": 1,
        "object_id": str(subnet["number"]),
        "region": subnet["region"],
    }


def _licence(cloud: Cloud, licence: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    parent = _server_of(cloud, licence, at)
    yield {**parent, "metric": licence["type"], "quantity": 1, "region": licence["region"]}


def _bucket(cloud: Cloud, bucket: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    own = {
        "provider_key": "storage",
        "object_id": bucket["name"],
        "object_type": "storage_container",
        "region": bucket["region"],
    }
    day = cloud.scenario.day(at)
    yield {**own, "metric": "volume-gb", "quantity": grown(day, bucket)}
    for name, metric in (
        ("traffic_mb", "traffic-mb"),
        ("requests_put", "traffic-req-put"),
        ("requests_get", "traffic-req-get"),
    ):
        if name in bucket:
            yield {**own, "metric": metric, "quantity": _varied(bucket, int(bucket[name]), day)}
    if "segments_gb" in bucket:
        hidden = f"{bucket['name']}_segments"
        named = {"object_id": hidden, "object_name": hidden}
        yield {**own, **named, "metric": "volume-gb", "quantity": bucket["segments_gb"]}


def _traffic(cloud: Cloud, traffic: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    parent = _server_of(cloud, traffic, at)
    row = {"metric": "exttraffic", "quantity": traffic["gb_per_hour"], "region": traffic["region"]}
    if parent:
        yield {
            **row,
            "object_id": parent["parent_id"],
            "object_name": parent["parent_name"],
            "object_type": "cloud_vm",
            "parent_id": "",
        }
    elif "server" not in traffic:
        yield {**row, "object_id": None, "object_name": "", "object_type": "", "parent_id": ""}


def _database(cloud: Cloud, database: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    nodes = int(database.get("nodes", 1))
    own = {"provider_key": "dbaas", "object_type": "dbaas_datastore", "region": database["region"]}
    yield {**own, "metric": "dbaas_compute_cores", "quantity": int(database["vcpus"]) * nodes}
    yield {**own, "metric": "dbaas_compute_ram", "quantity": int(database["ram_mb"]) * nodes}
    yield {**own, "metric": "dbaas_volume_gigabytes_local", "quantity": int(database["disk_gb"]) * nodes}


def _cluster(cloud: Cloud, cluster: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    if cluster.get("plan"):
        own = {"provider_key": "mks", "object_type": "mks_cluster", "region": cluster["region"]}
        yield {**own, "metric": f"mks_cluster_{cluster['plan']}", "quantity": 1}


def _registry(cloud: Cloud, registry: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    yield {
        "provider_key": "craas",
        "object_type": "craas_registry",
        "metric": "craas_storage_gigabytes",
        "quantity": registry["size_gb"],
        "region": registry["region"],
    }


def _charge(cloud: Cloud, charge: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    row = {"metric": charge["metric"], "quantity": charge["quantity"]}
    yield (
        row
        | {name: charge[name] for name in ("provider_key",) if name in charge}
        | ({"object_type": charge["type"]} if "type" in charge else {})
    )


def _varied(bucket: Mapping[str, Any], amount: int, day: int) -> int:
    """An amount with the noise of its day; none from the day on which everything stands still."""
    share = float(bucket.get("traffic_noise", 0))
    if day >= SETTLED_DAY or not share:
        return amount
    return round(amount * (1 + share * (2 * noise(bucket["id"], day) - 1)))


def varies_by_day(kind: str, thing: Mapping[str, Any]) -> bool:
    return kind == "bucket" and ("storage_gb_at_start" in thing or "traffic_noise" in thing)


PARTS: Mapping[str, Callable[[Cloud, Mapping[str, Any], datetime], Iterator[dict[str, Any]]]] = {
    "server": _server,
    "volume": _volume,
    "snapshot": _snapshot,
    "backup": _backup,
    "image": _image,
    "share": _share,
    "floating_ip": _floating_ip,
    "load_balancer": _load_balancer,
    "router": _router,
    "subnet": _subnet,
    "licence": _licence,
    "bucket": _bucket,
    "traffic": _traffic,
    "database": _database,
    "cluster": _cluster,
    "registry": _registry,
    "charge": _charge,
}
