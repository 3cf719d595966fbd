"""Import of billing files: upload, a preview of what is in it, the import and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required, writer_required
from common.formatting import size_bytes
from costs.models import CostRevision
from infrazen.pages.import_forms import ImportForm
from providers.messages import explain, sentence
from syncs import imports, queries, tasks
from syncs.models import BillingFile, BillingFileStatus, SyncSnapshot, SyncStatus
from syncs.services import SyncNotPossible

UNPROCESSABLE, TOO_LARGE = 422, 413
FORM_BYTES = 1024 * 1024
"""What a request may hold beside the file."""
SHOWN_FILES = 20
SHOWN_REVISIONS = 60
LEVELS = {
    BillingFileStatus.INSPECTED: "progress",
    BillingFileStatus.REFUSED: "error",
    BillingFileStatus.IMPORTED: "success",
}


@csrf_exempt  # the size is looked at before the body is read; `_import_new` asks for the token
@organization_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: UserRequest) -> HttpResponse:
    """The form and the latest files; a POST stores the file and leads to its preview."""
    limit = settings.IMPORT_MAX_BYTES
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if request.method == "POST" and declared.isdecimal() and int(declared) > limit + FORM_BYTES:
        form = ImportForm(organization=request.organization)
        problem = _("The file is larger than %(limit)s. Split it, or compress it with gzip.")
        context = _form_context(request, form) | {"problem": problem % {"limit": size_bytes(limit)}}
        return render(request, "syncs/imports/import_new.html", context, status=TOO_LARGE)
    return _import_new(request)


@csrf_protect
def _import_new(request: UserRequest) -> HttpResponse:
    if request.method == "POST":
        return _upload(request)
    form = ImportForm(organization=request.organization)
    return render(request, "syncs/imports/import_new.html", _form_context(request, form))


@writer_required
def _upload(request: UserRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES, organization=request.organization)
    now = timezone.now()
    if form.is_valid():
        given = form.cleaned_data
        try:
            connection = given.get("connection") or imports.file_connection(
                organization=request.organization,
                provider_type=given["provider_type"] or imports.file_plugins()[0].key,
                connection_name=given["connection_name"],
                now=now,
            )
            billing_file = imports.store_file(
                connection=connection,
                name=given["file"].name,
                content=given["file"].chunks(),
                uploaded_by=request.user,
                now=now,
            )
        except ValidationError as error:
            form.add_error("file" if not hasattr(error, "error_dict") else "connection_name", error.messages)
        else:
            return redirect("syncs:import_detail", billing_file.pk)
    return render(
        request, "syncs/imports/import_new.html", _form_context(request, form), status=UNPROCESSABLE
    )


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def import_detail(request: UserRequest, pk: int) -> HttpResponse:
    """What the file holds, and what became of it; while the import runs, htmx asks for the result alone."""
    billing_file = _file_or_404(request, pk)
    context = _detail_context(request, billing_file)
    template = "syncs/imports/_result.html" if request.htmx else "syncs/imports/import_detail.html"
    return render(request, template, context)


@writer_required
@require_POST
def import_confirm(request: UserRequest, pk: int) -> HttpResponse:
    """Queues the import; `skip_bad_rows=1` imports the good rows of a file that has bad ones."""
    billing_file = _file_or_404(request, pk)
    try:
        snapshot = imports.import_file(
            billing_file=billing_file,
            skip_bad_rows=request.POST.get("skip_bad_rows") == "1",
            requested_by=request.user,
            now=timezone.now(),
        )
    except SyncNotPossible as error:
        if not request.htmx:
            messages.error(request, sentence(str(error)))
            return redirect("syncs:import_detail", billing_file.pk)
        context = _detail_context(request, billing_file) | {"problem": sentence(str(error))}
        return render(request, "syncs/imports/_result.html", context, status=UNPROCESSABLE)
    tasks.run_snapshot.delay_on_commit(snapshot_id=snapshot.pk)  # type: ignore[attr-defined]  # Celery's Django task
    if request.htmx:
        return render(
            request, "syncs/imports/_result.html", _detail_context(request, _file_or_404(request, pk))
        )
    return redirect("syncs:import_detail", billing_file.pk)


def _form_context(request: UserRequest, form: ImportForm) -> dict[str, Any]:
    files = (
        BillingFile.objects.of(request.organization)
        .select_related("connection", "uploaded_by")
        .order_by("-created_at", "-pk")[:SHOWN_FILES]
    )
    return {
        "form": form,
        "limit": size_bytes(settings.IMPORT_MAX_BYTES),
        "files": [{"file": one, "level": LEVELS[BillingFileStatus(one.status)]} for one in files],
        "may_write": request.membership.may_write,
    }


def _detail_context(request: UserRequest, billing_file: BillingFile) -> dict[str, Any]:
    report = billing_file.report
    snapshot = next(iter(billing_file.snapshots.all()), None)
    is_active = bool(snapshot and snapshot.is_active)
    has_bad_rows = bool(report.get("bad_row_count"))
    is_open = billing_file.status == BillingFileStatus.INSPECTED and not is_active
    context = {
        "file": billing_file,
        "level": LEVELS[BillingFileStatus(billing_file.status)],
        "report": _shown_report(report) if "row_count" in report else None,
        "error": _shown_error(report.get("error"), billing_file),
        "snapshot": snapshot,
        "progress": queries.progress_of(snapshot) if snapshot and is_active else None,
        "poll_url": reverse("syncs:import_detail", args=[billing_file.pk]) if is_active else "",
        "sync_problem": explain(snapshot.error, provider_type=billing_file.connection.provider_type)
        if snapshot and snapshot.status == SyncStatus.ERROR
        else None,
        "has_bad_rows": has_bad_rows,
        "may_write": request.membership.may_write,
        "may_import": request.membership.may_write and is_open and not has_bad_rows,
        "may_skip": request.membership.may_write and is_open and has_bad_rows,
        "list_url": f"{reverse('inventory:resource_list')}?connection={billing_file.connection_id}",
        "before": imports.imported_before(billing_file) if is_open else None,
    }
    if snapshot and not is_active and snapshot.status != SyncStatus.ERROR:
        context |= _outcome(snapshot)
    return context


def _outcome(snapshot: SyncSnapshot) -> dict[str, Any]:
    """What the import changed: counts of resources, and the days whose costs it corrected."""
    revisions = CostRevision.objects.filter(snapshot=snapshot).order_by("date", "currency")
    shown = list(revisions[:SHOWN_REVISIONS])
    count = revisions.count() if len(shown) == SHOWN_REVISIONS else len(shown)
    return {
        "revisions": [
            {"row": row, "difference": row.after_billed_cost - row.before_billed_cost} for row in shown
        ],
        "revision_count": count,
        "has_new_lines": snapshot.charge_batches.exists(),
        "skipped": [
            {
                "line": one.get("line"),
                "column": one.get("column", ""),
                "text": sentence(one.get("message", ""), one.get("params")),
            }
            for one in snapshot.findings or []
            if one.get("code") == "invalid_source"
        ],
    }


def _shown_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report with amounts as numbers, instants as instants and sentences in the reader's language."""
    last = parse_datetime(report["charge_period_end"]) if report["charge_period_end"] else None
    first = parse_datetime(report["charge_period_start"]) if report["charge_period_start"] else None
    return {
        **report,
        "first": first.date() if first else None,
        "last": (last - datetime.resolution).date() if last else None,
        "periods": [_amounts(row) for row in report["period_sums"]],
        "services": sorted((_amounts(row) for row in report["service_sums"]), key=lambda row: -row["billed"]),
        "bad": [
            {"line": row["line"], "column": row["column"], "text": sentence(row["message"], row["params"])}
            for row in report["bad_rows"]
        ],
        "remarks": [
            {
                "line": row.get("line"),
                "column": row.get("column", ""),
                "text": sentence(row["message"], row["params"]),
            }
            for row in report["findings"]
        ],
        "remark_count": sum(row["count"] for row in report["finding_counts"]),
        "more_bad": report["bad_row_count"] - len(report["bad_rows"]),
    }


def _amounts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "billed": Decimal(row["billed_cost"]), "effective": Decimal(row["effective_cost"])}


def _shown_error(error: Mapping[str, Any] | None, billing_file: BillingFile) -> dict[str, Any] | None:
    if not error:
        return None
    told = explain(error, provider_type=billing_file.connection.provider_type)
    return {"explanation": told, "line": error.get("line"), "column": error.get("column")}


def _file_or_404(request: UserRequest, pk: int) -> BillingFile:
    newest = SyncSnapshot.objects.select_related("connection").order_by("-pk")
    found: BillingFile = get_object_or_404(
        BillingFile.objects.of(request.organization)
        .select_related("connection", "uploaded_by")
        .prefetch_related(Prefetch("snapshots", queryset=newest)),
        pk=pk,
    )
    return found
