"""Proof of a saving: what it cost before and after the advice was seen applied, at the same prices.

`Recommendation.before`: {first, last, day_cost, currency, parts: [{sku, unit, quantity, day_cost}], cpu} over the
fortnight before. `Recommendation.proof`: {first, last, day_cost, repriced_day_cost, is_repriced, cpu, problem} over the
fortnight after. Amounts are texts, a day's, in the recommendation's currency; `cpu` is the mean in per cent or null.
What the provider's prices moved in between is taken out of the saving; what the load did is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Avg, Sum
from django.utils.translation import gettext_noop as _

from accounts.models import Organization
from costs.facts import QUANTUM
from costs.models import DailyCost
from costs.queries import rates_on
from costs.series import whole_days_of
from inventory.models import MetricPoint, Resource
from providers.contract.errors import UnknownProvider
from providers.registry import plugin_class
from recommendations.engine.contract import Category
from recommendations.models import EventKind, Recommendation, RecommendationEvent, Status
from syncs.models import ChargeLine

FORTNIGHT = 14
ONE_DAY = timedelta(days=1)
DAYS_IN_MONTH = 30
ENOUGH_PROOFS = 5
LEAST_TRUST = Decimal("0.5")
NO_SUCCESSOR = _("What took over its work is not named, so its cost could not be counted.")
PROVABLE = (Status.IMPLEMENTED, Status.CLOSED)


@dataclass(frozen=True, slots=True)
class Proven:
    """Sums of an organization, roubles a month: promised by what was applied and proven, and realised by it."""

    count: int
    promised: Decimal
    realised: Decimal
    waiting: int

    @property
    def percent(self) -> Decimal | None:
        return self.realised * 100 / self.promised if self.promised else None


def before(row: Recommendation, *, today: date) -> dict[str, Any]:
    """What it cost in the fortnight before it was applied; the last day and the one before may be mixed, and are out."""
    last = today - 2 * ONE_DAY
    first = last - timedelta(days=FORTNIGHT - 1)
    pks = _pks(row)
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "day_cost": str(_day_cost(row, pks, first, last)),
        "currency": row.currency,
        "parts": _parts(row, pks, last),
        "cpu": _cpu(row, first, last),
    }


def verify_due(organization: Organization, *, now: datetime) -> int:
    """Prove what was applied fourteen full days ago; returns how many. Idempotent."""
    zone = ZoneInfo(organization.time_zone)
    rows = (
        Recommendation.objects.of(organization)
        .filter(applied_at__isnull=False, verified_at__isnull=True, status__in=PROVABLE)
        .select_related("connection", "resource", "replaced_by")
        .order_by("pk")
    )
    return sum(verify(row, now=now) for row in rows if row.applied_at and _is_due(row, now, zone))


def verify(row: Recommendation, *, now: datetime) -> bool:
    """Compare a fortnight after with the one before; False while the costs of those days are not known yet."""
    assert row.applied_at is not None
    zone = ZoneInfo(row.connection.organization.time_zone)
    first = row.applied_at.astimezone(zone).date() + ONE_DAY
    last = first + timedelta(days=FORTNIGHT - 1)
    span = whole_days_of(row.connection)
    if span is None or span[1] < last:
        return False
    pks = [*_pks(row), *([row.replaced_by_id] if row.replaced_by_id else [])]
    after = _day_cost(row, pks, first, last)
    repriced, is_repriced = _repriced(row, last)
    realised = (repriced - after) * DAYS_IN_MONTH
    problem = NO_SUCCESSOR if _lacks_successor(row, first) else ""
    row.proof = {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "day_cost": str(after),
        "repriced_day_cost": str(repriced),
        "is_repriced": is_repriced,
        "cpu": _cpu(row, first, last),
        "problem": problem,
    }
    row.verified_at = now
    if not problem:
        rate = rates_on([row.currency], now.astimezone(zone).date()).get(row.currency)
        row.realised_monthly = realised.quantize(QUANTUM)
        row.realised_monthly_rub = None if rate is None else (realised * rate).quantize(QUANTUM)
        row.status = Status.VERIFIED
    row.save(
        update_fields=[
            "proof",
            "verified_at",
            "realised_monthly",
            "realised_monthly_rub",
            "status",
            "updated_at",
        ]
    )
    RecommendationEvent.objects.create(
        organization_id=row.organization_id,
        recommendation=row,
        kind=EventKind.VERIFIED,
        at=now,
        data={} if problem else {"saving": str(row.realised_monthly), "currency": row.currency},
    )
    return True


def proven(organization: Organization) -> Proven:
    """What the dashboard sums; one query."""
    rows = list(
        Recommendation.objects.of(organization)
        .filter(applied_at__isnull=False)
        .values_list("status", "saving_monthly_rub", "realised_monthly_rub", "verified_at")
    )
    done = [
        (promised, realised)
        for status, promised, realised, _at in rows
        if status == Status.VERIFIED and promised is not None and realised is not None
    ]
    return Proven(
        count=len(done),
        promised=sum((promised for promised, _realised in done), Decimal(0)),
        realised=sum((realised for _promised, realised in done), Decimal(0)),
        waiting=sum(1 for *_rest, at in rows if at is None),
    )


def trust(organization: Organization) -> dict[str, Decimal]:
    """{rule: factor}: the median of realised to promised where enough was proven, never above 1; one query."""
    ratios: dict[str, list[Decimal]] = {}
    rows = Recommendation.objects.of(organization).filter(
        status=Status.VERIFIED, saving_monthly__gt=0, realised_monthly__isnull=False
    )
    for rule, promised, realised in rows.values_list("rule_id", "saving_monthly", "realised_monthly"):
        if promised and realised is not None:
            ratios.setdefault(rule, []).append(realised / promised)
    return {
        rule: min(Decimal(1), max(LEAST_TRUST, median(found)))
        for rule, found in ratios.items()
        if len(found) >= ENOUGH_PROOFS
    }


def _is_due(row: Recommendation, now: datetime, zone: ZoneInfo) -> bool:
    assert row.applied_at is not None
    return (now.astimezone(zone).date() - row.applied_at.astimezone(zone).date()).days > FORTNIGHT


def _pks(row: Recommendation) -> list[int]:
    return [*row.resource_pks, *row.covered_pks]


def _day_cost(row: Recommendation, pks: Iterable[int], first: date, last: date) -> Decimal:
    total = DailyCost.objects.filter(
        organization_id=row.organization_id,
        resource_id__in=list(pks),
        currency=row.currency,
        date__gte=first,
        date__lte=last,
    ).aggregate(total=Sum("effective_cost"))["total"]
    return (Decimal(total or 0) / ((last - first).days + 1)).quantize(QUANTUM)


def _lacks_successor(row: Recommendation, first: date) -> bool:
    """Whether it went although it was not to be deleted: then something else does its work, at a cost."""
    if row.category in (Category.CLEANUP, Category.SCHEDULE) or row.replaced_by_id is not None:
        return False
    return not DailyCost.objects.filter(
        organization_id=row.organization_id, resource_id__in=row.resource_pks, date__gte=first
    ).exists()


def _repriced(row: Recommendation, day: date) -> tuple[Decimal, bool]:
    """The cost before at the unit prices of `day`, and whether any price could be compared."""
    cost = Decimal(row.before["day_cost"])
    parts = row.before.get("parts", [])
    now = _unit_prices(row, [part["sku"] for part in parts], day)
    moved = Decimal(0)
    for part in parts:
        quantity, then = Decimal(part["quantity"]), Decimal(part["day_cost"])
        price = now.get((part["sku"], part["unit"]))
        if price is not None and quantity:
            moved += quantity * price - then
    return (cost + moved).quantize(QUANTUM), bool(now)


def _parts(row: Recommendation, pks: list[int], day: date) -> list[dict[str, str]]:
    """What each SKU of the resources came to on one day, as its lines say; empty where a provider has no lines."""
    rows = (
        _lines(row, day)
        .filter(resource_id__in=pks)
        .values("sku_id", "pricing_unit")
        .annotate(quantity=Sum("pricing_quantity"), cost=Sum("effective_cost"))
    )
    return [
        {
            "sku": each["sku_id"],
            "unit": each["pricing_unit"],
            "quantity": str(round(each["quantity"], 6)),
            "day_cost": str(round(each["cost"], 6)),
        }
        for each in rows
        if each["sku_id"] and each["quantity"]
    ]


def _unit_prices(row: Recommendation, skus: list[str], day: date) -> Mapping[tuple[str, str], Decimal]:
    """{(SKU, unit): effective price of one}, of all the connection's lines of a day."""
    rows = (
        _lines(row, day)
        .filter(sku_id__in=skus)
        .values("sku_id", "pricing_unit")
        .annotate(quantity=Sum("pricing_quantity"), cost=Sum("effective_cost"))
    )
    return {
        (each["sku_id"], each["pricing_unit"]): Decimal(each["cost"]) / Decimal(each["quantity"])
        for each in rows
        if each["quantity"]
    }


def _lines(row: Recommendation, day: date) -> Any:
    try:
        zone = ZoneInfo(plugin_class(row.connection.provider_type).billing_timezone)
    except UnknownProvider:
        zone = ZoneInfo("UTC")
    start, end = (
        datetime.combine(each, time.min, tzinfo=zone).astimezone(UTC) for each in (day, day + ONE_DAY)
    )
    return ChargeLine.objects.filter(
        organization_id=row.organization_id,
        batch__connection_id=row.connection_id,
        batch__published_at__isnull=False,
        batch__replaced_at__isnull=True,
        charge_period_start__gte=start,
        charge_period_start__lt=end,
    ).order_by()


def _cpu(row: Recommendation, first: date, last: date) -> float | None:
    zone = ZoneInfo(
        Resource.objects.values_list("organization__time_zone", flat=True).get(pk=row.resource_id)
    )
    start, end = (
        datetime.combine(each, time.min, tzinfo=zone).astimezone(UTC) for each in (first, last + ONE_DAY)
    )
    mean = MetricPoint.objects.filter(
        resource_id=row.resource_id, metric="cpu_percent", observed_at__gte=start, observed_at__lt=end
    ).aggregate(mean=Avg("value"))["mean"]
    return None if mean is None else round(mean, 1)
