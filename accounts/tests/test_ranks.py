"""Every way up that we could think of: an administrator stays what they are, and super admins stay untouched.

Ranks are `is_staff` and `is_superuser`, groups and permissions. Only a super admin gives them. Each test below is one
attempt of somebody who may manage users and nothing else.
"""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts import queries, services
from accounts.models import Membership, Role, User
from accounts.tests.factories import PASSWORD, MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "another long passphrase"


def _permissions(*codenames: str):
    return Permission.objects.filter(content_type__app_label="accounts", codename__in=codenames)


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def me() -> User:
    """An administrator with four of the five permissions, and Django's own on users, groups and memberships besides."""
    user = UserFactory(administrator=True, email="me@example.com")
    user.user_permissions.set(
        _permissions("manage_users", "view_all_data", "manage_providers", "manage_resources")
    )
    user.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label__in=[
                "accounts",
                "auth",
                "account",
                "mfa",
                "socialaccount",
                "usersessions",
            ],
            codename__regex="^(add|change|delete|view)_",
        )
    )
    return user


@pytest.fixture
def boss() -> User:
    user = UserFactory(super_admin=True, email="boss@example.com")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def client_of_mine(me) -> Client:
    return _client(me)


def _form(user: User, **changes) -> dict:
    return {
        "email": user.email,
        "full_name": user.full_name,
        "is_active": "on",
        "currency": "RUB",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        **changes,
    }


def _everything() -> dict:
    """Every field that would raise somebody, as a form would send it, and as one that was made by hand might."""
    group = Group.objects.create(name="Everything")
    group.permissions.set(_permissions(*queries.PLATFORM_PERMISSIONS))
    impersonate = _permissions("impersonate_users").get()
    return {
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [group.pk],
        "user_permissions": [impersonate.pk],
        "password": "pbkdf2_sha256$1$a$b",
        "last_login": "2020-01-01",
        "id": "1",
        "pk": "1",
        "_is_superuser": "on",
    }


def _rank(user: User) -> tuple:
    fresh = User.objects.get(pk=user.pk)
    return (
        fresh.email,
        fresh.password,
        fresh.is_active,
        fresh.is_staff,
        fresh.is_superuser,
        sorted(fresh.groups.values_list("pk", flat=True)),
        sorted(fresh.user_permissions.values_list("pk", flat=True)),
    )


# Up: oneself


def test_not_by_ones_own_page(client_of_mine, me) -> None:
    before = _rank(me)

    response = client_of_mine.post(f"/admin/accounts/user/{me.pk}/change/", _form(me, **_everything()))

    assert response.status_code == 403
    assert _rank(me) == before


def test_not_by_ones_own_settings(client_of_mine, me) -> None:
    before = _rank(me)

    client_of_mine.post(reverse("accounts:settings_profile"), {"full_name": "Me", **_everything()})

    assert _rank(me)[2:] == before[2:]


def test_not_by_a_new_user(client_of_mine) -> None:
    client_of_mine.post(
        "/admin/accounts/user/add/",
        {
            **_everything(),
            "email": "accomplice@example.com",
            "full_name": "Accomplice",
            "usable_password": "true",
            "password1": NEW_PASSWORD,
            "password2": NEW_PASSWORD,
        },
    )

    made = User.objects.get(email="accomplice@example.com")
    assert (made.is_staff, made.is_superuser) == (False, False)
    assert not made.groups.exists()
    assert not made.user_permissions.exists()
    assert made.check_password(NEW_PASSWORD)


def test_not_by_raising_somebody_else(client_of_mine) -> None:
    accomplice = UserFactory()
    before = _rank(accomplice)

    response = client_of_mine.post(
        f"/admin/accounts/user/{accomplice.pk}/change/", _form(accomplice, **_everything())
    )

    assert response.status_code == 302
    assert _rank(accomplice) == before


def test_not_by_the_sign_up(client) -> None:
    client.post(
        reverse("account_signup"),
        {"email": "new@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, **_everything()},
    )

    made = User.objects.get(email="new@example.com")
    assert (made.is_staff, made.is_superuser, made.user_permissions.count()) == (False, False, 0)


def test_not_by_an_allowed_name_of_a_field_in_a_list(client_of_mine, me) -> None:
    """The list has no fields to edit; a form for one is ignored."""
    before = _rank(me)

    client_of_mine.post(
        "/admin/accounts/user/",
        {
            "form-TOTAL_FORMS": "1",
            "form-INITIAL_FORMS": "1",
            "form-0-id": me.pk,
            "form-0-is_superuser": "on",
            "_save": "Save",
        },
    )

    assert _rank(me) == before


# Up: groups


@pytest.mark.parametrize("path", ["", "add/", "{}/change/", "{}/delete/", "{}/history/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_groups_are_a_super_admins(client_of_mine, me, path, method) -> None:
    group = Group.objects.get(name="Administrators")
    me.groups.add(group)
    everything = Permission.objects.values_list("pk", flat=True)

    response = getattr(client_of_mine, method)(
        "/admin/auth/group/" + path.format(group.pk), {"name": group.name, "permissions": list(everything)}
    )

    assert response.status_code == 403
    assert not group.permissions.exists()


def test_groups_are_not_reached_by_the_box_of_a_users_page(client_of_mine) -> None:
    """The window in which another page's box adds to a relation."""
    assert client_of_mine.get("/admin/auth/group/add/?_popup=1").status_code == 403
    autocomplete = client_of_mine.get(
        "/admin/autocomplete/",
        {"app_label": "accounts", "model_name": "user", "field_name": "groups", "term": ""},
    )
    assert autocomplete.status_code == 403


# Super admins, and equals


@pytest.mark.parametrize("rank", [{"super_admin": True}, {"administrator": True}, {"is_superuser": True}])
@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("{}/change/", {"email": "taken-over@example.com"}),
        ("{}/change/", {"is_active": ""}),
        ("{}/change/", {"is_superuser": ""}),
        ("{}/password/", {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}),
        ("{}/password/", {"usable_password": "false", "unset-password": "1"}),
        ("{}/delete/", {"post": "yes"}),
    ],
    ids=["e-mail", "deactivate", "demote", "password", "no password", "delete"],
)
def test_equals_and_betters_are_only_looked_at(client_of_mine, rank, path, data) -> None:
    target = UserFactory(**rank)
    before = _rank(target)

    response = client_of_mine.post(
        "/admin/accounts/user/" + path.format(target.pk), {**_form(target), **data}
    )

    assert response.status_code == 403
    assert _rank(target) == before


def test_nobody_is_deleted_in_bulk_who_may_not_be_alone(client_of_mine, boss) -> None:
    ordinary, equal = UserFactory(), UserFactory(administrator=True)

    for selected in ([boss.pk], [equal.pk], [boss.pk, ordinary.pk]):
        client_of_mine.post(
            "/admin/accounts/user/",
            {"action": "delete_selected", "_selected_action": selected, "post": "yes"},
        )
    client_of_mine.post(
        "/admin/accounts/user/",
        {"action": "delete_selected", "_selected_action": [ordinary.pk], "select_across": "1", "post": "yes"},
    )

    assert User.objects.filter(pk__in=[boss.pk, equal.pk, ordinary.pk]).count() == 3


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_a_super_admins_memberships_are_not_an_administrators(client_of_mine, boss, role) -> None:
    membership = MembershipFactory(user=boss, role=role)
    base = f"/admin/accounts/membership/{membership.pk}"
    other = Role.VIEWER if role == Role.OWNER else Role.OWNER

    client_of_mine.post(
        f"{base}/change/", {"user": boss.pk, "organization": membership.organization_id, "role": other}
    )
    client_of_mine.post(f"{base}/delete/", {"post": "yes"})
    client_of_mine.post(
        "/admin/accounts/membership/",
        {"action": "delete_selected", "_selected_action": [membership.pk], "post": "yes"},
    )
    for page, owner in (
        (f"user/{boss.pk}", "user"),
        (f"organization/{membership.organization_id}", "organization"),
    ):
        for change in ({"memberships-0-role": other}, {"memberships-0-DELETE": "on"}):
            client_of_mine.post(
                f"/admin/accounts/{page}/change/",
                {
                    **_form(boss),
                    "name": "Organization",
                    "time_zone": "Europe/Moscow",
                    "memberships-TOTAL_FORMS": "1",
                    "memberships-INITIAL_FORMS": "1",
                    "memberships-0-id": membership.pk,
                    "memberships-0-user": boss.pk,
                    "memberships-0-organization": membership.organization_id,
                    "memberships-0-role": membership.role,
                    f"memberships-0-{owner}": boss.pk if owner == "user" else membership.organization_id,
                    **change,
                },
            )

    assert Membership.objects.get(pk=membership.pk).role == role


def test_a_super_admin_is_not_put_into_an_organization(client_of_mine, boss) -> None:
    client_of_mine.post(
        "/admin/accounts/membership/add/",
        {"user": boss.pk, "organization": OrganizationFactory().pk, "role": Role.OWNER},
    )

    assert not boss.memberships.exists()


@pytest.mark.parametrize(
    "model", ["account/emailaddress", "mfa/authenticator", "socialaccount/socialaccount"]
)
def test_ways_to_sign_in_are_a_super_admins(client_of_mine, boss, model) -> None:
    """Deleting a second factor, or confirming an address, would open somebody's account."""
    factor = Authenticator.objects.create(user=boss, type=Authenticator.Type.TOTP, data={"secret": "x"})
    pk = {"account/emailaddress": boss.emailaddress_set.get().pk, "mfa/authenticator": factor.pk}.get(
        model, 1
    )

    for path in ("", "add/", f"{pk}/change/", f"{pk}/delete/"):
        assert client_of_mine.post(f"/admin/{model}/{path}", {"post": "yes"}).status_code == 403

    assert Authenticator.objects.filter(pk=factor.pk).exists()
    assert EmailAddress.objects.filter(user=boss).exists()


def test_a_super_admins_tokens_are_not_revoked_by_an_administrator(client_of_mine, boss) -> None:
    from accounts.tokens.tests.factories import token_of

    token, _headers = token_of(MembershipFactory(user=boss))

    client_of_mine.post("/admin/tokens/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})

    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_address_of_a_super_admin_is_not_given_to_somebody_else(client_of_mine, boss) -> None:
    """Who had it could ask for a new password, or sign in by it."""
    accomplice = UserFactory()

    for email in (boss.email, boss.email.upper()):
        response = client_of_mine.post(
            f"/admin/accounts/user/{accomplice.pk}/change/", _form(accomplice, email=email)
        )
        assert response.status_code == 200  # the form again, with an error

    assert User.objects.get(pk=accomplice.pk).email == accomplice.email


def test_another_address_of_a_super_admin_is_not_given_to_somebody_else(client_of_mine, boss) -> None:
    EmailAddress.objects.create(user=boss, email="boss.private@example.com", verified=True)
    accomplice = UserFactory()

    client_of_mine.post(
        f"/admin/accounts/user/{accomplice.pk}/change/", _form(accomplice, email="boss.private@example.com")
    )

    assert EmailAddress.objects.get(email="boss.private@example.com").user == boss
    client = Client()
    accomplice.set_password(NEW_PASSWORD)
    accomplice.save()
    client.post(reverse("account_login"), {"login": "boss.private@example.com", "password": NEW_PASSWORD})
    assert client.session.get("_auth_user_id") != str(boss.pk)


def test_the_old_address_opens_the_account_no_more(client_of_mine) -> None:
    person = UserFactory(email="old@example.com")
    EmailAddress.objects.create(user=person, email="old@example.com", verified=True, primary=True)

    client_of_mine.post(f"/admin/accounts/user/{person.pk}/change/", _form(person, email="new@example.com"))

    assert list(EmailAddress.objects.filter(user=person).values_list("email", "verified")) == [
        ("new@example.com", True)
    ]


def test_impersonation_is_a_permission_of_its_own(client_of_mine, me, boss) -> None:
    begin = reverse("impersonation:begin")

    assert client_of_mine.post(begin, {"user_pk": boss.pk}).status_code == 403
    assert client_of_mine.post(begin, {"user_pk": UserFactory().pk}).status_code == 403
    me.user_permissions.add(_permissions("impersonate_users").get())
    assert _client(User.objects.get(pk=me.pk)).post(begin, {"user_pk": boss.pk}).status_code == 403


def test_acting_as_an_administrator_gives_no_more_than_they_have(me, boss) -> None:
    """A super admin who acts as an administrator is one: the pages of that rank, and no other."""
    client = _client(boss)
    client.post(reverse("impersonation:begin"), {"user_pk": me.pk})

    assert client.get("/admin/auth/group/").status_code == 403
    assert client.post(f"/admin/accounts/user/{me.pk}/change/", _form(me, **_everything())).status_code == 403


def test_the_api_knows_no_ranks(client_of_mine, me) -> None:
    """No endpoint of the API takes or shows a rank."""
    schema = client_of_mine.get("/api/schema/")

    text = schema.content.decode()
    assert schema.status_code == 200
    assert "is_superuser" not in text
    assert "is_staff" not in text
    assert "user_permissions" not in text


# The last one


def _demote(client: Client, user: User, **changes):
    return client.post(f"/admin/accounts/user/{user.pk}/change/", {**_form(user, is_staff="on"), **changes})


def test_the_last_super_admin_stays(boss) -> None:
    client = _client(boss)

    _demote(client, boss)
    _demote(client, boss, is_superuser="on", is_active="")
    client.post(f"/admin/accounts/user/{boss.pk}/delete/", {"post": "yes"})
    client.post(
        "/admin/accounts/user/", {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}
    )

    assert queries.is_last_super_admin(User.objects.get(pk=boss.pk))


def test_the_last_super_admin_does_not_lock_themselves_out(boss) -> None:
    """Without `is_staff` the admin would open to nobody."""
    client = _client(boss)

    response = client.post(f"/admin/accounts/user/{boss.pk}/change/", _form(boss, is_superuser="on"))

    assert response.status_code == 302
    assert User.objects.get(pk=boss.pk).is_staff


def test_inactive_and_demo_super_admins_do_not_count(boss) -> None:
    UserFactory(super_admin=True, is_active=False)
    services.ensure_demo(organization_name="Demo", is_super_admin=True)

    _demote(_client(boss), boss)

    assert User.objects.get(pk=boss.pk).is_superuser


def test_all_super_admins_do_not_go_at_once(boss) -> None:
    other = UserFactory(super_admin=True)

    _client(boss).post(
        "/admin/accounts/user/",
        {"action": "delete_selected", "_selected_action": [boss.pk, other.pk], "post": "yes"},
    )

    assert queries.super_admins().count() == 2


def test_one_of_two_super_admins_goes(boss) -> None:
    other = UserFactory(super_admin=True)

    _demote(_client(boss), other)

    assert not User.objects.get(pk=other.pk).is_superuser


def test_a_super_admins_own_organization_does_not_take_them_along(boss) -> None:
    organization = MembershipFactory(user=boss).organization

    _client(boss).post(f"/admin/accounts/organization/{organization.pk}/delete/", {"post": "yes"})

    assert User.objects.filter(pk=boss.pk).exists()


# What is seen


def test_no_page_shows_a_hash(client_of_mine, boss) -> None:
    ordinary = UserFactory()
    for viewer in (client_of_mine, _client(boss)):
        for user in (ordinary, boss):
            page = viewer.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
            assert user.password[-12:] not in page
            assert user.password.split("$")[-1][:6] not in page


def test_lists_are_not_filtered_by_a_hash(client_of_mine) -> None:
    response = client_of_mine.get("/admin/accounts/user/", {"password__startswith": "md5"})

    assert response.status_code in {302, 400}


def test_a_password_that_an_administrator_set_is_the_persons(client_of_mine) -> None:
    person = UserFactory()

    client_of_mine.post(
        f"/admin/accounts/user/{person.pk}/password/",
        {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"},
    )

    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)
    assert not person.check_password(PASSWORD)
