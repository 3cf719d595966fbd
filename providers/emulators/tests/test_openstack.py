"""Keystone and the services of its catalogue, over the wire."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import Reply, call
from providers.emulators.tests.cloud_client import CloudClient

COMPUTE_279 = {"OpenStack-API-Version": "compute 2.79"}
CPU = "(max (metric cpu_util mean) (/ (clip_min (rateofchangesec (metric cpu_average mean)) 0) 10000000))"


def client(server: EmulatorServer, name: str) -> CloudClient:
    return CloudClient(server.url, "100500", name, f"lab-secret-{name}")


def pages(
    reader: CloudClient, kind: str, region: str, path: str, key: str, **headers: str
) -> tuple[list[dict[str, Any]], int]:
    """Everything of a list by its markers, asked for a thousand at a time, and how many pages it took."""
    found: list[dict[str, Any]] = []
    marker = ""
    for number in range(1, 50):
        page = reader.read("prod", kind, region, f"{path}limit=1000{marker}", headers=headers)[key]
        found += page
        if not page:
            return found, number
        marker = f"&marker={page[-1]['id']}"
    raise AssertionError("the list has no end")


# Keystone


def test_a_password_opens_an_account_and_a_project(reader: CloudClient) -> None:
    _, account = reader.session()
    _, project = reader.session("prod")

    assert account["domain"]["name"] == "100500"
    assert "project" not in account
    assert project["project"]["name"] == "prod"
    assert project["user"]["name"] == "reader"
    assert [role["name"] for role in project["roles"]] == ["reader"]
    assert (project["issued_at"], project["expires_at"]) == (
        "2026-04-01T09:00:00.000000Z",
        "2026-04-02T09:00:00.000000Z",
    )


@pytest.mark.parametrize(
    ("domain", "name", "password", "scope"),
    [
        ("100500", "reader", "wrong", None),
        ("100500", "nobody", "lab-secret-reader", None),
        ("999999", "reader", "lab-secret-reader", None),
        ("100500", "reader", "lab-secret-reader", {"project": {"id": "0" * 32}}),
        ("100500", "reader", "lab-secret-reader", {"domain": {"name": "100501"}}),
        (
            "100500",
            "reader",
            "lab-secret-reader",
            {"project": {"name": "closed", "domain": {"name": "100500"}}},
        ),
        (
            "100500",
            "prod-only",
            "lab-secret-prod-only",
            {"project": {"name": "dev", "domain": {"name": "100500"}}},
        ),
        ("100500", "project-only", "lab-secret-project-only", {"domain": {"name": "100500"}}),
    ],
)
def test_keystone_does_not_tell_what_was_wrong(
    clouds: EmulatorServer, domain: str, name: str, password: str, scope: Any
) -> None:
    reply = CloudClient(clouds.url, domain, name, password).sign_in(scope)

    assert reply.status == 401
    assert reply.json["error"] == {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
    assert "x-subject-token" not in reply.headers


def test_the_projects_of_a_user_are_those_it_may_enter(clouds: EmulatorServer) -> None:
    def projects(name: str) -> list[str]:
        token = client(clouds, name).sign_in().headers["x-subject-token"]
        url = f"{clouds.url}/openstack/keystone/v3/auth/projects"
        answer = call("GET", url, headers={"X-Auth-Token": token}).json
        assert answer["links"]["next"] is None
        return sorted(each["name"] for each in answer["projects"])

    assert projects("reader") == ["dev", "prod"]
    assert projects("prod-only") == ["prod"]


def test_an_unscoped_token_has_no_catalogue_and_can_be_exchanged(reader: CloudClient) -> None:
    first = reader.sign_in()
    second = reader.sign_in(
        {"project": {"name": "prod", "domain": {"name": "100500"}}},
        methods=["token"],
        token={"id": first.headers["x-subject-token"]},
    )

    assert "catalog" not in first.json["token"]
    assert second.json["token"]["project"]["name"] == "prod"


def test_an_application_credential_opens_its_project_and_no_other(clouds: EmulatorServer) -> None:
    private = CloudClient(clouds.url, "Private", "", "")

    def sign_in(secret: str) -> Reply:
        credential = {"id": "lab0000000000000000000000000cred", "secret": secret}
        return private.sign_in(methods=["application_credential"], application_credential=credential)

    assert sign_in("lab-secret-credential").json["token"]["project"]["name"] == "alpha"
    assert sign_in("wrong").status == 401


def test_the_catalogue_has_every_region_and_administrators_entries(reader: CloudClient) -> None:
    catalogue = {service["type"]: service["endpoints"] for service in reader.session("prod")[1]["catalog"]}

    assert {each["region"] for each in catalogue["compute"]} == {"ru-3", "ru-7"}
    assert {each["interface"] for each in catalogue["compute"]} == {"public", "internal", "admin"}
    assert {each["region"] for each in catalogue["sharev2"]} == {"ru-3"}
    assert {urlsplit(each["url"]).hostname for each in catalogue["volumev3"]} == {"127.0.0.1", "10.0.0.1"}
    assert {"resell", "managed-database", "managed-kubernetes", "container-registry", "dnsv2"} <= set(
        catalogue
    )
    project_id = reader.session("prod")[1]["project"]["id"]
    assert str(reader.endpoint("prod", "volumev3", "ru-7")).endswith(
        f"/openstack/cinder/ru-7/v3/{project_id}"
    )


def test_a_private_cloud_sells_nothing_of_selectels(clouds: EmulatorServer) -> None:
    private = CloudClient(clouds.url, "Private", "reader", "lab-secret-private")

    types = {service["type"] for service in private.session("alpha")[1]["catalog"]}

    assert "managed-database" not in types
    servers = private.read("alpha", "compute", "RegionOne", "/servers/detail", headers=COMPUTE_279)["servers"]
    assert sorted(each["name"] for each in servers) == ["private-1", "private-2", "private-3"]


def test_a_token_ends_by_the_clock(clouds: EmulatorServer, reader: CloudClient) -> None:
    reader.session("prod")
    clouds.clock.advance(timedelta(hours=23, minutes=59))
    before = reader.get("prod", "compute", "ru-3", "/servers/detail").status
    clouds.clock.advance(timedelta(minutes=1))
    after = reader.get("prod", "compute", "ru-3", "/servers/detail")

    assert (before, after.status) == (200, 401)
    assert after.headers["www-authenticate"].startswith("Keystone")


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAA", "gAAAAnonsense!", "gAAAA" + "A" * 120])
def test_forged_tokens_are_refused(reader: CloudClient, token: str) -> None:
    url = reader.endpoint("prod", "compute", "ru-3")

    assert call("GET", f"{url}/servers/detail", headers={"X-Auth-Token": token}).status == 401


def test_a_token_of_one_project_does_not_open_another(reader: CloudClient) -> None:
    other = reader.endpoint("dev", "volumev3", "ru-3")
    headers = {"X-Auth-Token": reader.session("prod")[0]}

    reply = call("GET", f"{other}/volumes/detail", headers=headers)

    assert (reply.status, reply.json) == (
        400,
        {"badRequest": {"code": 400, "message": "Malformed request url"}},
    )


def test_an_account_token_lists_no_servers(reader: CloudClient) -> None:
    url = reader.endpoint("prod", "compute", "ru-3")

    assert call("GET", f"{url}/servers/detail", headers={"X-Auth-Token": reader.session()[0]}).status == 403


@pytest.mark.parametrize("path", ["", "/v3"])
def test_keystone_has_version_documents(clouds: EmulatorServer, path: str) -> None:
    reply = call("GET", f"{clouds.url}/openstack/keystone{path}/")

    assert reply.status == (200 if path else 300)


# Microversions


def test_the_flavour_is_embedded_from_2_47_on(reader: CloudClient) -> None:
    def flavour(version: str) -> tuple[dict[str, Any], dict[str, str]]:
        reply = reader.get(
            "prod",
            "compute",
            "ru-3",
            "/servers/detail?limit=2",
            headers={"OpenStack-API-Version": f"compute {version}"},
        )
        return reply.json["servers"][0], reply.headers

    old, _ = flavour("2.46")
    new, headers = flavour("2.47")

    assert set(old["flavor"]) == {"id", "links"}
    assert new["flavor"]["ram"] > 0
    assert headers["openstack-api-version"] == "compute 2.47"


def test_without_a_version_the_lowest_answers(reader: CloudClient) -> None:
    reply = reader.get("prod", "compute", "ru-3", "/servers/detail")

    assert reply.headers["x-openstack-nova-api-version"] == "2.1"
    assert "tags" not in reply.json["servers"][0]
    assert {each["id"] for each in reader.read("prod", "compute", "ru-3", "/flavors/detail")["flavors"]} >= {
        reply.json["servers"][0]["flavor"]["id"]
    }


@pytest.mark.parametrize(
    ("version", "status"), [("2.31", 406), ("2.0", 406), ("two", 400), ("latest", 200), ("2.30", 200)]
)
def test_versions_outside_the_range_are_refused(clouds: EmulatorServer, version: str, status: int) -> None:
    private = CloudClient(clouds.url, "Private", "reader", "lab-secret-private")
    headers = {"OpenStack-API-Version": f"compute {version}"}

    reply = private.get("alpha", "compute", "RegionTwo", "/servers/detail", headers=headers)

    assert reply.status == status
    if status == 406:
        assert reply.json["computeFault"] == {
            "code": 406,
            "message": f"Version {version} is not supported by the API. Minimum is 2.1 and maximum is 2.30.",
        }


def test_an_unreachable_server_is_a_stub_from_2_69_on(reader: CloudClient) -> None:
    new, _ = pages(reader, "compute", "ru-3", "/servers/detail?", "servers", **COMPUTE_279)
    old, _ = pages(
        reader,
        "compute",
        "ru-3",
        "/servers/detail?",
        "servers",
        **{"OpenStack-API-Version": "compute 2.68"},
    )

    [stub] = [each for each in new if each["status"] == "UNKNOWN"]
    assert set(stub) == {"id", "status", "tenant_id", "created", "links"}
    assert stub["id"] not in {each["id"] for each in old}


def test_volumes_have_versions_of_their_own(reader: CloudClient) -> None:
    headers = {"OpenStack-API-Version": "volume 3.999"}

    reply = reader.get("prod", "volumev3", "ru-3", "/volumes/detail", headers=headers)

    assert reply.status == 406
    assert "maximum is 3.70" in reply.json["computeFault"]["message"]


# Pages


@pytest.mark.parametrize(
    ("kind", "path", "key", "count"),
    [
        ("compute", "/servers/detail?", "servers", 5),
        ("volumev3", "/volumes/detail?", "volumes", 6),
        ("network", "/v2.0/ports?", "ports", 7),
        ("network", "/v2.0/floatingips?", "floatingips", 3),
        ("image", "/v2/images?visibility=private&", "images", 3),
        ("load-balancer", "/v2/lbaas/loadbalancers?", "loadbalancers", 1),
    ],
)
def test_lists_are_cut_at_the_servers_own_maximum(
    reader: CloudClient, kind: str, path: str, key: str, count: int
) -> None:
    found, number = pages(reader, kind, "ru-3", path, key, **COMPUTE_279)

    assert len({each["id"] for each in found}) == len(found) == count
    assert number == -(-count // 2) + 1


def test_a_full_page_links_to_the_next_and_a_short_one_does_not(reader: CloudClient) -> None:
    first = reader.read("prod", "compute", "ru-3", "/servers/detail?limit=1000")
    [link] = first["servers_links"]
    token = {"X-Auth-Token": reader.session("prod")[0]}
    second = call("GET", link["href"], headers=token).json
    third = call("GET", second["servers_links"][0]["href"], headers=token).json

    assert link["rel"] == "next"
    assert [len(page["servers"]) for page in (first, second, third)] == [2, 2, 0]
    assert "servers_links" not in third


def test_types_have_links_under_a_name_of_their_own(reader: CloudClient) -> None:
    assert reader.read("prod", "volumev3", "ru-3", "/types")["volume_type_links"][0]["rel"] == "next"


def test_neutron_is_cut_even_without_a_limit(reader: CloudClient) -> None:
    answer = reader.read("prod", "network", "ru-3", "/v2.0/ports")

    assert len(answer["ports"]) == 2
    assert answer["ports_links"]


def test_glance_says_where_the_next_page_is(reader: CloudClient) -> None:
    answer = reader.read("prod", "image", "ru-3", "/v2/images?visibility=private")

    assert answer["next"] == f"/v2/images?limit=2&marker={answer['images'][-1]['id']}"


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        ("compute", "/servers/detail?marker=gone", 400),
        ("volumev3", "/volumes/detail?marker=gone", 404),
        ("network", "/v2.0/ports?marker=gone", 400),
        ("compute", "/servers/detail?limit=-1", 400),
        ("compute", "/servers/detail?limit=many", 400),
    ],
)
def test_bad_markers_and_limits_are_refused(reader: CloudClient, kind: str, path: str, status: int) -> None:
    assert reader.get("prod", kind, "ru-3", path).status == status


def test_containers_are_paged_by_name(reader: CloudClient) -> None:
    names: list[str] = []
    while True:
        page = reader.read(
            "prod", "object-store", "ru-3", f"?format=json&limit=10000&marker={names[-1] if names else ''}"
        )
        if not page:
            break
        names += [each["name"] for each in page]

    assert names == ["bucket-1", "bucket-2", "bucket-3", "media", "media_segments"]
    assert reader.get("dev", "object-store", "ru-3", "?format=json").status == 204


# Policy


@pytest.mark.parametrize(
    ("kind", "path", "key"),
    [
        ("load-balancer", "/v2/lbaas/loadbalancers", "faultstring"),
        ("volumev3", "/snapshots/detail", "forbidden"),
        ("network", "/v2.0/floatingips", "NeutronError"),
        ("sharev2", "/shares/detail", "forbidden"),
        ("managed-database", "/datastores", "error"),
    ],
)
def test_policy_refuses_in_each_services_own_shape(
    clouds: EmulatorServer, kind: str, path: str, key: str
) -> None:
    narrow = client(clouds, "narrow")

    reply = narrow.get("prod", kind, "ru-3", path)

    assert reply.status == 403
    assert key in reply.json
    assert narrow.get("prod", "volumev3", "ru-3", "/volumes/detail").status == 200


@pytest.mark.parametrize(("kind", "path"), [("image", "/v2/images"), ("object-store", "?format=json")])
def test_glance_and_swift_refuse_in_html(clouds: EmulatorServer, kind: str, path: str) -> None:
    reply = client(clouds, "narrow").get("prod", kind, "ru-3", path)

    assert reply.status == 403
    assert reply.headers["content-type"].startswith("text/html")


def test_all_tenants_is_for_administrators(reader: CloudClient) -> None:
    reply = reader.get("prod", "compute", "ru-3", "/servers/detail?all_tenants=1")

    assert reply.status == 403
    assert "get_all_tenants" in reply.json["forbidden"]["message"]


def test_a_service_that_a_region_lacks_is_not_found_there(reader: CloudClient) -> None:
    url = str(reader.endpoint("prod", "load-balancer", "ru-3")).replace("ru-3", "ru-7")

    assert reader.endpoint("prod", "load-balancer", "ru-7") is None
    assert (
        call(
            "GET", f"{url}/v2/lbaas/loadbalancers", headers={"X-Auth-Token": reader.session("prod")[0]}
        ).status
        == 404
    )
    assert reader.get("prod", "volumev3", "ru-7", "/backups/detail").status == 404


# What stands there


def test_both_sides_of_an_attachment(reader: CloudClient) -> None:
    servers, _ = pages(reader, "compute", "ru-3", "/servers/detail?", "servers", **COMPUTE_279)
    volumes, _ = pages(reader, "volumev3", "ru-3", "/volumes/detail?", "volumes")
    server = next(each for each in servers if each.get("name") == "api-1")
    by_name = {each["name"]: each for each in volumes}

    attached = {each["id"] for each in server["os-extended-volumes:volumes_attached"]}
    assert attached == {by_name["disk-for-api-1-#1"]["id"], by_name["seen-by-nova"]["id"]}
    assert by_name["disk-for-api-1-#1"]["attachments"][0]["server_id"] == server["id"]
    assert by_name["disk-for-api-1-#1"]["bootable"] == "true"
    assert by_name["disk-for-api-1-#1"]["volume_image_metadata"]["os_distro"] == "ubuntu"
    assert (by_name["seen-by-nova"]["attachments"], by_name["seen-by-nova"]["status"]) == ([], "detaching")
    assert (by_name["orphan"]["attachments"], by_name["orphan"]["status"]) == ([], "available")
    assert "zombie" not in by_name


def test_a_server_shows_its_addresses_tags_and_zone(reader: CloudClient) -> None:
    servers, _ = pages(reader, "compute", "ru-3", "/servers/detail?", "servers", **COMPUTE_279)
    by_name = {each.get("name"): each for each in servers}
    server = by_name["api-1"]

    assert [(each["addr"], each["OS-EXT-IPS:type"]) for each in server["addresses"]["net"]] == [
        ("192.168.0.3", "fixed"),
        ("203.0.113.10", "floating"),
    ]
    assert (server["tags"], server["metadata"], server["image"]) == (["team-a"], {"env": "prod"}, "")
    assert server["OS-EXT-AZ:availability_zone"] == "ru-3b"
    assert server["flavor"]["original_name"] == "SL1.2-4096"
    assert by_name["expired-spot"]["status"] == "EXPIRED"
    assert by_name["expired-spot"]["tags"] == ["preemptible"]


def test_floating_addresses_say_whom_they_serve(reader: CloudClient) -> None:
    found, _ = pages(reader, "network", "ru-3", "/v2.0/floatingips?", "floatingips")
    by_address = {each["floating_ip_address"]: each for each in found}
    ports, _ = pages(reader, "network", "ru-3", "/v2.0/ports?", "ports")
    owners = {port["id"]: port["device_owner"] for port in ports}

    assert owners[by_address["203.0.113.10"]["port_id"]] == "compute:ru-3b"
    assert owners[by_address["203.0.113.11"]["port_id"]] == "Octavia"
    assert (by_address["203.0.113.12"]["port_id"], by_address["203.0.113.12"]["status"]) == (None, "DOWN")


def test_networks_of_others_are_listed_too_unless_a_project_is_named(reader: CloudClient) -> None:
    project_id = reader.session("prod")[1]["project"]["id"]

    everything = reader.read("prod", "network", "ru-3", "/v2.0/networks")["networks"]
    own = reader.read("prod", "network", "ru-3", f"/v2.0/networks?project_id={project_id}")["networks"]

    assert [each["router:external"] for each in everything] == [False, True]
    assert [each["name"] for each in own] == ["net"]


def test_cpu_and_memory_are_the_scenarios(reader: CloudClient) -> None:
    servers, _ = pages(reader, "compute", "ru-3", "/servers/detail?", "servers", **COMPUTE_279)
    server = next(each["id"] for each in servers if each.get("name") == "api-1")
    window = {"start": "2026-03-25T09:00:00Z", "stop": "2026-04-01T09:00:00Z", "granularity": "3600"}

    cpu = reader.aggregate("prod", "ru-3", server, CPU, **window).json["measures"]["aggregated"]
    memory = reader.aggregate("prod", "ru-3", server, "(metric memory.usage mean)", **window).json["measures"]

    assert len(cpu) == 7 * 24
    assert cpu[0][:2] == ["2026-03-25T09:00:00+00:00", 3600.0]
    assert sum(point[2] for point in cpu) / len(cpu) == pytest.approx(20, abs=0.5)
    points = memory[server]["memory.usage"]["mean"]
    assert sum(point[2] for point in points) / len(points) == pytest.approx(2048, abs=20)


@pytest.mark.parametrize(
    ("name", "operations", "granularity"),
    [
        ("stopped", CPU, "300"),
        ("api-1", "(metric no.such mean)", "300"),
        ("api-1", CPU, "77"),
    ],
)
def test_missing_series_are_not_found(
    reader: CloudClient, name: str, operations: str, granularity: str
) -> None:
    servers, _ = pages(reader, "compute", "ru-3", "/servers/detail?", "servers", **COMPUTE_279)
    server = next(each["id"] for each in servers if each.get("name") == name)

    reply = reader.aggregate(
        "prod",
        "ru-3",
        server,
        operations,
        start="2026-04-01T07:00:00Z",
        stop="2026-04-01T09:00:00Z",
        granularity=granularity,
    )

    assert (reply.status, reply.json["title"]) == (404, "Not Found")


def test_machines_are_answered_by_groups_with_their_meters(reader: CloudClient) -> None:
    servers, _ = pages(reader, "compute", "ru-3", "/servers/detail?", "servers", **COMPUTE_279)
    by_name = {each.get("name"): each["id"] for each in servers}
    reply = reader.meters(
        "prod",
        "ru-3",
        "instance_disk",
        {"in": {"instance_id": [by_name["api-1"], by_name["stopped"]]}},
        ["disk.device.read.requests.rate", "disk.device.write.requests.rate", "no.such"],
        groups=["instance_id", "name"],
        start="2026-04-01T05:00:00Z",
        stop="2026-04-01T09:00:00Z",
        granularity="3600",
    )

    found = {(each["group"]["instance_id"], each["group"]["name"]): each["measures"] for each in reply.json}
    assert (by_name["api-1"], "vda") in found
    [disk] = found[by_name["api-1"], "vda"]["measures"].values()
    assert set(disk) == {"disk.device.read.requests.rate", "disk.device.write.requests.rate"}
    reads = disk["disk.device.read.requests.rate"]["mean"]
    assert [point[0] for point in reads] == [f"2026-04-01T0{hour}:00:00+00:00" for hour in (5, 6, 7, 8)]
    assert sum(point[2] for point in reads) / 4 == pytest.approx(600, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "search", "granularity", "status"),
    [
        ("no_such_kind", {"in": {"id": ["x"]}}, "3600", 400),
        ("instance_disk", {"like": {"id": "x"}}, "3600", 400),
        ("instance_disk", {"in": {"instance_id": ["x"]}}, "3600", 404),
        ("instance_disk", {"in": {"instance_id": ["x"]}}, "77", 404),
    ],
)
def test_groups_of_nothing_are_refused_as_gnocchi_does(
    reader: CloudClient, kind: str, search: dict[str, Any], granularity: str, status: int
) -> None:
    reply = reader.meters(
        "prod",
        "ru-3",
        kind,
        search,
        ["disk.device.usage"],
        groups=["instance_id"],
        start="2026-04-01T05:00:00Z",
        stop="2026-04-01T09:00:00Z",
        granularity=granularity,
    )

    assert reply.status == status


def test_writing_is_noticed(clouds: EmulatorServer, reader: CloudClient) -> None:
    url = reader.endpoint("prod", "compute", "ru-3")
    call("DELETE", f"{url}/servers/1", headers={"X-Auth-Token": reader.session("prod")[0]})
    body = json.dumps({}).encode()
    call("POST", f"{clouds.url}/selectel/dedicated/v2/resource/server/billing", body=body)

    assert [each.reason for each in clouds.violations] == ["DELETE on nova", "POST on dedicated servers"]
