"""OpenStack's lists, read to their end: our own next request, never a link to somewhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.contract.errors import UnexpectedResponse

from .client import Cloud, ServiceClient, broken

PAGE_SIZE = 1000
PASSES = 3


def marker_pages(
    cloud: Cloud,
    client: ServiceClient,
    path: str,
    key: str,
    *,
    params: Mapping[str, str | int] | None = None,
    links_key: str = "",
    page_size: int = PAGE_SIZE,
    is_offset: bool = False,
) -> Iterator[dict[str, Any]]:
    """Every item once, with ids; a list has ended when a page is short and no link says that there is more.

    The server may give fewer items a page than were asked for: then its link says so. With `is_offset` the next page
    is asked for by number. A marker that is gone by now starts the list again. Raises UnexpectedResponse for what is
    no list, and for a page that comes twice.
    """
    operation = f"GET {path}"
    seen: set[str] = set()
    for attempt in range(PASSES):
        try:
            for item in _one_pass(
                cloud,
                client,
                path,
                key,
                params={**(params or {}), "limit": page_size},
                links_key=links_key or f"{key}_links",
                is_offset=is_offset,
            ):
                identity = item["id"]
                if identity not in seen:
                    seen.add(identity)
                    yield item
        except UnexpectedResponse as error:
            if error.params.get("status") != 400 or attempt == PASSES - 1 or not seen:
                raise
        else:
            return
    raise broken(cloud, "the list does not end", operation)


def _one_pass(
    cloud: Cloud,
    client: ServiceClient,
    path: str,
    key: str,
    *,
    params: Mapping[str, str | int],
    links_key: str,
    is_offset: bool,
) -> Iterator[dict[str, Any]]:
    operation = f"GET {path}"

    def read(body: Any) -> tuple[list[dict[str, Any]], bool]:
        if not isinstance(body, dict) or not isinstance(body.get(key), list):
            raise broken(cloud, f"no list of {key}", operation)
        items = body[key]
        if not all(
            isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"] for item in items
        ):
            raise broken(cloud, f"{key} without an id", operation)
        links = body.get(links_key)
        has_link = isinstance(links, list) and any(
            isinstance(link, dict) and link.get("rel") == "next" for link in links
        )
        return items, has_link or bool(body.get("next"))

    markers: set[str] = set()
    query = dict(params)
    offset = 0
    while True:
        items, is_more = client.get(path, params=query, interpret=read)
        yield from items
        if not items or not (is_more or len(items) >= int(params["limit"])):
            return
        marker = items[-1]["id"]
        if marker in markers:
            raise broken(cloud, "the same page came twice", operation)
        markers.add(marker)
        offset += len(items)
        query = {**params, "offset": offset} if is_offset else {**params, "marker": marker}
