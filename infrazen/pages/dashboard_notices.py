"""What the dashboard's reader should know or do: failed connections, short balances, unknown types, partial readings."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import UserRequest
from common import formatting
from costs import queries as costs
from costs.type_spend import type_spend
from infrazen.pages.connections import Card
from providers.messages import Explanation
from syncs import triage

NAMED_TYPES = 3
MAY_TRIAGE = "accounts.manage_resources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    level: str
    title: str
    text: str
    url: str
    label: str


def notices(request: UserRequest, cards: list[Card]) -> list[Notice]:
    """The most urgent first, then one of each kind, so that many of one do not hide the others.

    One query, two where types are not recognised.
    """
    failed, short, partial = [], [], []
    for card in cards:
        name = card.connection.connection_name
        url = f"{reverse('connections')}#connection-{card.connection.pk}"
        if card.problem:
            failed.append(
                Notice(
                    level="error",
                    title=f"{name}: {card.problem.title}",
                    text=_problem_text(card, card.problem),
                    url=url,
                    label=_("Open"),
                )
            )
        if card.runway and card.runway.is_short:
            short.append((card.runway.days, _short_runway(name, card.runway, url)))
        if card.coverage.problems and not card.problem:
            partial.append(_partial_reading(name, card, url))
    by_urgency = [notice for _days, notice in sorted(short, key=lambda item: item[0])]
    kinds = (by_urgency, _unrecognized(request), partial)
    return [*failed, *(kind[0] for kind in kinds if kind), *(notice for kind in kinds for notice in kind[1:])]


def _problem_text(card: Card, problem: Explanation) -> str:
    if card.connection.is_given_up and card.connection.auto_sync:
        return f"{problem.text} {_('It is not tried by itself any more.')}".strip()
    return problem.text


def _partial_reading(name: str, card: Card, url: str) -> Notice:
    title = ngettext(
        "%(name)s: %(read)d of %(count)d section was read.",
        "%(name)s: %(read)d of %(count)d sections were read.",
        card.coverage.section_count,
    ) % {"name": name, "read": card.coverage.read_count, "count": card.coverage.section_count}
    text = _("Not read: %(names)s. Everything else is up to date.") % {"names": card.coverage.unread_names}
    return Notice(level="warning", title=title, text=text, url=url, label=_("Open"))


def _short_runway(name: str, runway: costs.Runway, url: str) -> Notice:
    title = ngettext(
        "%(name)s: the balance lasts %(count)d day, until %(day)s.",
        "%(name)s: the balance lasts %(count)d days, until %(day)s.",
        runway.days,
    ) % {
        "name": name,
        "count": runway.days,
        "day": formatting.long_date(runway.until, today=timezone.localdate()),
    }
    text = _("The account holds %(balance)s and spends %(rate)s.") % {
        "balance": formatting.money(runway.balance, runway.currency),
        "rate": formatting.money_per_day(runway.daily, runway.currency),
    }
    if runway.top_up:
        amount = formatting.rounded_money(runway.top_up, runway.currency)
        text += " " + _("Top up %(amount)s to make it 30 days.") % {"amount": amount}
    return Notice(level="warning", title=title, text=text, url=url, label=_("Open"))


def _unrecognized(request: UserRequest) -> list[Notice]:
    """One notice for all types that wait for triage; its action is for those who may answer."""
    types = triage.open_types(organization=request.organization)
    if not types:
        return []
    may_answer = request.user.is_staff and request.user.has_perm(MAY_TRIAGE)
    triage_url = reverse("admin:syncs_unrecognizedresource_changelist", query={"resolved_at__isempty": 1})
    return [
        Notice(
            level="information",
            title=_unrecognized_title(types),
            text=_unrecognized_text(request, types)
            if may_answer
            else f"{_unrecognized_text(request, types)} {_('An administrator can say what it is.')}".strip(),
            url=triage_url if may_answer else "",
            label=_("Map it"),
        )
    ]


def _unrecognized_title(types: list[triage.OpenType]) -> str:
    names = ", ".join(one.native_type for one in types[:NAMED_TYPES])
    rest = len(types) - NAMED_TYPES
    if rest > 0:
        names = ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", rest) % {
            "names": names,
            "count": rest,
        }
    return ngettext(
        "%(names)s: the type is not recognised.", "%(names)s: the types are not recognised.", len(types)
    ) % {"names": names}


def _unrecognized_text(request: UserRequest, types: list[triage.OpenType]) -> str:
    """`₽3,400.00 over 3 days are counted …`, or the rate where no day has ended yet."""
    spends = type_spend([one.key for one in types], organization=request.organization).values()
    sums: dict[str, Decimal] = {}
    for spend in spends:
        for currency, amount in spend.amounts.items():
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    if sums:
        spent = triage.TypeSpend(amounts=sums, day_count=max(spend.day_count for spend in spends))
        return _("%(spend)s are counted in the sums, under “other”.") % {"spend": spent}
    rates: dict[str, Decimal] = {}
    for one in types:
        for currency, amount in one.daily_costs.items():
            rates[currency] = rates.get(currency, Decimal(0)) + amount
    if not rates:
        return ""
    listed = ", ".join(formatting.money_per_day(rates[currency], currency) for currency in sorted(rates))
    return _("%(spend)s are counted in the sums, under “other”.") % {"spend": listed}
