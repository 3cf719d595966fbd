"""The plain OpenStack type keeps what every plugin must keep, on the demo's Keystone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from providers.conformance import PluginConformance
from providers.contract.plugin import ProviderPlugin
from providers.emulators.server import EmulatorServer
from providers.plugins.openstack.provider import OpenStackProvider

from .conftest import ALL, context, demo


class TestOpenStackConforms(PluginConformance):
    markers = ("demo-secret", "gAAAA")
    server: ClassVar[EmulatorServer]

    @classmethod
    def setup_class(cls) -> None:
        cls.server = demo().start()

    @classmethod
    def teardown_class(cls) -> None:
        cls.server.stop()

    def plugin(self) -> ProviderPlugin:
        return OpenStackProvider(context(self.server, **ALL))

    def plugin_with_wrong_credentials(self) -> ProviderPlugin:
        return OpenStackProvider(context(self.server, **{**ALL, "password": "wrong-password"}))

    def writes(self) -> Sequence[str]:
        return [str(violation) for violation in self.server.violations]
