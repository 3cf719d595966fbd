"""Reads about syncs: what was the case at a moment, how complete it is, what changed, how far a running sync is.

Every query of many rows starts from an organization. A connection's *current* snapshot is its latest finished one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from accounts.models import Organization
from common.models import MoneyField
from inventory.models import ResourceType, UsageSummary
from providers.messages import Explanation, explain, provider_name, sentence
from providers.models import ProviderConnection
from providers.scopes import place_name
from providers.scopes import scope_name as name_of_scope
from syncs.models import Phase, ResourceState, ScopeCoverage, SyncSnapshot, SyncStatus

UNREAD = (ScopeCoverage.Status.FAILED, ScopeCoverage.Status.DENIED)
PROJECT_PREFIX = "project/"
USAGE_PREFIX = "usage/"
"""Scopes of measurements, one per machine; together they count as one section."""

NAMED_SECTIONS = 4
"""How many sections that were not read are called by name where one sentence tells of all."""

MACHINES = (ResourceType.SERVER, ResourceType.DEDICATED_SERVER, ResourceType.DATABASE)
"""Types whose CPU and memory count for utilisation."""

PHASES = tuple(Phase.values)
STEPS = len(PHASES) - 1
"""Steps that are counted for people: reading comes before the first."""
READING_PERCENT = 25
"""Where the bar stands when everything has been read; the share says how many phases are over, not how much time."""

WAITS = {
    "rate_limit": _("Request limit of %(provider)s"),
    "provider_unavailable": _("%(provider)s is not responding"),
}
"""Why a sync waits, as `providers.http` names it; its steady pace is no wait worth showing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageProblem:
    """A scope that was not read: its name and the sentence why, in the reader's language; `since` may be unknown.

    `place` is the region and project that it names, empty where it names none.
    """

    scope: str
    name: str
    place: str
    is_denied: bool
    error_code: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a connection one snapshot read. All scopes of measurements are one section."""

    read_count: int = 0
    section_count: int = 0
    problems: tuple[CoverageProblem, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.problems

    @property
    def unread_names(self) -> str:
        """Sections by name; of many, those of one place as a number: a region that fails may be dozens of sections."""
        names = list(dict.fromkeys(problem.name for problem in self.problems))
        if len(names) > NAMED_SECTIONS:
            names = list(self._unread_by_place())
        rest = len(names) - NAMED_SECTIONS
        shown = ", ".join(names[:NAMED_SECTIONS])
        if rest <= 0:
            return shown
        return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", rest) % {
            "names": shown,
            "count": rest,
        }

    @property
    def reasons(self) -> list[str]:
        """Why, each reason once."""
        return list(dict.fromkeys(problem.reason for problem in self.problems if problem.reason))

    def _unread_by_place(self) -> Iterator[str]:
        by_place: dict[str, dict[str, None]] = {}
        for problem in self.problems:
            by_place.setdefault(problem.place, {})[problem.name] = None
        for place, names in by_place.items():
            if not place or len(names) == 1:
                yield from names
                continue
            yield ngettext(
                "%(count)d section of %(place)s", "%(count)d sections of %(place)s", len(names)
            ) % {
                "count": len(names),
                "place": place,
            }

    @property
    def denied_only(self) -> bool:
        return bool(self.problems) and all(problem.is_denied for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an active sync is, in the reader's language.

    `percent` counts phases. `step` is 1 to `STEPS`, None while it queues or reads. `waiting_seconds` is a wait that
    has been announced, with `waiting_reason`; `retry` explains why an attempt before this one failed.
    """

    snapshot: SyncSnapshot
    percent: int
    phase: str
    step: int | None = None
    found_count: int | None = None
    waiting_seconds: int | None = None
    waiting_reason: str = ""
    retry: Explanation | None = None

    @property
    def is_queued(self) -> bool:
        return self.snapshot.status == SyncStatus.QUEUED

    @property
    def is_waiting(self) -> bool:
        return self.waiting_seconds is not None or (self.is_queued and self.retry is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one resource between two snapshots; `at` is the instant of the later one.

    `kind` is "created", "returned", "updated" or "deleted". `state` is the form after it, for "deleted" the last
    one. `effect` is roubles (or `state.currency`) a day, None where a cost is not known. `times` counts changes of
    nothing but the cost that were folded into this one.
    """

    at: datetime
    kind: str
    state: ResourceState
    effect: Decimal | None
    changes: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1

    @property
    def is_cost_only(self) -> bool:
        return self.kind == "updated" and set(self.changes) <= {"daily_cost"}

    @property
    def monthly_effect(self) -> Decimal | None:
        return None if self.effect is None else self.effect * 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilisation:
    """How much of the running machines is used, in per cent; None where nothing is measured.

    `metric` is "cpu", "memory", "disk" or "network". `size` is all machines' vCPU or MiB, for disks the measured GiB.
    """

    metric: str
    percent: Decimal | None
    measured_count: int
    machine_count: int
    size: Decimal | None


def as_of(organization: Organization, moment: datetime | None = None) -> QuerySet[ResourceState]:
    """The states that held at `moment`, or that hold now, with their resource, connection and parent."""
    states = ResourceState.objects.of(organization)
    held = states.open() if moment is None else states.as_of(moment)
    return held.select_related("resource", "connection", "parent")


def with_staleness(
    states: QuerySet[ResourceState], moment: datetime | None = None
) -> QuerySet[ResourceState]:
    """Annotates `is_stale` and `stale_since` (when its scope was last read completely; may be null).

    A state is stale as of a snapshot that could not read its scope: the connection's current one, or at `moment`
    the latest one before it.
    """
    unread = ScopeCoverage.objects.filter(scope=OuterRef("scope"), status__in=UNREAD)
    if moment is None:
        unread = unread.filter(snapshot__connection=OuterRef("connection"), snapshot__is_current=True)
    else:
        latest = (
            SyncSnapshot.objects.finished()
            .filter(connection=OuterRef(OuterRef("connection")), observed_at__lte=moment)
            .order_by("-observed_at")
            .values("pk")[:1]
        )
        unread = unread.filter(snapshot=Subquery(latest))
    return states.annotate(
        is_stale=Exists(unread), stale_since=Subquery(unread.values("last_complete_at")[:1])
    )


def with_components(
    states: QuerySet[ResourceState], moment: datetime | None = None
) -> QuerySet[ResourceState]:
    """Annotates `components_daily_cost` (the children's own costs at the same moment, null without any known) and
    `total_daily_cost` (own and components; null where neither is known). Computed, never stored."""
    held = ResourceState.objects.all()
    held = held.open() if moment is None else held.as_of(moment)
    components = (
        held.filter(parent=OuterRef("resource_id"), currency=OuterRef("currency"))
        .order_by()
        .values("parent")
        .annotate(total=Sum("daily_cost"))
        .values("total")
    )
    zero = Decimal(0)
    both = Coalesce("daily_cost", zero, output_field=MoneyField()) + Coalesce(
        "components_daily_cost", zero, output_field=MoneyField()
    )
    return states.annotate(components_daily_cost=Subquery(components, output_field=MoneyField())).annotate(
        total_daily_cost=Case(
            When(daily_cost__isnull=True, components_daily_cost__isnull=True, then=None),
            default=both,
            output_field=MoneyField(),
        )
    )


def scope_name(scope: str, places: Mapping[str, str] | None = None) -> str:
    """A scope as it is stored, in words: `backups/mysql` is “backups / MySQL”; `places` is {project id: name}."""
    return name_of_scope(_parts(scope), places)


def project_names(scopes: Iterable[str], connections: Iterable[int]) -> dict[str, str]:
    """{id: name} of the projects that these scopes name, as far as resources tell; one query, none without any."""
    parts = (scope.split("/") for scope in scopes if scope.startswith(PROJECT_PREFIX))
    ids = {part[1] for part in parts if len(part) > 1}
    if not ids:
        return {}
    named = ResourceState.objects.open().filter(connection__in=set(connections), sub_account_id__in=ids)
    return dict(
        named.exclude(sub_account_name="")
        .order_by()
        .values_list("sub_account_id", "sub_account_name")
        .distinct()
    )


def coverage_problems(of: SyncSnapshot | ProviderConnection) -> list[CoverageProblem]:
    """What one snapshot, or the current snapshot of a connection, could not read."""
    rows = ScopeCoverage.objects.filter(status__in=UNREAD)
    if isinstance(of, ProviderConnection):
        rows = rows.filter(snapshot__connection=of, snapshot__is_current=True)
    else:
        rows = rows.filter(snapshot=of)
    return [problem for _snapshot, problem in _problems(rows)]


def current_coverage(organization: Organization) -> dict[int, Coverage]:
    """How complete each connection's current snapshot is, by connection; three queries however many there are."""
    current = dict(
        SyncSnapshot.objects.of(organization).filter(is_current=True).values_list("pk", "connection_id")
    )
    found = coverages(current)
    return {connection: found.get(snapshot, Coverage()) for snapshot, connection in current.items()}


def coverages(snapshots: Iterable[int]) -> dict[int, Coverage]:
    """How complete these snapshots are, by snapshot; two queries whatever their number, three where projects are named."""
    pks = list(snapshots)
    rows = ScopeCoverage.objects.filter(snapshot__in=pks)
    problems: dict[int, list[CoverageProblem]] = {}
    for snapshot_id, problem in _problems(rows.filter(status__in=UNREAD)):
        problems.setdefault(snapshot_id, []).append(problem)
    is_usage = Q(scope__startswith=USAGE_PREFIX)
    counts = (
        rows.order_by()
        .values("snapshot")
        .annotate(
            sections=Count("pk", filter=~is_usage),
            read=Count("pk", filter=~is_usage & ~Q(status__in=UNREAD)),
            usage=Count("pk", filter=is_usage),
            usage_unread=Count("pk", filter=is_usage & Q(status__in=UNREAD)),
        )
    )
    return {
        row["snapshot"]: Coverage(
            section_count=row["sections"] + bool(row["usage"]),
            read_count=row["read"] + bool(row["usage"] and not row["usage_unread"]),
            problems=tuple(problems.get(row["snapshot"], ())),
        )
        for row in counts
    }


def snapshot_history(of: ProviderConnection | Organization) -> QuerySet[SyncSnapshot]:
    """Syncs, the newest first, with their connection, totals and who asked for them."""
    rows = (
        SyncSnapshot.objects.of(of)
        if isinstance(of, Organization)
        else SyncSnapshot.objects.filter(connection=of)
    )
    return (
        rows.select_related("connection", "requested_by")
        .prefetch_related("totals")
        .order_by("-requested_at", "-pk")
    )


def latest_snapshots(organization: Organization) -> dict[int, SyncSnapshot]:
    """The latest finished or failed sync of each connection, by connection; one query."""
    newest = (
        SyncSnapshot.objects.filter(connection=OuterRef("connection"))
        .exclude(status__in=(SyncStatus.QUEUED, SyncStatus.RUNNING))
        .order_by("-requested_at", "-pk")
        .values("pk")[:1]
    )
    rows = SyncSnapshot.objects.of(organization).filter(pk=Subquery(newest))
    return {row.connection_id: row for row in rows}


def sync_progress(connection: ProviderConnection) -> Progress | None:
    """How far the connection's active sync is; None where none is."""
    snapshot = (
        SyncSnapshot.objects.active().filter(connection=connection).select_related("connection").first()
    )
    return progress_of(snapshot) if snapshot else None


def active_syncs(organization: Organization) -> dict[int, Progress]:
    """Progress of every active sync of the organization, by connection; one query."""
    rows = SyncSnapshot.objects.of(organization).active().select_related("connection")
    return {row.connection_id: progress_of(row) for row in rows}


def progress_of(snapshot: SyncSnapshot) -> Progress:
    retry = explain(snapshot.error, provider_type=snapshot.connection.provider_type)
    if snapshot.status == SyncStatus.QUEUED or not snapshot.phase:
        return Progress(snapshot=snapshot, percent=0, phase=gettext("Queued"), retry=retry)
    step = PHASES.index(snapshot.phase) if snapshot.phase in PHASES else 0
    told = snapshot.progress or {}
    reason = WAITS.get(str(told.get("waiting_reason", "")), "")
    return Progress(
        snapshot=snapshot,
        percent=READING_PERCENT // 2
        if step == 0
        else READING_PERCENT + (step - 1) * (100 - READING_PERCENT) // STEPS,
        phase=str(snapshot.get_phase_display()),
        step=step or None,
        found_count=_found_count(told.get("found")),
        waiting_seconds=told.get("waiting_seconds") if reason else None,
        waiting_reason=sentence(reason, {"provider": provider_name(snapshot.connection.provider_type)}),
    )


def recent_changes(
    organization: Organization, since: datetime, limit: int = 20, *, until: datetime | None = None
) -> list[Change]:
    """What appeared, changed and went from `since` on and before `until`, the newest first; at most `limit`.

    What a connection's first snapshot found is no news. Changes of nothing but the cost are folded into one a
    resource, with their sum: usage-based prices move at every sync.
    """
    opened = (
        ResourceState.objects.of(organization)
        .filter(opened_at__gte=since)
        .filter(Exists(_earlier_snapshots(OuterRef("connection"), OuterRef("opened_at"))))
        .select_related("resource", "connection", "opened_by")
    )
    gone = _deleted(organization, since)
    if until is not None:
        opened, gone = opened.filter(opened_at__lt=until), gone.filter(closed_at__lt=until)
    price_moves = Q(
        action=ResourceState.Action.UPDATED, has_status_change=False, has_configuration_change=False
    )
    events = [*opened.exclude(price_moves).order_by("-opened_at", "-pk")[:limit]]
    found = [_change(state) for state in events]
    found += _folded(opened.filter(price_moves), limit)
    found += [
        Change(
            at=state.closed_at,
            kind="deleted",
            state=state,
            effect=None if state.daily_cost is None else -state.daily_cost,
        )
        for state in gone[:limit]
        if state.closed_at
    ]
    return sorted(found, key=lambda change: (change.at, change.state.pk), reverse=True)[:limit]


def snapshot_changes(snapshot: SyncSnapshot, limit: int = 200) -> list[Change]:
    """What one finished snapshot changed, by name; the first snapshot of a connection created everything."""
    opened = (
        ResourceState.objects.filter(opened_by=snapshot, opened_at__isnull=False)
        .select_related("resource", "connection")
        .order_by("name", "pk")[:limit]
    )
    closed = (
        ResourceState.objects.filter(closed_by=snapshot)
        .filter(~Exists(ResourceState.objects.filter(resource=OuterRef("resource"), opened_by=snapshot)))
        .select_related("resource", "connection")
        .order_by("name", "pk")[:limit]
    )
    gone = [
        Change(
            at=state.closed_at,
            kind="deleted",
            state=state,
            effect=None if state.daily_cost is None else -state.daily_cost,
        )
        for state in closed
        if state.closed_at
    ]
    return [*(_change(state) for state in opened), *gone][:limit]


def utilisation(organization: Organization) -> list[Utilisation]:
    """CPU, memory and disks over the last thirty days, weighted by size; one query.

    Only machines whose size is known weigh; a metric that no machine reports has no per cent.
    """
    machines = (
        ResourceState.objects.of(organization)
        .open()
        .filter(resource__resource_type__in=MACHINES, status=ResourceState.Status.RUNNING)
    )
    measured = UsageSummary.objects.filter(resource=OuterRef("resource"), period_days=30)
    columns: dict[str, Any] = {
        name: Subquery(measured.filter(metric=name).values("average")[:1])
        for name in ("cpu_percent", "memory_percent", "disk_used_gib")
    }
    rows = list(machines.annotate(**columns).values("vcpus", "memory_mib", "storage_gib", *columns))
    return [
        _utilisation("cpu", rows, "cpu_percent", "vcpus"),
        _utilisation("memory", rows, "memory_percent", "memory_mib"),
        _disk_utilisation(rows),
        Utilisation(metric="network", percent=None, measured_count=0, machine_count=len(rows), size=None),
    ]


def _utilisation(metric: str, rows: list[dict[str, Any]], value: str, size: str) -> Utilisation:
    known = [(row[value], float(row[size])) for row in rows if row[value] is not None and row[size]]
    weight = sum(size for _value, size in known)
    percent = Decimal(str(sum(value * size for value, size in known) / weight)) if weight else None
    sizes = [row[size] for row in rows if row[size]]
    return Utilisation(
        metric=metric,
        percent=percent,
        measured_count=len(known),
        machine_count=len(rows),
        size=sum((Decimal(size) for size in sizes), Decimal(0)) if sizes else None,
    )


def _disk_utilisation(rows: list[dict[str, Any]]) -> Utilisation:
    known = [
        (row["disk_used_gib"], float(row["storage_gib"]))
        for row in rows
        if row["disk_used_gib"] is not None and row["storage_gib"]
    ]
    size = sum(size for _used, size in known)
    return Utilisation(
        metric="disk",
        percent=Decimal(str(sum(used for used, _size in known) * 100 / size)) if size else None,
        measured_count=len(known),
        machine_count=len(rows),
        size=Decimal(str(size)) if size else None,
    )


def _parts(scope: str) -> list[str]:
    return [part.replace("%2F", "/") for part in scope.split("/")]


def _problems(rows: QuerySet[ScopeCoverage]) -> list[tuple[int, CoverageProblem]]:
    """Unread scopes in their order, each with the pk of its snapshot."""
    unread = list(rows.select_related("snapshot").order_by("scope"))
    places = project_names((row.scope for row in unread), (row.snapshot.connection_id for row in unread))
    return [(row.snapshot_id, _problem(row, places)) for row in unread]


def _problem(row: ScopeCoverage, places: Mapping[str, str]) -> CoverageProblem:
    return CoverageProblem(
        scope=row.scope,
        name=scope_name(row.scope, places),
        place=place_name(_parts(row.scope), places),
        is_denied=row.status == ScopeCoverage.Status.DENIED,
        error_code=row.error_code,
        reason=sentence(row.message, row.params),
        since=row.last_complete_at,
    )


def _found_count(found: Any) -> int | None:
    """Progress tells what was found as a number, or as a number per kind of thing."""
    if isinstance(found, Mapping):
        return sum(int(count) for count in found.values())
    return None if found is None else int(found)


def _earlier_snapshots(connection: OuterRef, moment: OuterRef) -> QuerySet[SyncSnapshot]:
    return SyncSnapshot.objects.finished().filter(connection=connection, observed_at__lt=moment)


def _change(state: ResourceState) -> Change:
    assert state.opened_at is not None
    kind = str(state.action)
    effect = _cost_effect(state) if kind == ResourceState.Action.UPDATED else state.daily_cost
    return Change(at=state.opened_at, kind=kind, state=state, effect=effect, changes=state.changes)


def _cost_effect(state: ResourceState) -> Decimal | None:
    if "daily_cost" not in state.changes:
        return Decimal(0) if not state.has_cost_change else None
    before, after = state.changes["daily_cost"]
    if before is None or after is None:
        return None
    return Decimal(str(after)) - Decimal(str(before))


def _folded(price_moves: QuerySet[ResourceState], limit: int) -> list[Change]:
    """One change per resource, at the time of its last move, from the first form before to the last after."""
    groups = list(
        price_moves.order_by()
        .values("resource")
        .annotate(
            times=Count("pk"),
            latest=Subquery(_extreme(price_moves, "-opened_at")),
            first=Subquery(_extreme(price_moves, "opened_at")),
        )
        .order_by("-latest")[:limit]
    )
    pks = {group["latest"] for group in groups} | {group["first"] for group in groups}
    states = {
        state.pk: state
        for state in ResourceState.objects.filter(pk__in=pks).select_related(
            "resource", "connection", "opened_by"
        )
    }
    folded = []
    for group in groups:
        last, first = states[group["latest"]], states[group["first"]]
        before = first.changes.get("daily_cost", [None, None])[0]
        after = last.changes.get("daily_cost", [None, None])[1]
        known = before is not None and after is not None
        effect = Decimal(str(after)) - Decimal(str(before)) if known else None
        assert last.opened_at is not None
        folded.append(
            Change(
                at=last.opened_at,
                kind="updated",
                state=last,
                effect=effect,
                changes={"daily_cost": [before, after]},
                times=group["times"],
            )
        )
    return folded


def _extreme(states: QuerySet[ResourceState], order: str) -> QuerySet[Any]:
    """The pk of the first state of the outer row's resource in that order."""
    return states.select_related(None).filter(resource=OuterRef("resource")).order_by(order).values("pk")[:1]


def _deleted(organization: Organization, since: datetime) -> QuerySet[ResourceState]:
    """Last states of resources that were gone at a snapshot since then."""
    successor = ResourceState.objects.filter(resource=OuterRef("resource"), opened_at=OuterRef("closed_at"))
    return (
        ResourceState.objects.of(organization)
        .filter(closed_at__gte=since)
        .filter(~Exists(successor))
        .select_related("resource", "connection", "closed_by")
        .order_by("-closed_at", "-pk")
    )
