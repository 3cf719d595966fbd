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
    """All that was listed in one project and region, by list; a list that failed is not in `complete`.

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
        yield replace(
            record, parent_id=parent_id, is_orphan=not parent_id and is_listed and not volume.is_moving
        )


def _copies(copies: Iterable[Thing], around: Neighbourhood) -> Iterator[ResourceRecord]:
    """Snapshots and backups, billed by themselves and no part of a volume; one whose volume is gone is an orphan."""
    known = {volume.record.resource_id for volume in around.things.get("volumes", ())}
    is_listed = "volumes" in around.complete
    for copy in copies:
        source = next(iter(copy.volumes), "")
        yield replace(copy.record, is_orphan=bool(source) and source not in known and is_listed)


def _addresses(addresses: Iterable[Thing], around: Neighbourhood) -> Iterator[ResourceRecord]:
    """Each address under the server or balancer that its port belongs to."""
    devices = {port.port_id: port.device_id for port in around.ports}
    known = {server.record.resource_id for server in around.things.get("servers", ())}
    balancers = {
        balancer.port_id: balancer.record.resource_id
        for balancer in around.things.get("load_balancers", ())
        if balancer.port_id
    }
    for address in addresses:
        candidates = (
            devices.get(address.port_id, ""),
            around.billed_parents.get(address.record.resource_id, "") if address.port_id else "",
        )
        parent_id = next((each for each in candidates if each in known), "")
        yield replace(address.record, parent_id=parent_id or balancers.get(address.port_id, ""))


def _unambiguous(servers: Iterable[Thing]) -> dict[str, str]:
    found: dict[str, str] = {}
    ambiguous = set()
    for server in servers:
        name = server.record.name
        if name in found:
            ambiguous.add(name)
        found[name] = server.record.resource_id
    return {name: server_id for name, server_id in found.items() if name not in ambiguous}
