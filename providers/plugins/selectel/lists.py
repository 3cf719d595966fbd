"""What Selectel has besides OpenStack's own lists, and how each is read.

| list | where | pages |
|---|---|---|
| databases | managed-database of a pool, with the engines' names | none |
| clusters | managed-kubernetes of a pool, then the node groups of each | none |
| buckets | object-store of a pool; 403 and 404 mean that it is not switched on | marker = last name |
| registries, zones | one host each, with a project's token | none; next_offset |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from providers.contract.errors import PermissionDenied, ProviderError
from providers.openstack.client import Cloud, ServiceClient, broken, is_missing
from providers.openstack.inventory import LISTS as OPENSTACK_LISTS
from providers.openstack.inventory import List
from providers.openstack.normalize import Place

from .normalize import managed
from .normalize.words import bucket_name

SWIFT_PAGE = 10_000
ZONES_PAGE = 1000


def _databases(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """Databases with the name of their engine; without the names the databases stay."""
    items = client.get(each.path, interpret=listed(cloud, each.key, each.path))
    engines: dict[str, Any] = {}
    if items:
        path = "/datastore-types"
        try:
            kinds = client.get(path, interpret=listed(cloud, "datastore-types", path))
        except ProviderError as error:
            if not is_missing(error):
                raise
            kinds = []
        engines = {str(kind.get("id")): kind for kind in kinds}
    for item in items:
        yield {**item, "_engine": engines.get(str(item.get("type_id")), {})}


def _clusters(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    path = "/clusters/{id}/nodegroups"
    for item in client.get(each.path, interpret=listed(cloud, each.key, each.path)):
        yield item
        groups = client.get(
            path, segments={"id": str(item.get("id"))}, interpret=listed(cloud, "nodegroups", path)
        )
        for group in groups:
            yield {**group, "_cluster_id": item.get("id")}


def _buckets(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """Each bucket once, however many hidden containers it has."""
    marker = ""
    seen: set[str] = set()
    while True:
        params: dict[str, Any] = {
            "format": "json",
            "limit": SWIFT_PAGE,
            **({"marker": marker} if marker else {}),
        }
        try:
            items = client.get(each.path, params=params, interpret=listed(cloud, "", "GET buckets"))
        except PermissionDenied:
            return  # object storage is not switched on in this project
        for item in items:
            name = bucket_name(str(item.get("name") or ""))
            if name not in seen:
                seen.add(name)
                yield item
        if not items or items[-1].get("name") == marker:
            return
        marker = str(items[-1].get("name"))


def _zones(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    offset = 0
    while True:
        body = client.get(
            each.path,
            params={"limit": ZONES_PAGE, "offset": offset},
            interpret=lambda body: (
                listed(cloud, each.key, each.path)(body),
                body.get("next_offset"),
            ),
        )
        items, following = body
        yield from items
        if not isinstance(following, int) or following <= offset:
            return
        offset = following


def listed(cloud: Cloud, key: str, path: str) -> Callable[[Any], list[dict[str, Any]]]:
    """Reads a list of objects: `key` of an object, or with "" the answer itself, where nothing means none."""

    def read(body: Any) -> list[dict[str, Any]]:
        found = body.get(key) if key and isinstance(body, dict) else body
        if found is None and not key:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise broken(cloud, f"no list of {key or 'objects'}", f"GET {path}")
        return found

    return read


def _plain(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    yield from client.get(each.path, interpret=listed(cloud, each.key, each.path))


POOL_LISTS: tuple[List, ...] = (
    *OPENSTACK_LISTS,
    List(
        name="databases",
        service_types=("managed-database",),
        path="/datastores",
        key="datastores",
        read=managed.database,
        fetch=_databases,
        more_paths=("/datastore-types",),
        may_be_absent=True,
    ),
    List(
        name="clusters",
        service_types=("managed-kubernetes",),
        path="/clusters",
        key="clusters",
        read=managed.cluster,
        fetch=_clusters,
        more_paths=("/clusters/{id}/nodegroups",),
        may_be_absent=True,
    ),
    List(
        name="buckets",
        service_types=("object-store",),
        path="",
        key="",
        read=managed.bucket,
        fetch=_buckets,
        may_be_absent=True,
    ),
)

REGISTRIES = List(
    name="registries",
    service_types=("container-registry",),
    path="/v1/registries",
    key="",
    read=managed.registry,
    fetch=_plain,
    may_be_absent=True,
)
ZONES = List(
    name="zones",
    service_types=("dnsv2",),
    path="/v2/zones",
    key="result",
    read=managed.zone,
    fetch=_zones,
    may_be_absent=True,
)
