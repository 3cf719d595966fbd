"""Writes of reports: putting them together, making them, sending and forgetting them.

The rows are the truth, a message to a worker is only a hint: a run is claimed by one guarded UPDATE, what a dead worker
held is handed out again, and a schedule's day has one run, whoever asks for it and however often.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.audit.services import record
from accounts.models import Organization, User
from accounts.notifications.models import Channel
from accounts.notifications.services import ensure_email_channels
from common.files import remove_orphans
from costs.explorer.periods import BadPeriod, Span, span_of
from costs.explorer.queries import today_of
from costs.reports import queries
from costs.reports.announcements import report_ready
from costs.reports.content import Document
from costs.reports.document import make_document
from costs.reports.models import (
    ACTIVE,
    FILES_ROOT,
    MADE,
    Report,
    ReportFile,
    ReportRun,
    RunStatus,
)
from costs.reports.presets import PRESETS
from costs.reports.renderers import RENDERERS, Press
from costs.reports.renderers.pdf import PdfMissing
from costs.reports.schedules import latest_day, next_run
from costs.reports.sections import section_kinds

logger = logging.getLogger(__name__)

SECTIONS_AT_MOST = 30
CLAIM = timedelta(minutes=20)
"""Longer than any report takes to be made."""
ATTEMPTS = 3
LOST_AFTER = timedelta(minutes=2)
"""A queued run that nobody has taken for so long is handed out again."""
REMOVED_AT_ONCE = 500
WHEN = {"schedule", "weekday", "month_day", "hour"}
"""The fields that `next_run_at` follows from."""


class ReportNotPossible(Exception):
    """A report cannot be made or sent now; the text says why."""


@transaction.atomic
def create_report(*, organization: Organization, name: str, template: str, language: str) -> Report:
    """From a template of `presets`, "" for an empty one. Raises ValidationError where the name is taken."""
    preset = PRESETS.get(template)
    report = Report(organization=organization, name=name, template=template, language=language)
    report.formats = list(preset.formats) if preset else ["pdf"]
    report.period = preset.period if preset else "last_month"
    with translation.override(language):
        report.sections = [
            _section(one.kind, one.as_options()) for one in (preset.sections if preset else ())
        ]
    _check(report)
    report.save()
    record("report.created", obj=report, organization=organization, details={"template": template})
    return report


def free_name(organization: Organization, base: str) -> str:
    """The name, with a number where another report has it."""
    taken = {name.casefold() for name in Report.objects.of(organization).values_list("name", flat=True)}
    names = (base if number == 1 else f"{base} {number}" for number in count(1))
    return next(name for name in names if name.casefold() not in taken)


@transaction.atomic
def change_report(
    *, report: Report, now: datetime, channels: Sequence[Channel] | None = None, **given: Any
) -> Report:
    """Sets `given` fields, and recipients where they are given. Raises ValidationError; channels of strangers are left out."""
    changes = {
        field: [getattr(report, field), value]
        for field, value in given.items()
        if getattr(report, field) != value
    }
    for field, value in given.items():
        setattr(report, field, value)
    _check(report)
    if WHEN & set(changes):
        report.next_run_at = next_run(report, after=now)
    report.save(update_fields=[*given, "next_run_at", "updated_at"])  # sections are somebody else's to change
    if channels is not None:
        changes |= _change_recipients(report, channels)
    if changes:
        record("report.changed", obj=report, organization=report.organization, changes=changes)
    return report


def _change_recipients(report: Report, channels: Sequence[Channel]) -> dict[str, list[Any]]:
    """What the audit trail is told of it."""
    before = set(report.channels.values_list("pk", flat=True))
    offered = {channel.pk for channel in queries.recipients(report.organization)}
    wanted = {channel.pk for channel in channels} & offered
    if wanted == before:
        return {}
    report.channels.set(wanted)
    return {"channels": [len(before), len(wanted)]}


def ensure_recipients(organization: Organization) -> None:
    """Every member can be chosen by the e-mail they sign in with, also who never opened the page of channels."""
    members = User.objects.filter(memberships__organization=organization, is_active=True)
    ensure_email_channels(list(members.exclude(notification_channels__kind=Channel.Kind.EMAIL)))


@transaction.atomic
def delete_report(*, report: Report) -> None:
    """With its runs and their files."""
    record("report.deleted", obj=report, organization=report.organization)
    _delete_files_of(ReportFile.objects.filter(run__report=report))
    report.delete()


@transaction.atomic
def add_section(*, report: Report, kind: str, options: Mapping[str, Any]) -> str:
    """At the end; returns its id. Raises ValidationError for an unknown kind and for too many."""
    locked = _locked(report)
    if kind not in section_kinds():
        raise ValidationError(_("There is no such kind of section."))
    if len(locked.sections) >= SECTIONS_AT_MOST:
        raise ValidationError(_("A report has at most %(count)d sections.") % {"count": SECTIONS_AT_MOST})
    section = _section(kind, options)
    _save_sections(locked, [*locked.sections, section])
    return str(section["id"])


@transaction.atomic
def change_section(*, report: Report, section_id: str, options: Mapping[str, Any]) -> None:
    locked = _locked(report)
    sections = [
        {**one, "options": dict(options)} if one["id"] == section_id else one for one in locked.sections
    ]
    _save_sections(locked, sections)


@transaction.atomic
def move_section(*, report: Report, section_id: str, by: int) -> None:
    """One place up (-1) or down (1); at the edge nothing happens."""
    locked = _locked(report)
    sections = list(locked.sections)
    place = next((number for number, one in enumerate(sections) if one["id"] == section_id), None)
    if place is None or not 0 <= place + by < len(sections):
        return
    sections.insert(place + by, sections.pop(place))
    _save_sections(locked, sections)


@transaction.atomic
def remove_section(*, report: Report, section_id: str) -> None:
    locked = _locked(report)
    _save_sections(locked, [one for one in locked.sections if one["id"] != section_id])


def request_run(
    *, report: Report, now: datetime, requested_by: User | None = None, scheduled_date: date | None = None
) -> tuple[ReportRun, bool]:
    """Queue a run of the report's period, or join the one that is active; returns it and whether it was joined.

    The period is counted from `scheduled_date`, or from today. Raises ReportNotPossible for a day that had its run and
    for an organization that is to go.
    """
    organization = report.organization
    if organization.is_leaving:
        raise ReportNotPossible(_("This organization is to be deleted."))
    try:
        span = span_of(report.period, scheduled_date or today_of(organization, now))
    except BadPeriod as error:
        raise ReportNotPossible(_("The report's period cannot be read; choose another one.")) from error
    try:
        with transaction.atomic():
            run = ReportRun.objects.create(
                organization=organization,
                report=report,
                scheduled_date=scheduled_date,
                first_date=span.first,
                last_date=span.last,
                requested_by=requested_by,
                requested_at=now,
                step_count=len(report.sections) + len(report.formats),
            )
            if requested_by:
                record("report.requested", obj=run, organization=organization, actor=requested_by)
    except IntegrityError:
        active = ReportRun.objects.filter(report=report, status__in=ACTIVE).first()
        if active is None:
            raise ReportNotPossible(_("This day had its report.")) from None
        return active, True
    return run, False


def request_due(*, now: datetime) -> list[int]:
    """Queue every scheduled report whose time has come; returns the ids of runs.

    What was missed while nothing ran is caught up once, for the latest of its days. A report that is just being made
    waits for the next call.
    """
    due = (
        Report.objects.filter(next_run_at__lte=now, organization__deletion_at__isnull=True)
        .select_related("organization")
        .order_by("next_run_at", "pk")
    )
    begun = []
    for report in due:
        day = latest_day(report, now)
        try:
            run, joined = request_run(report=report, now=now, scheduled_date=day)
        except ReportNotPossible:
            joined = False
        else:
            if not joined:
                begun.append(run.pk)
        if not joined:
            Report.objects.filter(pk=report.pk, next_run_at=report.next_run_at).update(
                next_run_at=next_run(report, after=now)
            )
    return begun


def reap(*, now: datetime) -> list[int]:
    """Give back what dead workers held, send what they did not come to, and find what nobody took.

    Returns the ids of runs to hand out.
    """
    abandoned = ReportRun.objects.filter(status=RunStatus.RUNNING, claimed_until__lt=now)
    abandoned.filter(attempts__gte=ATTEMPTS).update(
        status=RunStatus.ERROR, finished_at=now, problems=[_problem(ReportRun.Problem.FAILED)]
    )
    abandoned.update(status=RunStatus.QUEUED)
    unsent = ReportRun.objects.filter(status__in=MADE, claimed_until__lt=now)
    for run in unsent.select_related("report__organization", "organization"):
        with suppress(ReportNotPossible):  # its own worker was only slow, or everybody left
            send_run(run=run, now=now)
    unsent.update(claimed_until=None)
    waiting = ReportRun.objects.filter(status=RunStatus.QUEUED, requested_at__lt=now - LOST_AFTER)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def make_run(*, run_id: int, now: datetime) -> None:
    """Make a queued run and, where it was scheduled, send it; a second delivery of the same id changes nothing."""
    claimed = ReportRun.objects.filter(pk=run_id, status=RunStatus.QUEUED).update(
        status=RunStatus.RUNNING, claimed_until=now + CLAIM, attempts=F("attempts") + 1, done_count=0
    )
    if not claimed:
        return  # another worker has it, or it has ended
    run = ReportRun.objects.select_related("report__organization", "organization").get(pk=run_id)
    try:
        is_to_be_sent = _make(run, now)
    except Exception:  # the disk, the database: tried again, then told on the page
        logger.exception("report run %s failed", run_id)
        _put_back(run)
        return
    if is_to_be_sent:
        with suppress(ReportNotPossible):  # everybody left meanwhile, or a person was faster
            send_run(run=run, now=timezone.now())


def send_run(*, run: ReportRun, now: datetime, requested_by: User | None = None) -> None:
    """Send a made run to the report's recipients, once. Raises ReportNotPossible."""
    if not run.is_made:
        raise ReportNotPossible(_("It is not made yet."))
    if not queries.recipients_of(run.report).exists():
        raise ReportNotPossible(_("The report has no recipients."))
    with transaction.atomic():
        is_first = ReportRun.objects.filter(pk=run.pk, sent_at__isnull=True).update(
            sent_at=now, claimed_until=None
        )
        if not is_first:
            raise ReportNotPossible(_("It was sent already."))
        report_ready(run=run, now=now)
        if requested_by:
            record("report.sent", obj=run, organization=run.organization, actor=requested_by)


@transaction.atomic
def delete_run(*, run: ReportRun) -> None:
    """With its files; a run that is being made stays. Raises ReportNotPossible."""
    if run.is_active:
        raise ReportNotPossible(_("It is being made."))
    record("report.run_deleted", obj=run, organization=run.organization)
    _delete_files_of(ReportFile.objects.filter(run=run))
    run.delete()


def remove_old(*, now: datetime) -> int:
    """Delete runs that were kept long enough, and files that no row knows; returns how many runs went."""
    removed = 0
    for report in Report.objects.order_by("pk").only("pk", "retention_days").iterator():
        old = (
            ReportRun.objects.filter(
                report=report, requested_at__lt=now - timedelta(days=report.retention_days)
            )
            .exclude(status__in=ACTIVE)
            .values_list("pk", flat=True)[:REMOVED_AT_ONCE]
        )
        numbers = list(old)
        if numbers:
            with transaction.atomic():
                _delete_files_of(ReportFile.objects.filter(run__in=numbers))
                ReportRun.objects.filter(pk__in=numbers).delete()
            removed += len(numbers)
    remove_orphans(ReportFile, "file", FILES_ROOT, now=now)
    return removed


def _make(run: ReportRun, now: datetime) -> bool:
    """Files are written before the one transaction in which the run and they become visible.

    Returns whether it is to be sent now: a scheduled run that somebody waits for.
    """
    report = run.report

    def step() -> None:
        ReportRun.objects.filter(pk=run.pk).update(done_count=F("done_count") + 1)

    made = make_document(report, now=now, span=Span(run.first_date, run.last_date), step=step)
    files, problems = _files(run, made.document, step)
    problems = [*(_problem(ReportRun.Problem.SECTION, title) for title in made.document.failed), *problems]
    status = RunStatus.SUCCESS if made.state.is_whole and not problems else RunStatus.PARTIAL
    if problems and not files:
        status = RunStatus.ERROR
    is_to_be_sent = (
        status in MADE and run.scheduled_date is not None and queries.recipients_of(report).exists()
    )
    finished_at = timezone.now()
    with transaction.atomic():
        ended = ReportRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, attempts=run.attempts).update(
            status=status,
            finished_at=finished_at,
            claimed_until=finished_at + LOST_AFTER if is_to_be_sent else None,
            state=made.state.as_json(),
            problems=problems,
        )
        if ended:
            ReportFile.objects.bulk_create(files)
    if not ended:  # it took so long that another worker was given it, or it was deleted
        for one in files:
            one.file.delete(save=False)
        return False
    run.refresh_from_db()
    return is_to_be_sent


def _files(
    run: ReportRun, document: Document, step: Callable[[], None]
) -> tuple[list[ReportFile], list[dict[str, str]]]:
    """What could be made, and what could not."""
    files, problems = [], []
    press = Press(document)
    for key in run.report.formats:
        try:
            files.append(_file(run, key, press))
        except PdfMissing:
            problems.append(_problem(ReportRun.Problem.NO_PANGO, RENDERERS[key].label))
        except Exception:  # the other files are made all the same
            logger.exception("format %s of report run %s failed", key, run.pk)
            problems.append(_problem(ReportRun.Problem.FORMAT, RENDERERS[key].label))
        step()
    return files, problems


def _file(run: ReportRun, key: str, press: Press) -> ReportFile:
    renderer = RENDERERS[key]
    content = renderer.render(press)
    stem = re.sub(r"[^\w .,()-]+", "_", run.report.name).strip(" .") or "report"
    one = ReportFile(
        organization_id=run.organization_id,
        run=run,
        format=key,
        name=f"{stem} {run.first_date} {run.last_date}.{renderer.extension}",
        size_bytes=len(content),
    )
    one.file.save(f"{secrets.token_hex(16)}.{renderer.extension}", ContentFile(content), save=False)
    return one


def _put_back(run: ReportRun) -> None:
    is_last = run.attempts >= ATTEMPTS
    ReportRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, attempts=run.attempts).update(
        status=RunStatus.ERROR if is_last else RunStatus.QUEUED,
        finished_at=timezone.now() if is_last else None,
        problems=[_problem(ReportRun.Problem.FAILED)] if is_last else [],
        claimed_until=None,
    )


def _problem(code: ReportRun.Problem, name: Any = "") -> dict[str, str]:
    return {"code": code.value, "name": str(name)}


def _section(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": secrets.token_hex(4), "kind": kind, "options": dict(options)}


def _locked(report: Report) -> Report:
    """Two people who edit at once both keep what they did."""
    return Report.objects.select_for_update(of=("self",)).select_related("organization").get(pk=report.pk)


def _save_sections(report: Report, sections: list[dict[str, Any]]) -> None:
    kinds = [[one["kind"] for one in listed] for listed in (report.sections, sections)]
    report.sections = sections
    report.save(update_fields=["sections", "updated_at"])
    record("report.changed", obj=report, organization=report.organization, changes={"sections": kinds})


def _check(report: Report) -> None:
    report.full_clean(exclude=["organization"])
    others = Report.objects.of(report.organization).exclude(pk=report.pk)
    if others.filter(name__iexact=report.name).exists():
        raise ValidationError({"name": _("There is a report of this name already.")})


def _delete_files_of(files: Any) -> None:
    """From the disk once the rows are gone for good."""
    stored = [(one.file.storage, one.file.name) for one in files]

    def remove() -> None:
        for storage, name in stored:
            storage.delete(name)

    transaction.on_commit(remove)
