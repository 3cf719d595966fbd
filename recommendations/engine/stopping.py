"""What is saved by switching something off for a while, by its provider's own rules, and how that is done. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine import steps
from recommendations.engine.calendar import DAYS_OF_WEEK, Calendar
from recommendations.engine.contract import Text
from recommendations.engine.facts import DAYS_IN_MONTH, ResourceFacts
from recommendations.engine.pricing import PUBLIC_IP, SNAPSHOT, STORAGE_GIB, PriceBook
from recommendations.engine.sizes import zone_of
from recommendations.engine.usage import HOURS_OF_DAY

IMAGE = "image"
HOURS_OF_MONTH = Decimal(DAYS_IN_MONTH * HOURS_OF_DAY)
WEEKS_OF_MONTH = Decimal(DAYS_IN_MONTH) / DAYS_OF_WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSaving:
    """What a weekly calendar saves a month: of `free_hours` a week `share` of the price is not charged.

    `copy` is what an image costs that must be kept meanwhile: 0 where none is needed, None where no list tells it; then
    it is not taken off `monthly`.
    """

    free_hours: int
    share: Decimal
    copy: Decimal | None
    monthly: Decimal


def stop_of(facts: ResourceFacts) -> StopSaves | None:
    """How it can be switched off for less; None where its provider charges on whatever is done."""
    found = facts.connection.stop_saves.get(facts.resource_type)
    return found if found is not None and found.share > 0 else None


def share_off(facts: ResourceFacts, stop: StopSaves) -> Decimal:
    """The part of its own cost that is not charged while it is off: neither a disk in its bill nor its traffic stops."""
    whole = sum((part.day_cost for part in facts.parts), Decimal(0))
    if whole <= 0:
        return stop.share
    stays = sum(
        (part.day_cost for part in facts.parts if part.is_usage or _stays(facts, part.sku_id)), Decimal(0)
    )
    return stop.share * (whole - stays) / whole


def copy_monthly(facts: ResourceFacts) -> Decimal | None:
    """What an image or a snapshot of its own disk costs a month by list, in its currency; None where no list says it."""
    size = facts.storage_gib
    if size is None:
        return None
    book, provider = facts.connection.prices, facts.connection.provider_type
    offer = _gib_price(book, provider, IMAGE, facts) or _gib_price(book, provider, SNAPSHOT, facts)
    return None if offer is None else offer * size


def saved_by(
    calendar: Calendar, facts: ResourceFacts, stop: StopSaves, own_monthly: Decimal
) -> CalendarSaving:
    """Of its own cost a month; where whole days are charged, only days without an hour of work are free."""
    is_by_day = stop.least_hours >= HOURS_OF_DAY
    free = len(calendar.days_off) * HOURS_OF_DAY if is_by_day else len(calendar.off_hours)
    share = share_off(facts, stop)
    copy = copy_monthly(facts) if stop.by is StopBy.RECREATE else Decimal(0)
    gross = own_monthly / HOURS_OF_MONTH * share * free * WEEKS_OF_MONTH
    return CalendarSaving(free_hours=free, share=share, copy=copy, monthly=gross - (copy or 0))


def switch_off_steps(facts: ResourceFacts, stop: StopSaves) -> tuple[Text, ...]:
    """Trying it once by hand, before something does it by the calendar."""
    if stop.by is StopBy.SHELVE:
        return (steps.shelve_server(facts), steps.unshelve_server(facts))
    if stop.by is StopBy.STOP:
        return (steps.stop_server(facts), steps.start_server(facts))
    return (
        steps.copy_server(facts),
        Text(_("Make a second server from the copy and see that everything works; note its new address.")),
        Text(_("Keep what must not be lost outside of it: each time it is deleted and made again.")),
    )


def how(stop: StopSaves) -> Text:
    """In one sentence, what does not cost while it is off."""
    return {
        StopBy.STOP: Text(_("Stopped, it is not charged.")),
        StopBy.SHELVE: Text(
            _("Switched off, it costs the same; only shelved is it not charged. Its disks and addresses are.")
        ),
        StopBy.RECREATE: Text(
            _("Switched off, it costs the same; only what is deleted is not charged: keep an image of it.")
        ),
    }[stop.by]


def _stays(facts: ResourceFacts, sku_id: str) -> bool:
    offer = facts.connection.prices.billed_as(
        facts.connection.provider_type, sku_id, region_id=facts.region_id or None, zone_id=zone_of(facts)
    )
    return offer is not None and offer.component in (STORAGE_GIB, PUBLIC_IP)


def _gib_price(book: PriceBook, provider: str, kind: str, facts: ResourceFacts) -> Decimal | None:
    offer = book.price_of(provider, kind, STORAGE_GIB, region_id=facts.region_id or None)
    return None if offer is None or offer.currency != facts.currency else offer.monthly
