"""OpenStack behind the plugin contract: private clouds and public ones without an API for their bill.

Scopes are those of `providers.openstack.inventory`, and `projects` for the list of what the user may enter. Costs are
list prices of the user's own: each resource that the list has a price for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from common.text import gettext_noop
from providers.contract.errors import AuthenticationFailed, ProviderError
from providers.contract.plugin import (
    BillingKind,
    Capabilities,
    CredentialField,
    PluginContext,
    ProviderPlugin,
    complete,
)
from providers.contract.records import (
    ConnectionTest,
    Finding,
    PriceRecord,
    ResourceRecord,
    ResourceType,
    Scope,
    ScopeResult,
)
from providers.contract.stopping import StopBy, StopSaves
from providers.http import SYSTEM_CLOCK, Clock
from providers.openstack.client import (
    IDENTITY_ROUTES,
    AllowedHosts,
    Cloud,
    Login,
    SecondFactorRequired,
    ServiceClient,
    broken,
)
from providers.openstack.inventory import Inventory, Project, incomplete
from providers.openstack.normalize import TYPE_MAP

from . import price_list
from .price_list import PriceList, invalid

logger = logging.getLogger(__name__)

PROVIDER = "openstack"
NAME = "OpenStack"
PROJECTS: Scope = ("projects",)
PRICES: Scope = ("prices",)
VERSIONS: Mapping[str, str] = {"compute": "2.69", "sharev2": "2.7"}
"""Nova 2.69 (Stein, 2019): flavors inside, and servers of cells that do not answer as stubs instead of not at all."""

FREE_KINDS = frozenset({"network", "router"})
PRICED_KINDS = frozenset({"server", "volume"})
PROBED_LISTS = ("servers", "volumes", "floating_ips")

LOGIN_REFUSED = gettext_noop(
    "The cloud did not accept the sign-in. Check the address, the user with its domain and the password, or the "
    "application credential."
)

STOP_SAVES: Mapping[ResourceType, StopSaves] = {ResourceType.SERVER: StopSaves(by=StopBy.SHELVE)}
"""A server that is merely stopped keeps its place on the host; a shelved and offloaded one uses its disks alone."""


class OpenStackProvider(ProviderPlugin):
    key: ClassVar[str] = PROVIDER
    display_name: ClassVar[str] = NAME
    badge: ClassVar[str] = "OS"
    summary: ClassVar[str] = gettext_noop(
        "Any OpenStack cloud, private or public; costs follow from a price list of your own."
    )
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="auth_url",
            label=gettext_noop("Sign-in address"),
            help_text=gettext_noop("The address of Keystone, for example https://cloud.example.org:5000/v3."),
            decides_destination=True,
        ),
        CredentialField(name="username", label=gettext_noop("User"), is_required=False),
        CredentialField(
            name="user_domain",
            label=gettext_noop("Domain of the user"),
            help_text=gettext_noop("Empty means “Default”."),
            is_required=False,
        ),
        CredentialField(name="password", label=gettext_noop("Password"), is_secret=True, is_required=False),
        CredentialField(
            name="application_credential_id",
            label=gettext_noop("Application credential, id"),
            help_text=gettext_noop(
                "Instead of user and password; it opens the one project that it was made in."
            ),
            is_required=False,
        ),
        CredentialField(
            name="application_credential_secret",
            label=gettext_noop("Application credential, secret"),
            is_secret=True,
            is_required=False,
        ),
        CredentialField(
            name="hosts",
            label=gettext_noop("Further hosts"),
            help_text=gettext_noop(
                "Hosts of the cloud's services other than the sign-in address's, with commas between them; "
                ".cloud.example.org means all below it. The sign-in goes nowhere else."
            ),
            is_required=False,
            decides_destination=True,
        ),
        CredentialField(
            name="price_list",
            label=gettext_noop("Price list"),
            help_text=gettext_noop(
                "JSON with prices by flavour, volume type and address; the guide shows one. Without it nothing has "
                "a cost."
            ),
            is_required=False,
        ),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        billing=BillingKind.RATES, has_prices=True, stop_saves=STOP_SAVES
    )
    type_map: ClassVar[Mapping[str, ResourceType]] = TYPE_MAP
    guide: ClassVar[str] = "openstack.md"

    def __init__(self, context: PluginContext, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(context)
        credentials = context.credentials
        address = credentials["auth_url"].strip().rstrip("/")
        self._auth_url = address if address.endswith("/v3") else f"{address}/v3"
        further = (host.strip() for host in credentials.get("hosts", "").split(","))
        self._cloud = Cloud(
            context=context,
            provider=PROVIDER,
            provider_name=NAME,
            hosts=AllowedHosts(urlsplit(self._auth_url).hostname or "", *further),
            clock=clock,
        )
        self._inventory = Inventory(self._cloud, auth_url=self._auth_url, versions=VERSIONS)

    @cached_property
    def _price_list(self) -> PriceList:
        return price_list.parse(self.context.credentials.get("price_list", ""))

    def test_connection(self) -> ConnectionTest:
        prices = self._price_list
        client, user_id = self._sign_in()
        scopes: list[ScopeResult] = []
        entered: list[Project] = []
        for found in self._enter(client):
            if isinstance(found, Project):
                entered.append(found)
            else:
                scopes.append(found)
        scopes += self._inventory.probe(entered, PROBED_LISTS)
        regions = sorted({region for project in entered for region in self._inventory.regions(project)})
        facts = {
            gettext_noop("Projects"): str(len(entered)),
            gettext_noop("Regions"): ", ".join(regions),
            gettext_noop("Prices"): str(sum(1 for _ in prices.records())),
        }
        return ConnectionTest(
            account_id=user_id,
            account_name=self.context.credentials.get("username", "") or user_id,
            facts=facts,
            scopes=tuple(scopes),
        )

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        prices = self._price_list
        client, _ = self._sign_in()
        entered: list[Project] = []
        for found in self._enter(client):
            if isinstance(found, Project):
                entered.append(found)
            else:
                yield found
        unpriced: set[tuple[str, str]] = set()
        for item in self._inventory.records(entered):
            if isinstance(item, ScopeResult):
                yield item
                continue
            rate = prices.rate(item)
            if rate is None and item.native_type in PRICED_KINDS and not prices.is_empty:
                unpriced.add((item.native_type, _price_name(item)))
            yield replace(item, rate=rate, is_free=rate is None and item.native_type in FREE_KINDS)
        for kind, name in sorted(unpriced):
            yield _unpriced(kind, name)

    def prices(self) -> Iterator[PriceRecord | ScopeResult | Finding]:
        prices = self._price_list
        self._sign_in()
        yield from prices.records()
        yield complete(*PRICES)

    def _enter(self, client: ServiceClient) -> Iterator[Project | ScopeResult]:
        """Projects that the user may enter, as Keystone tells them, and how their list ended."""
        try:
            logins = self._logins(client)
        except ProviderError as error:
            yield incomplete(PROJECTS, error)
            return
        yield complete(*PROJECTS)
        yield from self._inventory.enter(logins)

    def _logins(self, client: ServiceClient) -> list[Login]:
        operation = "GET /auth/projects"

        def read(body: Any) -> list[Any]:
            found = body.get("projects") if isinstance(body, dict) else None
            if not isinstance(found, list) or not all(
                isinstance(each, dict) and each.get("id") for each in found
            ):
                raise broken(self._cloud, "no list of projects", operation)
            return found

        if self._uses_application_credential:
            access = client.access()
            login = self._login(name=access.project_name or "")
            login.scope_id = access.project_id or ""
            return [login]
        found = client.get("/auth/projects", interpret=read)
        return [
            self._login(project_id=str(each["id"]), name=str(each.get("name") or each["id"]))
            for each in found
            if each.get("enabled") is not False
        ]

    @property
    def _uses_application_credential(self) -> bool:
        return bool(self.context.credentials.get("application_credential_id"))

    def _login(self, *, name: str = "", **scope: Any) -> Login:
        credentials = self.context.credentials
        if self._uses_application_credential:
            login = Login.application_credential(
                self._auth_url,
                credential_id=credentials["application_credential_id"],
                secret=credentials.get("application_credential_secret", ""),
            )
            login.name = name
            return login
        if not credentials.get("username") or not credentials.get("password"):
            raise invalid(gettext_noop("Enter a user with a password, or an application credential."))
        return Login.password(
            self._auth_url,
            username=credentials["username"],
            password=credentials["password"],
            domain=credentials.get("user_domain") or "Default",
            name=name,
            **scope,
        )

    def _sign_in(self) -> tuple[ServiceClient, str]:
        """A client of Keystone with a token of the user alone, and the user's id."""
        if not self._cloud.allows(self._auth_url):
            raise invalid(gettext_noop("The sign-in address must begin with https://."))
        client = ServiceClient(
            self._cloud, self._login(unscoped=True), url=self._auth_url, routes=IDENTITY_ROUTES
        )
        try:
            return client, client.access().user_id or ""
        except SecondFactorRequired:
            raise
        except AuthenticationFailed as error:
            raise AuthenticationFailed(LOGIN_REFUSED, provider=PROVIDER, operation=error.operation) from None
        except (KeyError, TypeError):
            raise broken(self._cloud, "a token of nobody", "sign in") from None


def _price_name(record: ResourceRecord) -> str:
    key = "flavor" if record.native_type == "server" else "volume_type"
    return str(record.configuration.get(key, ""))


def _unpriced(kind: str, name: str) -> Finding:
    message = (
        gettext_noop("The price list has no price for the flavour “%(name)s”: its servers have no cost.")
        if kind == "server"
        else gettext_noop(
            "The price list has no price for the volume type “%(name)s”: its volumes have no cost."
        )
    )
    return Finding(code="price_missing", message=message, params={"name": name})
