"""The control API of the emulators, for whoever drives them: tests, the demo, benchmarks.

- `GET  /_control/health`
- `GET  /_control/clock`, `PUT {"now": ISO 8601 | null, "running": bool}`
- `PUT  /_control/anchor {"anchor": "2026-11-21"}` moves day 0, and forgets faults and events
- `GET  /_control/faults`, `PUT [fault, …]` replaces, `POST fault` adds, `DELETE` clears
- `GET  /_control/events`, `PUT [event, …]` replaces; see `events.Event`
- `GET  /_control/ledger?provider=beget&account=demoprod[&at=ISO 8601]`
- `GET  /_control/charges?provider=selectel&account=101001&from=ISO 8601&until=ISO 8601`, see ChargingEmulator
- `GET  /_control/requests`, `DELETE` forgets; `GET /_control/violations`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from providers.emulators.events import Event
from providers.emulators.faults import Fault
from providers.emulators.wire import Response

if TYPE_CHECKING:
    from providers.emulators.server import EmulatorServer


class ControlApi:
    """Answers `/_control/…`; what cannot be read is told with status 400."""

    def __init__(self, server: EmulatorServer) -> None:
        self._server = server

    def answer(self, path: str, method: str, query: Mapping[str, str], body: bytes) -> Response:
        handlers = {
            "health": self._health,
            "clock": self._clock,
            "anchor": self._anchor,
            "events": self._events,
            "faults": self._faults,
            "ledger": self._ledger,
            "charges": self._charges,
            "requests": self._requests,
            "violations": self._violations,
        }
        handler = handlers.get(path.strip("/"))
        if handler is None:
            return Response(status=404, payload={"error": "no such control"})
        try:
            return handler(method, query, json.loads(body) if body else None)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return Response(status=400, payload={"error": f"{type(error).__name__}: {error}"})

    def _health(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        return Response(
            payload={
                "status": "ok",
                "scenario": self._server.scenario.name,
                "anchor": self._server.scenario.anchor.isoformat(),
                "now": self._server.clock.now().isoformat(),
                "providers": {key: emulator.accounts() for key, emulator in self._server.providers.items()},
                "violations": len(self._server.violations),
            }
        )

    def _clock(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        if method == "PUT":
            now = data.get("now")
            self._server.set_clock(datetime.fromisoformat(now) if now else None, running=data.get("running"))
        return Response(
            payload={"now": self._server.clock.now().isoformat(), "running": self._server.clock.running}
        )

    def _anchor(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        if method == "PUT":
            self._server.set_anchor(date.fromisoformat(data["anchor"]))
        return Response(payload={"anchor": self._server.scenario.anchor.isoformat()})

    def _events(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        if method == "PUT":
            self._server.set_events([Event.from_mapping(entry) for entry in data])
        return Response(payload={"events": [event.as_json() for event in self._server.events]})

    def _faults(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        new = [
            Fault.from_mapping(entry)
            for entry in (data if isinstance(data, list) else [data])
            if entry is not None
        ]
        if method in ("PUT", "DELETE"):
            self._server.faults.clear()
        if method in ("PUT", "POST"):
            for fault in new:
                self._server.faults.add(fault)
        return Response(payload={"faults": self._server.faults.as_json()})

    def _ledger(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        at = datetime.fromisoformat(query["at"]).astimezone(UTC) if "at" in query else None
        return Response(payload=self._server.ledger(query["provider"], query["account"], at))

    def _charges(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        start, end = (datetime.fromisoformat(query[name]).astimezone(UTC) for name in ("from", "until"))
        return Response(payload=self._server.charges(query["provider"], query["account"], start, end))

    def _requests(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        if method == "DELETE":
            self._server.requests.clear()
        return Response(
            payload={
                "requests": [
                    {
                        "method": record.method,
                        "path": record.path,
                        "provider": record.provider,
                        "time": record.time.isoformat(),
                        "account": record.account,
                        "status": record.status,
                    }
                    for record in list(self._server.requests)
                ]
            }
        )

    def _violations(self, method: str, query: Mapping[str, str], data: Any) -> Response:
        return Response(
            payload={
                "violations": [
                    {
                        "method": each.method,
                        "path": each.path,
                        "provider": each.provider,
                        "reason": each.reason,
                    }
                    for each in self._server.violations
                ]
            }
        )
