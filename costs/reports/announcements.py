"""How a report reaches its recipients: as a message with its files; see `accounts.notifications`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.notifications import kinds
from accounts.notifications.services import notify
from accounts.notifications.wording import absolute_url

if TYPE_CHECKING:  # models are loaded after the app that registers the kind
    from costs.reports.models import ReportRun

ATTACHED_BYTES = 10 * 1024 * 1024
"""Of all files of one message: more than that mail servers refuse, so then only the link is sent."""


def _read(data: Mapping[str, Any]) -> Mapping[str, Any]:
    from costs.reports.state import DataState

    return {
        "first_date": date.fromisoformat(data["first_date"]),
        "last_date": date.fromisoformat(data["last_date"]),
        "state": DataState.from_json(data["state"]).sentences(),
    }


def _attach(data: Mapping[str, Any]) -> Sequence[kinds.Attachment]:
    """The run's files; none where they were removed meanwhile, or are too large to be sent."""
    from costs.reports.models import ReportFile
    from costs.reports.renderers import RENDERERS

    files = list(ReportFile.objects.filter(run=data["run"]).order_by("pk"))
    if sum(file.size_bytes for file in files) > ATTACHED_BYTES:
        return ()
    attached = []
    for one in files:
        with suppress(FileNotFoundError), one.file.open("rb") as content:
            attached.append(
                kinds.Attachment(
                    name=one.name,
                    content_type=RENDERERS[one.format].content_type,
                    content=content.read(),
                )
            )
    return attached


KIND = kinds.Kind(code="report.ready", label=_("A report that is sent to you"), enrich=_read, attach=_attach)


def report_ready(*, run: ReportRun, now: datetime) -> None:
    """Tells the report's recipients once of each run; the same run again tells nobody."""
    from costs.reports.queries import recipients_of

    report = run.report
    files = run.files.order_by("pk")
    notify(
        KIND.code,
        organization=run.organization,
        key=f"run-{run.pk}",
        data={
            "report": report.name,
            "run": run.pk,
            "status": run.status,
            "first_date": run.first_date.isoformat(),
            "last_date": run.last_date.isoformat(),
            "state": run.state,
            "files": [
                {
                    "name": one.name,
                    "format": one.format,
                    "bytes": one.size_bytes,
                    "url": absolute_url(reverse("api:report_run-file", args=[run.pk, one.format])),
                }
                for one in files
            ],
        },
        path=reverse("reports:report_detail", args=[report.pk]),
        channels=recipients_of(report),
        now=now,
    )
