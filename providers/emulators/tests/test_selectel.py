"""Selectel's own APIs, over the wire."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import call
from providers.emulators.tests.cloud_client import CloudClient
from providers.emulators.tests.conftest import ANCHOR, NOON

STATIC = "lab-secret-static_100500"
DAY = ("2026-03-31T11:00:00", "2026-04-01T11:59:59")


def client(server: EmulatorServer, name: str) -> CloudClient:
    return CloudClient(server.url, "100500", name, f"lab-secret-{name}")


def with_options(**options: Any) -> Scenario:
    """The laboratory with other options of its Selectel section."""
    scenario = Scenario.load("clouds", anchor=ANCHOR)
    selectel = {**scenario.providers["selectel"], **options}
    return replace(scenario, providers={**scenario.providers, "selectel": selectel})


# Tokens


def test_balances_take_the_static_and_the_account_token(reader: CloudClient) -> None:
    by_account = reader.billing("v3/balances")
    by_static = reader.billing("v3/balances", static=STATIC)

    assert by_account == by_static
    assert by_account["settings"]["currency"] == "rub"
    assert by_account["billings"][0]["final_sum"] == 436069


@pytest.mark.parametrize("static", ["wrong_100500", "lab-secret-static_100502", "nothing"])
def test_a_wrong_static_token_is_refused(reader: CloudClient, static: str) -> None:
    reply = reader.selectel("billing/v3/balances", static=static)

    assert (reply.status, reply.json["status"], reply.json["code"]) == (401, "error", "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("path", "static", "account", "project"),
    [
        ("billing/v3/balances", 200, 200, 403),
        ("billing/v2/billing/prediction", 200, 200, 403),
        ("billing/v2/billing/transactions?limit=10", 200, 403, 403),
        ("billing/v1/billing/report/by_project/detailed?year=2026&month=3&locale=ru", 200, 403, 403),
        ("billing/v2/billing/vpc/prices?currency=rub", 200, 200, 403),
        ("resell/v2/projects", 200, 200, 403),
        ("iam/v1/roles", 401, 200, 403),
        ("dedicated/v2/resource", 403, 200, 403),
        ("dns/v2/zones", 401, 401, 200),
        ("registry/v1/registries", 401, 401, 200),
        ("dbaas/ru-3/v1/datastores", 401, 401, 200),
        ("mks/ru-7/v1/clusters", 401, 401, 200),
    ],
)
def test_each_api_takes_its_own_kind_of_token(
    reader: CloudClient, path: str, static: int, account: int, project: int
) -> None:
    statuses = (
        reader.selectel(path, static=STATIC).status,
        reader.selectel(path).status,
        reader.selectel(path, token=reader.session("prod")[0]).status,
    )

    assert statuses == (static, account, project)


def test_without_a_right_to_billing_money_is_forbidden_and_projects_are_not(clouds: EmulatorServer) -> None:
    poor = client(clouds, "no-billing")

    assert poor.selectel("billing/v3/balances").status == 403
    assert poor.consumption_reply(start=DAY[0], end=DAY[1]).status == 403
    assert poor.selectel("resell/v2/projects").status == 200
    assert poor.selectel("iam/v1/service_users").status == 200


def test_requests_beyond_the_limit_are_told_when_to_come_back() -> None:
    with EmulatorServer(with_options(rate_limit_per_minute=2), now=NOON) as server:
        reader = client(server, "reader")
        replies = [reader.selectel("billing/v3/balances") for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].headers["retry-after"] == "10"


# Statistics


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"provider_keys": None}, "provider_keys"),
        ({"provider_keys": ["vpc", "teapots"]}, "provider_keys"),
        ({"provider_keys": ["vpc,mks"]}, "provider_keys"),
        ({"locale": None}, "locale"),
        ({"locale": "de"}, "locale"),
        ({"group_type": "moon"}, "group_type"),
        ({"period_group_type": "minute"}, "period_group_type"),
        ({"start": "yesterday"}, "start"),
        ({"start": None}, "start"),
        ({"end": "2026-04-01T09:00:00+00:00"}, "start"),
    ],
)
def test_bad_questions_name_their_fields(reader: CloudClient, changes: dict[str, Any], field: str) -> None:
    reply = reader.consumption_reply(**{"start": DAY[0], "end": DAY[1], **changes})

    assert (reply.status, reply.json["code"]) == (422, "UNPROCESSABLE_ENTITY")
    assert set(reply.json["error"]) == {field}


def test_undocumented_groups_and_keys_may_be_refused() -> None:
    with EmulatorServer(with_options(is_documented_only=True), now=NOON) as server:
        reader = client(server, "reader")
        replies = [
            reader.consumption_reply(start=DAY[0], end=DAY[1], provider_keys=["vpc"]),
            reader.consumption_reply(start=DAY[0], end=DAY[1], group_type="object"),
            reader.consumption_reply(start=DAY[0], end=DAY[1], group_type="object", provider_keys=["vpc"]),
            reader.selectel("billing/v2/billing/vpc/prices?currency=rub"),
        ]

    assert [reply.status for reply in replies] == [422, 422, 200, 404]
    assert set(replies[0].json["error"]) == {"group_type"}
    assert set(replies[1].json["error"]) == {"provider_keys"}


def test_a_row_has_account_project_object_and_metric(reader: CloudClient) -> None:
    rows = reader.consumption("2026-04-01T10:00:00", "2026-04-01T10:59:59")
    [row] = [
        each
        for each in rows
        if each["object"] and (each["object"]["name"], each["metric"]["id"]) == ("api-1", "compute_ram")
    ]

    assert row["account_id"] == "100500"
    assert row["provider_key"] == "vpc"
    assert row["project"]["name"] == "prod"
    assert row["object"] == {
        "id": row["object"]["id"],
        "name": "api-1",
        "parent_id": "",
        "parent_name": "",
        "type": "cloud_vm",
        "type_name": "Сервер",
    }
    assert row["metric"] == {
        "id": "compute_ram",
        "locale": "ru",
        "name": "Оперативная память",
        "quantity": 4096,
        "region": "ru-3b",
        "unit": "MB",
    }
    assert (row["period"], row["provision_start"], row["provision_end"]) == (
        "2026-04-01T10:00:00",
        "2026-04-01T10:00:00",
        "2026-04-01T10:59:59",
    )
    assert row["value"] in (135, 136)


def test_parents_are_servers_projects_empty_or_null(reader: CloudClient) -> None:
    rows = reader.consumption("2026-04-01T10:00:00", "2026-04-01T10:59:59")
    parents = {
        row["object"]["name"]: (row["object"]["parent_id"], row["object"]["parent_name"])
        for row in rows
        if row["object"]
    }
    ids = {row["object"]["name"]: row["object"]["id"] for row in rows if row["object"]}
    project_id = reader.session("prod")[1]["project"]["id"]

    assert parents["disk-for-api-1-#1"] == (ids["api-1"], "api-1")
    assert parents["203.0.113.10"] == (ids["api-1"], "api-1")
    assert parents["orphan"] == (project_id, "")
    assert parents["203.0.113.12"] == (project_id, "")
    assert parents["unreachable"] == (None, "")


def test_a_charge_of_a_whole_project_has_no_object(reader: CloudClient) -> None:
    rows = reader.consumption("2026-04-01T10:00:00", "2026-04-01T10:59:59")

    [egress] = [row for row in rows if row["metric"]["id"] == "exttraffic"]

    assert egress["object"] is None
    assert (egress["metric"]["quantity"], egress["metric"]["region"]) == (0.75, "ru-3")


@pytest.mark.parametrize(
    ("group", "has_project", "has_object", "has_metric", "has_region"),
    [
        ("project", True, False, False, False),
        ("object", False, True, False, False),
        ("metric", False, False, True, False),
        ("project_metric", True, False, True, False),
        ("region_metric", False, False, True, True),
        ("project_object_region_metric", True, True, True, True),
    ],
)
def test_groups_decide_what_is_null_and_keep_the_sum(
    reader: CloudClient,
    group: str,
    *,
    has_project: bool,
    has_object: bool,
    has_metric: bool,
    has_region: bool,
) -> None:
    whole = sum(row["value"] for row in reader.consumption(*DAY))

    rows = reader.consumption(*DAY, group_type=group, period_group_type="day")

    assert sum(row["value"] for row in rows) == whole
    assert all((row["project"] is not None) is has_project for row in rows)
    assert any(row["object"] is not None for row in rows) is has_object
    assert all((row["metric"] is not None) is has_metric for row in rows)
    assert any((row["metric"] or {}).get("region") is not None for row in rows) is has_region


def test_only_the_keys_asked_for_are_answered(reader: CloudClient) -> None:
    everything = Counter(row["provider_key"] for row in reader.consumption(*DAY))

    assert set(everything) == {"vpc", "storage", "dbaas", "mks", "craas", "inference"}
    assert {row["provider_key"] for row in reader.consumption(*DAY, provider_keys=["dbaas", "mks"])} == {
        "dbaas",
        "mks",
    }


def test_an_account_without_charges_has_no_rows(clouds: EmulatorServer) -> None:
    empty = CloudClient(clouds.url, "100501", "reader", "lab-secret-empty")

    assert empty.consumption(*DAY) == []
    balances = empty.billing("v3/balances")
    assert balances["billings"][0]["final_sum"] == -3500
    assert balances["billings"][0]["debt"][0]["debt_value"] == 3500
    assert empty.billing("v2/billing/prediction")["primary"] is None


# The rest of billing


def test_transactions_are_paged_newest_first(reader: CloudClient) -> None:
    everything = reader.billing("v2/billing/transactions?limit=500", static=STATIC)
    second = reader.billing("v2/billing/transactions?limit=1&offset=1", static=STATIC)

    assert [each["price"] for each in everything] == [-1590000, 5000000, -1590000]
    assert second == everything[1:2]
    assert (
        everything[0]["server_meta"]["main_resource_uuid"]
        == (reader.selectel("dedicated/v2/resource").json["result"][0]["uuid"])
    )
    later = reader.billing("v2/billing/transactions?limit=9&created_from=2026-03-10T00:00:00", static=STATIC)
    assert [each["created"][:10] for each in later] == ["2026-03-17"]


@pytest.mark.parametrize("query", ["", "?limit=0", "?limit=501"])
def test_transactions_need_a_limit(reader: CloudClient, query: str) -> None:
    assert reader.selectel(f"billing/v2/billing/transactions{query}", static=STATIC).status == 422


def test_prices_are_kopecks_for_a_unit_and_hour(reader: CloudClient) -> None:
    answer = reader.selectel("billing/v2/billing/vpc/prices?currency=rub").json
    by_key = {(row["resource"], row["group"]): Decimal(str(row["value"])) for row in answer["prices"]}

    assert by_key["volume_gigabytes_universal", "ru-3b"] == Decimal("2.5408")
    assert by_key["volume_gigabytes_universal", "ru-7"] == Decimal("2.5")
    assert by_key["compute_ram", "ru-3"] == Decimal("0.03315")
    dbaas = reader.selectel("billing/v2/billing/dbaas/prices?currency=rub").json
    assert dbaas["status"] == "ok"
    assert {row["resource"] for row in dbaas["prices"]} == {
        "dbaas_compute_cores",
        "dbaas_compute_ram",
        "dbaas_volume_gigabytes_local",
    }


def test_reports_agree_with_the_statistics(reader: CloudClient) -> None:
    flat = reader.billing("v1/billing/report/by_project/flat?start=2026-03-01&end=2026-03-31&locale=ru")
    tree = reader.billing("v1/billing/report/by_project/detailed?year=2026&month=3&locale=ru", static=STATIC)
    month = reader.consumption("2026-03-01T00:00:00", "2026-03-31T23:59:59", period_group_type="month")

    total = sum(row["value"] for row in month)
    assert sum(row["value"] for row in flat) == total
    assert sum(project["value"] for project in tree["projects"]) == total


# Projects and people


def test_resell_lists_projects_addresses_subnets_licences_and_regions(reader: CloudClient) -> None:
    def read(path: str) -> Any:
        return reader.selectel(f"resell/v2/{path}").json

    projects = read("projects")["projects"]
    assert {each["name"]: each["enabled"] for each in projects} == {
        "prod": True,
        "dev": True,
        "closed": False,
    }
    assert read(f"projects/{projects[0]['id']}")["project"]["name"] == projects[0]["name"]
    addresses = {
        each["floating_ip_address"]: each for each in read("floatingips?detailed=true")["floatingips"]
    }
    assert addresses["203.0.113.10"]["servers"][0]["name"] == "api-1"
    assert addresses["203.0.113.11"]["loadbalancer"]["name"] == "balancer"
    assert (addresses["203.0.113.12"]["status"], addresses["203.0.113.12"]["port_id"]) == ("DOWN", None)
    assert read("subnets?detailed=true")["subnets"][0]["cidr"] == "203.0.113.64/29"
    assert read("licenses?detailed=true")["licenses"][0]["type"] == "license_windows_2022_standard"
    regions = {each["name"]: each["description"] for each in read("capabilities")["capabilities"]["regions"]}
    assert regions == {"ru-3": "Saint Petersburg 2", "ru-7": "Moscow 3"}
    assert read("accounts")["account"]["name"] == "100500"


def test_resells_errors_are_one_word(reader: CloudClient) -> None:
    missing = reader.selectel("resell/v2/projects/nothing")
    refused = reader.selectel("resell/v2/projects", static="wrong_100500")

    assert (missing.status, missing.json) == (404, {"error": "project_not_found"})
    assert (refused.status, refused.body) == (401, b"Unauthorized")


def test_a_reader_sees_its_own_roles_and_nobody_else(reader: CloudClient) -> None:
    roles = reader.selectel("iam/v1/roles").json["roles"]
    refused = reader.selectel("iam/v1/service_users")

    assert {"role_name": "reader", "scope": "account"} in roles
    assert (refused.status, refused.json["code"]) == (403, "REQUEST_FORBIDDEN")


# Managed services


def test_databases_count_their_nodes(reader: CloudClient) -> None:
    [database] = reader.read("prod", "managed-database", "ru-3", "/datastores")["datastores"]
    types = reader.read("prod", "managed-database", "ru-3", "/datastore-types")["datastore-types"]

    assert (database["node_count"], len(database["instances"])) == (2, 2)
    assert database["flavor"] == {"vcpus": 2, "ram": 8192, "disk": 64, "disk_type": "local"}
    assert database["instances"][0]["floating_ip"] == "None"
    assert {each["id"]: each["engine"] for each in types}[database["type_id"]] == "postgresql"


def test_a_clusters_nodes_are_servers(reader: CloudClient) -> None:
    [cluster] = reader.read("dev", "managed-kubernetes", "ru-7", "/clusters")["clusters"]
    [group] = reader.read("dev", "managed-kubernetes", "ru-7", f"/clusters/{cluster['id']}/nodegroups")[
        "nodegroups"
    ]
    servers = reader.read("dev", "compute", "ru-7", "/servers/detail")["servers"]

    ids = {each["name"]: each["id"] for each in servers}
    assert [node["os_server_id"] for node in group["nodes"]] == [ids["node-1"], ids["node-2"]]
    assert reader.get("dev", "managed-kubernetes", "ru-7", "/clusters/none/nodegroups").status == 404


def test_zones_follow_their_offset(reader: CloudClient) -> None:
    token = reader.session("prod")[0]
    first = reader.selectel("dns/v2/zones?limit=2", token=token).json
    second = reader.selectel("dns/v2/zones?limit=2&offset=2", token=token).json

    assert (first["count"], first["next_offset"], second["next_offset"]) == (3, 2, None)
    assert len(first["result"]) + len(second["result"]) == 3


def test_registries_are_a_bare_list_and_quotas_tell_what_is_used(reader: CloudClient) -> None:
    registries = reader.selectel("registry/v1/registries", token=reader.session("prod")[0]).json
    project_id = reader.session("prod")[1]["project"]["id"]
    quotas = reader.selectel(f"quota/ru-3/v1/projects/{project_id}/quotas?resource=compute_cores").json[
        "quotas"
    ]

    assert [each["name"] for each in registries] == ["apps"]
    assert quotas == {"compute_cores": [{"value": 12, "used": 6, "zone": "ru-3b"}]}


def test_an_unknown_path_is_not_found(clouds: EmulatorServer, reader: CloudClient) -> None:
    assert reader.selectel("billing/v9/nothing").status == 404
    assert call("GET", f"{clouds.url}/selectel/teapot/v1").status == 404
