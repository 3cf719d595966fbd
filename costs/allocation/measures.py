"""By what costs are shared out in proportion on a day: the targets' own resources, or quantities that people count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, Subquery, Sum

from costs.facts import QUANTUM, day_bounds
from costs.models import DailyCost
from costs.unit_costs.models import UnitMetric, UnitValue
from syncs.models import ResourceState

from .models import Measure

FLOW_REACH = timedelta(days=31)
"""What adds up counts until the next quantity, and not longer than a month's number reaches from its first day."""


def measures_on(
    day: date, *, organization_id: int, dimension: str, names: Sequence[str], measure: str
) -> list[Decimal]:
    """Of each name, in their order; shared costs themselves, which stand under no name, do not count.

    Costs are roubles billed on the day; vCPU, memory (MiB) and storage (GiB) are those of the resources that cost
    anything on it, in the form that they had at its end (UTC). One query for costs, two for the others.
    """
    facts = DailyCost.objects.filter(
        organization=organization_id, date=day, **{f"dimensions__{dimension}__in": list(names)}
    ).order_by()
    column = f"dimensions__{dimension}"
    if measure != Measure.COST:
        _start, end = day_bounds(day, ZoneInfo("UTC"))
        states = ResourceState.objects.filter(organization=organization_id).as_of(end)
        forms = dict(states.exclude(**{measure: None}).values_list("resource", measure))
        sums: dict[str, Decimal] = {}
        for name, pk in facts.values_list(column, "resource").distinct():
            sums[name] = sums.get(name, Decimal(0)) + Decimal(forms.get(pk) or 0)
        return [sums.get(name, Decimal(0)) for name in names]
    rows = facts.values_list(column).annotate(whole=Sum("billed_cost_rub"))
    known = {name: Decimal(str(whole or 0)).quantize(QUANTUM) for name, whole in rows}
    return [max(known.get(name, Decimal(0)), Decimal(0)) for name in names]


def quantities_on(day: date, *, organization_id: int, metric_pks: Sequence[int]) -> list[Decimal]:
    """Of each unit metric the quantity that holds on the day: its own, or the latest before it. One query.

    All zero where one of them is not known: a part without a number is not nothing. One metric may stand for several.
    """
    latest = (
        UnitValue.objects.filter(metric=OuterRef("pk"), date__lte=day)
        .filter(Q(metric__kind=UnitMetric.Kind.LEVEL) | Q(date__gt=day - FLOW_REACH))
        .order_by("-date")
    )
    metrics = UnitMetric.objects.filter(organization=organization_id, pk__in=set(metric_pks))
    known = dict(metrics.annotate(held=Subquery(latest.values("quantity")[:1])).values_list("pk", "held"))
    found = [known.get(pk) for pk in metric_pks]
    quantities = [quantity for quantity in found if quantity is not None]
    return quantities if len(quantities) == len(found) else [Decimal(0)] * len(found)
