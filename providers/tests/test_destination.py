"""A secret that is kept is never sent to another place than the one it was entered for, whichever door is tried."""

from typing import ClassVar

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.tests.factories import UserFactory, member_of
from providers import registry
from providers.contract.plugin import CredentialField, PluginContext
from providers.models import ProviderConnection
from providers.plugins.openstack.provider import OpenStackProvider
from providers.tests.factories import SECRET, ConnectionFactory, FakeProvider

pytestmark = [pytest.mark.django_db]

OURS, THEIRS = "https://cloud.example.org:5000/v3", "https://thief.example.net/v3"
HTMX = {"HX-Request": "true"}
SENTENCE = "“Address” decides where “API password” is sent, and it has changed: enter “API password” anew."


class AddressedProvider(FakeProvider):
    """Its people say where it is; remembers what it would have sent where."""

    key = "addressed"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(name="address", label="Address", decides_destination=True),
        *FakeProvider.credential_fields,
    )
    sent: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, context: PluginContext) -> None:
        super().__init__(context)
        self.sent.append((context.credentials["address"], context.credentials["password"]))


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> ProviderConnection:
    monkeypatch.setattr(registry, "plugins", lambda: {"addressed": AddressedProvider})
    monkeypatch.setattr(AddressedProvider, "sent", [])
    return ConnectionFactory(
        connection_name="Mine",
        provider_type="addressed",
        credentials={"address": OURS, "login": "acme", "password": SECRET},
    )


def _form(address: str, password: str, login: str = "acme") -> dict[str, str]:
    return {
        "connection_name": "Mine",
        "credentials_address": address,
        "credentials_login": login,
        "credentials_password": password,
        "credentials_project": "",
        "is_active": "on",
        "auto_sync": "on",
        "sync_interval_minutes": "360",
    }


def _manager(connection: ProviderConnection) -> Client:
    client = Client()
    client.force_login(member_of(connection.organization, "manager"))
    return client


def _save_by_page(connection: ProviderConnection, address: str, password: str) -> str:
    url = f"/connections/{connection.pk}/edit/"
    return _manager(connection).post(url, _form(address, password)).content.decode()


def _test_by_page(connection: ProviderConnection, address: str, password: str) -> str:
    url = f"/connections/{connection.pk}/test/"
    return _manager(connection).post(url, _form(address, password), headers=HTMX).content.decode()


def _save_by_admin(connection: ProviderConnection, address: str, password: str) -> str:
    operator = UserFactory(administrator=True)
    operator.user_permissions.set(Permission.objects.filter(codename="manage_providers"))
    client = Client()
    client.force_login(operator)
    url = f"/admin/providers/providerconnection/{connection.pk}/change/"
    return client.post(url, _form(address, password)).content.decode()


def _save_by_api(connection: ProviderConnection, address: str, password: str, query: str = "") -> str:
    given = {"credentials": {"address": address, "password": password}}
    url = f"/api/v1/connections/{connection.pk}/{query}"
    answer = _manager(connection).patch(url, given, content_type="application/json")
    return "".join(answer.json().get("errors", {}).get("credentials", []))


def _save_by_api_unverified(connection: ProviderConnection, address: str, password: str) -> str:
    return _save_by_api(connection, address, password, "?verify=false")


def _test_by_api(connection: ProviderConnection, address: str, password: str) -> str:
    given = {"credentials": {"address": address, "password": password}}
    url = f"/api/v1/connections/{connection.pk}/test/"
    answer = _manager(connection).post(url, given, content_type="application/json")
    return "".join(answer.json().get("errors", {}).get("credentials", []))


DOORS = [
    _save_by_page,
    _test_by_page,
    _save_by_admin,
    _save_by_api,
    _save_by_api_unverified,
    _test_by_api,
]


@pytest.mark.parametrize("door", DOORS)
def test_a_kept_secret_does_not_follow_a_changed_address(connection, door) -> None:
    assert SENTENCE in door(connection, THEIRS, "")

    assert AddressedProvider.sent == []
    assert ProviderConnection.objects.get().credentials["address"] == OURS


@pytest.mark.parametrize("door", DOORS)
def test_who_enters_the_secret_anew_may_change_the_address(connection, door) -> None:
    assert SENTENCE not in door(connection, THEIRS, SECRET)

    assert set(AddressedProvider.sent) <= {(THEIRS, SECRET)}
    saves = "save" in door.__name__
    assert ProviderConnection.objects.get().credentials["address"] == (THEIRS if saves else OURS)


def test_the_edit_page_says_so_before_anybody_types_and_other_fields_keep_the_secret(connection) -> None:
    manager, url = _manager(connection), f"/connections/{connection.pk}/edit/"
    assert "When it changes, enter the secrets anew" in manager.get(url).content.decode()

    manager.post(url, {**_form(OURS, ""), "credentials_project": "blog"})

    assert ProviderConnection.objects.get().credentials == {
        "address": OURS,
        "login": "acme",
        "password": SECRET,
        "project": "blog",
    }


def test_openstack_declares_what_decides_where_its_password_goes() -> None:
    declared = [field.name for field in OpenStackProvider.credential_fields if field.decides_destination]

    assert declared == ["auth_url", "hosts"]
