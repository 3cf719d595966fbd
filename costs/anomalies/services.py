"""The writers of anomalies: what a sync finds, and what a person accepts.

AnomalyError
└── ReasonMissing       nobody accepts an anomaly without saying why
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Sum

from accounts.audit.services import record
from accounts.models import User
from costs.anomalies import announcements, detection
from costs.anomalies.causes import Cause, find_causes
from costs.anomalies.detection import CONNECTION, RESOURCE, SERVICE, Accepted, Finding, Key
from costs.anomalies.models import Anomaly, Kind
from costs.facts import QUANTUM
from costs.models import DailyCost, DailyTotal
from costs.series import whole_days_of
from inventory.models import Resource
from providers.models import ProviderConnection
from syncs.models import ResourceState, SyncSnapshot

CANDIDATE_RATIO = Decimal("1.2")
"""A resource whose dearest recent day is no more than this times its usual day cannot be one."""
FALLEN_RATIO = Decimal("0.6")
"""One whose cheapest recent day is no less than this part of its usual day, and which cost on every day, did not fall."""
CANDIDATES_LIMIT = 200
SHOWN_PARTS = 10
ONE_DAY = timedelta(days=1)
ZERO = Decimal(0)


class AnomalyError(Exception):
    pass


class ReasonMissing(AnomalyError):
    pass


def after_sync(*, snapshot: SyncSnapshot, now: datetime) -> None:
    """A hook of `settings.AFTER_SYNC`: look for anomalies in the connection's latest complete days. Idempotent."""
    find_anomalies(connection=snapshot.connection, now=now)


def find_anomalies(*, connection: ProviderConnection, now: datetime) -> list[Anomaly]:
    """Bring the stored anomalies of the last three weeks in line with the costs; returns the new ones.

    Of falls nobody is sent a message: they stand on their page.
    What costs do not show any more, because they were restated, goes; what a person accepted stays.
    """
    span = whole_days_of(connection)
    if span is None:
        return []
    until = span[1]
    since = max(span[0], until - timedelta(days=detection.SCAN_DAYS - 1))
    stored = list(
        Anomaly.objects.of(connection.organization).filter(connection=connection, last_date__gte=since)
    )
    histories = _histories(connection, span[0], since, until)
    accepted = _accepted(connection, until - timedelta(detection.ACCEPTED_DAYS))
    rises = detection.detect(histories, since=since, accepted=accepted)
    falls = detection.detect_falls(_of_what_is_there(connection, histories, since, until), since=since)
    found = [*((Kind.RISE, one) for one in rises), *((Kind.FALL, one) for one in falls)]
    names = Resource.objects.in_bulk([pk for _kind, finding in found for pk, _run in finding.parts])
    made = []
    with transaction.atomic():
        kept = set()
        for kind, finding in found:
            known = _same(stored, kind, finding)
            anomaly = known or Anomaly(
                organization_id=connection.organization_id,
                connection=connection,
                kind=kind,
                level=finding.key.level,
                service_name=finding.key.service,
                resource_id=finding.key.resource,
                first_date=finding.run.first,
                found_at=now,
            )
            if known is None:
                taken = _unique(anomaly)
                if taken is not None:
                    kept.add(taken.pk)  # accepted before, and restated since: it stays as it was accepted
                    continue
            if _fill(anomaly, finding, since=since, until=until, names=names) or known is None:
                causes = find_causes(connection, finding.parts, is_fall=kind == Kind.FALL)
                anomaly.causes = [_cause_json(cause, names) for cause in causes]
                anomaly.save()
            kept.add(anomaly.pk)
            if known is None:
                made.append(anomaly)
        gone = [one for one in stored if one.pk not in kept and not one.is_acknowledged]
        _end(gone, since=since, until=until)
        for anomaly in made:
            if not anomaly.is_fall:
                announcements.anomaly_found(anomaly=anomaly, now=now)
    return made


@transaction.atomic
def acknowledge(*, anomaly: Anomaly, reason: str, by: User, now: datetime) -> None:
    """Accept what it costs, with a reason; its level is told again only where it goes further. Raises ReasonMissing.

    A second time changes nothing.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonMissing("a reason is needed")
    locked = Anomaly.objects.select_for_update().get(pk=anomaly.pk)
    if locked.is_acknowledged:
        return
    locked.acknowledged_at = now
    locked.acknowledged_by = by
    locked.reason = reason
    locked.accepted_daily_cost = locked.dearest_day
    locked.save(
        update_fields=["acknowledged_at", "acknowledged_by", "reason", "accepted_daily_cost", "updated_at"]
    )
    record(
        "anomaly.acknowledged",
        obj=anomaly,
        organization=anomaly.organization,
        details={"reason": reason, "surplus": anomaly.excess},
    )


def _histories(
    connection: ProviderConnection, begin: date, since: date, until: date
) -> dict[Key, dict[date, Decimal]]:
    """Of the connection, its services and the resources that may have jumped; complete days, 0 where nothing was
    charged. Three queries, four where resources may have jumped.
    """
    first = max(begin, since - timedelta(days=detection.HISTORY_DAYS))
    days = [first + timedelta(days=offset) for offset in range((until - first).days + 1)]
    whole: dict[date, Decimal] = dict.fromkeys(days, ZERO)
    histories: dict[Key, dict[date, Decimal]] = {Key(CONNECTION): whole}
    totals = DailyTotal.objects.filter(connection=connection, date__gte=first, date__lte=until)
    for service, day, amount in _sums(totals, "dimensions__service_name", "date"):
        whole[day] += amount
        if service:
            by_day = histories.setdefault(Key(SERVICE, service), dict.fromkeys(days, ZERO))
            by_day[day] += amount
    return {**histories, **_of_resources(connection, _candidates(connection, first, since, until), days)}


def _of_resources(
    connection: ProviderConnection, pks: Sequence[int], days: Sequence[date]
) -> dict[Key, dict[date, Decimal]]:
    facts = DailyCost.objects.filter(
        connection=connection, resource__in=pks, date__gte=days[0], date__lte=days[-1]
    )
    resources: dict[int, dict[date, Decimal]] = {}
    services: dict[int, str] = {}
    for resource, service, day, amount in _sums(facts, "resource", "dimensions__service_name", "date"):
        by_day = resources.setdefault(resource, dict.fromkeys(days, ZERO))
        by_day[day] += amount
        services[resource] = service or ""
    return {Key(RESOURCE, services[pk], pk): by_day for pk, by_day in resources.items()}


def _of_what_is_there(
    connection: ProviderConnection, histories: Mapping[Key, Mapping[date, Decimal]], since: date, until: date
) -> dict[Key, dict[date, Decimal]]:
    """The sums without resources that were deleted, whose end is no news, and the resources that may have fallen.

    Two queries, three where resources may have fallen.
    """
    sums = {key: dict(history) for key, history in histories.items() if key.level != RESOURCE}
    days = sorted(sums[Key(CONNECTION)])
    states = ResourceState.objects.filter(resource=OuterRef("resource"), opened_at__isnull=False)
    is_gone = Exists(states) & ~Exists(states.filter(closed_at__isnull=True))
    facts = DailyCost.objects.filter(connection=connection, date__gte=days[0], date__lte=until)
    for service, day, amount in _sums(facts.filter(is_gone), "dimensions__service_name", "date"):
        for key in (Key(CONNECTION), Key(SERVICE, service or "")):
            if key in sums:
                sums[key][day] -= amount
    fallen = (
        facts.filter(~is_gone)
        .order_by()
        .values("resource")
        .annotate(
            day_count=Count("date", distinct=True, filter=Q(date__gte=since)),
            cheapest=Min("billed_cost_rub", filter=Q(date__gte=since)),
            usual=Avg("billed_cost_rub", filter=Q(date__lt=since)),
        )
        .filter(
            Q(day_count__lt=(until - since).days + 1) | Q(cheapest__lt=F("usual") * FALLEN_RATIO),
            usual__gte=detection.LEAST_ROUBLES,
        )
        .order_by("-usual", "resource")
    )
    pks = [int(row["resource"]) for row in fallen[:CANDIDATES_LIMIT]]
    return {**sums, **(_of_resources(connection, pks, days) if pks else {})}


def _candidates(connection: ProviderConnection, first: date, since: date, until: date) -> list[int]:
    """The resources of which a recent day cost clearly more than their usual day, the dearest first."""
    rows: QuerySet[Any, Any] = (
        DailyCost.objects.filter(connection=connection, date__gte=first, date__lte=until)
        .order_by()
        .values("resource")
        .annotate(
            dearest=Max("billed_cost_rub", filter=Q(date__gte=since)),
            usual=Avg("billed_cost_rub", filter=Q(date__lt=since)),
        )
        .filter(
            Q(usual=None) | Q(dearest__gt=F("usual") * CANDIDATE_RATIO),
            dearest__gte=detection.LEAST_ROUBLES,
        )
        .order_by("-dearest", "resource")
    )
    return [row["resource"] for row in rows[:CANDIDATES_LIMIT]]


def _sums(rows: QuerySet[Any], *by: str) -> Iterable[tuple[Any, ...]]:
    found = (
        rows.exclude(billed_cost_rub=None).order_by().values_list(*by).annotate(sum=Sum("billed_cost_rub"))
    )
    for row in found:
        yield (*row[:-1], Decimal(str(row[-1])).quantize(QUANTUM))


def _accepted(connection: ProviderConnection, since: date) -> dict[Key, list[Accepted]]:
    """The levels that people accepted, by what they are levels of."""
    found: dict[Key, list[Accepted]] = {}
    rows = Anomaly.objects.filter(
        connection=connection, kind=Kind.RISE, first_date__gte=since, acknowledged_at__isnull=False
    )
    for row in rows:
        if row.accepted_daily_cost is None:
            continue
        key = Key(row.level, row.service_name, row.resource_id)
        found.setdefault(key, []).append(Accepted(row.first_date, row.accepted_daily_cost))
        for level, (_actual, _expected, dearest) in row.around.items():
            above = Key(level, row.service_name if level == SERVICE else "")
            found.setdefault(above, []).append(Accepted(row.first_date, Decimal(dearest)))
    return found


def _same(stored: Iterable[Anomaly], kind: str, finding: Finding) -> Anomaly | None:
    """The stored anomaly that this finding is, or goes on with."""
    key, run = finding.key, finding.run
    for anomaly in stored:
        is_same = (anomaly.kind, anomaly.level, anomaly.service_name, anomaly.resource_id) == (
            kind,
            key.level,
            key.service,
            key.resource,
        )
        touches = anomaly.first_date <= run.last + ONE_DAY and run.first <= anomaly.last_date + ONE_DAY
        if is_same and touches and not anomaly.is_acknowledged:
            return anomaly
    return None


def _unique(anomaly: Anomaly) -> Anomaly | None:
    return Anomaly.objects.filter(
        connection=anomaly.connection,
        kind=anomaly.kind,
        level=anomaly.level,
        service_name=anomaly.service_name,
        resource=anomaly.resource_id,
        first_date=anomaly.first_date,
    ).first()


def _fill(
    anomaly: Anomaly, finding: Finding, *, since: date, until: date, names: Mapping[int, Resource]
) -> bool:
    """Write the finding into the row; days before `since` stay as they were. Returns whether something changed."""
    run = finding.run
    older = [day for day in anomaly.days if date.fromisoformat(day[0]) < run.first]
    days = [*older, *([day.date.isoformat(), str(day.actual), str(day.expected)] for day in run.days)]
    values = {
        "first_date": date.fromisoformat(days[0][0]),
        "last_date": run.last,
        "days": days,
        "actual_cost": sum((Decimal(actual) for _day, actual, _expected in days), ZERO),
        "expected_cost": sum((Decimal(expected) for _day, _actual, expected in days), ZERO),
        "is_over": run.last < until or run.is_settled,
        "is_settled": run.is_settled,
        "parts": [
            {
                "resource": pk,
                "name": names[pk].name if pk in names else "",
                "actual": str(part.actual),
                "expected": str(part.expected),
            }
            for pk, part in finding.parts[:SHOWN_PARTS]
        ],
        "around": {
            level: [str(above.actual), str(above.expected), str(max(day.actual for day in above.days))]
            for level, above in finding.around.items()
        },
    }
    changed = [name for name, value in values.items() if getattr(anomaly, name) != value]
    for name in changed:
        setattr(anomaly, name, values[name])
    return bool(changed)


def _end(anomalies: Iterable[Anomaly], *, since: date, until: date) -> None:
    """What the costs do not show any more: over where it began before what was looked at, else never there."""
    for anomaly in anomalies:
        if anomaly.first_date < since:
            if not anomaly.is_over:
                anomaly.is_over = True
                anomaly.save(update_fields=["is_over", "updated_at"])
        else:
            anomaly.delete()


def _cause_json(cause: Cause, names: Mapping[int, Resource]) -> dict[str, Any]:
    return {
        "kind": cause.kind,
        "resource": cause.resource,
        "name": names[cause.resource].name if cause.resource in names else "",
        "label": cause.label,
        "before": None if cause.before is None else str(cause.before),
        "after": None if cause.after is None else str(cause.after),
        "unit": cause.unit,
        "amount": str(cause.amount.quantize(QUANTUM)),
    }
