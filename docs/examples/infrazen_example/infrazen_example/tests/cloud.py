"""Example Cloud on loopback: a server for tests that really refuses, pages and fails."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

API_KEY = "example-secret-key"
PLANTED = "planted-root-password"
BASE_PATH = "/example/api"

ACCOUNT = {
    "id": "ex-42",
    "name": "Acme",
    "balance": "1500.00",
    "currency": "RUB",
    "regions": ["north", "south"],
}
WEB = {
    "id": "s1",
    "name": "web-1",
    "state": "on",
    "cores": 2,
    "memory_gb": 4,
    "image": "Debian 12",
    "price_month": "1200.00",
    "root_password": PLANTED,
}
OLD = {
    "id": "s2",
    "name": "old-1",
    "state": "hibernated",
    "cores": 1,
    "memory_gb": 0.5,
    "price_month": "300.00",
}
BOOT = {"id": "v1", "name": "web-1-boot", "size_gb": 20, "server_id": "s1", "price_month": "150.00"}
LOST = {"id": "v2", "name": "lost", "size_gb": 100, "server_id": None, "price_month": "750.00"}


class ExampleCloud:
    """Serves until the `with` block ends. `failing` names regions that answer 503; `requests` is what was asked."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {
            "/v1/regions/north/servers": [WEB, OLD],
            "/v1/regions/north/volumes": [BOOT],
            "/v1/regions/south/servers": [],
            "/v1/regions/south/volumes": [LOST],
        }
        self.failing: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def root(self) -> str:
        """What EMULATOR_URL would be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return self.root + BASE_PATH

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, query: dict[str, list[str]], key: str) -> tuple[int, Any]:
        """Status and payload of one request."""
        if key != f"Bearer {API_KEY}":
            return 401, {"error": "unknown key"}
        if any(f"/regions/{region}/" in path for region in self.failing):
            return 503, {"error": "try later"}
        if path == "/v1/account":
            return 200, ACCOUNT
        if path not in self.lists:
            return 404, {"error": "no such path"}
        items = self.lists[path]
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        return 200, {"items": items[offset : offset + limit], "total": len(items)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                status, payload = cloud.answer(
                    parts.path.removeprefix(BASE_PATH),
                    parse_qs(parts.query),
                    self.headers.get("Authorization", ""),
                )
                body = json.dumps(payload).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: object = "-", size: object = "-") -> None:
                cloud.requests.append((self.command, self.path))

            def log_message(self, *args: Any) -> None:
                return None

        return Handler
