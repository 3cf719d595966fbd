"""Everything of every project in every region of the catalogue.

| scope below ("project", id, "region", region) | service | absent with 404 |
|---|---|---|
| servers | compute | no |
| volumes, snapshots | volumev3 | no |
| backups | volumev3 | yes |
| ports, floating_ips, routers, networks | network | no |
| images | image | no |
| shares | sharev2 | yes |
| load_balancers | load-balancer | yes |

A service that the catalogue does not have in a region is absent there. A project that cannot be entered is the scope
("project", id), denied or failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from keystoneauth1.access.access import AccessInfo

from common.text import gettext_noop
from providers.contract.errors import (
    AuthenticationFailed,
    PermissionDenied,
    ProviderError,
    ProviderUnavailable,
)
from providers.contract.plugin import complete, not_complete
from providers.contract.records import ResourceRecord, Scope, ScopeResult, ScopeStatus
from providers.http import Route

from . import normalize
from .client import Cloud, Login, ServiceClient, broken, is_missing, public_urls
from .joining import Neighbourhood, joined
from .normalize import Malformed, Place, Port, Stub, Thing
from .paging import marker_pages
from .parallel import in_parallel

logger = logging.getLogger(__name__)

Read = Callable[[Mapping[str, Any], Place], Thing | Stub | Port | None]
Fetch = Callable[[Cloud, ServiceClient, "List", Place], Iterator[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """One list of one service. `path` goes below the endpoint plus `base`, unless that ends in it already.

    `params` may name {project_id}. `fetch` reads a list that does not come in OpenStack's pages, and `more_paths` are
    what it calls besides. `may_be_absent`: 404 means that the service is not there, with `is_closed_where_absent` 403
    does as well.
    """

    name: str
    service_types: tuple[str, ...]
    path: str
    key: str
    read: Read
    base: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    is_offset: bool = False
    may_be_absent: bool = False
    is_closed_where_absent: bool = False
    fetch: Fetch | None = None
    more_paths: tuple[str, ...] = ()


def balancers_with_members(
    cloud: Cloud, client: ServiceClient, each: List, place: Place
) -> Iterator[Mapping[str, Any]]:
    """Balancers, each with how many members its pools have; where pools may not be read, nobody knows."""
    balancers = list(pages(cloud, client, each, place))
    counts: dict[str, int] | None = {str(item["id"]): 0 for item in balancers}
    if any(item.get("pools") for item in balancers):
        counts = _member_counts(cloud, client, place)
    for item in balancers:
        yield item if counts is None else {**item, normalize.MEMBER_COUNT: counts.get(str(item["id"]), 0)}


def _member_counts(cloud: Cloud, client: ServiceClient, place: Place) -> dict[str, int] | None:
    counts: dict[str, int] = {}
    try:
        for pool in marker_pages(cloud, client, "/pools", "pools", params={"project_id": place.project_id}):
            for balancer in normalize.rows(pool.get("loadbalancers")):
                if isinstance(balancer, dict):
                    balancer_id = str(balancer.get("id"))
                    counts[balancer_id] = counts.get(balancer_id, 0) + len(
                        normalize.rows(pool.get("members"))
                    )
    except ProviderError as error:
        if is_missing(error) or isinstance(error, PermissionDenied):
            return None
        raise
    return counts


def pages(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """A list in OpenStack's pages."""
    params = {name: value.format(project_id=place.project_id) for name, value in each.params.items()}
    return marker_pages(cloud, client, each.path, each.key, params=params, is_offset=each.is_offset)


COMPUTE = ("compute",)
STORAGE = ("volumev3", "block-storage")
NETWORK = ("network",)

LISTS: tuple[List, ...] = (
    List(name="servers", service_types=COMPUTE, path="/servers/detail", key="servers", read=normalize.server),
    List(name="volumes", service_types=STORAGE, path="/volumes/detail", key="volumes", read=normalize.volume),
    List(
        name="snapshots",
        service_types=STORAGE,
        path="/snapshots/detail",
        key="snapshots",
        read=normalize.snapshot,
    ),
    List(
        name="backups",
        service_types=STORAGE,
        path="/backups/detail",
        key="backups",
        read=normalize.backup,
        may_be_absent=True,
    ),
    List(
        name="ports",
        service_types=NETWORK,
        path="/ports",
        key="ports",
        read=normalize.port,
        base="/v2.0",
        params={"project_id": "{project_id}"},
    ),
    List(
        name="load_balancers",
        service_types=("load-balancer",),
        path="/loadbalancers",
        key="loadbalancers",
        read=normalize.load_balancer,
        base="/v2/lbaas",
        params={"project_id": "{project_id}"},
        may_be_absent=True,
        fetch=balancers_with_members,
        more_paths=("/pools",),
    ),
    List(
        name="floating_ips",
        service_types=NETWORK,
        path="/floatingips",
        key="floatingips",
        read=normalize.floating_ip,
        base="/v2.0",
        params={"project_id": "{project_id}"},
    ),
    List(
        name="routers",
        service_types=NETWORK,
        path="/routers",
        key="routers",
        read=normalize.router,
        base="/v2.0",
        params={"project_id": "{project_id}"},
    ),
    List(
        name="networks",
        service_types=NETWORK,
        path="/networks",
        key="networks",
        read=normalize.network,
        base="/v2.0",
        params={"project_id": "{project_id}"},
    ),
    List(
        name="shares",
        service_types=("sharev2", "shared-file-system"),
        path="/shares/detail",
        key="shares",
        read=normalize.share,
        is_offset=True,
        may_be_absent=True,
    ),
    List(
        name="images",
        service_types=("image",),
        path="/images",
        key="images",
        read=normalize.image,
        base="/v2",
        params={"owner": "{project_id}", "visibility": "private"},
    ),
)

VERSION_HEADERS: Mapping[str, tuple[str, str]] = {
    "compute": ("OpenStack-API-Version", "compute {version}"),
    "sharev2": ("X-OpenStack-Manila-API-Version", "{version}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One list of one project and region, as far as it was read, and how that ended."""

    project: Login
    region_id: str
    name: str
    result: ScopeResult
    things: list[Thing] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that was entered: its login and the addresses of its services, {service type: {region: URL}}."""

    login: Login
    access: AccessInfo
    _urls: Mapping[str, Mapping[str, str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_urls", public_urls(self.access))

    @property
    def project_id(self) -> str:
        return self.login.scope_id

    def urls(self, *service_types: str) -> dict[str, str]:
        """{region: URL} of a service under any of its types; {} where the catalogue has none."""
        found: dict[str, str] = {}
        for service_type in reversed(service_types):
            found |= self._urls.get(service_type, {})
        return found


class Inventory:
    """Lists projects; `versions` are the microversions to ask for, {"compute": "2.69"}.

    `billed_parents` is looked at when records are joined; fill it before `records` is read. `gauges` is filled
    meanwhile: what the lists tell of use at this moment, {resource id: {metric: value}}.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        auth_url: str,
        versions: Mapping[str, str],
        lists: tuple[List, ...] = LISTS,
        billed_parents: Mapping[str, str] | None = None,
    ) -> None:
        self._cloud = cloud
        self._auth_url = auth_url
        self._versions = versions
        self._lists = lists
        self._billed_parents = billed_parents if billed_parents is not None else {}
        self.gauges: dict[str, Mapping[str, float]] = {}

    def enter(self, logins: Iterable[Login]) -> Iterator[Project | ScopeResult]:
        """Log in to every project at the same time; what cannot be entered is a scope that says why."""
        yield from in_parallel(self._cloud, (partial(self._enter, login) for login in logins))

    def regions(self, project: Project) -> list[str]:
        """Regions of the catalogue, as far as some list of ours could be asked there."""
        found: set[str] = set()
        for each in self._lists:
            found |= project.urls(*each.service_types).keys()
        return sorted(found)

    def records(self, projects: Iterable[Project]) -> Iterator[ResourceRecord | ScopeResult]:
        """Records and one result a scope, project by project, region by region; lists are read at the same time."""
        jobs = (
            partial(self._list, project, region, each)
            for project in projects
            for region in self.regions(project)
            for each in self._lists
        )
        around: list[Listing] = []
        for listing in in_parallel(self._cloud, jobs):
            around.append(listing)
            if len(around) == len(self._lists):
                yield from self._joined(around)
                around = []

    def of_projects(
        self, projects: Iterable[Project], each: List, url: str
    ) -> Iterator[ResourceRecord | ScopeResult]:
        """A list that every project has once, at one address for all regions; scopes ("project", id, name)."""
        jobs = (
            partial(self._list_at, project, "", ("project", project.project_id, each.name), each, url)
            for project in projects
        )
        for listing in in_parallel(self._cloud, jobs):
            yield from (thing.record for thing in listing.things)
            yield listing.result

    def probe(self, projects: Iterable[Project], names: Iterable[str]) -> Iterator[ScopeResult]:
        """Ask for one object of each of these lists in every project and region: what may be read, and what not."""
        wanted = set(names)
        jobs = (
            partial(self._list, project, region, replace(each, fetch=_first))
            for project in projects
            for region in self.regions(project)
            for each in self._lists
            if each.name in wanted
        )
        for listing in in_parallel(self._cloud, jobs):
            yield listing.result

    def _joined(self, listings: list[Listing]) -> Iterator[ResourceRecord | ScopeResult]:
        around = Neighbourhood(
            things={listing.name: listing.things for listing in listings},
            ports=[port for listing in listings for port in listing.ports],
            complete={each.name for each in listings if each.result.status is ScopeStatus.COMPLETE},
            billed_parents=self._billed_parents,
        )
        for listing in listings:
            self.gauges |= {each.record.resource_id: each.gauges for each in listing.things if each.gauges}
            yield from joined(listing.name, around)
            yield listing.result

    def _enter(self, login: Login) -> Project | ScopeResult:
        scope = ("project", login.scope_id)
        client = ServiceClient(self._cloud, login, url=self._auth_url, routes=())
        try:
            access = client.access()
            project = Project(login=login, access=access) if access.has_service_catalog() else None
            if project is None or not self.regions(project):
                raise broken(self._cloud, "no endpoint in the catalogue", "sign in")
        except (AuthenticationFailed, PermissionDenied) as error:
            return not_complete(scope, self._no_entry(login, error))
        except ProviderError as error:
            return incomplete(scope, error)
        finally:
            client.close()
        return project

    def _no_entry(self, login: Login, error: ProviderError) -> PermissionDenied:
        return PermissionDenied(
            gettext_noop(
                "%(provider)s does not let this user into the project “%(project)s”. Give it the role reader there, or "
                "check that access is not limited to certain IP addresses. What is known of the project stays."
            ),
            provider=self._cloud.provider,
            operation=error.operation,
            params={"provider": self._cloud.provider_name, "project": login.name or login.scope_id},
        )

    def _list(self, project: Project, region: str, each: List) -> Listing:
        scope: Scope = ("project", project.project_id, "region", region, each.name)
        url = project.urls(*each.service_types).get(region)
        if url is None:
            absent = ScopeResult(scope=scope, status=ScopeStatus.ABSENT)
            return Listing(project=project.login, region_id=region, name=each.name, result=absent)
        return self._list_at(project, region, scope, each, url)

    def _list_at(self, project: Project, region: str, scope: Scope, each: List, url: str) -> Listing:
        listing = partial(Listing, project=project.login, region_id=region, name=each.name)
        place = Place(
            scope=scope,
            project_id=project.project_id,
            project_name=project.login.name or project.access.project_name or "",
            region_id=region,
        )
        things: list[Thing] = []
        ports: list[Port] = []
        try:
            for found in self._read(project, url, each, place):
                (ports if isinstance(found, Port) else things).append(found)  # type: ignore[arg-type]
        except ProviderError as error:
            if _is_absent(each, error):
                return listing(result=ScopeResult(scope=scope, status=ScopeStatus.ABSENT))
            return listing(result=incomplete(scope, error), things=things, ports=ports)
        return listing(result=complete(*scope), things=things, ports=ports)

    def _read(self, project: Project, url: str, each: List, place: Place) -> Iterator[Thing | Port]:
        """What the list holds; what cannot be read fails it at its end, and hides nothing else."""
        operation = f"GET {each.path}"
        late: ProviderError | None = None
        client = ServiceClient(
            self._cloud,
            project.login,
            url=service_url(url, each.base),
            routes=[Route(method="GET", path=path) for path in (each.path, *each.more_paths)],
            headers=self._version_headers(each),
            api=each.service_types[0],
            region=place.region_id,
        )
        try:
            for item in (each.fetch or pages)(self._cloud, client, each, place):
                try:
                    found = each.read(item, place)
                except Malformed as error:
                    late = late or broken(self._cloud, str(error), operation)
                    continue
                if isinstance(found, Stub):
                    late = late or self._unreachable_cell(operation)
                elif found is not None:
                    yield found
        finally:
            client.close()
        if late is not None:
            raise late

    def _version_headers(self, each: List) -> dict[str, str]:
        service = each.service_types[0]
        version = self._versions.get(service)
        if version is None or service not in VERSION_HEADERS:
            return {}
        name, value = VERSION_HEADERS[service]
        return {name: value.format(version=version)}

    def _unreachable_cell(self, operation: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            gettext_noop(
                "A part of %(provider)s does not answer for its servers. What could not be read keeps its last state, "
                "nothing was removed."
            ),
            provider=self._cloud.provider,
            operation=operation,
            params={"provider": self._cloud.provider_name},
        )


def _first(cloud: Cloud, client: ServiceClient, each: List, place: Place) -> Iterator[Mapping[str, Any]]:
    """Nothing: one short answer shows whether the list may be read."""
    params = {name: value.format(project_id=place.project_id) for name, value in each.params.items()}
    client.get(each.path, params={**params, "limit": 1}, interpret=lambda body: body)
    return iter(())


def _is_absent(each: List, error: ProviderError) -> bool:
    is_closed = each.is_closed_where_absent and isinstance(error, PermissionDenied)
    return each.may_be_absent and (is_missing(error) or is_closed)


def incomplete(scope: Scope, error: ProviderError) -> ScopeResult:
    logger.warning("%s was not read: %s (%s)", "/".join(scope), error, error.operation)
    return not_complete(scope, error)


def service_url(url: str, base: str) -> str:
    """The endpoint with the version that its catalogue entry may lack: `…/network` and `/v2.0`."""
    if not base or url.endswith(base):
        return url
    version, _, rest = base.removeprefix("/").partition("/")
    for known in (f"/{version}", "/v2.0", "/v2"):
        if url.endswith(known):
            url = url.removesuffix(known)
            break
    return f"{url}/{version}/{rest}".rstrip("/")
