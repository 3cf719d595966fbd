"""From our types to FOCUS services: category, subcategory and a service name that has one of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from providers.focus_schema import SERVICE_SUBCATEGORIES

BY_TYPE: Mapping[str, tuple[str, str]] = {
    "server": ("Compute", "Virtual Machines"),
    "dedicated_server": ("Compute", "Other (Compute)"),
    "function": ("Compute", "Serverless Compute"),
    "kubernetes_cluster": ("Compute", "Containers"),
    "kubernetes_node_group": ("Compute", "Containers"),
    "container_registry": ("Compute", "Containers"),
    "volume": ("Storage", "Block Storage"),
    "snapshot": ("Storage", "Backup Storage"),
    "backup": ("Storage", "Backup Storage"),
    "image": ("Storage", "Other (Storage)"),
    "file_storage": ("Storage", "File Storage"),
    "s3_bucket": ("Storage", "Object Storage"),
    "database": ("Databases", "Other (Databases)"),
    "load_balancer": ("Networking", "Application Networking"),
    "network": ("Networking", "Network Infrastructure"),
    "router": ("Networking", "Network Routing"),
    "floating_ip": ("Networking", "Network Connectivity"),
    "cdn": ("Networking", "Content Delivery"),
    "dns_zone": ("Networking", "Network Infrastructure"),
    "domain": ("Web", "Other (Web)"),
    "website": ("Web", "Application Platforms"),
    "account_plan": ("Web", "Application Platforms"),
    "ftp_account": ("Web", "Application Platforms"),
    "mailbox": ("Business Applications", "Productivity and Collaboration"),
    "licence": ("Other", "Other (Other)"),
    "support": ("Management and Governance", "Support"),
    "other": ("Other", "Other (Other)"),
}

_ENGINES: tuple[tuple[str, str], ...] = (
    ("mysql", "Relational Databases"),
    ("mariadb", "Relational Databases"),
    ("postgres", "Relational Databases"),
    ("redis", "Caching"),
    ("valkey", "Caching"),
    ("memcached", "Caching"),
    ("mongo", "NoSQL Databases"),
    ("clickhouse", "Data Warehouses"),
    ("greenplum", "Data Warehouses"),
)

_PLAIN: Mapping[str, str] = {
    "VPS": "Virtual Machines",
    "Cloud platform": "Virtual Machines",
    "Hosting": "Application Platforms",
    "Domains": "Other (Web)",
    "S3": "Object Storage",
    "Object storage": "Object Storage",
    "CDN": "Content Delivery",
    "Cloud databases": "Relational Databases",
    "Managed databases": "Relational Databases",
    "Managed Kubernetes": "Containers",
    "Container registry": "Containers",
    "Serverless": "Serverless Compute",
    "Dedicated servers": "Other (Compute)",
}
"""A product -> the subcategory that bears its name alone; what else it sells gets the subcategory after a colon."""


@lru_cache(maxsize=4096)
def service_of(provider: str, service: str, resource_type: str, engine: str = "") -> tuple[str, str, str]:
    """(ServiceName, ServiceCategory, ServiceSubcategory), the same for the same words in every file."""
    category, subcategory = BY_TYPE[resource_type]
    if category == "Databases":
        found = (name for word, name in _ENGINES if word in engine.lower())
        subcategory = next(found, subcategory)
    name = service if service.startswith(provider) else f"{provider} {service}".strip()
    if _PLAIN.get(service) != subcategory:
        name = f"{name}: {subcategory}"
    return name, category, subcategory


def subcategory_in(category: str, subcategory: str) -> str:
    """The subcategory where it is one of the category's, else the category's own “Other”."""
    known = SERVICE_SUBCATEGORIES.get(category)
    return subcategory if known is None or subcategory in known else known[-1]
