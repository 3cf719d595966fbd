"""The import of files, journey by journey: a good one, a bad one, the same one again, a corrected one."""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Sum
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, member_of
from costs.models import CostRevision, DailyCost
from inventory.models import Resource
from providers.models import ProviderConnection
from providers.plugins.focus.tests.files import row, write_csv
from providers.tests.factories import ConnectionFactory
from syncs.models import BillingFile, BillingFileStatus, ResourceState, SyncSnapshot
from syncs.tests.factories import BillingFileFactory

pytestmark = pytest.mark.django_db

UPLOAD = "/syncs/imports/"
HTMX = {"HX-Request": "true"}
REPOSITORY = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("INFRAZEN_REFERENCE_DIR") or REPOSITORY.parent / "shared" / "reference")
SAMPLE = REFERENCE / "focus-sample" / "aws_1_2_cost_and_usage_100.csv"


@pytest.fixture(autouse=True)
def _media(settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


@pytest.fixture
def connection(organization: Organization) -> ProviderConnection:
    return ConnectionFactory(organization=organization, provider_type="focus", connection_name="Files")


@pytest.fixture
def bring(owner: Client, tmp_path: Path, django_capture_on_commit_callbacks: Any) -> Any:
    """Uploads rows (or bytes), confirms where `confirm` says how; returns the file and the page of its result."""

    def bring(rows: list[dict[str, str]] | bytes, *, confirm: dict[str, str] | None = None, **given: Any):
        content = rows if isinstance(rows, bytes) else write_csv(tmp_path / "up.csv", rows).read_bytes()
        answer = owner.post(UPLOAD, {"file": SimpleUploadedFile("bill.csv", content)} | given)
        billing_file = BillingFile.objects.latest("pk")
        assertRedirects(answer, f"{UPLOAD}{billing_file.pk}/", fetch_redirect_response=False)
        if confirm is not None:
            with django_capture_on_commit_callbacks(execute=True):
                owner.post(f"{UPLOAD}{billing_file.pk}/confirm/", confirm)
        return billing_file, owner.get(f"{UPLOAD}{billing_file.pk}/")

    return bring


def billed() -> dict[str, Decimal]:
    """Sums of the facts by day."""
    sums = DailyCost.objects.values_list("date").annotate(total=Sum("billed_cost")).order_by("date")
    return {day.isoformat(): Decimal(str(total)).quantize(Decimal("0.01")) for day, total in sums}


def test_preview_shows_what_is_in_the_file_and_imports_nothing(bring) -> None:
    _file, page = bring(
        [row(), row(BilledCost="2.75", ServiceName="Cloudy Storage", BillingCurrency="EUR")],
        connection_name="AWS",
        provider_type="focus",
    )

    for text in (
        "2 rows, all of them can be read.",
        "2026-10",
        "Cloudy Storage",
        "$10.25",
        "€2.75",
        "5 Oct 2026".replace(" ", "\u00a0"),
    ):
        assertContains(page, text)
    assert (SyncSnapshot.objects.count(), Resource.objects.count(), DailyCost.objects.count()) == (0, 0, 0)


def test_good_file_is_imported(bring, connection) -> None:
    billing_file, page = bring([row(), row(BilledCost="2.75")], connection=connection.pk, confirm={})

    billing_file.refresh_from_db()
    assert billing_file.status == BillingFileStatus.IMPORTED
    assert billed() == {"2026-10-05": Decimal("13.00")}
    assertContains(page, "The file is imported.")
    assertContains(page, "Resources: 1 new, 0 changed, 0 as before.")
    assertNotContains(page, "hx-trigger")


def test_file_with_bad_rows_imports_nothing_and_shows_them_all(bring, connection) -> None:
    rows = [row(), row(BilledCost="a lot"), row(ChargePeriodStart="someday")]

    _file, page = bring(rows, connection=connection.pk, confirm={})

    assert (SyncSnapshot.objects.count(), DailyCost.objects.count()) == (0, 0)
    assertContains(page, "2 rows break the format, so nothing is imported by itself.")
    for text in (
        '<td class="number">3</td>',
        "BilledCost",
        "a lot",
        '<td class="number">4</td>',
        "ChargePeriodStart",
    ):
        assertContains(page, text)


def test_bad_rows_are_skipped_on_request_and_listed(bring, connection) -> None:
    _file, page = bring(
        [row(), row(BilledCost="a lot")], connection=connection.pk, confirm={"skip_bad_rows": "1"}
    )

    assert billed() == {"2026-10-05": Decimal("10.25")}
    assertContains(page, "Skipped rows")
    assertContains(page, "“a lot” is not a number.")


def test_file_that_breaks_the_contract_is_refused_with_its_reason(bring, connection) -> None:
    _file, page = bring(b"hello,world\n1,2\n", connection=connection.pk, confirm={})

    assertContains(page, "The file could not be read.")
    assertContains(page, "Line 1")
    assertContains(page, "Nothing was imported.")
    assertNotContains(page, "/confirm/")
    assert SyncSnapshot.objects.count() == 0


def test_same_file_again_changes_nothing_and_says_so(bring, connection) -> None:
    rows = [
        row(),
        row(
            BilledCost="2.75",
            ChargePeriodStart="2026-10-06T00:00:00Z",
            ChargePeriodEnd="2026-10-07T00:00:00Z",
        ),
    ]
    bring(rows, connection=connection.pk, confirm={})
    facts, states = list(DailyCost.objects.order_by("pk").values()), ResourceState.objects.count()

    _file, preview = bring(rows, connection=connection.pk)
    _file, page = bring(rows, connection=connection.pk, confirm={})

    assertContains(preview, "You have had this file.")
    assertContains(page, "Nothing changed.")
    assert list(DailyCost.objects.order_by("pk").values()) == facts
    assert (ResourceState.objects.count(), CostRevision.objects.count()) == (states, 0)


def test_corrected_file_restates_its_month_and_shows_the_days(bring, connection) -> None:
    other = {"ChargePeriodStart": "2026-10-06T00:00:00Z", "ChargePeriodEnd": "2026-10-07T00:00:00Z"}
    bring([row(), row(BilledCost="2.75", **other)], connection=connection.pk, confirm={})

    _file, page = bring(
        [row(BilledCost="11.00"), row(BilledCost="2.75", **other)], connection=connection.pk, confirm={}
    )

    assert billed() == {"2026-10-05": Decimal("11.00"), "2026-10-06": Decimal("2.75")}
    assertContains(page, "Corrected days")
    assertContains(page, "The cost of 1 day is another one now")
    for text in ("$10.25", "$11.00", "+$0.75"):
        assertContains(page, text)


@pytest.mark.skipif(
    not SAMPLE.is_file(), reason="the reference sample is not here: set INFRAZEN_REFERENCE_DIR"
)
def test_sums_of_the_reference_sample_equal_those_of_its_rows(bring) -> None:
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for line in csv.DictReader(io.StringIO(SAMPLE.read_text(encoding="utf-8"))):
        expected[line["ServiceName"]] += Decimal(line["BilledCost"])

    bring(SAMPLE.read_bytes(), connection_name="AWS", provider_type="focus", confirm={})

    service_of = dict(ResourceState.objects.open().values_list("resource_id", "service_name"))
    found: dict[str, Decimal] = defaultdict(Decimal)
    for resource, cost in DailyCost.objects.values_list("resource_id", "billed_cost"):
        found[service_of[resource]] += cost
    assert {name: round(cost, 4) for name, cost in found.items()} == {
        name: round(cost, 4) for name, cost in expected.items()
    }


def test_running_import_polls_and_the_fragment_stops_it(bring, connection, owner) -> None:
    billing_file, _page = bring([row()], connection=connection.pk)
    owner.post(f"{UPLOAD}{billing_file.pk}/confirm/")  # the worker has not taken it

    waiting = owner.get(f"{UPLOAD}{billing_file.pk}/", headers=HTMX)
    SyncSnapshot.objects.update(
        status="error", error={"code": "invalid_source", "message": "No.", "params": {}}
    )
    ended = owner.get(f"{UPLOAD}{billing_file.pk}/", headers=HTMX)

    assertContains(waiting, 'hx-trigger="every 2s"')
    assertNotContains(waiting, "<html")
    assertNotContains(ended, "hx-trigger")
    assertContains(ended, "Nothing was imported.")


def test_second_confirmation_of_a_running_import_is_refused(bring, connection, owner) -> None:
    billing_file, _page = bring([row()], connection=connection.pk)
    owner.post(f"{UPLOAD}{billing_file.pk}/confirm/")

    answer = owner.post(f"{UPLOAD}{billing_file.pk}/confirm/", headers=HTMX)

    assertContains(answer, "Another file is being imported", status_code=422)
    assert SyncSnapshot.objects.count() == 1


def test_form_needs_a_file_and_a_place_for_it(owner, organization) -> None:
    ConnectionFactory(organization=organization, provider_type="focus", connection_name="Taken")
    file = SimpleUploadedFile("bill.csv", b"a,b\n")

    assertContains(owner.post(UPLOAD, {}), "Name the connection, or choose one that exists.", status_code=422)
    taken = owner.post(UPLOAD, {"file": file, "connection_name": "Taken", "provider_type": "focus"})

    assert taken.status_code == 422
    assert BillingFile.objects.count() == 0


def test_file_larger_than_the_limit_is_refused_before_it_is_read(owner, settings) -> None:
    settings.IMPORT_MAX_BYTES = 10
    small = {
        "file": SimpleUploadedFile("bill.csv", b"a" * 100),
        "connection_name": "AWS",
        "provider_type": "focus",
    }

    by_the_stream = owner.post(UPLOAD, small)
    by_the_header = owner.post(UPLOAD, {"file": SimpleUploadedFile("bill.csv", b"a" * 2_000_000)})

    assertContains(by_the_stream, "The file is larger than", status_code=422)
    assertContains(by_the_header, "The file is larger than", status_code=413)
    assert BillingFile.objects.count() == 0


def test_upload_asks_for_the_token(organization) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member_of(organization))

    assert client.post(UPLOAD, {"connection_name": "AWS"}).status_code == 403


def test_stranger_finds_no_file_and_no_connection(client, connection) -> None:
    billing_file = BillingFileFactory(connection=connection, name="secret.csv")
    client.force_login(member_of(OrganizationFactory()))

    assert client.get(f"{UPLOAD}{billing_file.pk}/").status_code == 404
    assert client.post(f"{UPLOAD}{billing_file.pk}/confirm/").status_code == 404
    assertNotContains(client.get(UPLOAD), "secret.csv")
    foreign = client.post(UPLOAD, {"file": SimpleUploadedFile("a.csv", b"a"), "connection": connection.pk})
    assert foreign.status_code == 422
    assert BillingFile.objects.count() == 1


def test_viewer_sees_and_anonymous_reader_does_not(client, organization, connection) -> None:
    billing_file = BillingFileFactory(connection=connection, name="bill.csv")
    assert client.get(UPLOAD).status_code == 302
    assert client.get(f"{UPLOAD}{billing_file.pk}/").status_code == 302

    client.force_login(member_of(organization, Role.VIEWER))
    assertContains(client.get(UPLOAD), "bill.csv")
    assertNotContains(client.get(UPLOAD), 'type="file"')
    assert client.get(f"{UPLOAD}{billing_file.pk}/").status_code == 200
    assert client.post(UPLOAD, {"connection_name": "AWS"}).status_code == 403
    assert client.post(f"{UPLOAD}{billing_file.pk}/confirm/").status_code == 403


def test_kept_file_has_no_address(bring, connection, owner) -> None:
    billing_file, page = bring([row()], connection=connection.pk)

    assertNotContains(page, billing_file.file.name)
    assert owner.get(f"/{billing_file.file.name}").status_code == 404
    assert owner.get(f"/media/{billing_file.file.name}").status_code == 404


def test_number_of_queries_does_not_grow(connection, owner, django_assert_num_queries) -> None:
    BillingFileFactory(connection=connection)
    owner.get(UPLOAD)
    with django_assert_num_queries(7):
        owner.get(UPLOAD)
    for number in range(10):
        BillingFileFactory(
            connection=ConnectionFactory(organization=connection.organization, connection_name=f"c{number}")
        )
    with django_assert_num_queries(7):
        owner.get(UPLOAD)
