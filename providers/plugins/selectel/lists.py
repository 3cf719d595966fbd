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

from providers.contract.errors import ProviderError
from providers.openstack.client import Cloud, ServiceClient, broken, is_missing
from providers.openstack.inventory import LISTS as OPENSTACK_LISTS
from providers.openstack.inventory import List
from providers.openstack.normalize import Place

from .normalize import managed
from .normalize.words import bucket_name

SWIFT_PAGE = 10_000
ZONES_PAGE = 1000


def _databases(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """Databases with the name of their engine; where nobody knows the names, the databases stay."""
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
    """Clusters, each with its node groups.

    Only the list of clusters tells by 404 that the service is missing; of a cluster that is there, node groups that are
    not fail the list.
    """
    path = "/clusters/{id}/nodegroups"
    for item in client.get(each.path, interpret=listed(cloud, each.key, each.path)):
        yield item
        cluster_id = str(item.get("id") or "")
        if not cluster_id:
            continue  # fails the list when it is read
        try:
            groups = client.get(
                path, segments={"id": cluster_id}, interpret=listed(cloud, "nodegroups", path)
            )
        except ProviderError as error:
            if is_missing(error):
                raise broken(cloud, "a cluster without its node groups", f"GET {path}") from None
            raise
        for group in groups:
            yield {**group, "_cluster_id": cluster_id}


def _buckets(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """Each bucket once, with the bytes of all its hidden containers and the objects of its own.

    Where the list breaks off, the buckets of its beginning stay.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        for item in _containers(cloud, client, each):
            name = bucket_name(item["name"])
            bucket = found.setdefault(name, {**item, "name": name, "bytes": 0, "count": None})
            bucket["bytes"] = _sum(bucket["bytes"], item.get("bytes"))
            if item["name"] == name:
                bucket["count"] = item.get("count")
    except ProviderError:
        yield from found.values()
        raise
    yield from found.values()


def _sum(known: Any, further: Any) -> Any:
    """The sum of two sizes, None where one of them is no number."""
    return known + further if isinstance(known, int) and isinstance(further, int) else None


def _containers(cloud: Cloud, client: ServiceClient, each: List) -> Iterator[Mapping[str, Any]]:
    """All containers; the list has ended when nothing comes after its last name.

    Without names, or with a page that does not come after the one before, it would never end.
    """
    operation = "GET buckets"
    marker = ""
    markers: set[str] = set()
    while True:
        params: dict[str, Any] = {
            "format": "json",
            "limit": SWIFT_PAGE,
            **({"marker": marker} if marker else {}),
        }
        items = client.get(each.path, params=params, interpret=listed(cloud, "", "buckets"))
        if not items:
            return
        if not all(isinstance(item.get("name"), str) and item["name"] for item in items):
            raise broken(cloud, "buckets without a name", operation)
        marker = str(items[-1]["name"])
        if marker in markers:
            raise broken(cloud, "the same page came twice", operation)
        markers.add(marker)
        yield from items


def _zones(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """Zones to the end that the answers name, and not fewer than they count."""
    offset = read_count = 0
    while True:
        items, following, count = client.get(
            each.path,
            params={"limit": ZONES_PAGE, "offset": offset},
            interpret=lambda body: (
                listed(cloud, each.key, each.path)(body),
                body.get("next_offset"),
                body.get("count"),
            ),
        )
        yield from items
        read_count += len(items)
        if not isinstance(following, int) or following <= offset:
            if isinstance(count, int) and read_count < count:
                raise broken(cloud, "the list ends early", f"GET {each.path}")
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
        is_closed_where_absent=True,
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
