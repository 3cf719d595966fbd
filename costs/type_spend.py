"""What the resources of a provider's type have cost so far: the money that stands on a type nobody mapped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from accounts.models import Organization
from costs.models import DailyCost
from syncs import triage

QUANTUM = Decimal("0.000001")


def type_spend(
    types: Iterable[triage.NativeType], *, organization: Organization | None = None
) -> dict[triage.NativeType, triage.TypeSpend]:
    """By type, of one organization or of all; types that never cost anything are absent.

    One query, none without types.
    """
    wanted = list(types)
    if not wanted:
        return {}
    facts = DailyCost.objects.all() if organization is None else DailyCost.objects.of(organization)
    rows = (
        facts.filter(resource__in=triage.resources(wanted).order_by().select_related(None).values("pk"))
        .exclude(billed_cost=0)
        .order_by()
        .values("connection__provider_type", "resource__native_type", "currency", "date")
        .annotate(billed=Sum("billed_cost"))
    )
    amounts: dict[triage.NativeType, dict[str, Decimal]] = {}
    days: dict[triage.NativeType, set[date]] = {}
    for row in rows:
        key = (row["connection__provider_type"], row["resource__native_type"])
        billed = Decimal(str(row["billed"])).quantize(QUANTUM)  # SQLite adds decimals as floats
        sums = amounts.setdefault(key, {})
        sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + billed
        days.setdefault(key, set()).add(row["date"])
    return {key: triage.TypeSpend(amounts=sums, day_count=len(days[key])) for key, sums in amounts.items()}
