"""A prepaid balance that runs out soon. An insight: nothing is saved, and an outage is avoided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine.contract import (
    Answer,
    Category,
    Effort,
    Finding,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    day,
)
from recommendations.engine.facts import DAYS_IN_MONTH, ConnectionFacts, ResourceFacts
from recommendations.engine.rates import shown

ACCOUNT_PLAN = "account_plan"
SUBJECT = "account"
DAYS_IN_PERIOD = {"day": 1, "month": DAYS_IN_MONTH, "year": 365}


class AccountRunway(Rule):
    id = "account.runway"
    title = gettext_lazy("Balance runs out")
    description = gettext_lazy(
        "The prepaid balance lasts less than %(days)s days at today's rate, or the provider itself says that it blocks the "
        "account in less than %(provider_days)s days."
    )
    category = Category.HYGIENE
    applies_to = frozenset(
        {
            ACCOUNT_PLAN,
            "server",
            "dedicated_server",
            "database",
            "kubernetes_cluster",
            "s3_bucket",
            "website",
            "domain",
        }
    )
    """What an account may consist of; the finding stands at its plan, else at the resource that was seen first."""
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days that a balance must last"),
            default=14,
            unit=gettext_lazy("days"),
            minimum=1,
            maximum=90,
        ),
        Option(
            name="provider_days",
            label=gettext_lazy("… by the provider's own count"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
            maximum=90,
        ),
        Option(
            name="top_up_days",
            label=gettext_lazy("Days to top up for"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
            maximum=365,
        ),
    )
    base_confidence = Decimal("0.95")
    effort = Effort.MINUTES
    risk = Risk.NONE
    subject = "connection"
    saves = False
    guards_off = frozenset({"scope", "part", "change", "standby"})

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        plans = [each for each in facts if each.resource_type == ACCOUNT_PLAN]
        lead = min(plans or facts, key=lambda each: (each.first_seen_at, each.pk))
        yield SUBJECT, self._about(lead, options)

    def _about(self, lead: ResourceFacts, options: Options) -> Answer:
        connection = lead.connection
        account = connection.account
        balance, currency = account.get("balance"), str(account.get("balance_currency") or "RUB")
        if balance is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("The provider tells no balance.")))
        balance = Decimal(str(balance))
        said, daily = account.get("charge_days_left"), _daily(connection, account, currency)
        at_rate = None if daily is None else _whole_days(balance, daily)
        if said is None and at_rate is None:
            return Skip(SkipReason.NO_COST, Text(_("What the account costs a day is not known.")))
        days = int(said) if said is not None else at_rate
        assert days is not None
        is_short = (said is not None and said < options["provider_days"]) or (
            at_rate is not None and at_rate < options["days"]
        )
        if not is_short:
            return NotMatched(Text(_("The balance lasts %(days)d days."), {"days": days}))
        return self._finding(lead, balance, currency, days, at_rate, daily, int(options["top_up_days"]))

    def _finding(
        self,
        lead: ResourceFacts,
        balance: Decimal,
        currency: str,
        days: int,
        at_rate: int | None,
        daily: Decimal | None,
        top_up_days: int,
    ) -> Finding:
        connection = lead.connection
        read_at = connection.observed_at or connection.now
        blocked_on = read_at.astimezone(connection.zone).date() + timedelta(days=days)
        facts: dict[str, Value] = {
            _("Balance"): shown(balance, currency),
            _("Days left"): days,
            _("Runs out on"): day(blocked_on),
        }
        steps = [
            Text(
                _("Tell who pays %(provider)s that “%(name)s” needs money before the date."),
                {"provider": connection.provider_name, "name": connection.name},
            )
        ]
        formula = Text(_("by the provider's own count: %(days)d days"), {"days": days})
        if daily is not None and at_rate is not None:
            amount = max(Decimal(0), daily * top_up_days - balance)
            facts[_("Cost a day")] = shown(daily, currency)
            facts[_("Days left at that cost")] = at_rate
            facts[_("To top up")] = shown(amount, currency)
            steps.append(
                Text(
                    _("Top up %(amount)s: then it lasts %(days)d days."),
                    {"amount": shown(amount, currency), "days": top_up_days},
                )
            )
            formula = Text(
                _("%(balance)s / %(daily)s a day = %(days)d days"),
                {"balance": shown(balance, currency), "daily": shown(daily, currency), "days": at_rate},
            )
        steps.append(
            Text(_("Switch on automatic payment, or a reminder by the provider, where there is one."))
        )
        return Finding(
            resource_pks=(lead.pk,),
            facts=facts,
            current_monthly=None,
            target_monthly=None,
            saving_monthly=None,
            currency=currency,
            formula=formula,
            steps=tuple(steps),
            matters={"weeks": days // 7},
            confidence=self.base_confidence,
            summary=Text(
                _("Top up “%(name)s”: its balance lasts %(days)d days."),
                {"name": connection.name, "days": days},
            ),
        )


def _daily(connection: ConnectionFacts, account: Mapping[str, Any], currency: str) -> Decimal | None:
    """What the account costs a day: by its provider's own figure, else the mean of its last seven full days."""
    total = account.get("total")
    if total and total["currency"] == currency and total["period"] in DAYS_IN_PERIOD:
        daily = Decimal(str(total["amount"])) / DAYS_IN_PERIOD[total["period"]]
    elif connection.daily_cost is not None and connection.daily_cost.currency == currency:
        daily = connection.daily_cost.day_cost
    else:
        return None
    return daily if daily > 0 else None


def _whole_days(balance: Decimal, daily: Decimal) -> int:
    return max(0, int((balance / daily).to_integral_value(ROUND_FLOOR)))
