"""Beget keeps what every plugin must keep, on an account with everything in it and on one half shut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from providers.conformance import PluginConformance
from providers.contract.plugin import ProviderPlugin
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.beget.provider import BegetProvider

from .conftest import ANCHOR, DEV, LAB, NOON, context, laboratory


class TestBegetConforms(PluginConformance):
    credentials: ClassVar[dict[str, str]] = LAB
    markers = ("demo-secret", "admin@example")
    server: ClassVar[EmulatorServer]

    @classmethod
    def setup_class(cls) -> None:
        cls.server = laboratory().start()

    @classmethod
    def teardown_class(cls) -> None:
        cls.server.stop()

    def plugin(self) -> ProviderPlugin:
        return BegetProvider(context(self.server, **self.credentials))

    def plugin_with_wrong_credentials(self) -> ProviderPlugin:
        wrong = {**self.credentials, "api_password": "wrong-api", "account_password": "wrong-account"}
        return BegetProvider(context(self.server, **wrong))

    def writes(self) -> Sequence[str]:
        return [str(violation) for violation in self.server.violations]


class TestBegetConformsWithSectionsSwitchedOff(TestBegetConforms):
    credentials = DEV

    @classmethod
    def setup_class(cls) -> None:
        cls.server = EmulatorServer(Scenario.load("demo", anchor=ANCHOR), now=NOON).start()
