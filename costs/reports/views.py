"""Pages of reports: the list, the builder, the preview, runs with their files."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, organization_required, writer_required
from accounts.audit.services import record
from costs.reports import presentation, queries, services, tasks
from costs.reports.document import make_document
from costs.reports.forms import ReportForm, SectionForm, initial_of
from costs.reports.models import Report, ReportFile, ReportRun
from costs.reports.presets import PRESETS
from costs.reports.renderers import RENDERERS, html, pdf
from costs.reports.sections import section_kinds

UNPROCESSABLE = 422
RUNS_SHOWN = 20
EMPTY = "empty"
"""The template that is none."""


@organization_required
@require_safe
def report_list(request: UserRequest) -> HttpResponse:
    context = {
        "reports": presentation.reports(queries.reports(request.organization)),
        "may_write": request.membership.may_write,
    }
    return render(request, "reports/report_list.html", context)


@writer_required
def report_new(request: UserRequest) -> HttpResponse:
    """GET shows the templates; POST makes a report from `template`, one of them or EMPTY."""
    template = request.POST.get("template", "")
    if template in PRESETS or template == EMPTY:
        name = str(PRESETS[template].label) if template in PRESETS else _("Report")
        report = services.create_report(
            organization=request.organization,
            name=services.free_name(request.organization, name),
            template=template.removeprefix(EMPTY),
            language=get_language() or settings.LANGUAGE_CODE,
        )
        return redirect("reports:report_edit", report.pk)
    kinds = section_kinds()
    context = {
        "presets": [
            {
                "key": key,
                "preset": preset,
                "sections": [one.title or kinds[one.kind].label for one in preset.sections],
            }
            for key, preset in PRESETS.items()
        ],
        "empty": EMPTY,
    }
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "reports/report_new.html", context, status=status)


@organization_required
@require_safe
def report_detail(request: UserRequest, pk: int) -> HttpResponse:
    """`page` is of the archive."""
    report = _report_or_404(request, pk)
    return _detail(request, report)


@writer_required
def report_edit(request: UserRequest, pk: int) -> HttpResponse:
    report = _report_or_404(request, pk)
    services.ensure_recipients(request.organization)
    form = ReportForm(
        request.POST if request.method == "POST" else None,
        initial=initial_of(report),
        organization=request.organization,
        report=report,
    )
    if request.method == "POST" and form.is_valid():
        given = {**form.cleaned_data, "channels": list(form.cleaned_data["channels"])}
        try:
            services.change_report(report=report, now=timezone.now(), **given)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("reports:report_detail", report.pk)
    context = {"form": form, "report": report, "has_pdf": pdf.is_available()}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "reports/report_edit.html", context, status=status)


@writer_required
def report_delete(request: UserRequest, pk: int) -> HttpResponse:
    """GET asks, POST does."""
    report = _report_or_404(request, pk)
    if request.method == "POST":
        services.delete_report(report=report)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": report.name})
        return redirect("reports:report_list")
    context = {"report": report, "run_count": report.runs.count()}
    return render(request, "reports/report_delete.html", context)


@never_cache
@organization_required
@require_safe
def report_preview(request: UserRequest, pk: int) -> HttpResponse:
    """The report of now, as its HTML file will look."""
    made = make_document(_report_or_404(request, pk), now=timezone.now())
    return HttpResponse(html.page(made.document))


@writer_required
@require_POST
def section_add(request: UserRequest, pk: int) -> HttpResponse:
    """A section with options leads to them; its defaults hold until they are saved."""
    report = _report_or_404(request, pk)
    form = SectionForm(request.POST)
    if not form.is_valid():
        return _detail(request, report, section_form=form, status=UNPROCESSABLE)
    kind = section_kinds()[form.cleaned_data["kind"]]
    try:
        section = services.add_section(report=report, kind=kind.key, options={})
    except ValidationError as error:
        form.add_error("kind", error)
        return _detail(request, report, section_form=form, status=UNPROCESSABLE)
    if kind.form is not None:
        return redirect("reports:section_edit", report.pk, section)
    return _changed(request, report)


@writer_required
def section_edit(request: UserRequest, pk: int, section: str) -> HttpResponse:
    report = _report_or_404(request, pk)
    found = _section_or_404(report, section)
    kind = section_kinds().get(found["kind"])
    if kind is None or kind.form is None:
        raise Http404
    bound = request.POST if request.method == "POST" else None
    initial = {name: field.initial for name, field in kind.form.base_fields.items()} | found["options"]
    form = kind.form(bound, initial=initial, organization=request.organization)
    if request.method == "POST" and form.is_valid():
        services.change_section(report=report, section_id=section, options=form.cleaned_data)
        return redirect("reports:report_detail", report.pk)
    context = {"form": form, "report": report, "kind": kind}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "reports/section_edit.html", context, status=status)


@writer_required
@require_POST
def section_move(request: UserRequest, pk: int, section: str) -> HttpResponse:
    """Field `direction`: up or down."""
    report = _report_or_404(request, pk)
    _section_or_404(report, section)
    services.move_section(
        report=report, section_id=section, by=-1 if request.POST.get("direction") == "up" else 1
    )
    return _changed(request, report)


@writer_required
@require_POST
def section_remove(request: UserRequest, pk: int, section: str) -> HttpResponse:
    report = _report_or_404(request, pk)
    _section_or_404(report, section)
    services.remove_section(report=report, section_id=section)
    return _changed(request, report)


@writer_required
@require_POST
def run_start(request: UserRequest, pk: int) -> HttpResponse:
    report = _report_or_404(request, pk)
    try:
        run, _joined = services.request_run(report=report, now=timezone.now(), requested_by=request.user)
    except services.ReportNotPossible as error:
        messages.error(request, str(error))
        return redirect("reports:report_detail", report.pk)
    tasks.make_run.delay_on_commit(run_id=run.pk)  # type: ignore[attr-defined]  # Celery's Django task
    return _runs(request, report) if request.htmx else redirect("reports:report_detail", report.pk)


@never_cache
@organization_required
@require_safe
def run_list(request: UserRequest, pk: int) -> HttpResponse:
    """The archive alone, which asks for itself while a run is being made."""
    return _runs(request, _report_or_404(request, pk))


@writer_required
@require_POST
def run_send(request: UserRequest, pk: int) -> HttpResponse:
    run = _run_or_404(request, pk)
    try:
        services.send_run(run=run, now=timezone.now(), requested_by=request.user)
    except services.ReportNotPossible as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The report is on its way to its recipients."))
    return redirect("reports:report_detail", run.report_id)


@writer_required
@require_POST
def run_delete(request: UserRequest, pk: int) -> HttpResponse:
    run = _run_or_404(request, pk)
    try:
        services.delete_run(run=run)
    except services.ReportNotPossible as error:
        messages.error(request, str(error))
    return redirect("reports:report_detail", run.report_id)


@organization_required
@require_safe
def file_download(request: UserRequest, pk: int) -> FileResponse:
    found: ReportFile = get_object_or_404(ReportFile.objects.of(request.organization), pk=pk)
    return download(found)


def download(found: ReportFile) -> FileResponse:
    """Always as a file to keep: a report's HTML is not a page of this site. It is recorded."""
    try:
        content = found.file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    record("report.downloaded", obj=found, organization=found.organization)
    return FileResponse(
        content,
        as_attachment=True,
        filename=found.name,
        content_type=RENDERERS[found.format].content_type,
    )


def _report_or_404(request: UserRequest, pk: int) -> Report:
    rows = Report.objects.of(request.organization).select_related("organization")
    report: Report = get_object_or_404(rows, pk=pk)
    return report


def _run_or_404(request: UserRequest, pk: int) -> ReportRun:
    run: ReportRun = get_object_or_404(queries.runs(request.organization), pk=pk)
    return run


def _section_or_404(report: Report, section: str) -> dict[str, Any]:
    found = next((one for one in report.sections if one["id"] == section), None)
    if found is None:
        raise Http404
    return dict(found)


def _changed(request: UserRequest, report: Report) -> HttpResponse:
    """The builder's list after a change: alone for htmx, else the page."""
    if not request.htmx:
        return redirect(reverse("reports:report_detail", args=[report.pk]) + "#sections")
    report.refresh_from_db(fields=["sections"])
    return render(request, "reports/_sections.html", _sections_context(request, report, SectionForm()))


def _sections_context(request: UserRequest, report: Report, form: SectionForm) -> dict[str, Any]:
    return {
        "report": report,
        "sections": presentation.sections(report),
        "section_form": form,
        "may_write": request.membership.may_write,
    }


def _runs_context(request: UserRequest, report: Report) -> dict[str, Any]:
    listed = queries.runs(request.organization).filter(report=report)
    page = Paginator(listed, RUNS_SHOWN).get_page(request.GET.get("page"))
    rows = presentation.runs(page, has_recipients=queries.recipients_of(report).exists())
    is_active = any(row["run"].is_active for row in rows)
    return {
        "report": report,
        "runs": rows,
        "page": page,
        "query": "",
        "poll_url": reverse("reports:run_list", args=[report.pk]) if is_active else "",
        "may_write": request.membership.may_write,
    }


def _runs(request: UserRequest, report: Report) -> HttpResponse:
    return render(request, "reports/_runs.html", _runs_context(request, report))


def _detail(
    request: UserRequest, report: Report, section_form: SectionForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        **_runs_context(request, report),
        **_sections_context(request, report, section_form or SectionForm()),
        "period": presentation.period_label(report),
        "formats": presentation.formats_label(report),
        "schedule": presentation.schedule_label(report),
        "next_run": presentation.next_run_label(report),
        "channels": list(queries.recipients_of(report)),
    }
    return render(request, "reports/report_detail.html", context, status=status)
