"""Emulator of Beget: the hosting API at `/beget/hosting`, the cloud API at `/beget/cloud`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.beget.emulator import BegetEmulator
from providers.emulators.scenario import Scenario


def build(section: Mapping[str, Any], *, scenario: Scenario) -> BegetEmulator:
    """The emulator for the `[beget]` section of a scenario."""
    return BegetEmulator(section, scenario=scenario)
