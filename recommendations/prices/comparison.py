"""One specification at every provider, like for like. Pure.

Amounts are a month's, in roubles; parts are unrounded, their sum is rounded once. What a list does not price is None and never 0; a candidate with such a part has no
total, and stands behind those that have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine.pricing import Offer, PriceBook
from recommendations.engine.sizes import Quote, quotes
from recommendations.prices.residency import may_lie_in

MIB_IN_GIB = 1024
OLD_AFTER = timedelta(days=14)
KOPECK = Decimal("0.01")
HUNDRED = Decimal(100)
ROUBLES = "RUB"
AS_LISTED = "listed"
WITH_TAX = "with"
WITHOUT_TAX = "without"
TAX_PERCENT = Decimal(22)
"""Russian value added tax since January 2026."""

IP_PART = _("address")
TRAFFIC_PART = _("traffic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be bought. `disk_class` and `country` "" do not matter; `personal`: the data may not leave Russia."""

    vcpus: Decimal
    memory_gib: Decimal
    disk_gib: Decimal = Decimal(0)
    disk_class: str = ""
    cpu_share: int = 100
    with_ip: bool = True
    traffic_gib: Decimal = Decimal(0)
    country: str = ""
    tax: str = AS_LISTED
    tax_percent: Decimal = TAX_PERCENT
    personal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What is paid for it today, and what moving it costs once. `egress_gib` is copied out at `egress_price` a GiB."""

    monthly: Decimal | None = None
    hours: Decimal = Decimal(0)
    hour_rate: Decimal = Decimal(0)
    egress_gib: Decimal = Decimal(0)
    egress_price: Decimal | None = None

    @property
    def one_off(self) -> Decimal:
        """Work, and copying the data out where its price is known."""
        return (self.hours * self.hour_rate + self.egress_gib * (self.egress_price or 0)).quantize(KOPECK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`word` is English, marked for translation; None is "not in the list"."""

    word: str
    monthly: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What one provider asks in one region for one line.

    `monthly` is None where a part has no price or its currency no rate. `includes_tax` is None where the list does not
    say, or says differently of its parts; such amounts stand as they are listed. `payback_months` is None where nothing
    is saved or nothing is known.
    """

    quote: Quote
    country: str
    disk_class: str
    parts: tuple[Part, ...]
    monthly: Decimal | None
    includes_tax: bool | None
    read_at: datetime
    is_old: bool
    is_allowed: bool
    difference: Decimal | None
    difference_percent: Decimal | None
    payback_months: Decimal | None

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(part.word for part in self.parts if part.monthly is None)


def compare(
    book: PriceBook, wanted: Wanted, *, now: Now, at: datetime, rates: Mapping[str, Decimal]
) -> list[Candidate]:
    """The cheapest zone of each provider, region and line; allowed ones first, the cheapest first."""
    found = [
        candidate
        for provider_type in sorted(book.provider_types())
        for quote in _one_each(_quotes(book, provider_type, wanted))
        if (candidate := _candidate(book, quote, wanted, now, at, rates)) is not None
    ]
    return sorted(
        found,
        key=lambda each: (
            not each.is_allowed,
            each.monthly is None,
            each.monthly or Decimal(0),
            each.quote.provider_type,
            each.quote.region_id,
            each.quote.family,
        ),
    )


def _quotes(book: PriceBook, provider_type: str, wanted: Wanted) -> Iterator[Quote]:
    return quotes(
        book,
        provider_type,
        vcpus=wanted.vcpus,
        memory_mib=int(wanted.memory_gib * MIB_IN_GIB),
        storage_gib=wanted.disk_gib or None,
        disk_class=wanted.disk_class or None,
        least_cpu_share=wanted.cpu_share,
    )


def _one_each(found: Iterable[Quote]) -> list[Quote]:
    """They come cheapest first: the first of each provider, region and line."""
    chosen: dict[tuple[str, str, str], Quote] = {}
    for quote in found:
        chosen.setdefault((quote.provider_type, quote.region_id, quote.family), quote)
    return list(chosen.values())


def _candidate(
    book: PriceBook,
    quote: Quote,
    wanted: Wanted,
    now: Now,
    at: datetime,
    rates: Mapping[str, Decimal],
) -> Candidate | None:
    country = next((offer.country for offer in quote.offers if offer.country), "")
    if wanted.country and country != wanted.country:
        return None
    used: list[Offer] = list(quote.offers)
    priced: list[tuple[str, Decimal | None, str]] = [
        (word, amount, quote.currency) for word, amount in quote.parts
    ]
    for word, amount, offer in _extras(book, quote, wanted):
        priced.append((word, amount, offer.currency if offer else quote.currency))
        if offer is not None and amount:
            used.append(offer)
    stated = {offer.includes_tax for offer in used}
    includes_tax = stated.pop() if len(stated) == 1 else None
    factor = _tax_factor(includes_tax, wanted)
    parts = tuple(
        Part(word=word, monthly=_in_roubles(amount, currency, rates, factor))
        for word, amount, currency in priced
    )
    known = [part.monthly for part in parts if part.monthly is not None]
    monthly = sum(known, Decimal(0)).quantize(KOPECK) if len(known) == len(parts) else None
    read_at = min(offer.read_at for offer in used)
    saving = None if monthly is None or now.monthly is None else now.monthly - monthly
    return Candidate(
        quote=quote,
        country=country,
        disk_class=next((offer.disk_class for offer in quote.offers if offer.disk_class), ""),
        parts=parts,
        monthly=monthly,
        includes_tax=_told_tax(includes_tax, wanted),
        read_at=read_at,
        is_old=at - read_at > OLD_AFTER,
        is_allowed=may_lie_in(country, personal=wanted.personal),
        difference=None if saving is None else -saving,
        difference_percent=-saving / now.monthly * HUNDRED if saving is not None and now.monthly else None,
        payback_months=(now.one_off / saving).quantize(Decimal("0.1"))
        if saving is not None and saving > 0
        else None,
    )


def _extras(
    book: PriceBook, quote: Quote, wanted: Wanted
) -> Iterator[tuple[str, Decimal | None, Offer | None]]:
    """Address and traffic: what comes with the size costs nothing more."""
    region = quote.region_id or None
    if wanted.with_ip:
        if any(offer.includes_ip for offer in quote.offers):
            yield IP_PART, Decimal(0), None
        else:
            price = book.ip_price(quote.provider_type, region_id=region)
            yield IP_PART, price.monthly if price else None, price
    if wanted.traffic_gib:
        included = max(
            (offer.included_traffic_gib or Decimal(0) for offer in quote.offers), default=Decimal(0)
        )
        rest = max(Decimal(0), wanted.traffic_gib - included)
        price = book.traffic_price(quote.provider_type, region_id=region) if rest else None
        yield TRAFFIC_PART, price.monthly * rest if price else None if rest else Decimal(0), price


def _tax_factor(includes_tax: bool | None, wanted: Wanted) -> Decimal:
    rate = 1 + wanted.tax_percent / HUNDRED
    if includes_tax is False and wanted.tax == WITH_TAX:
        return rate
    if includes_tax is True and wanted.tax == WITHOUT_TAX:
        return 1 / rate
    return Decimal(1)


def _told_tax(includes_tax: bool | None, wanted: Wanted) -> bool | None:
    if includes_tax is None or wanted.tax == AS_LISTED:
        return includes_tax
    return wanted.tax == WITH_TAX


def _in_roubles(
    amount: Decimal | None, currency: str, rates: Mapping[str, Decimal], factor: Decimal
) -> Decimal | None:
    rate = rates.get(currency)
    if amount is None or rate is None:
        return None
    return amount * rate * factor
