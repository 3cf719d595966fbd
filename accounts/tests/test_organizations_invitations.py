"""Invitations: who gets one, what its link does, and when it ends."""

from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import translation

from accounts import services
from accounts.audit.models import AuditEntry
from accounts.models import Invitation, Membership, Role
from accounts.services import invitations
from accounts.tests.factories import (
    InvitationFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    member_of,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def mail_server(settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example"


def invite(organization, email="Boris@Example.com ", role=Role.VIEWER, inviter=None, now=NOW):
    return services.send_invitation(
        organization=organization,
        email=email,
        role=role,
        inviter=inviter or member_of(organization),
        link_of=lambda token: f"https://infrazen.example/invitation/?key={token}",
        now=now,
    )


def token_of(link: str) -> str:
    return link.rpartition("=")[2]


def accept(token: str, user, now=NOW) -> Membership:
    return services.accept_invitation(token_hash=services.digest_of(token), user=user, now=now)


def test_an_invitation_is_mailed_and_keeps_no_token(mail_server) -> None:
    inviter = UserFactory(full_name="Anna")
    organization = MembershipFactory(user=inviter, organization__name="Acme & Co").organization

    sent = invite(organization, role=Role.MANAGER, inviter=inviter)

    letter = mail.outbox[0]
    text, html = letter.body, letter.alternatives[0].content
    token = token_of(next(line for line in text.splitlines() if line.startswith("https://")))
    invitation = sent.invitation
    assert (sent.link, letter.to, letter.subject) == (
        "",
        ["boris@example.com"],
        "InfraZen: Invitation to “Acme & Co”",
    )
    assert "Anna invites you to “Acme & Co” in InfraZen." in text
    assert "Your role there: Manager." in text
    assert "Acme &amp; Co" in html
    assert f'href="https://infrazen.example/invitation/?key={token}"' in html
    assert (invitation.token_hash, invitation.is_mailed) == (services.digest_of(token), True)
    assert invitation.expires_at == NOW + timedelta(days=7)
    assert token not in str(list(Invitation.objects.values())) + str(list(AuditEntry.objects.values()))


def test_the_letter_is_in_the_inviters_language(mail_server) -> None:
    with translation.override("ru"):
        sent = invite(OrganizationFactory())

    assert sent.invitation.language == "ru"


def test_without_a_mail_server_the_inviter_gets_the_link() -> None:
    sent = invite(OrganizationFactory())

    assert mail.outbox == []
    assert services.digest_of(token_of(sent.link)) == sent.invitation.token_hash
    assert not Invitation.objects.get().is_mailed
    assert token_of(sent.link) not in repr(sent)


@pytest.mark.parametrize("error", [SMTPServerDisconnected("gone"), ConnectionRefusedError()])
def test_a_letter_that_does_not_go_out_gives_the_inviter_the_link(mail_server, monkeypatch, error) -> None:
    def refuse(letter) -> None:
        raise error

    monkeypatch.setattr(invitations.EmailMultiAlternatives, "send", refuse)

    sent = invite(OrganizationFactory())

    assert sent.link
    assert not Invitation.objects.get().is_mailed


def test_known_and_unknown_e_mails_are_invited_alike(mail_server) -> None:
    organization = OrganizationFactory()
    owner = member_of(organization)
    UserFactory(email="known@example.com")

    known = invite(organization, "known@example.com", inviter=owner)
    unknown = invite(organization, "unknown@example.com", inviter=owner)

    def told(sent, letter) -> list[str]:
        token = next(line for line in letter.body.splitlines() if "key=" in line)
        return [
            sent.link,
            letter.subject,
            letter.body.replace(token, "").replace(sent.invitation.email, ""),
        ]

    assert told(known, mail.outbox[0]) == told(unknown, mail.outbox[1])


def test_a_second_invitation_renews_the_first_and_ends_its_link() -> None:
    organization = OrganizationFactory()
    owner = member_of(organization)
    user = UserFactory(email="boris@example.com")
    old = token_of(invite(organization, inviter=owner).link)

    renewed = invite(
        organization, "boris@example.com", Role.MANAGER, inviter=owner, now=NOW + timedelta(days=1)
    )

    assert renewed.invitation.expires_at == NOW + timedelta(days=8)
    with pytest.raises(services.InvitationNotValid, match="leads to no invitation"):
        accept(old, user)
    assert accept(token_of(renewed.link), user).role == Role.MANAGER
    assert Invitation.objects.count() == 1


def test_resending_has_limits() -> None:
    organization = OrganizationFactory()
    owner = member_of(organization)
    invitation = invite(organization, inviter=owner).invitation

    def resend(after: timedelta) -> None:
        services.resend_invitation(
            invitation=invitation, inviter=owner, link_of=lambda token: token, now=NOW + after
        )

    with pytest.raises(services.TooManyInvitations, match="less than a minute ago"):
        resend(timedelta(seconds=59))
    for hour in range(1, 5):
        resend(timedelta(hours=hour))
    with pytest.raises(services.TooManyInvitations, match="sent 5 times"):
        resend(timedelta(hours=5))


def test_inviting_has_limits(monkeypatch) -> None:
    monkeypatch.setattr(invitations, "MOST_OPEN", 2)
    monkeypatch.setattr(invitations, "MOST_A_DAY", 3)
    inviter = UserFactory()
    first, second = (MembershipFactory(user=inviter).organization for _ in range(2))
    for n in range(2):
        invite(first, f"{n}@example.com", inviter=inviter)

    with pytest.raises(services.TooManyInvitations, match="2 invitations wait for an answer"):
        invite(first, "2@example.com", inviter=inviter)
    invite(second, "2@example.com", inviter=inviter)
    with pytest.raises(services.TooManyInvitations, match="You have invited 3 people within a day"):
        invite(second, "3@example.com", inviter=inviter)


def test_members_are_not_invited_whatever_address_of_theirs_is_used() -> None:
    organization = OrganizationFactory()
    member = MembershipFactory(organization=organization, user__email="boris@example.com").user
    EmailAddress.objects.create(user=member, email="other@example.com", verified=True)

    for email in ("BORIS@example.com", "other@example.com"):
        with pytest.raises(services.AlreadyMember):
            invite(organization, email)


@pytest.mark.parametrize("email", ["", "boris", "boris@", "a" * 250 + "@example.com"])
def test_what_is_no_e_mail_is_refused_by_field(email) -> None:
    with pytest.raises(ValidationError) as caught:
        invite(OrganizationFactory(), email)

    assert list(caught.value.message_dict) == ["email"]


def test_a_personal_organization_invites_no_second_owner() -> None:
    organization = OrganizationFactory(is_personal=True)

    with pytest.raises(services.PersonalOrganization):
        invite(organization, role=Role.OWNER)

    assert invite(organization, role=Role.MANAGER).invitation.role == Role.MANAGER


def test_nobody_is_invited_to_the_demo_or_by_its_person() -> None:
    user, demo = services.ensure_demo(organization_name="Demo")
    elsewhere = MembershipFactory(user=user).organization

    for organization in (demo, elsewhere):
        with pytest.raises(services.DemoOrganization):
            invite(organization, inviter=user)


def test_nobody_is_invited_to_what_is_about_to_be_deleted() -> None:
    with pytest.raises(services.OrganizationLeaving):
        invite(OrganizationFactory(deletion_at=NOW))


def test_accepting_twice_makes_one_membership() -> None:
    user = UserFactory(email="boris@example.com")
    sent = invite(OrganizationFactory(), role=Role.MANAGER)
    token = token_of(sent.link)

    membership = accept(token, user)

    assert accept(token, user) == membership
    assert (membership.role, membership.organization) == (Role.MANAGER, sent.invitation.organization)
    invitation = Invitation.objects.get()
    assert (invitation.accepted_at, invitation.accepted_by) == (NOW, user)
    accepted = AuditEntry.objects.get(action="invitation.accepted")
    assert (accepted.actor_email, accepted.details) == (
        "boris@example.com",
        {"role": "manager", "is_new_member": True},
    )


def test_a_verified_second_address_of_a_person_counts() -> None:
    user = UserFactory(email="private@example.com")
    EmailAddress.objects.create(user=user, email="Boris@example.com", verified=True)
    unproven = UserFactory()
    EmailAddress.objects.create(user=unproven, email="vera@example.com", verified=False)
    organization = OrganizationFactory()

    assert accept(token_of(invite(organization).link), user).user == user
    with pytest.raises(services.WrongAccount):
        accept(token_of(invite(organization, "vera@example.com").link), unproven)


def test_the_wrong_account_is_told_which_is_the_right_one() -> None:
    other = UserFactory(email="other@example.com")
    token = token_of(invite(OrganizationFactory()).link)

    with pytest.raises(services.WrongAccount, match=r"for boris@.* signed in as other@"):
        accept(token, other)

    assert not other.memberships.exists()


def test_who_joined_meanwhile_keeps_their_role() -> None:
    organization = OrganizationFactory()
    user = UserFactory(email="boris@example.com")
    token = token_of(invite(organization).link)
    MembershipFactory(organization=organization, user=user, manager=True)

    assert accept(token, user).role == Role.MANAGER


def test_an_expired_invitation_lets_nobody_in() -> None:
    user = UserFactory(email="boris@example.com")
    token = token_of(invite(OrganizationFactory()).link)

    with pytest.raises(services.InvitationNotValid, match="has expired"):
        accept(token, user, now=NOW + timedelta(days=7))

    assert accept(token, user, now=NOW + timedelta(days=7, seconds=-1))


def test_a_withdrawn_invitation_lets_nobody_in_and_makes_room_for_another() -> None:
    organization = OrganizationFactory()
    user = UserFactory(email="boris@example.com")
    sent = invite(organization)

    services.revoke_invitation(invitation=sent.invitation, now=NOW)
    services.revoke_invitation(invitation=sent.invitation, now=NOW)

    with pytest.raises(services.InvitationNotValid, match="was withdrawn"):
        accept(token_of(sent.link), user)
    assert AuditEntry.objects.filter(action="invitation.revoked").count() == 1
    assert accept(token_of(invite(organization).link), user)


def test_an_accepted_invitation_is_neither_withdrawn_nor_sent_again_nor_used_by_another() -> None:
    organization = OrganizationFactory()
    user = UserFactory(email="boris@example.com")
    sent = invite(organization)
    accept(token_of(sent.link), user)
    sent.invitation.organization.memberships.filter(user=user).delete()

    for attempt in (
        lambda: services.revoke_invitation(invitation=sent.invitation, now=NOW),
        lambda: services.resend_invitation(
            invitation=sent.invitation, inviter=user, link_of=str, now=NOW + timedelta(hours=1)
        ),
        lambda: accept(token_of(sent.link), user),
        lambda: services.decline_invitation(token_hash=sent.invitation.token_hash, now=NOW),
    ):
        with pytest.raises(services.InvitationNotValid, match="was accepted already"):
            attempt()
    assert not user.memberships.exists()


def test_declining_ends_the_link() -> None:
    invitation = InvitationFactory(sent_at=NOW)

    services.decline_invitation(token_hash=invitation.token_hash, now=NOW)

    with pytest.raises(services.InvitationNotValid):
        services.decline_invitation(token_hash=invitation.token_hash, now=NOW)
    assert Invitation.objects.get().revoked_at == NOW
    assert AuditEntry.objects.get().action == "invitation.declined"


@pytest.mark.parametrize("token", ["", "nonsense", "0" * 64])
def test_a_token_of_nobody_is_no_invitation(token) -> None:
    InvitationFactory()

    with pytest.raises(services.InvitationNotValid, match="leads to no invitation"):
        accept(token, UserFactory())


def test_an_organization_whose_rows_are_going_lets_nobody_in() -> None:
    user = UserFactory(email="boris@example.com")
    invitation = InvitationFactory(
        email=user.email, sent_at=NOW, organization__deletion_at=NOW, organization__deletion_started_at=NOW
    )

    with pytest.raises(services.InvitationNotValid):
        services.accept_invitation(token_hash=invitation.token_hash, user=user, now=NOW)
