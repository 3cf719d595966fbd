"""Steady load and what paying ahead for it would cost. Pure.

Things of one kind, place and line are one load: tariffs of one size are counted, parts (vCPU, GiB) are added up. What is
always there of it over the days looked at is its base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from recommendations.engine.databases import DATABASE, current_database_quote
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.plans import ACCOUNT_PLAN, current_plan, is_paid_for_a_year
from recommendations.engine.pricing import MEMORY_GIB, STORAGE_GIB, VCPU, Offer
from recommendations.engine.rates import paid
from recommendations.engine.sizes import current_quote
from recommendations.engine.usage import percentile

ONE_DAY = timedelta(days=1)
LAST_DAYS = 7
TREND_DAYS = 30
QUIET_PART = 10
ROUNDING = Decimal("1.01")
MIB_IN_GIB = 1024
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One thing of a load: how much of what it takes, by which offers, and what is paid for that a month."""

    facts: ResourceFacts
    amounts: Mapping[str, Decimal]
    offers: Mapping[str, Offer]
    paid_monthly: Decimal

    @property
    def list_monthly(self) -> Decimal:
        return sum((self.amounts[name] * offer.monthly for name, offer in self.offers.items()), ZERO)

    def on(self, day: date, zone: ZoneInfo) -> Decimal:
        """Which part of today's amounts was there: all where it was charged, less where it was smaller then."""
        cost = self.facts.daily_costs.get(day, ZERO)
        if cost <= 0:
            return ZERO
        resized = self.facts.resized_at
        if resized is None or day > resized.astimezone(zone).date():
            return Decimal(1)
        own = self.facts.cost(LAST_DAYS)
        return min(Decimal(1), cost / own.day_cost) if own is not None and own.day_cost else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Paying `months` ahead: what the base costs by list a month on demand and ahead; `offers` by what they are for."""

    months: int
    on_demand: Decimal
    ahead: Decimal
    offers: Mapping[str, Offer]


@dataclass(slots=True, kw_only=True)
class Load:
    """Members of one kind, place and line. `name` is what they are called in the list."""

    key: str
    name: str
    members: list[Member] = field(default_factory=list)

    def days(self, count: int) -> list[date]:
        """The days of which the cost of all members is known, the newest last."""
        spans = [member.facts.cost_days for member in self.members]
        known = [span for span in spans if span is not None]
        if len(known) < len(spans):
            return []
        last = min(span[1] for span in known)
        first = max(max(span[0] for span in known), last - timedelta(days=count - 1))
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def daily(self, name: str, days: Iterable[date], zone: ZoneInfo) -> list[Decimal]:
        return [
            sum((member.amounts.get(name, ZERO) * member.on(day, zone) for member in self.members), ZERO)
            for day in days
        ]

    def base(self, days: Sequence[date], zone: ZoneInfo) -> dict[str, Decimal]:
        """What was there on nine of ten days, and on each of the last seven: whole units of each part."""
        found = {}
        for name in {name for member in self.members for name in member.offers}:
            amounts = self.daily(name, days, zone)
            steady = percentile(sorted(float(amount) for amount in amounts), QUIET_PART)
            least = min([Decimal(str(steady)), *amounts[-LAST_DAYS:]])
            found[name] = least.to_integral_value(ROUND_FLOOR)
        return found

    def trend(self, days: Sequence[date]) -> Decimal | None:
        """Mean cost of the last thirty days as a share of the mean before them; None where nothing was before."""
        costs = [
            sum((member.facts.daily_costs.get(day, ZERO) for member in self.members), ZERO) for day in days
        ]
        late, early = costs[-TREND_DAYS:], costs[:-TREND_DAYS]
        if not early or not sum(early):
            return None
        return (sum(late, ZERO) / len(late)) / (sum(early, ZERO) / len(early))

    def offers(self) -> dict[str, Offer]:
        return dict(self.members[0].offers)

    @property
    def own_price(self) -> Decimal:
        """What is paid for a rouble of list price."""
        listed = sum((member.list_monthly for member in self.members), ZERO)
        return sum((member.paid_monthly for member in self.members), ZERO) / listed if listed else Decimal(1)


def member_of(facts: ResourceFacts) -> Member | None:
    """None where the list does not have exactly this, or what is paid for it is not known."""
    quote = None
    offers: tuple[Offer, ...] = ()
    if facts.resource_type == ACCOUNT_PLAN:
        plan = current_plan(facts)
        offers = () if plan is None else (plan,)
    else:
        quote = current_database_quote(facts) if facts.resource_type == DATABASE else current_quote(facts)
        offers = () if quote is None or quote.is_interpolated else quote.offers
    cost = paid(facts, quote)
    if not offers or cost is None or any(offer.currency != cost.currency for offer in offers):
        return None
    amounts = {offer.component: _amount(facts, offer.component) for offer in offers}
    if any(amount is None for amount in amounts.values()):
        return None
    return Member(
        facts=facts,
        amounts={name: amount for name, amount in amounts.items() if amount is not None},
        offers={offer.component: offer for offer in offers},
        paid_monthly=cost.monthly,
    )


def loads(members: Iterable[Member]) -> list[Load]:
    """In the order in which their oldest members appeared."""
    found: dict[str, Load] = {}
    for member in sorted(members, key=lambda each: (each.facts.created_at, each.facts.pk)):
        first = next(iter(member.offers.values()))
        unit = first.sku_id if not first.component else first.family
        key = (
            f"{member.facts.resource_type}/{first.region_id or member.facts.region_id}/{first.zone_id}/{unit}"
        )
        load = found.setdefault(key, Load(key=key, name=first.name if not first.component else first.family))
        load.members.append(member)
    return list(found.values())


def terms_of(load: Load, base: Mapping[str, Decimal]) -> list[Term]:
    """Each term that something of the base is sold for, the shortest first."""
    offers = load.offers()
    book = load.members[0].facts.connection.prices
    by_months: dict[int, dict[str, Offer]] = {}
    for name, offer in offers.items():
        for ahead in book.terms(offer):
            by_months.setdefault(ahead.term_months, {}).setdefault(name, ahead)
    return [
        Term(
            months=months,
            on_demand=sum((base[name] * offers[name].monthly for name in found), ZERO),
            ahead=sum((base[name] * each.monthly for name, each in found.items()), ZERO),
            offers=found,
        )
        for months, found in sorted(by_months.items())
    ]


def pays_ahead_already(member: Member) -> bool:
    """Whether no more is paid than paying ahead costs, or the account says so."""
    facts = member.facts
    if facts.resource_type == ACCOUNT_PLAN and is_paid_for_a_year(facts):
        return True
    ahead = ZERO
    for name, offer in member.offers.items():
        prices = [each.monthly for each in facts.connection.prices.terms(offer)]
        ahead += member.amounts[name] * max(prices, default=offer.monthly)
    return ahead < member.list_monthly and member.paid_monthly <= ahead * ROUNDING


def _amount(facts: ResourceFacts, component: str) -> Decimal | None:
    if component == VCPU:
        return facts.vcpus
    if component == MEMORY_GIB:
        return None if facts.memory_mib is None else Decimal(facts.memory_mib) / MIB_IN_GIB
    return facts.storage_gib if component == STORAGE_GIB else Decimal(1)
