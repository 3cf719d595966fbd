"""Budgets: how each stands in the period that runs at the report's end."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import formatting
from costs.budgets.presentation import verdict
from costs.budgets.queries import Branch, tree
from costs.reports.content import Column, Kind, Section, Table, Value
from costs.reports.sections import Frame, Options, SectionKind

INDENT = "\u2003"


class Budgets(SectionKind):
    key = "budgets"
    label = gettext_lazy("Budgets")
    description = gettext_lazy("Each budget with what was charged, its forecast and whether it will do.")

    def build(self, frame: Frame, options: Options) -> Section:
        day = min(frame.span.last, frame.today)
        branches = tree(frame.organization, day)
        if not branches:
            return Section(title=self.title(options), remarks=[_("There are no budgets.")])
        return Section(
            title=self.title(options),
            subtitle=_("Periods that run on %(day)s") % {"day": formatting.period(day, day)},
            tables=[
                Table(
                    columns=[
                        Column(_("Budget")),
                        Column(_("Period")),
                        Column(_("Limit, ₽"), Kind.AMOUNT),
                        Column(_("Charged, ₽"), Kind.AMOUNT),
                        Column(_("Charged, %"), Kind.PERCENT),
                        Column(_("Forecast, ₽"), Kind.AMOUNT),
                        Column(_("How it stands")),
                    ],
                    rows=[_row(branch) for branch in branches],
                )
            ],
        )


def _row(branch: Branch) -> list[Value]:
    period = branch.period
    _level, sentence = verdict(period)
    name = INDENT * branch.depth + branch.budget.name
    if period is None:
        return [name, "", branch.budget.amount, None, None, None, sentence]
    return [
        name,
        formatting.period(period.first_date, period.last_date),
        period.limit,
        period.actual_cost,
        period.actual_percent,
        period.forecast_cost,
        sentence,
    ]
