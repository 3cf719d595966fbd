"""The trail in the admin: who sees it, how it is found, what a row says, and the download."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit import chain
from accounts.audit.models import AuditEntry, Door
from accounts.audit.tests.factories import EntryFactory
from accounts.models import User
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/audit/auditentry/"


def _administrator(*permissions: str) -> User:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss() -> Client:
    return _client(UserFactory(super_admin=True, email="boss@example.com"))


def _listed(client: Client, **query) -> set[int]:
    return {entry.pk for entry in client.get(LIST, query).context["cl"].result_list}


# Who


@pytest.mark.parametrize(
    ("permission", "status"),
    [("manage_users", 200), ("view_all_data", 403), ("impersonate_users", 403), ("manage_providers", 403)],
)
def test_super_admins_and_who_manages_users_see_it(boss, permission, status) -> None:
    entry = EntryFactory()
    client = _client(_administrator(permission))

    for page in ("", "export/", f"{entry.pk}/change/"):
        assert boss.get(LIST + page).status_code == 200
        assert client.get(LIST + page).status_code == status


def test_nobody_else_sees_it(client) -> None:
    client.force_login(MembershipFactory().user)

    assert client.get(LIST).status_code in {302, 403}
    assert client.get(f"{LIST}export/").status_code in {302, 403}


def test_nobody_writes_in_it(boss) -> None:
    entry = EntryFactory()

    assert boss.get(f"{LIST}add/").status_code == 403
    assert boss.post(f"{LIST}{entry.pk}/change/", {"action": "x"}).status_code == 403
    assert boss.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    boss.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})

    assert AuditEntry.objects.filter(pk=entry.pk).exists()


# What is found


def test_filters_find_what_they_say(boss) -> None:
    anna, organization = UserFactory(email="anna@example.com"), OrganizationFactory(name="Acme")
    mine = EntryFactory(
        action="connection.deleted",
        actor_id=anna.pk,
        actor_email=anna.email,
        impersonator_id=77,
        impersonator_email="boss@example.com",
        organization_id=organization.pk,
        organization_name="Acme",
        object_type="providers.providerconnection",
        door=Door.API,
        ip="203.0.113.7",
        at=timezone.now() - timedelta(days=3),
    )
    EntryFactory(at=timezone.now() - timedelta(days=1))
    day = timezone.localdate()

    for query in (
        {"action": "connection.deleted"},
        {"actor": "Anna@example.com"},
        {"actor": str(anna.pk)},
        {"actor": "77"},
        {"actor": "boss@example.com", "action": "connection.deleted"},
        {"organization": "acm"},
        {"organization": str(organization.pk)},
        {"kind": "providers.providerconnection"},
        {"door__exact": "api"},
        {"ip": "203.0.113"},
        {"impersonated": "yes"},
        {"at_to": str(day - timedelta(days=2))},
        {"at_from": str(day - timedelta(days=4)), "at_to": str(day - timedelta(days=2))},
        {"q": "anna@"},
        {"q": "Acme"},
    ):
        assert (query, _listed(boss, **query)) == (query, {mine.pk})


def test_days_are_whole_and_the_readers(boss) -> None:
    """Half past one in Moscow is still the day before in UTC."""
    early = EntryFactory(at=datetime(2026, 11, 20, 22, 30, tzinfo=UTC))
    late = EntryFactory(at=datetime(2026, 11, 21, 20, 59, tzinfo=UTC))
    EntryFactory(at=datetime(2026, 11, 21, 21, 0, tzinfo=UTC))

    found = _listed(boss, at_from="2026-11-21", at_to="2026-11-21", action="organization.renamed")
    assert found == {early.pk, late.pk}


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "9" * 40},
        {"organization": "9" * 40},
        {"ip": "x' OR 1=1"},
        {"impersonated": "maybe"},
        {"action": "nothing.known"},
        {"at_from": "yesterday", "at_to": "9999-12-31"},
        {"p": "x"},
        {"q": "\x00"},
    ],
)
def test_odd_filters_are_no_errors(boss, query) -> None:
    EntryFactory()

    assert boss.get(LIST, query).status_code in {200, 302}


# What it says


def test_a_row_says_who_did_what_to_what(boss) -> None:
    anna = UserFactory(email="anna@example.com")
    organization = OrganizationFactory(name="Acme")
    EntryFactory(
        actor_id=anna.pk,
        actor_email="anna@example.com",
        impersonator_id=999999,
        impersonator_email="gone@example.com",
        organization_id=organization.pk,
        organization_name="Acme",
        object_type="accounts.organization",
        object_id=str(organization.pk),
        object_name="Acme",
        changes={
            "name": ["Acme", "Acme Ltd"],
            "is_demo": [False, True],
            "time_zone": ["UTC", "Europe/Moscow"],
        },
    )

    page = boss.get(LIST).content.decode()

    assert "Organization renamed" in page
    assert f'/admin/accounts/user/{anna.pk}/change/">anna@example.com</a> (really gone@example.com)' in page
    assert f'/admin/accounts/organization/{organization.pk}/change/">Acme</a>' in page
    assert "name: Acme → Acme Ltd" in page
    assert "+1" in page


def test_a_page_shows_everything_and_its_place_in_the_chain(boss) -> None:
    organization = OrganizationFactory(name="Acme")
    entry = EntryFactory(
        object_type="accounts.organization",
        object_id=str(organization.pk),
        object_name="Acme",
        changes={"name": ["", "Acme"], "credentials": [None, "•••"], "left": [{"a": [1, True]}, None]},
        details={"reason": "because", "what_for": ["a", "b"]},
    )
    unsealed = boss.get(f"{LIST}{entry.pk}/change/").content.decode()
    chain.seal(now=timezone.now())

    page = boss.get(f"{LIST}{entry.pk}/change/").content.decode()

    assert f'/admin/accounts/organization/{organization.pk}/change/">Acme</a>' in page
    for text in ("secret", "a: 1, yes", "reason: because", "what for: a, b", chain.head().hash):
        assert text in page
    assert "not sealed yet" in unsealed


@pytest.mark.parametrize(
    ("object_type", "object_id"),
    [("accounts.user", "999999"), ("accounts.user", "x"), ("gone.model", "1"), ("", "")],
)
def test_what_is_gone_is_named_without_a_link(boss, object_type, object_id) -> None:
    entry = EntryFactory(object_type=object_type, object_id=object_id, object_name="Gone")

    page = boss.get(f"{LIST}{entry.pk}/change/")

    assert page.status_code == 200
    assert b"Gone" in page.content
    assert b"/admin/accounts/user/999999/" not in page.content


def test_texts_of_strangers_are_escaped(boss) -> None:
    EntryFactory(
        actor_email="<script>alert(1)</script>",
        object_name="<img src=x>",
        changes={"<b>": ["<i>", "<u>"]},
    )
    entry = AuditEntry.objects.get(object_name="<img src=x>")

    for page in (LIST, f"{LIST}{entry.pk}/change/"):
        text = boss.get(page).content.decode()
        assert "<script>alert" not in text
        assert "<img src=x>" not in text
        assert "<u>" not in text


# The download


def test_the_download_has_a_line_an_entry_under_the_filters(boss) -> None:
    wanted = [EntryFactory(action="tag.set"), EntryFactory(action="tag.set", changes={"value": ["а", "б"]})]
    EntryFactory(action="note.added")
    chain.seal(now=timezone.now())

    response = boss.get(f"{LIST}export/", {"action": "tag.set"})

    lines = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    assert [line["id"] for line in lines] == [wanted[1].pk, wanted[0].pk]
    assert lines[0]["changes"] == {"value": ["а", "б"]}
    assert (lines[0]["sequence"], lines[0]["action_label"]) == (3, "Tag set")
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].startswith('attachment; filename="audit-')


def test_the_download_is_an_entry(boss) -> None:
    boss.get(f"{LIST}export/", {"action": "tag.set"})

    entry = AuditEntry.objects.get(action="audit.exported")
    assert (entry.actor_email, entry.details) == ("boss@example.com", {"filters": {"action": "tag.set"}})


def test_the_download_can_be_checked_without_us(boss) -> None:
    """Lines from the oldest on, hashed as docs/security.md says, lead to the head."""
    import hashlib

    EntryFactory.create_batch(3)
    chain.seal(now=timezone.now())

    response = boss.get(f"{LIST}export/")

    previous = "0" * 64
    lines = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    for line in sorted((line for line in lines if line["sequence"]), key=lambda line: line["sequence"]):
        sequence, expected = line.pop("sequence"), line.pop("hash")
        line.pop("action_label")
        body = json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        previous = hashlib.sha256(f"{sequence}\n{previous}\n{body}".encode()).hexdigest()
        assert previous == expected
    assert previous == chain.head().hash


def test_a_long_download_comes_in_batches(boss, monkeypatch) -> None:
    monkeypatch.setattr("accounts.audit.queries.EXPORT_ROWS", 2)
    EntryFactory.create_batch(5)
    response = boss.get(f"{LIST}export/", {"action": "organization.renamed"})

    with CaptureQueriesContext(connection) as captured:
        lines = b"".join(response.streaming_content).splitlines()

    assert len(lines) == 5
    assert len(captured) == 7  # three batches with their seals, and the end


# What it costs


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_does_not_ask_per_row(boss, count, django_assert_num_queries) -> None:
    for _ in range(count):
        membership = MembershipFactory()
        EntryFactory(
            actor_id=membership.user_id,
            organization_id=membership.organization_id,
            object_type="accounts.membership",
            object_id=str(membership.pk),
        )

    with django_assert_num_queries(6):  # session, person, count, entries, people, organizations
        boss.get(LIST)


def test_a_page_costs_a_fixed_number(boss, django_assert_num_queries) -> None:
    membership = MembershipFactory()
    entry = EntryFactory(
        actor_id=membership.user_id,
        organization_id=membership.organization_id,
        object_type="accounts.user",
        object_id=str(membership.user_id),
    )

    boss.get(f"{LIST}{entry.pk}/change/")  # the kinds of content are remembered from here on

    with django_assert_num_queries(7):
        # session, person, entry, people, organizations, seal, object
        boss.get(f"{LIST}{entry.pk}/change/")
