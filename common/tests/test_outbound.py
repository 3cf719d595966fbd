"""Addresses that people give lead out, and nowhere else, whatever their names resolve to and wherever they redirect."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from common import outbound

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_by_itself(address) -> None:
    host = f"[{address}]" if ":" in address else address

    with pytest.raises(outbound.AddressRefused):
        outbound.post(f"http://{host}/", b"", {})


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_resolves_to_a_private_address_is_refused(address, monkeypatch) -> None:
    _resolve(monkeypatch, [address])

    with pytest.raises(outbound.AddressRefused):
        outbound.post("https://innocent.example/", b"", {})


def test_numbers_in_disguise_are_refused() -> None:
    for host in ("2130706433", "0x7f.1", "0177.0.0.1", "localhost"):
        with pytest.raises(outbound.AddressRefused):
            outbound.post(f"http://{host}/", b"", {})


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch, settings) -> None:
    """A name that answers differently the second time is resolved only once."""
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    with _Server() as (port, seen):
        asked = _resolve(monkeypatch, ["127.0.0.1", "10.0.0.1"], port)

        status = outbound.post(f"http://rebinding.example:{port}/in", b"body", {"X-Own": "1"})

    assert status == 302
    assert asked == ["rebinding.example"]
    assert seen == [("/in", f"rebinding.example:{port}")]  # the redirect was not followed


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://example.com", "//example.com", "http://", "http://u:p@example.com"],
)
def test_what_is_no_web_address_is_refused(url) -> None:
    with pytest.raises(outbound.AddressRefused):
        outbound.check(url)


def _resolve(monkeypatch, addresses, port=443) -> list[str]:
    """Names resolve to the given addresses in turn; the list of names that were asked."""
    asked: list[str] = []
    real = socket.getaddrinfo
    turns = iter(addresses)

    def getaddrinfo(host, *args, **kwargs):
        if not str(host).endswith(".example"):
            return real(host, *args, **kwargs)
        asked.append(host)
        address = next(turns)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        place = (address, port, 0, 0) if family == socket.AF_INET6 else (address, port)
        return [(family, socket.SOCK_STREAM, 6, "", place)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


class _Server:
    """Redirects every POST into the private network; tells what it was asked."""

    def __enter__(self):
        seen: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                seen.append((self.path, self.headers["Host"]))
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Silent."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self.server.server_port, seen

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()
