"""Both APIs of Beget behind one face for the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.beget.account import Account
from providers.emulators.beget.cloud import CloudApi
from providers.emulators.beget.hosting import HostingApi
from providers.emulators.scenario import Scenario
from providers.emulators.wire import Request, Response

HOSTING = "beget.hosting"
CLOUD = "beget.cloud"


class BegetEmulator:
    """Accounts of one scenario, served by the hosting and the cloud API."""

    families = (HOSTING, CLOUD)

    def __init__(self, section: Mapping[str, Any], *, scenario: Scenario) -> None:
        self._accounts = {
            values["login"]: Account(values, number=number, scenario=scenario)
            for number, values in enumerate(section.get("account", []), start=1)
        }
        self.hosting = HostingApi(self._accounts, section)
        self.cloud = CloudApi(self._accounts, section, scenario=scenario)

    def accounts(self) -> list[str]:
        return list(self._accounts)

    def identify(self, request: Request) -> str | None:
        return self.hosting.login(request) if request.family == HOSTING else self.cloud.login(request)

    def respond(self, request: Request) -> Response:
        return self.hosting.respond(request) if request.family == HOSTING else self.cloud.respond(request)

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        api = self.hosting if request.family == HOSTING else self.cloud
        return api.refuse(request, kind, options)

    def violation(self, request: Request) -> str | None:
        api = self.hosting if request.family == HOSTING else self.cloud
        return api.violation(request)

    def ledger(self, account: str, at: Any) -> dict[str, Any]:
        return self._accounts[account].ledger(at)
