"""A registered domain that serves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
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
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown

DOMAIN, WEBSITE, MAILBOX, DNS_ZONE = "domain", "website", "mailbox", "dns_zone"
DAYS_IN_YEAR = 365
MONTHS_IN_YEAR = 12
RECORDS = "record_count"
PARKED = "is_parked"
REDIRECT_KEYS = ("redirect", "redirect_to", "forward_to")


class DomainUnused(Rule):
    id = "domain.unused"
    title = gettext_lazy("Domain that nothing uses")
    description = gettext_lazy(
        "Its renewal is paid, and for %(days)s days no site, no mailbox and no DNS record belongs to it, or it is parked. "
        "Tags %(protection_tags)s keep names that are held to protect a brand."
    )
    category = Category.CLEANUP
    applies_to = frozenset({DOMAIN, WEBSITE, MAILBOX, DNS_ZONE})
    options = (
        Option(
            name="days",
            label=gettext_lazy("Days without any use"),
            default=90,
            unit=gettext_lazy("days"),
            minimum=30,
            maximum=365,
        ),
        Option(
            name="protection_tags",
            label=gettext_lazy("Tags of names that are kept on purpose"),
            default=("brand", "brand-protection", "keep"),
        ),
    )
    base_confidence = Decimal("0.6")
    effort = Effort.MINUTES
    risk = Risk.HIGH
    subject = "connection"
    is_destructive = True
    guards_off = frozenset({"scope", "part", "change", "standby"})
    """Whether everything was read is told by the connection: a domain's use stands in other lists than its own."""

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        users = list(_names_in_use(facts))
        for domain in facts:
            if domain.resource_type == DOMAIN:
                yield f"resource:{domain.pk}", self._about(domain, users, facts, options)

    def _about(
        self,
        domain: ResourceFacts,
        users: Sequence[tuple[str, str]],
        shown_ones: Sequence[ResourceFacts],
        options: Options,
    ) -> Answer:
        if not domain.daily_rate:
            is_free = domain.daily_rate is not None
            return NotMatched(Text(_("Nothing is paid for it."))) if is_free else Skip(SkipReason.NO_COST)
        days = int(options["days"])
        name = domain.name.casefold()
        user = next((who for who, used in users if used == name or used.endswith(f".{name}")), None)
        if user is not None:
            return NotMatched(Text(_("“%(user)s” uses it."), {"user": user}))
        if domain.is_stale or domain.connection.listed_ids is None:
            return Skip(SkipReason.SCOPE_INCOMPLETE, Text(_("Not all sites and mailboxes were read.")))
        if domain.has_tag(*(tag.casefold() for tag in options["protection_tags"])):
            return Skip(SkipReason.GUARDED, Text(_("A tag keeps it.")))
        if any(domain.configuration.get(key) for key in REDIRECT_KEYS):
            return Skip(SkipReason.GUARDED, Text(_("It redirects to another name.")))
        records = _record_count(domain, shown_ones)
        is_parked = domain.configuration.get(PARKED) is True
        if records is None and not is_parked:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its DNS records are not known.")))
        if records and not is_parked:
            return NotMatched(Text(_("It has %(count)d DNS records."), {"count": records}))
        quiet_days = domain.observed_days
        if domain.changed_at is not None:
            quiet_days = min(quiet_days, domain.days_since(domain.changed_at))
        if quiet_days < days:
            return Skip(
                SkipReason.TOO_YOUNG,
                Text(
                    _("It has been as it is for %(days)d days; the rule looks at %(wanted)d."),
                    {"days": quiet_days, "wanted": days},
                ),
            )
        return self._finding(domain, quiet_days, is_parked=is_parked)

    def _finding(self, domain: ResourceFacts, quiet_days: int, *, is_parked: bool) -> Finding:
        assert domain.daily_rate is not None
        yearly = domain.daily_rate * DAYS_IN_YEAR
        monthly = yearly / MONTHS_IN_YEAR
        facts: dict[str, Value] = {
            _("Sites"): 0,
            _("Mailboxes"): 0,
            _("Days without use"): quiet_days,
            _("Renewal a year"): shown(yearly, domain.currency),
        }
        if is_parked:
            facts[_("Parked")] = 1
        expires = str(domain.configuration.get("date_expire") or "")
        if expires:
            facts[_("Paid until")] = expires
        return Finding(
            resource_pks=(domain.pk,),
            facts=facts,
            current_monthly=monthly,
            target_monthly=Decimal(0),
            saving_monthly=monthly,
            currency=domain.currency,
            formula=Text(
                _("%(yearly)s a year / 12 = %(saving)s"),
                {"yearly": shown(yearly, domain.currency), "saving": shown(monthly, domain.currency)},
            ),
            steps=(
                steps.ask_owner(domain),
                Text(_("Search mail, certificates and old links for “%(name)s”."), {"name": domain.name}),
                Text(
                    _("Switch the automatic renewal of “%(name)s” off; nothing else is to be deleted."),
                    {"name": domain.name},
                ),
                Text(
                    _(
                        "What will disappear at the end of the paid year: the name “%(name)s”, which others may take."
                    ),
                    {"name": domain.name},
                ),
            ),
            matters={"renewal": str(domain.configuration.get("auto_renew", "")), "is_parked": is_parked},
            confidence=confidence(self.base_confidence),
            summary=Text(
                _("Let “%(name)s” expire: nothing has used it for %(days)d days."),
                {"name": domain.name, "days": quiet_days},
            ),
        )


def _names_in_use(facts: Iterable[ResourceFacts]) -> Iterator[tuple[str, str]]:
    """(who uses it, name) of sites and mailboxes."""
    for each in facts:
        if each.resource_type == WEBSITE:
            for name in (each.name, *(each.configuration.get("domains") or ())):
                yield each.name, str(name).casefold()
        elif each.resource_type == MAILBOX:
            yield each.name, each.name.rpartition("@")[2].casefold()


def _record_count(domain: ResourceFacts, facts: Iterable[ResourceFacts]) -> int | None:
    """DNS records of the name, its own word before its zone's; None where neither tells them."""
    zones = (each for each in facts if each.resource_type == DNS_ZONE and each.name == domain.name)
    for each in (domain, *zones):
        count = each.configuration.get(RECORDS)
        if isinstance(count, int) and not isinstance(count, bool):
            return count
    return None
