"""Key figures: spend with its trend, run rate, resources, reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import formatting
from costs.explorer.exploration import Exploration
from costs.explorer.queries import explore
from costs.explorer.view import View
from costs.queries import Reconciliation, RunRate, reconciliation, run_rate
from costs.reports.content import Figure, Kind, Section
from costs.reports.sections import Frame, Options, SectionKind


class Figures(SectionKind):
    key = "figures"
    label = gettext_lazy("Key figures")
    description = gettext_lazy(
        "Spend with its trend, run rate, resources, and how much of the bill is understood."
    )

    def build(self, frame: Frame, options: Options) -> Section:
        spend = explore(frame.organization, View(period=frame.period, group_by=()), frame.now, limit=1)
        rate = run_rate(frame.organization)
        bill = reconciliation(frame.organization)
        return Section(
            title=self.title(options),
            subtitle=_("Spend is of %(period)s, everything else is of now")
            % {"period": formatting.period(frame.span.first, frame.span.last)},
            figures=[
                Figure(label=_("Spend, billed"), value=spend.whole.total, note=_trend(spend)),
                Figure(label=_("Run rate, a month (30 days)"), value=rate.monthly, note=_rate_note(rate)),
                Figure(
                    label=_("Resources"), value=rate.resource_count, kind=Kind.NUMBER, note=_unpriced(rate)
                ),
                Figure(
                    label=_("Of the bill understood"),
                    value=bill.explained_percent,
                    kind=Kind.PERCENT,
                    note=_bill_note(bill),
                ),
            ],
            remarks=unconverted_remarks(spend.unconverted),
        )


def unconverted_remarks(amounts: Mapping[str, Decimal]) -> list[str]:
    """A sentence for what no known rate turns into roubles; none where there is no such thing."""
    if not amounts:
        return []
    listed = ", ".join(formatting.money(amount, currency) for currency, amount in sorted(amounts.items()))
    return [_("Besides %(amounts)s, for which no exchange rate is known.") % {"amounts": listed}]


def _trend(spend: Exploration) -> str:
    if spend.compared is None or spend.whole.before is None:
        return _("nothing is known before")
    values = {
        "percent": formatting.signed_percent(spend.whole.percent),
        "period": formatting.period(spend.compared.first, spend.compared.last),
    }
    if spend.compares_less:
        return _("against %(period)s, known in part: %(percent)s") % values
    return _("against %(period)s: %(percent)s") % values


def _rate_note(rate: RunRate) -> str:
    if rate.unconverted:
        return unconverted_remarks(rate.unconverted)[0]
    return _("%(daily)s a day") % {"daily": formatting.money(rate.daily)}


def _unpriced(rate: RunRate) -> str:
    if not rate.unpriced_count:
        return _("each with a cost")
    return _("%(count)d without a cost yet") % {"count": rate.unpriced_count}


def _bill_note(bill: Reconciliation) -> str:
    return _("%(amount)s a day not explained") % {"amount": formatting.money(bill.unexplained_daily)}
