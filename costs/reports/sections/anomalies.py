"""Anomalies that touch the report's days."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import formatting
from costs.anomalies import wording
from costs.anomalies.models import Anomaly
from costs.anomalies.queries import anomalies
from costs.reports.content import Column, Kind, Section, Table, Value
from costs.reports.sections import Frame, Options, SectionKind

ROWS = 50


class Anomalies(SectionKind):
    key = "anomalies"
    label = gettext_lazy("Anomalies")
    description = gettext_lazy("Days that cost more than expected, with the dearest cause of each.")

    def build(self, frame: Frame, options: Options) -> Section:
        rows = anomalies(frame.organization).filter(
            first_date__lte=frame.span.last, last_date__gte=frame.span.first
        )
        listed = list(rows[: ROWS + 1])
        subtitle = formatting.period(frame.span.first, frame.span.last)
        if not listed:
            return Section(
                title=self.title(options),
                subtitle=subtitle,
                remarks=[_("Nothing cost more than was to be expected.")],
            )
        cut = [_("Only the latest %(count)d are listed.") % {"count": ROWS}] if len(listed) > ROWS else []
        return Section(
            title=self.title(options),
            subtitle=subtitle,
            tables=[
                Table(
                    columns=[
                        Column(_("What")),
                        Column(_("Connection")),
                        Column(_("Days")),
                        Column(_("Expected, ₽"), Kind.AMOUNT),
                        Column(_("More, ₽"), Kind.CHANGE_AMOUNT),
                        Column(_("Cause")),
                        Column(_("Status")),
                    ],
                    rows=[_row(one) for one in listed[:ROWS]],
                )
            ],
            remarks=cut,
        )


def _row(anomaly: Anomaly) -> list[Value]:
    _level, status = wording.status(anomaly)
    return [
        wording.title(anomaly),
        anomaly.connection.connection_name,
        formatting.period(anomaly.first_date, anomaly.last_date),
        anomaly.expected_cost,
        anomaly.excess,
        wording.summary(anomaly),
        status,
    ]
