"""Prepaid balances: how long each lasts, and what to top up."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs.queries import ROUBLES, RUNWAY_DAYS, run_rate, runway
from costs.reports.content import Column, Kind, Section, Table
from costs.reports.sections import Frame, Options, SectionKind
from providers.models import ProviderConnection


class Balances(SectionKind):
    key = "balances"
    label = gettext_lazy("Prepaid balances")
    description = gettext_lazy("How long each prepaid account lasts, and what to top up.")

    def build(self, frame: Frame, options: Options) -> Section:
        rates = run_rate(frame.organization).connections
        prepaid = (
            ProviderConnection.objects.of(frame.organization)
            .filter(balance__isnull=False, is_active=True)
            .select_related("organization")
            .order_by("connection_name")
        )
        found = []
        for connection in prepaid:
            rate = rates.get(connection.pk)
            is_roubles = connection.balance_currency == ROUBLES
            lasting = runway(connection, daily=rate.daily if rate and is_roubles else None)
            if lasting is not None:
                found.append((connection, lasting))
        if not found:
            return Section(title=self.title(options), remarks=[_("No account has a balance to watch.")])
        return Section(
            title=self.title(options),
            subtitle=_("As the accounts were last read"),
            tables=[
                Table(
                    columns=[
                        Column(_("Connection")),
                        Column(_("Currency")),
                        Column(_("Balance"), Kind.AMOUNT),
                        Column(_("Cost a day"), Kind.AMOUNT),
                        Column(_("Days left"), Kind.NUMBER),
                        Column(_("Until"), Kind.DAY),
                        Column(_("Top up for %(count)d days") % {"count": RUNWAY_DAYS}, Kind.AMOUNT),
                    ],
                    rows=[
                        [
                            connection.connection_name,
                            lasting.currency,
                            lasting.balance,
                            lasting.daily,
                            lasting.days,
                            lasting.until,
                            lasting.top_up,
                        ]
                        for connection, lasting in sorted(found, key=lambda pair: pair[1].days)
                    ],
                )
            ],
        )
