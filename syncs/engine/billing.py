"""Phase 1, billing: what the lines of a bill say a resource costs a day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from providers.contract.records import ChargeRecord, RunRateRecord

from .records import AMOUNT_QUANTUM, Cost, scope_key

ONE_DAY = timedelta(days=1)


def source_key(charge: ChargeRecord) -> str:
    """The billing source of a line: whoever restates it does so for this source and billing period."""
    return f"{charge.provider_name}/{charge.billing_account_id}"


@dataclass(slots=True)
class BilledResource:
    """What the lines say of one resource, summed up while they stream by.

    `total` is the effective cost of its recurring lines in the latest billing period of its source.
    """

    resource_id: str
    source: str
    currency: str
    sample: ChargeRecord
    total: Decimal = Decimal(0)
    last_charge_start: datetime | None = None
    daily: Decimal = Decimal(0)
    uncertainty: Decimal = Decimal(0)
    latest_hour_cost: Decimal | None = None

    @property
    def scope(self) -> str:
        """Where the object would be listed; without inventory, the billing source itself."""
        return scope_key(self.sample.scope) if self.sample.scope else scope_key(("billing", self.source))

    @property
    def cost(self) -> Cost:
        return Cost(
            daily=self.daily,
            currency=self.currency,
            original=self.latest_hour_cost,
            original_period="" if self.latest_hour_cost is None else "hour",
            uncertainty=self.uncertainty,
        )


@dataclass(slots=True)
class _Part:
    """What one billing source says of one resource."""

    sample: ChargeRecord
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class _Source:
    latest_period: datetime
    middle: datetime
    covered_until: datetime
    parts: dict[str, _Part] = field(default_factory=dict)


@dataclass(slots=True)
class Ledger:
    """Billing, added up: resources by id, sources, and the billed sum a day per currency.

    `past` holds what newly delivered lines name, is not billed now, and has a type that maps to nothing.
    """

    resources: dict[str, BilledResource] = field(default_factory=dict)
    past: dict[str, BilledResource] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    latest_periods: dict[str, datetime] = field(default_factory=dict)
    daily_totals: dict[str, Decimal] = field(default_factory=dict)


class Identities:
    """Gives a line's resource its id: lines of a second currency are a resource of their own, named so.

    A state has one currency; FOCUS promises one per billing account, and real files break that. `main_currencies`
    names the first one of each resource that a delivery bills in several.
    """

    def __init__(self, main_currencies: Mapping[str, str]) -> None:
        self._main = main_currencies

    def of(self, charge: ChargeRecord) -> str:
        main = self._main.get(charge.resource_id, charge.billing_currency)
        if charge.billing_currency == main:
            return charge.resource_id
        return f"{charge.resource_id} ({charge.billing_currency})"


def is_recurring(charge: ChargeRecord) -> bool:
    """Whether a line says what tomorrow costs: one-time charges and corrections of the past do not."""
    return charge.charge_frequency != "One-Time" and charge.charge_class != "Correction"


def add_up(
    charges: Iterable[ChargeRecord], *, identities: Identities, known_periods: Mapping[str, datetime]
) -> Ledger:
    """Sum the lines up to a rate a day for every resource of every source's latest billing period.

    `known_periods` maps a source to the start of the latest billing period delivered before: an older period that is
    delivered again restates its days but says nothing of today, so its source is left out. The middle of a period
    decides: a month cut in Moscow time begins before the same month cut in UTC and is not older. The rate is the
    effective cost of the recurring lines over the days that the period covers so far. The order of lines is no matter.
    """
    sources: dict[str, _Source] = {}
    for charge in charges:
        key = source_key(charge)
        middle = charge.billing_period_start + (charge.billing_period_end - charge.billing_period_start) / 2
        if middle < known_periods.get(key, middle):
            continue
        source = sources.get(key)
        if source is None or source.middle < charge.billing_period_start:
            source = sources[key] = _Source(charge.billing_period_start, middle, charge.charge_period_end)
        elif middle < source.latest_period:
            continue
        source.latest_period = min(source.latest_period, charge.billing_period_start)
        source.covered_until = max(source.covered_until, charge.charge_period_end)
        part = source.parts.setdefault(identities.of(charge), _Part(charge))
        if _rank(charge) > _rank(part.sample):
            part.sample = charge
        if is_recurring(charge):
            part.total += charge.effective_cost
    return _rates(sources)


def _rank(charge: ChargeRecord) -> tuple[object, ...]:
    """Which line of a resource tells what it is: the latest; among equals any, but always the same."""
    return (
        charge.charge_period_start,
        charge.charge_period_end,
        charge.native_type,
        charge.resource_name,
        charge.service_name,
        charge.region_id,
        charge.sub_account_id,
        source_key(charge),
        charge.sku_id,
    )


def take_stated(charges: Iterable[ChargeRecord], run_rates: Mapping[str, RunRateRecord]) -> Ledger:
    """The ledger of a bill whose provider states what it comes to now: the lines only tell what the resources are.

    What is billed no more has lines and no rate, and is left out. Raises ValueError for a rate without any line.
    """
    ledger = Ledger()
    for charge in charges:
        key = source_key(charge)
        ledger.sources.add(key)
        known = ledger.latest_periods.setdefault(key, charge.billing_period_start)
        ledger.latest_periods[key] = max(known, charge.billing_period_start)
        stated = run_rates.get(charge.resource_id)
        if stated is None:
            continue
        billed = ledger.resources.get(charge.resource_id)
        if billed is None:
            ledger.resources[charge.resource_id] = BilledResource(
                resource_id=charge.resource_id,
                source=key,
                currency=stated.rate.currency,
                sample=charge,
                last_charge_start=stated.last_charge_start,
                daily=stated.rate.daily.quantize(AMOUNT_QUANTUM),
                uncertainty=stated.uncertainty,
                latest_hour_cost=stated.latest_hour_cost,
            )
        elif charge.charge_period_start > billed.sample.charge_period_start:
            billed.sample = charge
    if strays := run_rates.keys() - ledger.resources.keys():
        raise ValueError(f"No line names {min(strays)}, whose run rate is stated.")
    for billed in ledger.resources.values():
        total = ledger.daily_totals.get(billed.currency, Decimal(0))
        ledger.daily_totals[billed.currency] = total + billed.daily
    return ledger


def _rates(sources: Mapping[str, _Source]) -> Ledger:
    """Turn sums into rates a day whose rounded sum is the rounded sum: no millionth is lost on the way.

    A resource that several sources bill costs what they come to together.
    """
    ledger = Ledger(
        sources=set(sources),
        latest_periods={key: source.latest_period for key, source in sources.items()},
    )
    for key, source in sources.items():
        days = max(
            Decimal((source.covered_until - source.latest_period) / ONE_DAY).quantize(AMOUNT_QUANTUM),
            Decimal(1),
        )
        groups: dict[str, dict[str, _Part]] = {}
        for resource_id, part in source.parts.items():
            groups.setdefault(part.sample.billing_currency, {})[resource_id] = part
        for currency, parts in groups.items():
            target = (sum((part.total for part in parts.values()), Decimal(0)) / days).quantize(
                AMOUNT_QUANTUM
            )
            rates = {name: (part.total / days).quantize(AMOUNT_QUANTUM) for name, part in parts.items()}
            largest = max(parts, key=lambda name: (abs(parts[name].total), name))
            rates[largest] += target - sum(rates.values(), Decimal(0))
            for resource_id, part in parts.items():
                _merge(ledger.resources, resource_id, key, part, rates[resource_id])
            ledger.daily_totals[currency] = ledger.daily_totals.get(currency, Decimal(0)) + target
    return ledger


def _merge(
    resources: dict[str, BilledResource], resource_id: str, source: str, part: _Part, daily: Decimal
) -> None:
    billed = resources.get(resource_id)
    if billed is None:
        billed = resources[resource_id] = BilledResource(
            resource_id=resource_id, source=source, currency=part.sample.billing_currency, sample=part.sample
        )
    elif _rank(part.sample) > _rank(billed.sample):
        billed.sample, billed.source = part.sample, source
    billed.last_charge_start = billed.sample.charge_period_start
    billed.total += part.total
    billed.daily += daily
