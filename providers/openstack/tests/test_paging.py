"""Lists are read to their end, whatever the server's own maximum is, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.contract.errors import UnexpectedResponse
from providers.contract.plugin import PluginContext
from providers.openstack.client import AllowedHosts, Cloud
from providers.openstack.paging import marker_pages

from .test_client import NOW


class Server:
    """A list behind `get`, `maximum` items a page at most; it says where there is more, unless it is `silent`."""

    def __init__(self, *ids: str, maximum: int = 1000, silent: bool = False) -> None:
        self.ids = list(ids)
        self.maximum = maximum
        self.silent = silent
        self.asked: list[dict[str, Any]] = []

    def get(self, path: str, *, params: dict[str, Any], interpret: Callable[[Any], Any]) -> Any:
        self.asked.append(params)
        return interpret(self.answer(params))

    def answer(self, params: dict[str, Any]) -> Any:
        start = self.ids.index(params["marker"]) + 1 if "marker" in params else params.get("offset", 0)
        page = self.ids[start : start + min(self.maximum, params["limit"])]
        is_more = start + len(page) < len(self.ids) and not self.silent
        links = [{"rel": "next", "href": "http://elsewhere/"}] if is_more else []
        return {"servers": [{"id": each} for each in page], "servers_links": links}


def read(server: Any, **options: Any) -> list[str]:
    cloud = Cloud(
        context=PluginContext(credentials={}, now=NOW),
        provider="acme",
        provider_name="Acme",
        hosts=AllowedHosts(),
    )
    return [item["id"] for item in marker_pages(cloud, server, "/servers", "servers", **options)]


def test_a_server_that_gives_fewer_than_asked_is_read_to_its_end():
    server = Server(*"abcdefg", maximum=3)

    assert read(server) == list("abcdefg")
    assert [asked.get("marker") for asked in server.asked] == [None, "c", "f"]


def test_a_full_page_without_a_link_is_followed_by_another():
    server = Server(*"abcd", silent=True)

    assert read(server, page_size=2) == list("abcd")
    assert len(server.asked) == 3


def test_a_next_in_words_counts_as_a_link():
    class Glance(Server):
        def answer(self, params: dict[str, Any]) -> Any:
            body = super().answer(params)
            return {"servers": body["servers"], **({"next": "/v2/images"} if body["servers_links"] else {})}

    assert read(Glance(*"abc", maximum=1)) == list("abc")


def test_lists_by_offset():
    server = Server(*"abcde", maximum=2)

    assert read(server, is_offset=True) == list("abcde")
    assert [asked.get("offset") for asked in server.asked] == [None, 2, 4]


def test_the_same_page_twice_is_no_list():
    class Deaf(Server):
        def answer(self, params: dict[str, Any]) -> Any:
            return super().answer({"limit": params["limit"]})

    with pytest.raises(UnexpectedResponse, match="the same page came twice"):
        read(Deaf(*"abc", maximum=2))


def test_a_marker_that_is_gone_starts_the_list_again_and_repeats_nothing():
    class Moving(Server):
        def answer(self, params: dict[str, Any]) -> Any:
            if params.get("marker") == "b" and "b" in self.ids:
                self.ids.remove("b")
                raise UnexpectedResponse("No.", provider="acme", operation="list", params={"status": 400})
            return super().answer(params)

    assert read(Moving(*"abcd", maximum=2)) == list("abcd")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"servers": None},
        {"servers": {}},
        {"servers": [None]},
        {"servers": [{}]},
        {"servers": [{"id": ""}]},
    ],
)
def test_what_is_no_list_is_not_an_empty_one(body):
    class Broken(Server):
        def answer(self, params: dict[str, Any]) -> Any:
            return body

    with pytest.raises(UnexpectedResponse):
        read(Broken())
