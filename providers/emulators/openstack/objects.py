"""Glance and Swift: images, containers.

An image's fields: `size_gb`, `status`, `is_snapshot`. A bucket's: `storage_gb` and what the ledger of its provider
adds, `segments_gb` (kept in the hidden container `<name>_segments`), `objects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.openstack.cloud import naive, zulu
from providers.emulators.openstack.identity import Identity
from providers.emulators.openstack.service import Call, Service
from providers.emulators.wire import Response

BYTES_IN_GB = 1024**3
IMAGES_ON_A_PAGE = 25
CONTAINERS_ON_A_PAGE = 10_000
HISTORY_DAYS = 90


class Glance(Service):
    family = "glance"
    kind = "image"
    prefix = "v2"
    over_limit_status = 429

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {"images": self._images}

    def _images(self, call: Call) -> Response:
        query = call.request.query
        images = [image_object(call, each) for each in call.standing("image")]
        images += [_public_image(call, number) for number in range(3)]
        for name in ("visibility", "owner"):
            if name in query:
                images = [each for each in images if each[name] == query[name]]
        page = self.page(call, images, default=IMAGES_ON_A_PAGE)
        if isinstance(page, Response):
            return page
        body: dict[str, Any] = {
            "images": list(page.things),
            "first": "/v2/images",
            "schema": "/v2/schemas/images",
        }
        if page.is_full:
            body["next"] = f"/v2/images?limit={page.limit}&marker={page.things[-1]['id']}"
        return Response(payload=body)

    def error(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
        text = f"<html><head><title>{status}</title></head><body><h1>{status}</h1>{message}</body></html>"
        return Response(status=status, text=text, text_type="text/html; charset=UTF-8", headers=headers or {})


class Swift(Service):
    family = "swift"
    kind = "object-store"
    prefix = "v1/{project}"
    over_limit_status = 429

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.routes = {"": self._containers}

    def _containers(self, call: Call) -> Response:
        containers = sorted(_containers(call), key=lambda each: str(each["name"]))
        headers = {
            "X-Account-Container-Count": str(len(containers)),
            "X-Account-Object-Count": str(sum(each["count"] for each in containers)),
            "X-Account-Bytes-Used": str(sum(each["bytes"] for each in containers)),
        }
        marker = call.request.query.get("marker", "")
        limit = min(int(call.request.query.get("limit", CONTAINERS_ON_A_PAGE)), CONTAINERS_ON_A_PAGE)
        shown = [each for each in containers if each["name"] > marker]
        shown = shown[: min(limit, call.cloud.page_limit(call.region))]
        if not containers:
            return Response(status=204, text="", headers=headers)
        if call.request.query.get("format") != "json":
            return Response(text="".join(f"{each['name']}\n" for each in shown), headers=headers)
        return Response(payload=shown, headers=headers)

    def foreign_path(self, rest: str) -> Response:
        return self.error(403, "Forbidden")

    def unauthorized(self) -> Response:
        return self.error(401, "Unauthorized")

    def error(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
        text = f"<html><h1>{message}</h1></html>"
        return Response(status=status, text=text, text_type="text/html; charset=UTF-8", headers=headers or {})


def image_object(call: Call, image: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "id": image["id"],
        "name": image["name"],
        "status": image.get("status", "active"),
        "size": int(image["size_gb"]) * BYTES_IN_GB,
        "virtual_size": None,
        "min_disk": int(image["size_gb"]),
        "min_ram": 0,
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "private",
        "owner": image["project_id"],
        "protected": False,
        "created_at": zulu(call.cloud.scenario.created_at(image)),
        "updated_at": zulu(call.cloud.updated_at(image, call.at)),
        "tags": [],
    }
    if image.get("is_snapshot"):
        shown["image_type"] = "snapshot"
    return shown


def _public_image(call: Call, number: int) -> dict[str, Any]:
    name = ("Ubuntu 24.04 LTS 64-bit", "Debian 12 64-bit", "AlmaLinux 9 64-bit")[number]
    return {
        "id": call.cloud.thing_id("image", "", name),
        "name": name,
        "status": "active",
        "size": 2 * BYTES_IN_GB,
        "min_disk": 5,
        "visibility": "public",
        "owner": "0" * 32,
        "created_at": "2025-01-15T08:00:00Z",
        "updated_at": "2025-01-15T08:00:00Z",
        "tags": [],
    }


def stored_gb(call: Call, bucket: Mapping[str, Any]) -> int:
    """GB in a bucket; it grows day by day from `storage_gb_at_start` and stands still from day -2 on."""
    return grown(call.cloud.scenario.day(call.at), bucket)


def grown(day: int, bucket: Mapping[str, Any]) -> int:
    """GB in a bucket on a day of the scenario."""
    storage = int(bucket["storage_gb"])
    start = int(bucket.get("storage_gb_at_start", storage))
    if day >= SETTLED_DAY:
        return storage
    return start + (storage - start) * max(0, HISTORY_DAYS + day) // HISTORY_DAYS


SETTLED_DAY = -2
"""From this day on nothing varies by itself, so that the last 24 hours are all alike."""


def _containers(call: Call) -> list[dict[str, Any]]:
    found = []
    for bucket in call.standing("bucket"):
        hidden = int(bucket.get("segments_gb", 0))
        objects = int(bucket.get("objects", 1000))
        updated = naive(call.at if bucket.get("is_written", True) else call.cloud.scenario.created_at(bucket))
        parts = [(bucket["name"], stored_gb(call, bucket), objects)]
        if hidden:
            parts.append((f"{bucket['name']}_segments", hidden, hidden * 10))
        found += [
            {"name": name, "count": count, "bytes": size * BYTES_IN_GB, "last_modified": updated}
            for name, size, count in parts
        ]
    return found
