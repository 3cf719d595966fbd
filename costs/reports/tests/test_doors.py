"""The pages, the API, the admin and the command of reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from costs.explorer.models import SavedView
from costs.explorer.tests.estate import estate
from costs.reports import services
from costs.reports.models import LAST_DAY, Report, ReportFile, ReportRun, RunStatus
from costs.reports.tests.factories import ReportFactory, ReportRunFactory
from costs.unit_costs.tests.factories import UnitMetricFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def organization(client: Client) -> Any:
    """A manager of it is signed in."""
    found = OrganizationFactory()
    client.force_login(member_of(found, Role.MANAGER))
    return found


def url(name: str, *args: Any) -> str:
    return reverse(f"reports:{name}", args=args)


def file_of(run: ReportRun, content: bytes = b"<script>") -> ReportFile:
    one = ReportFile(organization=run.organization, run=run, format="html", name="Costs.html", size_bytes=8)
    one.file.save("costs.html", ContentFile(content))
    return one


def test_a_person_builds_a_report_without_javascript(client: Client, organization: Any) -> None:
    colleague = member_of(organization, Role.VIEWER)
    view = SavedView.objects.create(
        organization=organization, name="Shop", is_shared=True, query="group=region"
    )
    SavedView.objects.create(organization=organization, name="Somebody's own", query="")
    SavedView.objects.create(organization=OrganizationFactory(), name="Strangers'", is_shared=True)

    offered = client.get(url("report_new"))
    made = client.post(url("report_new"), {"template": "cto"})
    report = Report.objects.get()
    client.post(url("report_new"), {"template": "empty"})
    nothing = client.post(url("report_new"))
    form = client.get(url("report_edit", report.pk))
    given = {
        "name": "Monthly",
        "period": "last_week",
        "formats": ["html", "csv"],
        "language": "ru",
        "schedule": "weekly",
        "weekday": "4",
        "month_day": "31",
        "hour": "7",
        "retention_days": "30",
        "channels": [str(services.queries.recipients(organization).get(user=colleague).pk)],
    }
    bad = client.post(url("report_edit", report.pk), {**given, "formats": [], "hour": "24"})
    no_day = client.post(url("report_edit", report.pk), {**given, "weekday": "8", "month_day": "30"})
    saved = client.post(url("report_edit", report.pk), given)
    added = client.post(url("section_add", report.pk), {"kind": "view"})
    unknown = client.post(url("section_add", report.pk), {"kind": "no-such"})
    options = client.get(added["Location"])
    refused = client.post(added["Location"], {"query": "group=colour", "shows": "both", "rows": "5"})
    chosen = client.post(added["Location"], {"saved_view": str(view.pk), "shows": "table", "rows": "5"})
    report.refresh_from_db()
    last = report.sections[-1]
    moved = client.post(url("section_move", report.pk, last["id"]), {"direction": "up"})
    removed = client.post(
        url("section_remove", report.pk, report.sections[0]["id"]), headers={"HX-Request": "true"}
    )

    assert "For FinOps" in offered.text
    assert made["Location"] == url("report_edit", report.pk)
    assert colleague.display_name in form.text
    assert [answer.status_code for answer in (bad, no_day, unknown, refused, nothing)] == [422] * 5
    assert Report.objects.get(name="Report").sections == []
    assert "There is no dimension “colour” to group by." in refused.text
    assert "Shop" in options.text
    assert "Somebody" not in options.text
    assert "Strangers" not in options.text
    assert saved["Location"] == chosen["Location"] == url("report_detail", report.pk)
    assert last["options"]["title"] == "Shop"
    assert moved["Location"].endswith("#sections")
    assert "<html" not in removed.text
    report.refresh_from_db()
    kinds = [one["kind"] for one in report.sections]
    assert kinds == ["view", "view", "view", "view", "anomalies", "view", "recommendations"]
    assert report.sections[-2]["id"] == last["id"]
    page = client.get(url("report_detail", report.pk))
    assert "Every Thursday, 07:00" in page.text
    assert report.month_day == LAST_DAY
    assert colleague.display_name in page.text


def test_a_run_is_followed_downloaded_sent_and_deleted(client: Client) -> None:
    organization = estate().organization
    member = member_of(organization, Role.OWNER)
    client.force_login(member)
    report = ReportFactory(organization=organization, name="Costs")
    services.ensure_recipients(organization)
    with time_machine.travel(NOW, tick=False):
        queued, _joined = services.request_run(report=report, now=NOW)
        waiting = client.get(url("run_list", report.pk))
        services.make_run(run_id=queued.pk, now=NOW)
        without = client.post(url("run_send", queued.pk), follow=True)
        report.channels.set(services.queries.recipients(organization))
        page = client.get(url("report_detail", report.pk))
        sent = client.post(url("run_send", queued.pk), follow=True)
        again = client.post(url("run_send", queued.pk), follow=True)
        preview = client.get(url("report_preview", report.pk))
    found = queued.files.get()
    download = client.get(url("file_download", found.pk))
    content = b"".join(download.streaming_content)
    client.post(url("run_delete", queued.pk))

    assert "every 2s" in waiting.text
    assert "every 2s" not in page.text
    assert "Known only in part: 31" in page.text
    assert "The report has no recipients." in without.text
    assert "on its way" in sent.text
    assert "It was sent already." in again.text
    assert "<style" not in preview.text
    assert "429" not in preview["Content-Security-Policy"]
    assert download["Content-Disposition"].startswith("attachment;")
    assert b"<style>" in content
    assert not report.runs.exists()
    actions = set(AuditEntry.objects.filter(actor_id=member.pk).values_list("action", flat=True))
    assert {"report.sent", "report.downloaded", "report.run_deleted"} <= actions
    assert client.get(url("file_download", found.pk)).status_code == 404


def test_a_button_makes_the_report_at_once(
    client: Client, organization: Any, django_capture_on_commit_callbacks: Any
) -> None:
    report = ReportFactory(organization=organization)

    with django_capture_on_commit_callbacks(execute=True):
        plain = client.post(url("run_start", report.pk))
    with django_capture_on_commit_callbacks(execute=False):
        fragment = client.post(url("run_start", report.pk), headers={"HX-Request": "true"})

    assert plain["Location"] == url("report_detail", report.pk)
    assert "every 2s" in fragment.text
    assert list(report.runs.order_by("pk").values_list("status", flat=True)) == ["partial", "queued"]
    assert report.runs.order_by("pk")[0].sent_at is None


def test_viewers_look_and_strangers_find_nothing(client: Client) -> None:
    run = ReportRunFactory()
    report, one = run.report, file_of(run)
    reads = [
        url("report_detail", report.pk),
        url("report_preview", report.pk),
        url("file_download", one.pk),
        f"/api/v1/report-runs/{run.pk}/files/html/",
    ]
    writes = [
        url("report_edit", report.pk),
        url("run_start", report.pk),
        url("run_send", run.pk),
        url("run_delete", run.pk),
        url("report_delete", report.pk),
        url("section_remove", report.pk, "aaaa"),
        f"/api/v1/reports/{report.pk}/run/",
    ]

    def asked(user: Any) -> tuple[list[int], list[int]]:
        client.force_login(user)
        statuses = []
        for address in reads:
            answer = client.get(address)
            b"".join(answer.streaming_content if answer.streaming else [])
            statuses.append(answer.status_code)
        return statuses, [client.post(address).status_code for address in writes]

    assert asked(member_of(report.organization, Role.VIEWER)) == ([200] * 4, [403] * 7)
    assert asked(member_of(OrganizationFactory(), Role.OWNER)) == ([404] * 4, [404] * 7)
    assert ReportRun.objects.count() == 1


def test_deleting_asks_first_and_takes_the_files(
    client: Client, organization: Any, django_capture_on_commit_callbacks: Any
) -> None:
    run = ReportRunFactory(report=ReportFactory(organization=organization))
    one = file_of(run)

    asked = client.get(url("report_delete", run.report_id))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("report_delete", run.report_id))

    assert "1 run and its files" in asked.text
    assert not Report.objects.exists()
    assert not one.file.storage.exists(one.file.name)


@pytest.mark.parametrize("count", [1, 9])
def test_queries_do_not_grow(client: Client, count: int, django_assert_num_queries: Any) -> None:
    organization = estate(days=3 * count).organization
    client.force_login(member_of(organization, Role.MANAGER))
    kinds = ("figures", "view", "budgets", "anomalies", "balances")
    sections = [{"id": kind, "kind": kind, "options": {}} for kind in kinds]
    reports = [
        ReportFactory(organization=organization, sections=sections, period="2026-02", next_run_at=NOW)
        for _ in range(count)
    ]
    for _number in range(count):
        file_of(ReportRunFactory(report=reports[0], status=RunStatus.PARTIAL))
    client.get(url("report_list"))

    with django_assert_num_queries(5):
        client.get(url("report_list"))
    with django_assert_num_queries(10):
        client.get(url("report_detail", reports[0].pk))
    with time_machine.travel(NOW), django_assert_num_queries(30):
        client.get(url("report_preview", reports[0].pk))
    with django_assert_num_queries(6):
        client.get("/api/v1/report-runs/")
    with django_assert_num_queries(5):
        client.get("/api/v1/reports/")


def test_a_script_makes_a_report_and_fetches_it(
    client: Client, organization: Any, django_capture_on_commit_callbacks: Any
) -> None:
    report = ReportFactory(organization=organization, formats=["html", "csv"])

    listed = client.get("/api/v1/reports/").json()["results"]
    with django_capture_on_commit_callbacks(execute=True):
        begun = client.post(f"/api/v1/reports/{report.pk}/run/")
    run = client.get("/api/v1/report-runs/", {"report": report.pk}).json()["results"][0]
    answer = client.get(run["files"][0]["url"])

    assert [one["name"] for one in listed] == [report.name]
    assert (begun.status_code, begun.json()["status"]) == (202, "queued")
    assert (run["id"], run["status"]) == (begun.json()["id"], "partial")
    assert run["state"]["known_until"] is None
    assert [one["format"] for one in run["files"]] == ["html", "csv"]
    assert answer["Content-Type"] == "text/html"
    assert b"".join(answer.streaming_content).lstrip().startswith(b"<!DOCTYPE html>")


def test_a_script_changes_when_a_report_is_made(client: Client, organization: Any) -> None:
    report = ReportFactory(organization=organization)
    other = ReportFactory(organization=organization)
    address = f"/api/v1/reports/{report.pk}/"

    def patch(**fields: Any) -> Any:
        return client.patch(address, fields, content_type="application/json")

    with time_machine.travel(NOW, tick=False):
        changed = patch(schedule="monthly", month_day=31, hour=7, period="last_week")
    refused = [
        patch(weekday=0),
        patch(month_day=29),
        patch(hour=24),
        patch(formats=["doc"]),
        patch(formats=[]),
        patch(period="once"),
        patch(name=other.name.upper()),
    ]
    put = client.put(address, {}, content_type="application/json")
    ignored = patch(sections=[], next_run_at="2030-01-01T00:00:00Z")

    assert changed.status_code == 200
    assert changed.json() | {"schedule": "monthly", "weekday": 1, "month_day": 31} == changed.json()
    assert changed.json()["next_run_at"] == "2026-04-30T04:00:00Z"
    assert [(answer.status_code, list(answer.json()["errors"])) for answer in refused] == [
        (400, [field]) for field in ("weekday", "month_day", "hour", "formats.0", "formats", "period", "name")
    ]
    assert put.status_code == 405
    assert ignored.json() == changed.json()
    report.refresh_from_db()
    assert len(report.sections) == 1
    assert AuditEntry.objects.filter(action="report.changed").count() == 1


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"schedule": "none"}, "Only by hand"),
        ({"schedule": "daily"}, "Every day, 09:00"),
        ({"schedule": "weekly", "weekday": 7}, "Every Sunday, 09:00"),
        ({"schedule": "monthly", "month_day": 15}, "On day 15 of the month, 09:00"),
        ({"schedule": "monthly", "month_day": LAST_DAY}, "On the last day of the month, 09:00"),
    ],
)
def test_pages_and_admin_say_the_day_that_was_chosen(
    client: Client, organization: Any, fields: dict[str, Any], label: str
) -> None:
    report = ReportFactory(organization=organization, **fields)

    pages = [client.get(url("report_list")), client.get(url("report_detail", report.pk))]
    client.force_login(UserFactory(super_admin=True))
    pages.append(client.get(reverse("admin:reports_report_changelist")))
    pages.append(client.get(reverse("admin:reports_report_change", args=[report.pk])))

    assert [label in page.text for page in pages] == [True] * 4


def test_the_command_writes_a_file(tmp_path: Any, capsys: Any) -> None:
    report = ReportFactory(name="Monthly")
    target = tmp_path / "report.html"

    call_command("costs", "report", "Monthly", "-o", str(target))
    for arguments in (["Weekly", "-o", str(target)], ["Monthly", "-o", str(tmp_path / "x.doc")]):
        with pytest.raises(CommandError):
            call_command("costs", "report", *arguments)

    assert report.name in target.read_text()
    assert "No costs are known yet." in capsys.readouterr().out


def test_administrators_see_what_was_made_and_change_nothing(client: Client) -> None:
    client.force_login(UserFactory(super_admin=True))
    run = ReportRunFactory(problems=[{"code": "no_pango", "name": "PDF"}])
    file_of(run)
    UnitMetricFactory(organization=run.organization)

    for address in (
        reverse("admin:reports_report_changelist"),
        reverse("admin:reports_report_change", args=[run.report_id]),
        reverse("admin:reports_reportrun_changelist"),
    ):
        assert run.report.name in client.get(address).text
    page = client.get(reverse("admin:reports_reportrun_change", args=[run.pk]))

    assert "pango is missing: PDF." in page.text
    assert "Costs.html" in page.text
    assert client.get(reverse("admin:reports_report_add")).status_code == 403
