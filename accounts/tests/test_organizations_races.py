"""Two people at the same moment, on real connections: PostgreSQL's row locks decide, or SQLite's one writer."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import pytest
from django.db import connection

from accounts import services
from accounts.models import Invitation, Membership, Organization, Role
from accounts.tests.factories import InvitationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)

ATTEMPTS = 5
"""Without the locks each of these fails at the first or second."""


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Each call in a thread with a connection of its own, all let go at once; its result, or the error it raised."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            gate.wait(timeout=10)
            return call()
        except services.AccountError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def several_times(test: Callable[[], None]) -> Callable[[], None]:
    @wraps(test)
    def repeated() -> None:
        for _attempt in range(ATTEMPTS):
            test()

    return repeated


def owners(organization: Organization) -> int:
    return Membership.objects.filter(organization=organization, role=Role.OWNER).count()


@several_times
def test_of_two_owners_that_leave_at_once_one_stays() -> None:
    first = MembershipFactory()
    second = MembershipFactory(organization=first.organization)

    results = together(
        lambda: services.leave_organization(membership=first),
        lambda: services.leave_organization(membership=second),
    )

    assert owners(first.organization) == 1
    assert sorted(type(result).__name__ for result in results) == ["LastOwner", "NoneType"]


@several_times
def test_of_two_owners_that_demote_each_other_one_stays() -> None:
    first = MembershipFactory()
    second = MembershipFactory(organization=first.organization)

    together(
        lambda: services.change_role(membership=first, role=Role.VIEWER),
        lambda: services.change_role(membership=second, role=Role.VIEWER),
    )

    assert owners(first.organization) == 1


@several_times
def test_two_clicks_on_one_invitation_make_one_membership() -> None:
    user = UserFactory()
    invitation = InvitationFactory(email=user.email, sent_at=NOW)

    def accept() -> Membership:
        return services.accept_invitation(token_hash=invitation.token_hash, user=user, now=NOW)

    results = together(accept, accept)

    assert results[0] == results[1] == user.memberships.get()


@several_times
def test_of_an_acceptance_and_a_withdrawal_at_once_one_happens() -> None:
    user = UserFactory()
    invitation = InvitationFactory(email=user.email, sent_at=NOW)

    accepted, revoked = together(
        lambda: services.accept_invitation(token_hash=invitation.token_hash, user=user, now=NOW),
        lambda: services.revoke_invitation(invitation=invitation, now=NOW),
    )

    fresh = Invitation.objects.get(pk=invitation.pk)
    assert isinstance(accepted, Membership) is (revoked is not None)
    assert (fresh.accepted_at is None) is (fresh.revoked_at is not None)
    assert user.memberships.count() == (fresh.accepted_at is not None)


@several_times
def test_an_e_mail_that_two_owners_invite_at_once_has_one_invitation() -> None:
    first = MembershipFactory()
    second = MembershipFactory(organization=first.organization)

    def invite(inviter: Any) -> Any:
        return services.send_invitation(
            organization=first.organization,
            email="boris@example.com",
            role=Role.VIEWER,
            inviter=inviter,
            link_of=str,
            now=NOW,
        )

    results = together(lambda: invite(first.user), lambda: invite(second.user))

    assert Invitation.objects.of(first.organization).count() == 1
    kinds = sorted(type(result).__name__ for result in results)
    assert kinds == ["SentInvitation", "TooManyInvitations"]  # the second one is too soon


@several_times
def test_of_a_change_of_mind_and_the_deletion_at_once_one_happens() -> None:
    organization = MembershipFactory(organization__deletion_at=NOW).organization

    kept, gone = together(
        lambda: services.cancel_deletion(organization=organization),
        lambda: services.delete_due_organizations(now=NOW, seconds=60),
    )

    is_there = Organization.objects.filter(pk=organization.pk).exists()
    assert is_there is isinstance(kept, Organization)
    assert gone == (not is_there)
    assert organization.memberships.exists() is is_there


def test_two_workers_that_delete_the_same_organization_are_in_nobodys_way() -> None:
    organization = MembershipFactory(organization__deletion_at=NOW).organization
    for n in range(50):
        InvitationFactory(organization=organization, email=f"{n}@example.com", invited_by=None)

    def delete() -> int:
        return services.delete_due_organizations(now=NOW, seconds=60)

    results = together(delete, delete)

    assert sorted(results) == [0, 1]
    assert not Organization.objects.filter(pk=organization.pk).exists()
