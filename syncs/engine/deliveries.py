"""Deliveries of billed lines: what of a bill is new is stored, and replaces what was delivered before as a whole.

A delivery is the lines of one billing source and billing period. Its content is known by a hash, so that the same
lines again are neither written nor published. Database only, but for the hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db.models import Max, QuerySet

from common import bulk
from common.transactions import small_transaction
from inventory.models import Resource
from providers.contract.records import ChargeRecord, ResourceType
from syncs.models import ChargeBatch, ChargeLine, SyncSnapshot

from .billing import Identities, source_key
from .drafts import BATCH_ROWS, batched, drafting, observed_at

Key = tuple[str, datetime]
"""Billing source, and start of the billing period."""


@dataclass(slots=True)
class Delivery:
    """What one key's lines amount to; the digest does not depend on their order."""

    period_end: datetime
    line_count: int = 0
    digest: int = 0

    @property
    def content_hash(self) -> str:
        return f"{self.digest:064x}"

    def add(self, encoded_line: bytes) -> None:
        digest = hashlib.blake2b(encoded_line, digest_size=32).digest()
        self.digest = (self.digest + int.from_bytes(digest, "big")) % (1 << 256)
        self.line_count += 1


def known_periods(connection_id: int) -> dict[str, datetime]:
    """The latest billing period that each billing source has delivered."""
    rows = (
        ChargeBatch.objects.filter(connection_id=connection_id, published_at__isnull=False)
        .values("source")
        .annotate(latest=Max("period_start"))
    )
    return {row["source"]: row["latest"] for row in rows}


def latest_reading(connection_id: int) -> datetime | None:
    """When a bill was last read that said something new; None where none ever was."""
    published = ChargeBatch.objects.filter(connection_id=connection_id, published_at__isnull=False)
    read_at: datetime | None = published.aggregate(at=Max("snapshot__observed_at"))["at"]
    return read_at


def delivered(charges: Iterable[ChargeRecord]) -> dict[Key, Delivery]:
    """The deliveries that these lines make up. Pure."""
    encoder = msgspec.json.Encoder()
    found: dict[Key, Delivery] = {}
    for charge in charges:
        delivery = found.setdefault(_key(charge), Delivery(charge.billing_period_end))
        delivery.add(encoder.encode(charge))
    return found


def fresh(connection_id: int, deliveries: Mapping[Key, Delivery]) -> dict[Key, Delivery]:
    """Those that say something new.

    One that the current delivery equals is left out, unless it stands beside a new one of the same month: the new
    one replaces all that the month had.
    """
    before = {key: list(_current(connection_id, key, delivery)) for key, delivery in deliveries.items()}
    equal = {
        key: batch
        for key, delivery in deliveries.items()
        for batch in before[key]
        if batch.content_hash == delivery.content_hash
    }
    replaced = {batch.pk for key, batches in before.items() if key not in equal for batch in batches}
    return {
        key: delivery for key, delivery in deliveries.items() if key not in equal or equal[key].pk in replaced
    }


def write(
    snapshot: SyncSnapshot,
    deliveries: Mapping[Key, Delivery],
    charges: Iterable[ChargeRecord],
    resource_pks: Mapping[str, int],
    identities: Identities,
    on_batch: Callable[[], None],
) -> None:
    """Store the lines of these deliveries, unpublished."""
    with drafting(snapshot):
        batches = {
            key: ChargeBatch.objects.create(
                organization_id=snapshot.organization_id,
                connection_id=snapshot.connection_id,
                snapshot=snapshot,
                source=key[0],
                period_start=key[1],
                period_end=delivery.period_end,
                line_count=delivery.line_count,
                content_hash=delivery.content_hash,
            )
            for key, delivery in deliveries.items()
        }
    for chunk in batched(charge for charge in charges if _key(charge) in batches):
        lines = bulk.Insertion(
            [
                _line(
                    charge,
                    batches[_key(charge)],
                    resource_pks[identities.of(charge)],
                    snapshot.organization_id,
                )
                for charge in chunk
            ]
        )
        with drafting(snapshot):
            lines.execute()
        on_batch()


def ensure_resources(
    snapshot: SyncSnapshot,
    charges: Iterable[ChargeRecord],
    identities: Identities,
    resource_type_of: Callable[[ChargeRecord], ResourceType | None],
) -> tuple[dict[str, int], dict[str, ChargeRecord]]:
    """Rows for every resource that a line names, also those of older periods.

    Returns id -> pk, and of those whose type maps to nothing id -> a line of theirs.
    """
    seen: dict[str, int] = {}
    unrecognized: dict[str, ChargeRecord] = {}
    for chunk in batched(charges):
        samples = {identities.of(charge): charge for charge in chunk}
        fresh = {key: charge for key, charge in samples.items() if key not in seen}
        if not fresh:
            continue
        types = {key: resource_type_of(charge) for key, charge in fresh.items()}
        unrecognized |= {key: charge for key, charge in fresh.items() if types[key] is None}
        rows = bulk.Insertion(
            [
                bulk.row(
                    Resource,
                    organization_id=snapshot.organization_id,
                    connection_id=snapshot.connection_id,
                    resource_id=key,
                    native_type=charge.native_type,
                    resource_type=(types[key] or ResourceType.OTHER).value,
                    name=charge.resource_name or charge.resource_id,
                    first_seen_at=observed_at(snapshot),
                )
                for key, charge in fresh.items()
            ],
            ignore_conflicts=True,
        )
        with drafting(snapshot):
            rows.execute()
        seen.update(
            Resource.objects.filter(
                connection_id=snapshot.connection_id, resource_id__in=list(fresh)
            ).values_list("resource_id", "pk")
        )
    return seen, unrecognized


def publish(snapshot: SyncSnapshot) -> None:
    """Let the snapshot's deliveries replace those before. Runs inside its last transaction."""
    for batch in ChargeBatch.objects.filter(snapshot=snapshot, published_at__isnull=True):
        before = _current(batch.connection_id, (batch.source, batch.period_start), Delivery(batch.period_end))
        before.exclude(snapshot=snapshot).update(replaced_at=snapshot.observed_at, replaced_by=batch)
        batch.published_at = snapshot.observed_at
        batch.save(update_fields=["published_at"])


def discard(snapshot: SyncSnapshot) -> None:
    """Remove what the snapshot has not published."""
    for batch in ChargeBatch.objects.filter(snapshot=snapshot, published_at__isnull=True):
        for pks in iter(lambda: list(batch.lines.values_list("pk", flat=True)[:BATCH_ROWS]), []):  # noqa: B023
            with small_transaction():
                ChargeLine.objects.filter(pk__in=pks).delete()
        batch.delete()


def _key(charge: ChargeRecord) -> Key:
    return source_key(charge), charge.billing_period_start


def _current(connection_id: int, key: Key, delivery: Delivery) -> QuerySet[ChargeBatch]:
    """What is published of the same source and billing period, and not replaced.

    The middle of the period decides: a month that is cut in Moscow time once and in UTC another time is one month.
    One delivery may cut it both ways: then its parts add up.
    """
    source, start = key
    middle = start + (delivery.period_end - start) / 2
    return ChargeBatch.objects.filter(
        connection_id=connection_id,
        source=source,
        period_start__lte=middle,
        period_end__gt=middle,
        published_at__isnull=False,
        replaced_at__isnull=True,
    )


def _line(charge: ChargeRecord, batch: ChargeBatch, resource_pk: int, organization_id: int) -> ChargeLine:
    return bulk.row(
        ChargeLine,
        organization_id=organization_id,
        batch_id=batch.pk,
        resource_id=resource_pk,
        charge_category=charge.charge_category.value,
        charge_class=charge.charge_class,
        charge_frequency=charge.charge_frequency,
        charge_description=charge.charge_description[:500],
        charge_period_start=charge.charge_period_start,
        charge_period_end=charge.charge_period_end,
        billed_cost=charge.billed_cost,
        effective_cost=charge.effective_cost,
        list_cost=charge.list_cost,
        contracted_cost=charge.contracted_cost,
        currency=charge.billing_currency,
        provider_name=charge.provider_name,
        billing_account_id=charge.billing_account_id,
        service_name=charge.service_name,
        service_category=charge.service_category,
        region_id=charge.region_id,
        sub_account_id=charge.sub_account_id,
        sku_id=charge.sku_id,
        pricing_category=charge.pricing_category,
        pricing_quantity=charge.pricing_quantity,
        pricing_unit=charge.pricing_unit,
        commitment_discount_id=charge.commitment_discount_id,
        commitment_discount_status=charge.commitment_discount_status,
        invoice_id=charge.invoice_id,
        extra={key: str(value) for key, value in charge.raw.items()},
    )
