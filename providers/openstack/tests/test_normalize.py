"""Recorded objects as records, and what belongs to what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from providers.contract.records import ResourceStatus
from providers.openstack import normalize, series
from providers.openstack.joining import Neighbourhood, joined
from providers.openstack.normalize import Malformed, Place, Port, Stub, Thing

PLACE = Place(
    scope=("project", "p1", "region", "ru-3", "servers"),
    project_id="p1",
    project_name="prod",
    region_id="ru-3",
)

SERVER: dict[str, Any] = {
    "id": "5b0f",
    "name": "api-1",
    "status": "ACTIVE",
    "tenant_id": "p1",
    "created": "2026-01-15T08:00:00Z",
    "OS-EXT-AZ:availability_zone": "ru-3b",
    "OS-EXT-SRV-ATTR:user_data": "cGFzc3dvcmQ=",
    "adminPass": "planted-secret",
    "metadata": {"root_password": "planted-secret"},
    "image": "",
    "tags": ["preemptible"],
    "flavor": {"original_name": "SL1.2-4096", "vcpus": 2, "ram": 4096, "disk": 0},
    "addresses": {
        "net": [
            {"version": 4, "addr": "192.168.0.3", "OS-EXT-IPS:type": "fixed"},
            {"version": 4, "addr": "203.0.113.10", "OS-EXT-IPS:type": "floating"},
        ]
    },
    "os-extended-volumes:volumes_attached": [{"id": "77e5"}],
}
VOLUME: dict[str, Any] = {
    "id": "77e5",
    "name": "disk-for-api-1-#1",
    "status": "in-use",
    "size": 50,
    "volume_type": "universal.ru-3b",
    "availability_zone": "ru-3b",
    "bootable": "true",
    "created_at": "2026-01-15T08:00:10.000000",
    "volume_image_metadata": {"os_distro": "ubuntu", "image_name": "Ubuntu 24.04 LTS 64-bit"},
    "attachments": [{"server_id": "5b0f", "device": "/dev/vda"}],
}


def server(**changes: Any) -> Thing:
    found = normalize.server({**SERVER, **changes}, PLACE)
    assert isinstance(found, Thing)
    return found


def volume(**changes: Any) -> Thing:
    return normalize.volume({**VOLUME, **changes}, replace(PLACE, scope=(*PLACE.scope[:-1], "volumes")))


def parents(servers: list[Thing], volumes: list[Thing], **around: Any) -> dict[str, tuple[str, bool]]:
    """{volume: (its server, whether it is an orphan)}."""
    neighbourhood = Neighbourhood(
        things={"servers": servers, "volumes": volumes}, **{"complete": {"servers", "volumes"}, **around}
    )
    return {
        record.resource_id: (record.parent_id, record.is_orphan)
        for record in joined("volumes", neighbourhood)
    }


def test_server():
    record = server().record

    assert (record.name, record.status, record.provider_status) == ("api-1", ResourceStatus.RUNNING, "ACTIVE")
    assert (record.region_id, record.sub_account_id, record.sub_account_name) == ("ru-3", "p1", "prod")
    assert (record.specification.vcpus, record.specification.memory_mib) == (Decimal(2), 4096)
    assert record.specification.storage_gib is None
    assert record.specification.ip_addresses == ("192.168.0.3", "203.0.113.10")
    assert record.configuration == {
        "flavor": "SL1.2-4096",
        "availability_zone": "ru-3b",
        "is_preemptible": True,
        "volumes": ["77e5"],
    }
    assert record.created_at == datetime(2026, 1, 15, 8, tzinfo=UTC)
    assert "planted" not in repr(record)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ACTIVE", ResourceStatus.RUNNING),
        ("active", ResourceStatus.RUNNING),
        ("SHUTOFF", ResourceStatus.STOPPED),
        ("EXPIRED", ResourceStatus.STOPPED),
        ("SHELVED_OFFLOADED", ResourceStatus.STOPPED),
        ("ERROR", ResourceStatus.ERROR),
        ("VERIFY_RESIZE", ResourceStatus.PENDING),
        ("SOFT_DELETED", ResourceStatus.DELETED),
        ("WOBBLING", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses_are_compared_without_case_and_kept(word, status):
    record = server(status=word).record

    assert (record.status, record.provider_status) == (status, word)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("in-use", ResourceStatus.RUNNING),
        ("Reserved", ResourceStatus.PENDING),
        ("error_deleting", ResourceStatus.ERROR),
        ("odd", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses_of_volumes(word, status):
    assert volume(status=word).record.status == status


def test_a_server_of_a_cell_that_does_not_answer_is_a_stub():
    found = normalize.server({"id": "5b0f", "status": "UNKNOWN", "tenant_id": "p1", "created": "x"}, PLACE)

    assert found == Stub(server_id="5b0f")


def test_nulls_where_lists_belong():
    found = server(**{"addresses": None, "tags": None, "os-extended-volumes:volumes_attached": None})

    assert (found.record.specification.ip_addresses, found.volumes, found.record.tags) == ((), (), {})
    assert volume(attachments=None, volume_image_metadata=None).servers == ()


@pytest.mark.parametrize("changes", [{"flavor": {}}, {"flavor": {"vcpus": "2"}}, {"flavor": {"ram": -1}}])
def test_a_server_without_its_sizes_is_malformed(changes):
    with pytest.raises(Malformed):
        normalize.server({**SERVER, **changes}, PLACE)


def test_volume():
    record = volume().record

    assert (record.specification.storage_gib, record.specification.operating_system) == (
        Decimal(50),
        "Ubuntu 24.04 LTS 64-bit",
    )
    assert record.configuration == {
        "volume_type": "universal.ru-3b",
        "availability_zone": "ru-3b",
        "is_bootable": True,
        "device": "/dev/vda",
    }
    assert record.created_at == datetime(2026, 1, 15, 8, 0, 10, tzinfo=UTC)


def test_a_volume_says_what_it_was_made_from_and_what_is_paid_beside_its_size():
    configuration = volume(
        snapshot_id="s1",
        source_volid="v0",
        volume_image_metadata={"image_id": "i1"},
        metadata={"total_iops_sec": "7000"},
    ).record.configuration

    assert (configuration["snapshot_id"], configuration["source_volume_id"]) == ("s1", "v0")
    assert (configuration["image_id"], configuration["iops"]) == ("i1", 7000)


@pytest.mark.parametrize("paid", ["many", "-1", "9" * 30, None, ["7000"]])
def test_paid_operations_that_are_no_number_are_not_known(paid):
    assert "iops" not in volume(metadata={"total_iops_sec": paid}).record.configuration


def test_a_volume_of_several_servers_has_no_one_device():
    attachments = [{"server_id": "a", "device": "/dev/vdb"}, {"server_id": "b", "device": "/dev/vdc"}]

    found = volume(attachments=attachments)

    assert found.servers == ("a", "b")
    assert "device" not in found.record.configuration


def test_servers_and_images_name_what_they_come_from():
    image = normalize.image(
        {"id": "i1", "name": "copy", "status": "active", "image_type": "snapshot", "instance_uuid": "5b0f"},
        PLACE,
    )

    assert server(image={"id": "i0"}).record.configuration["image_id"] == "i0"
    assert "image_id" not in server(image="").record.configuration
    assert image.record.configuration == {"is_snapshot": True, "server_id": "5b0f"}


def test_volumes_join_by_their_own_word():
    assert parents([server(**{"os-extended-volumes:volumes_attached": []})], [volume()]) == {
        "77e5": ("5b0f", False)
    }


def test_volumes_join_by_the_servers_word():
    assert parents([server()], [volume(attachments=[], name="data")]) == {"77e5": ("5b0f", False)}


def test_volumes_join_by_the_bill_before_their_name():
    bare = server(**{"os-extended-volumes:volumes_attached": []})
    other = server(**{"id": "9999", "name": "api-2", "os-extended-volumes:volumes_attached": []})
    disk = volume(attachments=[])

    assert parents([bare, other], [disk], billed_parents={"77e5": "9999"}) == {"77e5": ("9999", False)}


@pytest.mark.parametrize("name", ["disk-for-api-1", "disk-for-api-1-#1", "disk-for-api-1-#12"])
def test_volumes_join_by_name_last(name):
    bare = server(**{"os-extended-volumes:volumes_attached": []})

    assert parents([bare], [volume(attachments=[], name=name)]) == {"77e5": ("5b0f", False)}


def test_a_name_that_two_servers_bear_joins_nothing():
    one = server(**{"os-extended-volumes:volumes_attached": []})
    two = server(**{"id": "9999", "os-extended-volumes:volumes_attached": []})

    assert parents([one, two], [volume(attachments=[])]) == {"77e5": ("", True)}


def test_an_attachment_to_a_server_that_is_gone_leaves_an_orphan():
    assert parents([], [volume(name="data")]) == {"77e5": ("", True)}


def test_an_attachment_stays_where_servers_could_not_be_listed():
    assert parents([], [volume()], complete={"volumes"}) == {"77e5": ("5b0f", False)}


@pytest.mark.parametrize("word", ["attaching", "detaching", "reserved"])
def test_a_volume_on_its_way_is_no_orphan(word):
    assert parents([], [volume(status=word, attachments=[], name="data")]) == {"77e5": ("", False)}


def test_addresses_join_by_port_to_servers_and_balancers():
    free = normalize.floating_ip(
        {"id": "f1", "floating_ip_address": "203.0.113.1", "port_id": None, "status": "DOWN"}, PLACE
    )
    of_server = normalize.floating_ip(
        {"id": "f2", "floating_ip_address": "203.0.113.2", "port_id": "po1", "status": "ACTIVE"}, PLACE
    )
    of_balancer = normalize.floating_ip(
        {"id": "f3", "floating_ip_address": "203.0.113.3", "port_id": "po2", "status": "ACTIVE"}, PLACE
    )
    balancer = normalize.load_balancer(
        {"id": "lb", "name": "lb", "provisioning_status": "ACTIVE", "vip_port_id": "po2"}, PLACE
    )
    assert all((free, of_server, of_balancer, balancer))
    around = Neighbourhood(
        things={
            "servers": [server()],
            "load_balancers": [balancer],
            "floating_ips": [free, of_server, of_balancer],
        },
        ports=[Port(port_id="po1", device_id="5b0f", device_owner="compute:ru-3b")],
    )

    found = {record.resource_id: record for record in joined("floating_ips", around)}

    assert {key: record.parent_id for key, record in found.items()} == {"f1": "", "f2": "5b0f", "f3": "lb"}
    assert {key: record.is_orphan for key, record in found.items()} == {"f1": True, "f2": False, "f3": False}
    assert found["f1"].name == "203.0.113.1"


@pytest.mark.parametrize(
    ("volumes", "complete", "is_known"),
    [
        ([{"name": "data", "attachments": []}], {"servers", "volumes"}, True),
        ([{"name": "data", "attachments": []}], {"volumes"}, False),
        ([{"name": "data"}], {"volumes"}, True),
        ([{"name": "data", "attachments": [], "status": "detaching"}], {"servers", "volumes"}, False),
    ],
    ids=["all listed", "no servers", "no servers, its own word", "on its way"],
)
def test_a_volume_says_whether_anybody_could_look_for_its_server(volumes, complete, is_known):
    around = Neighbourhood(things={"volumes": [volume(**each) for each in volumes]}, complete=complete)

    assert [record.is_parent_known for record in joined("volumes", around)] == [is_known]


@pytest.mark.parametrize(
    ("owner", "complete", "is_known"),
    [
        ("compute:ru-3b", {"ports", "load_balancers"}, False),
        ("compute:ru-3b", {"ports", "servers"}, True),
        ("Octavia", {"ports", "servers"}, False),
        ("Octavia", {"ports", "servers", "load_balancers"}, True),
        ("", {"servers", "load_balancers"}, False),
        ("", {"servers", "load_balancers", "ports"}, True),
    ],
    ids=[
        "no servers",
        "all servers",
        "no balancers",
        "all balancers",
        "no ports",
        "port unknown",
    ],
)
def test_an_address_says_whether_anybody_could_look_for_its_owner(owner, complete, is_known):
    address = normalize.floating_ip(
        {"id": "f2", "floating_ip_address": "203.0.113.2", "port_id": "po1", "status": "ACTIVE"}, PLACE
    )
    ports = [Port(port_id="po1", device_id="x", device_owner=owner)] if owner else []
    around = Neighbourhood(things={"floating_ips": [address]}, ports=ports, complete=complete)

    assert [record.is_parent_known for record in joined("floating_ips", around)] == [is_known]


def test_a_snapshot_whose_volume_is_gone_is_an_orphan():
    kept = normalize.snapshot({"id": "s1", "volume_id": "77e5", "size": 50, "status": "available"}, PLACE)
    lost = normalize.snapshot({"id": "s2", "volume_id": "gone", "size": 50, "status": "available"}, PLACE)
    around = Neighbourhood(things={"volumes": [volume()], "snapshots": [kept, lost]}, complete={"volumes"})

    found = [(record.is_orphan, record.is_parent_known) for record in joined("snapshots", around)]
    blind = [
        (record.is_orphan, record.is_parent_known)
        for record in joined("snapshots", replace(around, things={"snapshots": [lost]}, complete=set()))
    ]

    assert found == [(False, True), (True, True)]
    assert blind == [(False, False)]


def test_what_belongs_to_others_is_left_out():
    foreign = {"id": "n1", "name": "shared", "status": "ACTIVE", "project_id": "p9"}

    assert normalize.network(foreign, PLACE) is None
    assert normalize.network({**foreign, "project_id": "p1", "router:external": True}, PLACE) is None
    assert normalize.image({"id": "i1", "visibility": "public", "status": "active"}, PLACE) is None
    assert normalize.image({"id": "i1", "owner": "p9", "status": "active"}, PLACE) is None
    assert normalize.port({"id": "po", "project_id": "p9"}, PLACE) is None


def test_an_images_size_is_in_bytes():
    found = normalize.image(
        {
            "id": "i1",
            "name": "gold",
            "owner": "p1",
            "status": "active",
            "size": 2147483648,
            "visibility": "private",
        },
        PLACE,
    )

    assert found is not None
    assert found.record.specification.storage_gib == Decimal("2.000")


def test_series_ascend_and_leave_nulls_out():
    measures = [
        ["2026-03-03T08:05:00+00:00", 300, 5],
        ["2026-03-03T08:00:00+00:00", 300, Decimal("4.2")],
        ["2026-03-03T08:10:00+00:00", 300, None],
    ]

    assert series.points(measures) == [
        (datetime(2026, 3, 3, 8, 0, tzinfo=UTC), 4.2),
        (datetime(2026, 3, 3, 8, 5, tzinfo=UTC), 5.0),
    ]
    assert series.memory_percent([(datetime(2026, 3, 3, tzinfo=UTC), 1024.0)], 4096)[0][1] == 25.0
