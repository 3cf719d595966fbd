"""Names that this plugin gives: kinds of what is billed and listed, scopes, pools. Pure.

Billing has a word for the object and one for the metric; both are open-ended. A kind is told by the object's word,
else by the metric's, else by the provider key (API reference, section 5.5); what none of them tells keeps its own word,
which maps to nothing and so reaches triage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.contract.records import ResourceType, Scope
from providers.openstack import normalize

PROVIDER = "selectel"
NAME = "Selectel"
CURRENCY = "RUB"

CONSUMPTION: Scope = ("consumption",)
BALANCE: Scope = ("balance",)
PROJECTS: Scope = ("projects",)
TRANSACTIONS: Scope = ("transactions",)
DEDICATED: Scope = ("dedicated_servers",)

TYPE_MAP: Mapping[str, ResourceType] = {
    **normalize.TYPE_MAP,
    "licence": ResourceType.LICENCE,
    "subnet": ResourceType.NETWORK,
    "traffic": ResourceType.NETWORK,
    "database": ResourceType.DATABASE,
    "kubernetes_cluster": ResourceType.KUBERNETES_CLUSTER,
    "kubernetes_node_group": ResourceType.KUBERNETES_NODE_GROUP,
    "registry": ResourceType.CONTAINER_REGISTRY,
    "dns_zone": ResourceType.DNS_ZONE,
    "cdn": ResourceType.CDN,
    "function": ResourceType.FUNCTION,
    "dedicated_server": ResourceType.DEDICATED_SERVER,
}

PREFIXES: tuple[tuple[str, str], ...] = (
    ("cloud_vm", "server"),
    ("compute_", "server"),
    ("volume_gigabytes_local", "server"),
    ("license_", "licence"),
    ("image_astralinux_", "licence"),
    ("volume_backups_", "backup"),
    ("volume", "volume"),
    ("snapshot", "snapshot"),
    ("image", "image"),
    ("share", "share"),
    ("load_balancer", "load_balancer"),
    ("network_floatingip", "floating_ip"),
    ("floating_ip", "floating_ip"),
    ("network_subnets_", "subnet"),
    ("network_router", "router"),
    ("exttraffic", "traffic"),
    ("router", "router"),
    ("dbaas_", "database"),
    ("mks_", "kubernetes_cluster"),
    ("craas_", "registry"),
)
"""Beginnings of object types and metrics -> kind; the first that fits."""

DECISIVE_KEYS: Mapping[str, str] = {
    "storage": "bucket",
    "private_storage": "bucket",
    "cdn": "cdn",
    "serverless": "function",
}
"""Provider keys that say more than the metric, which object storage calls a volume."""

KEYS: Mapping[str, str] = {
    "mks": "kubernetes_cluster",
    "dbaas": "database",
    "craas": "registry",
}
"""Provider keys that tell the kind where neither object nor metric does."""

SERVICES: Mapping[str, str] = {
    "vpc": "Cloud platform",
    "mks": "Managed Kubernetes",
    "dbaas": "Managed databases",
    "craas": "Container registry",
    "storage": "Object storage",
    "private_storage": "Object storage",
    "cdn": "CDN",
    "vmware": "VMware",
    "serverless": "Serverless",
}

LISTS: Mapping[str, str] = {
    "server": "servers",
    "volume": "volumes",
    "snapshot": "snapshots",
    "backup": "backups",
    "image": "images",
    "share": "shares",
    "load_balancer": "load_balancers",
    "floating_ip": "floating_ips",
    "router": "routers",
    "database": "databases",
    "kubernetes_cluster": "clusters",
    "bucket": "buckets",
}
"""Kind -> the list of a project and pool in which such an object would stand."""

FREE_KINDS = frozenset({"network", "router", "kubernetes_node_group", "dns_zone"})
"""Listed without a charge of their own; where the bill names one, the bill is right."""

METERED_WORDS = ("traffic", "request", "-req", "_req")
"""In metrics that count use; all others count what is there, hour by hour."""

UNITS: Mapping[str, str] = {"item": "Item", "piece": "Item"}
"""Units of theirs -> FOCUS's, where the word is another."""

SEGMENT_CONTAINER = re.compile(r"(_s3multipartuploads|_segments|\+segments|\.file-segments)$")


def is_metered(metric_id: str) -> bool:
    return any(word in metric_id for word in METERED_WORDS)


def unit_of(metric_id: str, unit: str) -> str:
    """FOCUS's unit of a quantity that was added up over hours: `GB-Hours`, also where Selectel says `MB` or `item`.

    Source: API reference, section 5.3: over more than an hour a quantity is amount x hours whatever its unit.
    """
    if not unit or is_metered(metric_id):
        return unit
    amount = unit.removesuffix("*H")
    return f"{UNITS.get(amount, amount)}-Hours"


def known_kind(word: str) -> str:
    """The kind that an object type or metric tells, "" where it tells none."""
    if word in TYPE_MAP:
        return word
    return next((kind for prefix, kind in PREFIXES if word.startswith(prefix)), "")


def kind_of(object_type: str, metric_id: str, provider_key: str) -> str:
    """Our word for what is billed; billing's own word where nothing is known of it."""
    return (
        DECISIVE_KEYS.get(provider_key)
        or known_kind(object_type)
        or known_kind(metric_id)
        or KEYS.get(provider_key)
        or object_type
        or metric_id
        or provider_key
    )


def scope_of(kind: str, project_id: str, pool: str) -> Scope | None:
    """Where an object of that kind would be listed."""
    if not project_id:
        return DEDICATED if kind == "dedicated_server" else None
    if kind == "registry":
        return ("project", project_id, "registries")
    name = LISTS.get(kind)
    return ("project", project_id, "region", pool, name) if name and pool else None


def pool_of(region: str) -> str:
    """The pool of a pool segment: `ru-3b` -> `ru-3`; a pool stays."""
    return re.sub(r"[a-z]+$", "", region)


def bucket_id(project_id: str, pool: str, name: str) -> str:
    """One id for a bucket, from the bill or from its list; hidden segment containers belong to their bucket."""
    return f"s3:{project_id}/{pool}/{bucket_name(name)}"


def bucket_name(name: str) -> str:
    return SEGMENT_CONTAINER.sub("", name) or name
