"""An organization's part of the trail: for its owners, and no entry of another."""

import json

import pytest
from django.urls import reverse

from accounts.audit.actions import ACTIONS
from accounts.audit.forms import OF_ORGANIZATIONS
from accounts.audit.models import AuditEntry
from accounts.audit.tests.factories import EntryFactory
from accounts.models import Membership, Role
from accounts.tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db

LIST, EXPORT = "/settings/audit/", "/settings/audit/export/"


@pytest.fixture
def own() -> Membership:
    return MembershipFactory(user__email="anna@example.com", organization__name="Acme")


@pytest.fixture
def anna(own, client):
    client.force_login(own.user)
    return client


def _entry(membership: Membership, **fields) -> AuditEntry:
    return EntryFactory(
        organization_id=membership.organization_id, organization_name=membership.organization.name, **fields
    )


def test_an_owner_sees_what_happened_and_only_here(anna, own) -> None:
    _entry(own, object_name="Ours", changes={"name": ["Old", "New"]}, impersonator_email="boss@example.com")
    _entry(MembershipFactory(), object_name="Theirs")
    EntryFactory(object_name="Nobody's")

    page = anna.get(LIST).content.decode()

    for text in ("Ours", "Organization renamed", "Old → New", "really boss@example.com", "192.0.2.1"):
        assert text in page
    assert "Theirs" not in page
    assert "Nobody" not in page


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
@pytest.mark.parametrize("url", [LIST, EXPORT])
def test_it_is_for_owners(client, role, url) -> None:
    client.force_login(MembershipFactory(role=role).user)

    assert client.get(url).status_code == 403
    assert LIST not in client.get(reverse("accounts:settings_profile")).content.decode()


@pytest.mark.parametrize("url", [LIST, EXPORT])
def test_strangers_sign_in_first(client, url) -> None:
    assert client.get(url).status_code == 302


def test_owners_find_the_tab(anna) -> None:
    assert f'href="{LIST}"' in anna.get(reverse("accounts:settings_profile")).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"action": "tag.set"},
        {"actor": "BORIS@"},
        {"actor": "boss@example.com"},
        {"first": "2026-11-01", "last": "2026-11-01"},
    ],
)
def test_filters_narrow_down(anna, own, query) -> None:
    from datetime import UTC, datetime

    _entry(
        own,
        action="tag.set",
        actor_email="boris@example.com",
        impersonator_email="boss@example.com",
        object_name="Wanted",
        at=datetime(2026, 10, 31, 22, tzinfo=UTC),  # the first of November in Moscow
    )
    _entry(own, object_name="Other", at=datetime(2026, 11, 1, 22, tzinfo=UTC))

    page = anna.get(LIST, query).content.decode()

    assert "Wanted" in page
    assert "Other" not in page


def test_a_filter_that_finds_nothing_says_so(anna, own) -> None:
    _entry(own)

    assert b"Nothing was done that fits." in anna.get(LIST, {"action": "tag.set"}).content
    assert b"Nothing has been done yet." in anna.get(LIST).content or AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"first": "yesterday"}, b"Enter a valid date."),
        ({"first": "2026-11-02", "last": "2026-11-01"}, b"The last day is before the first."),
        ({"action": "nonsense"}, b"Select a valid choice."),
        ({"actor": "x\x00"}, b"Null characters are not allowed."),
        ({"last": "9999-12-31", "page": "x"}, b"Filter"),
    ],
)
def test_odd_filters_are_told(anna, query, sentence) -> None:
    response = anna.get(LIST, query)

    assert response.status_code == 200
    assert sentence in response.content


def test_pages_keep_the_filter(anna, own) -> None:
    for _ in range(51):
        _entry(own)

    page = anna.get(LIST, {"action": "organization.renamed"}).content.decode()

    assert "?action=organization.renamed&amp;page=2" in page


def test_the_download_has_ones_own_lines_and_is_written_down(anna, own) -> None:
    entry = _entry(own, action="tag.set")
    _entry(own)
    _entry(MembershipFactory(), action="tag.set")

    response = anna.get(EXPORT, {"action": "tag.set"})

    lines = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    assert [line["id"] for line in lines] == [entry.pk]
    told = AuditEntry.objects.get(action="audit.exported")
    assert (told.organization_id, told.actor_email) == (own.organization_id, "anna@example.com")
    assert told.details == {"filters": {"action": "tag.set"}}


def test_the_filter_offers_what_names_an_organization() -> None:
    assert set(OF_ORGANIZATIONS) <= set(ACTIONS)
    assert "user.signed_in" not in OF_ORGANIZATIONS


@pytest.mark.parametrize("count", [1, 45])
def test_a_page_does_not_ask_per_row(anna, own, count, django_assert_num_queries) -> None:
    for _ in range(count):
        _entry(own)

    with django_assert_num_queries(6):  # session, person, memberships, count, entries, counts of the sidebar
        anna.get(LIST)


def test_names_values_and_times_are_words_in_the_readers_zone(anna, own) -> None:
    own.user.time_zone = "Asia/Vladivostok"
    own.user.save()
    _entry(
        own,
        action="admin.action_run",
        details={"action": "switch_off", "model": "providers.providertype", "selected": "all"},
    )
    _entry(
        own,
        action="organization.deletion_requested",
        object_type="accounts.organization",
        changes={"deletion_at": [None, "2026-12-21T17:00:00+00:00"]},
    )
    _entry(
        own,
        action="membership.role_changed",
        object_type="accounts.membership",
        changes={"role": ["viewer", "manager"]},
        details={"reason": "sso_only", "unheard_of": "As it stands"},
    )

    page = anna.get(LIST).content.decode()

    for text in (
        "action:</span> Switch off",
        "list:</span> Provider types",
        "selected:</span> all",
        "→ 22\xa0Dec",
        ", 03:00</div>",
        "role:</span> Viewer → Manager",
        "reason:</span> only single sign-on is allowed",
        "unheard of:</span> As it stands",
    ):
        assert text in page
    assert "switch_off" not in page
    assert "+00:00" not in page
