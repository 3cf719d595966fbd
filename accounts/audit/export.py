"""The audit trail as a download: JSON lines, streamed, and itself an entry of the trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from accounts.audit import queries
from accounts.audit.models import AuditEntry
from accounts.audit.services import record

CONTENT_TYPE = "application/x-ndjson"


def download(
    entries: QuerySet[AuditEntry], *, request: HttpRequest, organization: Any = None
) -> StreamingHttpResponse:
    """A line an entry, the newest first; records who took it under which filters."""
    record(
        "audit.exported", organization=organization, details={"filters": request.GET.dict()}, request=request
    )
    response = StreamingHttpResponse(_lines(entries), content_type=CONTENT_TYPE)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.jsonl"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    for row in queries.export_rows(entries):
        yield json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False, sort_keys=True) + "\n"
