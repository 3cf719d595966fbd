"""Organizations, members and invitations for scripts: whose they are, who may change them, what each list costs."""

import pytest

from accounts.models import Invitation, Membership, Role
from accounts.services import digest_of
from accounts.tests.factories import (
    InvitationFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    member_of,
)
from accounts.tokens.models import Scope
from accounts.tokens.tests.factories import token_of

pytestmark = pytest.mark.django_db

API = "/api/v1"


@pytest.fixture
def acme():
    return OrganizationFactory(name="Acme")


@pytest.fixture
def owner(client, acme):
    """Signed in."""
    user = member_of(acme)
    client.force_login(user)
    return user


def change(client, address: str, **fields):
    return client.patch(f"{API}{address}", fields, content_type="application/json")


def test_one_lists_ones_own_organizations(client, owner, acme) -> None:
    other = MembershipFactory(user=owner, viewer=True, organization__name="Other").organization
    OrganizationFactory(name="A stranger's")

    found = client.get(f"{API}/organizations/").json()["results"]

    assert [(row["id"], row["name"], row["role"]) for row in found] == [
        (acme.pk, "Acme", "owner"),
        (other.pk, "Other", "viewer"),
    ]
    assert set(found[0]) == {
        "id",
        "name",
        "time_zone",
        "role",
        "is_personal",
        "is_demo",
        "deletion_at",
    }


def test_anothers_organization_is_not_found(client, owner) -> None:
    stranger = OrganizationFactory()

    assert client.get(f"{API}/organizations/{stranger.pk}/").status_code == 404
    assert change(client, f"/organizations/{stranger.pk}/", name="Mine").status_code == 404


def test_a_token_knows_its_organization_alone(client, acme) -> None:
    membership = MembershipFactory(organization=acme)
    other = MembershipFactory(user=membership.user).organization
    _token, header = token_of(membership, Scope.WRITE)

    found = client.get(f"{API}/organizations/", **header).json()["results"]

    assert [row["id"] for row in found] == [acme.pk]
    assert client.get(f"{API}/organizations/{other.pk}/", **header).status_code == 404


@pytest.mark.parametrize(("role", "status"), [(Role.OWNER, 200), (Role.MANAGER, 200), (Role.VIEWER, 403)])
def test_writers_rename(client, acme, role, status) -> None:
    client.force_login(member_of(acme, role))

    answer = change(client, f"/organizations/{acme.pk}/", name=" Acme Ltd ", time_zone="Asia/Omsk")

    acme.refresh_from_db()
    assert answer.status_code == status
    assert (acme.name == "Acme Ltd", acme.time_zone == "Asia/Omsk") == (status == 200, status == 200)


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "x" * 151), ("time_zone", "Mars/Olympus")]
)
def test_what_cannot_be_names_the_field(client, owner, acme, field, value) -> None:
    answer = change(client, f"/organizations/{acme.pk}/", **{field: value})

    assert answer.status_code == 400
    assert [name.rpartition(".")[2] for name in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("role", list(Role))
def test_every_member_reads_people_and_invitations(client, acme, role) -> None:
    InvitationFactory(organization=acme, email="boris@example.com", invited_by=None)
    InvitationFactory()
    client.force_login(member_of(acme, role))

    members = client.get(f"{API}/members/").json()["results"]
    invitations = client.get(f"{API}/invitations/").json()["results"]

    assert [row["role"] for row in members] == [role]
    assert [row["email"] for row in invitations] == ["boris@example.com"]
    assert "token" not in str(invitations)


OWNERS_CALLS = [
    ("patch", "/members/{member}/", {"role": "owner"}),
    ("delete", "/members/{member}/", {}),
    ("post", "/invitations/", {"email": "x@example.com"}),
    ("post", "/invitations/{invitation}/resend/", {}),
    ("delete", "/invitations/{invitation}/", {}),
]


@pytest.mark.parametrize(("method", "address", "fields"), OWNERS_CALLS)
@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_people_are_the_owners_to_decide(client, acme, role, method, address, fields) -> None:
    guest = MembershipFactory(organization=acme, viewer=True)
    invitation = InvitationFactory(organization=acme)
    client.force_login(member_of(acme, role))

    answer = getattr(client, method)(
        API + address.format(member=guest.pk, invitation=invitation.pk),
        fields,
        content_type="application/json",
    )

    guest.refresh_from_db()
    assert (answer.status_code, guest.role) == (403, Role.VIEWER)
    assert Invitation.objects.open().filter(send_count=1).count() == 1


@pytest.mark.parametrize(("method", "address", "fields"), [OWNERS_CALLS[n] for n in (0, 1, 3, 4)])
def test_people_of_others_are_not_found(client, owner, method, address, fields) -> None:
    stranger = MembershipFactory(viewer=True)
    invitation = InvitationFactory(organization=stranger.organization)
    stranger_address = API + address.format(member=stranger.pk, invitation=invitation.pk)

    answer = getattr(client, method)(stranger_address, fields, content_type="application/json")

    stranger.refresh_from_db()
    assert (answer.status_code, stranger.role) == (404, Role.VIEWER)
    assert client.get(stranger_address.removesuffix("resend/")).status_code == 404
    assert Invitation.objects.open().filter(send_count=1).count() == 1


def test_an_owner_changes_roles_and_takes_people_out(client, owner, acme) -> None:
    guest = MembershipFactory(organization=acme, viewer=True)

    changed = change(client, f"/members/{guest.pk}/", role="manager")
    removed = client.delete(f"{API}/members/{guest.pk}/")

    assert (changed.json()["role"], removed.status_code) == ("manager", 204)
    assert not Membership.objects.filter(pk=guest.pk).exists()


def test_the_last_owner_stays_with_a_code_for_programs(client, owner, acme) -> None:
    own = owner.memberships.get()

    changed = change(client, f"/members/{own.pk}/", role="viewer")
    removed = client.delete(f"{API}/members/{own.pk}/")

    for answer in (changed, removed):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert Membership.objects.get(pk=own.pk).role == Role.OWNER


def test_a_role_that_is_none_names_the_field(client, owner, acme) -> None:
    guest = MembershipFactory(organization=acme, viewer=True)

    answer = change(client, f"/members/{guest.pk}/", role="emperor")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["role"])


def test_inviting_tells_the_link_only_where_no_letter_went_out(client, owner, settings) -> None:
    by_hand = client.post(f"{API}/invitations/", {"email": "Boris@example.com", "role": "manager"})
    settings.EMAIL_URL = "smtp://mail.example"
    by_mail = client.post(f"{API}/invitations/", {"email": "vera@example.com"})

    invitation = Invitation.objects.get(email="boris@example.com")
    told = by_hand.json()
    assert (by_hand.status_code, told["role"], told["is_mailed"]) == (201, "manager", False)
    assert digest_of(told["link"].partition("key=")[2]) == invitation.token_hash
    assert (by_mail.json()["role"], by_mail.json()["link"], by_mail.json()["is_mailed"]) == (
        "viewer",
        None,
        True,
    )
    assert "link" not in client.get(f"{API}/invitations/{invitation.pk}/").json()


def test_known_and_unknown_e_mails_get_the_same_answer(client, owner) -> None:
    UserFactory(email="known@example.com")

    answers = [
        client.post(f"{API}/invitations/", {"email": email}).json()
        for email in ("known@example.com", "unknown@example.com")
    ]

    same = {"role", "is_mailed"}
    assert {name: answers[0][name] for name in same} == {name: answers[1][name] for name in same}
    assert set(answers[0]) == set(answers[1])


def test_resending_and_withdrawing(client, owner, acme) -> None:
    invitation = InvitationFactory(organization=acme)
    address = f"{API}/invitations/{invitation.pk}/"

    again = client.post(f"{address}resend/")
    too_soon = client.post(f"{address}resend/")
    withdrawn = client.delete(address)

    assert again.json()["link"]
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "too_many_invitations")
    assert (withdrawn.status_code, client.get(address).status_code) == (204, 404)


def test_members_are_not_invited(client, owner) -> None:
    answer = client.post(f"{API}/invitations/", {"email": owner.email})

    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


def test_the_header_chooses_whose_people(client, owner) -> None:
    other = MembershipFactory(user=owner, viewer=True).organization
    MembershipFactory(organization=other)
    stranger = OrganizationFactory()

    def ask(organization):
        return client.get(f"{API}/members/", headers={"X-Organization": str(organization.pk)})

    assert len(ask(other).json()["results"]) == 2
    assert ask(stranger).status_code == 404


@pytest.mark.parametrize("rows", [1, 11])
@pytest.mark.parametrize(("address", "queries"), [("organizations", 4), ("members", 5), ("invitations", 5)])
def test_lists_cost_the_same_whatever_their_length(
    client, owner, acme, rows, address, queries, django_assert_num_queries
) -> None:
    for _ in range(rows):
        MembershipFactory(organization=acme, viewer=True)
        InvitationFactory(organization=acme, invited_by=owner)
        MembershipFactory(user=owner)

    with django_assert_num_queries(queries):  # session, user, count, rows; of one organization also whose
        client.get(f"{API}/{address}/")
