"""The admin of connections: what fails first, credentials that only go in."""

from functools import partial

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory
from common.admin import readable_json
from inventory.models import Resource
from inventory.tests.factories import ResourceFactory
from providers import services
from providers.models import ProviderConnection
from providers.tests.factories import SECRET, ConnectionFactory
from syncs.tests.factories import ResourceStateFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

LIST = "/admin/providers/providerconnection/"
ADD = f"{LIST}add/?provider_type=fake"


@pytest.fixture
def operator() -> Client:
    """An administrator who may manage providers."""
    return _administrator("manage_providers")


def _administrator(*permissions: str) -> Client:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def _act(client: Client, action: str, *connections: ProviderConnection) -> list[str]:
    form = {"action": action, "_selected_action": [connection.pk for connection in connections]}
    return [str(message) for message in client.post(LIST, form, follow=True).context["messages"]]


def _form(**changes) -> dict:
    return {
        "connection_name": "Production",
        "credentials_login": "acme",
        "credentials_password": SECRET,
        "credentials_project": "",
        "is_active": "on",
        "auto_sync": "on",
        "sync_interval_minutes": "360",
        **changes,
    }


def test_the_list_tells_what_fails_and_shows_no_secret(operator) -> None:
    ConnectionFactory(connection_name="Fine")
    ConnectionFactory(connection_name="Broken", failing=True)

    page = operator.get(LIST).content.decode()

    assert page.index("Broken") < page.index("Fine")
    assert SECRET not in page


@pytest.mark.parametrize("query", ["?provider_type=fake", "?is_active__exact=1", "?q=acme"])
def test_the_list_filters_and_finds(operator, query) -> None:
    ConnectionFactory(connection_name="Fine")

    assert "Fine" in operator.get(f"{LIST}{query}").content.decode()


def test_the_list_does_not_ask_per_row(operator) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get(LIST).status_code == 200
        return len(captured)

    ConnectionFactory()
    one = count()
    for _ in range(10):
        ConnectionFactory()

    assert count() == one


def test_the_form_shows_facts_and_no_secret(operator) -> None:
    connection = ConnectionFactory(failing=True, provider_metadata={"facts": {"Plan": {"Name": "Blog <b>"}}})

    page = operator.get(f"{LIST}{connection.pk}/change/").content.decode()

    assert "Fake Cloud rejected the credentials." in page
    assert "API password: set" in page
    assert "(&#x27;error" not in page  # the coloured label is for the list only
    assert "Login: acme" in page
    assert "Blog &lt;b&gt;" in page
    assert SECRET not in page
    assert escape(SECRET) not in page


def test_adding_asks_for_the_providers_own_credentials(operator) -> None:
    redirected = operator.get(f"{LIST}add/")
    page = operator.get(ADD).content.decode()

    assert redirected["Location"] == ADD
    assert 'name="credentials_password"' in page
    assert "Fake Cloud" in page


def test_adding_tests_and_saves_through_the_service(operator) -> None:
    organization = OrganizationFactory()

    response = operator.post(ADD, _form(organization=organization.pk))

    assert response.status_code == 302
    made = ProviderConnection.objects.get()
    assert (made.organization, made.account_id, made.series_number) == (organization, "acme", 1)
    assert made.credentials == {"login": "acme", "password": SECRET}


def test_adding_with_a_wrong_password_saves_nothing(operator) -> None:
    response = operator.post(
        ADD, _form(organization=OrganizationFactory().pk, credentials_password="wr0ng-secret")
    )

    page = response.content.decode()
    assert "Fake Cloud rejected the credentials. The login or the password is wrong." in page
    assert "wr0ng-secret" not in page
    assert not ProviderConnection.objects.exists()


def test_a_taken_name_is_an_error_of_the_form(operator) -> None:
    taken = ConnectionFactory(connection_name="Production")

    response = operator.post(ADD, _form(organization=taken.organization_id))

    assert "A connection with this name exists already." in response.content.decode()
    assert ProviderConnection.objects.count() == 1


def test_changing_with_an_empty_secret_keeps_it(operator) -> None:
    connection = ConnectionFactory()

    response = operator.post(
        f"{LIST}{connection.pk}/change/", _form(connection_name="Renamed", credentials_password="")
    )

    assert response.status_code == 302
    saved = ProviderConnection.objects.get(pk=connection.pk)
    assert (saved.connection_name, saved.credentials["password"]) == ("Renamed", SECRET)


def test_changing_with_a_wrong_password_changes_nothing(operator) -> None:
    connection = ConnectionFactory(connection_name="Old")

    response = operator.post(f"{LIST}{connection.pk}/change/", _form(credentials_password="wr0ng-secret"))

    assert response.status_code == 200
    assert ProviderConnection.objects.get(pk=connection.pk).connection_name == "Old"


def test_actions_test_and_switch(operator) -> None:
    good = ConnectionFactory(connection_name="Good")
    bad = ConnectionFactory(connection_name="Bad", credentials={"login": "a", "password": "wrong"})

    told = _act(operator, "test", good, bad)
    _act(operator, "disable", good, bad)

    assert sorted(told) == [
        "Bad: Fake Cloud rejected the credentials. The login or the password is wrong.",
        "Good: connected to the account acme.",
    ]
    assert not ProviderConnection.objects.filter(is_active=True).exists()
    assert _act(operator, "enable", good) == ["1 connection switched on."]


def test_who_may_only_view_all_data_changes_nothing() -> None:
    client, connection = _administrator("view_all_data"), ConnectionFactory()

    page = client.get(f"{LIST}{connection.pk}/change/")

    assert page.status_code == 200
    assert b"credentials_password" not in page.content
    assert client.post(f"{LIST}{connection.pk}/change/", _form()).status_code == 403
    assert client.get(ADD).status_code == 403
    _act(client, "disable", connection)
    assert ProviderConnection.objects.get().is_active


def test_others_see_no_connections(client) -> None:
    assert _administrator("manage_users").get(LIST).status_code == 403
    client.force_login(MembershipFactory().user)
    assert client.get(LIST).status_code in {302, 403}


def test_a_connection_of_a_plugin_that_is_gone_still_opens(operator) -> None:
    connection = ConnectionFactory(provider_type="gone")

    assert operator.get(LIST).status_code == 200
    assert operator.get(f"{LIST}{connection.pk}/change/").status_code == 200


def test_readable_json_escapes_and_cuts() -> None:
    deep: dict = {}
    place = deep
    for _ in range(9):
        place["in"] = {}
        place = place["in"]
    place["x"] = 1

    assert readable_json({"<a>": [True, None, "b"]}) == (
        '<ul class=""><li><strong>&lt;a&gt;</strong>: '
        '<ul class="pl-4 list-disc"><li>yes</li><li>—</li><li>b</li></ul></li></ul>'
    )
    assert "…" in readable_json(deep)
    assert readable_json(list(range(300))).count("<li>") == 201


def test_what_the_account_says_of_itself_is_told_in_words(operator) -> None:
    said = {
        "name": "acme-1",
        "total": {"amount": "1394.5", "currency": "RUB", "period": "day"},
        "remainder_id": "account:acme",
        "limits": [
            {"name": "Sites", "used": "3", "allowed": None, "unit": "", "is_readable": True},
            {"name": "Disk", "used": "2048", "allowed": "10240", "unit": "MB", "is_readable": True},
            {"name": "FTP", "used": None, "allowed": "10", "unit": "", "is_readable": False},
        ],
        "facts": {"Server": {"Load": "0.42"}, "Billing": {"Latest full hour, ₽": "12144.87"}},
    }
    connection = ConnectionFactory(provider_metadata=said)

    page = operator.get(f"{LIST}{connection.pk}/change/").content.decode()

    assert "<strong>Rate of the account</strong>: ₽1,394.50/day" in page
    assert "<strong>Sites</strong>: 3 of unlimited" in page
    assert "<strong>Disk</strong>: 2\u00a0GB of 10\u00a0GB" in page
    assert "<strong>FTP</strong>: no access" in page
    assert "<strong>Load</strong>: 0.42" in page
    assert "<strong>Latest full hour, ₽</strong>: 12,144.87" in page
    assert "remainder_id" not in page


def test_deleting_shows_how_many_of_what_goes_and_asks_nothing_per_row(operator) -> None:
    connection = ConnectionFactory(connection_name="Large")

    def page_and_queries() -> tuple[HttpResponse, int]:
        with CaptureQueriesContext(database) as captured:
            page = operator.get(f"{LIST}{connection.pk}/delete/")
        return page, len(captured)

    ResourceStateFactory(resource=ResourceFactory(connection=connection, name="server-zero"))
    _, one = page_and_queries()
    for _ in range(10):
        ResourceStateFactory(resource=ResourceFactory(connection=connection))
    page, eleven = page_and_queries()

    assert eleven == one
    assert dict(page.context["model_count"])["resources"] == 11
    assert "server-zero" not in page.content.decode()


def test_deleting_takes_the_rows_after_the_transaction_of_the_page(
    operator, django_capture_on_commit_callbacks
) -> None:
    kept = ResourceFactory()
    connection = ResourceFactory().connection

    with django_capture_on_commit_callbacks(execute=True):
        operator.post(f"{LIST}{connection.pk}/delete/", {"post": "yes"})
        assert ProviderConnection.objects.filter(pk=connection.pk).exists()

    assert list(Resource.objects.all()) == [kept]
    assert list(ProviderConnection.objects.all()) == [kept.connection]


def test_deleting_much_goes_on_in_the_background(
    operator, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    connection = ResourceFactory().connection
    at_once = partial(services.delete_connection, seconds=0)
    monkeypatch.setattr(services, "delete_connection", at_once)

    with django_capture_on_commit_callbacks(execute=True):
        operator.post(f"{LIST}{connection.pk}/delete/", {"post": "yes"})

    assert not ProviderConnection.objects.exists()


def test_deleting_many_takes_all_of_them_and_no_other(operator, django_capture_on_commit_callbacks) -> None:
    one, two, kept = ConnectionFactory(), ConnectionFactory(), ConnectionFactory()
    form = {"action": "delete_selected", "_selected_action": [one.pk, two.pk], "post": "yes"}

    with django_capture_on_commit_callbacks(execute=True):
        operator.post(LIST, form)

    assert list(ProviderConnection.objects.all()) == [kept]
