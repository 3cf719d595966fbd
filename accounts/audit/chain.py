"""The hash chain over the audit trail: made by a periodic task, checked by `manage.py verify_audit`.

Entries are plain inserts in the transactions of what they tell about. Were each of them to hash its predecessor, all
writers would wait for one another, to the end of the longest transaction. So seals are made afterwards, by one short
transaction a minute: each seal covers the hash before it, its own sequence and the entry as it was read.

    hash = SHA-256( sequence "\\n" hash before "\\n" entry as canonical JSON )

A changed entry, a removed one, a removed or exchanged seal break it. What the newest seals tell is believed only as far
as somebody keeps a copy of the head (`head()`): the task writes it to the log, `verify_audit --anchor` compares.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.audit.models import AuditAnchor, AuditEntry, AuditSeal

logger = logging.getLogger(__name__)

GENESIS = "0" * 64
"""The hash before the first seal."""

FORM = 1
FIELDS: dict[int, tuple[str, ...]] = {
    1: (
        "id",
        "at",
        "action",
        "actor_id",
        "actor_email",
        "impersonator_id",
        "impersonator_email",
        "organization_id",
        "organization_name",
        "object_type",
        "object_id",
        "object_name",
        "changes",
        "details",
        "door",
        "ip",
    )
}
"""What each form of a seal covers. A new column of the entry needs a new form; old seals keep theirs."""

BATCH_ROWS = 1000

LONGEST_TRANSACTION = timedelta(days=1)
"""No transaction is open for so long: an entry that became visible later than its neighbours is not older than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the chain: who keeps it can prove later that nothing before it was touched."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a walk along the chain found. `broken` is one sentence on the first break, "" for none."""

    begin: Head
    head: Head
    sealed_count: int
    unsealed_count: int
    broken: str = ""
    first_broken_entry: int | None = None


def head() -> Head:
    """The newest seal, or where retention has cut, or the beginning."""
    last = AuditSeal.objects.order_by("-sequence").values_list("sequence", "hash").first()
    return Head(sequence=last[0], hash=last[1]) if last else beginning()


def beginning() -> Head:
    """What the first seal that is still there follows."""
    anchor = AuditAnchor.objects.order_by("-sequence").values_list("sequence", "hash").first()
    return Head(sequence=anchor[0], hash=anchor[1]) if anchor else Head(sequence=0, hash=GENESIS)


def seal(*, now: datetime, is_thorough: bool = False) -> int:
    """Seals what is not sealed yet, in batches; returns how many entries.

    Looks back a day from the last seal; `is_thorough` looks at every entry. Two at once do no harm: the same sequence
    cannot be written twice, and who comes second leaves the rest to the first.
    """
    total = 0
    while True:
        try:
            with transaction.atomic():
                count = _seal_batch(now=now, is_thorough=is_thorough)
        except IntegrityError:
            logger.info("the audit trail is being sealed elsewhere")
            return total
        total += count
        if count < BATCH_ROWS:
            break
    if total:
        logger.info("audit trail sealed, head %s", head())
    return total


def unsealed() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(~Exists(AuditSeal.objects.filter(entry_id=OuterRef("pk"))))


def verify(*, anchor: Head | None = None) -> Verdict:
    """Walks the whole chain. `anchor` is a head that was noted earlier and must still be part of it."""
    while True:
        begin = beginning()
        verdict = _walk(begin, anchor)
        if not verdict.broken or begin == beginning():
            return verdict
        # retention has cut something off meanwhile


def link(sequence: int, previous: str, entry: AuditEntry, form: int = FORM) -> str:
    """The hash of one seal."""
    return hashlib.sha256(f"{sequence}\n{previous}\n{canonical(entry, form)}".encode()).hexdigest()


def canonical(entry: AuditEntry, form: int = FORM) -> str:
    """The entry as JSON that is the same on every database: sorted keys, no blanks, instants in UTC."""
    return json.dumps(
        facts(entry, form), cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def facts(entry: AuditEntry, form: int = FORM) -> dict[str, Any]:
    """What a seal of the form covers; the instant with all its digits, which Django's own JSON would cut."""
    found: dict[str, Any] = {name: getattr(entry, name) for name in FIELDS[form]}
    return {**found, "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds")}


def _seal_batch(*, now: datetime, is_thorough: bool) -> int:
    last = AuditSeal.objects.order_by("-sequence").first()
    entries = unsealed()
    if last and not is_thorough:
        entries = entries.filter(at__gte=last.sealed_at - LONGEST_TRANSACTION)
    at = Head(sequence=last.sequence, hash=last.hash) if last else beginning()
    seals: list[AuditSeal] = []
    for entry in entries.order_by("pk")[:BATCH_ROWS]:
        at = Head(sequence=at.sequence + 1, hash=link(at.sequence + 1, at.hash, entry))
        seals.append(
            AuditSeal(sequence=at.sequence, entry_id=entry.pk, form=FORM, hash=at.hash, sealed_at=now)
        )
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def _walk(begin: Head, anchor: Head | None) -> Verdict:
    at, count, broken, entry_id = begin, 0, "", None
    is_anchor_met = anchor is None or anchor == begin
    for seal_row, entry in _links(begin):
        expected = at.sequence + 1
        if seal_row.sequence != expected:
            broken = f"seal {expected} is missing: at least one entry with its seal was removed"
        elif entry is None:
            broken, entry_id = f"entry {seal_row.entry_id} was removed", seal_row.entry_id
        elif seal_row.form not in FIELDS:
            broken = f"seal {expected} has the unknown form {seal_row.form}"
        elif link(expected, at.hash, entry, seal_row.form) != seal_row.hash:
            broken = f"entry {entry.pk} or its seal was changed or moved"
            entry_id = entry.pk
        if broken:
            break
        at, count = Head(sequence=expected, hash=seal_row.hash), count + 1
        is_anchor_met = is_anchor_met or at == anchor
    if not broken and anchor and anchor.sequence < begin.sequence:
        broken = f"the noted head {anchor} cannot be compared: what it covers was removed by retention"
    elif not broken and not is_anchor_met:
        broken = (
            f"the noted head {anchor} is not part of the chain: its end was removed or all of it written anew"
        )
    return Verdict(
        begin=begin,
        head=at,
        sealed_count=count,
        unsealed_count=unsealed().count(),
        broken=broken,
        first_broken_entry=entry_id,
    )


def _links(begin: Head) -> Iterator[tuple[AuditSeal, AuditEntry | None]]:
    """Seals in their order with their entries; bounded memory."""
    reached = begin.sequence
    while batch := list(AuditSeal.objects.filter(sequence__gt=reached).order_by("sequence")[:BATCH_ROWS]):
        entries = AuditEntry.objects.in_bulk([row.entry_id for row in batch])
        for row in batch:
            yield row, entries.get(row.entry_id)
        reached = batch[-1].sequence
