"""Connections for tests, and a provider that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import factory

from accounts.tests.factories import OrganizationFactory
from providers.contract.errors import AuthenticationFailed, ProviderError
from providers.contract.plugin import BillingKind, Capabilities, CredentialField, ProviderPlugin, not_complete
from providers.contract.plugin import complete as complete_scope
from providers.contract.records import ConnectionTest, ResourceType
from providers.models import ProviderConnection

SECRET = "s3cr3t-pässword"


class FakeProvider(ProviderPlugin):
    """Accepts the password of `SECRET` for any login and says that the login is the account.

    `answer` replaces the test's answer; it may raise.
    """

    key = "fake"
    display_name = "Fake Cloud"
    badge = "FA"
    summary = "A cloud that is not there."
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(name="login", label="Login", help_text="As at the provider."),
        CredentialField(name="password", label="API password", is_secret=True),
        CredentialField(name="project", label="Project", is_required=False),
    )
    capabilities = Capabilities(billing=BillingKind.RATES)
    endpoints = ("fake.cloud",)
    type_map: ClassVar[Mapping[str, ResourceType]] = {}
    answer: ClassVar[Callable[[FakeProvider], ConnectionTest] | None] = None

    def test_connection(self) -> ConnectionTest:
        if type(self).answer is not None:
            return type(self).answer(self)
        if self.context.credentials["password"] != SECRET:
            raise AuthenticationFailed(
                "The login or the password is wrong.", provider=self.key, operation="test"
            )
        return ConnectionTest(
            account_id=self.context.credentials["login"], account_name="Acme", scopes=(complete_scope("vps"),)
        )


class FileProvider(FakeProvider):
    """Reads files and has no credentials."""

    key = "files"
    display_name = "Files"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = ()
    capabilities = Capabilities(billing=BillingKind.LINES, has_inventory=False, reads_files=True)

    def test_connection(self) -> ConnectionTest:
        return ConnectionTest(account_id="files")


def partly_denied(error: ProviderError) -> ConnectionTest:
    return ConnectionTest(account_id="acme", scopes=(complete_scope("vps"), not_complete(("mysql",), error)))


class ConnectionFactory(factory.django.DjangoModelFactory):
    """Traits: `failing`."""

    class Meta:
        model = ProviderConnection

    class Params:
        failing = factory.Trait(
            last_sync_status="error",
            consecutive_failures=3,
            last_sync_error={
                "code": "authentication_failed",
                "message": "The login or the password is wrong.",
                "params": {},
            },
        )

    organization = factory.SubFactory(OrganizationFactory)
    provider_type = "fake"
    connection_name = factory.Sequence(lambda n: f"Connection {n}")
    credentials = factory.LazyFunction(lambda: {"login": "acme", "password": SECRET})
    account_id = "acme"
    series_number = factory.Sequence(lambda n: n + 1)
