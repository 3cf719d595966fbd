"""One domain of an emulated OpenStack cloud: its projects, its users and what stands in each project and region.

Fields of a scenario's account, common to Selectel and private clouds:

- `domain` (Selectel: `number`), the domain's name;
- `user`: name, password, `roles = [{role, project}]` (no project: the whole account; "*": every project),
  `denied` (services, or `service:resource`, that policy refuses: `["octavia", "cinder:backups"]`);
- `application_credential`: id, secret, user, project;
- `region`: name, `without` (service types the catalogue lacks there), `page_limit` (the servers' own maximum),
  `compute_max`, `compute_min`, `volume_max` (microversions);
- `project`: name, and `enabled`;
- the lists of `KINDS`, each thing with `project`, `region` and what its service's module names.

Besides the times of every scenario a thing may have `billed_until_day` and `billed_until_time`: its
charges go on after it is removed.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.emulators.scenario import Scenario, expand

PROJECT_KINDS = (
    "server",
    "volume",
    "snapshot",
    "backup",
    "floating_ip",
    "load_balancer",
    "router",
    "network",
    "image",
    "share",
    "bucket",
    "database",
    "cluster",
    "registry",
    "zone",
    "licence",
    "subnet",
    "traffic",
    "charge",
)
ACCOUNT_KINDS = ("project", "dedicated")
KINDS = PROJECT_KINDS + ACCOUNT_KINDS

DEFAULT_NETWORK = {"name": "net", "cidr": "192.168.0.0/16"}
DEFAULT_PAGE_LIMIT = 1000


class Cloud:
    """One domain and everything in it, at any instant."""

    def __init__(self, values: Mapping[str, Any], *, provider: str, scenario: Scenario) -> None:
        self.values = values
        self.provider = provider
        self.scenario = scenario
        self.domain = str(values["domain"] if "domain" in values else values["number"])
        self.domain_id = self.identity("domain", self.domain)
        self.users: list[dict[str, Any]] = [dict(user) for user in values.get("user", [])]
        for user in self.users:
            user["id"] = self.identity("user", user["name"])
        self.regions: dict[str, Mapping[str, Any]] = {each["name"]: each for each in values.get("region", [])}
        self._things = {kind: expand(values.get(kind, [])) for kind in KINDS}
        self._groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self._standing: dict[tuple[str, str, str], tuple[datetime, list[dict[str, Any]]]] = {}
        for project in self._things["project"]:
            project.setdefault("id", self.identity("project", project["name"]))
        self._by_name: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.project_ids = {project["name"]: project["id"] for project in self._things["project"]}
        self.project_names = {identifier: name for name, identifier in self.project_ids.items()}
        for kind in KINDS:
            for position, thing in enumerate(self._things[kind], start=1):
                self._prepare(kind, thing, position)

    def _prepare(self, kind: str, thing: dict[str, Any], position: int) -> None:
        thing["position"] = position
        thing["kind"] = kind
        self._by_name.setdefault((kind, thing.get("name", "")), []).append(thing)
        if kind in PROJECT_KINDS:
            thing.setdefault("region", next(iter(self.regions), ""))
            thing["project_id"] = self.project_ids[thing["project"]]
            thing.setdefault("name", thing.get("ip", ""))
            thing.setdefault("id", self.thing_id(kind, thing["project"], thing["name"]))
            for group in {
                (kind, thing["project_id"], thing["region"]),
                (kind, thing["project_id"], ""),
                (kind, "", ""),
            }:
                self._groups.setdefault(group, []).append(thing)
        else:
            thing.setdefault("id", self.thing_id(kind, "", thing["name"]))
            self._groups.setdefault((kind, "", ""), []).append(thing)

    def identity(self, kind: str, name: str) -> str:
        """A stable identifier as Keystone writes them: 32 hexadecimal digits."""
        domain = name if kind == "domain" else self.domain
        return uuid.uuid5(uuid.NAMESPACE_URL, f"emulator/openstack/{domain}/{kind}/{name}").hex

    def thing_id(self, kind: str, project: str, name: str) -> str:
        """A stable identifier as every other service writes them."""
        return str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"emulator/openstack/{self.domain}/{project}/{kind}/{name}")
        )

    def standing(
        self, kind: str, at: datetime, *, project_id: str = "", region: str = ""
    ) -> list[dict[str, Any]]:
        """Things of a kind that exist at an instant, as they are then, newest first."""
        group = (kind, project_id, region)
        remembered = self._standing.get(group)
        if remembered is None or remembered[0] != at:
            things = self.scenario.standing(self._groups.get(group, []), at)
            things.sort(key=lambda thing: (self.scenario.created_at(thing), thing["id"]), reverse=True)
            remembered = (at, things)
            self._standing[group] = remembered
        return remembered[1]

    def described(self, kind: str) -> list[dict[str, Any]]:
        """Things of a kind as the scenario describes them, whenever they exist."""
        return self._things[kind]

    def described_as(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Things of a kind and name, whenever and wherever they exist."""
        return self._by_name.get((kind, name), [])

    def named(
        self, kind: str, name: str, at: datetime, *, project_id: str, region: str
    ) -> dict[str, Any] | None:
        """A standing thing by its name; None where there is none or no name is given."""
        if not name:
            return None
        for thing in self.described_as(kind, name):
            if (thing["project_id"], thing["region"]) == (project_id, region):
                return self.scenario.thing(thing, at)
        return None

    def projects(self, at: datetime) -> list[dict[str, Any]]:
        return [each for each in self.standing("project", at) if each.get("enabled", True)]

    def project(self, at: datetime, *, project_id: str = "", name: str = "") -> dict[str, Any] | None:
        """A project by its id or its name; None where there is none."""
        return next(
            (each for each in self.projects(at) if (each["id"] == project_id or each["name"] == name)), None
        )

    def networks(self, at: datetime, *, project_id: str, region: str) -> list[dict[str, Any]]:
        """Networks of a project in a region; where something stands there, at least the default one."""
        declared = self.standing("network", at, project_id=project_id, region=region)
        if declared or not self._groups.get(("server", project_id, region)):
            return declared
        name = f"{project_id}/{region}/{DEFAULT_NETWORK['name']}"
        return [
            {
                **DEFAULT_NETWORK,
                "id": self.thing_id("network", project_id, name),
                "project_id": project_id,
                "region": region,
            }
        ]

    def page_limit(self, region: str) -> int:
        return int(self.regions[region].get("page_limit", DEFAULT_PAGE_LIMIT))

    def updated_at(self, thing: Mapping[str, Any], at: datetime) -> datetime:
        """When a thing last changed before an instant."""
        changes = [self.scenario.changed_at(change) for change in thing.get("changes", ())]
        return max([self.scenario.created_at(thing), *(change for change in changes if change <= at)])

    def billed_until(self, thing: Mapping[str, Any]) -> datetime | None:
        """When charges for a thing end; None while no end is in the scenario."""
        for name in ("billed_until", "removed"):
            if f"{name}_day" in thing:
                return self.scenario.instant(thing[f"{name}_day"], thing.get(f"{name}_time", "00:00"))
        return None


def clouds_of(scenario: Scenario) -> list[Cloud]:
    """Every domain of a scenario: Selectel's accounts and the private clouds."""
    return [
        Cloud(values, provider=provider, scenario=scenario)
        for provider in ("selectel", "openstack")
        for values in scenario.providers.get(provider, {}).get("account", [])
    ]


def zulu(at: datetime) -> str:
    """An instant as Nova and Neutron write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def naive(at: datetime) -> str:
    """An instant as Cinder and Manila write it: UTC without saying so."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")


def segment(thing: Mapping[str, Any]) -> str:
    """The pool segment (availability zone) of a thing: its own, else the first of its region."""
    return str(thing.get("segment") or f"{thing['region']}a")


def decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def whole_hour(at: datetime) -> datetime:
    """The first whole hour that is not before an instant."""
    floor = at.replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(hours=1)


def fixed_address(server: Mapping[str, Any]) -> str:
    """The address of a server in its private network."""
    position = int(server["position"])
    return str(server.get("fixed_ip", f"192.168.{position // 250 % 250}.{position % 250 + 2}"))


def port_id(owner: Mapping[str, Any]) -> str:
    """The port of a server or of a balancer's address."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"emulator/openstack/port/{owner['id']}"))
