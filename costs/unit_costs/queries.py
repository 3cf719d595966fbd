"""What one customer, order or request costs, over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max, QuerySet

from accounts.models import Organization
from costs.explorer.periods import Span
from costs.explorer.queries import explore, today_of
from costs.explorer.sums import bucket_of
from costs.explorer.view import View, parse_view
from costs.unit_costs.models import UnitMetric, UnitValue

Quantities = Mapping[date, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """One step of time: roubles, quantity, roubles for one. None where nothing is known, which is not 0."""

    start: date
    cost: Decimal | None
    quantity: Decimal | None

    @property
    def each(self) -> Decimal | None:
        """Roubles for one; None also where there was none to divide by."""
        return self.cost / self.quantity if self.cost is not None and self.quantity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCosts:
    """`whole` is over all of the span; `unconverted` is {currency: amount} that no known rate turns into roubles."""

    span: Span
    step: str
    steps: tuple[UnitCost, ...]
    whole: UnitCost
    incomplete: frozenset[date]
    unconverted: Mapping[str, Decimal]


def metrics(organization: Organization) -> QuerySet[UnitMetric]:
    """By name, each with `last_date`, the latest day of which a quantity is known."""
    return UnitMetric.objects.of(organization).annotate(last_date=Max("values__date")).order_by("name")


def view_of(metric: UnitMetric, period: str, step: str, today: date) -> View:
    """The explorer's view of the costs that the metric divides."""
    filters = parse_view(metric.filters, today).view.filters
    return View(period=period, step=step, group_by=(), filters=filters, comparison="", chart="line")


def unit_costs(
    organization: Organization, metric: UnitMetric, *, period: str, step: str, now: datetime
) -> UnitCosts:
    """The metric's costs, quantities and costs of one in `period`, as the explorer writes periods.

    Raises BadPeriod. Costs are those of the explorer: the same filters there show the same sums.
    """
    today = today_of(organization, now)
    view = view_of(metric, period, step, today)
    explored = explore(organization, view, now)
    known = quantities(metric, explored.span, until=today)
    by_step = _by_step(metric, known, explored.buckets, step)
    steps = tuple(
        UnitCost(start=start, cost=cost, quantity=by_step[start])
        for start, cost in zip(explored.buckets, explored.bucket_totals, strict=True)
    )
    whole = UnitCost(
        start=explored.span.first, cost=explored.whole.total, quantity=_quantity(metric, list(known.values()))
    )
    return UnitCosts(
        span=explored.span,
        step=step,
        steps=steps,
        whole=whole,
        incomplete=explored.incomplete,
        unconverted=explored.unconverted,
    )


def quantities(metric: UnitMetric, span: Span, *, until: date) -> Quantities:
    """The quantity of each known day of the span up to `until`; a level holds on the days after its value."""
    rows = UnitValue.objects.filter(metric=metric, date__lte=span.last).order_by("date")
    if metric.kind == UnitMetric.Kind.FLOW:
        return dict(rows.filter(date__gte=span.first).values_list("date", "quantity"))
    before = rows.filter(date__lt=span.first).order_by("-date").values_list("quantity", flat=True).first()
    set_on = dict(rows.filter(date__gte=span.first).values_list("date", "quantity"))
    found: dict[date, Decimal] = {}
    held = before
    for day in span:
        held = set_on.get(day, held)
        if held is not None and day <= until:
            found[day] = held
    return found


def _by_step(
    metric: UnitMetric, known: Quantities, starts: tuple[date, ...], step: str
) -> dict[date, Decimal | None]:
    parts: dict[date, list[Decimal]] = {start: [] for start in starts}
    for day, quantity in known.items():
        parts[bucket_of(day, step)].append(quantity)
    return {start: _quantity(metric, values) for start, values in parts.items()}


def _quantity(metric: UnitMetric, values: list[Decimal]) -> Decimal | None:
    """What adds up is added; of a level it is the mean over the known days."""
    if not values:
        return None
    total = sum(values, Decimal(0))
    return total if metric.kind == UnitMetric.Kind.FLOW else total / len(values)
