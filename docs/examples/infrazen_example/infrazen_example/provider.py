"""Example Cloud behind the plugin contract: servers and volumes in regions, billed by monthly prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import ClassVar

from common.text import gettext_noop
from providers.contract.errors import AuthenticationFailed, DeadlineExceeded, ProviderError
from providers.contract.plugin import (
    BillingKind,
    Capabilities,
    CredentialField,
    PluginContext,
    ProviderPlugin,
    complete,
    not_complete,
)
from providers.contract.records import (
    AccountRecord,
    ConnectionTest,
    Finding,
    ResourceRecord,
    ResourceType,
    Scope,
    ScopeResult,
)
from providers.http import SYSTEM_CLOCK, Clock

from . import normalize
from .client import ENDPOINT, NAME, PROVIDER, Account, ExampleClient


class ExampleProvider(ProviderPlugin):
    key: ClassVar[str] = PROVIDER
    display_name: ClassVar[str] = NAME
    badge: ClassVar[str] = "EX"
    summary: ClassVar[str] = gettext_noop("Servers and volumes of one account.")
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="api_key",
            label=gettext_noop("API key"),
            help_text=gettext_noop("A read-only key, from “Access” in the console."),
            is_secret=True,
        ),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(billing=BillingKind.RATES)
    type_map: ClassVar[Mapping[str, ResourceType]] = normalize.TYPE_MAP
    endpoints: ClassVar[tuple[str, ...]] = (ENDPOINT,)
    guide: ClassVar[str] = "guide.md"

    def __init__(self, context: PluginContext, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(context)
        self._client = ExampleClient(context, clock=clock)

    def test_connection(self) -> ConnectionTest:
        scopes = [item for item in self.resources() if isinstance(item, ScopeResult)]
        return ConnectionTest(
            account_id=self._account.id, account_name=self._account.name, scopes=tuple(scopes)
        )

    def account(self) -> Iterator[AccountRecord | ScopeResult | Finding]:
        yield normalize.account_record(self._account)

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        currency = self._account.currency
        for region in self._account.regions:
            yield from _scope(
                normalize.servers_scope(region),
                (
                    normalize.server_record(server, region=region, currency=currency)
                    for server in self._client.servers(region)
                ),
            )
            yield from _scope(
                normalize.volumes_scope(region),
                (
                    normalize.volume_record(volume, region=region, currency=currency)
                    for volume in self._client.volumes(region)
                ),
            )

    @cached_property
    def _account(self) -> Account:
        return self._client.account()


def _scope(scope: Scope, records: Iterable[ResourceRecord]) -> Iterator[ResourceRecord | ScopeResult]:
    """The records of one list, then how its reading ended: complete only if the list ended by itself."""
    try:
        yield from records
    except (AuthenticationFailed, DeadlineExceeded):
        raise
    except ProviderError as error:
        yield not_complete(scope, error)
    else:
        yield complete(*scope)
