"""Connections through the API: what may be written by whom, and what never comes out."""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory, member_of
from inventory.tests.factories import ResourceFactory
from providers import services
from providers.contract.errors import PermissionDenied, ProviderUnavailable, RateLimited, UnexpectedResponse
from providers.models import ProviderConnection
from providers.tests.factories import SECRET, ConnectionFactory, partly_denied

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

LIST = "/api/v1/connections/"
NEW = {
    "provider_type": "fake",
    "connection_name": "Production",
    "credentials": {"login": "acme", "password": SECRET},
}


def _client(organization=None, role: Role = Role.OWNER) -> Client:
    client = Client()
    client.force_login(member_of(organization or OrganizationFactory(), role))
    return client


def _send(client: Client, method: str, url: str, data=None, **headers):
    return getattr(client, method)(url, data, content_type="application/json", headers=headers)


def test_providers_declare_their_credentials() -> None:
    found = _client().get("/api/v1/providers/").json()

    assert [provider["key"] for provider in found] == ["fake", "files"]
    assert found[0]["capabilities"]["reads_files"] is False
    assert found[0]["credential_fields"][1] == {
        "name": "password",
        "label": "API password",
        "help_text": "",
        "is_secret": True,
        "is_required": True,
        "decides_destination": False,
    }


def test_creating_tests_and_saves() -> None:
    organization = OrganizationFactory()

    response = _send(_client(organization), "post", LIST, NEW)

    assert response.status_code == 201
    made = ProviderConnection.objects.get()
    assert (made.organization, made.account_id, made.credentials["password"]) == (
        organization,
        "acme",
        SECRET,
    )
    assert response.json()["credentials_set"] == [
        {"name": "login", "is_secret": False, "is_set": True, "value": "acme"},
        {"name": "password", "is_secret": True, "is_set": True, "value": ""},
        {"name": "project", "is_secret": False, "is_set": False, "value": ""},
    ]
    assert SECRET not in response.content.decode()
    assert "credentials" not in response.json()


def test_creating_with_a_wrong_password_is_a_problem_and_saves_nothing() -> None:
    wrong = {**NEW, "credentials": {"login": "acme", "password": "wr0ng-secret"}}

    response = _send(_client(), "post", LIST, wrong)

    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Fake Cloud rejected the credentials. The login or the password is wrong.",
        "code": "authentication_failed",
    }
    assert not ProviderConnection.objects.exists()


def test_creating_without_verification_asks_nobody() -> None:
    wrong = {**NEW, "credentials": {"login": "acme", "password": "wrong"}}

    assert _send(_client(), "post", f"{LIST}?verify=false", wrong).status_code == 201


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"connection_name": ""}, "connection_name", "This field may not be blank."),
        ({"provider_type": "nowhere"}, "provider_type", "No installed plugin knows the provider “nowhere”."),
        ({"credentials": {"login": "acme"}}, "credentials", "Fill in “API password”."),
        ({"credentials": {"login": ["a"]}}, "credentials.login", "Not a valid string."),
        (
            {"sync_interval_minutes": 1},
            "sync_interval_minutes",
            "Ensure this value is greater than or equal to 5.",
        ),
    ],
)
def test_bad_input_names_its_field(change, field, sentence) -> None:
    response = _send(_client(), "post", LIST, {**NEW, **change})

    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert response.json()["errors"] == {field: [sentence]}


def test_a_taken_name_names_its_field() -> None:
    taken = ConnectionFactory(connection_name="Production")

    response = _send(_client(taken.organization), "post", LIST, NEW)

    assert list(response.json()["errors"]) == ["connection_name"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PermissionDenied, 422, "permission_denied"),
        (UnexpectedResponse, 502, "unexpected_response"),
        (ProviderUnavailable, 503, "provider_unavailable"),
        (RateLimited, 503, "rate_limited"),
    ],
)
def test_a_providers_error_has_its_status(fake_provider, monkeypatch, error, status, code) -> None:
    def fail(plugin):
        raise error("It did not work.", provider="fake", operation="test")

    monkeypatch.setattr(fake_provider, "answer", fail)

    response = _send(_client(), "post", LIST, NEW)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["detail"].endswith("It did not work.")


def test_a_named_wait_is_told(fake_provider, monkeypatch) -> None:
    def fail(plugin):
        raise RateLimited("Slow down.", provider="fake", operation="test", retry_after=7)

    monkeypatch.setattr(fake_provider, "answer", fail)

    assert _send(_client(), "post", LIST, NEW)["Retry-After"] == "7"


def test_changing_keeps_a_secret_that_is_left_empty() -> None:
    connection = ConnectionFactory()

    response = _send(
        _client(connection.organization),
        "patch",
        f"{LIST}{connection.pk}/",
        {"connection_name": "Renamed", "credentials": {"password": ""}},
    )

    saved = ProviderConnection.objects.get()
    assert response.json()["connection_name"] == "Renamed"
    assert (saved.connection_name, saved.credentials["password"]) == ("Renamed", SECRET)


def test_the_provider_cannot_change() -> None:
    connection = ConnectionFactory()

    response = _send(
        _client(connection.organization), "patch", f"{LIST}{connection.pk}/", {"provider_type": "files"}
    )

    assert list(response.json()["errors"]) == ["provider_type"]


def test_deleting() -> None:
    connection = ConnectionFactory()

    assert _client(connection.organization).delete(f"{LIST}{connection.pk}/").status_code == 204
    assert not ProviderConnection.objects.exists()


def test_deleting_much_is_accepted_and_goes_on_in_the_background(
    monkeypatch, django_capture_on_commit_callbacks
) -> None:
    connection = ResourceFactory().connection
    at_once = partial(services.delete_connection, seconds=0)
    monkeypatch.setattr(services, "delete_connection", at_once)

    with django_capture_on_commit_callbacks(execute=True):
        answer = _client(connection.organization).delete(f"{LIST}{connection.pk}/")

    assert answer.status_code == 202
    assert not ProviderConnection.objects.exists()


def test_testing_before_saving(fake_provider, monkeypatch) -> None:
    denied = PermissionDenied("No right to read it.", provider="fake", operation="mysql")
    monkeypatch.setattr(fake_provider, "answer", lambda plugin: partly_denied(denied))
    given = {"provider_type": "fake", "credentials": NEW["credentials"]}

    answer = _send(_client(), "post", f"{LIST}test/", given).json()

    assert (answer["account_id"], answer["is_complete"]) == ("acme", False)
    assert answer["scopes"][1] == {
        "scope": "mysql",
        "name": "MySQL",
        "status": "denied",
        "error_code": "permission_denied",
        "detail": "No right to read it.",
    }
    assert not ProviderConnection.objects.exists()


def test_testing_before_saving_needs_what_is_declared() -> None:
    given = {"provider_type": "fake", "credentials": {"login": "acme"}}

    response = _send(_client(), "post", f"{LIST}test/", given)

    assert response.json()["errors"] == {"credentials": ["Fill in “API password”."]}


def test_testing_what_is_set_and_changes_of_it() -> None:
    connection = ConnectionFactory()
    client, url = _client(connection.organization), f"{LIST}{connection.pk}/test/"

    assert _send(client, "post", url).json()["account_id"] == "acme"
    wrong = {"credentials": {"password": "wrong"}}
    assert _send(client, "post", url, wrong).json()["code"] == "authentication_failed"
    assert ProviderConnection.objects.get().credentials["password"] == SECRET


def test_viewers_only_read() -> None:
    connection = ConnectionFactory()
    viewer = _client(connection.organization, Role.VIEWER)
    detail = f"{LIST}{connection.pk}/"

    assert viewer.get(detail).status_code == 200
    for method, url in (
        ("post", LIST),
        ("patch", detail),
        ("delete", detail),
        ("post", f"{LIST}test/"),
        ("post", f"{detail}test/"),
        ("post", f"{detail}sync/"),
    ):
        response = _send(viewer, method, url, NEW)

        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert ProviderConnection.objects.count() == 1


def test_the_header_chooses_among_ones_own_organizations() -> None:
    first, second = ConnectionFactory(connection_name="First"), ConnectionFactory(connection_name="Second")
    user = UserFactory()
    for connection in (first, second):
        MembershipFactory(user=user, organization=connection.organization)
    client = Client()
    client.force_login(user)

    def names(**headers) -> list[str]:
        found = client.get(LIST, headers=headers).json()["results"]
        return [connection["connection_name"] for connection in found]

    assert names() == ["First"]
    assert names(**{"X-Organization": str(second.organization_id)}) == ["Second"]


@pytest.mark.parametrize("named", ["", "0", "x"])
def test_the_header_cannot_choose_anothers(named) -> None:
    client, foreign = _client(), ConnectionFactory()
    value = named or str(foreign.organization_id)

    response = client.get(LIST, headers={"X-Organization": value})

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_people_without_an_organization_are_told() -> None:
    client = Client()
    client.force_login(UserFactory())

    response = client.get(LIST)

    assert response.status_code == 403
    assert response.json()["detail"].startswith("You belong to no organization yet.")


def test_the_list_does_not_ask_per_row() -> None:
    organization = OrganizationFactory()
    client = _client(organization)

    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert client.get(LIST).status_code == 200
        return len(captured)

    ConnectionFactory(organization=organization, failing=True)
    one = count()
    for _ in range(10):
        ConnectionFactory(organization=organization, failing=True)

    assert count() == one == 5


def test_a_connection_that_is_not_tried_any_more_says_since_when_and_why() -> None:
    organization = OrganizationFactory()
    client = _client(organization)
    stopped = ConnectionFactory(
        organization=organization,
        failing=True,
        consecutive_failures=5,
        given_up_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    tried = ConnectionFactory(organization=organization, failing=True)

    found = {row["id"]: row for row in client.get(LIST).json()["results"]}

    assert (found[stopped.pk]["is_given_up"], found[stopped.pk]["given_up_at"]) == (
        True,
        "2026-03-01T00:00:00Z",
    )
    assert found[stopped.pk]["given_up_reason"] == (
        "Fake Cloud rejected the credentials. The login or the password is wrong. "
        "Not tried by itself any more after 5 failures in a row; a sync that is asked for tries again."
    )
    assert [found[tried.pk][name] for name in ("is_given_up", "given_up_at", "given_up_reason")] == [
        False,
        None,
        "",
    ]


@pytest.mark.parametrize(("asked", "expected"), [("true", ["Stopped"]), ("false", ["Tried"])])
def test_those_that_are_not_tried_any_more_can_be_listed(asked, expected) -> None:
    organization = OrganizationFactory()
    ConnectionFactory(organization=organization, connection_name="Stopped", consecutive_failures=5)
    ConnectionFactory(organization=organization, connection_name="Tried", consecutive_failures=4)

    found = _client(organization).get(LIST, {"is_given_up": asked}).json()["results"]

    assert [row["connection_name"] for row in found] == expected
