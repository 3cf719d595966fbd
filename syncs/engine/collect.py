"""Reading a provider into the spool. Network only: no database, no judgement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.contract.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    InvalidSource,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnexpectedResponse,
)
from providers.contract.plugin import Period, ProviderPlugin, not_complete
from providers.contract.records import (
    AccountRecord,
    ChargeRecord,
    Finding,
    ResourceRecord,
    RunRateRecord,
    ScopeResult,
    ScopeStatus,
    UsageRecord,
)
from providers.contract.trace import ReadingTrace

from .grouping import EVERYTHING_ELSE, Grouping, family
from .records import scope_key
from .spool import Spool

ACCOUNT = "account"
CHARGES = "charges"
RESOURCES = "resources"
RUN_RATES = "run_rates"
USAGE = "usage"
MAX_FINDINGS = 200
"""Findings kept with a snapshot; a file may have one per row."""


@dataclass(slots=True, kw_only=True)
class Collected:
    """What one reading brought, besides the records in the spool.

    `listed` maps every listed resource id to the family (spool section) that its record went to. `problems` has, for
    each stream that could not be read to its end, the first scope of it that failed. `has_unknown_parents` tells that
    nobody could look what some record belongs to.
    """

    account: AccountRecord | None = None
    listed: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, ScopeResult] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    problems: dict[str, ScopeResult] = field(default_factory=dict)
    has_unknown_parents: bool = False
    currencies: dict[str, str] = field(default_factory=dict)
    further_currencies: dict[str, set[str]] = field(default_factory=dict)

    def add_currency(self, charge: ChargeRecord) -> None:
        currency = charge.billing_currency
        if self.currencies.setdefault(charge.resource_id, currency) != currency:
            self.further_currencies.setdefault(charge.resource_id, set()).add(currency)

    def main_currencies(self, known: Mapping[str, str]) -> dict[str, str]:
        """Of each resource that is billed in several currencies: the one that is `known` of it, else the first in
        the alphabet, so that the order of lines is no matter.
        """
        main = {}
        for resource_id, further in self.further_currencies.items():
            billed = {self.currencies[resource_id], *further}
            main[resource_id] = known[resource_id] if known.get(resource_id) in billed else min(billed)
        return main

    @property
    def is_bill_complete(self) -> bool:
        """Whether all billed lines were read; a part of them says nothing."""
        return CHARGES not in self.problems

    @property
    def is_inventory_complete(self) -> bool:
        return RESOURCES not in self.problems

    @property
    def complete_scopes(self) -> set[str]:
        return {key for key, result in self.scopes.items() if is_covered(result)}

    @property
    def is_complete(self) -> bool:
        return all(is_covered(result) for result in self.scopes.values())


def is_covered(result: ScopeResult) -> bool:
    return result.status in (ScopeStatus.COMPLETE, ScopeStatus.ABSENT)


def collect(
    plugin: ProviderPlugin,
    *,
    spool: Spool,
    grouping: Grouping,
    charge_period: Period,
    usage_period: Period,
    on_progress: Callable[[int], None],
) -> Collected:
    """Read every stream of the plugin to its end, or to the error that ended it.

    A stream that fails leaves its unfinished scopes uncovered, and the rest goes on. Each stream is a step of the
    reading's trace. Raises the provider's error
    where nothing at all could be read, and always AuthenticationFailed, InvalidSource and DeadlineExceeded.
    """
    trace = plugin.context.trace
    reading = _Reading(spool=spool, grouping=grouping, trace=trace, on_progress=on_progress)
    reading.consume(ACCOUNT, plugin.account)
    reading.consume(CHARGES, lambda: plugin.charges(charge_period))
    reading.consume(RESOURCES, plugin.resources)
    _raise_if_nothing_answered(plugin, reading)
    if plugin.capabilities.has_usage:
        reading.consume(USAGE, lambda: plugin.usage(usage_period))
    return reading.collected


class _Reading:
    """One pass over the streams: sorts what they yield, remembers which of them broke off."""

    def __init__(
        self, *, spool: Spool, grouping: Grouping, trace: ReadingTrace, on_progress: Callable[[int], None]
    ) -> None:
        self.collected = Collected()
        self.errors: list[ProviderError] = []
        self._spool = spool
        self._grouping = grouping
        self._trace = trace
        self._on_progress = on_progress

    def consume(self, name: str, stream: Callable[[], Iterator[Any]]) -> None:
        try:
            with self._trace.step(name) as step:
                for item in stream():
                    self._keep(item)
                    step.record_count += not isinstance(item, ScopeResult | Finding)
                    if isinstance(item, ScopeResult) and not is_covered(item):
                        self.collected.problems.setdefault(name, item)
                    self._on_progress(len(self.collected.listed))
        except (AuthenticationFailed, InvalidSource, DeadlineExceeded):
            raise
        except ProviderError as error:
            self.errors.append(error)
            self.collected.scopes[name] = not_complete((name,), error)
            self.collected.problems.setdefault(name, self.collected.scopes[name])

    def _keep(self, item: Any) -> None:
        collected = self.collected
        match item:
            case ScopeResult():
                collected.scopes[scope_key(item.scope)] = item
            case Finding():
                if len(collected.findings) < MAX_FINDINGS:
                    collected.findings.append(item)
            case AccountRecord():
                collected.account = item
            case ChargeRecord():
                collected.add_currency(item)
                self._spool.write(CHARGES, item)
            case RunRateRecord():
                self._spool.write(RUN_RATES, item)
            case ResourceRecord():
                if item.resource_id in collected.listed:
                    return  # a page that moved while it was read shows the same thing twice
                section = family(self._grouping.resource_type(item) or EVERYTHING_ELSE)
                collected.listed[item.resource_id] = section
                collected.has_unknown_parents |= not item.is_parent_known
                self._spool.write(section, item)
            case UsageRecord():
                self._spool.write(USAGE, item)
            case _:
                raise TypeError(
                    f"A stream yielded {type(item).__name__}, which is no record of the contract."
                )


def _raise_if_nothing_answered(plugin: ProviderPlugin, reading: _Reading) -> None:
    """A provider whose every scope failed was not read at all: that is an error, not a partial snapshot."""
    results = list(reading.collected.scopes.values())
    if not results or any(is_covered(result) for result in results):
        return
    if reading.errors:
        raise reading.errors[0]
    first = next((result for result in results if result.status is ScopeStatus.FAILED), results[0])
    kind = AuthenticationFailed if first.status is ScopeStatus.DENIED else _kind(first.error_code)
    raise kind(first.message, provider=plugin.key, operation="collect", params=first.params)


def _kind(code: str) -> type[ProviderError]:
    """The error of that code: what was an answer nobody could read must not be asked for again and again."""
    kinds = (RateLimited, UnexpectedResponse, RequestRefused)
    return next((kind for kind in kinds if kind.code == code), ProviderUnavailable)
