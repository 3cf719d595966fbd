"""Writing the catalogue: lists that were read or uploaded, corrections, publishing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.audit.services import record
from accounts.models import Organization, User
from recommendations.prices.history import FACTS, Difference, Listed, difference
from recommendations.prices.models import Price, Source

BATCH = 500
UPLOADED = "upload"
"""Scope of uploaded prices: an upload that replaces whole lists closes by it."""


def store_list(
    *,
    organization: Organization | None,
    provider_type: str,
    source: Source,
    found: Iterable[Listed],
    complete: Collection[str],
    now: datetime,
    by: User | None = None,
) -> Difference:
    """Bring the history of one list up to date; call it inside a transaction. Twice the same changes nothing more."""
    known = Price.objects.select_for_update().filter(
        organization=organization, provider_type=provider_type, source=source, valid_until__isnull=True
    )
    found_difference = difference(known, found, complete)
    _close([price for price, _listed in found_difference.changed] + found_difference.gone, now)
    fresh = [*found_difference.new, *(each for _price, each in found_difference.changed)]
    Price.objects.bulk_create(
        (
            Price(
                organization=organization,
                provider_type=provider_type,
                source=source,
                scope=each.scope,
                sku_id=each.sku_id,
                valid_from=now,
                read_at=now,
                changed_by=by,
                **each.facts,
            )
            for each in fresh
        ),
        batch_size=BATCH,
    )
    confirmed = [price.pk for price in found_difference.confirmed]
    for start in range(0, len(confirmed), BATCH):
        Price.objects.filter(pk__in=confirmed[start : start + BATCH]).update(read_at=now)
    return found_difference


@transaction.atomic
def upload(
    *, prices: dict[str, list[Listed]], replaces: bool, now: datetime, by: User | None
) -> dict[str, Difference]:
    """{provider: difference} of a checked file in the shared catalogue; `replaces`: what it does not name is over."""
    complete = {UPLOADED} if replaces else set()
    result = {
        provider_type: store_list(
            organization=None,
            provider_type=provider_type,
            source=Source.UPLOAD,
            found=found,
            complete=complete,
            now=now,
            by=by,
        )
        for provider_type, found in sorted(prices.items())
    }
    if any(not each.is_empty for each in result.values()):
        record(
            "price.uploaded",
            actor=by,
            details={
                provider_type: f"{len(each.new)} new, {len(each.changed)} changed, {len(each.gone)} gone"
                for provider_type, each in result.items()
            },
        )
    return result


def preview(*, prices: dict[str, list[Listed]], replaces: bool) -> dict[str, Difference]:
    """What `upload` would do, without doing it."""
    return {
        provider_type: difference(
            Price.objects.shared().open().filter(provider_type=provider_type, source=Source.UPLOAD),
            found,
            {UPLOADED} if replaces else set(),
        )
        for provider_type, found in sorted(prices.items())
    }


@transaction.atomic
def correct_price(
    *,
    price: Price,
    amount: Decimal,
    includes_tax: bool | None,
    reason: str,
    now: datetime,
    by: User | None,
) -> Price:
    """Puts a correction before the price in its own list; the same one again changes nothing."""
    facts = {name: getattr(price, name) for name in FACTS} | {
        "amount": amount,
        "includes_tax": includes_tax,
    }
    standing = (
        Price.objects.select_for_update()
        .filter(
            organization=price.organization,
            provider_type=price.provider_type,
            sku_id=price.sku_id,
            source=Source.CORRECTION,
            valid_until__isnull=True,
        )
        .first()
    )
    if standing is not None:
        if all(getattr(standing, name) == value for name, value in facts.items()):
            return standing
        _close([standing], now)
    corrected = Price.objects.create(
        organization_id=price.organization_id,
        provider_type=price.provider_type,
        source=Source.CORRECTION,
        sku_id=price.sku_id,
        valid_from=now,
        read_at=now,
        reason=reason,
        changed_by=by,
        **facts,
    )
    record(
        "price.corrected",
        obj=corrected,
        actor=by,
        changes={
            "amount": [price.amount, amount],
            "includes_tax": [price.includes_tax, includes_tax],
        },
        details={"reason": reason},
    )
    return corrected


@transaction.atomic
def withdraw(*, price: Price, now: datetime, by: User | None) -> bool:
    """Ends a correction or an uploaded price, so that what stands below it holds again; False if it had ended."""
    if price.source == Source.PLUGIN:
        raise ValueError("what a plugin reads ends when the provider's list ends it")
    ended = Price.objects.filter(pk=price.pk, valid_until__isnull=True).update(valid_until=now)
    if ended:
        record("price.withdrawn", obj=price, actor=by)
    return bool(ended)


@transaction.atomic
def publish(*, organization: Organization, provider_type: str, now: datetime, by: User | None) -> Difference:
    """Copies what an organization's connection read into the shared catalogue, for everybody to see.

    Only what is open is copied, and never a correction: that is the organization's own. What the shared copy had
    besides ends.
    """
    own = Price.objects.filter(
        organization=organization,
        provider_type=provider_type,
        source=Source.PLUGIN,
        valid_until__isnull=True,
    )
    found = [
        Listed(sku_id=price.sku_id, scope=price.scope, facts={name: getattr(price, name) for name in FACTS})
        for price in own
    ]
    shared_scopes = set(
        Price.objects.shared()
        .filter(provider_type=provider_type, source=Source.PLUGIN, valid_until__isnull=True)
        .values_list("scope", flat=True)
    )
    result = store_list(
        organization=None,
        provider_type=provider_type,
        source=Source.PLUGIN,
        found=found,
        complete=shared_scopes if found else (),
        now=now,
        by=by,
    )
    record(
        "price.published",
        organization=organization,
        actor=by,
        details={"provider": provider_type, "prices": len(found), "changed": _count(result)},
    )
    return result


def _close(prices: Iterable[Price], now: datetime) -> None:
    pks = [price.pk for price in prices]
    for start in range(0, len(pks), BATCH):
        Price.objects.filter(pk__in=pks[start : start + BATCH]).update(valid_until=now)


def _count(result: Difference) -> int:
    return len(result.new) + len(result.changed) + len(result.gone)


def summary(result: Difference) -> dict[str, Any]:
    return {
        "new": len(result.new),
        "changed": len(result.changed),
        "gone": len(result.gone),
        "confirmed": len(result.confirmed),
    }
