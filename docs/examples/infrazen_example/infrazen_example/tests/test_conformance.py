"""Example Cloud keeps what every plugin must keep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from infrazen_example.provider import ExampleProvider
from providers.conformance import PluginConformance
from providers.contract.plugin import PluginContext, ProviderPlugin

from .cloud import API_KEY, PLANTED, ExampleCloud

NOON = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


def context(cloud: ExampleCloud, api_key: str = API_KEY) -> PluginContext:
    return PluginContext(
        credentials={"api_key": api_key},
        now=NOON,
        endpoints={"example.api": cloud.url},
        allow_loopback=True,
    )


class TestExampleConforms(PluginConformance):
    markers = (PLANTED,)
    cloud: ClassVar[ExampleCloud]

    @classmethod
    def setup_class(cls) -> None:
        cls.cloud = ExampleCloud().__enter__()

    @classmethod
    def teardown_class(cls) -> None:
        cls.cloud.__exit__()

    def plugin(self) -> ProviderPlugin:
        return ExampleProvider(context(self.cloud))

    def plugin_with_wrong_credentials(self) -> ProviderPlugin:
        return ExampleProvider(context(self.cloud, api_key="wrong-secret-key"))

    def writes(self) -> Sequence[str]:
        return [f"{method} {path}" for method, path in self.cloud.requests if method != "GET"]
