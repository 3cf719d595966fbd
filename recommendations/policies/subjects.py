"""What policies are asked about, read from the database: a fixed number of queries, however many resources there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from accounts.models import Organization
from costs.explorer.filters import Filters
from costs.facts import QUANTUM
from costs.queries import rates_on
from inventory.models import Tag, TagSource
from providers.models import ProviderConnection
from recommendations.policies import contract
from recommendations.policies.contract import Subject
from recommendations.policies.kinds.off_hours import LOOKBACK_DAYS
from recommendations.surroundings import STALE_AFTER
from syncs.models import ResourceState, ScopeCoverage, SyncSnapshot

COLUMNS = (
    "resource_id",
    "name",
    "resource__resource_type",
    "region_id",
    "scope",
    "status",
    "is_provisional",
    "absent_since",
    "daily_cost",
    "currency",
    "is_orphan",
)
UNREAD = (ScopeCoverage.Status.FAILED, ScopeCoverage.Status.DENIED)
GONE = ResourceState.Status.DELETED_BILLED
RUNNING = ResourceState.Status.RUNNING


def subjects_of(
    connection: ProviderConnection, *, needs: Collection[str], now: datetime, today: date
) -> dict[int, Subject]:
    """{resource: what is known of it} of all that is there; `needs` are those of the kinds that ask."""
    snapshot = SyncSnapshot.objects.filter(connection=connection, is_current=True).first()
    is_old = snapshot is None or _is_old(snapshot.observed_at, now)
    unread = set() if snapshot is None else _unread(snapshot)
    rows = list(_open(connection).order_by("resource_id").values(*COLUMNS))
    rates = rates_on({row["currency"] for row in rows}, today)
    tags = _tags(connection) if "tags" in needs else {}
    orphans = _orphans(connection) if "orphans" in needs else {}
    looked, running = _sightings(connection, now) if "sightings" in needs else ({}, {})
    return {
        row["resource_id"]: Subject(
            pk=row["resource_id"],
            name=row["name"],
            resource_type=row["resource__resource_type"],
            region_id=row["region_id"],
            is_certain=not (is_old or row["scope"] in unread or row["is_provisional"]),
            is_gone=row["status"] == GONE or row["absent_since"] is not None,
            daily_rub=_roubles(row["daily_cost"], rates.get(row["currency"] or "RUB")),
            tags=tags.get(row["resource_id"], {}),
            is_orphan=row["is_orphan"],
            orphan_since=orphans.get(row["resource_id"]),
            looked_at=looked.get(row["resource_id"], ()),
            seen_running=running.get(row["resource_id"], ()),
        )
        for row in rows
    }


def members_of(organization: Organization, connection: ProviderConnection, filters: Filters) -> set[int]:
    """Resources of the connection that the filters hold now."""
    states = filters.apply_to_states(_open(connection).filter(organization=organization))
    return set(states.order_by().values_list("resource_id", flat=True))


class Sums:
    """Run rates of whole scopes over every active connection: two queries, and one for each scope."""

    def __init__(self, organization: Organization, *, now: datetime, today: date) -> None:
        self.organization = organization
        self.today = today
        current = SyncSnapshot.objects.filter(
            organization=organization, is_current=True, connection__is_active=True
        )
        self.fresh = {
            pk for pk, at in current.values_list("connection_id", "observed_at") if not _is_old(at, now)
        }
        self.unread = set(
            ScopeCoverage.objects.filter(snapshot__in=current, status__in=UNREAD).values_list(
                "snapshot__connection_id", "scope"
            )
        )

    def of(self, filters: Filters) -> contract.Sum:
        states = (
            ResourceState.objects.of(self.organization)
            .open()
            .filter(connection__is_active=True)
            .exclude(status=ResourceState.Status.DELETED)
        )
        rows = list(
            filters.apply_to_states(states)
            .order_by()
            .values("connection_id", "scope", "currency", "is_provisional")
            .annotate(
                total=Sum("daily_cost"),
                count=Count("pk"),
                unpriced=Count("pk", filter=Q(daily_cost__isnull=True)),
            )
        )
        rates = rates_on({row["currency"] for row in rows}, self.today)
        total, count, uncertain = Decimal(0), 0, 0
        for row in rows:
            count += row["count"]
            rate = rates.get(row["currency"] or "RUB")
            is_read = (
                row["connection_id"] in self.fresh
                and (row["connection_id"], row["scope"]) not in self.unread
                and not row["is_provisional"]
            )
            if not is_read or rate is None:
                uncertain += row["count"]
                continue
            uncertain += row["unpriced"]
            total += Decimal(row["total"] or 0) * rate
        return contract.Sum(daily_rub=total.quantize(QUANTUM), count=count, uncertain_count=uncertain)


def _open(connection: ProviderConnection) -> QuerySet[ResourceState]:
    states = ResourceState.objects.open().filter(connection=connection)
    return states.exclude(status=ResourceState.Status.DELETED)


def _is_old(observed_at: datetime | None, now: datetime) -> bool:
    return observed_at is None or now - observed_at > STALE_AFTER


def _unread(snapshot: SyncSnapshot) -> set[str]:
    return set(snapshot.coverage.filter(status__in=UNREAD).values_list("scope", flat=True))


def _roubles(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    return None if amount is None or rate is None else amount * rate


def _tags(connection: ProviderConnection) -> dict[int, dict[str, str]]:
    """A person's tag wins over the provider's, because it is read after it."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    rows = Tag.objects.filter(resource__connection=connection).annotate(
        place=Case(When(source=TagSource.USER, then=Value(2)), default=Value(1), output_field=IntegerField())
    )
    for pk, key, value in rows.order_by("place", "pk").values_list("resource_id", "key", "value"):
        found[pk][key.casefold()] = value
    return found


def _orphans(connection: ProviderConnection) -> dict[int, datetime]:
    """{resource: since when it has been unattached without a break, as far as history reaches}."""
    now_orphans = _open(connection).filter(is_orphan=True).values("resource_id")
    rows = ResourceState.objects.filter(resource__in=now_orphans, opened_at__isnull=False)
    since: dict[int, datetime | None] = {}
    for pk, opened_at, is_orphan in rows.order_by("opened_at").values_list(
        "resource_id", "opened_at", "is_orphan"
    ):
        since[pk] = (since.get(pk) or opened_at) if is_orphan else None
    return {pk: at for pk, at in since.items() if at is not None}


def _sightings(
    connection: ProviderConnection, now: datetime
) -> tuple[dict[int, list[datetime]], dict[int, list[datetime]]]:
    """({resource: instants at which a sync read it}, {… and it ran}) of the last days; three queries."""
    first = now - timedelta(days=LOOKBACK_DAYS)
    snapshots = SyncSnapshot.objects.finished().filter(
        connection=connection, observed_at__gte=first, observed_at__lte=now
    )
    instants = {
        pk: at
        for pk, at in snapshots.order_by("observed_at").values_list("pk", "observed_at")
        if at is not None
    }
    unread: dict[str, set[int]] = defaultdict(set)
    rows = ScopeCoverage.objects.filter(snapshot__in=snapshots, status__in=UNREAD)
    for pk, scope in rows.values_list("snapshot_id", "scope"):
        unread[scope].add(pk)
    states = ResourceState.objects.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gt=first), connection=connection, opened_at__lte=now
    ).order_by("opened_at")
    looked: dict[int, list[datetime]] = defaultdict(list)
    running: dict[int, list[datetime]] = defaultdict(list)
    for pk, opened_at, closed_at, status, scope, is_provisional in states.values_list(
        "resource_id", "opened_at", "closed_at", "status", "scope", "is_provisional"
    ).iterator(5000):
        if is_provisional or opened_at is None:
            continue
        seen = _within(instants, opened_at, closed_at, unread.get(scope, ()))
        looked[pk] += seen
        if status == RUNNING:
            running[pk] += seen
    return looked, running


def _within(
    instants: Mapping[int, datetime],
    opened_at: datetime,
    closed_at: datetime | None,
    left_out: Collection[int],
) -> list[datetime]:
    return [
        at
        for pk, at in instants.items()
        if pk not in left_out and opened_at <= at and (closed_at is None or at < closed_at)
    ]
