"""Nova: servers and flavours.

A server's fields: `segment`, `vcpus`, `ram_mb`, `disk_gb`, `line` ("", high_freq, dedicated, percent_50, preemptible),
`status`, `image`, `tags`, `metadata`, `description`, `is_unreachable` (its cell does not answer), `use` (see `usage`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.openstack.cloud import decimal, fixed_address, naive, segment, zulu
from providers.emulators.openstack.identity import Identity
from providers.emulators.openstack.service import Call, Service
from providers.emulators.wire import Response

FLAVOR_LINES = {
    "": "SL1",
    "high_freq": "HFL1",
    "dedicated": "DL1",
    "percent_50": "PRC50",
    "percent_20": "PRC20",
    "percent_10": "PRC10",
    "preemptible": "SL1",
}
EMBEDDED_FLAVOR = (2, 47)
TAGS = (2, 26)
DESCRIPTION = (2, 19)
PARTIAL_RECORDS = (2, 69)
POWER_STATES = {"ACTIVE": 1, "SHUTOFF": 4, "PAUSED": 3, "SUSPENDED": 4}


class Nova(Service):
    family = "nova"
    kind = "compute"
    prefix = "v2.1"
    version_header = "compute"
    own_version_header = "X-OpenStack-Nova-API-Version"
    lowest = "2.1"
    highest = "2.90"

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {
            "servers/detail": self._servers,
            "servers": self._server_names,
            "servers/{id}": self._server,
            "flavors/detail": self._flavors,
            "flavors/{id}": self._flavor,
        }

    def version_range(self, values: Mapping[str, Any]) -> tuple[str, str]:
        return str(values.get("compute_min", self.lowest)), str(values.get("compute_max", self.highest))

    def _servers(self, call: Call) -> Response:
        if "all_tenants" in call.request.query:
            return self.error(
                403,
                "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.",
            )
        servers = [
            server
            for server in call.standing("server")
            if call.version >= PARTIAL_RECORDS or not server.get("is_unreachable")
        ]
        volumes = _attached(call)
        addresses = _floating(call)
        return self.listing(
            call, servers, "servers", lambda server: server_object(call, server, volumes, addresses)
        )

    def _server_names(self, call: Call) -> Response:
        return self.listing(
            call,
            call.standing("server"),
            "servers",
            lambda server: {"id": server["id"], "name": server["name"], "links": []},
        )

    def _server(self, call: Call) -> Response:
        wanted = call.path.rpartition("/")[2]
        for server in call.standing("server"):
            if server["id"] == wanted:
                return Response(
                    payload={"server": server_object(call, server, _attached(call), _floating(call))}
                )
        return self.error(404, f"Instance {wanted} could not be found.")

    def _flavors(self, call: Call) -> Response:
        return self.listing(call, _flavors(call), "flavors", dict)

    def _flavor(self, call: Call) -> Response:
        wanted = call.path.rpartition("/")[2]
        found = next((each for each in _flavors(call) if each["id"] == wanted), None)
        if found is None:
            return self.error(404, f"Flavor {wanted} could not be found.")
        return Response(payload={"flavor": found})


def server_object(
    call: Call,
    server: Mapping[str, Any],
    volumes: Mapping[str, list[str]],
    addresses: Mapping[str, list[str]],
) -> dict[str, Any]:
    created_at = call.cloud.scenario.created_at(server)
    if server.get("is_unreachable") and call.version >= PARTIAL_RECORDS:
        return {
            "id": server["id"],
            "status": "UNKNOWN",
            "tenant_id": server["project_id"],
            "created": zulu(created_at),
            "links": [],
        }
    status = str(server.get("status", "ACTIVE"))
    mac = f"fa:16:3e:{server['position'] // 65536 % 256:02x}:{server['position'] // 256 % 256:02x}:{server['position'] % 256:02x}"
    shown: dict[str, Any] = {
        "id": server["id"],
        "name": server["name"],
        "status": status,
        "tenant_id": server["project_id"],
        "user_id": call.cloud.identity("user", "owner"),
        "created": zulu(created_at),
        "updated": zulu(call.cloud.updated_at(server, call.at)),
        "OS-SRV-USG:launched_at": naive(created_at),
        "OS-SRV-USG:terminated_at": None,
        "OS-EXT-STS:vm_state": status.lower(),
        "OS-EXT-STS:power_state": POWER_STATES.get(status, 0),
        "OS-EXT-STS:task_state": None,
        "OS-EXT-AZ:availability_zone": segment(server),
        "OS-DCF:diskConfig": "MANUAL",
        "image": {"id": server["image"]} if server.get("image") else "",
        "metadata": dict(server.get("metadata", {})),
        "config_drive": "",
        "key_name": None,
        "hostId": call.cloud.identity("host", str(server["position"] % 7)),
        "accessIPv4": "",
        "accessIPv6": "",
        "links": [],
        "flavor": _embedded(server) if call.version >= EMBEDDED_FLAVOR else _referred(server),
        "addresses": {
            "net": [
                {
                    "version": 4,
                    "addr": address,
                    "OS-EXT-IPS:type": kind,
                    "OS-EXT-IPS-MAC:mac_addr": mac,
                }
                for kind, found in (
                    ("fixed", [fixed_address(server)]),
                    ("floating", addresses.get(server["name"], [])),
                )
                for address in found
            ]
        },
        "security_groups": [{"name": "default"}],
        "os-extended-volumes:volumes_attached": [
            {"id": volume, "delete_on_termination": False} for volume in volumes.get(server["name"], [])
        ],
    }
    if call.version >= TAGS:
        shown["tags"] = list(server.get("tags", ()))
        if server.get("line") == "preemptible":
            shown["tags"] = [*shown["tags"], "preemptible"]
        shown["locked"] = False
    if call.version >= DESCRIPTION:
        shown["description"] = server.get("description")
    return shown


def _embedded(server: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "original_name": _flavor_name(server),
        "vcpus": int(server["vcpus"]),
        "ram": int(server["ram_mb"]),
        "disk": int(server.get("disk_gb", 0)),
        "ephemeral": 0,
        "swap": 0,
        "extra_specs": {},
    }


def _referred(server: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": _flavor_name(server), "links": []}


def _flavor_name(server: Mapping[str, Any]) -> str:
    given = server.get("flavor")
    line = FLAVOR_LINES.get(server.get("line", ""), "SL1")
    return str(given or f"{line}.{server['vcpus']}-{server['ram_mb']}")


def _flavors(call: Call) -> list[dict[str, Any]]:
    """Flavours of the project's servers; one of a server that is gone is gone too."""
    found: dict[str, dict[str, Any]] = {}
    for server in call.standing("server"):
        name = _flavor_name(server)
        found[name] = {
            "id": name,
            "name": name,
            "vcpus": int(server["vcpus"]),
            "ram": int(server["ram_mb"]),
            "disk": int(server.get("disk_gb", 0)),
            "OS-FLV-EXT-DATA:ephemeral": 0,
            "swap": "",
            "rxtx_factor": float(decimal("1.0")),
            "os-flavor-access:is_public": True,
            "links": [],
        }
    return [found[name] for name in sorted(found)]


def _attached(call: Call) -> dict[str, list[str]]:
    """Volumes by the name of their server."""
    found: dict[str, list[str]] = {}
    for volume in reversed(call.standing("volume")):
        if volume.get("server") and volume.get("seen_by") != "cinder":
            found.setdefault(volume["server"], []).append(volume["id"])
    return found


def _floating(call: Call) -> dict[str, list[str]]:
    """Public addresses by the name of their server."""
    found: dict[str, list[str]] = {}
    for address in call.standing("floating_ip"):
        if address.get("server"):
            found.setdefault(address["server"], []).append(address["ip"])
    return found
