"""Resell v2 and IAM: projects, addresses of all projects, capabilities, people and their roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from providers.emulators.openstack.cloud import Cloud, fixed_address, port_id, zulu
from providers.emulators.selectel.access import PROJECT, STATIC, Caller, Gate
from providers.emulators.selectel.account import Account
from providers.emulators.wire import Request, Response

RESOURCES = ("compute_cores", "compute_ram", "volume_gigabytes_fast", "volume_gigabytes_universal")


class ResellApi:
    """The paths below `/selectel/resell`."""

    def __init__(self, gate: Gate, section: Mapping[str, Any]) -> None:
        self._gate = gate
        self._regions: Sequence[Mapping[str, Any]] = section.get("region", [])

    def respond(self, request: Request) -> Response:
        caller = self._gate.caller(request)
        if caller is None:
            return Response(status=401, text="Unauthorized")
        if caller.kind == PROJECT:
            return failure(403, "forbidden")
        if self._gate.is_over_limit(caller.account.number, request.at):
            return failure(429, "too_many_requests", headers={"Retry-After": "5"})
        account, at = caller.account, request.at
        path = request.path.removeprefix("/v2").strip("/")
        if path.startswith("projects/"):
            return _one_project(account, path.removeprefix("projects/"), request)
        lists: dict[str, Callable[[], dict[str, Any]]] = {
            "accounts": lambda: {"account": _account(account)},
            "projects": lambda: {"projects": [_project(each) for each in _projects(account, request)]},
            "floatingips": lambda: {"floatingips": _addresses(account.cloud, at)},
            "subnets": lambda: {"subnets": _subnets(account.cloud, at)},
            "licenses": lambda: {"licenses": _licences(account.cloud, at)},
            "capabilities": lambda: {"capabilities": self._capabilities()},
        }
        return Response(payload=lists[path]()) if path in lists else failure(404, "not_found")

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            after = {"Retry-After": str(options.get("retry_after") or 5)}
            return failure(429, "too_many_requests", headers=after)
        if kind == "code_required":
            return Response(status=401, text="Unauthorized")
        if kind == "section_disabled":
            return failure(403, "forbidden")
        return failure(500, str(options.get("code") or "internal_error"))

    def violation(self, request: Request) -> str | None:
        return None if request.method == "GET" else f"{request.method} on resell"

    def _capabilities(self) -> dict[str, Any]:
        return {
            "regions": [
                {
                    "name": region["name"],
                    "description": region["description"],
                    "is_default": position == 0,
                    "zones": [
                        {
                            "name": zone["name"],
                            "description": zone["description"],
                            "enabled": True,
                            "is_default": number == 0,
                        }
                        for number, zone in enumerate(region.get("zones", []))
                    ],
                }
                for position, region in enumerate(self._regions)
            ],
            "resources": [
                {
                    "name": name,
                    "quota_scope": "zone",
                    "quotable": True,
                    "preordered": False,
                    "unbillable": True,
                }
                for name in RESOURCES
            ],
            "licenses": [],
            "subnets": [],
            "traffic": {"granularities": [{"granularity": 3600, "timespan": 96}]},
        }


class IamApi:
    """The paths below `/selectel/iam`; static tokens do not open it."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def respond(self, request: Request) -> Response:
        caller = self._gate.caller(request)
        if caller is None or caller.kind == STATIC or caller.session is None:
            return Response(status=401, text="Unauthorized")
        path = request.path.removeprefix("/v1").strip("/")
        is_administrator = bool({"member", "iam_admin"} & set(caller.session.roles))
        if caller.kind == PROJECT or (path in ("users", "service_users") and not is_administrator):
            return iam_failure(403, "REQUEST_FORBIDDEN", "You don't have permission to do this.")
        if path == "service_users":
            return Response(
                payload={"users": [_service_user(caller, user) for user in caller.account.cloud.users]}
            )
        if path == "users":
            return Response(payload={"users": []})
        if path == "roles":
            return Response(payload={"roles": _roles(caller, caller.session.user)})
        if path.startswith("service_users/"):
            wanted = path.removeprefix("service_users/")
            for user in caller.account.cloud.users:
                if user["id"] == wanted and (is_administrator or user is caller.session.user):
                    return Response(payload=_service_user(caller, user))
            return iam_failure(404, "USER_NOT_FOUND", "User not found.")
        return iam_failure(404, "REQUEST_VALIDATION_FAILED", "Not found.")

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            return Response(
                status=429,
                text="Too Many Requests",
                headers={"Retry-After": str(options.get("retry_after") or 5)},
            )
        if kind == "code_required":
            return Response(status=401, text="Unauthorized")
        if kind == "section_disabled":
            return iam_failure(403, "REQUEST_FORBIDDEN", "You don't have permission to do this.")
        return iam_failure(500, "INTERNAL_SERVER_ERROR", str(options.get("message") or "Internal error."))

    def violation(self, request: Request) -> str | None:
        return None if request.method == "GET" else f"{request.method} on IAM"


def failure(status: int, word: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Resell's shape of an error: one word."""
    return Response(status=status, payload={"error": word}, headers=headers or {})


def iam_failure(status: int, code: str, message: str) -> Response:
    return Response(status=status, payload={"code": code, "message": message})


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.number,
        "enabled": True,
        "locked": False,
        "locks": [],
        "onboarding": False,
    }


def _one_project(account: Account, wanted: str, request: Request) -> Response:
    found = next((each for each in _projects(account, request) if each["id"] == wanted), None)
    if found is None:
        return failure(404, "project_not_found")
    return Response(payload={"project": {**_project(found), "quotas": {}}})


def _projects(account: Account, request: Request) -> list[dict[str, Any]]:
    return account.cloud.standing("project", request.at)


def _project(project: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": project["id"],
        "name": project["name"],
        "url": f"https://{project['position']:06d}.selvpc.example",
        "enabled": bool(project.get("enabled", True)),
        "custom_url": None,
        "theme": {"color": "", "logo": ""},
    }


def _addresses(cloud: Cloud, at: datetime) -> list[dict[str, Any]]:
    shown = []
    for address in cloud.standing("floating_ip", at):
        place = {"project_id": address["project_id"], "region": address["region"]}
        server = cloud.named("server", address.get("server", ""), at, **place)
        balancer = cloud.named("load_balancer", address.get("load_balancer", ""), at, **place)
        owner = server or balancer
        shown.append(
            {
                "id": address["id"],
                "floating_ip_address": address["ip"],
                "fixed_ip_address": None if server is None else fixed_address(server),
                "port_id": None if owner is None else port_id(owner),
                **place,
                "status": "DOWN" if owner is None else "ACTIVE",
                "servers": []
                if server is None
                else [
                    {
                        "id": server["id"],
                        "name": server["name"],
                        "status": server.get("status", "ACTIVE"),
                        "updated": zulu(cloud.updated_at(server, at)),
                    }
                ],
                "loadbalancer": None
                if balancer is None
                else {"id": balancer["id"], "name": balancer["name"]},
            }
        )
    return shown


def _subnets(cloud: Cloud, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": int(each["number"]),
            "cidr": each["cidr"],
            "network_id": cloud.thing_id("network", each["project"], each["cidr"]),
            "subnet_id": each["id"],
            "project_id": each["project_id"],
            "region": each["region"],
            "status": each.get("status", "ACTIVE"),
            "servers": [],
            "vlan_id": 1500 + each["position"],
        }
        for each in cloud.standing("subnet", at)
    ]


def _licences(cloud: Cloud, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": each["position"],
            "type": each["type"],
            "project_id": each["project_id"],
            "region": each["region"],
            "status": "ACTIVE" if each.get("server") else "DOWN",
            "network_id": None,
            "subnet_id": None,
            "port_id": None,
            "servers": [],
        }
        for each in cloud.standing("licence", at)
    ]


def _service_user(caller: Caller, user: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": user["id"], "name": user["name"], "enabled": True, "roles": _roles(caller, user)}


def _roles(caller: Caller, user: Mapping[str, Any]) -> list[dict[str, Any]]:
    ids = caller.account.cloud.project_ids
    shown: list[dict[str, Any]] = []
    for each in user.get("roles", ()):
        if "project" not in each:
            shown.append({"role_name": each["role"], "scope": "account"})
            continue
        names = list(ids) if each["project"] == "*" else [each["project"]]
        shown += [{"role_name": each["role"], "scope": "project", "project_id": ids[name]} for name in names]
    return shown
