"""All of Selectel's own APIs behind one face for the server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from providers.emulators.openstack.cloud import clouds_of
from providers.emulators.openstack.identity import Identity
from providers.emulators.scenario import Scenario
from providers.emulators.selectel.access import Gate
from providers.emulators.selectel.account import Account
from providers.emulators.selectel.billing import BillingApi
from providers.emulators.selectel.managed import (
    DatabaseApi,
    DedicatedApi,
    DnsApi,
    KubernetesApi,
    QuotaApi,
    RegistryApi,
)
from providers.emulators.selectel.prices import Prices
from providers.emulators.selectel.resell import IamApi, ResellApi
from providers.emulators.wire import Request, Response

FAMILIES = ("billing", "iam", "resell", "dedicated", "dns", "registry", "dbaas", "mks", "quota")


class Api(Protocol):
    def respond(self, request: Request) -> Response: ...
    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response: ...
    def violation(self, request: Request) -> str | None: ...


class SelectelEmulator:
    """The accounts of a scenario; their OpenStack is served by its own emulator."""

    families = tuple(f"selectel.{name}" for name in FAMILIES)

    def __init__(self, section: Mapping[str, Any], *, scenario: Scenario) -> None:
        prices = Prices(section, scenario)
        self._accounts = {
            str(values["number"]): Account(values, prices, scenario) for values in section.get("account", [])
        }
        identity = Identity(clouds_of(scenario), scenario)
        self._gate = Gate(self._accounts, identity, section)
        self._apis: dict[str, Api] = {
            "selectel.billing": BillingApi(self._gate, section),
            "selectel.iam": IamApi(self._gate),
            "selectel.resell": ResellApi(self._gate, section),
            "selectel.dedicated": DedicatedApi(self._gate),
            "selectel.dns": DnsApi(identity),
            "selectel.registry": RegistryApi(identity),
            "selectel.dbaas": DatabaseApi(identity),
            "selectel.mks": KubernetesApi(identity),
            "selectel.quota": QuotaApi(identity),
        }

    def accounts(self) -> list[str]:
        return list(self._accounts)

    def identify(self, request: Request) -> str | None:
        return self._gate.number(request)

    def respond(self, request: Request) -> Response:
        return self._apis[request.family].respond(request)

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        return self._apis[request.family].refuse(request, kind, options)

    def violation(self, request: Request) -> str | None:
        return self._apis[request.family].violation(request)

    def ledger(self, account: str, at: datetime) -> dict[str, Any]:
        return self._accounts[account].ledger(at)

    def charges(self, account: str, start: datetime, end: datetime) -> dict[str, Any]:
        return self._accounts[account].charges(start, end)
