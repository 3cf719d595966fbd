"""The admin of people: nobody raises themselves, the last super admin stays, and pages do not grow with rows."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Membership, Role, User
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db


def _administrator(*permissions: str) -> User:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _form_of(user: User, **changes) -> dict:
    return {
        "email": user.email,
        "full_name": user.full_name,
        "is_active": "on",
        "currency": "RUB",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        **changes,
    }


def _change(client: Client, user: User, **changes):
    return client.post(f"/admin/accounts/user/{user.pk}/change/", _form_of(user, **changes))


def test_every_list_and_form_opens_for_a_super_admin(client) -> None:
    user = UserFactory(super_admin=True)
    MembershipFactory(user=user)
    client.force_login(user)

    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if model._meta.app_label in {"accounts", "auth", "account", "socialaccount", "mfa", "usersessions"}:
            assert (base, client.get(base).status_code) == (base, 200)
            if model_admin.has_add_permission(_request_of(user)):
                assert (base, client.get(f"{base}add/").status_code) == (base, 200)


def test_every_schedule_list_and_form_opens_for_a_super_admin(client) -> None:
    client.force_login(UserFactory(super_admin=True))

    for model in ("periodictask", "intervalschedule", "crontabschedule", "solarschedule", "clockedschedule"):
        for page in ("", "add/"):
            url = f"/admin/django_celery_beat/{model}/{page}"
            assert (url, client.get(url).status_code) == (url, 200)


def test_the_front_page_lists_what_one_may_see() -> None:
    mine = _client(_administrator("manage_users")).get("/admin/").content.decode()

    assert "/admin/accounts/user/" in mine
    assert "/admin/auth/group/" not in mine
    assert "/admin/mfa/authenticator/" not in mine


def test_secrets_of_sign_in_have_no_admin(client) -> None:
    assert not admin.site.is_registered(SocialApp)
    assert not admin.site.is_registered(SocialToken)
    user = UserFactory(super_admin=True)
    factor = Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DP"}
    )
    client.force_login(user)

    page = client.get(f"/admin/mfa/authenticator/{factor.pk}/change/")

    assert page.status_code == 200
    assert b"JBSWY3DP" not in page.content


@pytest.mark.parametrize("url", ["/admin/accounts/user/", "/admin/accounts/organization/"])
def test_administrators_without_the_permission_see_no_people(url) -> None:
    assert _client(_administrator()).get(url).status_code == 403
    assert _client(_administrator("manage_users")).get(url).status_code == 200


def test_ordinary_users_have_no_admin(client) -> None:
    client.force_login(MembershipFactory().user)

    assert client.get("/admin/accounts/user/").status_code in {302, 403}


def test_an_administrator_edits_a_user_and_gives_no_rank() -> None:
    user = UserFactory()

    response = _change(
        _client(_administrator("manage_users")), user, full_name="New", is_superuser="on", is_staff="on"
    )

    user.refresh_from_db()
    assert response.status_code == 302
    assert (user.full_name, user.is_superuser, user.is_staff) == ("New", False, False)


@pytest.mark.parametrize("rank", [{"administrator": True}, {"super_admin": True}])
def test_an_administrator_cannot_change_equals_and_betters(rank) -> None:
    target = UserFactory(full_name="Old", **rank)
    client = _client(_administrator("manage_users"))

    assert _change(client, target, full_name="New").status_code == 403
    password = f"/admin/accounts/user/{target.pk}/password/"
    assert client.post(password, {"password1": "x" * 12, "password2": "x" * 12}).status_code == 403
    assert client.post(f"/admin/accounts/user/{target.pk}/delete/", {"post": "yes"}).status_code == 403
    target.refresh_from_db()
    assert target.full_name == "Old"


def test_an_administrator_does_not_raise_themselves() -> None:
    me = _administrator("manage_users")

    assert _change(_client(me), me, is_superuser="on").status_code == 403
    assert not User.objects.get(pk=me.pk).is_superuser


def test_an_administrator_does_not_delete_betters_in_bulk() -> None:
    boss, ordinary = UserFactory(super_admin=True), UserFactory()
    client = _client(_administrator("manage_users"))

    client.post(
        "/admin/accounts/user/",
        {"action": "delete_selected", "_selected_action": [boss.pk, ordinary.pk], "post": "yes"},
    )

    assert User.objects.filter(pk__in=[boss.pk, ordinary.pk]).count() == 2


def test_an_administrator_does_not_let_themselves_into_an_organization() -> None:
    me, organization = _administrator("manage_users"), OrganizationFactory()
    client = _client(me)

    direct = client.post(
        "/admin/accounts/membership/add/",
        {"user": me.pk, "organization": organization.pk, "role": "owner"},
    )
    inline = client.post(
        f"/admin/accounts/organization/{organization.pk}/change/",
        {
            "name": organization.name,
            "time_zone": "Europe/Moscow",
            "memberships-TOTAL_FORMS": "1",
            "memberships-INITIAL_FORMS": "0",
            "memberships-0-user": me.pk,
            "memberships-0-role": "owner",
        },
    )

    assert (direct.status_code, inline.status_code) == (200, 200)  # the forms again, with an error
    assert not Membership.objects.filter(user=me).exists()


def test_an_administrator_lets_others_in() -> None:
    other, organization = UserFactory(), OrganizationFactory()

    _client(_administrator("manage_users")).post(
        "/admin/accounts/membership/add/",
        {"user": other.pk, "organization": organization.pk, "role": "viewer"},
    )

    assert Membership.objects.get(user=other).role == Role.VIEWER


def test_the_last_super_admin_is_neither_demoted_nor_deleted() -> None:
    me = UserFactory(super_admin=True)
    client = _client(me)

    demoted = _change(client, me, is_staff="on")
    client.post(f"/admin/accounts/user/{me.pk}/delete/", {"post": "yes"})
    client.post(
        "/admin/accounts/user/",
        {"action": "delete_selected", "_selected_action": [me.pk], "post": "yes"},
    )

    assert b"This is the last super admin." in demoted.content
    assert User.objects.get(pk=me.pk).is_superuser


def test_a_new_user_of_the_admin_gets_an_organization() -> None:
    _client(_administrator("manage_users")).post(
        "/admin/accounts/user/add/",
        {
            "email": "New@Example.com",
            "full_name": "New",
            "usable_password": "true",
            "password1": "a long passphrase",
            "password2": "a long passphrase",
        },
    )

    assert User.objects.get(email="new@example.com").memberships.get().organization.is_personal


def test_only_a_super_admin_grants_permissions_and_only_named_ones() -> None:
    user = UserFactory(administrator=True)
    boss = _client(UserFactory(super_admin=True))
    offered = boss.get(f"/admin/accounts/user/{user.pk}/change/").context["adminform"].form.fields

    codenames = {permission.codename for permission in offered["user_permissions"].queryset}

    assert codenames == {
        "manage_users",
        "impersonate_users",
        "view_all_data",
        "manage_providers",
        "manage_resources",
    }
    granted = Permission.objects.get(codename="manage_providers")
    _change(boss, user, is_staff="on", user_permissions=[granted.pk])
    assert User.objects.get(pk=user.pk).has_perm("accounts.manage_providers")


@pytest.mark.parametrize("model", ["user", "organization", "membership"])
def test_lists_do_not_ask_per_row(model, django_assert_max_num_queries) -> None:
    client = _client(UserFactory(super_admin=True))
    MembershipFactory()
    one = _query_count(client, model)
    for _ in range(10):
        MembershipFactory()

    assert _query_count(client, model) == one


def _query_count(client: Client, model: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/admin/accounts/{model}/").status_code == 200
    return len(captured)


def _request_of(user: User):
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = user
    return request
