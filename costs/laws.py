"""What must always be so of costs a day: one place for `doctor` and for the tests (see `syncs.laws`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from costs.facts import QUANTUM
from costs.models import (
    ConnectionDay,
    CostDimensions,
    CostRevision,
    CostShare,
    DailyCost,
    DailyTotal,
    MonthlyTotal,
)
from costs.services import computed_facts, history_days, rate_table, stored_facts
from providers.models import ProviderConnection
from syncs.laws import Law

ROUBLES = "RUB"


def facts_equal_a_rebuild() -> Iterator[str]:
    """The fact table is what lines and states say, no more and no less."""
    for connection in ProviderConnection.objects.order_by("pk").iterator(100):
        days = history_days(connection)
        if days is None:
            continue
        day, last = days
        while day <= last:
            yield from _differences(connection, day)
            day += timedelta(days=1)


def rouble_values_follow_the_rate() -> Iterator[str]:
    """Roubles are the cost times the rate of the day; without a rate they are not known, and never 0."""
    rates = rate_table()
    for fact in DailyCost.objects.order_by("pk").iterator(2000):
        rate = rates.on(fact.currency, fact.date)
        wanted: tuple[Decimal | None, Decimal | None] = (None, None)
        if rate is not None:
            wanted = (
                (fact.billed_cost * rate).quantize(QUANTUM),
                (fact.effective_cost * rate).quantize(QUANTUM),
            )
        if (fact.billed_cost_rub, fact.effective_cost_rub) != wanted or fact.rub_rate != rate:
            yield f"Fact {fact.pk} is worth {fact.billed_cost_rub} roubles; by the rates it is {wanted[0]}."


def facts_have_dimensions_of_their_own() -> Iterator[str]:
    """Every fact and share has dimensions, and they are of its connection."""
    own = CostDimensions.objects.filter(
        pk=OuterRef("dimensions"), organization=OuterRef("organization"), connection=OuterRef("connection")
    )
    for model in (DailyCost, CostShare, DailyTotal, MonthlyTotal):
        for pk in model._default_manager.exclude(Exists(own)).values_list("pk", flat=True):
            yield f"{model.__name__} {pk} has no dimensions, or those of another connection."


def totals_equal_facts() -> Iterator[str]:
    """Each daily total is the sum of the facts and shares that were booked to its dimensions, and none is missing."""
    for connection in ProviderConnection.objects.order_by("pk").iterator(100):
        wanted = _booked(connection)
        stored = {
            _booking(total): _amounts(total)
            for total in DailyTotal.objects.filter(connection=connection).iterator(2000)
        }
        for booking in sorted(wanted.keys() | stored.keys(), key=str):
            if stored.get(booking) != wanted.get(booking):
                day, dimensions_pk, category, currency = booking
                told, due = (sums[booking][0] if booking in sums else None for sums in (stored, wanted))
                yield (
                    f"{category} of {day} under dimensions {dimensions_pk}: the total says {told} {currency}, "
                    f"the facts {due}."
                )


def months_equal_their_days() -> Iterator[str]:
    """Each monthly total is the sum of the daily ones, and none is missing."""
    for connection in ProviderConnection.objects.order_by("pk").iterator(100):
        wanted: dict[_MonthBooking, _Sums] = {}
        for total in DailyTotal.objects.filter(connection=connection).iterator(2000):
            _add_up(
                wanted, _month_booking(total, is_converted=total.billed_cost_rub is not None), _amounts(total)
            )
        stored = {
            _month_booking(total, is_converted=total.is_converted): _amounts(total)
            for total in MonthlyTotal.objects.filter(connection=connection).iterator(2000)
        }
        for key in sorted(wanted.keys() | stored.keys(), key=str):
            if stored.get(key) != wanted.get(key):
                month, dimensions_pk, category, currency, _is_converted = key
                told, due = (sums[key][0] if key in sums else None for sums in (stored, wanted))
                yield (
                    f"{category} of {month:%Y-%m} under dimensions {dimensions_pk}: the month's total says {told} "
                    f"{currency}, its days {due}."
                )


def days_of_connections_equal_their_totals() -> Iterator[str]:
    """Each day of a connection is the sum of its daily totals, and none is missing."""
    for connection in ProviderConnection.objects.order_by("pk").iterator(100):
        wanted: dict[tuple[date, str], _Sums] = {}
        for total in DailyTotal.objects.filter(connection=connection).iterator(2000):
            if total.billed_cost_rub is None:
                _add_up(wanted, (total.date, total.currency), (total.billed_cost,))
            else:
                _add_up(wanted, (total.date, ROUBLES), (total.billed_cost_rub,))
        stored: dict[tuple[date, str], _Sums] = {
            (row.date, row.currency): (row.billed_cost,)
            for row in ConnectionDay.objects.filter(connection=connection).iterator(2000)
        }
        for key in sorted(wanted.keys() | stored.keys()):
            if stored.get(key) != wanted.get(key):
                told, due = (sums[key][0] if key in sums else None for sums in (stored, wanted))
                yield (
                    f"Connection {connection.pk} on {key[0]}: its day says {told} {key[1]}, its daily totals {due}."
                )


def shares_add_up_to_their_fact() -> Iterator[str]:
    for connection in ProviderConnection.objects.order_by("pk").iterator(100):
        sums: dict[_FactKey, _Sums] = {}
        for share in CostShare.objects.filter(connection=connection).iterator(2000):
            _add_up(sums, _fact_key(share), _amounts(share))
        facts = DailyCost.objects.filter(connection=connection, date__in={key[1] for key in sums})
        whole = {_fact_key(fact): _amounts(fact) for fact in facts.iterator(2000)}
        for key, total in sorted(sums.items(), key=str):
            if whole.get(key) != total:
                yield f"Shares of resource {key[0]} on {key[1]} add up to {total[0]} {key[4]}, not to its fact."


def facts_belong_to_their_connections_organization() -> Iterator[str]:
    strays = DailyCost.objects.exclude(
        Q(organization=F("connection__organization")) & Q(connection=F("resource__connection"))
    )
    for pk in strays.values_list("pk", flat=True):
        yield f"Fact {pk} belongs to another organization or connection than its resource."
    revisions = CostRevision.objects.exclude(organization=F("connection__organization"))
    for pk in revisions.values_list("pk", flat=True):
        yield f"Revision {pk} belongs to another organization than its connection."


_Booking = tuple[date, int | None, str, str]
_MonthBooking = tuple[date, int | None, str, str, bool]
_FactKey = tuple[int, date, str, str, str]
_Sums = tuple[Decimal | None, ...]


def _booked(connection: ProviderConnection) -> dict[_Booking, _Sums]:
    sums: dict[_Booking, _Sums] = {}
    shared = set()
    for share in CostShare.objects.filter(connection=connection).iterator(2000):
        shared.add(_fact_key(share))
        _add_up(sums, _booking(share), _amounts(share))
    for fact in DailyCost.objects.filter(connection=connection).iterator(2000):
        if _fact_key(fact) not in shared:
            _add_up(sums, _booking(fact), _amounts(fact))
    return sums


def _booking(row: DailyCost | CostShare | DailyTotal) -> _Booking:
    return row.date, row.dimensions_id, row.charge_category, row.currency


def _month_booking(row: DailyTotal | MonthlyTotal, *, is_converted: bool) -> _MonthBooking:
    return row.date.replace(day=1), row.dimensions_id, row.charge_category, row.currency, is_converted


def _fact_key(row: DailyCost | CostShare) -> _FactKey:
    return row.resource_id, row.date, row.charge_category, row.source, row.currency


def _amounts(row: DailyCost | CostShare | DailyTotal | MonthlyTotal) -> _Sums:
    return (row.billed_cost, row.effective_cost, row.list_cost, row.billed_cost_rub, row.effective_cost_rub)


def _add_up(sums: dict[Any, _Sums], key: Any, amounts: _Sums) -> None:
    """What is not known of one is not known of the sum."""
    known = sums.get(key)
    if known is not None:
        amounts = tuple(
            None if one is None or other is None else one + other
            for one, other in zip(known, amounts, strict=True)
        )
    sums[key] = amounts


def _differences(connection: ProviderConnection, day: date) -> Iterator[str]:
    wanted = computed_facts(connection, day, day)
    stored = stored_facts(connection, day, day)
    for key in sorted(wanted.keys() | stored.keys(), key=str):
        if wanted.get(key) != stored.get(key):
            told, due = (facts[key].billed if key in facts else Decimal(0) for facts in (stored, wanted))
            yield (
                f"Resource {key.resource_pk} on {key.date}: the fact says {told} {key.currency}, "
                f"lines and states say {due}."
            )


LAWS = (
    Law("Costs a day are what lines and states say", facts_equal_a_rebuild),
    Law("Every cost has dimensions", facts_have_dimensions_of_their_own),
    Law("Totals a day are the sums of the costs", totals_equal_facts),
    Law("Totals a month are the sums of their days", months_equal_their_days),
    Law("Days of connections are the sums of their totals", days_of_connections_equal_their_totals),
    Law("Shares of a cost add up to it", shares_add_up_to_their_fact),
    Law("Rouble values follow the exchange rates", rouble_values_follow_the_rate),
    Law(
        "Costs belong to the organization of their connection", facts_belong_to_their_connections_organization
    ),
)
