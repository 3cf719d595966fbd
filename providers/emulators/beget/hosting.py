"""The hosting API: `POST /api/{section}/{method}`, errors inside HTTP 200.

Where Beget's own wording is not known (a section that is not ticked), the
error is the text clients have reported, under the code `ACCESS_DENIED`.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from providers.emulators.beget.account import (
    DAYS_IN_YEAR,
    HISTORY_DAYS,
    Account,
    date_text,
    hosting_text,
    money,
    noise,
)
from providers.emulators.wire import Request, Response

REQUESTS_PER_MINUTE = 60
UNLIMITED = 2147483647
MB_IN_GB = 1024
TICK_BOXES = {"user": "account"}
CHANGING = (
    "add",
    "create",
    "change",
    "delete",
    "drop",
    "set",
    "restore",
    "download",
    "freeze",
    "unfreeze",
    "link",
    "unlink",
    "toggle",
    "renew",
    "purchase",
    "register",
    "edit",
    "enable",
    "disable",
    "clear",
)


class HostingApi:
    """Answers hosting calls for the accounts of a scenario."""

    def __init__(self, accounts: Mapping[str, Account], section: Mapping[str, Any]) -> None:
        self._accounts = accounts
        self._limit = int(section.get("rate_limit_per_minute", REQUESTS_PER_MINUTE))
        self._zones = section.get("zone", [])
        self._recent: dict[str, deque[datetime]] = {login: deque() for login in accounts}
        self._recent_lock = threading.Lock()

    def login(self, request: Request) -> str | None:
        return _parameters(request).get("login") or None

    def violation(self, request: Request) -> str | None:
        if "passwd" in request.query:
            return "password in the URL"
        method = request.path.rsplit("/", 1)[-1]
        if method.startswith(CHANGING):
            return "changes the account"
        return None

    def respond(self, request: Request) -> Response:
        """The answer to one call, always HTTP 200 below `/api/`."""
        segments = request.path.strip("/").split("/")
        if segments[0] != "api":
            return Response(status=404, text="404 Not Found")
        parameters = _parameters(request)
        account = self._accounts.get(parameters.get("login", ""))
        if (
            account is None
            or parameters.get("passwd") != account.values["api_password"]
            or not account.values.get("api_enabled", True)
        ):
            return _outer_error("AUTH_ERROR", "Username/password incorrect")
        if parameters.get("output_format", "json") != "json":
            return _outer_error("INCORRECT_REQUEST", "Unknown output format")
        try:
            arguments = _arguments(parameters)
        except ValueError:
            return _outer_error("INCORRECT_REQUEST", "input_data is not a JSON object")
        method = METHODS.get("/".join(segments[1:]))
        if method is None:
            return _outer_error("NO_SUCH_METHOD", "No such method")
        if self._is_over_limit(account, request.at):
            return _inner_error("LIMIT_ERROR", "Too many requests: no more than 60 a minute are allowed")
        section = segments[1]
        if TICK_BOXES.get(section, section) in account.values.get("disabled_sections", ()):
            return _section_disabled(section)
        try:
            result = method(self, account, request.at, arguments)
        except _InvalidData as error:
            return _inner_error("INVALID_DATA", str(error))
        return _success(result)

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        section = request.path.strip("/").split("/")[1:2]
        if kind == "rate_limit":
            return _inner_error("LIMIT_ERROR", "Too many requests: no more than 60 a minute are allowed")
        if kind == "section_disabled":
            return _section_disabled(section[0] if section else "")
        code = options.get("code", "METHOD_FAILED")
        message = options.get("message", "Internal error")
        return _outer_error(code, message) if code in OUTER_CODES else _inner_error(code, message)

    def _is_over_limit(self, account: Account, at: datetime) -> bool:
        """Count one request in the last minute of the emulator's clock; refused ones are not counted."""
        limit = int(account.values.get("rate_limit_per_minute", self._limit))
        if not limit:
            return False
        with self._recent_lock:
            recent = self._recent[account.login]
            while recent and not at - timedelta(minutes=1) < recent[0] <= at:
                recent.popleft()
            if len(recent) >= limit:
                return True
            recent.append(at)
            return False

    def account_info(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
        hosting = account.values.get("hosting", {})
        rate = account.rate(at)
        year = int((rate * DAYS_IN_YEAR).to_integral_value())
        return {
            "plan_name": hosting.get("plan_name", "Start"),
            "user_sites": str(len(account.standing("site", at))),
            "plan_site": hosting.get("plan_site", UNLIMITED),
            "user_domains": len(account.standing("domain", at)),
            "plan_domain": hosting.get("plan_domain", UNLIMITED),
            "user_mysqlsize": str(sum(int(each["size_mb"]) for each in account.standing("mysql", at))),
            "plan_mysql": hosting.get("plan_mysql", UNLIMITED),
            "user_quota": str(hosting.get("used_mb", 0)),
            "plan_quota": str(hosting.get("quota_mb", 10 * MB_IN_GB)),
            "user_ftp": len(account.standing("ftp", at)),
            "plan_ftp": hosting.get("plan_ftp", UNLIMITED),
            "user_mail": str(len(account.standing("mailbox", at))),
            "plan_mail": hosting.get("plan_mail", UNLIMITED),
            "user_bash": "/bin/bash" if hosting.get("ssh", True) else "",
            "plan_cp": "65",
            "user_rate_current": str(rate),
            "user_is_year_plan": "0",
            "user_rate_year": year,
            "user_rate_month": int((money(year) / 12).to_integral_value()),
            "user_balance": account.balance(at),
            "user_days_to_block": str(account.days_to_block(at)),
            "server_apache_version": "2.4.62",
            "server_mysql_version": hosting.get("mysql_version", "8.0"),
            "server_nginx_version": "1.26.2",
            "server_perl_version": "v5.36.0",
            "server_php_version": hosting.get("php_version", "8.3"),
            "server_python_version": "3.11.2",
            "server_name": hosting.get("server_name", "shared-ru1-01"),
            "server_cpu_name": hosting.get("cpu_name", "32 * Intel(R) Xeon(R)"),
            "server_memory": str(hosting.get("memory_mb", 128 * MB_IN_GB)),
            "server_memorycurrent": str(hosting.get("memory_used_mb", 64 * MB_IN_GB)),
            "server_loadaverage": hosting.get("load_average", "0.42"),
            "server_uptime": str(hosting.get("uptime_days", 41)),
        }

    def domains(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [_domain(account, domain, at) for domain in account.standing("domain", at)]

    def zones(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The price list of zones, with those of the scenario's own domains."""
        zones = {
            "ru": {"price": "199", "price_renew": "299", "national": True},
            "com": {"price": "1190", "price_renew": "1490", "national": False},
            **{zone["zone"]: zone for zone in self._zones},
        }
        return {
            name: {
                "id": number,
                "zone": name,
                "price": _number(zone["price"]),
                "price_renew": str(zone["price_renew"]),
                "price_idn": None,
                "price_idn_renew": None,
                "is_idn": False,
                "is_national": zone.get("national", True),
                "min_period": 1,
                "max_period": 1,
            }
            for number, (name, zone) in enumerate(zones.items(), start=1)
        }

    def subdomains(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            {"id": int(domain["id"]) * 10, "fqdn": f"www.{domain['name']}", "domain_id": domain["id"]}
            for domain in account.standing("domain", at)
        ]

    def php_version(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
        _domain_named(account, at, arguments.get("full_fqdn"))
        return {
            "full_fqdn": arguments["full_fqdn"],
            "php_version": "8.3",
            "cgi": "disabled",
            "allowed_versions": ["8.2", "8.3"],
        }

    def sites(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        domains = {domain["name"]: domain for domain in account.standing("domain", at)}
        return [
            {
                "id": site["id"],
                "path": f"{site['name']}/public_html",
                "domains": [
                    {
                        "id": domains[name]["id"],
                        "fqdn": name,
                        "php_version": "8.3",
                        "http_version": 2,
                        "ssl": 1,
                        "ssl_status": "wle_set",
                        "nginx_template": "default",
                        "redis_session": False,
                    }
                    for name in site.get("domains", [])
                    if name in domains
                ],
            }
            for site in account.standing("site", at)
        ]

    def is_site_frozen(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> bool:
        _site_with_id(account, at, arguments.get("site_id"))
        return False

    def mysql(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {"name": each["name"], "size": str(each["size_mb"]), "accesses": [{"name": "localhost"}]}
            for each in account.standing("mysql", at)
        ]

    def ftp(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {"login": each["name"], "homedir": each.get("homedir", "/"), "password": each["password"]}
            if "password" in each
            else {"login": each["name"], "homedir": each.get("homedir", "/")}
            for each in account.standing("ftp", at)
        ]

    def mailboxes(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        domain = _domain_named(account, at, arguments.get("domain"))
        return [
            {
                "mailbox": each["name"],
                "domain": domain["name"],
                "spam_filter_status": 1,
                "forward_mail_status": each.get("forward", "no_forward"),
            }
            for each in account.standing("mailbox", at)
            if each["domain"] == domain["name"]
        ]

    def forward_list(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        _domain_named(account, at, arguments.get("domain"))
        return []

    def cron(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "row_number": each["position"],
                "minutes": "*/5",
                "hours": "*",
                "days": "*",
                "months": "*",
                "weekdays": "*",
                "command": each["name"],
                "is_hidden": 0,
            }
            for each in account.standing("cron", at)
        ]

    def dns(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
        domain = _domain_named(account, at, arguments.get("fqdn"))
        return {
            "is_under_control": True,
            "is_beget_dns": True,
            "is_subdomain": False,
            "fqdn": domain["name"],
            "records": {
                "A": [{"ttl": 600, "address": "192.0.2.10"}],
                "MX": [{"ttl": 600, "exchange": "mx1.example.test", "preference": 10}],
                "TXT": [{"ttl": 600, "txtdata": "v=spf1 -all"}],
                "DNS": [{"value": "ns1.example.test"}],
                "DNS_IP": [],
            },
            "set_type": 1,
        }

    def file_backups(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        return _backups(account, "file_backup", at)

    def mysql_backups(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        return _backups(account, "mysql_backup", at)

    def backup_log(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        return []

    def sites_load(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        rows = [
            {"name": each["name"], "id": str(each["id"]), "cp": str(each.get("cp", "0.5"))}
            for each in account.standing("site", at)
        ]
        return sorted(rows, key=lambda row: money(row["cp"]), reverse=True)

    def databases_load(
        self, account: Account, at: datetime, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        rows = [
            {"name": each["name"], "cp": str(each.get("cp", "0.5"))} for each in account.standing("mysql", at)
        ]
        return sorted(rows, key=lambda row: money(row["cp"]), reverse=True)

    def site_load(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
        site = _site_with_id(account, at, arguments.get("site_id"))
        return {
            "days": _days(account, at, "value", site["name"], money(site.get("cp", "0.5"))),
            "hours": _hours(account, at, "value", site["name"], money(site.get("cp", "0.5"))),
        }

    def database_load(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = arguments.get("db_name")
        database = next((each for each in account.standing("mysql", at) if each["name"] == name), None)
        if database is None:
            raise _InvalidData("Database not found")
        points = money(database.get("cp", "0.5"))
        size = int(database["size_mb"]) * 1024
        return {
            "hours": _hours(account, at, "cpu_time", database["name"], points),
            "days": _days(account, at, "cpu_time", database["name"], points),
            "size_days": [
                {"date": date_text(account, at, days=-back), "size": str(size)} for back in range(30, 0, -1)
            ],
        }

    def changed(self, account: Account, at: datetime, arguments: Mapping[str, Any]) -> bool:
        """Pretend to have changed something; the server has counted a violation."""
        return True


Method = Callable[[HostingApi, Account, datetime, Mapping[str, Any]], Any]
METHODS: dict[str, Method] = {
    "user/getAccountInfo": HostingApi.account_info,
    "user/toggleSsh": HostingApi.changed,
    "domain/getList": HostingApi.domains,
    "domain/getZoneList": HostingApi.zones,
    "domain/getSubdomainList": HostingApi.subdomains,
    "domain/getPhpVersion": HostingApi.php_version,
    "domain/delete": HostingApi.changed,
    "site/getList": HostingApi.sites,
    "site/isSiteFrozen": HostingApi.is_site_frozen,
    "site/freeze": HostingApi.changed,
    "mysql/getList": HostingApi.mysql,
    "mysql/dropDb": HostingApi.changed,
    "ftp/getList": HostingApi.ftp,
    "mail/getMailboxList": HostingApi.mailboxes,
    "mail/forwardListShow": HostingApi.forward_list,
    "cron/getList": HostingApi.cron,
    "dns/getData": HostingApi.dns,
    "backup/getFileBackupList": HostingApi.file_backups,
    "backup/getMysqlBackupList": HostingApi.mysql_backups,
    "backup/getLog": HostingApi.backup_log,
    "backup/restoreFile": HostingApi.changed,
    "stat/getSitesListLoad": HostingApi.sites_load,
    "stat/getDbListLoad": HostingApi.databases_load,
    "stat/getSiteLoad": HostingApi.site_load,
    "stat/getDbLoad": HostingApi.database_load,
}
OUTER_CODES = frozenset({"AUTH_ERROR", "INCORRECT_REQUEST", "NO_SUCH_METHOD"})


class _InvalidData(Exception):
    """Arguments that the method refuses."""


def _parameters(request: Request) -> dict[str, str]:
    """Parameters of the URL and of a form body, the body winning."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    return {**request.query, **form}


def _arguments(parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """Arguments of a method; raises ValueError where `input_data` is not a JSON object."""
    if parameters.get("input_format", "plain") != "json":
        return parameters
    arguments = json.loads(parameters.get("input_data") or "{}")
    if not isinstance(arguments, dict):
        raise ValueError("not an object")
    return arguments


def _success(result: Any) -> Response:
    return Response(payload={"status": "success", "answer": {"status": "success", "result": result}})


def _inner_error(code: str, text: str) -> Response:
    errors = [{"error_code": code, "error_text": text}]
    return Response(payload={"status": "success", "answer": {"status": "error", "errors": errors}})


def _outer_error(code: str, text: str) -> Response:
    return Response(payload={"status": "error", "error_text": text, "error_code": code})


def _section_disabled(section: str) -> Response:
    """The account section refuses like a wrong password, the others name themselves."""
    if section == "user":
        return _outer_error("AUTH_ERROR", "Access to the account section is not allowed")
    return _inner_error("ACCESS_DENIED", f"Cannot access method {section}")


def _number(value: Any) -> int | Any:
    amount = money(value)
    return int(amount) if amount == amount.to_integral_value() else amount


def _domain(account: Account, domain: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    added_at = account.scenario.created_at(domain)
    registered = "price_renew" in domain
    expires_at = account.scenario.instant(domain.get("expires_day", 200))
    return {
        "id": domain["id"],
        "fqdn": domain["name"],
        "date_add": hosting_text(account, added_at),
        "auto_renew": 1 if registered else 0,
        "date_register": date_text(account, added_at) if registered else None,
        "date_expire": date_text(account, expires_at) if registered else 0,
        "can_renew": 1 if registered else 0,
        "registrar": "beget" if registered else None,
        "registrar_status": "delegated" if registered else None,
        "register_order_status": "registred" if registered else None,
        "register_order_comment": None,
        "renew_order_status": "success" if registered else None,
        "is_under_control": 1 if registered else 0,
    }


def _domain_named(account: Account, at: datetime, name: Any) -> dict[str, Any]:
    for domain in account.standing("domain", at):
        if domain["name"] == name:
            return domain
    raise _InvalidData("Domain not found")


def _site_with_id(account: Account, at: datetime, site_id: Any) -> dict[str, Any]:
    for site in account.standing("site", at):
        if str(site["id"]) == str(site_id):
            return site
    raise _InvalidData("Site not found")


def _backups(account: Account, kind: str, at: datetime) -> list[dict[str, Any]]:
    return [
        {"backup_id": each["id"], "date": hosting_text(account, account.scenario.created_at(each))}
        for each in account.standing(kind, at)
    ]


def _days(account: Account, at: datetime, field: str, name: str, points: Any) -> list[dict[str, str]]:
    return [
        {"date": date, field: f"{float(points) * (0.8 + 0.4 * noise(name, date)):.2f}"}
        for date in (date_text(account, at, days=-back) for back in range(min(30, HISTORY_DAYS), 0, -1))
    ]


def _hours(account: Account, at: datetime, field: str, name: str, points: Any) -> list[dict[str, str]]:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return [
        {"date": date, field: f"{float(points) / 24 * (0.8 + 0.4 * noise(name, date)):.2f}"}
        for date in (hosting_text(account, hour - timedelta(hours=back)) for back in range(24, 0, -1))
    ]
