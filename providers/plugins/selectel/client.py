"""Selectel's account-wide APIs: billing, projects, dedicated servers. Raw JSON out, envelopes opened.

The account's own token (Keystone, scope of the account) reads all of them; transactions and reports need a static token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from common.text import gettext_noop
from providers.contract.errors import AnswerTooLarge, AuthenticationFailed, UnexpectedResponse
from providers.contract.plugin import PluginContext
from providers.http import Clock, HttpClient, Limits, Route, base_url
from providers.openstack.client import (
    AllowedHosts,
    Cloud,
    Login,
    SecondFactorRequired,
    ServiceClient,
    broken,
)

from .normalize.billing import moscow_text
from .normalize.words import NAME, PROVIDER

T = TypeVar("T")

BILLING, RESELL, DEDICATED = "selectel.billing", "selectel.resell", "selectel.dedicated"
DNS, REGISTRY, KEYSTONE = "selectel.dns", "selectel.registry", "openstack.keystone"
DEFAULTS = {
    BILLING: "https://api.selectel.ru",
    RESELL: "https://api.selectel.ru/vpc/resell",
    DEDICATED: "https://api.selectel.ru/servers",
    DNS: "https://api.selectel.ru/domains",
    REGISTRY: "https://cr.selcloud.ru/api",
    KEYSTONE: "https://cloud.api.selcloud.ru/identity",
}
ENDPOINTS = tuple(DEFAULTS)

MONTH_REPORT = "/v1/billing/report/by_project/detailed"

ROUTES: dict[str, tuple[str, ...]] = {
    BILLING: (
        "/v3/balances",
        "/v2/billing/prediction",
        "/v1/cloud_billing/statistic/consumption",
        "/v2/billing/transactions",
        MONTH_REPORT,
        "/v2/billing/vpc/prices",
        "/v2/billing/dbaas/prices",
    ),
    RESELL: ("/v2/accounts", "/v2/projects"),
    DEDICATED: ("/v2/resource",),
}

PROVIDER_KEYS = (
    "vpc",
    "serverless",
    "mks",
    "dbaas",
    "storage",
    "cdn",
    "vmware",
    "craas",
    "ones",
    "mobfarm",
    "ses",
)
UNDOCUMENTED_KEYS = ("private_storage", "inference", "netdisk")
"""Accepted as well; one that is not known any more may refuse the whole request."""

GROUPING = "project_object_region_metric"
LIMITS = Limits(read_seconds=120, request_seconds=300, response_bytes=16 * 1024 * 1024)
"""Sixteen MiB are some 25 000 rows of consumption, and ten times as much in memory while they are read."""

HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
DAYS_A_CALL = 10 * ONE_DAY
TRANSACTIONS_A_CALL = 500

ACCOUNT_REFUSED = gettext_noop(
    "Selectel did not accept the service user %(username)s of the account %(account)s. Check the account number, the "
    "name and the password, that the user has a role in the whole account, and that access to the API is not limited "
    "to other IP addresses."
)


def cloud_of(context: PluginContext, clock: Clock) -> Cloud:
    """Whom the plugin may ask: Selectel's own domains, and what stands in for them in a laboratory."""
    stand_ins = (urlsplit(url).hostname or "" for url in context.endpoints.values())
    return Cloud(
        context=context,
        provider=PROVIDER,
        provider_name=NAME,
        hosts=AllowedHosts(".selcloud.ru", ".selectel.ru", *stand_ins),
        clock=clock,
    )


class AccountClient:
    """Everything that the account's token reads. One call at a time; a refused login is not tried twice."""

    def __init__(
        self, cloud: Cloud, *, account_id: str, username: str, password: str, static_token: str
    ) -> None:
        self._cloud = cloud
        self._account_id = account_id
        self._username = username
        self._password = password
        self._static_token = static_token
        self.auth_url = url_of(cloud, KEYSTONE) + "/v3"
        self._login = Login.password(
            self.auth_url, username=username, password=password, domain=account_id, domain_name=account_id
        )
        self._clients: dict[str, ServiceClient] = {}
        self._refusal: AuthenticationFailed | None = None
        self._longest: dict[str, timedelta] = {}
        self.knows_every_key = True

    def project_login(self, project_id: str, name: str) -> Login:
        return Login.password(
            self.auth_url,
            username=self._username,
            password=self._password,
            domain=self._account_id,
            project_id=project_id,
            name=name,
        )

    def sign_in(self) -> None:
        """Raises AuthenticationFailed where the account does not know the user, each time without asking again."""
        if self._refusal is not None:
            raise self._refusal
        try:
            self._client(KEYSTONE).access()
        except SecondFactorRequired as error:
            self._refusal = error
            raise
        except AuthenticationFailed as error:
            self._refusal = AuthenticationFailed(
                ACCOUNT_REFUSED,
                provider=PROVIDER,
                operation=error.operation,
                params={"username": self._username, "account": self._account_id},
            )
            raise self._refusal from None

    def projects(self) -> list[dict[str, Any]]:
        """Every project with its id; one without would be left out in silence, with all that it holds."""
        operation = "GET /v2/projects"

        def read(body: Any) -> list[dict[str, Any]]:
            items = self._listed("projects", operation)(body)
            if not all(
                isinstance(each, dict) and isinstance(each.get("id"), str) and each["id"] for each in items
            ):
                raise broken(self._cloud, "projects without an id", operation)
            return items

        return self.get(RESELL, "/v2/projects", interpret=read)

    def account_name(self) -> str:
        def read(body: Any) -> str:
            account = body.get("account") if isinstance(body, dict) else None
            return str(account["name"]) if isinstance(account, dict) and account.get("name") else ""

        return self.get(RESELL, "/v2/accounts", interpret=read)

    def balances(self) -> Any:
        return self.get(BILLING, "/v3/balances", interpret=lambda body: body)

    def prediction(self) -> Any:
        path = "/v2/billing/prediction"
        return self.get(BILLING, path, interpret=self._enveloped(f"GET {path}"))

    def prices(self, kind: str) -> Any:
        path = f"/v2/billing/{kind}/prices"
        return self.get(
            BILLING, path, params={"currency": "rub"}, interpret=self._listed("prices", f"GET {path}")
        )

    def dedicated_servers(self) -> list[Any]:
        return self.get(DEDICATED, "/v2/resource", interpret=self._listed("result", "GET /v2/resource"))

    def consumption(
        self, start: datetime, end: datetime, *, by: str
    ) -> Iterator[tuple[datetime, datetime, list[Any]]]:
        """Rows by hour or by day of [start, end), in parts with their own start and end.

        Answers have no pages. Where one is too large, half of its hours or days are asked for from then on.
        `knows_every_key` tells afterwards whether every provider key was asked for.
        """
        step = HOUR if by == "hour" else ONE_DAY
        while start < end:
            until = min(start + self._longest.get(by, end - start), end)
            try:
                items = self._consumption(start, until, by)
            except AnswerTooLarge:
                if until - start <= step:
                    raise
                self._longest[by] = max(step, (until - start) / 2 // step * step)
                continue
            yield start, until, items
            start = until

    def _consumption(self, start: datetime, end: datetime, by: str) -> list[Any]:
        if self.knows_every_key:
            try:
                return self._consumption_of([*PROVIDER_KEYS, *UNDOCUMENTED_KEYS], start, end, by)
            except UnexpectedResponse as error:
                if error.params.get("status") != 422:
                    raise
            self.knows_every_key = False
        return self._consumption_of(list(PROVIDER_KEYS), start, end, by)

    def _consumption_of(self, keys: list[str], start: datetime, end: datetime, by: str) -> list[Any]:
        path = "/v1/cloud_billing/statistic/consumption"

        def read(body: Any) -> list[Any]:
            data = self._enveloped(f"GET {path}")(body)
            if not isinstance(data, list):
                raise broken(self._cloud, "no list of consumption", f"GET {path}")
            return data

        return self.get(
            BILLING,
            path,
            params={
                "provider_keys": keys,
                "start": moscow_text(start),
                "end": moscow_text(end - timedelta(seconds=1)),
                "group_type": GROUPING,
                "period_group_type": by,
                "locale": "ru",
            },
            interpret=read,
        )

    @property
    def has_static_token(self) -> bool:
        return bool(self._static_token)

    def transactions(self, start: datetime, end: datetime) -> Iterator[Any]:
        """Payments of a period, page by page; with the static token, which alone may read them."""
        path = "/v2/billing/transactions"
        client = self._static_client(path)
        offset = 0
        while True:
            page = client.get(
                path,
                params={
                    "created_from": moscow_text(start),
                    "created_to": moscow_text(end),
                    "limit": TRANSACTIONS_A_CALL,
                    "offset": offset,
                },
                headers={"X-Token": self._static_token},
                interpret=self._enveloped(f"GET {path}"),
            )
            if not isinstance(page, list):
                raise broken(self._cloud, "no list of transactions", f"GET {path}")
            yield from page
            offset += len(page)
            if len(page) < TRANSACTIONS_A_CALL:
                return

    def month_report(self, month: date) -> Any:
        """A closed month by project, with the static token, which alone may read it."""
        return self._static_client(MONTH_REPORT).get(
            MONTH_REPORT,
            params={"year": month.year, "month": month.month, "locale": "ru"},
            headers={"X-Token": self._static_token},
            interpret=self._enveloped(f"GET {MONTH_REPORT}"),
        )

    def _static_client(self, path: str) -> HttpClient:
        return HttpClient(
            self._cloud.context,
            provider=PROVIDER,
            provider_name=NAME,
            endpoint=BILLING,
            default_url=DEFAULTS[BILLING],
            routes=(Route(method="GET", path=path),),
            limits=LIMITS,
            deadline=self._cloud.deadline,
            clock=self._cloud.clock,
        )

    def get(self, endpoint: str, path: str, *, interpret: Callable[[Any], T], params: Any = None) -> T:
        self.sign_in()
        return self._client(endpoint).get(path, params=params, interpret=interpret)

    def _client(self, endpoint: str) -> ServiceClient:
        if endpoint not in self._clients:
            self._clients[endpoint] = ServiceClient(
                self._cloud,
                self._login,
                url=url_of(self._cloud, endpoint),
                routes=[Route(method="GET", path=path) for path in ROUTES.get(endpoint, ())],
                limits=LIMITS,
                api=endpoint.partition(".")[2],
            )
        return self._clients[endpoint]

    def _enveloped(self, operation: str) -> Callable[[Any], Any]:
        def read(body: Any) -> Any:
            if not isinstance(body, dict) or body.get("status") != "success" or "data" not in body:
                raise broken(self._cloud, "no envelope", operation)
            return body["data"]

        return read

    def _listed(self, key: str, operation: str) -> Callable[[Any], list[Any]]:
        def read(body: Any) -> list[Any]:
            if not isinstance(body, dict) or not isinstance(body.get(key), list):
                raise broken(self._cloud, f"no list of {key}", operation)
            items: list[Any] = body[key]
            return items

        return read


def url_of(cloud: Cloud, endpoint: str) -> str:
    return base_url(cloud.context, endpoint, DEFAULTS[endpoint])
