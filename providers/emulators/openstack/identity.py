"""Keystone v3: tokens by password, token and application credential, projects, catalogue, version documents.

A token is signed with a key that every emulator of one scenario derives alike, so that Selectel's billing knows it
without asking; it ends by the emulator's clock, and with the user or the role it stands for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.emulators.openstack.catalogue import catalogue
from providers.emulators.openstack.cloud import Cloud, naive
from providers.emulators.scenario import Scenario
from providers.emulators.wire import Request, Response

AUTH_PATH = "/v3/auth/tokens"
DEFAULT_LIFETIME_SECONDS = 86_400
SIGNATURE_BYTES = 32
RECEIPT_LIFETIME = timedelta(minutes=5)
UNAUTHORIZED = "The request you have made requires authentication."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who speaks with a valid token, and for what: a project, the account (domain), or nothing (unscoped)."""

    cloud: Cloud
    user: Mapping[str, Any]
    project: Mapping[str, Any] | None
    is_account: bool
    methods: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime

    @property
    def roles(self) -> list[str]:
        if self.is_account:
            return roles(self.user)
        return roles(self.user, self.project) if self.project is not None else []

    def may_read(self, service: str, resource: str) -> bool:
        """Whether policy lets the user list a service's resource."""
        denied = self.user.get("denied", ())
        return service not in denied and f"{service}:{resource}" not in denied


class Identity:
    """Issues and checks the tokens of all domains of a scenario."""

    def __init__(self, clouds: Iterable[Cloud], scenario: Scenario) -> None:
        self.clouds = {cloud.domain: cloud for cloud in clouds}
        section = scenario.providers.get("openstack", {})
        self.lifetime = timedelta(
            seconds=int(section.get("token_lifetime_seconds", DEFAULT_LIFETIME_SECONDS))
        )
        self._key = hashlib.sha256(f"{scenario.name}/{scenario.anchor}".encode()).digest()

    def issue(
        self, cloud: Cloud, user: Mapping[str, Any], scope: str, methods: Iterable[str], at: datetime
    ) -> str:
        """A token; `scope` is a project's id, "account" or nothing."""
        issued_at = at.replace(microsecond=0)
        claims = {
            "d": cloud.domain,
            "u": user["name"],
            "s": scope,
            "m": list(methods),
            "i": int(issued_at.timestamp()),
            "e": int((issued_at + self.lifetime).timestamp()),
        }
        body = json.dumps(claims, separators=(",", ":")).encode()
        signature = hmac.new(self._key, body, hashlib.sha256).digest()
        return "gAAAA" + base64.urlsafe_b64encode(signature + body).rstrip(b"=").decode()

    def session(self, token: str, at: datetime) -> Session | None:
        """What a token stands for; None for a forged or expired one, or where the right has ended."""
        raw = _decoded(token)
        if raw is None:
            return None
        signature, body = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, hmac.new(self._key, body, hashlib.sha256).digest()):
            return None
        claims = json.loads(body)
        cloud = self.clouds.get(claims["d"])
        user = cloud and _user(cloud, claims["u"])
        if not cloud or not user or claims["e"] <= at.timestamp():
            return None
        is_account = claims["s"] == "account"
        project = None if is_account else cloud.project(at, project_id=claims["s"])
        if (is_account and not roles(user)) or (project is not None and not roles(user, project)):
            return None
        if claims["s"] and not is_account and project is None:
            return None
        return Session(
            cloud=cloud,
            user=user,
            project=project,
            is_account=is_account,
            methods=tuple(claims["m"]),
            issued_at=datetime.fromtimestamp(claims["i"], UTC),
            expires_at=datetime.fromtimestamp(claims["e"], UTC),
        )

    def of(self, request: Request) -> Session | None:
        """The session of a request's `X-Auth-Token`."""
        return self.session(request.headers.get("x-auth-token", ""), request.at)

    @staticmethod
    def domain_of(request: Request) -> str | None:
        """The domain a request's token names, unverified."""
        raw = _decoded(request.headers.get("x-auth-token", ""))
        if raw is None:
            return None
        try:
            claims = json.loads(raw[SIGNATURE_BYTES:])
        except ValueError:
            return None
        return str(claims["d"]) if isinstance(claims, dict) and "d" in claims else None


class KeystoneApi:
    """The paths below `/openstack/keystone`."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def respond(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        if path in ("/", "/v3"):
            return version_document(request)
        if path == AUTH_PATH and request.method == "POST":
            return self._authenticate(request)
        session = self._identity.of(request)
        if session is None:
            return error(401, UNAUTHORIZED)
        if path == AUTH_PATH:
            return self._inspect(request)
        if path == "/v3/auth/projects":
            return Response(payload=_projects(session, request))
        if path == "/v3/auth/catalog":
            return Response(
                payload={"catalog": catalogue(session.cloud, _project_id(session), base_url(request))}
            )
        if path in ("/v3/users", "/v3/projects"):
            return error(403, f"You are not authorized to perform the requested action: {_action(path)}.")
        return error(404, f"(http://{request.headers.get('host', '')}): The resource could not be found.")

    def domain(self, request: Request) -> str | None:
        """The domain a sign-in names in its body, or the one of a token."""
        if request.path.rstrip("/") != AUTH_PATH or request.method != "POST":
            return self._identity.domain_of(request)
        auth = _auth(request)
        identity = auth.get("identity", {}) if auth else {}
        user = identity.get("password", {}).get("user", {})
        if "domain" in user:
            return self._domain_name(user["domain"])
        credential = identity.get("application_credential", {})
        found = self._application_credential(credential)
        return found[0].domain if found else None

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            after = str(options.get("retry_after") or 5)
            return error(429, "Too many requests", headers={"Retry-After": after})
        if kind == "section_disabled":
            return error(403, "You are not authorized to perform the requested action.")
        if kind == "code_required":
            receipt = {"Openstack-Auth-Receipt": "gAAAAreceipt"}
            return Response(
                status=401,
                payload={
                    "receipt": {
                        "methods": ["password"],
                        "issued_at": naive(request.at) + "Z",
                        "expires_at": naive(request.at + RECEIPT_LIFETIME) + "Z",
                    },
                    "required_auth_methods": [["password", "totp"]],
                },
                headers=receipt,
            )
        return error(
            500, str(options.get("message") or "An unexpected error prevented the server from fulfilling")
        )

    def violation(self, request: Request) -> str | None:
        if request.method == "GET" or (request.method == "POST" and request.path.rstrip("/") == AUTH_PATH):
            return None
        return f"{request.method} on Keystone"

    def _authenticate(self, request: Request) -> Response:
        auth = _auth(request)
        if auth is None or not isinstance(auth.get("identity"), dict):
            return error(400, "Expecting to find valid JSON in request body.")
        identity, scope = auth["identity"], auth.get("scope")
        methods = identity.get("methods") or []
        proven = self._proven(identity, methods, request.at)
        if proven is None:
            return error(401, UNAUTHORIZED)
        cloud, user, own_scope = proven
        wanted = own_scope if own_scope is not None else self._scope(cloud, user, scope, request.at)
        if wanted is None:
            return error(401, UNAUTHORIZED)
        token = self._identity.issue(cloud, user, wanted, methods, request.at)
        session = self._identity.session(token, request.at)
        if session is None:
            return error(401, UNAUTHORIZED)
        with_catalogue = "nocatalog" not in request.query
        return Response(
            status=201,
            payload=_token_body(session, base_url(request), with_catalogue=with_catalogue),
            headers={"X-Subject-Token": token, "Vary": "X-Auth-Token"},
        )

    def _proven(
        self, identity: Mapping[str, Any], methods: list[str], at: datetime
    ) -> tuple[Cloud, Mapping[str, Any], str | None] | None:
        """Whose credentials these are, with the scope an application credential carries; None for wrong ones."""
        if "password" in methods:
            return self._by_password(identity.get("password", {}).get("user", {}))
        if "token" in methods:
            session = self._identity.session(str(identity.get("token", {}).get("id", "")), at)
            return None if session is None else (session.cloud, session.user, None)
        if "application_credential" in methods:
            credential = identity.get("application_credential", {})
            found = self._application_credential(credential)
            if found is None or found[1]["secret"] != credential.get("secret"):
                return None
            cloud, values = found
            user = _user(cloud, values["user"])
            return None if user is None else (cloud, user, cloud.project_ids[values["project"]])
        return None

    def _by_password(self, given: Mapping[str, Any]) -> tuple[Cloud, Mapping[str, Any], str | None] | None:
        for cloud in self._identity.clouds.values():
            for user in cloud.users:
                by_id = given.get("id") == user["id"]
                by_name = given.get("name") == user["name"] and (
                    self._domain_name(given.get("domain")) == cloud.domain
                )
                if (by_id or by_name) and given.get("password") == user["password"]:
                    return cloud, user, None
        return None

    def _application_credential(self, given: Mapping[str, Any]) -> tuple[Cloud, Mapping[str, Any]] | None:
        for cloud in self._identity.clouds.values():
            for values in cloud.values.get("application_credential", []):
                if given.get("id") == values["id"]:
                    return cloud, values
                owner = given.get("user", {})
                if given.get("name") == values["name"] and (
                    owner.get("name") == values["user"]
                    and self._domain_name(owner.get("domain")) == cloud.domain
                ):
                    return cloud, values
        return None

    def _scope(self, cloud: Cloud, user: Mapping[str, Any], scope: Any, at: datetime) -> str | None:
        """The scope asked for in the words of a token; None where the user may not have it."""
        if not isinstance(scope, dict) or "unscoped" in scope:
            return ""
        if "domain" in scope:
            is_own = self._domain_name(scope["domain"]) == cloud.domain
            return "account" if is_own and roles(user) else None
        wanted = scope.get("project", {})
        if "domain" in wanted and self._domain_name(wanted["domain"]) != cloud.domain:
            return None
        project = cloud.project(at, project_id=wanted.get("id", ""), name=wanted.get("name", ""))
        return None if project is None or not roles(user, project) else str(project["id"])

    def _domain_name(self, given: Any) -> str | None:
        if not isinstance(given, dict):
            return None
        if "name" in given:
            return str(given["name"])
        return next(
            (c.domain for c in self._identity.clouds.values() if c.domain_id == given.get("id")), None
        )

    def _inspect(self, request: Request) -> Response:
        session = self._identity.session(request.headers.get("x-subject-token", ""), request.at)
        if session is None:
            return error(404, "Could not find token.")
        return Response(
            payload=_token_body(session, base_url(request), with_catalogue=True),
            headers={"X-Subject-Token": request.headers["x-subject-token"]},
        )


def roles(user: Mapping[str, Any], project: Mapping[str, Any] | None = None) -> list[str]:
    """Roles of a user on a project, or without one on the whole account."""
    if project is None:
        return [each["role"] for each in user.get("roles", ()) if "project" not in each]
    return [each["role"] for each in user.get("roles", ()) if each.get("project") in ("*", project["name"])]


def base_url(request: Request) -> str:
    """The address under which a client reached the server, from its Host header."""
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def error(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Keystone's shape of an error."""
    titles = {
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        429: "Too Many Requests",
    }
    body = {
        "error": {"code": status, "title": titles.get(status, "Internal Server Error"), "message": message}
    }
    return Response(status=status, payload=body, headers=headers or {})


def version_document(request: Request) -> Response:
    """What discovery finds at the root and at /v3."""
    version = {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base_url(request)}/openstack/keystone/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
    if request.path.rstrip("/") == "/v3":
        return Response(payload={"version": version})
    return Response(status=300, payload={"versions": {"values": [version]}})


def _auth(request: Request) -> dict[str, Any] | None:
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    auth = body.get("auth") if isinstance(body, dict) else None
    return auth if isinstance(auth, dict) else None


def _decoded(token: str) -> bytes | None:
    if not token.startswith("gAAAA"):
        return None
    text = token.removeprefix("gAAAA")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def _user(cloud: Cloud, name: str) -> dict[str, Any] | None:
    return next((user for user in cloud.users if user["name"] == name), None)


def _project_id(session: Session) -> str:
    return str(session.project["id"]) if session.project is not None else ""


def _projects(session: Session, request: Request) -> dict[str, Any]:
    """The projects the user may enter."""
    cloud = session.cloud
    return {
        "projects": [
            {
                "id": each["id"],
                "name": each["name"],
                "domain_id": cloud.domain_id,
                "enabled": True,
                "is_domain": False,
                "parent_id": cloud.domain_id,
                "description": each.get("description", ""),
                "tags": [],
                "options": {},
                "links": {"self": f"{base_url(request)}/openstack/keystone/v3/projects/{each['id']}"},
            }
            for each in cloud.projects(request.at)
            if roles(session.user, each)
        ],
        "links": {
            "next": None,
            "self": f"{base_url(request)}/openstack/keystone/v3/auth/projects",
            "previous": None,
        },
    }


def _token_body(session: Session, url: str, *, with_catalogue: bool) -> dict[str, Any]:
    cloud = session.cloud
    domain = {"id": cloud.domain_id, "name": cloud.domain}
    token: dict[str, Any] = {
        "methods": list(session.methods),
        "user": {
            "id": session.user["id"],
            "name": session.user["name"],
            "domain": domain,
            "password_expires_at": None,
        },
        "audit_ids": ["Zm9vYmFy"],
        "issued_at": naive(session.issued_at) + "Z",
        "expires_at": naive(session.expires_at) + "Z",
    }
    if session.project is not None:
        token["project"] = {"id": session.project["id"], "name": session.project["name"], "domain": domain}
        token["is_domain"] = False
    elif session.is_account:
        token["domain"] = domain
    if session.project is not None or session.is_account:
        token["roles"] = [{"id": cloud.identity("role", role), "name": role} for role in session.roles]
        if with_catalogue:
            token["catalog"] = catalogue(cloud, _project_id(session), url)
    return {"token": token}


def _action(path: str) -> str:
    return f"identity:list_{path.rsplit('/', 1)[1]}"
