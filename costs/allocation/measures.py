"""By what costs are shared out in proportion: what the targets' own resources cost, or are, on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Sum

from costs.facts import QUANTUM, day_bounds
from costs.models import DailyCost
from syncs.models import ResourceState

from .models import Measure


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
