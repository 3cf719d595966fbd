"""Who may make, change, test and delete a connection, and what the pages never show."""

from functools import partial

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from inventory.tests.factories import ResourceFactory
from providers import services
from providers.contract.errors import PermissionDenied
from providers.models import ProviderConnection
from providers.tests.factories import SECRET, ConnectionFactory, partly_denied

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("fake_provider"),
    pytest.mark.urls("providers.tests.urls"),
]

HTMX = {"HX-Request": "true"}
NEW = "/connections/new/fake/"
FORM = {
    "connection_name": "Production",
    "credentials_login": "acme",
    "credentials_password": SECRET,
    "auto_sync": "on",
    "sync_interval_minutes": "360",
}


@pytest.fixture
def connection() -> ProviderConnection:
    return ConnectionFactory(connection_name="Mine")


def _client(connection: ProviderConnection, role: Role = Role.OWNER) -> Client:
    client = Client()
    client.force_login(member_of(connection.organization, role))
    return client


def _addresses(connection: ProviderConnection) -> list[tuple[str, str]]:
    return [
        ("get", "/connections/new/"),
        ("get", NEW),
        ("post", NEW),
        ("post", f"{NEW}test/"),
        ("get", f"/connections/{connection.pk}/edit/"),
        ("post", f"/connections/{connection.pk}/edit/"),
        ("post", f"/connections/{connection.pk}/test/"),
        ("get", f"/connections/{connection.pk}/delete/"),
        ("post", f"/connections/{connection.pk}/delete/"),
    ]


def test_anonymous_readers_are_sent_to_sign_in(client, connection) -> None:
    for method, url in _addresses(connection):
        response = getattr(client, method)(url)

        assertRedirects(response, f"{reverse('account_login')}?next={url}", fetch_redirect_response=False)


def test_viewers_are_told_that_they_may_only_look(connection) -> None:
    client = _client(connection, Role.VIEWER)

    for method, url in _addresses(connection):
        response = getattr(client, method)(url, {**FORM, "confirm_name": "Mine"})

        assert (method, url, response.status_code) == (method, url, 403)
    assert [c.connection_name for c in ProviderConnection.objects.all()] == ["Mine"]


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_owners_and_managers_reach_every_page(connection, role) -> None:
    client = _client(connection, role)

    for method, url in _addresses(connection):
        if method == "get":
            assert (url, client.get(url).status_code) == (url, 200)


def test_strangers_find_nothing(connection) -> None:
    stranger = _client(ConnectionFactory())

    for method, url in _addresses(connection):
        if f"/{connection.pk}/" in url:
            response = getattr(stranger, method)(url, {**FORM, "confirm_name": "Mine"})

            assert (url, response.status_code) == (url, 404)
            assertNotContains(response, "Mine", status_code=404)
    assert ProviderConnection.objects.get(pk=connection.pk).connection_name == "Mine"


def test_an_unknown_provider_is_not_found(connection) -> None:
    assert _client(connection).get("/connections/new/nimbus/").status_code == 404


def test_the_choice_lists_the_installed_providers(connection) -> None:
    response = _client(connection).get("/connections/new/")

    assertContains(response, "Fake Cloud")
    assertContains(response, f'href="{NEW}"')


def test_create_saves_and_returns_to_the_list() -> None:
    organization = OrganizationFactory()
    client = Client()
    client.force_login(member_of(organization, Role.MANAGER))

    response = client.post(NEW, FORM)

    assertRedirects(response, "/connections/")
    made = ProviderConnection.objects.get()
    assert (made.organization, made.account_id, made.sync_interval_minutes) == (organization, "acme", 360)


def test_create_by_htmx_leads_to_the_list(connection) -> None:
    response = _client(connection).post(NEW, FORM, headers=HTMX)

    assert response["HX-Redirect"] == "/connections/"


def test_create_with_a_wrong_password_says_so_and_saves_nothing(connection) -> None:
    response = _client(connection).post(NEW, {**FORM, "credentials_password": "wr0ng-secret"})

    assertContains(response, "Fake Cloud rejected the credentials.", status_code=422)
    assertContains(response, "The login or the password is wrong.", status_code=422)
    assertNotContains(response, "wr0ng-secret", status_code=422)
    assert ProviderConnection.objects.count() == 1


def test_a_refusal_by_htmx_stands_beside_the_form(connection) -> None:
    response = _client(connection).post(NEW, {**FORM, "credentials_password": "wrong"}, headers=HTMX)

    assertContains(response, "Fake Cloud rejected the credentials.", status_code=422)
    assertNotContains(response, "<form", status_code=422)
    assert response["HX-Retarget"] == "#connection-test"


def test_missing_fields_by_htmx_come_back_as_the_form(connection) -> None:
    response = _client(connection).post(
        NEW, {**FORM, "connection_name": "", "credentials_login": ""}, headers=HTMX
    )

    assertContains(response, "This field is required.", count=2, status_code=422)
    assertNotContains(response, "<html", status_code=422)
    assertNotContains(response, SECRET, status_code=422)


def test_a_taken_name_stands_at_its_field(connection) -> None:
    response = _client(connection).post(NEW, {**FORM, "connection_name": "Mine"}, headers=HTMX)

    assertContains(response, "A connection with this name exists already.", status_code=422)
    assert response.context["form"].errors["connection_name"]


def test_the_edit_page_shows_no_secret(connection) -> None:
    response = _client(connection).get(f"/connections/{connection.pk}/edit/")

    assertContains(response, "leave empty to keep it")
    assertNotContains(response, SECRET)


def test_edit_with_an_empty_secret_keeps_it(connection) -> None:
    response = _client(connection).post(
        f"/connections/{connection.pk}/edit/",
        {**FORM, "connection_name": "Renamed", "credentials_password": "", "is_active": "on"},
    )

    assertRedirects(response, "/connections/")
    saved = ProviderConnection.objects.get(pk=connection.pk)
    assert (saved.connection_name, saved.credentials["password"], saved.is_active) == (
        "Renamed",
        SECRET,
        True,
    )


def test_edit_with_another_accounts_credentials_is_refused(connection) -> None:
    response = _client(connection).post(
        f"/connections/{connection.pk}/edit/", {**FORM, "credentials_login": "other"}, headers=HTMX
    )

    assertContains(response, "belong to the account “other”", status_code=422)


def test_test_before_saving_answers_who_we_are_and_saves_nothing() -> None:
    client = Client()
    client.force_login(member_of(OrganizationFactory()))

    response = client.post(f"{NEW}test/", {**FORM, "connection_name": ""}, headers=HTMX)

    assertContains(response, "Connected to the account acme.")
    assertContains(response, "Everything can be read.")
    assertNotContains(response, SECRET)
    assert not ProviderConnection.objects.exists()


def test_test_without_javascript_shows_the_form_with_the_answer(connection) -> None:
    response = _client(connection).post(f"{NEW}test/", FORM)

    assertContains(response, "Connected to the account acme.")
    assertContains(response, 'value="Production"')
    assertNotContains(response, SECRET)


def test_test_of_an_incomplete_form_keeps_the_form(connection) -> None:
    response = _client(connection).post(f"{NEW}test/", {**FORM, "credentials_login": ""}, headers=HTMX)

    assertContains(response, "Fill in the form first.", status_code=422)
    assertContains(response, "Login", status_code=422)
    assertNotContains(response, "<form", status_code=422)


def test_test_tells_what_cannot_be_read(connection, fake_provider) -> None:
    error = PermissionDenied("MySQL is switched off.", provider="fake", operation="mysql")
    fake_provider.answer = lambda plugin: partly_denied(error)

    response = _client(connection).post(f"/connections/{connection.pk}/test/", headers=HTMX)

    assertContains(response, "Not everything can be read:")
    assertContains(response, "<dt>MySQL</dt><dd>MySQL is switched off.</dd>", html=True)


def test_test_of_a_saved_connection_uses_the_secret_that_is_set(connection) -> None:
    client = _client(connection)

    bare = client.post(f"/connections/{connection.pk}/test/", headers=HTMX)
    from_form = client.post(
        f"/connections/{connection.pk}/test/", {**FORM, "credentials_password": ""}, headers=HTMX
    )

    assertContains(bare, "Connected to the account acme.")
    assertContains(from_form, "Connected to the account acme.")


def test_delete_asks_for_the_name(connection) -> None:
    client = _client(connection)
    url = f"/connections/{connection.pk}/delete/"

    wrong = client.post(url, {"confirm_name": "Other"})
    right = client.post(url, {"confirm_name": "Mine"})

    assertContains(wrong, "That is not the name of this connection.", status_code=422)
    assertRedirects(right, "/connections/")
    assert not ProviderConnection.objects.exists()


def test_what_is_not_deleted_in_time_goes_in_the_background(
    connection, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    ResourceFactory(connection=connection)
    at_once = partial(services.delete_connection, seconds=0)
    monkeypatch.setattr(services, "delete_connection", at_once)

    with django_capture_on_commit_callbacks(execute=True):
        answer = _client(connection).post(f"/connections/{connection.pk}/delete/", {"confirm_name": "Mine"})
        assert ProviderConnection.objects.get().is_active is False

    told = [str(message) for message in get_messages(answer.wsgi_request)]
    assert told == ["“Mine” is switched off and being deleted; it has a lot of history."]
    assert not ProviderConnection.objects.exists()


@pytest.mark.parametrize("connections", [1, 11])
def test_the_edit_page_costs_five_queries(connection, connections, django_assert_num_queries) -> None:
    for _ in range(connections - 1):
        ConnectionFactory(organization=connection.organization)
    client = _client(connection)
    client.get("/connections/new/")  # the content types and the like are cached from now on

    # session, user, memberships, the connection, the sidebar's counts
    with django_assert_num_queries(5):
        client.get(f"/connections/{connection.pk}/edit/")


@pytest.mark.parametrize("connections", [1, 11])
def test_the_delete_page_costs_one_query_more_for_each_kind_of_loss(
    connection, connections, django_assert_num_queries
) -> None:
    for _ in range(connections - 1):
        ConnectionFactory(organization=connection.organization)
    client = _client(connection)

    # session, user, memberships, the connection, the kinds of loss, the sidebar's counts
    with django_assert_num_queries(5 + len(ProviderConnection._meta.related_objects)):
        client.get(f"/connections/{connection.pk}/delete/")
