"""Selectel keeps what every plugin must keep, on both accounts of the demo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from providers.conformance import PluginConformance
from providers.contract.plugin import ProviderPlugin
from providers.emulators.server import EmulatorServer
from providers.plugins.selectel.provider import SelectelProvider

from .conftest import DEV, PROD, context, demo


class TestSelectelConforms(PluginConformance):
    credentials: ClassVar[dict[str, str]] = {**PROD, "static_token": "demo-secret-static-a_101001"}
    markers = ("demo-secret", "gAAAA")
    server: ClassVar[EmulatorServer]

    @classmethod
    def setup_class(cls) -> None:
        cls.server = demo().start()

    @classmethod
    def teardown_class(cls) -> None:
        cls.server.stop()

    def plugin(self) -> ProviderPlugin:
        return SelectelProvider(context(self.server, **self.credentials))

    def plugin_with_wrong_credentials(self) -> ProviderPlugin:
        return SelectelProvider(context(self.server, **{**self.credentials, "password": "wrong-password"}))

    def writes(self) -> Sequence[str]:
        return [str(violation) for violation in self.server.violations]


class TestSelectelConformsWithoutStaticToken(TestSelectelConforms):
    credentials = DEV
