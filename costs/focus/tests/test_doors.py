"""The page, the endpoint and the command: one export through three doors."""

from __future__ import annotations

import gzip
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from accounts.tokens.models import Scope
from accounts.tokens.services import create_token
from costs.focus.requests import BadExport, export_of
from costs.focus.tests.test_exports import own_clouds, read
from costs.tests.factories import DailyCostFactory
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

MARCH = {"period": "2026-03"}


@pytest.fixture
def acme():
    organization = OrganizationFactory(name="Acme")
    own_clouds(organization)
    return organization


@pytest.fixture
def viewer(acme, client: Client) -> Client:
    client.force_login(member_of(acme, Role.VIEWER))
    return client


def content(response) -> bytes:
    return b"".join(response.streaming_content)


def test_page_shows_sums_and_checks_and_gives_the_file(viewer, tmp_path: Path) -> None:
    page = viewer.get(reverse("focus:export_new"), MARCH | {"check": "1", "ascii": "1"})
    assert page.status_code == 200
    assert [(one["currency"], str(one["billed"])) for one in page.context["sums"]] == [
        ("RUB", "83.010001"),
        ("USD", "7.250000"),
    ]
    assert [one["count"] for one in page.context["checks"]] == [0] * 12
    assert (page.context["report"].row_count, page.context["report"].is_whole) == (8, True)

    given = MARCH | {"file_format": "csv", "gzip": "1", "profile": "1.4", "business_unit": "Shop"}
    response = viewer.get(reverse("focus:export_file"), given)

    assert response["Content-Disposition"] == 'attachment; filename="focus-1-4-2026-03-01-2026-03-31.csv.gz"'
    assert response["Content-Type"] == "application/gzip"
    path = tmp_path / "file.csv"
    path.write_bytes(gzip.decompress(content(response)))
    columns, found = read(path)
    assert ("ServiceProviderName" in columns, "ProviderName" in columns) == (True, False)
    assert [each["x_BusinessUnit"] for each in found] == ["Shop"] * 3
    entry = AuditEntry.objects.get(action="export.downloaded")
    assert entry.details["filters"] == {"business_unit": "Shop"}
    assert entry.details["what"] == "focus-1-4-2026-03-01-2026-03-31.csv.gz"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"period": "March"}, "“March” is no period"),
        ({"first": "2026-03-05", "last": "2026-03-01"}, "is no period"),
        ({"profile": "2.0"}, "One of: 1.2, 1.4."),
        ({"connection": "x"}, "was left out"),
    ],
)
def test_what_cannot_be_read_gives_no_file(viewer, params, words) -> None:
    for name in ("focus:export_new", "focus:export_file"):
        response = viewer.get(reverse(name), params)

        assert (response.status_code, response.streaming) == (422, False)
        assert words in response.content.decode()
    assert not AuditEntry.objects.filter(action="export.downloaded").exists()


def test_filters_of_the_explorer_are_kept(viewer, acme) -> None:
    response = viewer.get(
        reverse("focus:export_new"), MARCH | {"not.type": "server", "type": ["volume", "cdn"], "owner": "~"}
    )

    body = response.content.decode()
    for hidden in ('name="not.type" value="server"', 'name="type" value="volume"', 'name="owner" value="~"'):
        assert f'<input type="hidden" {hidden}>' in body


def test_endpoint_gives_the_file_to_a_token_that_may_read(acme, client, tmp_path) -> None:
    membership = member_of(acme, Role.VIEWER).memberships.get()
    _token, secret = create_token(membership=membership, name="BI", scope=Scope.READ)
    headers = {"Authorization": f"Bearer {secret}", "Accept": "application/vnd.apache.parquet"}

    response = client.get("/api/v1/focus-export/", MARCH, headers=headers)

    assert (response.status_code, response["Content-Type"]) == (200, "application/vnd.apache.parquet")
    path = tmp_path / "file.parquet"
    path.write_bytes(content(response))
    assert len(read(path)[1]) == 8
    refused = client.get("/api/v1/focus-export/", {"profile": "9"}, headers=headers)
    assert refused.status_code == 400
    assert "profile" in refused.content.decode()
    assert AuditEntry.objects.get(action="export.downloaded").door == "api"


def test_command_writes_and_checks(acme, tmp_path, capfdbinary) -> None:
    path = tmp_path / "march.csv.gz"
    told = StringIO()

    call_command("focus_export", str(path), organization=acme.pk, period="2026-03", check=True, stderr=told)

    assert "8 rows; all twelve checks pass." in told.getvalue()
    assert len(read(path)[1]) == 8
    call_command(
        "focus_export",
        "-",
        organization=acme.pk,
        period="2026-03",
        file_format="csv",
        filters=["type=volume"],
    )
    assert capfdbinary.readouterr().out.startswith(b"AvailabilityZone,BilledCost,")
    assert AuditEntry.objects.filter(action="export.downloaded", door="command").count() == 2


@pytest.mark.parametrize(
    ("output", "options", "words"),
    [
        ("-", {"check": True}, "cannot be read back"),
        ("/nowhere/file.csv", {}, "cannot be written"),
        ("-", {"filters": ["type"]}, "expected KEY=VALUE"),
        ("-", {"period": "soon"}, "is no period"),
    ],
)
def test_command_says_what_is_wrong(acme, output, options, words) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("focus_export", output, organization=acme.pk, **({"period": "2026-03"} | options))


def test_days_may_be_given_by_their_ends(acme) -> None:
    today = date(2026, 4, 10)

    assert str(export_of(acme, {}, today).span) == "2026-03-01..2026-03-31"
    assert (
        str(export_of(acme, {"first": ["2026-03-02"], "last": ["2026-03-03"]}, today).span)
        == "2026-03-02..2026-03-03"
    )
    with pytest.raises(BadExport):
        export_of(acme, {"first": ["2026-03-02"]}, today)


@pytest.mark.parametrize("count", [1, 11])
def test_page_costs_the_same_queries_for_any_number_of_costs(
    viewer, acme, count, django_assert_num_queries
) -> None:
    for number in range(count):
        resource = ResourceFactory(connection=ConnectionFactory(organization=acme))
        DailyCostFactory(resource=resource, date=date(2026, 3, 1 + number))

    with django_assert_num_queries(7):
        viewer.get(reverse("focus:export_new"), MARCH)
