"""Reads of one sync for its page: what it asked, how far it read each place, which prices moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q
from django.utils.translation import ngettext

from inventory.models import Resource
from providers.contract.errors import ProviderUnavailable
from providers.messages import sentence
from providers.scopes import PLACES, USAGE, scope_name
from syncs.engine.traces import Trace, restored
from syncs.models import ResourceState, ScopeCoverage, SyncSnapshot, SyncTrace
from syncs.prices import PriceMove, price_moves
from syncs.queries import UNREAD, USAGE_PREFIX, Change, project_names

MAX_SCOPES = 2000
"""Scopes that a page tells of; an account with more has them in the admin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Sections of one place that were not read for one reason, in the reader's language.

    `is_denied`: the credentials may not read them. `is_silent`: the provider did not answer.
    `since` is when they were last read completely, None where never; `resource_count` are the resources that keep their
    state from then. `tries` is how often the provider was asked, None where that is not known.
    """

    names: tuple[str, ...]
    is_denied: bool
    is_silent: bool
    reason: str
    since: datetime | None
    resource_count: int
    tries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A region of a project, as far as the provider has such, and how its sections were read."""

    region: str = ""
    project: str = ""
    read: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def name(self) -> str:
        return " · ".join(part for part in (self.region, self.project) if part)


@dataclass(frozen=True, slots=True)
class _Reason:
    status: str
    error_code: str
    text: str
    since: datetime | None


@dataclass(slots=True)
class _Sections:
    read: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unread: dict[_Reason, list[tuple[str, int]]] = field(default_factory=dict)


def trace_of(snapshot: SyncSnapshot) -> Trace:
    """What the sync asked and waited for; empty for those that kept no trace."""
    return restored(SyncTrace.objects.filter(snapshot=snapshot).first())


def places_of(snapshot: SyncSnapshot, trace: Trace) -> list[Place]:
    """How the reading of each place ended, the account itself first; at most five queries."""
    measured = Q(scope__startswith=USAGE_PREFIX)
    rows = ScopeCoverage.objects.filter(snapshot=snapshot)
    listed = list(rows.exclude(measured).order_by("scope")[:MAX_SCOPES])
    names = project_names((row.scope for row in listed), [snapshot.connection_id])
    kept = _kept_counts(snapshot, [row.scope for row in listed if row.status in UNREAD])
    found: dict[tuple[str, str], _Sections] = {}
    for row in listed:
        region, project, section = _parted(row.scope, names)
        _sort_in(found.setdefault((project, region), _Sections()), row, section, kept.get(row.scope, 0))
    usage = rows.filter(measured).aggregate(
        count=Count("pk"), unread=Count("pk", filter=Q(status__in=UNREAD))
    )
    if usage["count"]:
        own = found.setdefault(("", ""), _Sections())
        if usage["unread"]:
            first = rows.filter(measured, status__in=UNREAD).order_by("scope").first()
            assert first is not None
            text = ngettext(
                "measurements of %(count)d machine", "measurements of %(count)d machines", usage["unread"]
            )
            _sort_in(own, first, text % {"count": usage["unread"]}, 0)
        else:
            own.read.append(scope_name((USAGE,)))
    tries = _tries(trace)
    return [
        _place(region, project, sections, tries.get(region) if region else None)
        for (project, region), sections in sorted(found.items())
    ]


def moves_of(snapshot: SyncSnapshot, changes: Iterable[Change]) -> Mapping[int, list[PriceMove]]:
    """By pk of the state: the prices that moved between the sync before and this one; two queries at most."""
    updated = [change.state for change in changes if change.kind == ResourceState.Action.UPDATED]
    if not any("daily_cost" in state.changes for state in updated):
        return {}
    before = (
        SyncSnapshot.objects.finished()
        .filter(connection=snapshot.connection_id, observed_at__lt=snapshot.observed_at)
        .order_by("-observed_at")
        .values_list("observed_at", flat=True)
        .first()
    )
    return price_moves(snapshot.connection, [(state, before) for state in updated])


def parent_names(changes: Iterable[Change]) -> dict[int, str]:
    """Names of the resources to which changes of `parent` point; one query, none without any."""
    pks = {pk for change in changes for pk in change.changes.get("parent", ()) if pk}
    return dict(Resource.objects.filter(pk__in=pks).values_list("pk", "name")) if pks else {}


def _parted(scope: str, names: Mapping[str, str]) -> tuple[str, str, str]:
    """Region, project and section of a scope: `project/p1/region/ru-3/servers` is ("ru-3", "Shop", "servers")."""
    places = {"region": "", "project": ""}
    words = []
    parts = iter(part.replace("%2F", "/") for part in scope.split("/"))
    for part in parts:
        if part in PLACES:
            places[part] = next(parts, "")
        else:
            words.append(part)
    project = places["project"]
    section = scope_name(words) if words else scope_name(("project", project), names).partition(" / ")[0]
    return places["region"], _project_name(project, names), section


def _project_name(project: str, names: Mapping[str, str]) -> str:
    """The project's name, or the beginning of its id where the name is not known."""
    return scope_name(("project", project), names).partition(" / ")[2] if project else ""


def _sort_in(sections: _Sections, row: ScopeCoverage, section: str, resource_count: int) -> None:
    if row.status in UNREAD:
        reason = _Reason(row.status, row.error_code, sentence(row.message, row.params), row.last_complete_at)
        sections.unread.setdefault(reason, []).append((section, resource_count))
    elif row.status == ScopeCoverage.Status.ABSENT:
        sections.absent.append(section)
    else:
        sections.read.append(section)


def _place(region: str, project: str, sections: _Sections, tries: int | None) -> Place:
    return Place(
        region=region,
        project=project,
        read=tuple(dict.fromkeys(sections.read)),
        absent=tuple(dict.fromkeys(sections.absent)),
        unread=tuple(
            Unread(
                names=tuple(dict.fromkeys(name for name, _count in parts)),
                is_denied=reason.status == ScopeCoverage.Status.DENIED,
                is_silent=reason.error_code == ProviderUnavailable.code,
                reason=reason.text,
                since=reason.since,
                resource_count=sum(count for _name, count in parts),
                tries=tries if reason.error_code == ProviderUnavailable.code else None,
            )
            for reason, parts in sections.unread.items()
        ),
    )


def _kept_counts(snapshot: SyncSnapshot, scopes: list[str]) -> dict[str, int]:
    """Resources that keep their last state because their scope was not read, by scope; one query, none without any."""
    if not scopes or snapshot.observed_at is None:
        return {}
    held = ResourceState.objects.as_of(snapshot.observed_at).filter(
        connection=snapshot.connection_id, scope__in=scopes
    )
    return dict(held.order_by().values_list("scope").annotate(count=Count("pk")))


def _tries(trace: Trace) -> dict[str, int]:
    """By region: how often a call was asked before it was given up."""
    found: dict[str, int] = {}
    for call in trace.reading.calls:
        if call.given_up_count and call.name.region:
            found[call.name.region] = max(found.get(call.name.region, 0), call.tries)
    return found
