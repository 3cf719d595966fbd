"""Calls to Example Cloud's API: what it answers, checked and typed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import msgspec

from common.text import gettext_noop
from providers.contract.errors import UnexpectedResponse
from providers.contract.plugin import PluginContext
from providers.http import SYSTEM_CLOCK, Clock, HttpClient, Page, Route, TokenBucket, offset_pages

PROVIDER = "example"
NAME = "Example Cloud"
ENDPOINT = "example.api"
DEFAULT_URL = "https://api.example-cloud.example"

ACCOUNT = "/v1/account"
SERVERS = "/v1/regions/{region}/servers"
VOLUMES = "/v1/regions/{region}/volumes"
ROUTES = tuple(Route(method="GET", path=path) for path in (ACCOUNT, SERVERS, VOLUMES))

PAGE_LIMIT = 50
INTERVAL_SECONDS = 0.1
"""Example Cloud allows ten calls a second."""


class Account(msgspec.Struct, kw_only=True):
    """GET /v1/account. `balance` is in `currency`; so are all prices."""

    id: str
    name: str
    balance: Decimal
    currency: str
    regions: list[str]


class Server(msgspec.Struct, kw_only=True):
    """GET /v1/regions/{region}/servers. `state` is on, off or broken; `price_month` is for thirty days."""

    id: str
    name: str
    state: str
    cores: int
    memory_gb: Decimal
    image: str = ""
    price_month: Decimal


class Volume(msgspec.Struct, kw_only=True):
    """GET /v1/regions/{region}/volumes. `server_id` is null while nothing uses the volume."""

    id: str
    name: str
    size_gb: Decimal
    server_id: str | None = None
    price_month: Decimal


Answer = TypeVar("Answer")
Item = TypeVar("Item", Server, Volume)


class ExampleClient:
    def __init__(self, context: PluginContext, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._headers = {"Authorization": f"Bearer {context.credentials['api_key']}"}
        self._http = HttpClient(
            context,
            provider=PROVIDER,
            provider_name=NAME,
            endpoint=ENDPOINT,
            default_url=DEFAULT_URL,
            routes=ROUTES,
            bucket=TokenBucket(interval=INTERVAL_SECONDS, burst=10, clock=clock),
            clock=clock,
        )

    def account(self) -> Account:
        return self._http.get(
            ACCOUNT, headers=self._headers, interpret=partial(_read, kind=Account, operation=ACCOUNT)
        )

    def servers(self, region: str) -> Iterator[Server]:
        return self._list(SERVERS, region, Server)

    def volumes(self, region: str) -> Iterator[Volume]:
        return self._list(VOLUMES, region, Volume)

    def _list(self, path: str, region: str, kind: type[Item]) -> Iterator[Item]:
        """Every item of one region's list, page by page; raises ProviderError where it cannot be read to its end."""

        def fetch(offset: int, limit: int) -> Page:
            return self._http.get(
                path,
                segments={"region": region},
                params={"offset": offset, "limit": limit},
                headers=self._headers,
                interpret=page,
            )

        def page(payload: Any) -> Page:
            found = _read(payload, kind=dict[str, Any], operation=path)
            return Page(
                items=_read(found.get("items"), kind=list[kind], operation=path),  # type: ignore[valid-type]
                total_count=_read(found.get("total"), kind=int, operation=path),
            )

        return offset_pages(
            fetch, limit=PAGE_LIMIT, identity=lambda item: item.id, provider=PROVIDER, operation=path
        )


def _read(payload: Any, *, kind: type[Answer], operation: str) -> Answer:
    """`payload` as `kind`; raises UnexpectedResponse that names the field which breaks the promise."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise UnexpectedResponse(
            gettext_noop("%(provider)s's answer could not be read (%(reason)s). Data is unchanged."),
            provider=PROVIDER,
            operation=operation,
            params={"provider": NAME, "reason": str(error)},
        ) from None
