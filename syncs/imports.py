"""Billing files that people give: store one, look into it, import it.

A file is stored under a name of ours inside MEDIA_ROOT, which no address serves. Nothing of it reaches the
inventory or the costs before `import_file` queues its sync.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit.services import record
from accounts.models import Organization, User
from common.files import remove_orphans
from common.formatting import size_bytes
from common.text import gettext_noop
from providers import registry
from providers import services as providers
from providers.contract.errors import ProviderError
from providers.contract.plugin import ProviderPlugin
from providers.messages import stored
from providers.models import ProviderConnection
from providers.plugins.focus.report import FileReport
from syncs.models import BillingFile, BillingFileStatus, SyncSnapshot, SyncTrigger
from syncs.services import SyncNotPossible, request_sync

INSPECTION_SECONDS = 120
"""How long a person waits for the preview; the command has as long as a sync."""

FILES_ROOT = "billing_files"
"""The folder of `BillingFile.file` inside MEDIA_ROOT."""


class InspectsFiles(Protocol):
    """A plugin that can tell what a file holds before it is imported."""

    def inspect(self) -> FileReport: ...


def file_plugins() -> list[type[ProviderPlugin]]:
    """The installed plugins that read files, by name."""
    return [plugin for plugin in registry.plugins().values() if plugin.capabilities.reads_files]


def file_connection(
    *, organization: Organization, provider_type: str, connection_name: str, now: datetime
) -> ProviderConnection:
    """A new connection for files. Raises ValidationError where the name is taken or missing."""
    return providers.create_connection(
        organization=organization,
        provider_type=provider_type,
        connection_name=connection_name,
        credentials={},
        now=now,
        auto_sync=False,
    )


def store_file(
    *,
    connection: ProviderConnection,
    name: str,
    content: Iterable[bytes],
    uploaded_by: User | None,
    now: datetime,
    inspection_seconds: float = INSPECTION_SECONDS,
) -> BillingFile:
    """Write the file to disk piece by piece, look into it, and keep what was found as its report.

    Raises ValidationError for a file larger than `settings.IMPORT_MAX_BYTES`; nothing of it is kept then.
    """
    measured = _Measured(content)
    billing_file = BillingFile(
        organization_id=connection.organization_id,
        connection=connection,
        name=Path(name).name[:255],
        uploaded_by=uploaded_by,
        status=BillingFileStatus.REFUSED,
        size_bytes=0,
    )
    path = f"{secrets.token_hex(16)}.bin"
    try:
        billing_file.file.save(path, measured, save=False)
    except ValidationError:
        field = billing_file.file.field
        billing_file.file.storage.delete(field.generate_filename(billing_file, path))
        raise
    billing_file.sha256 = measured.digest.hexdigest()
    billing_file.size_bytes = measured.byte_count
    billing_file.status, billing_file.report = _inspected(billing_file, now, inspection_seconds)
    with transaction.atomic():
        billing_file.save()
        record(
            "file.uploaded",
            obj=billing_file,
            organization=connection.organization,
            actor=uploaded_by,
            details={"bytes": billing_file.size_bytes, "sha256": billing_file.sha256},
        )
    return billing_file


def import_file(
    *,
    billing_file: BillingFile,
    skip_bad_rows: bool,
    requested_by: User | None,
    now: datetime,
    trigger: SyncTrigger = SyncTrigger.UPLOAD,
) -> SyncSnapshot:
    """Queue the sync that imports the file; the door sends it to a worker.

    Raises SyncNotPossible for a file that was refused, for bad rows that nobody chose to skip, and while another
    file of the connection is being imported.
    """
    if billing_file.status == BillingFileStatus.REFUSED:
        raise SyncNotPossible(gettext_noop("This file cannot be imported. Correct it and upload it again."))
    if billing_file.report.get("bad_row_count") and not skip_bad_rows:
        raise SyncNotPossible(
            gettext_noop(
                "Some rows of this file break the format. Correct them, or choose to import the others."
            )
        )
    BillingFile.objects.filter(pk=billing_file.pk).update(skip_bad_rows=skip_bad_rows)
    billing_file.skip_bad_rows = skip_bad_rows
    snapshot, _joined = request_sync(
        connection=billing_file.connection,
        trigger=trigger,
        now=now,
        requested_by=requested_by,
        billing_file=billing_file,
    )
    return snapshot


def remove_orphan_files(*, now: datetime) -> int:
    """Delete stored files whose connection was deleted, or whose upload broke off; returns how many."""
    return remove_orphans(BillingFile, "file", FILES_ROOT, now=now)


def imported_before(billing_file: BillingFile) -> BillingFile | None:
    """The same content, imported into the same connection by an earlier upload."""
    return (
        BillingFile.objects.filter(
            connection_id=billing_file.connection_id,
            sha256=billing_file.sha256,
            status=BillingFileStatus.IMPORTED,
            pk__lt=billing_file.pk,
        )
        .order_by("-pk")
        .first()
    )


def _inspected(
    billing_file: BillingFile, now: datetime, seconds: float
) -> tuple[BillingFileStatus, dict[str, Any]]:
    """The file's status, and its report or the error that stopped the reading (under `error`)."""
    plugin = providers.open_plugin(
        billing_file.connection,
        now=now,
        source=Path(billing_file.file.path),
        source_name=billing_file.name,
        deadline_seconds=seconds,
    )
    try:
        report = cast(InspectsFiles, plugin).inspect()
    except ProviderError as error:
        place = {"line": getattr(error, "line", None), "column": getattr(error, "column", None)}
        return BillingFileStatus.REFUSED, {"error": {**stored(error), **place}}
    usable = report.good_row_count > 0
    return (BillingFileStatus.INSPECTED if usable else BillingFileStatus.REFUSED), report.as_json()


class _Measured(File):
    """Content on its way to the disk: hashed, counted, and stopped where it grows too large."""

    def __init__(self, content: Iterable[bytes]) -> None:
        super().__init__(None)
        self._content = content
        self.digest = hashlib.sha256()
        self.byte_count = 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for piece in self._content:
            self.byte_count += len(piece)
            if self.byte_count > settings.IMPORT_MAX_BYTES:
                raise ValidationError(
                    _("The file is larger than %(limit)s. Split it, or compress it with gzip.")
                    % {"limit": size_bytes(settings.IMPORT_MAX_BYTES)}
                )
            self.digest.update(piece)
            yield piece
