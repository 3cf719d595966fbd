"""What must always be so of costs a day: one place for `doctor` and for the tests (see `syncs.laws`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import F, Q

from costs.facts import QUANTUM
from costs.models import CostRevision, DailyCost
from costs.services import computed_facts, history_days, rate_table, stored_facts
from providers.models import ProviderConnection
from syncs.laws import Law


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


def facts_belong_to_their_connections_organization() -> Iterator[str]:
    strays = DailyCost.objects.exclude(
        Q(organization=F("connection__organization")) & Q(connection=F("resource__connection"))
    )
    for pk in strays.values_list("pk", flat=True):
        yield f"Fact {pk} belongs to another organization or connection than its resource."
    revisions = CostRevision.objects.exclude(organization=F("connection__organization"))
    for pk in revisions.values_list("pk", flat=True):
        yield f"Revision {pk} belongs to another organization than its connection."


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
    Law("Rouble values follow the exchange rates", rouble_values_follow_the_rate),
    Law(
        "Costs belong to the organization of their connection", facts_belong_to_their_connections_organization
    ),
)
