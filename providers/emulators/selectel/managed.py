"""Managed services: databases, Kubernetes, registries, DNS, dedicated servers, quotas.

Fields: `database`: engine, version, vcpus, ram_mb, disk_gb, nodes, status. `cluster`: version, status, `node_group`
tables with name, flavor, volume_gb, volume_type, `servers` (names of its nodes). `registry`: size_gb. `zone`: the
name with a dot at its end. `dedicated`: configuration, price_month, location, state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.emulators.openstack.cloud import Cloud, fixed_address, segment, zulu
from providers.emulators.openstack.identity import UNAUTHORIZED, Identity, Session
from providers.emulators.openstack.objects import BYTES_IN_GB
from providers.emulators.selectel.access import ACCOUNT, Gate
from providers.emulators.wire import Request, Response

ZONES_ON_A_PAGE = 100
Place = dict[str, str]


class ManagedApi:
    """What databases, clusters, registries and zones have in common: a project token, and one list or two."""

    service = ""
    kind = ""
    is_regional = True

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def respond(self, request: Request) -> Response:
        session = self._identity.of(request)
        if session is None or session.project is None:
            return self.error(401, UNAUTHORIZED)
        region, path = "", request.path.strip("/")
        if self.is_regional:
            region, _, path = path.partition("/")
            values = session.cloud.regions.get(region)
            if values is None or self.kind in values.get("without", ()):
                return Response(status=404, text="404 Not Found")
        if session.cloud.provider != "selectel":
            return Response(status=404, text="404 Not Found")
        parts = path.split("/")[1:]
        if not session.may_read(self.service, parts[0] if parts else ""):
            return self.error(403, "Forbidden")
        return self.answer(session, region, parts, request)

    def answer(self, session: Session, region: str, parts: list[str], request: Request) -> Response:
        raise NotImplementedError

    def error(self, status: int, message: str) -> Response:
        return Response(status=status, payload={"error": {"code": status, "message": message}})

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            refused = self.error(429, "Too Many Requests")
            after = {"Retry-After": str(options.get("retry_after") or 5)}
            return Response(status=429, payload=refused.payload, headers=after)
        if kind == "section_disabled":
            return self.error(403, "Forbidden")
        if kind == "code_required":
            return self.error(401, UNAUTHORIZED)
        return self.error(500, str(options.get("message") or "Internal Server Error"))

    def violation(self, request: Request) -> str | None:
        return None if request.method == "GET" else f"{request.method} on {self.service}"


class DatabaseApi(ManagedApi):
    service = "dbaas"
    kind = "managed-database"

    def answer(self, session: Session, region: str, parts: list[str], request: Request) -> Response:
        cloud = session.cloud
        things = _standing(session, "database", region, request)
        if parts == ["datastores"]:
            return Response(payload={"datastores": [_datastore(cloud, each, request) for each in things]})
        if parts == ["datastore-types"]:
            types = {(each["engine"], str(each["version"])) for each in cloud.described("database")}
            return Response(
                payload={
                    "datastore-types": [
                        {"id": _type_id(cloud, *each), "engine": each[0], "version": each[1]}
                        for each in sorted(types)
                    ]
                }
            )
        if parts == ["flavors"]:
            return Response(payload={"flavors": []})
        return self.error(404, "Not Found")

    def error(self, status: int, message: str) -> Response:
        titles = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
        body = {"code": status, "title": titles.get(status, "Internal Server Error"), "message": message}
        return Response(status=status, payload={"error": body})


class KubernetesApi(ManagedApi):
    service = "mks"
    kind = "managed-kubernetes"

    def answer(self, session: Session, region: str, parts: list[str], request: Request) -> Response:
        clusters = _standing(session, "cluster", region, request)
        if parts == ["clusters"]:
            return Response(
                payload={"clusters": [_cluster(session.cloud, each, request) for each in clusters]}
            )
        if len(parts) == 3 and parts[0] == "clusters" and parts[2] == "nodegroups":
            for each in clusters:
                if each["id"] == parts[1]:
                    return Response(payload={"nodegroups": _node_groups(session.cloud, each, request)})
        return self.error(404, "Not Found")

    def error(self, status: int, message: str) -> Response:
        return Response(status=status, payload={"error": {"message": message}})


class RegistryApi(ManagedApi):
    service = "registry"
    is_regional = False

    def answer(self, session: Session, region: str, parts: list[str], request: Request) -> Response:
        registries = _standing(session, "registry", "", request)
        if parts == ["registries"]:
            return Response(payload=[_registry(session.cloud, each) for each in registries])
        if len(parts) == 3 and parts[0] == "registries" and parts[2] == "repositories":
            return Response(payload=[])
        return self.error(404, "not found")

    def error(self, status: int, message: str) -> Response:
        return Response(status=status, payload={"error": message})


class DnsApi(ManagedApi):
    service = "dns"
    is_regional = False

    def answer(self, session: Session, region: str, parts: list[str], request: Request) -> Response:
        if parts != ["zones"]:
            return self.error(404, "not found")
        zones = _standing(session, "zone", "", request)
        limit = min(int(request.query.get("limit", ZONES_ON_A_PAGE)), ZONES_ON_A_PAGE)
        offset = int(request.query.get("offset", "0"))
        following = offset + limit
        return Response(
            payload={
                "count": len(zones),
                "next_offset": following if following < len(zones) else None,
                "result": [_zone(session.cloud, each, request) for each in zones[offset:following]],
            }
        )

    def error(self, status: int, message: str) -> Response:
        words = {401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "too_many_requests"}
        body = {"error": words.get(status, "internal_error"), "description": message, "location": ""}
        return Response(status=status, payload=body)


class QuotaApi(ManagedApi):
    """The quota manager: an account token, and what each project uses."""

    service = "quota"
    kind = "quota-manager"

    def respond(self, request: Request) -> Response:
        session = self._identity.of(request)
        if session is None:
            return self.error(401, UNAUTHORIZED)
        if not session.is_account:
            return self.error(403, "Forbidden")
        parts = request.path.strip("/").split("/")
        if len(parts) != 5 or parts[1:3] != ["v1", "projects"] or parts[4] != "quotas":
            return self.error(404, "Not Found")
        region, project_id = parts[0], parts[3]
        place = {"project_id": project_id, "region": region}
        servers = session.cloud.standing("server", request.at, **place)
        quotas: dict[str, list[dict[str, Any]]] = {}
        for zone in sorted({segment(each) for each in servers}):
            here = [each for each in servers if segment(each) == zone]
            for name, used in (
                ("compute_cores", sum(int(each["vcpus"]) for each in here)),
                ("compute_ram", sum(int(each["ram_mb"]) for each in here)),
            ):
                quotas.setdefault(name, []).append({"value": used * 2, "used": used, "zone": zone})
        wanted = request.values("resource")
        return Response(
            payload={
                "quotas": {name: value for name, value in quotas.items() if not wanted or name in wanted}
            }
        )


class DedicatedApi:
    """The paths below `/selectel/dedicated`; an account token."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def respond(self, request: Request) -> Response:
        path = request.path.removeprefix("/v2").strip("/")
        if path == "pub/plan":
            return Response(payload={"result": [{"uuid": "plan-month", "name": "1 month"}]})
        caller = self._gate.caller(request)
        if caller is None:
            return Response(status=401, payload={"message": "Unauthorized"})
        if caller.kind != ACCOUNT:
            return Response(status=403, payload={"message": "Forbidden"})
        cloud = caller.account.cloud
        rented = cloud.standing("dedicated", request.at)
        routes: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "resource": lambda: [_dedicated(cloud, each) for each in rented],
            "location": lambda: [
                {"uuid": cloud.thing_id("location", "", name), "name": name}
                for name in sorted({each.get("location", "SPB-1") for each in rented})
            ],
            "service/server": lambda: [
                {"uuid": cloud.thing_id("service", "", name), "name": name, "state": "Active"}
                for name in sorted({each["configuration"] for each in rented})
            ],
            "service/serverchip": list,
        }
        if path not in routes:
            return Response(status=404, payload={"message": "Not Found"})
        return Response(payload={"result": routes[path]()})

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        statuses = {"rate_limit": 429, "section_disabled": 403, "code_required": 401}
        status = statuses.get(kind, 500)
        after = {"Retry-After": str(options.get("retry_after") or 5)} if status == 429 else {}
        return Response(
            status=status, payload={"message": str(options.get("message") or kind)}, headers=after
        )

    def violation(self, request: Request) -> str | None:
        return None if request.method == "GET" else f"{request.method} on dedicated servers"


def _standing(session: Session, kind: str, region: str, request: Request) -> list[dict[str, Any]]:
    assert session.project is not None
    return session.cloud.standing(kind, request.at, project_id=session.project["id"], region=region)


def _datastore(cloud: Cloud, database: Mapping[str, Any], request: Request) -> dict[str, Any]:
    nodes = int(database.get("nodes", 1))
    return {
        "id": database["id"],
        "project_id": database["project_id"],
        "name": database["name"],
        "status": database.get("status", "ACTIVE"),
        "enabled": True,
        "type_id": _type_id(cloud, database["engine"], str(database["version"])),
        "flavor_id": cloud.thing_id("flavor", "", f"{database['vcpus']}-{database['ram_mb']}"),
        "flavor": {
            "vcpus": int(database["vcpus"]),
            "ram": int(database["ram_mb"]),
            "disk": int(database["disk_gb"]),
            "disk_type": "local",
        },
        "node_count": nodes,
        "subnet_id": None,
        "created_at": zulu(cloud.scenario.created_at(database)).rstrip("Z"),
        "updated_at": zulu(cloud.updated_at(database, request.at)).rstrip("Z"),
        "backup_retention_days": 7,
        "databases_count": int(database.get("databases", 1)),
        "topics_count": 0,
        "disk_used": int(database.get("disk_used_gb", 1)),
        "is_protected": False,
        "config": {},
        "instances": [
            {
                "id": cloud.thing_id("instance", database["project"], f"{database['name']}/{number}"),
                "ip": f"192.168.240.{database['position'] * 8 + number}",
                "floating_ip": "None",
                "role": "REPLICA" if number else "MASTER",
                "status": "ACTIVE",
                "hostname": f"{database['name']}-{number}",
                "availability_zone": database["region"],
            }
            for number in range(nodes)
        ],
        "connection": {"master": f"{database['name']}.example"},
    }


def _type_id(cloud: Cloud, engine: str, version: str) -> str:
    return cloud.thing_id("datastore_type", engine, version)


def _cluster(cloud: Cloud, cluster: Mapping[str, Any], request: Request) -> dict[str, Any]:
    return {
        "id": cluster["id"],
        "name": cluster["name"],
        "status": cluster.get("status", "ACTIVE"),
        "region": cluster["region"],
        "project_id": cluster["project_id"],
        "network_id": "",
        "subnet_id": "",
        "kube_api_ip": "203.0.113.240",
        "kube_version": str(cluster.get("version", "1.31.4")),
        "zonal": not cluster.get("is_regional", False),
        "enable_autorepair": True,
        "maintenance_window_start": "01:00:00",
        "created_at": zulu(cloud.scenario.created_at(cluster)),
        "updated_at": zulu(cloud.updated_at(cluster, request.at)),
    }


def _node_groups(cloud: Cloud, cluster: Mapping[str, Any], request: Request) -> list[dict[str, Any]]:
    place = {"project_id": cluster["project_id"], "region": cluster["region"]}
    shown = []
    for group in cluster.get("node_group", ()):
        nodes = [cloud.named("server", name, request.at, **place) for name in group["servers"]]
        found = [server for server in nodes if server is not None]
        shown.append(
            {
                "id": cloud.thing_id("node_group", cluster["project"], f"{cluster['name']}/{group['name']}"),
                "cluster_id": cluster["id"],
                "flavor_id": group.get("flavor", ""),
                "volume_gb": int(group.get("volume_gb", 0)),
                "volume_type": group.get("volume_type", ""),
                "local_volume": False,
                "availability_zone": segment(found[0]) if found else f"{cluster['region']}a",
                "preemptible": False,
                "enable_autoscale": False,
                "autoscale_min_nodes": 0,
                "autoscale_max_nodes": 0,
                "nodegroup_type": "STANDARD",
                "labels": {},
                "taints": [],
                "nodes": [
                    {
                        "id": cloud.thing_id("node", cluster["project"], server["name"]),
                        "hostname": server["name"],
                        "ip": fixed_address(server),
                        "os_server_id": server["id"],
                    }
                    for server in found
                ],
            }
        )
    return shown


def _registry(cloud: Cloud, registry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": registry["id"],
        "name": registry["name"],
        "createdAt": zulu(cloud.scenario.created_at(registry)).replace("Z", ".000Z"),
        "status": registry.get("status", "ACTIVE"),
        "size": int(registry["size_gb"]) * BYTES_IN_GB,
        "sizeLimit": 20 * BYTES_IN_GB,
        "used": round(int(registry["size_gb"]) * 100 / 20, 1),
    }


def _zone(cloud: Cloud, zone: Mapping[str, Any], request: Request) -> dict[str, Any]:
    return {
        "id": zone["id"],
        "project_id": zone["project_id"],
        "name": zone["name"],
        "comment": zone.get("comment", ""),
        "created_at": zulu(cloud.scenario.created_at(zone)),
        "updated_at": zulu(cloud.updated_at(zone, request.at)),
        "disabled": False,
        "last_check_status": True,
        "delegation_checked_at": None,
        "last_delegated_at": None,
    }


def _dedicated(cloud: Cloud, rented: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uuid": rented["id"],
        "state": rented.get("state", "active"),
        "location_uuid": cloud.thing_id("location", "", rented.get("location", "SPB-1")),
        "service_uuid": cloud.thing_id("service", "", rented["configuration"]),
        "service_type": "server",
        "user_desc": rented["name"],
        "hw_uuid": cloud.thing_id("hardware", "", rented["name"]),
        "info": "",
        "billing": {
            "currency": "main",
            "current_price_plan": {"uuid": "plan-month", "name": "1 month"},
            "has_enough_balance": True,
        },
    }
