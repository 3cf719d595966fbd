"""What belongs to what within one project and region. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from providers.contract.records import ResourceRecord

from .normalize import Port, Thing

DISK_NAME = re.compile(r"disk-for-(?P<server>.+?)(-#\d+)?")
"""Names that a control panel gives to boot volumes: `disk-for-api-1`, `disk-for-api-1-#2`."""


@dataclass(kw_only=True)
class Neighbourhood:
    """All that was listed in one project and region, by list; one that failed or is absent is not in `complete`.

    `billed_parents` maps a resource to the one that the bill puts it under, where there is a bill that does.
    """

    things: dict[str, list[Thing]] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    billed_parents: Mapping[str, str] = field(default_factory=dict)


def joined(list_name: str, around: Neighbourhood) -> Iterator[ResourceRecord]:
    """The records of one list with their parents; the other lists of the neighbourhood are known by now."""
    things = around.things.get(list_name, [])
    if list_name == "volumes":
        yield from _volumes(things, around)
    elif list_name in ("snapshots", "backups"):
        yield from _copies(things, around)
    elif list_name == "floating_ips":
        yield from _addresses(things, around)
    else:
        yield from (thing.record for thing in things)


def _volumes(volumes: Iterable[Thing], around: Neighbourhood) -> Iterator[ResourceRecord]:
    """Each volume under its server: attached by its own word or the server's, else by the bill, else by its name."""
    servers = around.things.get("servers", [])
    holders = {volume_id: server.record.resource_id for server in servers for volume_id in server.volumes}
    known = {server.record.resource_id for server in servers}
    names = _unambiguous(servers)
    is_listed = "servers" in around.complete
    for volume in volumes:
        record = volume.record
        named = DISK_NAME.fullmatch(record.name)
        candidates = (
            *volume.servers,
            holders.get(record.resource_id, ""),
            around.billed_parents.get(record.resource_id, ""),
            names.get(named["server"], "") if named else "",
        )
        parent_id = next((each for each in candidates if each in known), "")
        if not parent_id and not is_listed:  # nobody could look whether it is there
            parent_id = next(filter(None, candidates), "")
        is_known = bool(parent_id) or (is_listed and not volume.is_moving)
        yield replace(
            record, parent_id=parent_id, is_orphan=is_known and not parent_id, is_parent_known=is_known
        )


def _copies(copies: Iterable[Thing], around: Neighbourhood) -> Iterator[ResourceRecord]:
    """Snapshots and backups, billed by themselves and no part of a volume; one whose volume is gone is an orphan."""
    known = {volume.record.resource_id for volume in around.things.get("volumes", ())}
    is_listed = "volumes" in around.complete
    for copy in copies:
        source = next(iter(copy.volumes), "")
        is_missing = bool(source) and source not in known
        yield replace(
            copy.record,
            is_orphan=is_missing and is_listed,
            is_parent_known=is_listed or not is_missing,
        )


def _addresses(addresses: Iterable[Thing], around: Neighbourhood) -> Iterator[ResourceRecord]:
    """Each address under the server or balancer that its port belongs to."""
    ports = {port.port_id: port for port in around.ports}
    known = {server.record.resource_id for server in around.things.get("servers", ())}
    balancers = {
        balancer.port_id: balancer.record.resource_id
        for balancer in around.things.get("load_balancers", ())
        if balancer.port_id
    }
    for address in addresses:
        port = ports.get(address.port_id)
        candidates = (
            port.device_id if port else "",
            around.billed_parents.get(address.record.resource_id, "") if address.port_id else "",
        )
        parent_id = next((each for each in candidates if each in known), "")
        parent_id = parent_id or balancers.get(address.port_id, "")
        is_known = bool(parent_id) or not address.port_id or _owners_list(port) in around.complete
        yield replace(address.record, parent_id=parent_id, is_parent_known=is_known)


def _owners_list(port: Port | None) -> str:
    """The list in which the owner of a port stands; a port that is not known may belong to anything."""
    if port is None:
        return "ports"
    return "load_balancers" if "octavia" in port.device_owner.lower() else "servers"


def _unambiguous(servers: Iterable[Thing]) -> dict[str, str]:
    found: dict[str, str] = {}
    ambiguous = set()
    for server in servers:
        name = server.record.name
        if name in found:
            ambiguous.add(name)
        found[name] = server.record.resource_id
    return {name: server_id for name, server_id in found.items() if name not in ambiguous}
