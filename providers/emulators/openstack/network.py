"""Neutron and Octavia: networks, ports, floating addresses, routers, balancers.

A floating address's fields: `ip`, and `server` or `load_balancer` (a name; empty or gone: unassociated). A router's:
`networks`, `has_gateway`. A network's: `cidr`. A balancer's: `plan`, `vip`, `status`, `operating_status`, `listeners`,
`pools` (numbers of them), `members` (of all pools), `requests_per_second` (`usage.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.openstack.cloud import fixed_address, port_id, segment, zulu
from providers.emulators.openstack.identity import Identity
from providers.emulators.openstack.service import Call, Service, Things
from providers.emulators.wire import Response

PROVIDERS_PROJECT = "0" * 32
"""Owner of the external network that every project sees."""


class Neutron(Service):
    family = "neutron"
    kind = "network"
    prefix = "v2.0"
    over_limit_status = 429

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {
            "floatingips": lambda call: self._list(call, "floatingips", _floating_addresses(call)),
            "ports": lambda call: self._list(call, "ports", _ports(call)),
            "networks": lambda call: self._list(call, "networks", _networks(call)),
            "subnets": lambda call: self._list(call, "subnets", _subnets(call)),
            "routers": lambda call: self._list(call, "routers", _routers(call)),
            "security-groups": lambda call: self._list(call, "security_groups", _security_groups(call)),
        }

    def _list(self, call: Call, key: str, things: Things) -> Response:
        wanted = call.request.values("project_id") or call.request.values("tenant_id")
        if wanted:
            things = [each for each in things if each["project_id"] in wanted]
        fields = call.request.values("fields")
        return self.listing(
            call,
            things,
            key,
            lambda each: {name: value for name, value in each.items() if not fields or name in fields},
        )

    def error(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
        types = {400: "BadRequest", 403: "PolicyNotAuthorized", 404: "HTTPNotFound", 429: "OverQuota"}
        body = {
            "NeutronError": {
                "type": types.get(status, "HTTPInternalServerError"),
                "message": message,
                "detail": "",
            }
        }
        return Response(status=status, payload=body, headers=headers or {})

    def forbidden(self, resource: str) -> Response:
        return self.error(403, f"rule:get_{resource} is disallowed by policy")


class Octavia(Service):
    family = "octavia"
    kind = "load-balancer"
    prefix = "v2/lbaas"
    over_limit_status = 429

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {"loadbalancers": self._balancers, "pools": self._pools, "flavors": self._flavors}

    def _balancers(self, call: Call) -> Response:
        return self.listing(
            call, call.standing("load_balancer"), "loadbalancers", lambda each: balancer_object(call, each)
        )

    def _pools(self, call: Call) -> Response:
        pools = [
            each for balancer in call.standing("load_balancer") for each in _pool_objects(call, balancer)
        ]
        return self.listing(call, pools, "pools", lambda each: each)

    def _flavors(self, call: Call) -> Response:
        plans = sorted({each["plan"] for each in call.standing("load_balancer")})
        return Response(
            payload={
                "flavors": [
                    {"id": _flavor_id(call, plan), "name": plan, "enabled": True, "description": ""}
                    for plan in plans
                ]
            }
        )

    def error(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
        body = {
            "faultcode": "Client" if status < 500 else "Server",
            "faultstring": message,
            "debuginfo": None,
        }
        return Response(status=status, payload=body, headers=headers or {})


def balancer_object(call: Call, balancer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": balancer["id"],
        "name": balancer["name"],
        "description": balancer.get("description", ""),
        "vip_address": balancer.get("vip", f"192.168.250.{balancer['position']}"),
        "vip_port_id": port_id(balancer),
        "flavor_id": _flavor_id(call, balancer["plan"]),
        "availability_zone": segment(balancer),
        "provisioning_status": balancer.get("status", "ACTIVE"),
        "operating_status": balancer.get("operating_status", "ONLINE"),
        "admin_state_up": True,
        "project_id": balancer["project_id"],
        "provider": "amphora",
        "created_at": zulu(call.cloud.scenario.created_at(balancer)).rstrip("Z"),
        "updated_at": zulu(call.cloud.updated_at(balancer, call.at)).rstrip("Z"),
        "tags": [],
        "listeners": _references(call, balancer, "listener", int(balancer.get("listeners", 1))),
        "pools": _references(call, balancer, "pool", int(balancer.get("pools", 1))),
    }


def _pool_objects(call: Call, balancer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pools of a balancer, its members spread over them."""
    pools = _references(call, balancer, "pool", int(balancer.get("pools", 1)))
    members = _references(call, balancer, "member", int(balancer.get("members", 2)))
    return [
        {
            **pool,
            "name": f"pool-{number}",
            "protocol": "HTTP",
            "lb_algorithm": "ROUND_ROBIN",
            "provisioning_status": "ACTIVE",
            "operating_status": "ONLINE",
            "project_id": balancer["project_id"],
            "loadbalancers": [{"id": balancer["id"]}],
            "listeners": [],
            "members": members[number :: len(pools)],
        }
        for number, pool in enumerate(pools)
    ]


def _references(call: Call, balancer: Mapping[str, Any], kind: str, count: int) -> list[dict[str, str]]:
    return [
        {"id": call.cloud.thing_id(kind, balancer["project"], f"{balancer['name']}/{number}")}
        for number in range(count)
    ]


def _flavor_id(call: Call, plan: str) -> str:
    return call.cloud.thing_id("balancer_flavor", call.region, plan)


def _floating_addresses(call: Call) -> Things:
    shown = []
    for address in call.standing("floating_ip"):
        owner = address_owner(call, address)
        shown.append(
            {
                "id": address["id"],
                "floating_ip_address": address["ip"],
                "fixed_ip_address": None if owner is None else _fixed(owner),
                "port_id": None if owner is None else port_id(owner),
                "router_id": None
                if owner is None
                else call.cloud.thing_id("router", address["project"], f"default-{call.region}"),
                "floating_network_id": call.cloud.identity("external", call.region),
                "status": "DOWN" if owner is None else "ACTIVE",
                "project_id": address["project_id"],
                "tenant_id": address["project_id"],
                "description": address.get("description", ""),
                "created_at": zulu(call.cloud.scenario.created_at(address)),
                "updated_at": zulu(call.cloud.updated_at(address, call.at)),
                "tags": [],
            }
        )
    return shown


def address_owner(call: Call, address: Mapping[str, Any]) -> dict[str, Any] | None:
    """The server or balancer a public address leads to; None for an unassociated one."""
    for kind in ("server", "load_balancer"):
        found = call.cloud.named(
            kind, address.get(kind, ""), call.at, project_id=address["project_id"], region=address["region"]
        )
        if found is not None:
            return found
    return None


def _fixed(owner: Mapping[str, Any]) -> str:
    if owner["kind"] == "server":
        return fixed_address(owner)
    return str(owner.get("vip", f"192.168.250.{owner['position']}"))


def _ports(call: Call) -> Things:
    networks = call.cloud.networks(call.at, project_id=call.project_id, region=call.region)
    if not networks:
        return []
    network = networks[0]
    owners = [(server, f"compute:{segment(server)}") for server in call.standing("server")] + [
        (balancer, "Octavia") for balancer in call.standing("load_balancer")
    ]
    ports = [
        _port(call, network, port_id(owner), owner["id"], device_owner, _fixed(owner))
        for owner, device_owner in owners
    ]
    ports += [
        _port(call, network, port_id(router), router["id"], "network:router_interface", "192.168.0.1")
        for router in call.standing("router")
    ]
    return ports


def _port(
    call: Call, network: Mapping[str, Any], identifier: str, device_id: str, device_owner: str, address: str
) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": "",
        "device_id": device_id,
        "device_owner": device_owner,
        "network_id": network["id"],
        "fixed_ips": [{"ip_address": address, "subnet_id": _subnet_id(call, network)}],
        "mac_address": "fa:16:3e:" + ":".join(identifier.replace("-", "")[i : i + 2] for i in (0, 2, 4)),
        "status": "ACTIVE",
        "admin_state_up": True,
        "project_id": call.project_id,
        "tenant_id": call.project_id,
        "security_groups": [],
    }


def _networks(call: Call) -> Things:
    own = [
        {
            "id": each["id"],
            "name": each["name"],
            "status": "ACTIVE",
            "shared": False,
            "router:external": False,
            "admin_state_up": True,
            "subnets": [_subnet_id(call, each)],
            "mtu": 1500,
            "project_id": call.project_id,
            "tenant_id": call.project_id,
        }
        for each in call.cloud.networks(call.at, project_id=call.project_id, region=call.region)
    ]
    external = {
        "id": call.cloud.identity("external", call.region),
        "name": "external-network",
        "status": "ACTIVE",
        "shared": False,
        "router:external": True,
        "admin_state_up": True,
        "subnets": [],
        "mtu": 1500,
        "project_id": PROVIDERS_PROJECT,
        "tenant_id": PROVIDERS_PROJECT,
    }
    return [*own, external]


def _subnets(call: Call) -> Things:
    return [
        {
            "id": _subnet_id(call, each),
            "name": each["name"],
            "network_id": each["id"],
            "cidr": each.get("cidr", "192.168.0.0/24"),
            "ip_version": 4,
            "gateway_ip": "192.168.0.1",
            "enable_dhcp": False,
            "project_id": call.project_id,
            "tenant_id": call.project_id,
        }
        for each in call.cloud.networks(call.at, project_id=call.project_id, region=call.region)
    ]


def _subnet_id(call: Call, network: Mapping[str, Any]) -> str:
    return call.cloud.thing_id("subnet", call.project_id, f"{network['id']}/subnet")


def _routers(call: Call) -> Things:
    return [
        {
            "id": each["id"],
            "name": each["name"],
            "status": "ACTIVE",
            "admin_state_up": True,
            "external_gateway_info": {
                "network_id": call.cloud.identity("external", call.region),
                "enable_snat": True,
                "external_fixed_ips": [{"ip_address": each.get("ip", "203.0.113.250")}],
            }
            if each.get("has_gateway", True)
            else None,
            "project_id": call.project_id,
            "tenant_id": call.project_id,
            "created_at": zulu(call.cloud.scenario.created_at(each)),
            "updated_at": zulu(call.cloud.updated_at(each, call.at)),
        }
        for each in call.standing("router")
    ]


def _security_groups(call: Call) -> Things:
    return [
        {
            "id": call.cloud.thing_id("security_group", call.project_id, f"default-{call.region}"),
            "name": "default",
            "description": "Default security group",
            "project_id": call.project_id,
            "tenant_id": call.project_id,
            "security_group_rules": [],
        }
    ]
