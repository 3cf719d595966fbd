"""Recommendations in a report: what is to be saved, by category, and the largest of them; what was proven."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import formatting
from costs.reports.content import Column, Kind, Section, Table, Value
from costs.reports.sections import Frame, Options, SectionKind
from recommendations import proof, queries, wording
from recommendations.engine.contract import Category
from recommendations.models import Recommendation

ROWS = 20


class Recommendations(SectionKind):
    key = "recommendations"
    label = gettext_lazy("Recommendations")
    description = gettext_lazy("What is to be saved now, the largest first, and what was proven.")

    def build(self, frame: Frame, options: Options) -> Section:
        found = queries.summary(frame.organization)
        proven = proof.proven(frame.organization)
        rows = queries.top(frame.organization, ROWS)
        remarks = [
            _("Recommendations stand as they are when the report is made. Each rouble is counted once.")
        ]
        if proven.count:
            remarks.append(
                _("Proven by later costs: %(realised)s a month of the %(promised)s promised.")
                % {
                    "realised": formatting.rounded_money(proven.realised),
                    "promised": formatting.rounded_money(proven.promised),
                }
            )
        if not found.open_count:
            return Section(title=self.title(options), remarks=[_("There is nothing to save now."), *remarks])
        return Section(
            title=self.title(options),
            subtitle=_("%(amount)s a month to be saved") % {"amount": formatting.rounded_money(found.saving)},
            tables=[
                Table(
                    columns=[
                        Column(_("Category")),
                        Column(_("Count"), Kind.NUMBER),
                        Column(_("Saves a month, ₽"), Kind.AMOUNT),
                    ],
                    rows=[
                        [str(Category(each.category).label), each.count, each.saving]
                        for each in found.categories
                    ],
                ),
                Table(
                    columns=[
                        Column(_("What to do")),
                        Column(_("Resource")),
                        Column(_("Confidence")),
                        Column(_("Risk")),
                        Column(_("Saves a month, ₽"), Kind.AMOUNT),
                    ],
                    rows=[_row(row) for row in rows],
                ),
            ],
            remarks=remarks,
        )


def _row(row: Recommendation) -> list[Value]:
    return [
        wording.summary(row),
        row.resource.name,
        wording.confidence(row),
        row.get_risk_display(),
        row.counted_monthly_rub,
    ]
