"""Beget behind the plugin contract.

Each scope stands for one list and fails alone. The account's daily rate is the total of all priced services
(API reference, section 6): parts are marked `in_account_total`, and what they do not explain is the engine's
remainder, the resource `account:{login}`.

| scope | list |
|---|---|
| account | user/getAccountInfo |
| domains, sites, mysql, ftp, mail | the hosting API's sections; mail is one call a domain, complete only if all answer |
| vps, vps-network, snapshots, images | the cloud API's lists |
| backups/vps, backups/mysql, backups/postgresql | automatic copies |
| services, services/s3, services/cdn | GET /v1/cloud; S3 and CDN need their price list too, so they fail with it |
| usage/{id} | statistics of one VPS, database or bucket |
| prices/vps, prices/databases, prices/zones | price lists |
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar

from common.text import gettext_noop
from providers.contract.errors import (
    AuthenticationFailed,
    PermissionDenied,
    ProviderError,
)
from providers.contract.plugin import (
    BillingKind,
    Capabilities,
    CredentialField,
    Period,
    PluginContext,
    ProviderPlugin,
    complete,
    not_complete,
)
from providers.contract.records import (
    AccountRecord,
    ConnectionTest,
    Finding,
    PriceRecord,
    Rate,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
    Scope,
    ScopeResult,
    UsageRecord,
)
from providers.contract.stopping import StopBy, StopSaves
from providers.http import SYSTEM_CLOCK, Clock, Deadline, Page

from .client import (
    CLOUD_ENDPOINT,
    HOSTING_ENDPOINT,
    NAME,
    PROBES,
    PROVIDER,
    CloudClient,
    HostingClient,
    unexpected,
)
from .normalize import account, hosting, prices, servers, services, usage, values, words
from .statistics import Measured, Statistics

logger = logging.getLogger(__name__)

HALVES_REFUSED = gettext_noop(
    "Beget accepted neither password of %(login)s. Check the login and both passwords, and allow API access in the "
    "control panel."
)

SECTION_SCOPES: Mapping[str, Scope] = {
    "user": words.ACCOUNT,
    "domain": words.DOMAINS,
    "site": words.SITES,
    "mysql": words.MYSQL,
    "ftp": words.FTP,
}
API_PARTS = 7
"""Six sections of the hosting API and the cloud API."""

MEASURED_KINDS = frozenset({"mysql", "postgresql", "s3"})
"""Kinds of services that have statistics we know the unit of."""

BACKUP_PATHS: Mapping[str, str] = {
    "vps": "/v1/vps/backup",
    "mysql": "/v1/cloud/mysql/backup",
    "postgresql": "/v1/cloud/postgresql/backup",
}


@dataclass(slots=True)
class _Sources:
    """What copies may be of: ids of servers and services, and the kinds whose list ended by itself."""

    ids: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)


STOP_SAVES: Mapping[ResourceType, StopSaves] = {
    ResourceType.SERVER: StopSaves(by=StopBy.RECREATE, least_hours=24),
}
"""As far as the API tells, a stopped VPS costs what a running one does: its price is the configuration's, by the day. Only
one that does not exist is free; it can be made again from an image, under another address."""


class BegetProvider(ProviderPlugin):
    key: ClassVar[str] = PROVIDER
    display_name: ClassVar[str] = NAME
    badge: ClassVar[str] = "BE"
    summary: ClassVar[str] = gettext_noop("Hosting, VPS, managed databases, S3 and domains of one account.")
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="login",
            label=gettext_noop("Login"),
            help_text=gettext_noop("The login of Beget's control panel."),
        ),
        CredentialField(
            name="api_password",
            label=gettext_noop("API password"),
            help_text=gettext_noop("Set under “API” in the control panel; it opens the hosting API."),
            is_secret=True,
        ),
        CredentialField(
            name="account_password",
            label=gettext_noop("Account password"),
            help_text=gettext_noop(
                "The password of the control panel; it opens the cloud API (VPS, databases, S3). Empty means the "
                "same as the API password."
            ),
            is_secret=True,
            is_required=False,
        ),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        billing=BillingKind.RATES, has_usage=True, has_prices=True, stop_saves=STOP_SAVES
    )
    type_map: ClassVar[Mapping[str, ResourceType]] = words.TYPE_MAP
    endpoints: ClassVar[tuple[str, ...]] = (HOSTING_ENDPOINT, CLOUD_ENDPOINT)
    guide: ClassVar[str] = "beget.md"

    def __init__(self, context: PluginContext, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(context)
        credentials = context.credentials
        self._login = credentials["login"]
        deadline = Deadline(context.deadline_seconds, clock)
        self._hosting = HostingClient(
            context,
            login=self._login,
            password=credentials["api_password"],
            deadline=deadline,
            clock=clock,
        )
        self._cloud = CloudClient(
            context,
            login=self._login,
            password=credentials.get("account_password") or credentials["api_password"],
            deadline=deadline,
            clock=clock,
        )
        self._measured: list[Measured] | None = None
        self._price_lists: dict[str, Mapping[str, Rate] | ProviderError] = {}

    # ---- test ---------------------------------------------------------------------------------------------

    def test_connection(self) -> ConnectionTest:
        """Ask both halves and each section; raises only when neither half answers anything."""
        self._require_a_half()
        scopes: list[ScopeResult] = []
        failures: list[ProviderError] = []
        facts: dict[str, str] = {}
        for section, method in PROBES:
            try:
                answer = self._hosting.call(section, method)
                if section == "user":
                    facts |= _account_facts(answer)
            except ProviderError as error:
                failures.append(error)
                scopes.append(not_complete(SECTION_SCOPES[section], error))
            else:
                scopes.append(complete(*SECTION_SCOPES[section]))
        try:
            facts |= self._server_count()
        except ProviderError as error:
            failures.append(error)
            scopes.append(not_complete(words.VPS, error))
        else:
            scopes.append(complete(*words.VPS))
        if len(failures) == len(scopes):
            raise failures[0]
        return ConnectionTest(
            account_id=self._login, account_name=self._login, facts=facts, scopes=tuple(scopes)
        )

    def _server_count(self) -> dict[str, str]:
        operation = "GET /v1/vps/server/list"
        answer = self._cloud.get("/v1/vps/server/list", params={"offset": 0, "limit": 1})
        count = values.whole(answer.get("total_count"), operation)
        if count is None:
            count = len(values.listed_in(answer, "vps", operation))
        return {gettext_noop("Servers"): str(count)}

    def _require_a_half(self) -> None:
        """Raises AuthenticationFailed when both halves refuse their password."""
        hosting = self._hosting.refusal()
        cloud = self._cloud.refusal() if hosting is not None else None
        if hosting is None or cloud is None:
            return
        if cloud.params.get("error") not in ("INCORRECT_CREDENTIALS", None):
            raise cloud  # a code, a block or a deleted account says more than a wrong password
        raise AuthenticationFailed(
            HALVES_REFUSED, provider=PROVIDER, operation="sign in", params={"login": self._login}
        )

    # ---- account ------------------------------------------------------------------------------------------

    def account(self) -> Iterator[AccountRecord | ScopeResult | Finding]:
        self._require_a_half()
        try:
            info = self._hosting.call("user", "getAccountInfo")
            denied = self._denied_sections()
            parts = API_PARTS - len(denied) - (self._cloud.refusal() is not None)
            yield account.account_record(
                info, login=self._login, unreadable_sections=denied, sections=f"{parts} / {API_PARTS}"
            )
        except ProviderError as error:
            yield self._incomplete(words.ACCOUNT, error)
        else:
            yield complete(*words.ACCOUNT)

    def _denied_sections(self) -> set[str]:
        """Sections that are switched off in the control panel, as far as one light call each shows it."""
        denied = set()
        for section, method in PROBES:
            try:
                self._hosting.call(section, method)
            except PermissionDenied:
                denied.add(section)
            except ProviderError:
                continue  # fails in its own scope
        return denied

    # ---- resources ----------------------------------------------------------------------------------------

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        self._require_a_half()
        self._measured = []
        sources = _Sources()
        yield from self._scope(words.VPS, lambda: self._servers(sources))
        yield from self._scope(words.NETWORK, self._networks)
        yield from self._scope(words.SNAPSHOTS, self._snapshots)
        yield from self._scope(words.IMAGES, self._images)
        yield from self._services(sources)
        for kind in BACKUP_PATHS:
            yield from self._scope(("backups", kind), partial(self._backups, kind, sources))
        yield from self._scope(words.DOMAINS, self._domains)
        yield from self._scope(words.SITES, lambda: self._hosted("site", hosting.site_record))
        yield from self._scope(words.MYSQL, lambda: self._hosted("mysql", hosting.hosting_mysql_record))
        yield from self._scope(words.FTP, lambda: self._hosted("ftp", hosting.ftp_record))
        yield from self._scope(words.MAIL, self._mailboxes)

    def _servers(self, sources: _Sources) -> Iterator[ResourceRecord]:
        def records(item: Any) -> Iterator[ResourceRecord]:
            for record in servers.vps_records(item, self._projects):
                if record.native_type == "vps":
                    sources.ids.add(record.resource_id)
                    self._measure(record, "vps", item)
                yield record

        yield from _each(self._server_items(), records)
        sources.listed.add("vps")

    def _server_items(self) -> Iterator[Any]:
        return self._pages("/v1/vps/server/list", "vps")

    def _networks(self) -> Iterator[ResourceRecord]:
        operation = "GET /v1/vps/network"
        answer = self._cloud.get("/v1/vps/network")
        addresses = values.listed_in(answer, "additional_ip", operation)
        networks = values.listed_in(answer, "private_network", operation)
        readers: list[tuple[Callable[[Any], ResourceRecord], Any]] = [
            *((servers.additional_ip_record, item) for item in addresses),
            *((servers.private_network_record, item) for item in networks),
        ]
        yield from _each(readers, lambda pair: iter((pair[0](pair[1]),)))

    def _snapshots(self) -> Iterator[ResourceRecord]:
        answer = self._cloud.get("/v1/vps/snapshot")
        yield from _each(
            values.listed_in(answer, "snapshot", "GET /v1/vps/snapshot"),
            lambda item: filter(None, (servers.snapshot_record(item),)),
        )

    def _images(self) -> Iterator[ResourceRecord]:
        items = self._pages("/v1/image", "images")
        yield from _each(items, lambda item: iter((servers.image_record(item),)))

    def _services(self, sources: _Sources) -> Iterator[ResourceRecord | ScopeResult]:
        """Databases and newer services; S3 and CDN, whose cost is use x price, in scopes of their own."""
        failed: dict[Scope, ProviderError] = {}
        try:
            items = self._pages("/v1/cloud", "service", params={"view": "SERVICE_VIEW_FULL"})
            for item in items:
                scope = services.service_scope(item)
                try:
                    record = self._service(item)
                except ProviderError as error:
                    failed.setdefault(scope, error)
                    continue
                sources.ids.add(record.resource_id)
                if (kind := services.service_kind(item)) in MEASURED_KINDS:
                    self._measure(record, kind, item)
                yield record
        except ProviderError as error:
            failed = dict.fromkeys((words.SERVICES, words.S3, words.CDN), error)
        if words.SERVICES not in failed:
            sources.listed |= {"mysql", "postgresql"}
        for scope in (words.SERVICES, words.S3, words.CDN):
            yield self._incomplete(scope, failed[scope]) if scope in failed else complete(*scope)

    def _service(self, item: Mapping[str, Any]) -> ResourceRecord:
        operation = "GET /v1/cloud"
        kind = services.service_kind(item)
        if kind == "s3":
            rates = self._use_rates("/v1/cloud/s3/price", "bucket", services.s3_rates)
            names = (values.text(item.get(key)) for key in ("display_name", "slug"))
            rate = next((rates[name] for name in names if name in rates), None)
        elif kind == "cdn":
            rates = self._use_rates("/v1/cloud/cdn/price", "cdn", services.cdn_rates)
            rate = rates.get(values.text(item.get("id")))
        elif kind in ("mysql", "postgresql"):
            rate = values.known_rate_of(item, operation)
        else:
            rate = None
        return services.service_record(
            item, projects=self._projects, rate=rate or values.rate_of(item, operation)
        )

    def _use_rates(
        self, path: str, key: str, read: Callable[[Any], Mapping[str, Rate]]
    ) -> Mapping[str, Rate]:
        """A price list of what is used, asked for once; so is its failure."""
        if path not in self._price_lists:
            try:
                self._price_lists[path] = read(self._cloud.get(path).get(key))
            except ProviderError as error:
                self._price_lists[path] = error
        rates = self._price_lists[path]
        if isinstance(rates, ProviderError):
            raise rates
        return rates

    @cached_property
    def _projects(self) -> Mapping[str, str]:
        """Names of the projects by id; without them the ids stay alone, which costs no scope."""
        try:
            items = self._pages("/v1/cloud/projects/list", "projects", inside="page")
            operation = "GET /v1/cloud/projects/list"
            return {values.identifier(item, "id", operation): values.text(item.get("name")) for item in items}
        except ProviderError as error:
            logger.warning("Beget did not tell the names of its projects: %s", error)
            return {}

    def _pages(
        self, path: str, key: str, *, params: Mapping[str, str | int] | None = None, inside: str = ""
    ) -> Iterator[Any]:
        """Items of the list `key` of a cloud answer, or of its object `inside`, page by page.

        No total, or zero beside items, is no total: the default may be left out on the wire.
        """
        operation = f"GET {path}"

        def page_of(answer: Mapping[str, Any]) -> Page:
            body = values.nested(answer, inside) if inside else answer
            total = values.whole(body.get("total_count"), operation)
            return Page(items=values.listed_in(body, key, operation), total_count=total or None)

        return self._cloud.pages(path, params=params, page_of=page_of, identity=_identity)

    def _backups(self, kind: str, sources: _Sources) -> Iterator[ResourceRecord]:
        path = BACKUP_PATHS[kind]
        copies = values.listed_in(self._cloud.get(path), "copy", f"GET {path}")
        yield from _each(
            copies,
            lambda item: iter(
                (
                    servers.backup_record(
                        item,
                        kind=kind,
                        scope=("backups", kind),
                        parents=sources.ids if kind in sources.listed else None,
                    ),
                )
            ),
        )

    def _domains(self) -> Iterator[ResourceRecord]:
        def record(item: Any) -> Iterator[ResourceRecord]:
            fqdn = values.identifier(item, "fqdn", "domain/getList")
            rate = hosting.domain_rate(fqdn, self._zones()) if hosting.is_registered(item) else None
            yield hosting.domain_record(item, rate=rate)

        yield from _each(self._hosting_list("domain"), record)

    def _zones(self) -> Mapping[str, Any]:
        zones = self._hosting.call("domain", "getZoneList")
        if not isinstance(zones, dict):
            raise unexpected("no price list of zones", "domain/getZoneList")
        return zones

    def _hosted(self, section: str, read: Callable[[Any], ResourceRecord]) -> Iterator[ResourceRecord]:
        yield from _each(self._hosting_list(section), lambda item: iter((read(item),)))

    def _hosting_list(self, section: str) -> list[Any]:
        return values.listed(self._hosting.call(section, "getList"), f"{section}/getList")

    def _mailboxes(self) -> Iterator[ResourceRecord]:
        """Mailboxes of every domain, one call each; none where the account says that it has no mailbox."""
        if self._has_no_mail():
            return

        def records(domain: Any) -> Iterator[ResourceRecord]:
            operation = "mail/getMailboxList"
            fqdn = values.identifier(domain, "fqdn", "domain/getList")
            mailboxes = self._hosting.call("mail", "getMailboxList", domain=fqdn)
            for item in values.listed(mailboxes, operation):
                yield hosting.mailbox_record(item, domain=fqdn)

        yield from _each(self._hosting_list("domain"), records)

    def _has_no_mail(self) -> bool:
        try:
            info = self._hosting.call("user", "getAccountInfo")
            return isinstance(info, dict) and values.whole(info.get("user_mail"), "user/getAccountInfo") == 0
        except ProviderError:
            return False

    def _scope(
        self, scope: Scope, read: Callable[[], Iterator[ResourceRecord]]
    ) -> Iterator[ResourceRecord | ScopeResult]:
        try:
            yield from read()
        except ProviderError as error:
            yield self._incomplete(scope, error)
        else:
            yield complete(*scope)

    def _incomplete(self, scope: Scope, error: ProviderError) -> ScopeResult:
        logger.warning(
            "%s of Beget account %s was not read: %s (%s)",
            "/".join(scope),
            self._login,
            error,
            error.operation,
        )
        return not_complete(scope, error)

    # ---- usage --------------------------------------------------------------------------------------------

    def usage(self, period: Period) -> Iterator[UsageRecord | ScopeResult | Finding]:
        """What runs, one call at a time; some of it at the first sync of a day (`statistics`)."""
        self._require_a_half()
        if self._measured is None:
            for _ in self.resources():
                pass
        statistics = Statistics(self._cloud, period=period, now=self.context.now)
        for machine in self._measured or ():
            scope = ("usage", machine.resource_id)
            try:
                yield from statistics.read(machine)
            except ProviderError as error:
                yield self._incomplete(scope, error)
            else:
                yield complete(*scope)

    def _measure(self, record: ResourceRecord, kind: str, item: Mapping[str, Any]) -> None:
        if self._measured is None or record.status is not ResourceStatus.RUNNING:
            return
        cores = record.specification.vcpus
        self._measured.append(
            Measured(
                resource_id=record.resource_id,
                kind=kind,
                cores=None if cores is None else int(cores),
                memory_mib=record.specification.memory_mib,
                disk_used_gib=_disk_used(record, kind, item),
            )
        )

    # ---- prices -------------------------------------------------------------------------------------------

    def prices(self) -> Iterator[PriceRecord | ScopeResult | Finding]:
        self._require_a_half()
        yield from self._price_list(("prices", "vps"), self._vps_prices)
        yield from self._price_list(("prices", "databases"), self._database_prices)
        yield from self._price_list(("prices", "zones"), lambda: prices.zone_prices(self._zones()))

    def _vps_prices(self) -> Iterator[PriceRecord | None]:
        answer = self._cloud.get("/v1/vps/configuration")
        for item in values.listed_in(answer, "configurations", "GET /v1/vps/configuration"):
            yield prices.vps_price(item, self._countries)

    def _database_prices(self) -> Iterator[PriceRecord | None]:
        answer = self._cloud.get("/v1/cloud/configuration")
        for item in values.listed_in(answer, "configuration", "GET /v1/cloud/configuration"):
            yield prices.database_price(item, self._countries)

    @cached_property
    def _countries(self) -> Mapping[str, str]:
        """Where the regions lie; empty where Beget does not tell, for prices hold without it."""
        operation = "GET /v1/vps/region"
        try:
            return prices.countries(values.listed_in(self._cloud.get("/v1/vps/region"), "regions", operation))
        except ProviderError as error:
            logger.warning("regions of Beget account were not read: %s (%s)", error, error.operation)
            return {}

    def _price_list(
        self, scope: Scope, read: Callable[[], Iterator[PriceRecord | None]]
    ) -> Iterator[PriceRecord | ScopeResult]:
        seen: set[str] = set()
        try:
            for price in read():
                if price is not None and price.sku_id not in seen:
                    seen.add(price.sku_id)
                    yield price
        except ProviderError as error:
            yield self._incomplete(scope, error)
        else:
            yield complete(*scope)


def _each(items: Iterable[Any], read: Callable[[Any], Iterator[ResourceRecord]]) -> Iterator[ResourceRecord]:
    """Records of all items; one that cannot be read fails the list at its end, and hides no other."""
    first_error: ProviderError | None = None
    for item in items:
        try:
            yield from read(item)
        except ProviderError as error:
            first_error = first_error or error
    if first_error is not None:
        raise first_error


def _disk_used(record: ResourceRecord, kind: str, item: Mapping[str, Any]) -> float | None:
    """Space used as the list tells it; what cannot be read is not known, and costs the list nothing."""
    detail = item if kind == "vps" else services.service_detail(item, kind)
    try:
        used = values.number(detail.get("disk_used"), "disk_used")
    except ProviderError:
        return None
    disk = record.specification.storage_gib
    return usage.disk_used_gib(used, None if disk is None else int(disk * 1024), is_bytes=kind != "vps")


def _identity(item: Any) -> object:
    """Its id; what has none is told apart by being itself, and fails when it is read."""
    return (item.get("id") or object()) if isinstance(item, dict) else object()


def _account_facts(info: Any) -> dict[str, str]:
    record = account.account_record(info, login="", unreadable_sections=(), sections="")
    facts = {gettext_noop("Plan"): values.text(info.get("plan_name"))}
    if record.balance is not None:
        facts[gettext_noop("Balance, ₽")] = f"{record.balance:.2f}"
    if record.total is not None:
        facts[gettext_noop("Rate, ₽ a day")] = f"{record.total.amount:.2f}"
    return {label: value for label, value in facts.items() if value}
