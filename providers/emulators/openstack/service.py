"""What the regional services have in common: tokens, policy, microversions, pages, faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from providers.emulators.openstack.cloud import Cloud
from providers.emulators.openstack.identity import UNAUTHORIZED, Identity, Session, base_url
from providers.emulators.wire import Request, Response

VERSION = re.compile(r"([1-9]\d*)\.(0|[1-9]\d*)")
FAULT_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
    429: "overLimit",
    503: "serviceUnavailable",
}

Things = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorized request to one service of one project in one region; `path` is below its base URL."""

    request: Request
    session: Session
    region: str
    path: str
    version: tuple[int, int] = (0, 0)

    @property
    def cloud(self) -> Cloud:
        return self.session.cloud

    @property
    def at(self) -> datetime:
        return self.request.at

    @property
    def project_id(self) -> str:
        assert self.session.project is not None
        return str(self.session.project["id"])

    def standing(self, kind: str) -> list[dict[str, Any]]:
        """Things of a kind in this project and region."""
        return self.cloud.standing(kind, self.at, project_id=self.project_id, region=self.region)

    def url(self, family: str) -> str:
        return f"{base_url(self.request)}/openstack/{family}/{self.region}"


class Service:
    """One service of the catalogue, in every region."""

    family: ClassVar[str]
    kind: ClassVar[str]
    """The catalogue's service type."""
    prefix: ClassVar[str]
    """Path from the region to the resources; `{project}` where the project's id belongs."""
    fallback_fault: ClassVar[str] = "computeFault"
    version_header: ClassVar[str] = ""
    """What stands before the number in `OpenStack-API-Version`; nothing for services without microversions."""
    own_version_header: ClassVar[str] = ""
    lowest: ClassVar[str] = ""
    highest: ClassVar[str] = ""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.routes: dict[str, Callable[[Call], Response]] = {}

    def respond(self, request: Request) -> Response:
        region, _, rest = request.path.strip("/").partition("/")
        if rest in ("", self.prefix.partition("/")[0]) and not self.identity.domain_of(request):
            return self.version_document(request, region)
        session = self.identity.of(request)
        if session is None:
            return self.unauthorized()
        if session.project is None:
            return self.error(403, f"Policy doesn't allow {self.family} without a project to be performed.")
        values = session.cloud.regions.get(region)
        if values is None or self.kind in values.get("without", ()):
            return Response(status=404, text="404 Not Found")
        expected = self.prefix.format(project=session.project["id"])
        if rest in ("", self.prefix.partition("/")[0]):
            return self.version_document(request, region)
        if not (rest + "/").startswith(expected + "/"):
            return self.foreign_path(rest)
        call = Call(
            request=request, session=session, region=region, path=rest.removeprefix(expected).strip("/")
        )
        return self._versioned(call, values)

    def _versioned(self, call: Call, values: Mapping[str, Any]) -> Response:
        """Negotiate the microversion, then ask policy, then answer."""
        if not self.version_header:
            return self._allowed(call)
        lowest, highest = self.version_range(values)
        asked = self._asked(call.request)
        if asked == "latest":
            asked = highest
        if not VERSION.fullmatch(asked or lowest):
            return self.error(
                400,
                f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum.",
            )
        version = _numbers(asked or lowest)
        if not _numbers(lowest) <= version <= _numbers(highest):
            return self.error(
                406,
                f"Version {asked} is not supported by the API. Minimum is {lowest} and maximum is {highest}.",
            )
        answer = self._allowed(
            Call(
                request=call.request,
                session=call.session,
                region=call.region,
                path=call.path,
                version=version,
            )
        )
        text = f"{version[0]}.{version[1]}"
        headers = {**answer.headers, **self._version_headers(text)}
        return Response(
            status=answer.status,
            payload=answer.payload,
            text=answer.text,
            text_type=answer.text_type,
            headers=headers,
        )

    def _allowed(self, call: Call) -> Response:
        handler = self.routes.get(call.path)
        if handler is None:
            handler = next(
                (
                    each
                    for pattern, each in self.routes.items()
                    if "{" in pattern and re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", pattern), call.path)
                ),
                None,
            )
        if handler is None:
            return self.error(404, "The resource could not be found.")
        resource = call.path.partition("/")[0]
        if not call.session.may_read(self.family, resource):
            return self.forbidden(resource)
        return handler(call)

    def version_range(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """The lowest and the highest microversion of a region."""
        return self.lowest, self.highest

    def _asked(self, request: Request) -> str | None:
        for entry in request.headers.get("openstack-api-version", "").split(","):
            name, _, version = entry.strip().partition(" ")
            if name == self.version_header:
                return version.strip()
        return request.headers.get(self.own_version_header.lower()) if self.own_version_header else None

    def _version_headers(self, version: str) -> dict[str, str]:
        headers = {
            "OpenStack-API-Version": f"{self.version_header} {version}",
            "Vary": "OpenStack-API-Version",
        }
        if self.own_version_header:
            headers[self.own_version_header] = version
        return headers

    def version_document(self, request: Request, region: str) -> Response:
        """What discovery finds without a path."""
        major = self.prefix.partition("/")[0]
        version = {
            "id": major if "." in major else f"{major}.0",
            "status": "CURRENT",
            "links": [
                {
                    "rel": "self",
                    "href": f"{base_url(request)}/openstack/{self.family}/{region}/{self.prefix.split('/{')[0]}/",
                }
            ],
        }
        if self.version_header:
            cloud = self.identity.clouds.get(self.identity.domain_of(request) or "")
            values = cloud.regions.get(region, {}) if cloud else {}
            version["min_version"], version["version"] = self.version_range(values)
        return Response(status=300, payload={"versions": [version]})

    def error(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """The service's shape of an error: here that of Nova, Cinder and Manila."""
        name = FAULT_NAMES.get(status, self.fallback_fault)
        fault: dict[str, Any] = {"code": status, "message": message}
        if headers and "Retry-After" in headers:
            fault["retryAfter"] = headers["Retry-After"]
        return Response(status=status, payload={name: fault}, headers=headers or {})

    def unauthorized(self) -> Response:
        """The answer of the middleware before every service."""
        return Response(
            status=401,
            payload={"error": {"code": 401, "title": "Unauthorized", "message": UNAUTHORIZED}},
            headers={"WWW-Authenticate": "Keystone uri='http://127.0.0.1/identity'"},
        )

    def forbidden(self, resource: str) -> Response:
        return self.error(403, f"Policy doesn't allow {self.family}:{resource} to be performed.")

    def foreign_path(self, rest: str) -> Response:
        return self.error(404, "The resource could not be found.")

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            after = {"Retry-After": str(options.get("retry_after") or 5)}
            return self.error(self.over_limit_status, "This request was rate-limited.", headers=after)
        if kind == "section_disabled":
            return self.forbidden(request.path.strip("/").rpartition("/")[2])
        if kind == "code_required":
            return self.unauthorized()
        return self.error(500, str(options.get("message") or "The server has either erred or is incapable"))

    over_limit_status: ClassVar[int] = 413

    def violation(self, request: Request) -> str | None:
        return None if request.method == "GET" else f"{request.method} on {self.family}"

    def page(self, call: Call, things: Things, *, default: int | None = None) -> Page | Response:
        """The page that `limit` and `marker` ask for, cut at the server's own maximum; an error for bad ones."""
        maximum = call.cloud.page_limit(call.region)
        query = call.request.query
        try:
            limit = int(query.get("limit", default or maximum))
        except ValueError:
            return self.error(400, "Invalid input for query parameters limit.")
        if limit < 0:
            return self.error(400, "limit must be an integer greater than 0")
        limit = min(limit, maximum) or maximum
        first = 0
        if query.get("marker"):
            found = next((i for i, each in enumerate(things) if each["id"] == query["marker"]), None)
            if found is None:
                return self.error(self.lost_marker_status, f"marker [{query['marker']}] not found")
            first = found + 1
        elif "offset" in query:
            first = int(query["offset"])
        return Page(things=things[first : first + limit], limit=limit)

    lost_marker_status: ClassVar[int] = 400

    def listing(
        self,
        call: Call,
        things: Things,
        key: str,
        show: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        *,
        links: str | None = None,
    ) -> Response:
        """A page of a list, with a link to the next where it is full (as the services do, also after the last)."""
        page = self.page(call, things)
        if isinstance(page, Response):
            return page
        body: dict[str, Any] = {key: [show(thing) for thing in page.things]}
        if page.is_full:
            address = f"{call.url(self.family)}/{self.prefix.format(project=call.project_id)}/{call.path}"
            href = f"{address}?limit={page.limit}&marker={page.things[-1]['id']}"
            body[links or f"{key}_links"] = [{"rel": "next", "href": href}]
        return Response(payload=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    things: Things
    limit: int

    @property
    def is_full(self) -> bool:
        return bool(self.things) and len(self.things) == self.limit


def _numbers(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)
