"""Billing files: what is kept of one, what may be imported, and the command that does it all."""

from __future__ import annotations

import hashlib
import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from common.files import PATIENCE
from providers.models import ProviderConnection
from providers.plugins.focus.tests.files import row, write_csv
from providers.tests.factories import ConnectionFactory
from syncs import imports
from syncs.models import BillingFile, BillingFileStatus, ChargeLine, SyncSnapshot, SyncTrigger
from syncs.services import SyncNotPossible

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def connection(organization) -> ProviderConnection:
    return ConnectionFactory(
        organization=organization, provider_type="focus", connection_name="Files", credentials={}
    )


def store(connection: ProviderConnection, content: bytes, name: str = "bill.csv") -> BillingFile:
    return imports.store_file(
        connection=connection,
        name=name,
        content=[content[:50], content[50:]],
        uploaded_by=None,
        now=timezone.now(),
    )


def csv_of(tmp_path: Path, *rows: dict[str, str]) -> bytes:
    return write_csv(tmp_path / "source.csv", list(rows)).read_bytes()


def confirm(billing_file: BillingFile, *, skip_bad_rows: bool = False) -> SyncSnapshot:
    return imports.import_file(
        billing_file=billing_file, skip_bad_rows=skip_bad_rows, requested_by=None, now=timezone.now()
    )


def test_store_file_keeps_content_hash_and_report_under_a_name_of_ours(connection, media, tmp_path) -> None:
    content = csv_of(tmp_path, row(), row(BilledCost="2.75", ServiceName="Cloudy Storage"))

    kept = store(connection, content, name="../../etc/bill.csv")

    assert (kept.name, kept.size_bytes) == ("bill.csv", len(content))
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert kept.status == BillingFileStatus.INSPECTED
    assert (kept.report["row_count"], kept.report["bad_row_count"]) == (2, 0)
    assert Path(kept.file.path).read_bytes() == content
    assert Path(kept.file.path).is_relative_to(media)
    assert "bill" not in Path(kept.file.path).name


def test_store_file_refuses_what_is_too_large_and_leaves_nothing(
    connection, media, settings, tmp_path
) -> None:
    settings.IMPORT_MAX_BYTES = 100

    with pytest.raises(ValidationError):
        store(connection, csv_of(tmp_path, row()))

    assert BillingFile.objects.count() == 0
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_store_file_refuses_what_is_no_focus_file(connection) -> None:
    kept = store(connection, b"hello,world\n1,2\n")

    assert kept.status == BillingFileStatus.REFUSED
    assert (kept.report["error"]["code"], kept.report["error"]["line"]) == ("invalid_source", 1)
    with pytest.raises(SyncNotPossible):
        confirm(kept)
    assert SyncSnapshot.objects.count() == 0


def test_file_without_a_good_row_is_refused(connection, tmp_path) -> None:
    kept = store(connection, csv_of(tmp_path, row(BilledCost="a lot")))

    assert kept.status == BillingFileStatus.REFUSED
    with pytest.raises(SyncNotPossible):
        confirm(kept, skip_bad_rows=True)


def test_import_file_takes_bad_rows_only_when_they_shall_be_skipped(connection, tmp_path) -> None:
    kept = store(connection, csv_of(tmp_path, row(), row(BilledCost="a lot")))

    with pytest.raises(SyncNotPossible):
        confirm(kept)
    assert SyncSnapshot.objects.count() == 0

    snapshot = confirm(kept, skip_bad_rows=True)
    assert (snapshot.trigger, snapshot.billing_file) == (SyncTrigger.UPLOAD, kept)
    assert BillingFile.objects.get().skip_bad_rows is True


def test_import_file_waits_for_the_one_that_is_running(connection, tmp_path) -> None:
    confirm(store(connection, csv_of(tmp_path, row())))

    with pytest.raises(SyncNotPossible):
        confirm(store(connection, csv_of(tmp_path, row(BilledCost="3"))))


def test_imported_before_knows_the_same_content_of_the_same_connection(connection, tmp_path) -> None:
    content = csv_of(tmp_path, row())
    first = store(connection, content)
    other = store(ConnectionFactory(provider_type="focus", organization=connection.organization), content)
    second = store(connection, content)
    assert imports.imported_before(second) is None

    BillingFile.objects.filter(pk=first.pk).update(status=BillingFileStatus.IMPORTED)

    assert imports.imported_before(second) == first
    assert imports.imported_before(other) is None


def test_command_makes_the_connection_prints_the_report_and_imports(organization, tmp_path, capsys) -> None:
    file = write_csv(tmp_path / "bill.csv", [row(), row(BilledCost="2.75")])

    call_command("import_focus", str(file), organization=organization.pk, connection="AWS")

    told = capsys.readouterr().out
    assert "bill.csv: FOCUS 1.2, 2 rows, 0 of them bad." in told
    assert "2026-10 Cloudy acc-1: 13.00 USD in 2 rows" in told
    assert "Imported: 1 new, 0 changed, 0 unchanged, 0 gone." in told
    assert ProviderConnection.objects.get().connection_name == "AWS"
    assert sum(line.billed_cost for line in ChargeLine.objects.all()) == Decimal("13.00")


def test_command_imports_good_rows_only_when_told_so(connection, tmp_path, capsys) -> None:
    file = write_csv(tmp_path / "bill.csv", [row(), row(BilledCost="a lot")])
    options = {"organization": connection.organization_id, "connection": "Files"}

    with pytest.raises(CommandError):
        call_command("import_focus", str(file), **options)
    assert "line 3, BilledCost: “a lot” is not a number." in capsys.readouterr().err
    assert ChargeLine.objects.count() == 0

    call_command("import_focus", str(file), skip_bad_rows=True, **options)
    assert ChargeLine.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (None, {}, "There is no file"),
        (b"", {"organization": 0}, "There is no organization 0"),
        (b"", {"connection": "Not files"}, "does not read files"),
        (b"hello,world\n1,2\n", {}, "line 1: "),
    ],
)
def test_command_says_what_is_wrong(connection, tmp_path, content, options, sentence) -> None:
    ConnectionFactory(
        organization=connection.organization, connection_name="Not files", provider_type="beget"
    )
    file = tmp_path / "bill.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CommandError, match=sentence):
        call_command(
            "import_focus",
            str(file),
            **{"organization": connection.organization_id, "connection": "Files"} | options,
        )


def test_files_of_a_deleted_connection_are_removed_and_others_stay(
    connection, organization, media, tmp_path
) -> None:
    other = ConnectionFactory(
        organization=organization, provider_type="focus", connection_name="Other", credentials={}
    )
    kept = Path(store(other, csv_of(tmp_path, row())).file.path)
    orphan = Path(store(connection, csv_of(tmp_path, row())).file.path)
    unfinished = orphan.parent / "0123.bin"
    unfinished.write_bytes(b"an upload under way")
    old = (timezone.now() - PATIENCE).timestamp() - 1
    for path in (kept, orphan):
        os.utime(path, (old, old))
    connection.delete()

    assert imports.remove_orphan_files(now=timezone.now()) == 1

    assert sorted(path for path in media.rglob("*") if path.is_file()) == sorted([kept, unfinished])
    assert imports.remove_orphan_files(now=timezone.now()) == 0


def test_without_any_upload_there_is_nothing_to_remove(media) -> None:
    assert imports.remove_orphan_files(now=timezone.now()) == 0
    assert not media.exists()
