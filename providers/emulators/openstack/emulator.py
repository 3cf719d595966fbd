"""Keystone and the regional services behind one face for the server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.emulators.openstack.cloud import clouds_of
from providers.emulators.openstack.compute import Nova
from providers.emulators.openstack.identity import Identity, KeystoneApi
from providers.emulators.openstack.metrics import Gnocchi
from providers.emulators.openstack.network import Neutron, Octavia
from providers.emulators.openstack.objects import Glance, Swift
from providers.emulators.openstack.service import Service
from providers.emulators.openstack.storage import Cinder, Manila
from providers.emulators.scenario import Scenario
from providers.emulators.wire import Request, Response

KEYSTONE = "openstack.keystone"
SERVICES = (Nova, Cinder, Neutron, Glance, Manila, Octavia, Swift, Gnocchi)


class OpenStackEmulator:
    """All domains of a scenario."""

    families = (KEYSTONE, *(f"openstack.{service.family}" for service in SERVICES))

    def __init__(self, section: Mapping[str, Any], *, scenario: Scenario) -> None:
        self.identity = Identity(clouds_of(scenario), scenario)
        self._apis: dict[str, KeystoneApi | Service] = {KEYSTONE: KeystoneApi(self.identity)}
        for service in SERVICES:
            self._apis[f"openstack.{service.family}"] = service(self.identity)

    def accounts(self) -> list[str]:
        return list(self.identity.clouds)

    def identify(self, request: Request) -> str | None:
        api = self._apis[request.family]
        return api.domain(request) if isinstance(api, KeystoneApi) else self.identity.domain_of(request)

    def respond(self, request: Request) -> Response:
        return self._apis[request.family].respond(request)

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        return self._apis[request.family].refuse(request, kind, options)

    def violation(self, request: Request) -> str | None:
        return self._apis[request.family].violation(request)

    def ledger(self, account: str, at: datetime) -> dict[str, Any]:
        """A cloud without billing: what stands there, by kind and region; money is in the ledger of Selectel."""
        cloud = self.identity.clouds[account]
        counts: dict[str, dict[str, int]] = {}
        for kind in ("server", "volume", "floating_ip", "load_balancer", "snapshot", "image", "share"):
            for thing in cloud.standing(kind, at):
                counts.setdefault(thing["region"], {}).setdefault(kind, 0)
                counts[thing["region"]][kind] += 1
        return {"account": account, "at": at.isoformat(), "resources": [], "counts": counts}
