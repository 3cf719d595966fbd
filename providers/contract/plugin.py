"""The face of a provider plugin.

A plugin is a class that is registered as an entry point of the group `infrazen.providers`. It turns a provider's
API into streams of frozen records, writes nothing and knows no Django model. Every stream may be consumed once and
yields, besides its records, one `ScopeResult` per scope when the reading of that scope has ended.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from .errors import ProviderError
from .records import (
    AccountRecord,
    ChargeRecord,
    ConnectionTest,
    Finding,
    PriceRecord,
    ResourceRecord,
    ResourceType,
    RunRateRecord,
    Scope,
    ScopeResult,
    ScopeStatus,
    UsageRecord,
)
from .stopping import StopSaves
from .trace import ReadingTrace


class BillingKind(enum.StrEnum):
    """Whether money comes as billed lines of a period or as prices of what exists."""

    LINES = "lines"
    RATES = "rates"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One field of the connection form; form, API schema and admin all follow from it.

    `label` and `help_text` are English and marked for translation. A secret never leaves the server again.
    `decides_destination` marks a field that says where secrets are sent (an address, a host): whoever changes it must
    know the secrets, so none that is set is kept under the change.
    """

    name: str
    label: str
    help_text: str = ""
    is_secret: bool = False
    is_required: bool = True
    decides_destination: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """`states_run_rates`: charges() yields a `RunRateRecord` for all that is billed now; the lines are history.

    `stop_saves`: what can be switched off for a while without being charged, and how; what is not in it cannot.
    """

    billing: BillingKind
    has_inventory: bool = True
    has_usage: bool = False
    has_prices: bool = False
    reads_files: bool = False
    states_run_rates: bool = False
    stop_saves: Mapping[ResourceType, StopSaves] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Half-open, aware UTC."""

    start: datetime
    end: datetime


SLOW_SERIES = timedelta(days=1)
"""How far before its period `usage` may begin with what is read only once a day."""


def _ignore_wait(seconds: float, reason: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginContext:
    """Everything that a plugin gets from outside.

    `now` is the sync's one instant. `endpoints` replaces base URLs (`{"beget.hosting": url}`) for emulators and
    laboratories; loopback HTTP is allowed only with `allow_loopback`. `deadline_seconds` bounds the whole reading.
    `on_wait` is told of every wait before it begins; `trace` counts what is asked, which `providers.http` does for every
    plugin that reads through it. `source` is the user's file for plugins that read files; `options` are the user's
    choices for it (`{"skip_bad_rows": "1"}`).
    """

    credentials: Mapping[str, str] = field(repr=False)
    now: datetime
    endpoints: Mapping[str, str] = field(default_factory=dict)
    allow_loopback: bool = False
    deadline_seconds: float = 900
    on_wait: Callable[[float, str], None] = _ignore_wait
    trace: ReadingTrace = field(default_factory=ReadingTrace, repr=False, compare=False)
    source: Path | None = None
    source_name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class ProviderPlugin(abc.ABC):
    """One provider. Class attributes describe it; an instance reads one account."""

    key: ClassVar[str]
    display_name: ClassVar[str]
    badge: ClassVar[str]
    summary: ClassVar[str]
    credential_fields: ClassVar[tuple[CredentialField, ...]]
    capabilities: ClassVar[Capabilities]
    type_map: ClassVar[Mapping[str, ResourceType]]
    """native_type -> taxonomy, the plugin's defaults; administrators' mappings come before it."""
    billing_timezone: ClassVar[str] = "Europe/Moscow"
    delivers_by_day: ClassVar[bool] = False
    """Whether the `billing_period` of its lines is a day, so that a day is replaced by itself; else it is a month."""
    cost_tolerance: ClassVar[str] = "0"
    """A rate that moved by no more than this (decimal text, a day) is not a change."""
    endpoints: ClassVar[tuple[str, ...]] = ()
    """Names of its base URLs, `key.part`: an emulator may stand in for each (`PluginContext.endpoints`)."""
    guide: ClassVar[str] = ""
    """How to get the credentials: name of a Markdown file beside the plugin's module, or under docs/providers/."""

    def __init__(self, context: PluginContext) -> None:
        self.context = context

    @classmethod
    def resource_type_of(
        cls,
        native_type: str,
        service_category: str = "",
        service_name: str = "",
        service_subcategory: str = "",
    ) -> ResourceType | None:
        """The taxonomy's word for a native type; None where it maps to nothing and an administrator must say.

        The plugin's default: administrators' mappings come before it. The service's FOCUS words are for plugins whose
        native types are open-ended; others look the type up.
        """
        return cls.type_map.get(native_type)

    @abc.abstractmethod
    def test_connection(self) -> ConnectionTest:
        """Ask the provider who we are; raises a `ProviderError` when nothing can be read."""

    def account(self) -> Iterator[AccountRecord | ScopeResult | Finding]:
        """The account's facts, at most one record."""
        return iter(())

    def charges(self, period: Period) -> Iterator[ChargeRecord | RunRateRecord | ScopeResult | Finding]:
        """Billed lines whose charge period lies in `period`; with `states_run_rates` also what they come to now."""
        return iter(())

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        """What exists now."""
        return iter(())

    def usage(self, period: Period) -> Iterator[UsageRecord | ScopeResult | Finding]:
        """Series of the resources that `resources()` yielded.

        Points lie in `period`; series that are read or kept by the day may begin up to `SLOW_SERIES` before it.
        """
        return iter(())

    def prices(self) -> Iterator[PriceRecord | ScopeResult | Finding]:
        """The provider's price list."""
        return iter(())


def complete(*scope: str) -> ScopeResult:
    return ScopeResult(scope=scope, status=ScopeStatus.COMPLETE)


def not_complete(scope: Scope, error: ProviderError) -> ScopeResult:
    """The result of a scope whose reading ended with `error`."""
    denied = error.code in ("permission_denied", "authentication_failed")
    return ScopeResult(
        scope=scope,
        status=ScopeStatus.DENIED if denied else ScopeStatus.FAILED,
        error_code=error.code,
        message=error.message,
        params=error.params,
    )
