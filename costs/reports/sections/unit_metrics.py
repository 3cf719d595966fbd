"""Unit economics: what one customer, order or request cost, and before."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from common import formatting
from costs.explorer.periods import Span, previous
from costs.reports.content import Column, Kind, Section, Table, Value
from costs.reports.sections import Frame, Options, SectionKind
from costs.unit_costs.models import UnitMetric
from costs.unit_costs.queries import UnitCost, metrics, unit_costs

METRICS = 10
"""Each costs queries of its own."""


class UnitMetrics(SectionKind):
    key = "unit_metrics"
    label = gettext_lazy("Unit economics")
    description = gettext_lazy("What one customer, order or request cost, and how that moved.")

    def build(self, frame: Frame, options: Options) -> Section:
        found = list(metrics(frame.organization)[: METRICS + 1])
        if not found:
            return Section(title=self.title(options), remarks=[_("Nothing is counted yet.")])
        before = previous(frame.span)
        rows = [_row(frame.organization, metric, frame.span, before, frame.now) for metric in found[:METRICS]]
        values = {
            "period": formatting.period(frame.span.first, frame.span.last),
            "before": formatting.period(before.first, before.last),
        }
        cut = (
            [_("Only the first %(count)d by name are listed.") % {"count": METRICS}]
            if len(found) > METRICS
            else []
        )
        return Section(
            title=self.title(options),
            subtitle=_("%(period)s, compared with %(before)s") % values,
            tables=[
                Table(
                    columns=[
                        Column(_("Metric")),
                        Column(_("One of them")),
                        Column(_("Spend, ₽"), Kind.AMOUNT),
                        Column(_("Quantity"), Kind.NUMBER),
                        Column(_("Cost of one, ₽"), Kind.AMOUNT),
                        Column(_("Before, ₽"), Kind.AMOUNT),
                        Column(_("Difference, %"), Kind.PERCENT_CHANGE),
                    ],
                    rows=rows,
                )
            ],
            remarks=cut,
        )


def _row(
    organization: Organization, metric: UnitMetric, span: Span, before: Span, now: datetime
) -> list[Value]:
    this, last = (
        unit_costs(organization, metric, period=str(days), step="month", now=now).whole
        for days in (span, before)
    )
    return [
        metric.name,
        metric.unit,
        this.cost,
        this.quantity,
        this.each,
        last.each,
        _change(this, last),
    ]


def _change(this: UnitCost, last: UnitCost) -> Decimal | None:
    return (this.each - last.each) * 100 / last.each if this.each is not None and last.each else None
