"""Selectel behind the plugin contract.

| scope | read from |
|---|---|
| consumption | hours of the last day (run rates, today) and days before (history) |
| balance | balances and prediction; with a static token also the last month's report |
| projects | the account's projects |
| transactions | payments for rented servers; only with a static token |
| project/{id} | a project that cannot be entered |
| project/{id}/region/{pool}/{list} | OpenStack, databases, clusters and buckets of one pool |
| project/{id}/registries, project/{id}/zones | one list a project |
| dedicated_servers | rented servers of the account |
| usage/{id} | CPU and memory of one server |
| usage/{id}/region/{pool}/{question} | network, disks or balancers of one project and pool |
| prices/vpc, prices/dbaas | price lists |
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from common.text import gettext_noop
from providers.contract.errors import AuthenticationFailed, DeadlineExceeded, PermissionDenied, ProviderError
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
    ChargeRecord,
    ConnectionTest,
    Finding,
    MonthTotal,
    PriceRecord,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
    RunRateRecord,
    Scope,
    ScopeResult,
    UsageRecord,
)
from providers.contract.stopping import StopBy, StopSaves
from providers.http import SYSTEM_CLOCK, Clock
from providers.openstack import meters, series
from providers.openstack.client import Login, broken
from providers.openstack.inventory import Inventory, Project
from providers.openstack.normalize import Malformed

from .client import (
    DAYS_A_CALL,
    DNS,
    ENDPOINTS,
    REGISTRY,
    UNDOCUMENTED_KEYS,
    AccountClient,
    cloud_of,
    url_of,
)
from .lists import POOL_LISTS, REGISTRIES, ZONES
from .normalize import account, billing, managed, payments, prices, rates, words
from .normalize.billing import MOSCOW, Row, day_start
from .normalize.buckets import BucketDays

logger = logging.getLogger(__name__)

VERSIONS: Mapping[str, str] = {"compute": "2.79", "sharev2": "2.40"}
"""From 2.47 on a server's answer holds its flavor; 2.79 is what this cloud is known to speak."""

PROBED_LISTS = ("servers", "volumes", "floating_ips")
ONE_DAY = timedelta(days=1)
LONGEST_MONTH = timedelta(days=31)
METERED_KINDS = frozenset({"server", "volume", "load_balancer"})
GAUGE_UNITS: Mapping[str, str] = {"disk_used_gib": "GiB", "object_count": "objects"}
A_MOMENT = timedelta(seconds=1)
"""Lists are read before the sync's instant is over; what they tell of use is put so far before it."""

UNBILLED_STATUSES = frozenset({"expired", "shelved_offloaded"})
"""Servers that hold nothing but their disks, which cost on."""

STOP_SAVES: Mapping[ResourceType, StopSaves] = {ResourceType.SERVER: StopSaves(by=StopBy.SHELVE)}
"""Switched off, everything is charged on; frozen (OpenStack's shelve), vCPU, RAM and GPU are not, disks and addresses are.
Charged is the most that there was in each hour. Databases and node groups have no such switch.
Source: docs.selectel.ru, "Cloud server payment model and pricing"."""


class SelectelProvider(ProviderPlugin):
    key: ClassVar[str] = words.PROVIDER
    display_name: ClassVar[str] = words.NAME
    badge: ClassVar[str] = "SE"
    summary: ClassVar[str] = gettext_noop(
        "Cloud platform, managed services, object storage and dedicated servers of one account, by its bill."
    )
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="account_id",
            label=gettext_noop("Account number"),
            help_text=gettext_noop("Shown in the upper right corner of the control panel."),
        ),
        CredentialField(
            name="username",
            label=gettext_noop("Service user"),
            help_text=gettext_noop("Its name; give it the role reader in the account and in each project."),
        ),
        CredentialField(name="password", label=gettext_noop("Password of the service user"), is_secret=True),
        CredentialField(
            name="static_token",
            label=gettext_noop("Static token"),
            help_text=gettext_noop(
                "Needed only for what rented servers cost, and for the monthly report that our sums are held to: payments "
                "and reports can be read with nothing else."
            ),
            is_secret=True,
            is_required=False,
        ),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        billing=BillingKind.LINES,
        has_usage=True,
        has_prices=True,
        states_run_rates=True,
        stop_saves=STOP_SAVES,
    )
    type_map: ClassVar[Mapping[str, ResourceType]] = words.TYPE_MAP
    billing_timezone: ClassVar[str] = "Europe/Moscow"
    delivers_by_day: ClassVar[bool] = True
    endpoints: ClassVar[tuple[str, ...]] = ENDPOINTS
    guide: ClassVar[str] = "selectel.md"

    def __init__(self, context: PluginContext, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(context)
        credentials = context.credentials
        self._account_id = credentials["account_id"].strip()
        self._cloud = cloud_of(context, clock)
        self._account = AccountClient(
            self._cloud,
            account_id=self._account_id,
            username=credentials["username"],
            password=credentials["password"],
            static_token=credentials.get("static_token", ""),
        )
        self._billed_parents: dict[str, str] = {}
        self._inventory = Inventory(
            self._cloud,
            auth_url=self._account.auth_url,
            versions=VERSIONS,
            lists=POOL_LISTS,
            billed_parents=self._billed_parents,
        )
        self._hours: list[Row] | None = None
        self._rented: list[Any] | None = None
        self._measured: list[series.Measured] | None = None
        self._metered: dict[tuple[str, str], meters.Metered] = {}
        self._bucket_days = BucketDays()

    @classmethod
    def resource_type_of(
        cls,
        native_type: str,
        service_category: str = "",
        service_name: str = "",
        service_subcategory: str = "",
    ) -> ResourceType | None:
        return words.TYPE_MAP.get(words.known_kind(native_type))

    # ---- test ---------------------------------------------------------------------------------------------

    def test_connection(self) -> ConnectionTest:
        """Sign in to the account, then try each right: billing, projects, and the main lists of every project."""
        self._account.sign_in()
        scopes: list[ScopeResult] = []
        facts: dict[str, str] = {}
        facts |= self._tried(scopes, words.BALANCE, self._balance_facts)
        facts |= self._tried(scopes, words.CONSUMPTION, self._billing_facts)
        entered = list(self._enter(scopes.append))
        scopes += self._inventory.probe(entered, PROBED_LISTS)
        facts[gettext_noop("Projects")] = str(len(entered))
        return ConnectionTest(
            account_id=self._account_id, account_name=self._account_id, facts=facts, scopes=tuple(scopes)
        )

    def _tried(
        self, scopes: list[ScopeResult], scope: Scope, read: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        try:
            facts = read()
        except ProviderError as error:
            scopes.append(self._incomplete(scope, error))
            return {}
        scopes.append(complete(*scope))
        return facts

    def _balance_facts(self) -> dict[str, str]:
        record = self._account_record({})
        return {gettext_noop("Balance, ₽"): f"{record.balance:.2f}"}

    def _billing_facts(self) -> dict[str, str]:
        return self._latest_hour().get(gettext_noop("Billing"), {})

    # ---- account ------------------------------------------------------------------------------------------

    def account(self) -> Iterator[AccountRecord | ScopeResult | Finding]:
        self._account.sign_in()
        try:
            facts = self._latest_hour()
        except ProviderError:
            facts = {}  # fails in its own scope
        try:
            record = self._account_record(facts)
            yield replace(record, month_totals=self._month_totals())
        except ProviderError as error:
            yield self._incomplete(words.BALANCE, error)
        else:
            yield complete(*words.BALANCE)

    def _account_record(self, facts: Mapping[str, Mapping[str, str]]) -> AccountRecord:
        body = self._account.balances()
        try:
            prediction = self._account.prediction()
        except ProviderError as error:
            logger.warning("Selectel did not tell how long the balance lasts: %s", error)
            prediction = None
        try:
            return account.account_record(
                body, prediction, account_id=self._account_id, name=self._account_id, facts=facts
            )
        except Malformed as error:
            raise broken(self._cloud, str(error), "GET /v3/balances") from None

    def _month_totals(self) -> tuple[MonthTotal, ...]:
        """The last month that has closed; () without a static token, or where the report cannot be read: costs need none."""
        if not self._account.has_static_token:
            return ()
        this_month = self.context.now.astimezone(MOSCOW).date().replace(day=1)
        month = (this_month - ONE_DAY).replace(day=1)
        try:
            found = account.month_total(self._account.month_report(month), month)
        except DeadlineExceeded:
            raise
        except ProviderError as error:
            logger.warning("Selectel's report of %s was not read: %s", month, error)
            return ()
        except Malformed as error:
            logger.warning("Selectel's report of %s cannot be read: %s", month, error)
            return ()
        return (found,) if found else ()

    def _latest_hour(self) -> dict[str, dict[str, str]]:
        """The latest full hour as the control panel shows it; it moves by kopecks, the run rates do not."""
        rows = self._hour_rows()
        hour = rates.latest_full_hour(rows, now=self.context.now)
        if hour is None:
            return {}
        return {
            gettext_noop("Billing"): {
                gettext_noop("Latest full hour, Moscow time"): hour.astimezone(MOSCOW).strftime(
                    "%Y-%m-%d %H:%M"
                ),
                gettext_noop("Latest full hour, ₽"): f"{rates.hour_cost(rows, hour):.2f}",
            }
        }

    # ---- charges ------------------------------------------------------------------------------------------

    def charges(self, period: Period) -> Iterator[ChargeRecord | RunRateRecord | ScopeResult | Finding]:
        """Days before today by day, today by its hours, and what the latest hours come to."""
        self._account.sign_in()
        try:
            hours = self._hour_rows()
            stated = rates.run_rates(hours, now=self.context.now)
            for each in hours:
                if each.parent_id:
                    self._billed_parents[each.resource_id] = each.parent_id
            unnamed = {each.resource_id for each in stated}
            for charge in self._lines(hours, period):
                unnamed.discard(charge.resource_id)
                yield charge
            if unnamed:
                raise broken(self._cloud, "hours and days disagree", "GET consumption")
            yield from stated
            if not self._account.knows_every_key:
                yield self._keys_finding()
        except ProviderError as error:
            yield self._incomplete(words.CONSUMPTION, error)
        else:
            yield complete(*words.CONSUMPTION)
        if self._account.has_static_token:
            yield from self._payments(period)

    def _payments(self, period: Period) -> Iterator[ChargeRecord | RunRateRecord | ScopeResult | Finding]:
        """What rented servers cost. A token that is refused is told and costs the rest of the bill nothing."""
        now = self.context.now
        try:
            rented = self._rented_servers()
        except (AuthenticationFailed, PermissionDenied):
            yield Finding(
                code="rented_servers_refused",
                message=gettext_noop(
                    "Selectel did not let us read the list of rented servers, without which their payments say nothing. "
                    "They have no cost until the user may read it."
                ),
            )
            return
        except ProviderError as error:
            yield self._incomplete(words.TRANSACTIONS, error)
            return
        try:
            plans = {
                record.resource_id: payments.months_of(record.configuration.get("price_plan", ""))
                for record in map(managed.dedicated_server, rented)
            }
            since = day_start(period.start) - max([1, *plans.values()]) * LONGEST_MONTH
            found = payments.payments(self._account.transactions(since, now), plans)
            tomorrow = day_start(day_start(now) + ONE_DAY + ONE_DAY / 2)
            yield from payments.charges(
                found, start=day_start(period.start), end=tomorrow, account_id=self._account_id
            )
            yield from payments.run_rates(found, plans, now=now)
        except (AuthenticationFailed, PermissionDenied) as error:
            logger.warning("Payments of Selectel account %s were not read: %s", self._account_id, error)
            yield Finding(
                code="payments_refused",
                message=gettext_noop(
                    "Selectel did not let us read payments with the static token. Rented servers have no cost until a "
                    "valid one is entered."
                ),
            )
        except (Malformed, AttributeError) as error:
            reason = broken(self._cloud, str(error), "GET /v2/billing/transactions")
            yield self._incomplete(words.TRANSACTIONS, reason)
        except ProviderError as error:
            yield self._incomplete(words.TRANSACTIONS, error)
        else:
            yield complete(*words.TRANSACTIONS)

    def _lines(self, hours: list[Row], period: Period) -> Iterator[ChargeRecord]:
        today = day_start(self.context.now)
        first = min([day_start(period.start), *(day_start(each.start) for each in hours)])
        while first < today:
            last = min(day_start(first + DAYS_A_CALL + ONE_DAY / 2), today)
            rows = self._rows(first, last, by="day")
            self._bucket_days.add(rows)
            yield from billing.charges(rows, until=self.context.now, account_id=self._account_id)
            first = last
        current = [each for each in hours if each.start >= today]
        if current:
            until = max(each.start for each in current) + billing.HOUR
            yield from billing.charges(current, until=until, account_id=self._account_id)

    def _hour_rows(self) -> list[Row]:
        """Rows of the last day and a bit, asked for once."""
        if self._hours is None:
            end = self.context.now.replace(minute=0, second=0, microsecond=0) + billing.HOUR
            start = end - rates.WINDOW_HOURS * billing.HOUR - rates.WINDOW_LAG
            self._hours = self._rows(min(start, day_start(self.context.now)), end, by="hour")
        return self._hours

    def _rows(self, start: datetime, end: datetime, *, by: str) -> list[Row]:
        rows = []
        for first, last, items in self._account.consumption(start, end, by=by):
            try:
                found = map(billing.row, items)
                rows += [each for each in found if first <= each.start < last]
            except Malformed as error:
                raise broken(self._cloud, str(error), "GET consumption") from None
        return rows

    def _keys_finding(self) -> Finding:
        return Finding(
            code="provider_keys_refused",
            message=gettext_noop(
                "Selectel's bill does not know some kinds of service by name any more (%(keys)s); they were left out."
            ),
            params={"keys": ", ".join(UNDOCUMENTED_KEYS)},
        )

    # ---- resources ----------------------------------------------------------------------------------------

    def resources(self) -> Iterator[ResourceRecord | ScopeResult | Finding]:
        self._account.sign_in()
        self._measured = []
        self._metered = {}
        results: list[ScopeResult] = []
        projects = list(self._enter(results.append))
        yield from results
        by_id = {project.project_id: project for project in projects}
        for item in self._inventory.records(projects):
            yield self._seen(item, by_id)
        for each, url in (
            (REGISTRIES, url_of(self._cloud, REGISTRY)),
            (ZONES, url_of(self._cloud, DNS)),
        ):
            yield from self._inventory.of_projects(projects, each, url)
        yield from self._dedicated_servers()

    def _enter(self, tell: Callable[[ScopeResult], None]) -> Iterator[Project]:
        """The projects that let us in; `tell` gets the others and how the list of projects itself ended."""
        try:
            items = self._account.projects()
        except ProviderError as error:
            tell(self._incomplete(words.PROJECTS, error))
            items = self._billed_projects()
        else:
            tell(complete(*words.PROJECTS))
        logins = [login for item in items if (login := self._login(item)) is not None]
        for found in self._inventory.enter(logins):
            if isinstance(found, Project):
                yield found
            else:
                tell(found)

    def _billed_projects(self) -> list[Any]:
        """Projects that the bill names, where their list may not be read."""
        try:
            rows = self._hour_rows()
        except ProviderError:
            return []
        names = {each.project_id: each.project_name for each in rows if each.project_id}
        return [{"id": project_id, "name": name} for project_id, name in sorted(names.items())]

    def _login(self, item: Any) -> Login | None:
        project_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(project_id, str) or not project_id or item.get("enabled") is False:
            return None  # nobody enters a project that is switched off; what is known of it stays
        return self._account.project_login(project_id, str(item.get("name") or project_id))

    def _seen(
        self, item: ResourceRecord | ScopeResult, projects: Mapping[str, Project]
    ) -> ResourceRecord | ScopeResult:
        if isinstance(item, ScopeResult):
            return item
        if item.native_type in METERED_KINDS:
            place = (item.sub_account_id, item.region_id)
            if place not in self._metered:
                project = projects[item.sub_account_id]
                self._metered[place] = meters.Metered(project=project, region_id=item.region_id)
            self._metered[place].add(item)
        if item.native_type == "server" and item.status is ResourceStatus.RUNNING:
            assert self._measured is not None
            self._measured.append(series.Measured.of(item, projects[item.sub_account_id]))
        is_unbilled = item.native_type == "server" and item.provider_status.lower() in UNBILLED_STATUSES
        return replace(item, is_free=True) if is_unbilled or item.native_type in words.FREE_KINDS else item

    def _dedicated_servers(self) -> Iterator[ResourceRecord | ScopeResult]:
        first_error: ProviderError | None = None
        try:
            for item in self._rented_servers():
                try:
                    yield managed.dedicated_server(item)
                except (Malformed, AttributeError) as error:
                    first_error = first_error or broken(self._cloud, str(error), "GET /v2/resource")
            if first_error is not None:
                raise first_error
        except ProviderError as error:
            yield self._incomplete(words.DEDICATED, error)
        else:
            yield complete(*words.DEDICATED)

    def _rented_servers(self) -> list[Any]:
        """The list of rented servers, asked for once."""
        if self._rented is None:
            self._rented = self._account.dedicated_servers()
        return self._rented

    # ---- usage and prices ---------------------------------------------------------------------------------

    def usage(self, period: Period) -> Iterator[UsageRecord | ScopeResult | Finding]:
        """Series of running servers, their volumes, balancers, buckets; what has none is complete and empty.

        Buckets' requests and traffic are by the day, of the days that `charges` read before.
        """
        self._account.sign_in()
        if self._measured is None:
            for _ in self.resources():
                pass
        yield from series.usage(self._cloud, self._measured or (), period)
        yield from meters.usage(self._cloud, self._metered.values(), period)
        at = self.context.now - A_MOMENT
        gauges = self._inventory.gauges
        if period.start <= at < period.end:
            yield from (
                UsageRecord(
                    resource_id=resource_id, metric=metric, unit=GAUGE_UNITS[metric], points=((at, value),)
                )
                for resource_id, values in sorted(gauges.items())
                for metric, value in values.items()
            )
        yield from self._bucket_days.series(gauges, period)

    def prices(self) -> Iterator[PriceRecord | ScopeResult | Finding]:
        self._account.sign_in()
        for kind in ("vpc", "dbaas"):
            scope = ("prices", kind)
            try:
                yield from _once(prices.price(item, kind) for item in self._account.prices(kind))
            except Malformed as error:
                reason = broken(self._cloud, str(error), f"GET /v2/billing/{kind}/prices")
                yield self._incomplete(scope, reason)
            except ProviderError as error:
                yield self._incomplete(scope, error)
            else:
                yield complete(*scope)

    def _incomplete(self, scope: Scope, error: ProviderError) -> ScopeResult:
        logger.warning(
            "%s of Selectel account %s was not read: %s (%s)",
            "/".join(scope),
            self._account_id,
            error,
            error.operation,
        )
        if isinstance(error, AuthenticationFailed) and scope != words.PROJECTS:
            error = PermissionDenied(
                error.message, provider=error.provider, operation=error.operation, params=error.params
            )
        return not_complete(scope, error)


def _once(found: Iterable[PriceRecord | None]) -> Iterator[PriceRecord]:
    seen: set[str] = set()
    for price in found:
        if price is not None and price.sku_id not in seen:
            seen.add(price.sku_id)
            yield price
