"""Acting as somebody else: who may, what is refused meanwhile, what is written down, and the way back."""

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.models import Role, User
from accounts.tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

BEGIN, END = "/accounts/impersonation/begin/", "/accounts/impersonation/end/"
BAR = b'class="impersonation"'


def _administrator(*permissions: str) -> User:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _acting(impersonator: User, person: User) -> Client:
    client = _client(impersonator)
    assert client.post(BEGIN, {"user_pk": person.pk}).status_code == 302
    return client


def _who(client: Client) -> str:
    return client.session["_auth_user_id"]


@pytest.fixture
def anna() -> User:
    return MembershipFactory(user__email="anna@example.com", user__full_name="Anna").user


@pytest.fixture
def boss() -> User:
    return MembershipFactory(user=UserFactory(super_admin=True, email="boss@example.com")).user


# Who may


def test_a_super_admin_acts_as_a_person_and_comes_back(anna, boss) -> None:
    client = _client(boss)

    there = client.post(BEGIN, {"user_pk": anna.pk, "next": "/resources/"})
    as_anna = _who(client)
    back = client.post(END)

    assert (there["Location"], as_anna) == ("/resources/", str(anna.pk))
    assert (back["Location"], _who(client)) == ("/admin/", str(boss.pk))
    assert client.get("/admin/").status_code == 200


def test_a_holder_of_the_permission_acts_as_ordinary_people(anna) -> None:
    assert _who(_acting(_administrator("impersonate_users"), anna)) == str(anna.pk)


def _ordinary() -> User:
    return MembershipFactory().user


def _not_staff_any_more() -> User:
    user = _administrator("impersonate_users")
    user.is_staff = False
    user.save()
    return user


@pytest.mark.parametrize(
    ("impersonator", "person"),
    [
        (lambda: _administrator("manage_users", "view_all_data"), _ordinary),
        (_ordinary, _ordinary),
        (_not_staff_any_more, _ordinary),
        (lambda: _administrator("impersonate_users"), lambda: UserFactory(administrator=True)),
        (lambda: _administrator("impersonate_users"), lambda: _administrator("impersonate_users")),
        (lambda: _administrator("impersonate_users"), lambda: UserFactory(super_admin=True)),
        (lambda: _administrator("impersonate_users"), lambda: UserFactory(is_active=False)),
        (lambda: UserFactory(super_admin=True), lambda: UserFactory(super_admin=True)),
        (lambda: UserFactory(super_admin=True), lambda: UserFactory(is_superuser=True)),
        (lambda: UserFactory(super_admin=True), lambda: UserFactory(is_active=False)),
    ],
    ids=[
        "without the permission",
        "a user",
        "not staff any more",
        "an equal",
        "another holder",
        "a better",
        "an inactive one",
        "super admins among themselves",
        "a super admin who is not staff",
        "an inactive one by a super admin",
    ],
)
def test_it_is_refused_and_the_refusal_written_down(impersonator, person) -> None:
    impersonator, person = impersonator(), person()
    client = _client(impersonator)

    assert client.post(BEGIN, {"user_pk": person.pk}).status_code == 403

    assert _who(client) == str(impersonator.pk)
    entry = AuditEntry.objects.get(action="impersonation.refused")
    assert (entry.actor_id, entry.object_id) == (impersonator.pk, str(person.pk))


def test_nobody_acts_as_themselves(boss) -> None:
    assert _client(boss).post(BEGIN, {"user_pk": boss.pk}).status_code == 403


def test_nobody_acts_as_somebody_while_acting_as_somebody(boss, anna) -> None:
    """An administrator's right would else be lent on."""
    client = _acting(boss, _administrator("impersonate_users"))

    assert client.post(BEGIN, {"user_pk": anna.pk}).status_code == 403

    entry = AuditEntry.objects.get(action="impersonation.refused")
    assert entry.impersonator_email == boss.email


@pytest.mark.parametrize(
    ("data", "status"), [({"user_pk": "x"}, 404), ({"user_pk": 99999999}, 404), ({}, 400)]
)
def test_bad_numbers_are_answered(boss, data, status) -> None:
    assert _client(boss).post(BEGIN, data).status_code == status


@pytest.mark.parametrize("url", [BEGIN, END])
def test_it_is_posted_and_by_nobody_else(client, anna, url) -> None:
    assert client.post(url, {"user_pk": anna.pk}).status_code in {302, 403}
    assert "_auth_user_id" not in client.session
    client.force_login(anna)
    assert client.get(url, {"user_pk": anna.pk}).status_code in {400, 403, 405}
    assert client.post(END).status_code == 403


def test_a_forged_form_is_refused(boss, anna) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss)

    assert client.post(BEGIN, {"user_pk": anna.pk}).status_code == 403
    assert _who(client) == str(boss.pk)


def test_it_does_not_lead_to_foreign_sites(boss, anna) -> None:
    response = _client(boss).post(BEGIN, {"user_pk": anna.pk, "next": "https://evil.example/"})

    assert response["Location"] == "/"


# The bar


@pytest.mark.parametrize(
    "url", ["/", "/connections/", "/resources/", "/syncs/", "/nowhere/", "/accounts/email/", "/api/docs/"]
)
def test_the_bar_is_on_every_page(boss, anna, url) -> None:
    page = _acting(boss, anna).get(url, follow=True)

    assert page.content.count(BAR) == 1
    assert b"You act as <strong>Anna</strong>" in page.content
    assert END.encode() in page.content


@pytest.mark.parametrize(
    "url",
    [
        "",
        "accounts/user/",
        "accounts/user/add/",
        "accounts/user/{}/change/",
        "accounts/user/{}/history/",
        "accounts/",
    ],
)
def test_the_bar_is_on_the_pages_of_the_admin(boss, anna, url) -> None:
    client = _acting(boss, _administrator("manage_users"))

    page = client.get("/admin/" + url.format(anna.pk))

    assert page.status_code == 200
    assert page.content.count(BAR) == 1


def test_nobody_else_sees_the_bar(boss) -> None:
    client = _client(boss)

    assert BAR not in client.get("/").content
    assert BAR not in client.get("/admin/").content


# What is refused


@pytest.mark.parametrize(
    "name",
    [
        "account_change_password",
        "account_set_password",
        "account_email",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_generate_recovery_codes",
        "mfa_list_webauthn",
        "socialaccount_connections",
        "usersessions_list",
        "google_login",
        "accounts:settings_sign_in",
        "tokens:token_list",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_settings_of_security_are_closed(boss, anna, name, method) -> None:
    client = _acting(boss, anna)

    response = getattr(client, method)(reverse(name))

    assert response.status_code == 403
    assert b"Not while you act as somebody else" in response.content
    assert BAR in response.content


def test_settings_that_are_new_are_closed_until_somebody_opens_them(boss, anna) -> None:
    """Every address under the two prefixes, whoever adds it: what may be opened is named in `accounts.impersonation`."""
    from django.urls import URLPattern, URLResolver, get_resolver

    from accounts.impersonation import OPEN, READABLE, SETTINGS_PREFIXES

    def walk(patterns, names, route):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                inner = [*names, pattern.namespace] if pattern.namespace else names
                yield from walk(pattern.url_patterns, inner, route + str(pattern.pattern))
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield ":".join([*names, pattern.name]), route + str(pattern.pattern)

    found = {
        name: route.replace("^", "")
        for name, route in walk(get_resolver().url_patterns, [], "/")
        if route.replace("^", "").startswith(SETTINGS_PREFIXES)
    }
    client = _acting(boss, anna)
    assert set(found) >= OPEN
    plain = [name for name, route in found.items() if "<" not in route and "(" not in route]
    opened = {name for name in plain if client.get(reverse(name)).status_code != 403 and name not in OPEN}
    written = {name for name in plain if name not in OPEN and client.post(reverse(name)).status_code != 403}

    assert opened <= READABLE
    assert written == set()
    assert len(plain) > 20


def test_a_person_keeps_their_settings(anna) -> None:
    assert _client(anna).get(reverse("accounts:settings_sign_in")).status_code == 200


@pytest.mark.parametrize("path", ["theme/", "language/", "organization/"])
def test_how_pages_look_stays_free(boss, anna, path) -> None:
    organization = anna.memberships.get().organization_id
    data = {"theme": "dark", "language": "en", "organization": organization}

    assert _acting(boss, anna).post(f"/accounts/{path}", data).status_code in {302, 204}


# What is written down


def test_beginning_and_ending_name_both(boss, anna) -> None:
    client = _acting(boss, anna)
    client.post(END)

    began, ended = AuditEntry.objects.filter(action__startswith="impersonation.").order_by("pk")
    for entry, action in ((began, "impersonation.started"), (ended, "impersonation.ended")):
        assert (entry.action, entry.actor_email, entry.object_name) == (action, boss.email, anna.email)
        assert (entry.impersonator_email, entry.ip) == ("", "127.0.0.1")


def test_deeds_in_between_name_both(boss, anna) -> None:
    from providers.tests.factories import ConnectionFactory

    connection = ConnectionFactory(organization=anna.memberships.get().organization)
    client = _acting(boss, anna)

    client.post(reverse("providers:connection_delete", args=[connection.pk]))
    client.post("/accounts/organization/", {"organization": 99999})
    as_admin = _acting(boss, _administrator("manage_users"))
    as_admin.post(
        f"/admin/accounts/user/{anna.pk}/password/",
        {"password1": "a" * 12 + "b", "password2": "a" * 12 + "b"},
    )

    entry = AuditEntry.objects.get(action="admin.changed")
    assert entry.impersonator_email == boss.email
    assert entry.actor_email != boss.email


def test_it_is_no_sign_in_of_the_person(boss, anna) -> None:
    seen = timezone.now() - timezone.timedelta(days=30)
    User.objects.filter(pk=anna.pk).update(last_login=seen)

    client = _acting(boss, anna)
    client.post(END)

    anna.refresh_from_db()
    assert anna.last_login == seen
    assert not AuditEntry.objects.filter(action="user.signed_in", actor_id=anna.pk).exists()
    assert not AuditEntry.objects.filter(action="user.signed_out").exists()
    before = User.objects.get(pk=boss.pk).last_login
    Client().force_login(boss)
    assert User.objects.get(pk=boss.pk).last_login > before  # the receiver is back in its place


def test_signing_out_ends_it_for_the_impersonator_alone(boss, anna) -> None:
    client = _acting(boss, anna)

    client.post(reverse("account_logout"))

    assert "_auth_user_id" not in client.session
    ended = AuditEntry.objects.get(action="impersonation.ended")
    assert (ended.actor_email, ended.object_name) == (boss.email, anna.email)
    assert not AuditEntry.objects.filter(action="user.signed_out").exists()


# The session


def _signed_in_by_form(user: User) -> Client:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert _who(client) == str(user.pk)
    return client


def test_the_session_stays_in_the_list_of_the_impersonator(boss, anna) -> None:
    client = _signed_in_by_form(boss)
    assert UserSession.objects.get().user == boss

    client.post(BEGIN, {"user_pk": anna.pk})

    listed = UserSession.objects.get()
    assert (listed.user, listed.session_key) == (boss, client.session.session_key)
    client.post(END)
    listed.refresh_from_db()
    assert (listed.user, listed.session_key) == (boss, client.session.session_key)


def test_the_impersonator_ends_it_from_elsewhere(boss, anna) -> None:
    client = _signed_in_by_form(boss)
    client.post(BEGIN, {"user_pk": anna.pk})

    UserSession.objects.get().end()

    assert client.get("/").status_code == 302
    assert "login" in client.get("/")["Location"]


def test_the_session_expires_when_it_would_have(boss, anna) -> None:
    client = _client(boss)
    session = client.session
    session.set_expiry(600)
    session.save()

    client.post(BEGIN, {"user_pk": anna.pk})
    meanwhile = client.session.get_expiry_age()
    client.post(END)

    assert (meanwhile, client.session.get_expiry_age()) == (600, 600)


def test_nothing_of_the_persons_session_stays(boss, anna) -> None:
    second = MembershipFactory(user=anna).organization
    client = _acting(boss, anna)
    client.post("/accounts/organization/", {"organization": second.pk})

    client.post(END)

    assert not {"organization_id", "hijack_history", "impersonator_hash"} & {
        key for key, value in client.session.items() if value
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda boss, anna: User.objects.filter(pk=boss.pk).update(is_active=False),
        lambda boss, anna: User.objects.filter(pk=boss.pk).update(is_superuser=False),
        lambda boss, anna: User.objects.filter(pk=boss.pk).update(password="x"),
        lambda boss, anna: User.objects.filter(pk=anna.pk).update(is_superuser=True),
        lambda boss, anna: boss.delete(),
    ],
    ids=["inactive", "demoted", "another password", "the person promoted", "deleted"],
)
def test_it_ends_with_the_right_to_it(boss, anna, change) -> None:
    client = _acting(boss, anna)

    change(boss, anna)

    assert "login" in client.get("/")["Location"]
    assert "_auth_user_id" not in client.session
    assert AuditEntry.objects.get(action="impersonation.ended").details["reason"]


def test_a_session_that_claims_an_impersonator_proves_it(boss, anna) -> None:
    """Who could write into their session, but not sign it as hijack does, still has no proof."""
    client = _client(anna)
    session = client.session
    session["hijack_history"] = [str(boss.pk)]
    session.save()

    client.post(END)

    assert "_auth_user_id" not in client.session


# The buttons


def test_the_list_and_the_page_offer_it_to_who_may(boss, anna) -> None:
    other = _administrator("manage_users")

    page = _client(boss).get("/admin/accounts/user/").content.decode()
    form = _client(boss).get(f"/admin/accounts/user/{anna.pk}/change/").content.decode()
    plain = _client(other).get("/admin/accounts/user/").content.decode()

    assert f'name="user_pk" value="{anna.pk}"' in page
    assert f'name="user_pk" value="{boss.pk}"' not in page
    assert f'name="user_pk" value="{anna.pk}"' in form
    assert "user_pk" not in plain
    assert "user_pk" not in _client(other).get(f"/admin/accounts/user/{anna.pk}/change/").content.decode()


def test_a_holder_of_the_permission_alone_finds_people_and_changes_nobody(anna) -> None:
    client = _client(_administrator("impersonate_users"))

    page = client.get("/admin/accounts/user/")
    form = client.get(f"/admin/accounts/user/{anna.pk}/change/")
    written = client.post(f"/admin/accounts/user/{anna.pk}/change/", {"email": "x@example.com"})

    assert (page.status_code, form.status_code, written.status_code) == (200, 200, 403)
    assert f'value="{anna.pk}"'.encode() in page.content
    assert client.get("/admin/accounts/user/add/").status_code == 403


@pytest.mark.parametrize("people", [1, 11])
def test_the_list_with_buttons_does_not_ask_per_row(people, django_assert_num_queries) -> None:
    client = _client(_administrator("impersonate_users"))
    UserFactory.create_batch(people)

    # session, person, their rights (own, of groups), count, people, groups of the filter
    with django_assert_num_queries(7):
        client.get("/admin/accounts/user/")


def test_it_costs_others_nothing_and_the_impersonator_one_query(
    boss, anna, django_assert_num_queries
) -> None:
    plain, acting = _client(anna), _acting(boss, anna)

    with django_assert_num_queries(2):  # session, person
        plain.get("/nowhere/")
    with django_assert_num_queries(3):
        acting.get("/nowhere/")


def test_a_viewer_stays_a_viewer(boss) -> None:
    viewer = MembershipFactory(role=Role.VIEWER)

    response = _acting(boss, viewer.user).get(reverse("providers:provider_choose"))

    assert response.status_code == 403


# Other doors


@pytest.fixture
def connection(anna):
    from providers.tests.factories import ConnectionFactory

    return ConnectionFactory(organization=anna.memberships.get().organization, provider_type="beget")


@pytest.mark.parametrize("method", ["get", "post"])
def test_credentials_are_neither_entered_nor_looked_at(boss, anna, connection, method) -> None:
    client = _acting(boss, anna)

    for url in (
        reverse("providers:connection_create", args=["beget"]),
        reverse("providers:connection_edit", args=[connection.pk]),
    ):
        assert getattr(client, method)(url).status_code == 403


def test_credentials_that_a_form_holds_are_not_tested(boss, anna, connection) -> None:
    client = _acting(boss, anna)

    new = client.post(reverse("providers:credentials_test", args=["beget"]), {"credentials_login": "x"})
    other = client.post(
        reverse("providers:connection_test", args=[connection.pk]),
        {"credentials_login": "x", "connection_name": "x"},
    )

    assert (new.status_code, other.status_code) == (403, 403)


def test_the_api_refuses_as_well_and_says_why(boss, anna, connection) -> None:
    client = _acting(boss, anna)
    url = f"/api/v1/connections/{connection.pk}/"

    read = client.get(url)
    changed = client.patch(url, {"connection_name": "x"}, content_type="application/json")
    made = client.post("/api/v1/connections/", {}, content_type="application/json")

    assert read.status_code == 200
    assert (changed.status_code, made.status_code) == (403, 403)
    assert "Not while you act as somebody else" in changed.content.decode()
    assert changed["Content-Type"] == "application/problem+json"


def test_no_page_of_a_person_shows_credentials(boss, anna, connection) -> None:
    connection.credentials = {"login": "the-login", "password": "the-secret-password"}
    connection.save()
    client = _acting(boss, anna)

    for url in ("/", "/connections/", f"/api/v1/connections/{connection.pk}/"):
        assert "the-secret-password" not in client.get(url).content.decode()


def test_a_token_is_nobody_elses_session(boss, anna) -> None:
    """Whoever brings a token is its owner; a cookie beside it makes nobody act as somebody."""
    from accounts.tokens.tests.factories import token_of

    _token, header = token_of(anna.memberships.get())
    client = _client(boss)

    assert client.get("/api/v1/connections/", **header).status_code == 200
    assert not AuditEntry.objects.exclude(impersonator_email="").exists()


def test_where_the_admin_wants_a_second_factor_this_does_too(boss, anna, settings) -> None:
    settings.ADMIN_MFA_REQUIRED = True
    client, administrator = _client(boss), _administrator("manage_users")

    refused = client.post(BEGIN, {"user_pk": anna.pk})
    session = client.session
    session["second_factor_made_by"] = boss.pk
    session.save()
    begun = client.post(BEGIN, {"user_pk": administrator.pk})

    assert (refused.status_code, begun.status_code) == (403, 302)
    assert client.get("/admin/accounts/user/").status_code == 200
    client.post(END)
    assert client.get("/admin/").status_code == 302  # the second factor is asked for again
