"""People, their organizations, and the rank that somebody must keep."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.utils import timezone

from accounts import queries, services
from accounts.models import Membership, Organization, Role, User
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough passphrase"


def test_register_user_gives_an_organization_of_ones_own() -> None:
    user = services.register_user(email="Anna@Example.com", password=PASSWORD, full_name="Anna")

    membership = user.memberships.get()
    assert (user.email, membership.role) == ("anna@example.com", Role.OWNER)
    assert (membership.organization.name, membership.organization.is_personal) == ("Anna", True)


def test_an_e_mail_is_one_persons_in_any_case() -> None:
    services.register_user(email="anna@example.com")

    with pytest.raises(IntegrityError):
        services.register_user(email="ANNA@example.com")


def test_ensure_personal_organization_twice_makes_one() -> None:
    user = UserFactory()

    first = services.ensure_personal_organization(user=user)

    assert services.ensure_personal_organization(user=user) == first
    assert Membership.objects.filter(user=user).count() == 1


def test_ensure_demo_twice_makes_one_that_has_no_password() -> None:
    first = services.ensure_demo(organization_name="Demo")

    assert services.ensure_demo(organization_name="Demo") == first
    user, organization = first
    assert (user.has_usable_password(), user.is_superuser, organization.is_demo) == (False, False, True)
    assert queries.demo_user() == user


def test_the_demos_super_admin_does_not_count_as_the_last_one() -> None:
    services.ensure_demo(organization_name="Demo", is_super_admin=True)

    assert not queries.super_admins().exists()


def test_switch_organization_refuses_a_strangers() -> None:
    membership = MembershipFactory()
    session: dict = {}

    with pytest.raises(services.NotAMember):
        services.switch_organization(
            user=membership.user, session=session, organization_id=OrganizationFactory().pk
        )

    assert session == {}
    services.switch_organization(
        user=membership.user, session=session, organization_id=membership.organization_id
    )
    assert session == {"organization_id": membership.organization_id}


def test_the_last_super_admin_stays() -> None:
    last = UserFactory(super_admin=True)
    UserFactory(super_admin=True, is_active=False)

    with pytest.raises(services.LastSuperAdmin):
        services.delete_users(users=[last], now=timezone.now())
    last.is_superuser = False
    with pytest.raises(services.LastSuperAdmin):
        services.update_user(user=last)

    assert User.objects.get(pk=last.pk).is_superuser


def test_all_super_admins_cannot_go_at_once() -> None:
    both = [UserFactory(super_admin=True) for _ in range(2)]

    with pytest.raises(services.LastSuperAdmin):
        services.delete_users(users=both, now=timezone.now())

    assert services.delete_users(users=both[:1], now=timezone.now()) == 1


@pytest.mark.parametrize(
    ("actor", "target", "may"),
    [
        ({"super_admin": True}, {"super_admin": True}, True),
        ({"administrator": True}, {}, False),
        ({}, {}, False),
    ],
)
def test_may_administer_by_rank(actor, target, may) -> None:
    assert queries.may_administer(actor=UserFactory(**actor), target=UserFactory(**target)) is may


def test_create_super_admin_takes_the_password_from_the_environment(monkeypatch, capsys) -> None:
    monkeypatch.setenv("INFRAZEN_ADMIN_PASSWORD", PASSWORD)

    call_command("create_super_admin", "root@example.com")

    user = User.objects.get()
    assert (user.is_superuser, user.is_staff, user.check_password(PASSWORD)) == (True, True, True)
    assert Organization.objects.filter(memberships__user=user, is_personal=True).count() == 1
    assert PASSWORD not in capsys.readouterr().out


def test_create_super_admin_makes_a_password_and_prints_it_once(monkeypatch, capsys) -> None:
    monkeypatch.delenv("INFRAZEN_ADMIN_PASSWORD", raising=False)

    call_command("create_super_admin", "root@example.com")

    printed = capsys.readouterr().out.strip().rpartition(" ")[2]
    assert User.objects.get().check_password(printed)


def test_create_super_admin_refuses_a_second_one_unless_forced(monkeypatch) -> None:
    monkeypatch.setenv("INFRAZEN_ADMIN_PASSWORD", PASSWORD)
    call_command("create_super_admin", "root@example.com")

    with pytest.raises(CommandError, match="exists already"):
        call_command("create_super_admin", "other@example.com")

    call_command("create_super_admin", "other@example.com", force_another=True)
    assert queries.super_admins().count() == 2


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("root@example.com", "short", "too short"),
        ("nobody", PASSWORD, "valid email"),
    ],
)
def test_create_super_admin_says_what_is_wrong(monkeypatch, email, password, sentence) -> None:
    monkeypatch.setenv("INFRAZEN_ADMIN_PASSWORD", password)

    with pytest.raises(CommandError, match=sentence):
        call_command("create_super_admin", email)

    assert not User.objects.exists()


def test_create_super_admin_with_a_weak_password_is_a_validation_error() -> None:
    with pytest.raises(ValidationError):
        services.create_super_admin(email="root@example.com", password="1234567890")
