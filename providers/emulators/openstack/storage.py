"""Cinder and Manila: volumes, snapshots, backups, shares.

A volume's fields: `type` (basic, basicssd, fast, universal, universal2), `segment`, `size_gb`, `server` (a name;
empty or gone: unattached), `seen_by` (the only side that shows the attachment, nova or cinder), `status`, `os` (a boot volume's system), `iops` (what is paid for), `iops_used` and `used_percent` (`usage.py`). A snapshot's: `volume`,
`type`, `size_gb`, `status`. A backup's: `volume`, `size_gb`, `is_incremental`. A share's: `type`, `size_gb`, `protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.openstack.cloud import naive, segment
from providers.emulators.openstack.identity import Identity
from providers.emulators.openstack.service import Call, Service
from providers.emulators.wire import Response

LINES = ("basic", "basicssd", "fast", "universal", "universal2")


class Cinder(Service):
    family = "cinder"
    kind = "volumev3"
    prefix = "v3/{project}"
    version_header = "volume"
    lowest = "3.0"
    highest = "3.70"
    lost_marker_status = 404

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {
            "volumes/detail": self._volumes,
            "snapshots/detail": self._snapshots,
            "backups/detail": self._backups,
            "types": self._types,
        }

    def version_range(self, values: Mapping[str, Any]) -> tuple[str, str]:
        return self.lowest, str(values.get("volume_max", self.highest))

    def foreign_path(self, rest: str) -> Response:
        return self.error(400, "Malformed request url")

    def _volumes(self, call: Call) -> Response:
        servers = {server["name"]: server for server in call.standing("server")}
        return self.listing(
            call, call.standing("volume"), "volumes", lambda volume: volume_object(call, volume, servers)
        )

    def _snapshots(self, call: Call) -> Response:
        return self.listing(
            call,
            call.standing("snapshot"),
            "snapshots",
            lambda each: {
                "id": each["id"],
                "name": each["name"],
                "description": each.get("description", ""),
                "volume_id": call.cloud.thing_id("volume", each["project"], each["volume"]),
                "size": int(each["size_gb"]),
                "status": each.get("status", "available"),
                "created_at": naive(call.cloud.scenario.created_at(each)),
                "updated_at": naive(call.cloud.updated_at(each, call.at)),
                "metadata": {},
                "os-extended-snapshot-attributes:project_id": each["project_id"],
                "os-extended-snapshot-attributes:progress": "100%",
            },
        )

    def _backups(self, call: Call) -> Response:
        if "backups" in call.cloud.regions[call.region].get("without", ()):
            return self.error(404, "The resource could not be found.")
        return self.listing(
            call,
            call.standing("backup"),
            "backups",
            lambda each: {
                "id": each["id"],
                "name": each["name"],
                "volume_id": call.cloud.thing_id("volume", each["project"], each["volume"]),
                "size": int(each["size_gb"]),
                "is_incremental": bool(each.get("is_incremental", False)),
                "status": each.get("status", "available"),
                "availability_zone": segment(each),
                "created_at": naive(call.cloud.scenario.created_at(each)),
                "updated_at": naive(call.cloud.updated_at(each, call.at)),
            },
        )

    def _types(self, call: Call) -> Response:
        zones = sorted({segment(volume) for volume in call.standing("volume")} | {f"{call.region}a"})
        types = [{"id": f"{line}.{zone}", "name": f"{line}.{zone}"} for zone in zones for line in LINES]
        return self.listing(
            call,
            types,
            "volume_types",
            lambda each: {**each, "is_public": True, "description": "", "extra_specs": {}},
            links="volume_type_links",
        )


class Manila(Service):
    family = "manila"
    kind = "sharev2"
    prefix = "v2/{project}"
    version_header = "shared-file-system"
    own_version_header = "X-OpenStack-Manila-API-Version"
    lowest = "2.0"
    highest = "2.65"

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {"shares/detail": self._shares}

    def foreign_path(self, rest: str) -> Response:
        return self.error(400, "Malformed request url")

    def _shares(self, call: Call) -> Response:
        return self.listing(
            call,
            call.standing("share"),
            "shares",
            lambda each: {
                "id": each["id"],
                "name": each["name"],
                "size": int(each["size_gb"]),
                "status": each.get("status", "available"),
                "share_proto": each.get("protocol", "NFS"),
                "share_type_name": f"{each.get('type', 'basic')}.{segment(each)}",
                "availability_zone": segment(each),
                "project_id": each["project_id"],
                "export_location": f"10.0.1.{each['position'] % 250 + 1}:/shares/{each['id']}",
                "created_at": naive(call.cloud.scenario.created_at(each)),
                "metadata": {},
            },
        )


def disk_of(call: Call, volume: Mapping[str, Any]) -> str:
    """The name of a volume in its server: the one with the system is the first."""
    if volume.get("os"):
        return "vda"
    others = [
        each["id"]
        for each in call.standing("volume")
        if each.get("server", "") == volume.get("server", "") and not each.get("os")
    ]
    return f"vd{'bcdefghijklmnopqrstuvwxyz'[sorted(others).index(volume['id']) % 25]}"


def volume_object(
    call: Call, volume: Mapping[str, Any], servers: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    created_at = naive(call.cloud.scenario.created_at(volume))
    server = servers.get(volume.get("server", "")) if volume.get("seen_by") != "nova" else None
    attachments = (
        []
        if server is None
        else [
            {
                "id": volume["id"],
                "volume_id": volume["id"],
                "server_id": server["id"],
                "attachment_id": call.cloud.thing_id("attachment", volume["project"], volume["name"]),
                "device": f"/dev/{disk_of(call, volume)}",
                "attached_at": created_at,
                "host_name": None,
            }
        ]
    )
    shown: dict[str, Any] = {
        "id": volume["id"],
        "name": volume["name"],
        "description": volume.get("description", ""),
        "status": volume.get("status", "in-use" if attachments else "available"),
        "size": int(volume["size_gb"]),
        "volume_type": f"{volume['type']}.{segment(volume)}",
        "availability_zone": segment(volume),
        "bootable": "true" if volume.get("os") else "false",
        "encrypted": False,
        "multiattach": False,
        "snapshot_id": None,
        "source_volid": None,
        "created_at": created_at,
        "updated_at": naive(call.cloud.updated_at(volume, call.at)),
        "metadata": {"total_iops_sec": str(volume["iops"])} if "iops" in volume else {},
        "attachments": attachments,
        "os-vol-tenant-attr:tenant_id": volume["project_id"],
        "links": [],
    }
    if volume.get("os"):
        name = str(volume["os"])
        shown["volume_image_metadata"] = {
            "os_distro": name.split(" ")[0].lower(),
            "image_name": name,
            "image_id": call.cloud.thing_id("image", "", name),
        }
    return shown
