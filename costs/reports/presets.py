"""Templates of reports: which sections, of which days, as which files. A report made from one may then be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One section; `title` is put into the report's own language when the report is made."""

    kind: str
    title: Any = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_options(self) -> dict[str, Any]:
        return {**self.options, "title": str(self.title)} if self.title else dict(self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    label: Any
    description: Any
    sections: tuple[Part, ...]
    period: str = "last_month"
    formats: tuple[str, ...] = ("pdf", "xlsx")


def _view(title: Any, query: str, *, shows: str = "both", rows: int = 10, keeps_period: bool = False) -> Part:
    options = {"query": query, "shows": shows, "rows": rows, "keeps_period": keeps_period}
    return Part(kind="view", title=title, options=options)


FIGURES = Part(kind="figures")
BUDGETS = Part(kind="budgets")
ANOMALIES = Part(kind="anomalies")
UNITS = Part(kind="unit_metrics")
BALANCES = Part(kind="balances")
RECOMMENDATIONS = Part(kind="recommendations")

PRESETS: Mapping[str, Preset] = {
    "cfo": Preset(
        label=_("For the CFO"),
        description=_(
            "What was spent and against which budget, by provider and business unit, a year of months."
        ),
        sections=(
            FIGURES,
            BUDGETS,
            _view(
                _("A year by provider"),
                "period=last_365_days&step=month&group=provider&compare=none",
                keeps_period=True,
            ),
            _view(_("By business unit"), "group=business_unit&chart=doughnut"),
            _view(_("By cost centre"), "group=cost_center", shows="table"),
            BALANCES,
            ANOMALIES,
            RECOMMENDATIONS,
        ),
    ),
    "cto": Preset(
        label=_("For the CTO"),
        description=_(
            "Where the money goes technically: services, environments, the dearest resources, what jumped."
        ),
        sections=(
            FIGURES,
            _view(_("By service"), "group=service&chart=area"),
            _view(_("By environment"), "group=environment&chart=doughnut"),
            _view(_("The dearest resources"), "group=resource", shows="table", rows=20),
            _view(_("By region"), "group=region", shows="table"),
            ANOMALIES,
            RECOMMENDATIONS,
        ),
    ),
    "finops": Preset(
        label=_("For FinOps"),
        description=_(
            "All of it: by type, connection and allocation, budgets, anomalies, unit economics, balances."
        ),
        sections=(
            FIGURES,
            _view(_("By resource type"), "group=type", rows=20),
            _view(_("By connection"), "group=connection&chart=line", rows=20),
            _view(_("Allocated to whom"), "group=business_unit&group=project", shows="table", rows=30),
            BUDGETS,
            ANOMALIES,
            RECOMMENDATIONS,
            UNITS,
            BALANCES,
        ),
    ),
    "product": Preset(
        label=_("For a product"),
        description=_("What projects and features cost, and what one customer or order costs."),
        sections=(
            FIGURES,
            _view(_("By project"), "group=project", rows=20),
            _view(_("By feature"), "group=feature&chart=doughnut", rows=20),
            _view(_("By environment"), "group=environment", shows="table"),
            UNITS,
        ),
    ),
}
