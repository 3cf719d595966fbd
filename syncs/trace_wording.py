"""What a sync did, in plain sentences: what it read and how long that took, what it waited for, what it could not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_noop as _

from common import formatting
from providers.contract.trace import NO_ANSWER, CallFigures, StepFigures, WaitKind
from providers.messages import explain
from syncs.engine.collect import ACCOUNT, CHARGES, RESOURCES, USAGE
from syncs.engine.traces import Trace
from syncs.models import Phase, SyncSnapshot, SyncStatus
from syncs.trace_queries import Place, Unread

NAMED = 4
"""Names that a sentence lists before it counts."""
BLINK_SECONDS = 0.05
"""A step that asked nothing, found nothing and took no longer is not told."""

DONE = {
    ACCOUNT: _("Read the account"),
    CHARGES: _("Read the bill"),
    RESOURCES: _("Listed what exists"),
    USAGE: _("Read CPU and memory"),
}
BROKEN_OFF = {
    ACCOUNT: _("Reading the account broke off"),
    CHARGES: _("Reading the bill broke off"),
    RESOURCES: _("Listing what exists broke off"),
    USAGE: _("Reading CPU and memory broke off"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sentence; `level` is "", "waiting", "warning" or "error"."""

    text: str
    level: str = ""


def sentences(snapshot: SyncSnapshot, trace: Trace, places: Sequence[Place], *, provider: str) -> list[Told]:
    """In the order in which it happened: attempts before, what was read, waits, what was not read, what came of it."""
    told = [_attempt(attempt.number, attempt.seconds, attempt.error, snapshot) for attempt in trace.earlier]
    told += [sentence for step in trace.reading.steps for sentence in _step(step, trace.reading.calls)]
    told += _waits(trace, provider)
    told += _repeats(trace.reading.calls)
    told += _unread(places)
    told += _result(snapshot)
    return told


def asked(trace: Trace) -> str:
    """`148 requests, 1.2 MB, 12.3 s`: the whole reading."""
    reading = trace.reading
    size = sum(call.size_bytes for call in reading.calls)
    parts = [
        _requests(reading.request_count) if reading.request_count else "",
        formatting.size_bytes(size) if size else "",
        seconds_text(reading.seconds),
    ]
    return ", ".join(part for part in parts if part)


def seconds_text(seconds: float) -> str:
    """`0.3 s`, `12 s`, `2 min 5 s`."""
    unit = formatting.NO_BREAK_SPACE + pgettext("unit of time", "s")
    if seconds >= 60:
        minutes, rest = divmod(round(seconds), 60)
        whole = formatting.number(minutes) + formatting.NO_BREAK_SPACE + pgettext("unit of time", "min")
        return f"{whole} {rest}{unit}" if rest else whole
    places = 0 if seconds >= 10 else 1 if seconds >= 0.1 else 2
    return formatting.number_short(Decimal(str(seconds)), places) + unit


def statuses_text(statuses: Mapping[str, int], *, only_failed: bool = False) -> str:
    """`503: 3, no answer: 1`, by number of answers; `only_failed` leaves out the good ones."""
    rows = sorted(statuses.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(
        f"{gettext('no answer') if status == NO_ANSWER else status}: {formatting.number(count)}"
        for status, count in rows
        if not (only_failed and status.startswith(("2", "3")))
    )


def _attempt(number: int, seconds: float, error: Mapping[str, object], snapshot: SyncSnapshot) -> Told:
    reason = explain(dict(error), provider_type=snapshot.connection.provider_type)
    values = {"number": number, "seconds": seconds_text(seconds), "reason": str(reason) if reason else ""}
    return Told(
        text=gettext("Attempt %(number)d ended after %(seconds)s: %(reason)s") % values, level="waiting"
    )


def _step(step: StepFigures, calls: Iterable[CallFigures]) -> Iterator[Told]:
    """`Listed 2 regions: 56 requests, 44 resources, 8.1 s.`"""
    own = [call for call in calls if call.step == step.name]
    request_count = sum(call.request_count for call in own)
    if not request_count and not step.record_count and not step.error_code and step.seconds < BLINK_SECONDS:
        return
    parts = [
        _requests(request_count) if request_count else "",
        _records(step.name, step.record_count) if step.record_count else "",
        seconds_text(step.seconds),
    ]
    details = ", ".join(part for part in parts if part)
    if step.error_code:
        what, level = gettext(BROKEN_OFF.get(step.name, BROKEN_OFF[RESOURCES])), "warning"
    else:
        what, level = _done(step.name, own), ""
    yield Told(text=gettext("%(what)s: %(details)s.") % {"what": what, "details": details}, level=level)


def _done(name: str, calls: Iterable[CallFigures]) -> str:
    regions = sorted({call.name.region for call in calls if call.name.region}) if name == RESOURCES else []
    if not regions:
        return gettext(DONE.get(name, DONE[RESOURCES]))
    text = ngettext("Listed %(count)s region", "Listed %(count)s regions", len(regions))
    return f"{text % {'count': formatting.number(len(regions))}} ({shortened(regions)})"


def _waits(trace: Trace, provider: str) -> Iterator[Told]:
    patterns = {
        WaitKind.ASKED: _("Waited %(seconds)s because %(provider)s asked for it."),
        WaitKind.BACK_OFF: _("Waited %(seconds)s before asking again what %(provider)s had not answered."),
        WaitKind.PACE: _("Kept to the pace that %(provider)s allows: %(seconds)s of waiting."),
    }
    for kind, pattern in patterns.items():
        seconds = trace.reading.wait_seconds.get(kind, 0.0)
        if seconds >= BLINK_SECONDS:
            values = {"seconds": seconds_text(seconds), "provider": provider}
            yield Told(text=gettext(pattern) % values, level="" if kind is WaitKind.PACE else "waiting")


def _repeats(calls: Iterable[CallFigures]) -> Iterator[Told]:
    repeated = [call for call in calls if call.repeat_count]
    count = sum(call.repeat_count for call in repeated)
    if not count:
        return
    statuses: dict[str, int] = {}
    for call in repeated:
        for status, times in call.statuses.items():
            statuses[status] = statuses.get(status, 0) + times
    text = ngettext("%(count)s request was repeated", "%(count)s requests were repeated", count)
    failed = statuses_text(statuses, only_failed=True)
    yield Told(
        text=text % {"count": formatting.number(count)} + (f" ({failed})." if failed else "."),
        level="waiting",
    )


def _unread(places: Iterable[Place]) -> Iterator[Told]:
    """`ru-1 · Shop, Blog: No answer after 5 tries: servers, volumes. 12 resources are shown as of 21 Oct, 12:00.`

    Projects of one region for which the same is true are told together.
    """
    alike: dict[tuple[str, Unread], list[tuple[str, int]]] = {}
    for place in places:
        for unread in place.unread:
            key = (place.region, replace(unread, resource_count=0))
            alike.setdefault(key, []).append((place.project, unread.resource_count))
    for (region, unread), projects in alike.items():
        where = " · ".join(part for part in (region, shortened([name for name, _count in projects])) if part)
        whole = replace(unread, resource_count=sum(count for _name, count in projects))
        parts = (f"{where}:" if where else "", _unread_text(whole), kept_text(whole))
        yield Told(text=" ".join(part for part in parts if part), level="warning")


def _unread_text(unread: Unread) -> str:
    names = shortened(unread.names)
    if unread.is_denied:
        return gettext("No access: %(names)s.") % {"names": names}
    if unread.is_silent and unread.tries:
        text = ngettext(
            "No answer after %(count)d try: %(names)s.",
            "No answer after %(count)d tries: %(names)s.",
            unread.tries,
        )
        return text % {"count": unread.tries, "names": names}
    if unread.is_silent:
        return gettext("No answer: %(names)s.") % {"names": names}
    return gettext("Not read: %(names)s.") % {"names": names}


def shortened(names: Sequence[str]) -> str:
    """The first few by name, the others as a number."""
    shown, rest = ", ".join(names[:NAMED]), len(names) - NAMED
    if rest <= 0:
        return shown
    text = ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", rest)
    return text % {"names": shown, "count": rest}


def kept_text(unread: Unread) -> str:
    """`12 resources are shown as of 21 October, 12:00; nothing was removed.`"""
    if not unread.resource_count:
        return ""
    if unread.since is None:
        text = ngettext(
            "%(count)s resource keeps its last state; nothing was removed.",
            "%(count)s resources keep their last state; nothing was removed.",
            unread.resource_count,
        )
        return text % {"count": formatting.number(unread.resource_count)}
    local = timezone.localtime(unread.since)
    text = ngettext(
        "%(count)s resource is shown as of %(moment)s; nothing was removed.",
        "%(count)s resources are shown as of %(moment)s; nothing was removed.",
        unread.resource_count,
    )
    return text % {
        "count": formatting.number(unread.resource_count),
        "moment": formatting.moment(local, today=timezone.localdate()),
    }


def _result(snapshot: SyncSnapshot) -> Iterator[Told]:
    """`Compared 44 resources with what was known: 1 new, 2 changed, 1 gone, 0.3 s.`"""
    if snapshot.status not in (SyncStatus.SUCCESS, SyncStatus.PARTIAL):
        return
    timings = snapshot.timings or {}
    seconds = sum(value for phase, value in timings.items() if phase != Phase.COLLECT)
    counts = [
        (snapshot.created_count, pgettext("resources", "%(count)s new")),
        (snapshot.updated_count, pgettext("resources", "%(count)s changed")),
        (snapshot.deleted_count, pgettext("resources", "%(count)s gone")),
    ]
    parts = [text % {"count": formatting.number(count)} for count, text in counts if count]
    news = ", ".join(parts) or gettext("no changes")
    text = ngettext(
        "Compared %(count)s resource with what was known: %(news)s, %(seconds)s.",
        "Compared %(count)s resources with what was known: %(news)s, %(seconds)s.",
        snapshot.resource_count,
    )
    values = {
        "count": formatting.number(snapshot.resource_count),
        "news": news,
        "seconds": seconds_text(seconds),
    }
    yield Told(text=text % values)


def _requests(count: int) -> str:
    return ngettext("%(count)s request", "%(count)s requests", count) % {"count": formatting.number(count)}


def _records(step: str, count: int) -> str:
    if step == CHARGES:
        text = ngettext("%(count)s line", "%(count)s lines", count)
    elif step == USAGE:
        text = ngettext("%(count)s series", "%(count)s series", count)
    elif step == RESOURCES:
        text = ngettext("%(count)s resource", "%(count)s resources", count)
    else:
        return ""
    return text % {"count": formatting.number(count)}
