"""A plain reader of Keystone, its catalogue and Selectel's APIs: no retries, no interpretation."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from providers.emulators.tests.client import Reply, call

ALL_KEYS = ("vpc", "mks", "dbaas", "storage", "craas", "inference")


class CloudClient:
    """One user of one domain."""

    def __init__(self, url: str, domain: str, name: str, password: str, *, static_token: str = "") -> None:
        self.url = url
        self.domain = domain
        self.name = name
        self.password = password
        self.static_token = static_token
        self._tokens: dict[str, tuple[str, Any]] = {}

    def sign_in(self, scope: Any = None, **identity: Any) -> Reply:
        user = {"name": self.name, "domain": {"name": self.domain}, "password": self.password}
        auth: dict[str, Any] = {"identity": identity or {"methods": ["password"], "password": {"user": user}}}
        if scope is not None:
            auth["scope"] = scope
        body = json.dumps({"auth": auth}).encode()
        return call("POST", f"{self.url}/openstack/keystone/v3/auth/tokens", body=body)

    def session(self, project: str = "") -> tuple[str, Any]:
        """Token and its body: of a project by name, or of the account."""
        if project not in self._tokens:
            domain = {"name": self.domain}
            scope = {"project": {"name": project, "domain": domain}} if project else {"domain": domain}
            reply = self.sign_in(scope)
            assert reply.status == 201, reply.body
            self._tokens[project] = (reply.headers["x-subject-token"], reply.json["token"])
        return self._tokens[project]

    def endpoint(self, project: str, kind: str, region: str) -> str | None:
        """The public URL of a service; None where the catalogue has none."""
        for service in self.session(project)[1]["catalog"]:
            for each in service["endpoints"]:
                if (service["type"], each["region"], each["interface"]) == (kind, region, "public"):
                    return str(each["url"])
        return None

    def get(
        self, project: str, kind: str, region: str, path: str, *, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request to a service of the catalogue."""
        url = self.endpoint(project, kind, region)
        assert url is not None
        token = {"X-Auth-Token": self.session(project)[0]}
        return call("GET", url + path, headers={**token, **(headers or {})})

    def read(
        self, project: str, kind: str, region: str, path: str, *, headers: dict[str, str] | None = None
    ) -> Any:
        """The JSON of a path that answers."""
        reply = self.get(project, kind, region, path, headers=headers)
        assert reply.status == 200, (reply.status, reply.body)
        return reply.json

    def aggregate(self, project: str, region: str, server: str, operations: str, **query: str) -> Reply:
        url = self.endpoint(project, "metric", region)
        body = json.dumps({"operations": operations, "search": f"id={server}", "resource_type": "generic"})
        return call(
            "POST",
            f"{url}/v1/aggregates?{urlencode({'details': 'false', **query})}",
            body=body.encode(),
            headers={"X-Auth-Token": self.session(project)[0]},
        )

    def meters(
        self,
        project: str,
        region: str,
        kind: str,
        search: Any,
        names: list[str],
        *,
        groups: list[str],
        **query: str,
    ) -> Reply:
        """Several meters of several things by groups."""
        url = self.endpoint(project, "metric", region)
        operations = f"(metric {' '.join(f'({name} mean)' for name in names)})"
        body = json.dumps({"operations": operations, "search": search, "resource_type": kind})
        given = urlencode({"details": "false", "groupby": groups, **query}, doseq=True)
        return call(
            "POST",
            f"{url}/v1/aggregates?{given}",
            body=body.encode(),
            headers={"X-Auth-Token": self.session(project)[0]},
        )

    def selectel(self, path: str, *, token: str | None = None, static: str | None = None) -> Reply:
        """A path below `/selectel/`, with the account's token unless another is given."""
        headers = {"X-Token": static} if static else {"X-Auth-Token": token or self.session()[0]}
        return call("GET", f"{self.url}/selectel/{path}", headers=headers)

    def billing(self, path: str, **given: str | None) -> Any:
        """The data of a billing path that answers."""
        reply = self.selectel(f"billing/{path}", **given)
        assert reply.status == 200, (reply.status, reply.body)
        assert reply.json["status"] == "success"
        return reply.json["data"]

    def consumption_reply(self, **changes: Any) -> Reply:
        query = {
            "provider_keys": list(ALL_KEYS),
            "group_type": "project_object_region_metric",
            "period_group_type": "hour",
            "locale": "ru",
            **changes,
        }
        given = {name: value for name, value in query.items() if value is not None}
        return self.selectel(f"billing/v1/cloud_billing/statistic/consumption?{urlencode(given, doseq=True)}")

    def consumption(self, start: str, end: str, **changes: Any) -> list[dict[str, Any]]:
        """Rows of the statistics between two local times."""
        reply = self.consumption_reply(start=start, end=end, **changes)
        assert reply.status == 200, (reply.status, reply.body)
        return list(reply.json["data"])
