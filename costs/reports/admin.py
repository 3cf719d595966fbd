"""Reports for administrators: whose, when, and what came of their runs. Read only: they are a tenant's own."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyModelAdmin, ReadOnlyTabularInline, json_fact, object_link
from costs.reports import presentation
from costs.reports.models import Report, ReportFile, ReportRun


@admin.register(Report)
class ReportAdmin(ReadOnlyModelAdmin):
    """Which reports are made, for whom, and when next?"""

    list_display = ["name", "organization_link", "when", "next_run_at", "created_at"]
    list_filter = ["schedule", "weekday", "template", "created_at"]
    search_fields = ["name", "organization__name"]
    list_select_related = ["organization"]
    fields = [
        "name",
        "organization_link",
        "template",
        "period",
        "formats",
        "language",
        "when",
        "next_run_at",
        "retention_days",
        "sections_shown",
        "created_at",
        "updated_at",
    ]
    facts = ["organization_link", "when", "sections_shown"]
    organization_link = object_link("organization", _("organization"))
    sections_shown = json_fact("sections", _("sections"))

    @admin.display(description=_("schedule"), ordering="schedule")
    def when(self, report: Report) -> str:
        return presentation.schedule_label(report)


class ReportFileInline(ReadOnlyTabularInline):
    model = ReportFile
    fields = ["format", "name", "size_bytes"]


@admin.register(ReportRun)
class ReportRunAdmin(ReadOnlyModelAdmin):
    """What was made when, on which data, and what failed?"""

    list_display = ["requested_at", "report_link", "organization_link", "status", "what_failed", "sent_at"]
    list_filter = ["status", "requested_at"]
    search_fields = ["report__name", "organization__name"]
    list_select_related = ["report", "organization"]
    fields = [
        "report_link",
        "organization_link",
        "status",
        "first_date",
        "last_date",
        "scheduled_date",
        "requested_at",
        "finished_at",
        "sent_at",
        "attempts",
        "what_failed",
        "state_shown",
    ]
    facts = ["report_link", "organization_link", "what_failed", "state_shown"]
    inlines = [ReportFileInline]
    report_link = object_link("report", _("report"))
    organization_link = object_link("organization", _("organization"))
    state_shown = json_fact("state", _("state of the data"))

    @admin.display(description=_("problems"))
    def what_failed(self, run: ReportRun) -> str:
        return " ".join(presentation.problem_sentences(run)) or "—"
