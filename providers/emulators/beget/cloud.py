"""The cloud API: `/v1/…` with a bearer token, protocol-buffer JSON, errors inside HTTP 200.

What Beget leaves undocumented is decided here: a page holds at most
`page_limit` entries (100) whatever is asked, a token lives
`token_lifetime_seconds` (an hour), 401 has a JSON body with `code` and
`message`, an unknown identifier the text `404 Not Found`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from providers.emulators.beget import objects
from providers.emulators.beget.account import Account, local_text, money, noise, per_day
from providers.emulators.beget.prices import GROUPS, REGIONS, TARIFFS, Prices
from providers.emulators.beget.stats import Machine, instants
from providers.emulators.beget.tokens import Tokens, claims
from providers.emulators.scenario import Scenario
from providers.emulators.wire import Request, Response

PAGE_LIMIT = 100
TOKEN_LIFETIME_SECONDS = 3600
MB_IN_GB = 1024

BYTES_IN_GB = 1024**3
CHANGING_GETS = (
    re.compile(r"/v1/cloud/cdn/[^/]+/purge-all-cache"),
    re.compile(r"/v1/vps/subdomain/reserve"),
    re.compile(r"/v1/image/[^/]+/link"),
)
SECONDS_IN_MONTH = 30 * 86_400
COUNTED_SHARES = {
    "sent": 1.0,
    "received": 0.2,
    "method_get": 1.6e-6,
    "method_head": 0.2e-6,
    "method_put": 0.2e-6,
    "code_2xx": 1.9e-6,
    "code_4xx": 0.1e-6,
}
"""Bytes, and requests, for each byte that is sent."""

REQUEST_COUNTERS = {
    "s3": ("method_get", "method_post", "method_put", "method_head", "method_delete", "method_options"),
    "cdn": ("code_2xx", "code_3xx", "code_4xx", "code_5xx"),
}


class CloudApi:
    """Answers cloud calls for the accounts of a scenario."""

    def __init__(
        self, accounts: Mapping[str, Account], section: Mapping[str, Any], *, scenario: Scenario
    ) -> None:
        self._accounts = accounts
        self._scenario = scenario
        self._page_limit = int(section.get("page_limit", PAGE_LIMIT))
        lifetime = int(section.get("token_lifetime_seconds", TOKEN_LIFETIME_SECONDS))
        self._tokens = Tokens(timedelta(seconds=lifetime))
        self._prices = Prices(section)
        self._database_configurations = section.get("database_configuration", [])

    def login(self, request: Request) -> str | None:
        if request.path == "/v1/auth":
            return _json_object(request.body).get("login") or None
        said = claims(_bearer(request) or "")
        return str(said["customerLogin"]) if said and "customerLogin" in said else None

    def violation(self, request: Request) -> str | None:
        if request.method == "GET":
            return "changes the account" if _is_changing_get(request.path) else None
        return None if request.path.startswith("/v1/auth") else "changes the account"

    def respond(self, request: Request) -> Response:
        if request.path == "/v1/auth" and request.method == "POST":
            return self._sign_in(request)
        token = _bearer(request)
        login = self._tokens.login(token, at=request.at) if token else None
        account = self._accounts.get(login or "")
        if token is None or account is None:
            return Response(status=401, payload={"code": 401, "message": "Unauthorized"})
        if request.path == "/v1/auth/refresh" and request.method == "POST":
            fresh = self._tokens.issue(account.login, account.number, remote=request.remote, at=request.at)
            return Response(payload={"token": fresh})
        if request.path == "/v1/auth/logout" and request.method == "POST":
            self._tokens.revoke(token)
            return Response(payload={})
        if request.method != "GET":
            return Response(payload={})
        return self._read(account, request)

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            headers = {"Retry-After": str(options["retry_after"])} if "retry_after" in options else {}
            return Response(
                status=429, payload={"code": 429, "message": "Too Many Requests"}, headers=headers
            )
        if request.path == "/v1/auth":
            default = "CODE_REQUIRED" if kind == "code_required" else "INTERNAL_ERROR"
            return Response(payload={"error": options.get("code", default)})
        if kind == "section_disabled":
            return Response(status=403, payload={"code": 403, "message": "Forbidden"})
        return Response(
            payload={
                "error": {
                    "code": options.get("code", "TEMPORARILY_UNAVAILABLE"),
                    "message": options.get("message", "Temporarily unavailable"),
                }
            }
        )

    def _sign_in(self, request: Request) -> Response:
        given = _json_object(request.body)
        if not given.get("login"):
            return Response(payload={"error": "EMPTY_LOGIN"})
        if not given.get("password"):
            return Response(payload={"error": "EMPTY_PASSWORD"})
        account = self._accounts.get(str(given["login"]))
        if account is None or given["password"] != account.values["account_password"]:
            return Response(payload={"error": "INCORRECT_CREDENTIALS"})
        refusal = account.values.get("cloud_sign_in_error")
        code = account.values.get("two_factor_code")
        if refusal is None and code is not None and given.get("code") != code:
            refusal = "INCORRECT_CODE" if given.get("code") else "CODE_REQUIRED"
        if refusal is not None:
            return Response(payload={"error": refusal})
        token = self._tokens.issue(account.login, account.number, remote=request.remote, at=request.at)
        return Response(payload={"token": token})

    def _read(self, account: Account, request: Request) -> Response:
        if _is_changing_get(request.path):
            return Response(payload={})
        for pattern, method in ROUTES:
            match = pattern.fullmatch(request.path)
            if match is not None:
                payload = method(self, _Call(account, request, match.groupdict()))
                break
        else:
            payload = None
        if payload is None:
            return Response(status=404, text="404 Not Found")
        if account.values.get("omit_defaults", False):
            payload = _without_defaults(payload)
        return Response(payload=payload)

    # Servers

    def vps_list(self, call: _Call) -> Any:
        servers = call.standing("vps")
        page = [objects.server_object(call.account, vps, call.at) for vps in self._page(call, servers)]
        return {"vps": page, "total_count": len(servers)}

    def vps_one(self, call: _Call) -> Any:
        vps = call.one("vps")
        return None if vps is None else {"vps": objects.server_object(call.account, vps, call.at)}

    def vps_statuses(self, call: _Call) -> Any:
        fields = (
            "id",
            "status",
            "rescue_mode",
            "migrating",
            "manage_enabled",
            "restoring",
            "archived",
            "unblocking",
            "unarchiving",
        )
        servers = [objects.server_object(call.account, vps, call.at) for vps in call.standing("vps")]
        return {"statuses": [{field: server[field] for field in fields} for server in servers]}

    def vps_history(self, call: _Call) -> Any:
        vps = call.one("vps")
        if vps is None:
            return None
        scenario = call.account.scenario
        events = [(scenario.created_at(vps), "CREATE")]
        for change in vps.get("changes", ()):
            changed_at = scenario.changed_at(change)
            if changed_at <= call.at:
                events.append((changed_at, objects.history_type(change)))
        return {
            "history": [
                {"date": local_text(call.account, date), "type": kind, "has_error": False}
                for date, kind in sorted(events, reverse=True)
            ]
        }

    def vps_software(self, call: _Call) -> Any:
        vps = call.one("vps")
        return None if vps is None else {"software": objects.software_object(vps)}

    def vps_configurations(self, call: _Call) -> Any:
        own = [objects.vps_configuration(vps) for vps in call.standing("vps")]
        fixed = [
            {
                **objects.size(
                    f"tariff-{group['group']}-{region['id']}-{cpu}-{memory}-{disk}", cpu, memory, disk
                ),
                **self._tariff_price(cpu, memory, disk, group=group["group"], region=str(region["id"])),
                "custom": False,
                "region": region["id"],
                "group": group["group"],
            }
            for group in GROUPS
            for region in REGIONS
            for cpu, memory, disk in TARIFFS
        ]
        return {"configurations": fixed + own, "configuration_groups": list(GROUPS)}

    def configurator_info(self, call: _Call) -> Any:
        return {"is_available": True, "settings": self._prices.settings()}

    def configurator_calculation(self, call: _Call) -> Any:
        query = call.request.query
        try:
            cpu, memory, disk = (
                int(query[f"params.{name}"]) for name in ("cpu_count", "memory", "disk_size")
            )
            monthly = self._prices.per_month(
                cpu=cpu,
                memory_mb=memory,
                disk_mb=disk,
                group=query.get("configuration_group", "normal_cpu"),
                region=query.get("region", "ru1"),
            )
        except (KeyError, ValueError):
            return {"error": {"code": "TEMPORARILY_UNAVAILABLE", "message": "Configuration is not available"}}
        return {
            "success": {
                "settings": self._prices.settings(),
                "params": {"cpu_count": cpu, "memory": memory, "disk_size": disk},
                "price_day": per_day(monthly),
                "price_month": monthly,
            }
        }

    def regions(self, call: _Call) -> Any:
        return {"regions": list(REGIONS)}

    def network(self, call: _Call) -> Any:
        account, at = call.account, call.at
        return {
            "ip": [
                {
                    "ip": objects.public_address(account, vps),
                    "mac": f"52:54:00:{account.number:02x}:{vps['position'] // 256:02x}:{vps['position'] % 256:02x}",
                    "vps_id": vps["id"],
                }
                for vps in call.standing("vps")
            ],
            "additional_ip": [
                {
                    "ip": address["ip"],
                    "vps_id": objects.attached_to(account, address, at),
                    "region": address.get("region", "ru1"),
                }
                for address in call.standing("additional_ip")
            ],
            "private_network": [objects.private_network(network) for network in call.standing("network")],
        }

    def snapshots(self, call: _Call) -> Any:
        return {
            "snapshot": [
                objects.snapshot_object(call.account, each, call.at) for each in call.standing("snapshot")
            ]
        }

    def snapshot_restores(self, call: _Call) -> Any:
        return {"restore": []}

    def vps_backups(self, call: _Call) -> Any:
        return {
            "copy": [objects.vps_backup(call.account, each, call.at) for each in call.standing("vps_backup")]
        }

    def backup_orders(self, call: _Call) -> Any:
        return {"order": []}

    def ssh_keys(self, call: _Call) -> Any:
        return {"keys": [objects.ssh_key(call.account, key) for key in call.standing("ssh_key")]}

    def images(self, call: _Call) -> Any:
        images = [
            {
                "id": str(image["id"]),
                "name": image["name"],
                "region": image.get("region", "ru1"),
                "status": image.get("status", "CREATED"),
                "created_at": local_text(call.account, call.account.scenario.created_at(image)),
                "price": money(image["price_day"]),
                "size_bytes": str(int(image["size_gb"]) * BYTES_IN_GB),
                "disk_size_bytes": str(int(image["disk_gb"]) * BYTES_IN_GB),
            }
            for image in call.standing("image")
        ]
        return {"images": self._page(call, images), "total_count": len(images)}

    def image_regions(self, call: _Call) -> Any:
        fields = ("id", "name", "name_en", "country", "priority")
        return {"regions": [{field: region[field] for field in fields} for region in REGIONS]}

    def vps_statistic(self, call: _Call) -> Any:
        vps = call.one("vps")
        if vps is None:
            return None
        return _statistic(call, self._machine(call.account, "vps", vps))

    # Managed services

    def services(self, call: _Call) -> Any:
        services = call.standing("service")
        page = [objects.service_object(call.account, each, call.at) for each in self._page(call, services)]
        return {"service": page, "total_count": len(services)}

    def service_one(self, call: _Call) -> Any:
        service = call.one("service")
        return (
            None if service is None else {"service": objects.service_object(call.account, service, call.at)}
        )

    def projects(self, call: _Call) -> Any:
        account = call.account
        default = {
            "id": account.uuid("project", "Default"),
            "name": "Default",
            "description": "",
            "is_default": True,
            "created_at": local_text(account, account.scenario.instant(-400)),
            "updated_at": local_text(account, account.scenario.instant(-400)),
        }
        others = [
            {
                "id": str(project["id"]),
                "name": project["name"],
                "description": project.get("description", ""),
                "is_default": False,
                "created_at": local_text(account, account.scenario.created_at(project)),
                "updated_at": local_text(account, account.scenario.created_at(project)),
            }
            for project in call.standing("project")
        ]
        projects = [default, *others]
        return {"page": {"projects": self._page(call, projects), "total_count": len(projects)}}

    def database_statistic(self, call: _Call) -> Any:
        service = call.one("service")
        if service is None or not service["type"].startswith(call.arguments["engine"].upper()):
            return None
        return _statistic(call, self._machine(call.account, "service", service))

    def databases(self, call: _Call) -> Any:
        service = call.one("service")
        engine = call.arguments["engine"]
        if service is None or not service["type"].startswith(engine.upper()):
            return None
        size = str(int(service.get("used_gb", 1)) * BYTES_IN_GB // 2)
        if engine == "mysql":
            access = [{"host": "%", "password": "demo-secret-database"}]
            return {
                "db": [
                    {
                        "name": "main",
                        "size": size,
                        "access": access,
                        "pma_password_saved": False,
                        "description": "",
                    }
                ]
            }
        return {"db": [{"name": "main", "size": size, "owner": "main", "description": ""}]}

    def database_backups(self, call: _Call) -> Any:
        account = call.account
        by_name = {service["name"]: service for service in call.standing("service")}
        engine = call.arguments["engine"].upper()
        return {
            "copy": [
                {
                    "id": str(copy["id"]),
                    "service_uuid": by_name[copy["service"]]["id"],
                    "service_name": copy["service"],
                    "version": by_name[copy["service"]]["type"],
                    "date": local_text(account, account.scenario.created_at(copy)),
                    "size": str(int(copy["size_gb"]) * BYTES_IN_GB),
                    "region": by_name[copy["service"]].get("region", "ru1"),
                }
                for copy in call.standing("database_backup")
                if copy["service"] in by_name and by_name[copy["service"]]["type"].startswith(engine)
            ]
        }

    def storage_statistic(self, call: _Call) -> Any:
        """Series of an S3 bucket (`quota`: MB stored; traffic: bytes in each step) or a CDN resource."""
        service = call.one("service")
        if service is None or service["type"] != {"s3": "S_3", "cdn": "CDN"}[call.arguments["product"]]:
            return None
        if call.arguments["kind"] == "quota":
            return {"size": self._stored(call, service)}
        if call.arguments["kind"] == "count-request":
            counters = REQUEST_COUNTERS[call.arguments["product"]]
            return {name: _counted(call, service, name) for name in counters}
        sent = _counted(call, service, "sent")
        if call.arguments["product"] == "cdn":
            return {"data_tx": sent}
        return {"data_rx": _counted(call, service, "received"), "data_tx": sent}

    def storage_quota(self, call: _Call) -> Any:
        """Space used by all buckets, MB."""
        buckets = self._buckets(call)
        return {"used_size": sum(int(bucket["storage_size"]) for bucket in buckets) * MB_IN_GB}

    def storage_price(self, call: _Call) -> Any:
        return {"bucket": self._buckets(call)}

    def cdn_price(self, call: _Call) -> Any:
        return {
            "cdn": [
                {
                    "cdn_service_id": service["id"],
                    "display_name": service["name"],
                    "created_at": local_text(call.account, call.account.scenario.created_at(service)),
                    "traffic_amount": int(service["traffic_gb"]),
                    "traffic_rate": money(service["traffic_rate"]),
                }
                for service in call.standing("service")
                if service["type"] == "CDN"
            ],
            "required_topup_amount": 0,
        }

    def service_configurations(self, call: _Call) -> Any:
        return {
            "configuration": [
                {
                    "id": f"{each['type'].lower()}-{each['cpu_count']}-{each['memory_gb']}-{each['disk_gb']}",
                    "type": each["type"],
                    "region": each.get("region", "ru1"),
                    "price_day": per_day(each["price_month"]),
                    "price_month": money(each["price_month"]),
                    each["type"].lower(): objects.database_size(each),
                }
                for each in self._database_configurations
            ]
        }

    def _page(self, call: _Call, entries: Sequence[Any]) -> list[Any]:
        offset = max(0, call.number("offset", 0))
        limit = call.number("limit", self._page_limit)
        if not 0 < limit <= self._page_limit:
            limit = self._page_limit
        return list(entries[offset : offset + limit])

    def _tariff_price(
        self, cpu: int, memory_gb: int, disk_gb: int, *, group: str, region: str
    ) -> dict[str, Any]:
        monthly = self._prices.per_month(
            cpu=cpu, memory_mb=memory_gb * MB_IN_GB, disk_mb=disk_gb * MB_IN_GB, group=group, region=region
        )
        return {"price_day": per_day(monthly), "price_month": monthly}

    def _buckets(self, call: _Call) -> list[dict[str, Any]]:
        return [
            call.account.bucket(service, call.at)
            for service in call.standing("service")
            if service["type"] == "S_3"
        ]

    def _stored(self, call: _Call, service: Mapping[str, Any]) -> dict[str, list[Any]]:
        scenario = self._scenario
        dates = [
            instant
            for instant in instants(call.period, call.at)
            if scenario.thing(service, instant) is not None
        ]
        return {
            "date": [instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in dates],
            "value": [
                float(call.account.bucket(service, instant)["storage_size"] * MB_IN_GB) for instant in dates
            ],
        }

    def _machine(self, account: Account, kind: str, thing: Mapping[str, Any]) -> Machine:
        """Series of a server or a managed database; nothing while it does not exist or stands still."""
        described = next(each for each in account.described(kind) if each["id"] == thing["id"])

        def state(at: datetime) -> Mapping[str, Any] | None:
            current = self._scenario.thing(described, at)
            return None if current is None or current.get("status", "RUNNING") != "RUNNING" else current

        offset = self._scenario.local_zone.utcoffset(None)
        return Machine(f"{account.login}/{thing['name']}", state, offset)


class _Call:
    """One authenticated read: whose, when, and what the path and query say."""

    def __init__(self, account: Account, request: Request, arguments: Mapping[str, str]) -> None:
        self.account = account
        self.request = request
        self.arguments = arguments
        self.at = request.at

    @property
    def period(self) -> str:
        return self.request.query.get("period", "HOUR")

    def number(self, name: str, default: int) -> int:
        value = self.request.query.get(name, "")
        return int(value) if value.lstrip("-").isdigit() else default

    def standing(self, kind: str) -> list[dict[str, Any]]:
        return self.account.standing(kind, self.at)

    def one(self, kind: str) -> dict[str, Any] | None:
        return next((each for each in self.standing(kind) if each["id"] == self.arguments["id"]), None)


def _route(pattern: str, method: Callable[[CloudApi, _Call], Any]) -> tuple[re.Pattern[str], Any]:
    return re.compile(pattern.replace("{id}", "(?P<id>[^/]+)")), method


ENGINE = "(?P<engine>mysql|postgresql)"
MACHINE_KINDS = "(?P<kind>cpu|memory|disk|disk-usage|network|load-average|cpu-details)"
ROUTES = (
    _route("/v1/vps/server/list", CloudApi.vps_list),
    _route("/v1/vps/server/statuses", CloudApi.vps_statuses),
    _route("/v1/vps/server/{id}", CloudApi.vps_one),
    _route("/v1/vps/configuration", CloudApi.vps_configurations),
    _route("/v1/vps/configurator/info", CloudApi.configurator_info),
    _route("/v1/vps/configurator/calculation", CloudApi.configurator_calculation),
    _route("/v1/vps/region", CloudApi.regions),
    _route("/v1/vps/network", CloudApi.network),
    _route("/v1/vps/snapshot", CloudApi.snapshots),
    _route("/v1/vps/snapshot/restore", CloudApi.snapshot_restores),
    _route("/v1/vps/backup", CloudApi.vps_backups),
    _route("/v1/vps/backup/orders", CloudApi.backup_orders),
    _route("/v1/vps/sshKey", CloudApi.ssh_keys),
    _route(f"/v1/vps/statistic/{MACHINE_KINDS}/{{id}}", CloudApi.vps_statistic),
    _route("/v1/vps/{id}/history", CloudApi.vps_history),
    _route("/v1/vps/{id}/software", CloudApi.vps_software),
    _route("/v1/image", CloudApi.images),
    _route("/v1/image/region", CloudApi.image_regions),
    _route("/v1/cloud", CloudApi.services),
    _route("/v1/cloud/configuration", CloudApi.service_configurations),
    _route("/v1/cloud/projects/list", CloudApi.projects),
    _route("/v1/cloud/s3/quota", CloudApi.storage_quota),
    _route("/v1/cloud/s3/price", CloudApi.storage_price),
    _route("/v1/cloud/cdn/price", CloudApi.cdn_price),
    _route(
        "/v1/cloud/(?P<product>s3)/{id}/statistic/(?P<kind>quota|traffic-usage|network|count-request)",
        CloudApi.storage_statistic,
    ),
    _route(
        "/v1/cloud/(?P<product>cdn)/{id}/statistic/(?P<kind>traffic-usage|network|count-request)",
        CloudApi.storage_statistic,
    ),
    _route(f"/v1/cloud/{ENGINE}/backup", CloudApi.database_backups),
    _route(f"/v1/cloud/{ENGINE}/backup/orders", CloudApi.backup_orders),
    _route(f"/v1/cloud/{ENGINE}/{{id}}/statistic/{MACHINE_KINDS}", CloudApi.database_statistic),
    _route(f"/v1/cloud/{ENGINE}/{{id}}/db", CloudApi.databases),
    _route("/v1/cloud/{id}", CloudApi.service_one),
)


def _statistic(call: _Call, machine: Machine) -> dict[str, Any]:
    """The answer of `…/statistic/{kind}`, in the shape of its kind."""
    period, at = call.period, call.at
    kind = call.arguments["kind"]
    if kind == "cpu":
        return {"cpu": machine.series(machine.cpu, period, at)}
    if kind == "memory":
        return {"memory": machine.series(machine.memory, period, at)}
    if kind == "disk-usage":
        return {"disk_usage": machine.series(machine.disk_usage, period, at)}
    if kind == "disk":
        read = machine.series(machine.disk_read, period, at)
        return {"data_read": read, "data_write": _scaled(read, 0.5)}
    if kind == "network":
        received = machine.series(machine.received, period, at)
        shares = {"data_rx": 1.0, "data_tx": 3.0, "data_rx_private": 0.25, "data_tx_private": 0.25}
        return {name: _scaled(received, share) for name, share in shares.items()}
    if kind == "load-average":
        load = machine.series(machine.load, period, at)
        return {"date": load["date"], **dict.fromkeys(("la1", "la5", "la15"), load["value"])}
    busy = machine.series(machine.cpu, period, at)
    nothing = [0.0 for _ in busy["value"]]
    return {
        "date": busy["date"],
        "user": [round(value * 0.7, 2) for value in busy["value"]],
        "nice": nothing,
        "system": [round(value * 0.3, 2) for value in busy["value"]],
        "idle": [round(100 - value, 2) for value in busy["value"]],
        "iowait": nothing,
        "irq": nothing,
        "softirq": nothing,
    }


def _scaled(series: dict[str, list[Any]], share: float) -> dict[str, list[Any]]:
    return {**series, "value": [round(value * share, 2) for value in series["value"]]}


def _counted(call: _Call, service: Mapping[str, Any], name: str) -> dict[str, list[Any]]:
    """So many in each step, a fifth more or less: of bytes what the month's traffic comes to, of requests one for each
    half megabyte of it, most of them to read.
    """
    traffic = int(service.get("traffic_gb", 0)) * BYTES_IN_GB / SECONDS_IN_MONTH
    by_second = traffic * COUNTED_SHARES.get(name, 0.0)
    dates = instants(call.period, call.at)
    step = (dates[1] - dates[0]).total_seconds()
    return {
        "date": [instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in dates],
        "value": [
            round(
                by_second * step * (0.8 + 0.4 * noise(call.account.login, service["name"], name, instant)), 2
            )
            if by_second
            else 0.0
            for instant in dates
        ],
    }


def _without_defaults(payload: Any) -> Any:
    """Protocol-buffer JSON may leave out fields that have their default value."""
    if isinstance(payload, list):
        return [_without_defaults(item) for item in payload]
    if isinstance(payload, dict):
        kept = {name: _without_defaults(value) for name, value in payload.items()}
        return {name: value for name, value in kept.items() if value or name == "token"}
    return payload


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_changing_get(path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in CHANGING_GETS)
