"""How a bucket is used, what it holds and in which class. Pure.

Use comes from measurements; where there are none, from a bill that names requests and traffic: what such a bill does not
name was not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup
from recommendations.engine.contract import Metric, Skip, SkipReason, Text
from recommendations.engine.daily import daily
from recommendations.engine.facts import DAYS_IN_MONTH, Consumed, ResourceFacts
from recommendations.engine.pricing import BUCKET, REQUESTS, STANDARD, STORAGE_GIB, TRAFFIC_GIB, Offer

READS, ALL, SENT = "read_request_rate", "request_rate", "network_tx"
HELD, OBJECTS = "disk_used_gib", "object_count"
METRICS = (READS, ALL, SENT, HELD, OBJECTS)
BYTES_IN_GIB = Decimal(1024**3)
KIB_IN_GIB = Decimal(1024**2)
GIB_IN = {
    "B": 1 / BYTES_IN_GIB,
    "KB": 1 / KIB_IN_GIB,
    "KiB": 1 / KIB_IN_GIB,
    "MB": 1 / Decimal(1024),
    "MiB": 1 / Decimal(1024),
    "GB": Decimal(1),
    "GiB": Decimal(1),
    "TB": Decimal(1024),
    "TiB": Decimal(1024),
}
COLD_WORDS = ("cold", "cool", "infrequent", "ia", "nearline", "warm")
ARCHIVE_WORDS = ("archive", "ice", "glacier", "deep")


def series(days: str) -> tuple[Metric, ...]:
    """What a rule about buckets looks at; `days` is the name of its option."""
    return tuple(Metric(name=name, days=days, is_optional=True) for name in METRICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What was asked of a bucket over `days`; None is "not known". `coverage`: of the days, measured or billed."""

    days: int
    reads: Decimal | None
    writes: Decimal | None
    read_gib: Decimal | None
    coverage: float
    metrics: tuple[str, ...] = ()

    def monthly(self, amount: Decimal) -> Decimal:
        return amount * DAYS_IN_MONTH / self.days


def use_of(facts: ResourceFacts, days: int, coverage: Decimal) -> Use | Skip:
    """Measured where that covers enough days; what measurements do not tell is filled from the bill."""
    measured, billed = _measured(facts, days, coverage), _billed(facts, days)
    if measured is None and billed is None:
        is_thin = any(daily(facts, name, days) is not None for name in (READS, SENT))
        reason = SkipReason.TOO_FEW_SAMPLES if is_thin else SkipReason.NO_EVIDENCE
        return Skip(reason, Text(_("Neither measurements nor the bill tell how much is read from it.")))
    if measured is None or billed is None:
        only = measured or billed
        assert only is not None
        return only
    return Use(
        days=days,
        reads=measured.reads if measured.reads is not None else billed.reads,
        writes=measured.writes if measured.writes is not None else billed.writes,
        read_gib=measured.read_gib if measured.read_gib is not None else billed.read_gib,
        coverage=measured.coverage,
        metrics=measured.metrics,
    )


def _measured(facts: ResourceFacts, days: int, coverage: Decimal) -> Use | None:
    found = {name: daily(facts, name, days) for name in (READS, ALL, SENT)}
    enough = {
        name: each for name, each in found.items() if each is not None and each.coverage >= float(coverage)
    }
    if READS not in enough and SENT not in enough:
        return None
    volumes = {name: Decimal(str(round(each.volume(days), 6))) for name, each in enough.items()}
    reads, both = volumes.get(READS), volumes.get(ALL)
    sent = volumes.get(SENT)
    read_gib = None if sent is None else sent / BYTES_IN_GIB
    if read_gib is None and reads == 0:
        read_gib = Decimal(0)
    return Use(
        days=days,
        reads=reads,
        writes=None if reads is None or both is None else max(Decimal(0), both - reads),
        read_gib=read_gib,
        coverage=min(each.coverage for each in enough.values()),
        metrics=tuple(enough),
    )


def _billed(facts: ResourceFacts, days: int) -> Use | None:
    """From the lines of so many whole days, if the provider bills requests or traffic at all."""
    lines = [line for line in facts.consumed if line.days == days]
    if not facts.connection.bills_lines or not lines:
        return None
    kinds = [(line, kind_of(line.sku_id)) for line in lines]
    book, provider = facts.connection.prices, facts.connection.provider_type
    is_priced = any(
        book.bucket_price(provider, part, family=class_of(facts), region_id=facts.region_id or None)
        for part in (REQUESTS, TRAFFIC_GIB)
    )
    if not is_priced and not any(kind for _line, kind in kinds):
        return None
    return Use(
        days=days,
        reads=_requests(line for line, kind in kinds if kind == "read"),
        writes=_requests(line for line, kind in kinds if kind == "write"),
        read_gib=_gib(line for line, kind in kinds if kind == "traffic"),
        coverage=1.0,
    )


def kind_of(sku_id: str) -> str:
    """What a use-billed SKU counts: "read" and "write" requests, "traffic" out, "" what is none of them."""
    sku = sku_id.casefold()
    words = set(re.split(r"[^a-z0-9]+", sku))
    if "req" in words or "request" in sku or words & {"ops", "operations"}:
        return "write" if words & {"put", "post", "write", "copy", "list", "delete", "upload"} else "read"
    if ("traffic" in words or words & {"egress", "transfer", "outgoing"}) and not words & {
        "in",
        "ingress",
        "incoming",
    }:
        return "traffic"
    return ""


def _requests(lines: Iterable[Consumed]) -> Decimal:
    """Counted singly, whatever number a unit stands for ("1000 requests")."""
    total = Decimal(0)
    for line in lines:
        pack = re.match(r"\d+", line.unit.replace(" ", ""))
        total += line.quantity * (Decimal(pack[0]) if pack else 1)
    return total


def _gib(lines: Iterable[Consumed]) -> Decimal | None:
    """None where a unit is not known."""
    total = Decimal(0)
    for line in lines:
        factor = GIB_IN.get(line.unit)
        if factor is None:
            return None
        total += line.quantity * factor
    return total


# ---- what it holds and what that costs ------------------------------------------------------------------------


def size_of(facts: ResourceFacts) -> Decimal | None:
    """GiB that it holds: by the last billed day, else as last measured; None where nobody tells."""
    billed = [
        part.quantity
        for part in facts.parts
        if part.unit in ("GB", "GiB") and not part.is_usage and not kind_of(part.sku_id)
    ]
    if billed:
        return sum(billed, Decimal(0))
    held = daily(facts, HELD, DAYS_IN_MONTH)
    return facts.storage_gib if held is None else Decimal(str(round(held.last, 3)))


def mean_object_kib(facts: ResourceFacts, size_gib: Decimal) -> Decimal | None:
    objects = daily(facts, OBJECTS, DAYS_IN_MONTH)
    if objects is None or objects.last < 1:
        return None
    return size_gib * KIB_IN_GIB / Decimal(str(objects.last))


def class_of(facts: ResourceFacts) -> str:
    """The class of storage it is in, as the catalogue names it."""
    named = str(facts.configuration.get("storage_class") or "").casefold()
    if named:
        return named
    for part in facts.parts:
        offer = facts.connection.prices.billed_as(
            facts.connection.provider_type, part.sku_id, region_id=facts.region_id or None
        )
        if offer is not None and (offer.resource_type, offer.component) == (BUCKET, STORAGE_GIB):
            return offer.family
    return STANDARD


def is_of(family: str, words: Sequence[str]) -> bool:
    return bool(cleanup.word_in(family, words))


def classes_like(facts: ResourceFacts, words: Sequence[str], now: Offer) -> list[Offer]:
    """Classes of such names that are sold in its region for less than its own, the cheapest first."""
    return [
        each
        for each in facts.connection.prices.bucket_classes(
            facts.connection.provider_type, region_id=facts.region_id or None
        )
        if is_of(each.family, words)
        and each.monthly < now.monthly
        and (each.currency, each.includes_tax) == (now.currency, now.includes_tax)
    ]


def price_now(facts: ResourceFacts) -> Offer | None:
    return facts.connection.prices.price_of(
        facts.connection.provider_type,
        BUCKET,
        STORAGE_GIB,
        family=class_of(facts),
        region_id=facts.region_id or None,
    )
