"""What one resource, or everything in the scope together, may cost a month."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy, gettext_noop

from recommendations.engine.contract import Option, Options, Text, money
from recommendations.policies.contract import (
    DAYS_IN_MONTH,
    Answer,
    Broken,
    Kept,
    Kind,
    Moment,
    Subject,
    Sum,
    Unknown,
)


class SpendLimit(Kind):
    """Run rate of a month of thirty days; of one resource its own, without components.

    A sum of what is known that is over the limit already is a violation, whatever else is not known; one below it keeps
    the limit only where everything is known.
    """

    id = "spend_limit"
    title = gettext_lazy("Spend limit")
    description = gettext_lazy(
        "A resource, or everything in the scope together, costs no more than this at today's rate."
    )
    asks_gone = True
    options = (
        Option(
            name="limit",
            label=gettext_lazy("At most"),
            default=Decimal(10_000),
            unit=gettext_lazy("₽ a month"),
            minimum=0,
        ),
        Option(name="is_whole", label=gettext_lazy("All resources together"), default=False),
    )

    @classmethod
    def is_whole(cls, options: Options) -> bool:
        return bool(options["is_whole"])

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        if subject.daily_rub is None:
            return Unknown()
        return self._held(subject.daily_rub * DAYS_IN_MONTH, options) or Kept()

    def check_sum(self, found: Sum, options: Options, moment: Moment) -> Answer:
        broken = self._held(found.daily_rub * DAYS_IN_MONTH, options)
        return broken or (Unknown() if found.uncertain_count else Kept())

    @staticmethod
    def _held(monthly: Decimal, options: Options) -> Broken | None:
        if monthly <= options["limit"]:
            return None
        values = {"cost": money(round(monthly, 2)), "limit": money(options["limit"])}
        return Broken(Text(gettext_noop("Costs %(cost)s a month; the limit is %(limit)s."), values))
