"""The HTTP server: routing, faults, the request log.

`{url}/{provider}/{api}/…` belongs to a provider's emulator, `{url}/_control/…`
to whoever drives it, see `control`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from providers.emulators.clock import Clock
from providers.emulators.control import ControlApi
from providers.emulators.events import Event, with_events
from providers.emulators.faults import PROVIDER_SHAPED, Fault, Faults, distort
from providers.emulators.scenario import Scenario
from providers.emulators.wire import ChargingEmulator, ProviderEmulator, Request, Response, Violation

LOG_LENGTH = 100_000
IDLE_CONNECTION_SECONDS = 60
STOP_POLL_SECONDS = 0.02
GATEWAY_STATUSES = frozenset({502, 504})
"""Statuses that a gateway before the service answers, and therefore in HTML."""
MALFORMED_BODY = b'{"answer": [{"id": 1, "name": '


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request that was answered: no query, headers or body, so no secret.

    `time` is the emulator clock's; `path` is the whole path on the wire.
    """

    method: str
    path: str
    provider: str
    time: datetime
    account: str | None
    status: int


class EmulatorServer:
    """Emulated providers on a loopback port, in a thread of the calling process.

    Use as a context manager, or call `start` and `stop`. `scenario` is a
    Scenario or the name of a file in `scenarios/`. With `now` the clock
    stands still at that instant, without it the clock runs.
    """

    def __init__(
        self,
        scenario: Scenario | str,
        *,
        now: datetime | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Raises KeyError for a provider without an emulator; OSError where the port is taken."""
        self._told = Scenario.load(scenario) if isinstance(scenario, str) else scenario
        self.clock = Clock(now)
        self.requests: deque[RequestRecord] = deque(maxlen=LOG_LENGTH)
        self.violations: list[Violation] = []
        self.set_anchor(self._told.anchor)
        self._control = ControlApi(self)
        self._stopping = threading.Event()
        self._http = _HttpServer((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> Self:
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": STOP_POLL_SECONDS},
            name="emulator",
            daemon=True,
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering and close every connection; safe to call twice."""
        self._stopping.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.close_connections()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def set_clock(self, now: datetime | None, *, running: bool | None = None) -> None:
        """Set the clock; faults the scenario schedules after it strike again."""
        self.clock.set(now, running=running)
        self.faults.rewind(self.clock.now())

    def set_anchor(self, anchor: date) -> None:
        """Begin anew with another day 0: without events, and without faults but those of the scenario."""
        self._told = self._told.anchored(anchor)
        self.faults = Faults(self._told.faults)
        self.set_events(())

    def set_events(self, events: Iterable[Event]) -> None:
        """What happens beside what the scenario tells, instead of what was told before; raises ValueError."""
        wanted = tuple(events)
        scenario = with_events(self._told, wanted)
        self.providers: dict[str, ProviderEmulator] = {
            key: load_provider(key, section, scenario) for key, section in scenario.providers.items()
        }
        self.scenario = scenario
        self.events = wanted

    def ledger(self, provider: str, account: str, at: datetime | None = None) -> dict[str, Any]:
        """The scenario's truth about an account's cost, see the provider; raises KeyError."""
        return self.providers[provider].ledger(account, at or self.clock.now())

    def charges(self, provider: str, account: str, start: datetime, end: datetime) -> dict[str, Any]:
        """What a provider has booked for an account in [start, end); raises KeyError, TypeError without a bill."""
        emulator = self.providers[provider]
        if not isinstance(emulator, ChargingEmulator):
            raise TypeError(f"{provider} books no charges")
        return emulator.charges(account, start, end)

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, remote: str
    ) -> _Answer:
        """Route one request; never raises for what a client may send."""
        parts = urlsplit(target)
        parameters = tuple(parse_qsl(parts.query, keep_blank_values=True))
        query = dict(parameters)
        segments = parts.path.lstrip("/").split("/", 2)
        if segments[0] == "_control":
            return _Answer(self._control.answer("/".join(segments[1:]), method, query, body))
        family = ".".join(segments[:2])
        emulator = self.providers.get(segments[0])
        if emulator is None or family not in emulator.families:
            return _Answer(Response(status=404, text="404 Not Found"))
        request = Request(
            method=method,
            family=family,
            path="/" + (segments[2] if len(segments) > 2 else ""),
            query=query,
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
            remote=remote,
            at=self.clock.now(),
            parameters=parameters,
        )
        account = emulator.identify(request)
        reason = emulator.violation(request)
        if reason is not None:
            self.violations.append(
                Violation(method=method, path=parts.path, provider=segments[0], reason=reason)
            )
        answer = self._with_faults(emulator, request, account)
        self.requests.append(
            RequestRecord(
                method=method,
                path=parts.path,
                provider=segments[0],
                time=request.at,
                account=account,
                status=answer.response.status,
            )
        )
        return answer

    def _with_faults(self, emulator: ProviderEmulator, request: Request, account: str | None) -> _Answer:
        faults = self.faults.take(family=request.family, account=account, path=request.path, at=request.at)
        response: Response | None = None
        for fault in faults:
            if fault.kind == "slow":
                self._stopping.wait(fault.seconds)
            elif fault.kind == "status" and response is None:
                response = _status_response(fault)
            elif fault.kind in PROVIDER_SHAPED and response is None:
                response = emulator.refuse(request, fault.kind, fault.as_json())
        if response is None:
            response = emulator.respond(request)
        for fault in faults:
            if fault.field is not None and response.payload is not None:
                response = Response(
                    status=response.status, payload=distort(response.payload, fault), headers=response.headers
                )
        kinds = {fault.kind for fault in faults}
        return _Answer(response, cut="cut" in kinds, malformed="malformed" in kinds)


def load_provider(key: str, section: Mapping[str, Any], scenario: Scenario) -> ProviderEmulator:
    """The emulator of a provider, from its folder; raises KeyError where there is none."""
    name = f"providers.emulators.{key}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise KeyError(f"no emulator for provider {key!r}") from error
    emulator: ProviderEmulator = module.build(section, scenario=scenario)
    return emulator


@dataclass(frozen=True, slots=True)
class _Answer:
    response: Response
    cut: bool = False
    malformed: bool = False

    def body(self) -> tuple[str, bytes]:
        """Content type and bytes."""
        if self.malformed:
            return "application/json", MALFORMED_BODY
        if self.response.payload is None:
            return self.response.text_type, (self.response.text or "").encode()
        return "application/json", json.dumps(
            self.response.payload, ensure_ascii=False, default=_json_number
        ).encode()


def _json_number(value: Any) -> float:
    """Decimals leave as JSON numbers; up to 15 digits a float prints them unchanged."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _status_response(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    message = fault.message or HTTPStatus(fault.status).phrase
    if fault.status in GATEWAY_STATUSES:
        page = f"<html><head><title>{fault.status} {message}</title></head><body>nginx</body></html>"
        return Response(status=fault.status, text=page, text_type="text/html", headers=headers)
    return Response(status=fault.status, payload={"code": fault.status, "message": message}, headers=headers)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], emulator: EmulatorServer) -> None:
        self.emulator = emulator
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds."""
        socket_address = self.server_address
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End keep-alive connections, whose threads would otherwise wait for their clients."""
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a fault of the emulator."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "Emulator"
    disable_nagle_algorithm = True
    timeout = IDLE_CONNECTION_SECONDS
    wbufsize = -1

    def do_GET(self) -> None:
        self._respond()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - the base class names them

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        answer = self.server.emulator.answer(
            self.command, self.path, dict(self.headers.items()), body, str(self.client_address[0])
        )
        content_type, content = answer.body()
        self.send_response(answer.response.status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.cut:
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Nothing: query strings may hold secrets, and the server keeps its own log."""
