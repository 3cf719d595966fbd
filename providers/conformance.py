"""What every plugin must keep, as tests that any plugin runs, ours or a third party's.

Subclass `PluginConformance` in a test module under a name that begins with `Test`, and say how to make a plugin
against an emulator or recorded answers:

    class TestAcmeConforms(PluginConformance):
        markers = ("planted-secret",)

        def plugin(self):
            return AcmeProvider(context_for(recorded_answers()))

        def plugin_with_wrong_credentials(self):
            return AcmeProvider(context_for(recorded_answers(), api_key="wrong"))

It needs no pytest itself: every check is a method with plain asserts. The plugin is read once a class, twice
where two readings are compared.
"""

from __future__ import annotations

import logging
import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from providers.contract.errors import AuthenticationFailed, ProviderError
from providers.contract.plugin import SLOW_SERIES, BillingKind, Capabilities, Period, ProviderPlugin
from providers.contract.records import (
    PRICE_PERIODS,
    USE_COMPONENTS,
    AccountRecord,
    ChargeRecord,
    ConnectionTest,
    Finding,
    PriceComponent,
    PriceRecord,
    Rate,
    ResourceRecord,
    ResourceType,
    RunRateRecord,
    Scope,
    ScopeResult,
    ScopeStatus,
    UsageRecord,
)
from providers.contract.trace import ReadingFigures

METRICS: Mapping[str, str] = {
    "cpu_percent": "%",
    "memory_mib": "MiB",
    "memory_percent": "%",
    "disk_used_gib": "GiB",
    "disk_iops": "operations/s",
    "disk_throughput": "bytes/s",
    "network_rx": "bytes/s",
    "network_tx": "bytes/s",
    "request_rate": "requests/s",
    "read_request_rate": "requests/s",
    "connections": "connections",
    "object_count": "objects",
}
"""What `UsageRecord` knows, with its unit."""
SHORTEST_SECRET = 4
"""Shorter ones occur in any text by chance and prove nothing."""

Item = (
    AccountRecord
    | ChargeRecord
    | RunRateRecord
    | ResourceRecord
    | UsageRecord
    | PriceRecord
    | ScopeResult
    | Finding
)
STREAMS: Mapping[str, type] = {
    "account": AccountRecord,
    "charges": ChargeRecord,
    "resources": ResourceRecord,
    "usage": UsageRecord,
    "prices": PriceRecord,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that one instance of a plugin said, what was logged meanwhile, and what was asked."""

    test: ConnectionTest
    streams: Mapping[str, tuple[Item, ...]]
    log: tuple[str, ...]
    trace: ReadingFigures

    def records(self, stream: str) -> list[Any]:
        return [item for item in self.streams[stream] if isinstance(item, STREAMS[stream])]

    def scopes(self, stream: str) -> list[ScopeResult]:
        return [item for item in self.streams[stream] if isinstance(item, ScopeResult)]

    def everything(self) -> Iterator[Any]:
        yield self.test
        for items in self.streams.values():
            yield from items


class PluginConformance:
    """The checks. `markers` are secrets planted in the provider's answers, which must come out nowhere.

    `unmapped_types` are native types that the test environment shows on purpose though no mapping knows them.
    """

    markers: ClassVar[tuple[str, ...]] = ()
    unmapped_types: ClassVar[frozenset[str]] = frozenset()

    _readings: ClassVar[dict[type, list[Reading]]] = {}

    # ---- what the subclass says ---------------------------------------------------------------------------

    def plugin(self) -> ProviderPlugin:
        """A fresh instance whose credentials are right; its answers are the same each time."""
        raise NotImplementedError

    def plugin_with_wrong_credentials(self) -> ProviderPlugin | None:
        """A fresh instance whose credentials are wrong, None for a plugin that needs none."""
        return None

    def period(self, plugin: ProviderPlugin) -> Period:
        """The period to ask charges and usage for: by default the day before `context.now`."""
        return Period(start=plugin.context.now - timedelta(days=1), end=plugin.context.now)

    def writes(self) -> Sequence[str]:
        """Calls that would have changed something at the provider, as the test environment saw them."""
        return ()

    # ---- the class ----------------------------------------------------------------------------------------

    def test_class_describes_itself(self) -> None:
        plugin = type(self.plugin())

        assert re.fullmatch(r"[a-z][a-z0-9_]*", plugin.key), plugin.key
        assert all((plugin.display_name, plugin.summary)), "a plugin has a name and a summary"
        assert re.fullmatch(r"[A-Z]{2}", plugin.badge), plugin.badge
        assert isinstance(plugin.capabilities, Capabilities)
        assert all(isinstance(mapped, ResourceType) for mapped in plugin.type_map.values())
        assert Decimal(plugin.cost_tolerance) >= 0
        assert ZoneInfo(plugin.billing_timezone)
        assert not plugin.guide or plugin.guide.endswith(".md"), plugin.guide

    def test_class_declares_its_credentials(self) -> None:
        plugin = self.plugin()
        names = [field.name for field in plugin.credential_fields]

        assert len(names) == len(set(names)), names
        assert all(
            name.isidentifier() and field.label
            for name, field in zip(names, plugin.credential_fields, strict=True)
        )
        assert set(plugin.context.credentials) <= set(names), "only declared credentials are given"
        for field in plugin.credential_fields:
            names_a_place = not {"url", "host", "hosts", "endpoint", "address"}.isdisjoint(
                field.name.split("_")
            )
            assert field.decides_destination or not names_a_place, f"{field.name} says where secrets are sent"

    # ---- streams ------------------------------------------------------------------------------------------

    def test_connection_says_who_we_are(self) -> None:
        test = self._reading().test

        assert isinstance(test, ConnectionTest)
        assert test.account_id
        _assert_scopes_once(test.scopes)

    def test_streams_are_iterators_of_their_records(self) -> None:
        plugin = self.plugin()
        for name, make in _streams(plugin, self.period(plugin)):
            stream = make()
            assert iter(stream) is iter(stream), f"{name} can be consumed once"
        for name, items in self._reading().streams.items():
            strangers = {type(item).__name__ for item in items} - {
                STREAMS[name].__name__,
                "ScopeResult",
                "Finding",
                *(["RunRateRecord"] if name == "charges" else []),
            }
            assert not strangers, f"{name} yields {strangers}"

    def test_streams_stay_empty_without_their_capability(self) -> None:
        capabilities = self.plugin().capabilities
        reading = self._reading()
        promised = {
            "resources": capabilities.has_inventory,
            "usage": capabilities.has_usage,
            "prices": capabilities.has_prices,
            "charges": capabilities.billing is BillingKind.LINES,
        }

        for stream, is_promised in promised.items():
            assert is_promised or not reading.records(stream), f"{stream} were not promised"

    def test_stream_can_be_left_halfway(self) -> None:
        plugin = self.plugin()
        for _, make in _streams(plugin, self.period(plugin)):
            stream = make()
            next(stream, None)
            close = getattr(stream, "close", None)
            if close is not None:
                close()

    def test_every_scope_ends_once(self) -> None:
        reading = self._reading()

        for stream in STREAMS:
            _assert_scopes_once(reading.scopes(stream))

    def test_every_resource_lies_in_a_scope_that_ended(self) -> None:
        reading = self._reading()
        ended = {result.scope for result in reading.scopes("resources")}
        named = {record.scope for record in reading.records("resources")}
        named |= {charge.scope for charge in reading.records("charges") if charge.scope is not None} & ended

        assert named <= ended, named - ended

    def test_incomplete_scopes_say_why(self) -> None:
        reading = self._reading()

        for result in [*reading.test.scopes, *(r for stream in STREAMS for r in reading.scopes(stream))]:
            if result.status in (ScopeStatus.FAILED, ScopeStatus.DENIED):
                assert all((result.error_code, result.message)), result.scope
                assert result.message % result.params if result.params else result.message

    # ---- records ------------------------------------------------------------------------------------------

    def test_account_is_told_at_most_once(self) -> None:
        accounts = self._reading().records("account")

        assert len(accounts) <= 1
        for account in accounts:
            assert account.account_id == self._reading().test.account_id
            assert (account.total is None) or (account.remainder_id and account.remainder_native_type)
            names = [limit.name for limit in account.limits]
            assert len(names) == len(set(names)), names

    def test_resources_are_told_apart(self) -> None:
        resources = self._reading().records("resources")
        twice = [
            key for key, count in Counter(record.resource_id for record in resources).items() if count > 1
        ]

        assert not twice, twice
        assert all(record.resource_id and record.name and record.native_type for record in resources)

    def test_parents_exist(self) -> None:
        reading = self._reading()
        resources = reading.records("resources")
        known = {record.resource_id for record in resources}
        is_whole = all(r.status is ScopeStatus.COMPLETE for r in reading.scopes("resources"))

        for record in resources:
            assert record.parent_id != record.resource_id
            assert not is_whole or not record.parent_id or record.parent_id in known, record.parent_id

    def test_native_types_are_mapped(self) -> None:
        named = {record.native_type for record in self._reading().records("resources")}

        unmapped = named - set(self.plugin().type_map) - self.unmapped_types
        assert not unmapped, unmapped

    def test_free_and_priced_exclude_each_other(self) -> None:
        plugin = self.plugin()

        for record in self._reading().records("resources"):
            assert record.rate is None or not record.is_free, record.resource_id
            assert record.rate is None or plugin.capabilities.billing is BillingKind.RATES, record.resource_id

    def test_money_is_decimal_with_a_currency(self) -> None:
        reading = self._reading()

        for item in reading.everything():
            for value in _values(item):
                assert not isinstance(value, Decimal) or value.is_finite(), item
                if isinstance(value, Rate | PriceRecord):
                    _assert_currency(value.currency)
                if isinstance(value, ChargeRecord):
                    _assert_currency(value.billing_currency)
                    assert isinstance(value.billed_cost, Decimal)
                    assert isinstance(value.effective_cost, Decimal)
                if isinstance(value, Rate):
                    assert isinstance(value.amount, Decimal)
                    assert value.amount >= 0, item
            if not isinstance(item, UsageRecord):
                assert not any(isinstance(value, float) for value in _values(item)), item

    def test_instants_are_aware_utc(self) -> None:
        for item in self._reading().everything():
            for value in _values(item):
                if isinstance(value, datetime):
                    assert value.utcoffset() == timedelta(0), item

    def test_configuration_is_plain(self) -> None:
        for record in self._reading().records("resources"):
            for value in _values(record.configuration):
                assert value is None or isinstance(value, str | int | bool | list | tuple | Mapping), record

    def test_records_are_frozen_and_can_be_sent(self) -> None:
        for item in self._reading().everything():
            assert item.__dataclass_params__.frozen, type(item).__name__
            assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301 - what we have just written ourselves  # nosec B301

    def test_two_readings_are_equal(self) -> None:
        first, second = self._reading(), self._reading(1)

        for stream in ("account", "charges", "resources", "prices"):
            assert first.streams[stream] == second.streams[stream], stream

    def test_charges_have_a_period_and_an_object(self) -> None:
        for charge in self._reading().records("charges"):
            assert all((charge.resource_id, charge.billing_account_id)), charge
            assert charge.charge_period_start < charge.charge_period_end, charge
            assert charge.billing_period_start < charge.billing_period_end, charge

    def test_run_rates_are_stated_once_and_of_what_has_lines(self) -> None:
        reading = self._reading()
        stated = [item for item in reading.streams["charges"] if isinstance(item, RunRateRecord)]
        billed = {charge.resource_id for charge in reading.records("charges")}

        assert not stated or self.plugin().capabilities.states_run_rates
        assert len({item.resource_id for item in stated}) == len(stated)
        assert {item.resource_id for item in stated} <= billed
        assert all(item.uncertainty >= 0 for item in stated)

    def test_series_ascend_within_the_period(self) -> None:
        plugin = self.plugin()
        period = self.period(plugin)
        reading = self._reading()
        known = {record.resource_id for record in reading.records("resources")}
        series = reading.records("usage")

        assert len({(record.resource_id, record.metric) for record in series}) == len(series)
        for record in series:
            instants = [instant for instant, _ in record.points]
            assert record.resource_id in known
            assert METRICS.get(record.metric) == record.unit, (record.metric, record.unit)
            assert instants == sorted(set(instants)), record
            assert all(period.start - SLOW_SERIES <= instant < period.end for instant in instants), record
            assert all(value >= 0 for _, value in record.points), record
            if record.metric.endswith("_percent"):
                assert all(value <= 100 for _, value in record.points), record

    def test_prices_are_told_apart(self) -> None:
        prices = self._reading().records("prices")

        assert len({price.sku_id for price in prices}) == len(prices)
        for price in prices:
            assert all((price.sku_id, price.name)), price
            assert price.amount >= 0, price

    def test_prices_say_what_they_are_for(self) -> None:
        for price in self._reading().records("prices"):
            is_use = price.component in USE_COMPONENTS
            assert (price.period == "") if is_use else (price.period in PRICE_PERIODS), price
            assert 0 < price.cpu_share <= 100, price
            assert price.term_months >= 0, price
            assert price.disk_class in ("", "hdd", "ssd", "nvme"), price
            assert price.country == "" or (len(price.country) == 2 and price.country.isupper()), price
            assert all(limit >= 0 for limit in price.plan_limits.values()), price

    def test_parts_of_a_server_are_priced_together(self) -> None:
        """A vCPU without memory of its family in its place prices no server."""
        parts: dict[PriceComponent, set[tuple[str, str, str]]] = {}
        for price in self._reading().records("prices"):
            if price.resource_type is ResourceType.SERVER and price.component is not None:
                place = (price.family, price.region_id, price.zone_id)
                parts.setdefault(price.component, set()).add(place)

        cores = parts.get(PriceComponent.VCPU, set())
        assert cores <= parts.get(PriceComponent.MEMORY_GIB, set()), cores

    # ---- secrets, writes, errors --------------------------------------------------------------------------

    def test_secrets_come_out_nowhere(self) -> None:
        plugin = self.plugin()
        reading = self._reading()
        secrets = (*_secrets(plugin), *self.markers)

        for item in reading.everything():
            for value in _values(item):
                if isinstance(value, str):
                    assert not any(secret in value for secret in secrets), (
                        f"a secret in {type(item).__name__}"
                    )
        for line in (*reading.log, repr(plugin.context), repr(plugin)):
            assert not any(secret in line for secret in secrets), "a secret in the log or in a repr"

    def test_trace_names_calls_and_tells_nothing_else(self) -> None:
        secrets = (*_secrets(self.plugin()), *self.markers)
        trace = self._reading().trace

        for call in trace.calls:
            name = f"{call.name.api} {call.name.call} {call.name.region}"
            assert "://" not in name, f"an address in the trace: {name}"
            assert "?" not in name, f"a query in the trace: {name}"
        assert not any(secret in repr(trace) for secret in secrets), "a secret in the trace"

    def test_nothing_is_written(self) -> None:
        self._reading()

        assert not self.writes()

    def test_wrong_credentials_are_refused_with_a_typed_error(self) -> None:
        for name in ("test_connection", *STREAMS):
            plugin = self.plugin_with_wrong_credentials()
            if plugin is None:
                return
            items, error = _outcome(plugin, name, self.period(plugin))
            if error is not None:
                assert isinstance(error, AuthenticationFailed), f"{name} raises {type(error).__name__}"
                assert error.provider == plugin.key
                assert error.operation
                assert not any(secret in f"{error} {error.params}" for secret in _secrets(plugin))
            else:
                assert name != "test_connection", "a test with wrong credentials must fail"
                assert all(
                    isinstance(item, ScopeResult) and item.status is ScopeStatus.DENIED for item in items
                ), f"{name} yields something in spite of wrong credentials"

    # ---- reading ------------------------------------------------------------------------------------------

    def _reading(self, number: int = 0) -> Reading:
        readings = self._readings.setdefault(type(self), [])
        while len(readings) <= number:
            readings.append(self._read_all())
        return readings[number]

    def _read_all(self) -> Reading:
        plugin = self.plugin()
        with _Log() as log:
            test = plugin.test_connection()
            streams = {name: tuple(make()) for name, make in _streams(plugin, self.period(plugin))}
        figures = plugin.context.trace.figures()
        return Reading(test=test, streams=streams, log=tuple(log.lines), trace=figures)


class _Log(logging.Handler):
    """Every line that is logged while it is open, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def __enter__(self) -> _Log:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)


def _streams(plugin: ProviderPlugin, period: Period) -> Iterator[tuple[str, Callable[[], Iterator[Any]]]]:
    """The five streams in the order in which a sync reads them."""
    yield "account", plugin.account
    yield "charges", lambda: plugin.charges(period)
    yield "resources", plugin.resources
    yield "usage", lambda: plugin.usage(period)
    yield "prices", plugin.prices


def _outcome(
    plugin: ProviderPlugin, name: str, period: Period
) -> tuple[tuple[Any, ...], ProviderError | None]:
    """What a connection test or a stream yields, or how it fails."""
    try:
        if name == "test_connection":
            return (plugin.test_connection(),), None
        return tuple(dict(_streams(plugin, period))[name]()), None
    except ProviderError as error:
        return (), error


def _secrets(plugin: ProviderPlugin) -> list[str]:
    names = {field.name for field in plugin.credential_fields if field.is_secret}
    return [
        value
        for name, value in plugin.context.credentials.items()
        if name in names and len(value) >= SHORTEST_SECRET
    ]


def _values(value: Any) -> Iterator[Any]:
    """`value` and everything inside it, keys of mappings included."""
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _values(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values(key)
            yield from _values(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _values(item)


def _assert_scopes_once(results: Iterable[ScopeResult]) -> None:
    counts: Counter[Scope] = Counter(result.scope for result in results)
    assert all(count == 1 for count in counts.values()), counts
    for scope in counts:
        assert scope != ()
        assert all(isinstance(part, str) and part for part in scope), scope


def _assert_currency(currency: str) -> None:
    assert re.fullmatch(r"[A-Z]{3}", currency), currency
