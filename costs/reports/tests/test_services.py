"""Reports are made once for each of their days, kept as files, sent without duplicates, and forgotten in time."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.models import Membership, Role
from accounts.notifications import delivery
from accounts.notifications.models import Channel, Delivery, Mode
from accounts.notifications.services import add_webhook, ensure_email_channels, set_preferences
from accounts.tests.factories import OrganizationFactory, member_of
from costs.explorer.tests.estate import estate
from costs.reports import announcements, services, tasks
from costs.reports.models import LAST_DAY, Report, ReportFile, ReportRun, RunStatus, Schedule
from costs.reports.renderers import html, pdf, png
from costs.reports.schedules import next_run
from costs.reports.tests.factories import ReportFactory, ReportRunFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)  # a Wednesday, noon in Moscow


def stored() -> list[Path]:
    return sorted(path for path in Path(django_settings.MEDIA_ROOT).rglob("*") if path.is_file())


def mail_of(user: Any) -> Channel:
    ensure_email_channels([user])
    return Channel.objects.get(user=user, kind=Channel.Kind.EMAIL)


def scheduled(schedule: str = Schedule.DAILY, hour: int = 9, **fields: Any) -> Report:
    report = ReportFactory(schedule=schedule, hour=hour, **fields)
    report.next_run_at = next_run(report, after=NOW - timedelta(days=1))
    report.save()
    return report


@pytest.mark.parametrize(
    ("schedule", "hour", "expected"),
    [
        (Schedule.NONE, 9, None),
        (Schedule.DAILY, 9, datetime(2026, 4, 2, 6, tzinfo=UTC)),
        (Schedule.DAILY, 13, datetime(2026, 4, 1, 10, tzinfo=UTC)),
        (Schedule.WEEKLY, 9, datetime(2026, 4, 6, 6, tzinfo=UTC)),
        (Schedule.MONTHLY, 9, datetime(2026, 5, 1, 6, tzinfo=UTC)),
    ],
)
def test_a_schedule_keeps_the_organizations_clock(
    schedule: str, hour: int, expected: datetime | None
) -> None:
    report = ReportFactory.build(
        organization=OrganizationFactory.build(time_zone="Europe/Moscow"), schedule=schedule, hour=hour
    )

    assert next_run(report, after=NOW) == expected


@pytest.mark.parametrize(
    ("fields", "hour", "after", "expected"),
    [
        ({"weekday": 3}, 12, NOW, datetime(2026, 4, 8, 9, tzinfo=UTC)),  # its hour has just come
        ({"weekday": 3}, 13, NOW, datetime(2026, 4, 1, 10, tzinfo=UTC)),
        ({"weekday": 7}, 1, NOW, datetime(2026, 4, 4, 22, tzinfo=UTC)),  # still Saturday in UTC
        ({"month_day": 28}, 9, NOW, datetime(2026, 4, 28, 6, tzinfo=UTC)),
        ({"month_day": LAST_DAY}, 9, NOW, datetime(2026, 4, 30, 6, tzinfo=UTC)),
        (
            {"month_day": LAST_DAY},
            9,
            datetime(2028, 2, 1, tzinfo=UTC),
            datetime(2028, 2, 29, 6, tzinfo=UTC),
        ),
        (
            {"month_day": LAST_DAY},
            0,
            datetime(2026, 12, 31, tzinfo=UTC),
            datetime(2027, 1, 30, 21, tzinfo=UTC),
        ),
    ],
)
def test_a_schedule_chooses_its_weekday_or_its_day_of_the_month(
    fields: dict[str, int], hour: int, after: datetime, expected: datetime
) -> None:
    report = ReportFactory.build(
        organization=OrganizationFactory.build(time_zone="Europe/Moscow"),
        schedule=Schedule.WEEKLY if "weekday" in fields else Schedule.MONTHLY,
        hour=hour,
        **fields,
    )

    assert next_run(report, after=after) == expected


def test_clocks_that_change_leave_the_hour_as_it_is() -> None:
    berlin = OrganizationFactory.build(time_zone="Europe/Berlin")
    report = ReportFactory.build(organization=berlin, schedule=Schedule.WEEKLY, weekday=7, hour=9)

    first = next_run(report, after=datetime(2026, 3, 20, tzinfo=UTC))
    second = next_run(report, after=first)

    assert first == datetime(2026, 3, 22, 8, tzinfo=UTC)
    assert second == datetime(2026, 3, 29, 7, tzinfo=UTC)


@pytest.mark.parametrize("fields", [{"weekday": 0}, {"weekday": 8}, {"month_day": 0}, {"month_day": 29}])
def test_no_schedule_names_a_day_that_some_week_or_month_lacks(fields: dict[str, int]) -> None:
    report = ReportFactory()

    with pytest.raises(ValidationError):
        services.change_report(report=report, now=NOW, **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(**fields)


def test_another_day_moves_the_next_run_and_leaves_the_recipients() -> None:
    report = scheduled(Schedule.WEEKLY)
    report.channels.set([mail_of(member_of(report.organization))])

    services.change_report(report=report, now=NOW, weekday=5)

    report.refresh_from_db()
    assert report.next_run_at == datetime(2026, 4, 3, 6, tzinfo=UTC)
    assert report.channels.count() == 1
    assert AuditEntry.objects.get(action="report.changed").changes == {"weekday": [1, 5]}


@pytest.mark.parametrize(
    ("fields", "now", "day"),
    [
        ({"schedule": Schedule.WEEKLY, "weekday": 5}, NOW, date(2026, 3, 27)),
        ({"schedule": Schedule.MONTHLY, "month_day": 15}, NOW, date(2026, 3, 15)),
        ({"schedule": Schedule.MONTHLY, "month_day": LAST_DAY}, NOW, date(2026, 3, 31)),
        (
            {"schedule": Schedule.MONTHLY, "month_day": LAST_DAY},
            NOW - timedelta(hours=28),  # eight in the morning of the last day
            date(2026, 2, 28),
        ),
    ],
)
def test_a_late_run_stands_for_the_day_that_the_schedule_chose(
    fields: dict[str, Any], now: datetime, day: date
) -> None:
    report = ReportFactory(hour=9, next_run_at=now - timedelta(days=1), **fields)

    services.request_due(now=now)

    assert report.runs.get().scheduled_date == day


def test_one_printing_serves_pdf_and_png(monkeypatch) -> None:
    printings = []

    def printed(document: Any) -> bytes:
        printings.append(document)
        return b"%PDF"

    monkeypatch.setattr(pdf, "render", printed)
    monkeypatch.setattr(png, "render", lambda content: content + b" as PNG")
    run, _joined = services.request_run(report=ReportFactory(formats=["png", "pdf", "html"]), now=NOW)

    services.make_run(run_id=run.pk, now=NOW)

    assert len(printings) == 1
    assert {path.read_bytes() for path in stored() if path.suffix in (".pdf", ".png")} == {
        b"%PDF",
        b"%PDF as PNG",
    }


def test_a_run_leaves_its_files_and_what_was_known(settings) -> None:
    organization = estate().organization
    report = ReportFactory(organization=organization, formats=["html", "csv", "xlsx"], name="Costs / March")

    run, joined = services.request_run(report=report, now=NOW)
    again, joined_again = services.request_run(report=report, now=NOW)
    services.make_run(run_id=run.pk, now=NOW)
    services.make_run(run_id=run.pk, now=NOW)

    run.refresh_from_db()
    assert (joined, joined_again, again.pk) == (False, True, run.pk)
    assert (run.first_date, run.last_date) == (date(2026, 3, 1), date(2026, 3, 31))
    assert run.status == RunStatus.PARTIAL  # the last day is known in part
    assert run.state["incomplete"] == ["2026-03-31"]
    assert run.done_count == run.step_count == 4
    assert [one.name for one in run.files.order_by("pk")] == [
        "Costs _ March 2026-03-01 2026-03-31.html",
        "Costs _ March 2026-03-01 2026-03-31.zip",
        "Costs _ March 2026-03-01 2026-03-31.xlsx",
    ]
    assert sum(path.stat().st_size for path in stored()) == sum(one.size_bytes for one in run.files.all())
    assert run.sent_at is None


def test_a_format_that_fails_is_told_and_the_others_are_made(monkeypatch) -> None:
    def fail(*_args: object) -> bytes:
        raise ValueError

    def missing() -> None:
        raise pdf.PdfMissing

    monkeypatch.setattr(pdf, "_weasyprint", missing)
    monkeypatch.setattr(html, "_style", fail)
    report = ReportFactory(formats=["pdf", "html", "csv"])
    run, _joined = services.request_run(report=report, now=NOW)
    alone, _joined = services.request_run(report=ReportFactory(formats=["pdf"]), now=NOW)

    for one in (run, alone):
        services.make_run(run_id=one.pk, now=NOW)
        one.refresh_from_db()

    assert run.status == RunStatus.PARTIAL
    assert [one.format for one in run.files.all()] == ["csv"]
    assert [problem["code"] for problem in run.problems] == ["no_pango", "format"]
    assert alone.status == RunStatus.ERROR


def test_a_due_report_is_made_once_a_day_however_often_it_is_asked_for() -> None:
    report = scheduled()
    ReportFactory()
    leaving = scheduled(organization=OrganizationFactory(deletion_at=NOW + timedelta(days=9)))

    first = services.request_due(now=NOW)
    Report.objects.filter(pk=report.pk).update(next_run_at=NOW)  # as if another worker had not seen it
    services.make_run(run_id=first[0], now=NOW)
    second = services.request_due(now=NOW + timedelta(minutes=2))
    tomorrow = services.request_due(now=NOW + timedelta(days=1))
    late = services.request_due(now=NOW + timedelta(days=6))

    report.refresh_from_db()
    days = list(report.runs.order_by("pk").values_list("scheduled_date", flat=True))
    assert (len(first), second, len(tomorrow)) == (1, [], 1)
    assert late == []  # the second one is still being made: it waits
    assert days == [date(2026, 4, 1), date(2026, 4, 2)]
    assert not leaving.runs.exists()


def test_what_was_missed_is_caught_up_once_for_its_latest_day() -> None:
    report = scheduled(Schedule.WEEKLY)
    report.period = "last_week"
    report.next_run_at = NOW - timedelta(days=40)
    report.save()

    services.request_due(now=NOW)

    run = report.runs.get()
    report.refresh_from_db()
    assert run.scheduled_date == date(2026, 3, 30)
    assert (run.first_date, run.last_date) == (date(2026, 3, 23), date(2026, 3, 29))
    assert report.next_run_at == datetime(2026, 4, 6, 6, tzinfo=UTC)


def test_what_a_dead_worker_held_is_made_and_sent_by_another() -> None:
    report = ReportFactory()
    held = ReportRunFactory(
        report=report, status=RunStatus.RUNNING, attempts=1, claimed_until=NOW - timedelta(seconds=1)
    )
    given_up = ReportRunFactory(
        status=RunStatus.RUNNING, attempts=services.ATTEMPTS, claimed_until=NOW - timedelta(seconds=1)
    )
    busy = ReportRunFactory(status=RunStatus.RUNNING, attempts=1, claimed_until=NOW + timedelta(minutes=1))
    unsent = ReportRunFactory(scheduled_date=date(2026, 3, 1), claimed_until=NOW - timedelta(seconds=1))
    earlier = ReportRunFactory(report=unsent.report, scheduled_date=date(2026, 2, 1))
    unsent.report.channels.set([mail_of(member_of(unsent.organization))])
    to_nobody = ReportRunFactory(scheduled_date=date(2026, 3, 1), claimed_until=NOW - timedelta(seconds=1))

    handed_out = services.reap(now=NOW)

    for run in (held, given_up, busy, unsent, to_nobody, earlier):
        run.refresh_from_db()
    assert handed_out == [held.pk]
    assert (held.status, given_up.status, busy.status) == ("queued", "error", "running")
    assert (unsent.sent_at, unsent.claimed_until) == (NOW, None)
    assert (to_nobody.sent_at, earlier.sent_at) == (None, None)  # nobody waited for them


def test_a_failing_run_is_tried_again_and_then_says_so(monkeypatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(services, "make_document", fail)
    run, _joined = services.request_run(report=ReportFactory(), now=NOW)

    statuses = []
    for _attempt in range(services.ATTEMPTS):
        services.make_run(run_id=run.pk, now=NOW)
        run.refresh_from_db()
        statuses.append(run.status)

    assert statuses == ["queued", "queued", "error"]
    assert run.problems == [{"code": "failed", "name": ""}]


def test_a_scheduled_report_reaches_members_who_want_it_with_its_files_once(bot, settings) -> None:
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    organization = estate().organization
    reader, muted, gone = (member_of(organization, Role.VIEWER) for _number in range(3))
    stranger = member_of(OrganizationFactory())
    chat = Channel.objects.create(
        user=reader, kind=Channel.Kind.TELEGRAM, address="chat", configuration={"chat_id": 7}
    )
    hook, _secret = add_webhook(user=reader, name="hook", url=f"{bot.url}/hook")
    report = scheduled(organization=organization, formats=["html", "csv"], name="Daily")
    report.channels.set([mail_of(user) for user in (reader, muted, gone, stranger)] + [chat, hook])
    set_preferences(user=muted, modes={(mail_of(muted).pk, "report.ready"): Mode.OFF})
    Membership.objects.filter(user=gone).delete()
    bot.answers = [(200, {"ok": True, "result": {}})]

    with time_machine.travel(NOW, tick=False):
        (run_id,) = services.request_due(now=NOW)
        services.make_run(run_id=run_id, now=NOW)
        run = ReportRun.objects.get(pk=run_id)
        with pytest.raises(services.ReportNotPossible):
            services.send_run(run=run, now=NOW)
        announcements.report_ready(run=run, now=NOW)
        for _number in range(2):
            delivery.deliver_due(now=timezone.now())

    (letter,) = mail.outbox
    assert letter.to == [reader.email]
    assert "Daily" in letter.subject
    assert "Known only in part" in letter.body
    assert [name for name, _content, _type in letter.attachments] == [
        one.name for one in run.files.order_by("pk")
    ]
    telegram = [(path, body) for path, _headers, body in bot.requests if "hook" not in path]
    assert [path.rpartition("/")[2] for path, _body in telegram] == ["sendMediaGroup"]
    assert telegram[0][1].count(b"filename=") == 2
    (payload,) = bot.bodies("/hook")
    assert payload["items"][0]["data"]["files"][0]["url"].endswith(
        f"/api/v1/report-runs/{run_id}/files/html/"
    )
    assert payload["items"][0]["url"].endswith(f"/reports/{report.pk}/")
    assert Delivery.objects.count() == 3


def test_one_file_goes_as_a_document_and_large_ones_only_as_a_link(bot, monkeypatch) -> None:
    organization = OrganizationFactory()
    reader = member_of(organization)
    chat = Channel.objects.create(
        user=reader, kind=Channel.Kind.TELEGRAM, address="chat", configuration={"chat_id": 7}
    )
    report = ReportFactory(organization=organization)
    report.channels.set([chat])
    bot.answers = [(200, {"ok": True, "result": {}})]

    def sent() -> str:
        run, _joined = services.request_run(report=report, now=NOW)
        services.make_run(run_id=run.pk, now=NOW)
        run.refresh_from_db()
        services.send_run(run=run, now=timezone.now())
        delivery.deliver_due(now=timezone.now())
        return bot.requests[-1][0].rpartition("/")[2]

    one_file = sent()
    monkeypatch.setattr(announcements, "ATTACHED_BYTES", 10)
    too_large = sent()

    assert (one_file, too_large) == ("sendDocument", "sendMessage")
    assert json.loads(bot.requests[-1][2])["text"].count(".html") == 1


def test_runs_are_kept_as_long_as_the_report_says_and_orphans_go(django_capture_on_commit_callbacks) -> None:
    report = ReportFactory(retention_days=30)
    old, young, active = (
        ReportRunFactory(report=report, requested_at=NOW - timedelta(days=days), status=status)
        for days, status in ((31, "success"), (29, "success"), (40, "running"))
    )
    for run in (old, young):
        one = ReportFile(
            organization=report.organization, run=run, format="html", name="a.html", size_bytes=1
        )
        one.file.save(f"{run.pk}.html", ContentFile(b"x"))
    orphan = Path(django_settings.MEDIA_ROOT) / "reports" / "orphan.html"
    orphan.write_bytes(b"x")

    os.utime(orphan, (0, 0))
    young_orphan = orphan.with_name("young.html")
    young_orphan.write_bytes(b"x")

    with django_capture_on_commit_callbacks(execute=True):
        removed = services.remove_old(now=NOW)

    assert removed == 1
    assert set(report.runs.values_list("pk", flat=True)) == {young.pk, active.pk}
    assert {path.name for path in stored()} == {f"{young.pk}.html", "young.html"}

    with django_capture_on_commit_callbacks(execute=True):
        services.delete_report(report=report)
    assert stored() == [young_orphan]


def test_the_builder_keeps_order_checks_names_and_audits() -> None:
    organization = OrganizationFactory()
    report = services.create_report(organization=organization, name="A", template="finops", language="ru")
    kinds = [one["kind"] for one in report.sections]
    first, second = report.sections[0]["id"], report.sections[1]["id"]
    member, stranger = member_of(organization), member_of(OrganizationFactory())

    services.move_section(report=report, section_id=first, by=1)
    services.move_section(report=report, section_id=second, by=-1)
    services.remove_section(report=report, section_id=first)
    added = services.add_section(report=report, kind="balances", options={})
    with pytest.raises(ValidationError):
        services.add_section(report=report, kind="unheard-of", options={})
    with pytest.raises(ValidationError):
        services.create_report(organization=organization, name="a", template="", language="ru")
    with pytest.raises(ValidationError):
        services.change_report(report=report, now=NOW, channels=[], formats=[])
    report.refresh_from_db()
    services.change_report(
        report=report, now=NOW, channels=[mail_of(member), mail_of(stranger)], schedule=Schedule.DAILY
    )

    assert [one["kind"] for one in report.sections] == [*kinds[1:], "balances"]
    assert report.sections[-1]["id"] == added
    assert list(report.channels.values_list("user_id", flat=True)) == [member.pk]
    assert report.next_run_at == datetime(2026, 4, 2, 6, tzinfo=UTC)
    assert services.free_name(organization, "a") == "a 2"
    actions = AuditEntry.objects.filter(organization_id=organization.pk).values_list("action", flat=True)
    assert sorted(set(actions)) == ["report.changed", "report.created"]


def test_tasks_make_what_is_due_and_remove_what_is_old() -> None:
    report = scheduled()
    report.channels.set([mail_of(member_of(report.organization))])

    with time_machine.travel(NOW, tick=False):
        tasks.make_due_reports()
        tasks.remove_old_reports()

    assert report.runs.get().sent_at == NOW
    with pytest.raises(services.ReportNotPossible):
        services.send_run(run=ReportRunFactory(), now=NOW)
